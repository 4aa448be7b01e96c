"""A resolver that knows what it was told and opens no socket."""

from collections.abc import Mapping, Sequence

from openhotline.connectors.dns.client import Streams
from openhotline.connectors.dns.meaning import DnsAnswer


class FakeDns:
    """`zones` maps a name to its addresses; a name that is not there does not exist."""

    def __init__(self, zones: Mapping[str, tuple[str, ...]]) -> None:
        self.zones = dict(zones)
        self.asked: list[tuple[str, str]] = []

    async def ask(
        self,
        questions: Sequence[tuple[str, str]],
        *,
        streams: Streams | None = None,
        timeout_s: float = 0,
    ) -> list[DnsAnswer]:
        """The call signature of `client.ask`."""
        self.asked += questions
        answers = []
        for name, kind in questions:
            known = self.zones.get(name)
            mine = tuple(a for a in known or () if (":" in a) == (kind == "AAAA") and kind != "NS")
            rcode = "NXDOMAIN" if known is None else "NOERROR"
            answers.append(DnsAnswer(name, kind, ok=True, rcode=rcode, addresses=mine))
        return answers
