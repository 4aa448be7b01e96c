"""A server that turns on whoever looks at it costs us its time limit and nothing else.

Each behaviour is on an address of its own; ordinary sites are looked at beside them. The ordinary run takes a
dozen with shortened limits, `--release` all of them with those that hold in a house (security.md, test 17).
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from openhotline.connectors.probe.config import Limits, ProbeConfig, Resolver
from openhotline.connectors.probe.meaning import CheckJob
from openhotline.connectors.probe.ways import Way
from openhotline.rules.facts import CheckFacts
from tests.connectors import hostile
from tests.connectors.small_world import RESOLVER, SmallWorld
from tests.connectors.town import moments, start

SHORTENED = Limits(connect_s=10, tls_s=2, first_byte_s=5, slow_after_s=1, total_s=15, job_s=20, dns_s=20)
DOZEN = (
    "dribble body", "dribble head", "endless headers", "endless header line", "ten gigabytes", "chunk size lies",
    "gzip bomb", "brotli bomb", "http 0 9", "reset in the head", "header with nuls", "continue flood", "TLS stall",
    "redirect loop", "silence", "wrong type", "tiny headers", "chunk extensions",
)  # fmt: skip
# What a server can push into our socket before it notices: buffers of both ends and of the proxy between.
BUFFERS = 8 * hostile.MIB
NEIGHBOURS = 60


@dataclass
class Outcome:
    """What came of it."""

    facts: dict[str, CheckFacts]
    sent: dict[str, int]
    grown: int  # bytes, at the most
    alone: list[float]  # seconds of ordinary looks before
    beside: list[float]  # and beside


def peak(pid: int, field: str = "VmHWM") -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith(field))


def visit(names: Sequence[str], limits: Limits) -> Outcome:
    """Look at every named behaviour at once, and at ordinary sites before and beside."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "run").mkdir(mode=0o700)
        # The neighbours' sites are in a process of their own, so that what slows them is the prober alone.
        with (
            SmallWorld(folder / "run" / "exit.sock") as world,
            neighbours(folder / "run" / "n.sock") as beside,
        ):
            known = hostile.behaviours()
            places: dict[str, str] = {}
            for number, one in enumerate(names):
                literal = f"192.0.2.{number + 100}"
                world.zones[f"h{number}.example.org"] = [literal]
                if one in hostile.ENCRYPTED:
                    world.hosts[(literal, 443)] = hostile.ENCRYPTED[one]
                    places[one] = f"https://h{number}.example.org/"
                else:
                    world.hosts[(literal, 80)] = known[one][1]
                    places[one] = f"http://h{number}.example.org/"
            config = ProbeConfig(
                {"north": world.way("socks5-unix"), "south": Way("socks5-unix", beside)}, (Resolver(RESOLVER),), limits=limits, lift_documentation=True,
                polite=False, never=(),
            )  # fmt: skip
            process, prober = start(folder, config)
            try:
                ordinary = [f"http://n{number}.example.net/a" for number in range(NEIGHBOURS)]
                prober.timeout = limits.job_s + 60
                jobs = lambda urls, place: [CheckJob(u, place, next(moments), allow_path=True) for u in urls]  # noqa: E731
                prober.check(jobs(ordinary[:5], "south"))
                alone = [seen.seconds for seen in prober.check(jobs(ordinary, "south"))]
                before = peak(process.pid, "VmRSS")
                # One connection carries both, hostile ones first, as one batch of the worker would.
                began = time.monotonic()
                facts = prober.check([*jobs(places.values(), "north"), *jobs(ordinary, "south")])
                assert (
                    time.monotonic() - began < limits.job_s + 30
                )  # the machine may be busy; a hang would be longer
                assert [seen.why for seen in facts[len(names) :] if seen.outcome != "answered"] == []
                grown = peak(process.pid) - before
                assert prober.hello().pid == process.pid, "it lives, and is the same one"
            finally:
                process.terminate()
                process.wait(10)
            return Outcome(
                dict(zip(names, facts, strict=False)),
                {one: known[one][0].sent for one in names if one in known},
                grown,
                alone,
                [seen.seconds for seen in facts[len(names) :]],
            )


@contextmanager
def neighbours(exit_socket: Path) -> Iterator[str]:
    """Ordinary sites behind an exit of their own, in a process of their own."""
    command = [sys.executable, "-m", "benchmarks.checks_world", str(exit_socket)]
    root = Path(__file__).resolve().parents[2]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=root) as process:
        try:
            assert process.stdout is not None and process.stdout.readline()
            yield str(exit_socket)
        finally:
            process.terminate()


def p95(values: Sequence[float]) -> float:
    return sorted(values)[int(len(values) * 0.95)]


def judge(seen: Outcome, limits: Limits) -> None:
    """Inside every limit, and nothing of it kept."""
    for name, facts in seen.facts.items():
        assert facts.seconds < limits.job_s + 2, (name, facts.seconds)
        assert len(json.dumps(facts.headers)) < 4 * limits.header_bytes, name
        assert "picture" not in facts.title and "JFIF" not in facts.title, name
        assert facts.outcome != "error" or facts.why, name
        assert "prober itself failed" not in facts.why, (name, facts.why)
    for name, sent in seen.sent.items():
        assert sent < BUFFERS, (name, sent)
    assert seen.grown < limits.memory, seen.grown
    print(
        f"\n{len(seen.facts)} behaviours: +{seen.grown / hostile.MIB:.1f} MiB at the most; ordinary looks p95 "
        f"{p95(seen.alone) * 1000:.0f} ms alone, {p95(seen.beside) * 1000:.0f} ms beside them"
    )


def test_there_are_forty() -> None:
    assert len({*hostile.behaviours(), *hostile.ENCRYPTED}) >= 40


def test_a_dozen_hostile_servers_cost_their_limit_and_no_more() -> None:
    seen = visit(DOZEN, SHORTENED)
    judge(seen, SHORTENED)
    facts = seen.facts
    assert facts["silence"].outcome == "timeout" and facts["TLS stall"].outcome == "timeout"
    assert facts["dribble head"].outcome in ("error", "timeout") and facts["http 0 9"].outcome == "error"
    assert facts["gzip bomb"].status == 200 and facts["gzip bomb"].fingerprint
    assert facts["brotli bomb"].status == 200 and facts["brotli bomb"].fingerprint
    assert facts["wrong type"].fingerprint == "" and facts["wrong type"].status == 200
    assert facts["redirect loop"].why == "It redirects more than 5 times."
    assert "too slowly" in facts["dribble body"].why and facts["dribble body"].status == 200


@pytest.mark.release
def test_all_of_them_stay_inside_the_limits_of_a_house() -> None:
    limits = Limits(dns_s=20, connect_s=20)  # our own world is on this busy machine; theirs are as they are
    seen = visit([*hostile.behaviours(), *hostile.ENCRYPTED], limits)
    judge(seen, limits)
    for name, facts in sorted(seen.facts.items()):
        print(f"  {name:26} {facts.outcome:9} {facts.status:3} {facts.seconds:5.1f} s  {facts.why[:90]}")
