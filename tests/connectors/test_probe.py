"""The prober as a process, against a tiny internet behind a SOCKS5 exit on a Unix socket."""

import asyncio
import contextlib
import gzip
import itertools
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from openhotline.connectors.probe.client import Prober, ProberUnreachable
from openhotline.connectors.probe.config import Limits, MmdbFile, ProbeConfig, Resolver
from openhotline.connectors.probe.fake import FakeProber, Truth
from openhotline.connectors.probe.meaning import CheckJob, TraceJob
from openhotline.connectors.probe.walk import Address, take_apart
from openhotline.rules.facts import CheckFacts, MethodAnswer, TraceFacts, written
from tests.connectors.small_world import REGISTRY, RESOLVER, SITE, SmallWorld
from tests.connectors.test_parsers import NETWORK, mmdb

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
CANARY = "192.0.2.80"
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF-SECRET-PICTURE-BYTES" + bytes(range(256)) * 64
PICTURE = "HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n"
# For what is expected to answer, however busy the machine; SHORT is for what is expected not to.
PATIENT = Limits(connect_s=30, tls_s=30, first_byte_s=60, slow_after_s=60, total_s=60, job_s=90, dns_s=30)
SHORT = replace(PATIENT, first_byte_s=1.5, total_s=2.5, dns_s=1.5)
START_S = 120  # a busy machine takes its time to start a program; one that ended is noticed at once
moments = (NOON + timedelta(hours=n) for n in itertools.count())  # every test has its own house time


@dataclass
class Town:
    """A running prober and the world it sees."""

    world: SmallWorld
    prober: Prober
    config: ProbeConfig
    folder: Path
    process: subprocess.Popen[bytes]
    at: datetime = field(default_factory=lambda: next(moments))

    def look(self, address: str, **more: Any) -> CheckFacts:
        job = CheckJob(address, "north", self.at, allow_path=True)
        return self.prober.check([replace(job, **more)])[0]


def start(folder: Path, config: ProbeConfig) -> tuple[subprocess.Popen[bytes], Prober]:
    (folder / "probe.json").write_text(config.to_json())
    socket_path = folder / "run" / "prober.sock"
    process = subprocess.Popen(
        [sys.executable, "-m", "openhotline.connectors.probe", "--socket", str(socket_path),
         "--config", str(folder / "probe.json")],
    )  # fmt: skip
    prober, end = Prober(socket_path), time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < end:
        with contextlib.suppress(ProberUnreachable):
            prober.hello()
            return process, prober
        time.sleep(0.05)
    process.kill()
    raise AssertionError(f"the prober did not start (exit code {process.wait()})")


@contextlib.contextmanager
def town(folder: Path, **other: Any) -> Iterator[Town]:
    """A world with a canary, a registry and one site, and a prober looking at it."""
    (folder / "run").mkdir(mode=0o700)
    exit_socket = folder / "run" / "world-exit.sock"
    with SmallWorld(exit_socket) as world:
        world.zones |= {
            "canary.example.org": [CANARY],
            "rdap.registry.example": [REGISTRY],
            "site.example.org": [SITE],
            "example.org": [],
        }
        world.hosts |= {
            (CANARY, 80): world.page(b"ok"),
            (REGISTRY, 80): world.registry(NETWORK),
            (SITE, 80): world.page(JPEG, PICTURE),
        }
        files = (
            MmdbFile(mmdb(folder / "c.mmdb", {"192.0.2.0/24": {"country": {"iso_code": "GB"}}}), "location"),
            MmdbFile(
                mmdb(folder / "o.mmdb", {"192.0.2.0/24": {"autonomous_system_number": 64500}}), "origin"
            ),
        )
        config = ProbeConfig(
            **{
                "vantages": {"north": ("socks5-unix", str(exit_socket))},
                "resolvers": (Resolver(RESOLVER, 53, "tcp"),),
                "rdap_base": "http://rdap.registry.example",
                "mmdb": files,
                "canary": "http://canary.example.org/",
                "limits": PATIENT,
                "lift_documentation": True,
                "polite": False,
                **other,
            }
        )
        process, prober = start(folder, config)
        try:
            yield Town(world, prober, config, folder, process)
        finally:
            process.terminate()
            process.wait(START_S)


@pytest.fixture(scope="module")
def running() -> Iterator[Town]:
    with tempfile.TemporaryDirectory() as name, town(Path(name)) as made:
        yield made


@pytest.fixture(scope="module")
def running_short() -> Iterator[Town]:
    with tempfile.TemporaryDirectory() as name, town(Path(name), limits=SHORT) as made:
        yield made


@pytest.fixture
def place(running: Town) -> Iterator[Town]:
    """The shared town, put back to how it was afterwards."""
    yield from lent(running)


@pytest.fixture
def hurried(running_short: Town) -> Iterator[Town]:
    """Another, whose prober waits for nobody for long: for what is expected not to answer."""
    yield from lent(running_short)


def lent(running: Town) -> Iterator[Town]:
    zones, hosts = dict(running.world.zones), dict(running.world.hosts)
    running.world.requests.clear()
    running.world.asked.clear()
    yield replace(running, at=next(moments))
    running.world.zones, running.world.hosts = zones, hosts


# What it says of itself


def test_it_says_whether_it_gave_up_root_and_that_this_machine_is_out_of_reach(place: Town) -> None:
    hello = place.prober.hello()
    assert hello.dropped == (os.getuid() == 0)
    assert (hello.uid == 0) is False
    assert "127.0.0.1" in hello.denies and "169.254.169.254" in hello.denies
    assert hello.vantages == ("north",) and hello.notes == ()


def test_it_loads_no_framework_and_no_room_but_the_rules() -> None:
    code = (
        "import sys, openhotline.connectors.probe.server;"
        "print([m for m in sys.modules if m.split('.')[0] in ('django','psycopg','sqlite3')"
        " or m.startswith('openhotline.') and m.split('.')[1] not in ('rules','connectors')])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


# Traces

EVIDENCE = ("dns", "rdap", "origin-network", "location")


def by_method(facts: TraceFacts) -> dict[str, MethodAnswer]:
    """The last answer of each method."""
    return {answer.method: answer for answer in facts.answers}


def test_a_trace_gives_an_answer_of_every_method_that_sends_nothing_to_the_server(place: Town) -> None:
    (facts,) = place.prober.trace([TraceJob("http://site.example.org/a", "site.example.org", place.at)])
    found = by_method(facts)
    dns, rdap, origin, location = (found[method] for method in EVIDENCE)
    assert [a.method for a in facts.answers] == [
        "dns", "name-servers", "rdap", "rdap-as", "rdap-domain", "origin-network", "location", "proxy",
        "certificate", "round-trip",
    ]  # fmt: skip
    assert all(found[method].ok for method in EVIDENCE), facts.answers
    assert facts.at == place.at
    came = [datetime.fromisoformat(answer.at) for answer in facts.answers]
    assert min(came) >= place.at and came[0] < datetime.fromisoformat(rdap.at), (
        "each answer has its own time: names come before what is asked about them"
    )
    looked = place.at - timedelta(hours=1)
    job = TraceJob("http://site.example.org/a", "site.example.org", place.at, headers=(), headers_at=looked)
    (again,) = place.prober.trace([job])
    assert by_method(again)["rdap"].at == rdap.at, "an answer that is shared keeps the time it was got"
    assert by_method(again)["proxy"].at == written(looked), "signs are as old as the look that saw them"
    assert dns.addresses == (SITE,) and found["name-servers"].names == ("ns1.example.org",)
    for method in ("certificate", "round-trip"):
        assert not found[method].ok and "an analyst must open the item" in found[method].why
    assert (
        rdap.abuse_mail == ("abuse@host.example",) and rdap.country == "GB" and rdap.network == "192.0.2.0/24"
    )
    assert origin.asn == 64500 and location.country == "GB" and location.source_age_s is not None
    assert (SITE, 80) not in place.world.asked, "a trace never touches the reported server"


def test_a_name_that_does_not_exist_is_an_answer(place: Town) -> None:
    (facts,) = place.prober.trace([TraceJob("http://no.example.org/", "no.example.org", place.at)])
    assert facts.answers[0].ok and facts.answers[0].answer == "NXDOMAIN"
    assert [by_method(facts)[method].ok for method in EVIDENCE] == [True, False, False, False]


def hang(place: Town) -> Any:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(30)

    return handle


def cut(place: Town) -> Any:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)

    return handle


def half(place: Town) -> Any:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{"name": "EX'
        )

    return handle


def nonsense(place: Town) -> Any:
    return place.world.registry(b"<html>no</html>")


def wrong_kind(place: Town) -> Any:
    return place.world.registry(JPEG, "image/jpeg")


def gone_registry(place: Town) -> Any:
    return place.world.page(b"{}", "HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\n")


@pytest.mark.parametrize("how", [hang, cut, half, nonsense, wrong_kind, gone_registry])
def test_a_registry_that_fails_fails_alone(hurried: Town, how: Callable[[Town], Any]) -> None:
    place = hurried
    place.world.hosts[(REGISTRY, 80)] = how(place)
    (facts,) = place.prober.trace([TraceJob("http://site.example.org/", "site.example.org", place.at)])
    found = by_method(facts)
    assert [found[method].ok for method in EVIDENCE] == [True, False, True, True]
    assert found["rdap"].why
    if how in (half, nonsense):
        assert found["rdap"].raw, "the raw answer is kept"
    assert "JFIF" not in found["rdap"].raw


@pytest.mark.parametrize("how", [hang, cut])
def test_name_servers_that_fail_are_a_sentence(hurried: Town, how: Callable[[Town], Any]) -> None:
    place = hurried
    place.world.hosts[(RESOLVER, 53)] = how(place)
    (facts,) = place.prober.trace([TraceJob("http://site.example.org/", "site.example.org", place.at)])
    assert [by_method(facts)[method].ok for method in EVIDENCE] == [False] * 4
    assert "did not answer" in facts.answers[0].why or "cut" in facts.answers[0].why


# Checks


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


# Where it does not go


@pytest.mark.parametrize(
    "address",
    ["http://127.0.0.1/", "http://[::1]/", "http://2130706433/", "http://0x7f.1/", "http://①②⑦.⓪.⓪.①/",
     "http://169.254.169.254/latest/meta-data/", "http://[::ffff:10.0.0.1]/", "http://[64:ff9b::7f00:1]/",
     "http://10.0.0.1/", "http://site.example.org:22/", "http://user:pw@site.example.org/", "ftp://site.example.org/",
     "javascript:alert(1)", "file:///etc/passwd", "gopher://site.example.org/", "not an address", "", "http://",
     "http://x.onion/", "http://site.example.org/" + "a" * 200_000],
)  # fmt: skip
def test_an_address_the_house_does_not_follow_is_blocked_with_a_sentence(place: Town, address: str) -> None:
    facts = place.look(address)
    assert facts.outcome == "blocked" and facts.why.endswith((".", ":"))
    assert {host for host, _ in place.world.asked} <= {RESOLVER, CANARY}


@pytest.mark.parametrize(
    "answers",
    [["127.0.0.1"], [SITE, "127.0.0.1"], [SITE, "10.0.0.1"], ["169.254.169.254", SITE], [SITE, "::1"],
     [SITE, "::ffff:127.0.0.1"], [SITE, "64:ff9b::7f00:1"], [SITE, "2002:7f00:1::"], ["8.8.8.8", "fd00::1"]],
)  # fmt: skip
def test_one_private_answer_spoils_a_name(place: Town, answers: list[str]) -> None:
    place.world.zones["mixed.example.org"] = answers
    facts = place.look("http://mixed.example.org/")
    assert facts.outcome == "blocked" and "never connects" in facts.why
    (trace,) = place.prober.trace([TraceJob("http://mixed.example.org/", "mixed.example.org", place.at)])
    assert not trace.answers[0].ok and set(trace.answers[0].addresses) == set(answers)
    assert {host for host, _ in place.world.asked} <= {RESOLVER, CANARY, REGISTRY}


def test_a_name_that_flips_between_look_and_contact_reaches_nothing_private(place: Town) -> None:
    flips = itertools.cycle([[SITE], ["127.0.0.1"]])
    place.world.zones["flip.example.org"] = lambda: next(flips)
    jobs = [
        CheckJob("http://flip.example.org/x", "north", place.at + timedelta(days=n), allow_path=True)
        for n in range(200)
    ]
    facts = place.prober.check(jobs)
    assert {f.outcome for f in facts} <= {"answered", "blocked"}
    assert {f.peer for f in facts} <= {"", SITE}
    assert {host for host, _ in place.world.asked} <= {RESOLVER, CANARY, SITE}


def moved(place: Town, target: str) -> Any:
    return place.world.page(b"", f"HTTP/1.1 302 Found\r\nLocation: {target}\r\n")


@pytest.mark.parametrize(
    "target",
    ["http://127.0.0.1/", "//[::1]/", "http://inside.example.org/", "http://0x7f.1/", "http:\\\\127.0.0.1/",
     "file:///etc/passwd", "gopher://127.0.0.1:25/", "http://site.example.org:6379/", "http://a:b@127.0.0.1/"],
)  # fmt: skip
def test_every_redirect_is_vetted_anew(place: Town, target: str) -> None:
    place.world.zones["inside.example.org"] = ["192.168.0.1"]
    place.world.hosts[(SITE, 80)] = moved(place, target)
    facts = place.look("http://site.example.org/")
    assert facts.outcome == "blocked" and facts.why and "parsed" not in facts.why
    assert {host for host, _ in place.world.asked} <= {RESOLVER, CANARY, SITE}


@pytest.mark.parametrize(
    ("reference", "joined"),
    [
        ("http://b.example/x", "http://b.example/x"),
        ("//b.example/x", "http://b.example/x"),
        ("\\\\b.example\\x", "http://b.example/x"),
        ("/x", "http://a.example/x"),
        ("\\x", "http://a.example/x"),
        ("x", "http://a.example/p/x"),
        ("../x?y", "http://a.example/x?y"),
        ("?y", "http://a.example/p/q?y"),
        ("#y", "http://a.example/p/q?r"),
        ("", "http://a.example/p/q?r"),
        ("http:x", "http://a.example/p/x"),
        ("http:/x", "http://a.example/x"),
        ("http:\\\\b.example", "http://b.example/"),
        ("https:b.example", "https://b.example/"),
        (" \t/x\n ", "http://a.example/x"),
        ("ht\ttp://b.example/", "http://b.example/"),
        ("@b.example", "http://a.example/p/@b.example"),
        (":80", "http://a.example/p/:80"),
        (".b.example", "http://a.example/p/.b.example"),
    ],
)
def test_a_relative_redirect_is_read_as_a_browser_reads_it(reference: str, joined: str) -> None:
    found = take_apart(reference, (80, 443), "http://a.example/p/q?r#s")
    assert isinstance(found, Address) and found.url == joined


def test_redirects_are_followed_five_deep_and_no_further(place: Town) -> None:
    for n in range(7):
        place.world.zones[f"r{n}.example.org"] = [f"192.0.2.{100 + n}"]
        place.world.hosts[(f"192.0.2.{100 + n}", 80)] = moved(place, f"http://r{n + 1}.example.org/")
    place.world.hosts[("192.0.2.106", 80)] = place.world.page(b"<title>End</title>")
    end = place.look("http://r1.example.org/")
    assert (end.outcome, end.status, end.title, end.location) == (
        "answered",
        200,
        "End",
        "http://r6.example.org/",
    )
    assert place.look("http://r0.example.org/").outcome == "error"
    assert place.look("http://r0.example.org/").why == "It redirects more than 5 times."


# Speed, manners, trouble


def test_a_bundle_of_433_from_two_vantage_points_is_answered_in_order(tmp_path: Path) -> None:
    exit_socket = str(tmp_path / "run" / "world-exit.sock")
    vantages = dict.fromkeys(("north", "south"), ("socks5-unix", exit_socket))
    with town(tmp_path, vantages=vantages, limits=PATIENT) as place:
        jobs = [
            CheckJob(f"http://site.example.org/a/{n}.jpg", vantage, place.at, allow_path=True)
            for vantage in vantages
            for n in range(433)
        ]
        facts = place.prober.check(jobs)
        assert [f.canonical for f in facts] == [j.canonical for j in jobs]
        assert {(f.outcome, f.status, f.canary_up) for f in facts} == {("answered", 200, True)}


def test_three_hundred_hosts_at_once_do_not_overrun_the_exits_queue(tmp_path: Path) -> None:
    with town(tmp_path, limits=PATIENT) as place:
        _three_hundred(place)


def _three_hundred(place: Town) -> None:
    names = [f"h{n}.example.org" for n in range(300)]
    place.world.zones |= {name: [SITE] for name in names}
    traces = place.prober.trace([TraceJob(f"http://{name}/", name, place.at) for name in names])
    assert [a.why for t in traces for a in t.answers if a.method in EVIDENCE and not a.ok] == []
    checks = place.prober.check(
        [CheckJob(f"http://{name}/", "north", place.at, allow_path=True) for name in names]
    )
    assert {f.outcome for f in checks} == {"answered"}


def test_a_polite_prober_has_one_connection_in_flight_per_host(tmp_path: Path) -> None:
    with town(tmp_path, polite=True, limits=replace(PATIENT, gap_s=0.01, per_second=1000)) as place:
        jobs = [
            CheckJob(f"http://site.example.org/{n}", "north", place.at, allow_path=True) for n in range(50)
        ]
        assert {f.outcome for f in place.prober.check(jobs)} == {"answered"}
        assert place.world.open_most[SITE] == 1


def test_a_restarted_prober_is_simply_the_next_one(tmp_path: Path) -> None:
    with town(tmp_path) as place:
        place.process.kill()
        place.process.wait()
        with pytest.raises(ProberUnreachable, match="tried again"):
            place.look("http://site.example.org/")
        process, _ = start(tmp_path, place.config)
        try:
            assert place.look("http://site.example.org/").outcome == "answered"
        finally:
            process.terminate()
            process.wait(START_S)


def test_a_prober_without_its_exit_says_that_our_own_line_is_down(tmp_path: Path) -> None:
    with town(tmp_path) as place:
        (tmp_path / "run" / "world-exit.sock").unlink()
        facts = place.look("http://site.example.org/")
        assert facts.outcome == "blocked" and facts.canary_up is False
        (trace,) = place.prober.trace([TraceJob("http://site.example.org/", "site.example.org", place.at)])
        assert not trace.answers[0].ok


def test_nonsense_on_its_socket_is_answered_and_harms_nobody(place: Town) -> None:
    import socket

    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(place.prober.socket_path)
        sock.sendall(
            b"nonsense\n[]\n" + b'{"id":1,"kind":"check","value":{}}\n{"id":2,"kind":"rm","value":[]}\n'
        )
        got = b""
        while got.count(b"\n") < 4:
            got += sock.recv(4096)
        assert got.count(b'"error"') == 4
    assert place.look("http://site.example.org/").outcome == "answered"


def test_a_configuration_that_is_wrong_is_a_sentence_and_no_start(tmp_path: Path) -> None:
    for text in ("{", "{}", '{"vantages":{}}', '{"vantages":{"n":["direct"]},"lift_documentation":true}'):
        command = [
            sys.executable,
            "-m",
            "openhotline.connectors.probe",
            "--socket",
            str(tmp_path / "s"),
            "--config",
            "-",
        ]
        out = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
        assert out.returncode == 2 and out.stderr.startswith("The prober cannot start:")


def test_the_fake_answers_like_the_prober(place: Town) -> None:
    fake = FakeProber({"site.example.org": Truth(addresses=(SITE,))}, vantages=("north",))
    for address in ("http://site.example.org/a", "http://no.example.org/"):
        for allow in (True, False):
            job = CheckJob(address, "north", place.at, allow_path=allow)
            real, told = place.prober.check([job])[0], fake.check([job])[0]
            assert (real.outcome, real.status, real.content_type, real.peer, real.canary_up) == (
                told.outcome, told.status, told.content_type, told.peer, told.canary_up)  # fmt: skip
        job_t = TraceJob(address, address.split("/")[2], place.at)
        real_t, told_t = place.prober.trace([job_t])[0], fake.trace([job_t])[0]
        assert [a.method for a in real_t.answers] == [a.method for a in told_t.answers]
        for method in (*EVIDENCE, "certificate", "round-trip"):
            assert [a.ok for a in real_t.answers if a.method == method] == [
                a.ok for a in told_t.answers if a.method == method
            ], method
    fake.reachable = False
    with pytest.raises(ProberUnreachable):
        fake.hello()
