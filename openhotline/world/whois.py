"""WHOIS on port 43: a root that knows who knows, and a registry in the dialects in use.

True here: one question a connection, then the end (RFC 3912). Silence, half an answer, a trickle, noise, a flood, a
ring of referrals and a wrong country can be switched on per network. Not here: RDAP (`rdap.py`).
"""

import asyncio
import ipaddress
from collections.abc import Callable
from datetime import datetime

from openhotline.world import places
from openhotline.world.behaviour import Behaviours
from openhotline.world.places import Network
from openhotline.world.rdap import DIALECTS
from openhotline.world.truth import Truth

SLOW_S = 0.3  # between two lines, where it is told to be slow


class Whois:
    """Both servers."""

    def __init__(self, truth: Truth, behaviours: Behaviours, now: Callable[[], datetime]) -> None:
        self.truth, self.behaviours, self.now = truth, behaviours, now

    def root(self, question: str) -> tuple[str, str]:
        """(text, how it fails) of the server that is asked first."""
        return f"% This server knows who knows.\n\nrefer:        {places.WHOIS_NAME}\n", ""

    def registry(self, question: str) -> tuple[str, str]:
        """(text, how it fails) of the registry's server."""
        words = question.split()
        asked = words[-1] if words else ""
        try:
            network = self.truth.network(str(ipaddress.ip_address(asked)))
        except ValueError:
            return self._domain(asked.lower().rstrip("."))
        word = self.behaviours.of("whois", network.key if network else "")
        if network is None or word == "nothing":
            return "% No entries found for the selected source(s).\n", ""
        if word == "loop":
            return f"refer: {places.WHOIS_ROOT_NAME}\n", ""
        if word == "malformed":
            return "\x00\xff:" * 400 + "inetnum: 999.0.2.0 - x\ncountry: \x1b[31m\n", ""
        if word == "huge":
            return "remarks: " + "x" * 100 + "\n" + ("descr: y\n" * 20_000), ""
        country = "XA" if word == "wrong-country" else network.country
        return _text(network, asked, country), word

    def _domain(self, name: str) -> tuple[str, str]:
        if not places.is_reserved_name(name) or name not in self.truth.zones | set(self.truth.hosts):
            return f'No match for "{name.upper()}".\n', ""
        return (
            f"Domain Name: {name.upper()}\nRegistrar: World Registrar\n"
            "Registrar Abuse Contact Email: abuse@registrar.example\nRegistrant Country: GB\n"
        ), self.behaviours.of("whois", "domain")


def _text(network: Network, asked: str, country: str) -> str:
    prefix = ipaddress.ip_network(network.prefix6 if ":" in asked else network.prefix)
    ends = f"{prefix[0]} - {prefix[-1]}"
    mail = network.abuse[0] if network.abuse else ""
    dialect = DIALECTS.get(network.key, "ripe")
    if dialect == "arin":
        lines = [
            "#",
            f"NetRange:       {ends}",
            f"CIDR:           {prefix}",
            f"NetName:        {network.key.upper()}",
            f"OriginAS:       AS{network.asn}",
            "Updated:        2026-01-15",
            "",
            f"OrgName:        {network.operator}",
            f"Country:        {country}",
            "",
            f"OrgAbuseEmail:  {mail}",
        ]
    elif dialect == "lacnic":
        lines = [
            f"inetnum:     {prefix}",
            f"aut-num:     AS{network.asn}",
            f"owner:       {network.operator}",
            f"country:     {country}",
            "changed:     20260115",
            f"abuse-mailbox: {mail}",
            "",
            f"nic-hdl:     N{network.asn}",
            "country:     XB",  # where a person of theirs lives
            "changed:     20110504",
        ]
    else:
        lines = [
            "% Information related to the network",
            f"% Abuse contact for '{ends}' is '{mail}'",
            "",
            f"{'inet6num' if ':' in asked else 'inetnum'}:        {prefix if ':' in asked else ends}",
            f"netname:        {network.key.upper()}",
            f"country:        {country}",
            "last-modified:  2026-01-15T00:00:00Z",
            "",
            f"organisation:   ORG-{network.asn}",
            f"org-name:       {network.operator}",
            "",
            f"route:          {prefix}",
            f"origin:         AS{network.asn}",
        ]
        if dialect == "apnic":
            lines += ["", f"role:           ABUSE {network.key.upper()}", "country:        ZZ"]
    return "\n".join(lines) + "\n"


class WhoisTalk(asyncio.Protocol):
    """One question, one text."""

    def __init__(self, say: Callable[[str], tuple[str, str]]) -> None:
        self.say = say
        self.transport: asyncio.Transport | None = None
        self._got = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection over."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer once the line is whole."""
        self._got += data
        if b"\n" not in self._got or self.transport is None:
            return
        line, self._got = self._got.partition(b"\n")[0], b""
        text, how = self.say(line.decode("latin-1").strip()[:255])
        if how == "timeout":
            return
        if how == "slow":
            asyncio.get_running_loop().create_task(self._trickle(text))
            return
        out = text.encode("latin-1", "replace")
        self.transport.write(out[: len(out) // 2] if how == "cut-off" else out)
        self.transport.close()

    async def _trickle(self, text: str) -> None:
        assert self.transport is not None
        for line in text.splitlines(keepends=True):
            if self.transport.is_closing():
                return
            self.transport.write(line.encode("latin-1", "replace"))
            await asyncio.sleep(SLOW_S)
        self.transport.close()
