"""Onion services through real Tor clients, in a network that is all on this machine."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from openhotline.connectors.probe.check import Checker
from openhotline.connectors.probe.config import Limits, ProbeConfig
from openhotline.connectors.probe.deny import ONION, Vetted
from openhotline.connectors.probe.exits import Exits, NoWay
from openhotline.connectors.probe.fetch import Fetcher
from openhotline.connectors.probe.meaning import CheckJob
from openhotline.connectors.probe.names import Names
from openhotline.connectors.probe.walk import Walker
from openhotline.rules import signs
from openhotline.rules.facts import CheckFacts
from openhotline.world import onions
from tests.connectors import tor_network
from tests.connectors.tor_network import PATH, TorNetwork

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("code", "name", "outcome"),
    [
        (0x04, onions.NAME, "timeout"),
        (0xF0, onions.NAME, "timeout"),
        (0xF2, onions.NAME, "timeout"),
        (0xF4, onions.NAME, "blocked"),
        (0xF6, onions.NAME, "error"),
        (0x01, onions.NAME, "error"),
        (0x05, onions.NAME, "refused"),
        (0x04, "192.0.2.7", "timeout"),  # of an address: its machine is off
        (0x03, "192.0.2.7", "timeout"),
        (0x01, "192.0.2.7", "error"),
    ],
)
def test_what_an_exit_does_not_find_is_silence_and_a_service_that_wants_a_key_is_not(
    code: int, name: str, outcome: str
) -> None:
    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(3)
        writer.write(b"\x05\x00")
        await reader.read(300)
        writer.write(bytes((5, code, 0, 1)) + bytes(6))
        writer.close()

    async def main() -> str:
        server = await asyncio.start_server(proxy, "127.0.0.1", 0)
        way = ("socks5", f"127.0.0.1:{server.sockets[0].getsockname()[1]}")
        config = ProbeConfig(vantages={"tor": way, "plain": way}, onion=("tor",), limits=Limits(connect_s=5))
        exits = Exits(config)
        # One user for each onion service would be asked for a password; that is not the question here.
        exits._apart = lambda way, name: way  # type: ignore[method-assign]
        is_onion = name.endswith(".onion")
        with pytest.raises(NoWay) as no:
            await exits.connect("tor" if is_onion else "plain", Vetted(name, ONION if is_onion else 4), 80)
        server.close()
        await server.wait_closed()
        return no.value.outcome

    assert asyncio.run(main()) == outcome
    said = CheckFacts("http://x.example/", "tor", NOON, outcome, canary_up=True)
    assert (signs.read(said).meaning == signs.SILENT) is (outcome in ("timeout", "refused"))


@pytest.mark.release
@pytest.mark.once
@pytest.mark.skipif(not tor_network.installed(), reason="Debian's tor is not installed")
def test_a_real_onion_service_is_seen_and_missed_and_its_end_is_silence(tmp_path: Path) -> None:
    with tor_network.tor_network(tmp_path) as network:
        seen = looks(network, PATH)
        assert [(one.outcome, one.status, one.title) for one in seen] == [("answered", 200, "Rooms")] * 2
        assert [signs.read(one).meaning for one in seen] == [signs.UP] * 2
        assert [signs.read(one).meaning for one in looks(network, "/rooms/2")] == [signs.MISS] * 2
        told = {name.lower() for _, headers in network.seen for name in headers}
        assert not told & {"cookie", "referer", "via", "forwarded", "x-forwarded-for"}
        network.take_down()
        ended = looks(network, PATH)
        assert [one.outcome for one in ended] == ["timeout"] * 2, ended
        assert all(signs.read(one, None).meaning != signs.MISS for one in ended)


def looks(network: TorNetwork, path: str) -> list[CheckFacts]:
    """One look from each client."""
    names = [f"tor-{number}" for number in range(len(network.clients))]
    config = ProbeConfig(
        vantages={
            name: ("socks5", f"127.0.0.1:{port}") for name, port in zip(names, network.clients, strict=True)
        },
        onion=tuple(names),
        limits=Limits(total_s=25, first_byte_s=25),
        polite=False,
    )

    async def main() -> list[CheckFacts]:
        exits, fetcher = Exits(config), Fetcher()
        resolving = Names(config, exits)
        checker = Checker(config, resolving, Walker(config, exits, resolving, fetcher))
        jobs = [CheckJob(f"http://{network.onion}{path}", name, NOON, allow_path=True) for name in names]
        found = await asyncio.gather(*(checker.check(job) for job in jobs))
        fetcher.close()
        return list(found)

    return asyncio.run(main())
