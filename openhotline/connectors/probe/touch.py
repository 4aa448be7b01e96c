"""The methods that touch the reported server: a TCP connection, a TLS handshake, and never a request.

True here: nothing of this runs before an analyst has opened the item (the job says so), and only vetted literals
are connected to. Not here: the decision (`trace.py`), what is read from it (`connectors/tls`, `connectors/roundtrip`).
"""

import asyncio
import time

from openhotline import __version__
from openhotline.connectors.moment import Moment
from openhotline.connectors.probe.apart import take_apart
from openhotline.connectors.probe.config import ProbeConfig
from openhotline.connectors.probe.deny import Vetted
from openhotline.connectors.probe.exits import Exits, NoWay
from openhotline.connectors.probe.meaning import TraceJob
from openhotline.connectors.probe.ways import DIRECT, Way
from openhotline.connectors.roundtrip import meaning as roundtrip
from openhotline.connectors.tls import client as tls
from openhotline.rules import methods
from openhotline.rules.facts import MethodAnswer

TLS_PORT = 443
TRIES = 2  # connections measured from each vantage point; the quicker one counts
NOT_YET = "Nothing was sent to the server: an analyst must open the item and allow it first."
_TOOL = f"openhotline tcp {__version__}"


class Touch:
    """The touching methods of one prober."""

    def __init__(self, config: ProbeConfig, exits: Exits) -> None:
        self.config, self.exits = config, exits
        self._context = tls.context()

    async def all(self, job: TraceJob, to: Vetted, given: Moment, vantage: str = "") -> list[MethodAnswer]:
        """The certificate, from one vantage point, and a round trip from each (or from `vantage` alone)."""
        address = take_apart(job.canonical, self.config.ports)
        port = TLS_PORT if isinstance(address, str) else address.port
        secure = port if not isinstance(address, str) and address.secure else TLS_PORT
        points = [vantage] if vantage else list(self.config.ordinary)
        answers = await asyncio.gather(
            given.came(self.certificate(job, to, secure, vantage or self.config.trace_from)),
            *(given.came(self.round_trip(to, port, point)) for point in points),
        )
        tracing = self.config.tracing
        joint = roundtrip.together(answers[1:], tracing.places, tracing.extents)
        return [*answers, joint] if joint else list(answers)

    async def certificate(self, job: TraceJob, to: Vetted, port: int, vantage: str) -> MethodAnswer:
        """The names on the certificate that stands at the address."""
        started = time.monotonic()
        source = f"TLS to {to.literal} port {port}"
        try:
            sock = await self.exits.connect(vantage, to, port)
        except NoWay as no:
            why = f"No TLS there. {no.sentence}"
            return MethodAnswer(
                methods.CERTIFICATE, ok=False, why=why, source=source, vantage=vantage, tool=tls.TOOL
            )
        found = await tls.certificate(
            job.host,
            over=sock,
            using=self._context,
            source=source,
            at=job.at,
            timeout_s=self.config.limits.connect_s,
            elapsed=lambda: round(time.monotonic() - started, 4),
        )
        fields = {name: getattr(found, name) for name in found.__slots__}
        return MethodAnswer(**{**fields, "vantage": vantage, "tool": tls.TOOL, "addresses": (to.literal,)})

    async def round_trip(self, to: Vetted, port: int, vantage: str) -> MethodAnswer:
        """How quickly a connection came about, and what that rules out."""
        tried, why = [], ""
        for _ in range(TRIES):
            started = time.perf_counter()
            try:
                sock = await self.exits.connect(vantage, to, port)
            except NoWay as no:
                why = no.sentence
                break
            tried.append(time.perf_counter() - started)
            sock.close()
        if not tried:
            return MethodAnswer(
                methods.ROUND_TRIP,
                ok=False,
                why=f"No connection to measure. {why}",
                source=f"TCP to {to.literal} port {port}",
                vantage=vantage,
                tool=_TOOL,
            )
        found = roundtrip.answer(
            tried,
            vantage=vantage,
            place=self.config.tracing.places.get(vantage),
            extents=self.config.tracing.extents,
            literal=to.literal,
            port=port,
            through_exit=Way(*self.config.vantages[vantage]).kind != DIRECT,
        )
        fields = {name: getattr(found, name) for name in found.__slots__}
        return MethodAnswer(**{**fields, "tool": _TOOL})
