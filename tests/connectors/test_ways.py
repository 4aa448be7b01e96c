"""Every kind of exit: written down, spoken to, told the literal and nothing else, and what it may answer."""

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from openhotline.connectors.probe import wall
from openhotline.connectors.probe.config import Limits, ProbeConfig
from openhotline.connectors.probe.deny import Vetted
from openhotline.connectors.probe.exits import Exits, NoWay
from openhotline.connectors.probe.ways import Way, read_way
from openhotline.jobs import exits as house_exits
from openhotline.rules.refusals import Refused
from openhotline.settings import Settings
from tests.connectors.small_world import KINDS, PASSWORD, SITE, USER, SmallWorld

LIMITS = Limits(connect_s=10, total_s=20)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[SmallWorld]:
    with SmallWorld(tmp_path / "exit.sock") as made:
        made.hosts |= {(SITE, 80): made.page(b"<title>Here</title>"), ("2001:db8::10", 80): made.page(b"six")}
        yield made


def exits(world: SmallWorld, way: Way) -> Exits:
    return Exits(ProbeConfig({"north": way}, lift_documentation=True, limits=LIMITS, trust=world.trust))


async def said(out: Exits, literal: str, port: int = 80) -> bytes:
    sock = await out.connect("north", Vetted(literal, 6 if ":" in literal else 4), port)
    try:
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(sock, b"GET / HTTP/1.1\r\nHost: site.example.org\r\n\r\n")
        got = b""
        while piece := await loop.sock_recv(sock, 4096):
            got += piece
        return got
    finally:
        sock.close()


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_leads_to_the_literal_and_says_when_it_does_not(world: SmallWorld, kind: str) -> None:
    async def main() -> None:
        out = exits(world, world.way(kind))
        assert (await said(out, SITE)).endswith(b"<title>Here</title>")
        assert (await said(out, "2001:db8::10")).endswith(b"six")
        with pytest.raises(NoWay) as no:
            await said(out, "192.0.2.99")
        assert no.value.outcome == ("refused" if kind.startswith("socks") else "error")

    asyncio.run(main())
    assert world.asked == [(SITE, 80), ("2001:db8::10", 80), ("192.0.2.99", 80)]
    told = b"".join(world.heads).lower()
    assert not any(word in told for word in (b"user-agent", b"hotline", b"example.org"))


@pytest.mark.parametrize("kind", ["socks5", "connect", "connect-tls"])
def test_a_wrong_password_is_our_own_line_down_and_no_miss(world: SmallWorld, kind: str) -> None:
    async def main() -> None:
        with pytest.raises(NoWay) as no:
            await said(exits(world, world.way(kind)._replace(password="sesame")), SITE)
        assert no.value.outcome == "blocked" and "sesame" not in no.value.sentence

    asyncio.run(main())
    assert world.asked == []


def test_a_proxy_with_another_certificate_is_not_spoken_to(world: SmallWorld) -> None:
    async def main() -> None:
        for way, trust in (
            (world.way("connect-tls"), ""),
            (world.way("connect-tls")._replace(name="other.example"), world.trust),
        ):
            config = ProbeConfig({"north": way}, lift_documentation=True, limits=LIMITS, trust=trust)
            with pytest.raises(NoWay) as no:
                await said(Exits(config), SITE)
            assert no.value.outcome == "blocked"

    asyncio.run(main())
    assert world.heads == []


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (b"HTTP/1.1 504 Late\r\n\r\n", "timeout"),
        (b"HTTP/1.1 502 Bad\r\n\r\n", "error"),
        (b"HTTP/1.1 403 No\r\n\r\n", "blocked"),
        (b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 404 Forged\r\n\r\n", "blocked"),
        (b"HTTP/1.1 " + b"x" * 20000, "blocked"),
        (b"SSH-2.0-x\r\n\r\n", "blocked"),
        (b"HTTP/1.1 999999 x\r\n\r\n", "blocked"),
        (b"", "blocked"),
        (b"HTTP/1.1 200", "blocked"),
    ],
)
@pytest.mark.parametrize("kind", ["connect", "connect-tls"])
def test_a_proxy_that_lies_or_stalls_is_a_sentence(
    tmp_path: Path, answer: bytes, outcome: str, kind: str
) -> None:
    from tests.connectors.small_world import PROXY, certificate

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            await writer.drain()
        writer.close()

    async def main() -> None:
        context, trust = certificate(tmp_path)
        tls = context if kind == "connect-tls" else None
        server = await asyncio.start_server(proxy, "127.0.0.1", 0, ssl=tls)
        way = Way(kind, f"127.0.0.1:{server.sockets[0].getsockname()[1]}", name=PROXY if tls else "")
        config = ProbeConfig({"north": way}, lift_documentation=True, limits=LIMITS, trust=trust)
        with pytest.raises(NoWay) as no:
            await Exits(config).connect("north", Vetted(SITE, 4), 80)
        assert no.value.outcome == outcome
        server.close()

    asyncio.run(main())


def test_an_operator_writes_exits_down(tmp_path: Path) -> None:
    written = (
        "a=/run/a.sock, b=socks5:///run/b.sock,c=socks5://looker:p%40ss%3Aw%2Crd@192.0.2.7:1080,"
        "d=http://[2001:db8::7]:3128,e=http:///run/e.sock,f=https://192.0.2.9:8443?name=proxy.example"
    )
    assert house_exits.named_exits(written) == {
        "a": Way("socks5-unix", "/run/a.sock"),
        "b": Way("socks5-unix", "/run/b.sock"),
        "c": Way("socks5", "192.0.2.7:1080", USER, PASSWORD),
        "d": Way("connect", "[2001:db8::7]:3128"),
        "e": Way("connect-unix", "/run/e.sock"),
        "f": Way("connect-tls", "192.0.2.9:8443", name="proxy.example"),
    }
    assert house_exits.own_ranges("192.0.2.0/24, 2001:db8::/32") == ("192.0.2.0/24", "2001:db8::/32")


@pytest.mark.parametrize(
    "written",
    [
        "north=direct",
        "a=socks5://192.0.2.7:1080,b=http://192.0.2.7:1080",
        "a=/run/a.sock,b=socks5:///run/a.sock",
    ],
)
def test_one_way_out_is_not_two_vantage_points(written: str, tmp_path: Path) -> None:
    """ "Gone" needs two places; one that has two names would agree with itself."""
    with pytest.raises(Refused, match="are one way out"):
        house_exits.probe_config(Settings(kind="test", data_dir=tmp_path, exit="direct", exits=written))
    by_user = "a=socks5://one:x@192.0.2.7:1080,b=socks5://two:x@192.0.2.7:1080"
    settings = Settings(kind="test", data_dir=tmp_path, exit="direct", exits=by_user)
    assert list(house_exits.probe_config(settings).vantages) == ["direct", "a", "b"]


@pytest.mark.parametrize(
    "written",
    ["a", "A=/run/x.sock", "a=relative.sock", "a=socks5://proxy.example:1080", "a=ftp://192.0.2.7:21", "a=https:///x",
     "a=socks5://u:sec%0Aret@192.0.2.7:1080", "a=socks5://u:secret@192.0.2.7", "a=socks5://u:secret@192.0.2.7:99999"],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_without_the_password(written: str) -> None:
    with pytest.raises(ValueError, match=r"\.$") as no:
        house_exits.named_exits(written)
    assert "sec" not in str(no.value).replace("second", "")


def test_a_way_shows_no_password_and_travels_whole() -> None:
    way = read_way("socks5://looker:secret@192.0.2.7:1080")
    assert "secret" not in repr(way) and "secret" not in f"{way}" + f"{[way]}"
    config = ProbeConfig({"n": way, "m": Way("direct")})
    again = ProbeConfig.from_json(config.to_json())
    assert {name: Way(*one) for name, one in again.vantages.items()} == config.vantages


# --- the wall: what must be out of reach is tried for


def test_a_direct_line_without_a_wall_is_found_out() -> None:
    config = ProbeConfig({"here": Way("direct")}, never=())
    found = asyncio.run(wall.reached(config, Exits(config)))
    assert any(one.startswith("127.0.0.1 through here") for one in found)
    assert "OPENHOTLINE_WALL=none" in wall.sentence(found)


@pytest.mark.parametrize("kind", KINDS)
def test_an_exit_that_leads_back_to_this_machine_is_found_out(world: SmallWorld, kind: str) -> None:
    config = ProbeConfig(
        {"north": world.way(kind)}, limits=LIMITS, trust=world.trust, never=(("192.0.2.1", 5432),)
    )
    assert asyncio.run(wall.reached(config, Exits(config))) == ()
    tried = {literal for literal, _ in world.asked}
    assert {"127.0.0.1", "192.0.2.1"} <= tried, "it was tried for, through this exit"
    world.hosts[("192.0.2.1", 5432)] = world.page(b"the database")
    assert asyncio.run(wall.reached(config, Exits(config))) == (f"192.0.2.1 through north ({kind})",)


def test_the_runbooks_wall_holds_every_range_of_the_table() -> None:
    from openhotline.connectors.probe import deny

    text = (Path(__file__).resolve().parents[2] / "docs" / "RUNBOOK.md").read_text("utf-8")
    table = text[text.index("table inet openhotline_prober") :].split("```", 1)[0]
    networks = [str(network) for network, _ in (*deny._DENIED_4, *deny._DENIED_6)]
    assert [network for network in networks if network not in table] == []
