"""A look by the prober as a process: status and headers, the signs of a page, no byte of anything else, and the canary."""

import asyncio
import gzip
from dataclasses import replace
from datetime import timedelta

import pytest

from openhotline.connectors.probe.meaning import CheckJob
from tests.connectors.small_world import SITE
from tests.connectors.town import CANARY, JPEG, PICTURE, Town, cut, hang


def test_a_picture_answers_with_status_and_headers_and_not_one_byte_of_itself(place: Town) -> None:
    facts = place.look("http://site.example.org/a/1.jpg?x=1")
    assert (facts.outcome, facts.status, facts.content_type) == ("answered", 200, "image/jpeg")
    assert facts.length == len(JPEG) and facts.peer == SITE and facts.canary_up and facts.at == place.at
    assert (facts.title, facts.fingerprint) == ("", "")
    assert "SECRET" not in repr(facts)


KINDS = ["image/jpeg", "video/mp4", "application/octet-stream", "text/plain", "application/xhtml+xml", "", "TEXT/CSS",
         "text/html-not", "image/jpeg; text/html", "multipart/mixed", "application/json", "image/svg+xml"]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("status", ["200 OK", "206 Partial Content", "404 Not Found", "503 Busy"])
def test_of_a_body_that_is_not_a_page_nothing_is_kept(place: Town, kind: str, status: str) -> None:
    body = b"<title>SECRET</title>SECRET" + JPEG
    head = f"HTTP/1.1 {status}\r\n" + (f"Content-Type: {kind}\r\n" if kind else "")
    place.world.hosts[(SITE, 80)] = place.world.page(body, head)
    facts = place.look("http://site.example.org/x")
    assert facts.outcome == "answered" and facts.status == int(status[:3])
    assert "SECRET" not in repr(facts) and (facts.title, facts.fingerprint) == ("", "")


def test_a_picture_that_calls_itself_a_page_is_not_kept_either(place: Town) -> None:
    place.world.hosts[(SITE, 80)] = place.world.page(b"<title>SECRET</title>" + JPEG)
    facts = place.look("http://site.example.org/x")
    assert facts.outcome == "answered" and "SECRET" not in repr(facts) and "is not" in facts.why
    assert (facts.title, facts.fingerprint) == ("", "")


@pytest.mark.parametrize("packed", [False, True])
def test_a_page_gives_its_title_and_fingerprint(place: Town, packed: bool) -> None:
    body = b"<html><title>Account suspended</title><p>Gone.</p>"
    head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
    place.world.hosts[(SITE, 80)] = (
        place.world.page(gzip.compress(body), head + "Content-Encoding: gzip\r\n")
        if packed
        else place.world.page(body)
    )
    one = place.look("http://site.example.org/x")
    assert one.title == "Account suspended" and len(one.fingerprint) == 64


def test_a_page_of_which_one_byte_came_is_asked_for_again_whole(place: Town) -> None:
    async def ranged(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        place.world.requests.append(head)
        body, status = (
            (b"<", "206 Partial Content") if b"Range:" in head else (b"<title>Whole</title>", "200 OK")
        )
        writer.write(
            f"HTTP/1.1 {status}\r\nContent-Type: text/html\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            + body
        )

    place.world.hosts[(SITE, 80)] = ranged
    facts = place.look("http://site.example.org/x")
    assert (facts.status, facts.title) == (200, "Whole")


def test_a_bomb_stops_at_the_cap(place: Town) -> None:
    bomb = gzip.compress(b"<title>Big</title>" + b"a" * 50_000_000)
    head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: gzip\r\n"
    place.world.hosts[(SITE, 80)] = place.world.page(bomb, head)
    assert place.look("http://site.example.org/x").title == "Big"


def test_the_request_looks_like_an_ordinary_browsers_and_names_nothing_of_ours(place: Town) -> None:
    place.look("http://site.example.org/a?b=c#d")
    head = next(r for r in place.world.requests if b"site.example.org" in r).decode()
    names = [line.split(":")[0] for line in head.split("\r\n")[1:] if line]
    assert names == [
        "Host",
        "User-Agent",
        "Accept",
        "Accept-Language",
        "Accept-Encoding",
        "Range",
        "Upgrade-Insecure-Requests",
        "Connection",
    ]
    assert head.startswith("GET /a?b=c HTTP/1.1") and "Range: bytes=0-0" in head
    assert not any(word in head.lower() for word in ("curl", "hotline", "python", "referer", "cookie"))


def test_a_referrer_is_sent_when_the_path_needs_it(place: Town) -> None:
    facts = place.look("http://site.example.org/a", referrer="http://lead.example.org/in")
    head = next(r for r in place.world.requests if b"site.example.org" in r)
    assert b"Referer: http://lead.example.org/in\r\n" in head and facts.path_variant == "referrer"


def test_without_leave_only_the_name_is_looked_up(place: Town) -> None:
    facts = place.look("http://site.example.org/token/abc", allow_path=False)
    assert facts.outcome == "blocked" and SITE in facts.why and facts.status == 0
    assert (SITE, 80) not in place.world.asked
    assert place.look("http://no.example.org/x", allow_path=False).outcome == "no-name"


def test_how_looks_fail(hurried: Town) -> None:
    place = hurried
    assert place.look("http://no.example.org/").outcome == "no-name"
    place.world.zones["closed.example.org"] = ["192.0.2.99"]
    assert place.look("http://closed.example.org/").outcome == "refused"
    for how, outcome in ((hang, "timeout"), (cut, "cut-off")):
        place.world.hosts[(SITE, 80)] = how(place)
        facts = place.look("http://site.example.org/")
        assert facts.outcome == outcome and facts.why and facts.canary_up
    place.world.hosts[(SITE, 80)] = place.world.page(
        b"", "HTTP/1.1 200 OK\r\n" + "X-Long: aaaaaaaaaaaaaaaa\r\n" * 101
    )
    assert place.look("http://site.example.org/").outcome == "error"
    place.world.hosts[(SITE, 80)] = place.world.page(
        b"", "HTTP/1.1 200 OK\r\nX-Long: " + "a" * 40_000 + "\r\n"
    )
    assert place.look("http://site.example.org/").outcome == "error"


def test_a_site_that_is_silent_while_our_canary_is_too_proves_nothing(place: Town) -> None:
    del place.world.hosts[(CANARY, 80)]
    facts = place.look("http://site.example.org/a")
    assert facts.outcome == "answered" and facts.canary_up is False


def test_silence_by_ipv6_proves_nothing_where_our_line_is_proved_by_ipv4_alone(place: Town) -> None:
    six, canary_6 = "2001:db8::10", "2001:db8::80"
    place.world.zones["six.example.org"] = [six]
    facts = place.look("http://six.example.org/a")
    assert facts.outcome == "refused" and facts.canary_up is False and "not proved by IPv6" in facts.why
    assert place.look("http://closed.example.org/").canary_up, "of IPv4 nothing is held against it"
    later = replace(place, at=place.at + timedelta(minutes=2))
    place.world.zones["canary.example.org"] = [CANARY, canary_6]
    place.world.hosts[(canary_6, 80)] = place.world.page(b"ok")
    facts = later.look("http://six.example.org/a")
    assert facts.outcome == "refused" and facts.canary_up and facts.why.endswith("connection.")
    place.world.hosts[(six, 80)] = place.world.page(JPEG, PICTURE)
    assert later.look("http://six.example.org/a").outcome == "answered"


def test_the_canary_is_looked_at_once_a_minute(place: Town) -> None:
    job = CheckJob("http://site.example.org/a", "north", place.at, allow_path=True)
    place.prober.check([job] * 20)
    place.prober.check([replace(job, at=place.at + timedelta(seconds=59))])
    assert place.world.asked.count((CANARY, 80)) == 1
    place.prober.check([replace(job, at=place.at + timedelta(seconds=61))])
    assert place.world.asked.count((CANARY, 80)) == 2
