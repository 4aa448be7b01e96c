"""How the prober behaves towards hosts, and towards the worker whose jobs it has."""

import asyncio
import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from openhotline.connectors.probe.client import Prober, ProberUnreachable
from openhotline.connectors.probe.config import Limits
from openhotline.connectors.probe.handshakes import NoWay
from openhotline.connectors.probe.meaning import CheckJob, ProbeJob
from openhotline.connectors.probe.turns import Spell, Turns
from openhotline.connectors.probe.walk import asks_for_rest
from tests.connectors.small_world import SITE
from tests.connectors.town import PATIENT, Town, moments, moved, town

GAP = 0.3


@contextmanager
def polite(folder: Path, **limits: Any) -> Iterator[Town]:
    with town(
        folder, polite=True, limits=replace(PATIENT, **{"gap_s": GAP, "per_second": 1000, **limits})
    ) as made:
        yield made


def watched(
    place: Town, answer: bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
) -> list[tuple[float, str]]:
    """When requests came, and for what, from now on."""
    seen: list[tuple[float, str]] = []

    async def site(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        seen.append((time.monotonic(), head.decode()))
        writer.write(answer)

    place.world.hosts[(SITE, 80)] = site
    return seen


def test_a_host_gets_one_request_at_a_time_with_a_gap_and_waiting_costs_a_look_nothing(
    tmp_path: Path,
) -> None:
    with polite(tmp_path, job_s=4, total_s=3, first_byte_s=3) as place:
        place.world.zones["other.example.org"] = ["192.0.2.11"]
        place.world.hosts[("192.0.2.11", 80)] = place.world.page(b"<title>Other</title>")
        seen = watched(place)
        at = next(moments)
        jobs = [CheckJob(f"http://site.example.org/{n}", "north", at, allow_path=True) for n in range(16)]
        began = time.monotonic()
        facts = place.prober.check(
            [*jobs, CheckJob("http://other.example.org/", "north", at, allow_path=True)]
        )
        assert {one.outcome for one in facts} == {"answered"}
        assert time.monotonic() - began > 16 * GAP * 0.95 > 4, "longer than any one job may take"
        times = [when for when, _ in seen]
        assert min(b - a for a, b in itertools.pairwise(times)) > GAP * 0.9
        assert place.world.open_most[SITE] == 1


def test_a_host_that_asks_to_be_left_alone_is(tmp_path: Path) -> None:
    with polite(tmp_path) as place:
        seen = watched(place, b"HTTP/1.1 429 Too Many\r\nRetry-After: 3600\r\nContent-Length: 0\r\n\r\n")
        first = place.look("http://site.example.org/a", at=next(moments))
        assert (first.outcome, first.status) == ("answered", 429)
        assert "left alone for 3600 seconds" in first.why and ("retry-after", "3600") in first.headers
        second = place.look("http://site.example.org/b", at=next(moments))
        assert second.outcome == "blocked" and "asked to be left alone" in second.why
        assert len(seen) == 1


@pytest.mark.parametrize(
    ("status", "said", "seconds"),
    [
        (429, "", 60),
        (429, "120", 120),
        (503, "30", 30),
        (503, "", 0),
        (200, "30", 0),
        (429, "soon", 60),
        (429, "Mon, 02 Mar 2020 11:00:00 GMT", 0),
        (429, "9" * 50, 60),
    ],
)
def test_how_long_an_answer_asks_for(status: int, said: str, seconds: float) -> None:
    assert asks_for_rest([("retry-after", said)] if said else [], status) == seconds


def test_what_turns_promise() -> None:
    async def main() -> None:
        turns = Turns(Limits(gap_s=0.05, onion_gap_s=300, per_second=1000, turn_s=1), polite=True)
        async with turns.turn("a.example", "north") as waited:
            assert waited < 0.05
        async with turns.turn("a.example", "north") as waited:
            assert waited >= 0.045
        async with turns.turn("a.example", "south") as waited:
            assert waited < 0.045, "another place is another visitor"
        async with turns.turn("a.onion", "north"):
            pass
        with pytest.raises(NoWay, match="has had its turn"):
            async with turns.turn("a.onion", "north"):
                pass
        turns.rest("b.example", "north", 10**9)
        with pytest.raises(NoWay, match="86400 seconds"):
            async with turns.turn("b.example", "north"):
                pass
        slow = Turns(Limits(gap_s=0, per_second=20), polite=True)
        began = time.monotonic()
        for number in range(5):
            async with slow.turn(f"h{number}.example", "north"):
                pass
        assert time.monotonic() - began >= 0.19, "twenty a second, over all hosts"
        with pytest.raises(TimeoutError):
            async with Spell(0.1):
                async with Spell.stopped():
                    await asyncio.sleep(0.3)
                await asyncio.sleep(0.05)
                await asyncio.sleep(0.3)

    asyncio.run(main())


def test_the_pages_before_it_are_visited_in_order_and_each_is_vetted(tmp_path: Path) -> None:
    with town(tmp_path, limits=PATIENT) as place:
        seen = watched(place)
        path = ("http://site.example.org/door", "http://site.example.org/hall")
        facts = place.look("http://site.example.org/room", steps=path, at=next(moments))
        assert (facts.outcome, facts.path_variant) == ("answered", "steps")
        lines = [head.split("\r\n") for _, head in seen]
        assert [one[0].split(" ")[1] for one in lines] == ["/door", "/hall", "/room"]
        referrers = [next((x for x in one if x.startswith("Referer")), "") for one in lines]
        assert referrers == ["", f"Referer: {path[0]}", f"Referer: {path[1]}"]
        seen.clear()
        inside = place.look("http://site.example.org/room", steps=("http://127.0.0.1/",), at=next(moments))
        assert inside.outcome == "blocked" and "Step 1" in inside.why and not seen
        place.world.zones["hop.example.org"] = ["192.0.2.12"]
        place.world.hosts[("192.0.2.12", 80)] = moved(place, "http://169.254.169.254/")
        hop = place.look("http://site.example.org/room", steps=("http://hop.example.org/",), at=next(moments))
        assert hop.outcome == "blocked" and not seen
        away = place.look("http://site.example.org/room", steps=("http://no.example.org/",), at=next(moments))
        assert away.outcome == "error", "no miss may rest on a page that was not itself looked at"
        many = place.look("http://site.example.org/room", steps=path * 5, at=next(moments))
        assert many.outcome == "blocked" and "8 steps" in many.why


def test_what_was_finished_is_given_out_although_one_look_hangs(tmp_path: Path) -> None:
    with town(tmp_path, limits=PATIENT) as place:

        async def hang(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
            await asyncio.sleep(3600)

        place.world.zones["hang.example.org"] = ["192.0.2.13"]
        place.world.hosts[("192.0.2.13", 80)] = hang
        at = next(moments)
        names = [*(f"http://site.example.org/{n}" for n in range(10)), "http://hang.example.org/"]
        place.prober.timeout = 4
        facts = place.prober.check([CheckJob(name, "north", at, allow_path=True) for name in names])
        assert [one.canonical for one in facts] == names
        assert {one.outcome for one in facts[:10]} == {"answered"}
        assert (
            facts[10].outcome == "blocked" and not facts[10].canary_up and "looked at again" in facts[10].why
        )


def test_a_name_that_cannot_be_asked_for_is_no_miss(tmp_path: Path) -> None:
    with town(tmp_path, limits=PATIENT) as place:
        for name in ("a" * 64 + ".example", ".".join(["long" * 10] * 10) + ".example"):
            facts = place.look(f"http://{name}/", at=next(moments))
            assert (facts.outcome, facts.why) == ("error", "The name is longer than a name can be.")


def test_it_says_what_it_would_do_and_sends_nothing_until_told(tmp_path: Path) -> None:
    with town(tmp_path, limits=PATIENT) as place:
        seen = watched(place)
        place.world.zones |= {"inside.example.org": ["10.0.0.1"], "shut.example.org": ["192.0.2.14"]}
        ask = lambda address, **more: place.prober.probe([ProbeJob(address, "", next(moments), **more)])[0]  # noqa: E731
        there = ask("http://site.example.org/secret?x=1")
        assert (there.outcome, there.connected, there.exit, there.vantage) == (
            "reached",
            SITE,
            "socks5-unix",
            "north",
        )
        assert there.headers[0].startswith("User-Agent: Mozilla") and not seen
        assert ask("http://inside.example.org/").outcome == "refused"
        assert ask("http://no.example.org/").outcome == "failed"
        assert ask("http://shut.example.org/").outcome == "failed"
        assert ask("http://x.onion/").outcome == "refused"
        sent = ask("http://site.example.org/secret?x=1", request=True)
        assert (sent.outcome, sent.status, len(seen)) == ("reached", 200, 1)
        place.world.hosts[(SITE, 80)] = moved(place, "http://127.0.0.1:80/")
        assert ask("http://site.example.org/", request=True).outcome == "refused"


def test_it_holds_no_database_and_no_key(tmp_path: Path) -> None:
    """What the process has open, what it has loaded, and what its environment says."""
    with town(tmp_path, limits=PATIENT) as place:
        place.look("http://site.example.org/a", at=next(moments))
        root = Path(f"/proc/{place.process.pid}")
        opened = []
        for file in (root / "fd").iterdir():
            try:
                opened.append(str(file.readlink()) if int(file.name) > 2 else "")  # the first three are ours
            except FileNotFoundError:
                continue  # closed meanwhile
        files = [one for one in opened if one.startswith("/") and not one.startswith("/dev/")]
        assert all(one.endswith(".mmdb") for one in files), files
        lines = [line.split(maxsplit=5) for line in (root / "maps").read_text().splitlines()]
        mapped = {line[5] for line in lines if len(line) > 5}
        assert not [
            one for one in mapped if any(word in one for word in ("sqlite", "psycopg", "libpq", "/keys/"))
        ]


def test_a_prober_that_reaches_this_machine_does_not_start(tmp_path: Path) -> None:
    import subprocess
    import sys

    from openhotline.connectors.probe.config import ProbeConfig
    from openhotline.connectors.probe.ways import Way

    command = [sys.executable, "-m", "openhotline.connectors.probe", "--config", "-", "--socket"]
    config = ProbeConfig({"direct": Way("direct")}, never=())
    out = subprocess.run(
        [*command, str(tmp_path / "s")],
        input=config.to_json(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert out.returncode == 2
    assert out.stderr.startswith(
        "The prober cannot start: It reached what it never may: 127.0.0.1 through direct"
    )
    with pytest.raises(ProberUnreachable):
        Prober(tmp_path / "s").hello()
