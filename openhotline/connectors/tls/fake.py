"""A TLS server that shows the certificate it was told and opens no socket."""

import socket
import ssl
from collections.abc import Callable, Mapping
from datetime import datetime

from openhotline.connectors.tls.meaning import METHOD, read
from openhotline.rules.facts import MethodAnswer


class FakeTls:
    """`known` maps a host to the DER of its certificate."""

    def __init__(self, known: Mapping[str, bytes]) -> None:
        self.known = dict(known)

    async def certificate(
        self,
        host: str,
        *,
        over: socket.socket | None = None,
        using: ssl.SSLContext | None = None,
        source: str = "fake",
        at: datetime,
        timeout_s: float = 0,
        elapsed: Callable[[], float] = lambda: 0.0,
    ) -> MethodAnswer:
        """The call signature of `client.certificate`."""
        der = self.known.get(host)
        if der is None:
            return MethodAnswer(METHOD, ok=False, why="The server showed no certificate.", source=source)
        return read(der, host=host, source=source, at=at)
