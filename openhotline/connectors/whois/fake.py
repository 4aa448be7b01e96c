"""A WHOIS server that knows what it was told and opens no socket."""

from collections.abc import Callable, Mapping
from datetime import datetime

from openhotline.connectors.whois.client import Connect
from openhotline.connectors.whois.meaning import METHOD, read
from openhotline.rules.facts import MethodAnswer


class FakeWhois:
    """`known` maps a question to the text that is said about it."""

    def __init__(self, known: Mapping[str, str]) -> None:
        self.known = dict(known)

    async def about(
        self,
        question: str,
        *,
        server: str = "fake",
        connect: Connect | None = None,
        at: datetime,
        timeout_s: float = 0,
        address: str = "",
        elapsed: Callable[[], float] = lambda: 0.0,
    ) -> MethodAnswer:
        """The call signature of `client.about`."""
        text = self.known.get(question)
        if text is None:
            return MethodAnswer(
                METHOD, ok=False, why="The WHOIS server knows nothing about it.", source="fake"
            )
        return read(text.encode(), source="fake", at=at, asked=address)
