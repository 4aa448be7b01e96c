"""What is not the site's own answer, or not to what was asked, closes nothing; and what is gets read as a browser reads it."""

import asyncio
from pathlib import Path

import pytest

from openhotline.connectors.probe.apart import as_text
from openhotline.connectors.probe.deny import Vetted
from openhotline.connectors.probe.walk import TRIES, tried
from tests.connectors.eye import ADDRESS, eye, meaning, sends
from tests.connectors.small_world import SITE, Handler, certificate
from tests.connectors.town import CANARY

PAGE = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 20\r\n\r\n<title>Hello</title>"
EMPTY = b"Content-Length: 0\r\n\r\n"
ONE_BYTE = (
    b"HTTP/1.1 206 P\r\nContent-Type: text/html\r\nContent-Range: bytes 0-0/20\r\nContent-Length: 1\r\n\r\n<"
)


@pytest.mark.parametrize("status", ["404 Not Found", "410 Gone", "416 Range Not Satisfiable"])
def test_what_is_refused_to_a_range_is_asked_for_whole(status: str) -> None:
    with eye() as seen:
        refusal = f"HTTP/1.1 {status}\r\n".encode() + EMPTY
        facts = seen.says(refusal, PAGE)
        assert (facts.status, facts.title) == (200, "Hello")
        assert seen.says(refusal).status == int(status[:3]), "and what is refused whole as well is refused"
        assert seen.says(refusal, b"").outcome == "cut-off", (
            "no miss rests on a page that was not asked for whole"
        )


def test_a_byte_of_a_page_is_a_sight_though_the_page_does_not_come() -> None:
    """A server that takes one connection in a while gave a byte each time, and was called silent, after a day gone."""
    with eye() as seen:
        facts = seen.says(ONE_BYTE, b"")
        assert (facts.outcome, facts.status, meaning(facts)) == ("answered", 206, "up")
        assert "not the page" in facts.why


@pytest.mark.parametrize(
    "line",
    ["HTTP/1.1 4040 N", "HTTP/1.1 404x N", "HTTP/1.1 40 N", "HTTP/9.9 404 N", "ICY 404 N", "HTTP/1.1 404"],
)
def test_what_is_no_status_line_is_no_miss(line: str) -> None:
    with eye() as seen:
        cut_off = line.endswith("404")
        facts = seen.says(f"{line}\r\n".encode() + (b"Server: x\r\n" if cut_off else EMPTY))
        assert (facts.outcome, meaning(facts)) == ("error", "unclear")


@pytest.mark.parametrize(
    ("of_step", "outcome"), [("503 Busy", "error"), ("403 No", "error"), ("404 Not Found", "answered")]
)
def test_who_was_stopped_on_the_way_has_not_missed_it(of_step: str, outcome: str) -> None:
    """A disguised site shows the thing only to who comes by its path. A path that is gone with it is no stop."""
    with eye() as seen:
        seen.world.zones["way.example.org"] = ["192.0.2.61"]
        seen.world.hosts[("192.0.2.61", 80)] = sends(f"HTTP/1.1 {of_step}\r\n".encode() + EMPTY)
        seen.world.hosts[(SITE, 80)] = sends(b"HTTP/1.1 404 Not Found\r\n" + EMPTY)
        facts = seen.look(steps=("http://way.example.org/in",))
        assert (facts.outcome, meaning(facts)) == (outcome, "miss" if outcome == "answered" else "unclear")
        seen.world.hosts[(SITE, 80)] = sends(PAGE)
        assert meaning(seen.look(steps=("http://way.example.org/in",))) == "up", "what is seen is seen"


def test_a_switch_of_protocols_that_nobody_asked_for_is_no_answer() -> None:
    with eye() as seen:
        switch = b"HTTP/1.1 101 S\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\nHTTP/1.1 404 N\r\n"
        assert meaning(seen.says(switch + EMPTY)) == "unclear"


@pytest.mark.parametrize(
    "said",
    ["99999999999999999999999", "Mon, 01 Jan 99999999999999999999 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 -2359",
     "1 Jan 1 99:99:99 +999999999999999999999999", "\xb2\xb2", "Mon, 01 Jan 0001 00:00:00 +2359"],
)  # fmt: skip
def test_a_time_that_no_clock_has_is_not_the_probers_fault(said: str) -> None:
    with eye() as seen:
        head = b"HTTP/1.1 429 Busy\r\nRetry-After: " + said.encode("latin-1") + b"\r\n"
        assert (seen.says(head + EMPTY).status, meaning(seen.look())) == (429, "blocked")


@pytest.mark.parametrize(
    ("sent", "asked"),
    [
        ("/写真/1".encode(), "/%E5%86%99%E7%9C%9F/1"),
        (b"/caf\xe9", "/caf%E9"),
        ("/?q=é".encode(), "/?q=%C3%A9"),
    ],
)
def test_a_redirect_in_raw_bytes_leads_where_a_browser_goes(sent: bytes, asked: str) -> None:
    """Read as Latin-1 it led to a path that nobody has, and the 404 there was a miss."""
    with eye() as seen:
        seen.world.hosts[(SITE, 80)] = _leads_to(sent)
        assert seen.look().location == "http://site.example.org" + asked


def test_a_redirect_to_a_name_in_raw_letters_leads_to_that_name() -> None:
    with eye() as seen:
        seen.world.zones["xn--mnchen-3ya.example"] = [SITE]
        seen.world.hosts[(SITE, 80)] = _leads_to("http://münchen.example/".encode())
        assert seen.look().location == "http://xn--mnchen-3ya.example/"
        seen.world.hosts[(SITE, 80)] = _leads_to("http://①②⑦.⓪.⓪.①/".encode())
        assert "never connects" in seen.look().why


def test_a_page_that_names_its_own_address_was_not_reached_by_a_redirect() -> None:
    with eye() as seen:
        head = b"HTTP/1.1 200 OK\r\nLocation: /\r\nContent-Type: image/jpeg\r\n"
        facts = seen.says(head + EMPTY)
        assert (facts.location, meaning(facts)) == ("", "up")
        assert seen.says(b"HTTP/1.1 304 Same\r\nLocation: /x\r\n" + EMPTY).location == "/x"


def test_of_a_page_that_was_broken_off_only_the_title_is_searched() -> None:
    """The first lines of a long page talk of anything; cut off behind them it passed for a short page that says it is gone."""
    with eye() as seen:
        long = b"<title>Forum</title><p>What to do about an account suspended by mistake</p>" + b"word " * 900
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % len(long)
        assert seen.says(head + long).signs == ()
        assert (seen.says(head + long[:200]).signs, meaning(seen.look())) == ((), "up")
        told = long.replace(b"Forum", b"Account suspended")[:200]
        assert seen.says(head + told).signs == ("taken-down",)


def _leads_to(location: bytes) -> Handler:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = ADDRESS.encode().removeprefix(b"http://site.example.org") in await reader.readuntil(
            b"\r\n\r\n"
        )
        writer.write(b"HTTP/1.1 302 F\r\nLocation: " + location + b"\r\n" + EMPTY if first else PAGE)

    return handle


# Our own line


def test_a_canary_behind_a_certificate_that_nobody_vouches_for_proves_nothing(tmp_path: Path) -> None:
    """A proxy that opens TLS shows one of its own making. Of a site it is only said: many have a bad one."""
    context, _ = certificate(tmp_path, "canary.example.org")

    async def opened(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await writer.start_tls(context)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(PAGE)
        await writer.drain()

    with eye(canary="https://canary.example.org/") as seen:
        seen.world.hosts |= {(CANARY, 443): opened, (SITE, 443): opened}
        facts = seen.look("https://site.example.org/")
        assert (facts.status, facts.canary_up) == (200, False) and "could not be verified" in facts.why


def test_a_canary_that_was_led_away_proves_nothing() -> None:
    """Portals lead away."""
    with eye() as seen:
        seen.world.zones["portal.example.net"] = ["192.0.2.77"]
        seen.world.hosts[("192.0.2.77", 80)] = seen.world.page(b"Please log in")
        seen.world.hosts[(CANARY, 80)] = seen.world.page(
            b"", "HTTP/1.1 302 F\r\nLocation: http://portal.example.net/\r\n"
        )
        assert seen.look().canary_up is False
        seen.world.zones["www.canary.example.org"] = ["192.0.2.77"]
        seen.world.hosts[(CANARY, 80)] = seen.world.page(
            b"", "HTTP/1.1 301 M\r\nLocation: http://www.canary.example.org/\r\n"
        )
        assert seen.look().canary_up, "within its own name it may lead"


def test_silence_on_a_port_proves_nothing_where_the_canary_takes_no_connection_there() -> None:
    with eye() as seen:
        facts = seen.look("https://site.example.org/")
        assert (facts.outcome, facts.canary_up) == ("refused", False)
        assert "not proved by IPv4 on port 443" in facts.why and meaning(facts) == "unclear"
        seen.world.hosts[(CANARY, 443)] = sends(b"")
        assert meaning(seen.look("https://site.example.org/")) == "silent"


def test_a_name_whose_first_addresses_are_dead_is_not_silent_for_ever() -> None:
    with eye() as seen:
        four = [f"192.0.2.{n}" for n in (91, 92, 93, 94)]
        seen.world.zones["many.example.org"] = [*four, "2001:db8::94"]
        seen.world.hosts[("2001:db8::94", 80)] = seen.world.page(b"x")
        assert seen.look("http://many.example.org/").peer == "2001:db8::94", "the other kind is always tried"
    vetted = tuple(Vetted(literal, 4) for literal in four)
    assert {to for _ in range(200) for to in tried(vetted)} == set(vetted), "and in the end all of them"
    assert all(len(tried(vetted)) == TRIES and tried(vetted)[0] == vetted[0] for _ in range(20))
    assert tried(vetted[:2]) == vetted[:2]


def test_the_text_of_a_redirect_is_what_its_bytes_say() -> None:
    assert as_text("/plain") == "/plain"
    assert as_text("é".encode().decode("latin-1")) == "é"
    assert as_text("/\xff\xfe") == "/%FF%FE"


# Answers of the exit itself

SOCKS = {
    b"\x05\x01\x00\x01" + bytes(6): "error",
    b"\x05\x02\x00\x01" + bytes(6): "blocked",
    b"\x05\xc8\x00\x01" + bytes(6): "error",
    b"\x05\x05\x00\x03\x00\x00\x00": "refused",  # an empty name in place of an address: as some write nothing
    b"\x05\x04\x00\x00": "timeout",
    b"\x05\x00\x00\x09" + bytes(6): "blocked",
    b"\x05\x00\x00\x03\x03abc\x00\x50": "answered",
    b"\x04\x5a" + bytes(8): "blocked",
    b"\x05": "blocked",
}


@pytest.mark.parametrize("reply", SOCKS)
def test_what_a_socks_exit_says_is_not_what_the_site_says(reply: bytes) -> None:
    with eye() as seen:
        ordinary = seen.world._socks

        async def says(reader, writer, password):  # type: ignore[no-untyped-def]
            literal, port = await ordinary(reader, writer, password)
            if literal == SITE:
                writer.write(reply)
                await (_serve(reader, writer) if reply[1:2] == b"\0" else writer.drain())
                raise OSError("the exit has spoken")
            return literal, port

        seen.world._socks = says
        facts = seen.look()
        assert (facts.outcome, meaning(facts) == "miss") == (SOCKS[reply], False)


CONNECT = {
    "404 Not Found": "error", "410 Gone": "error", "403 Forbidden": "blocked", "407 Who": "blocked", "502 Bad": "error",
    "504 Late": "timeout", "301 M\r\nLocation: http://127.0.0.1/": "error", "100 Continue": "error", "101 S": "error",
    "2000 OK": "blocked", "204 No": "answered", "200 OK\r\nContent-Length: 5": "answered",
}  # fmt: skip


@pytest.mark.parametrize("reply", CONNECT)
def test_what_a_connect_exit_says_is_not_what_the_site_says(reply: str) -> None:
    with eye("connect-unix") as seen:
        ordinary = seen.world._connect

        async def says(first, reader, writer, password):  # type: ignore[no-untyped-def]
            literal, port = await ordinary(first, reader, writer, password)
            if literal == SITE:
                writer.write(f"HTTP/1.1 {reply}\r\n\r\n".encode())
                await (_serve(reader, writer) if CONNECT[reply] == "answered" else writer.drain())
                raise OSError("the exit has spoken")
            return literal, port

        seen.world._connect = says
        facts = seen.look()
        assert (facts.outcome, meaning(facts) == "miss") == (CONNECT[reply], False)


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 2)
    writer.write(PAGE)
    await writer.drain()
