"""kill -9 of any process, at random moments, under load. What was promised holds afterwards.

"No acknowledged report is lost. No notice is issued twice." Real processes: worker, prober, relay, the form's
end of the spool, people at the desk. The house runs on the world's clock at three hundred times wall speed, so that a
lease of five minutes ends in a second. The seed is printed; OPENHOTLINE_TEST_SEED repeats a run's choices.
"""

import json
import os
import random
import secrets
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from openhotline.clock import WorldClock
from tests.houses import free_ports

ROOT = Path(__file__).resolve().parents[2]
NOON = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
SPEED = 300.0  # world seconds in a second
SEED = int(os.environ.get("OPENHOTLINE_TEST_SEED", "0")) or secrets.randbelow(1_000_000) + 1
# Who is killed, and how often compared with the others.
VICTIMS = {"worker": 5, "prober": 1, "relay": 1, "reporter": 1, "staff": 2}


class Crowd:
    """The processes of one house, and how to end them without a word."""

    def __init__(self, folder: Path, house_env: dict[str, str], seed: int) -> None:
        (port,) = free_ports(1)
        self.folder, self.seed = folder, seed
        self.data = Path(house_env["OPENHOTLINE_DATA_DIR"])
        self.env = {
            **house_env,
            "OPENHOTLINE_SMTP_PORT": str(port),
            "OPENHOTLINE_DOOR": "worker",
            "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        me, here = "tests.crash.cast", str(folder)
        self.commands = {
            "relay": ["tests.crash.relay", str(port), here, str(seed)],
            "prober": ["tests.crash.prober", "prober.sock"],
            "worker": ["openhotline.cli", "worker"],
            "reporter": [me, "reporter", here, str(seed)],
            "staff": [me, "staff", here, str(seed)],
        }
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.clock = WorldClock(self.data / "clock")
        self.words = (folder / "words.log").open("ab")

    def make(self) -> None:
        self.clock.set(NOON, rate=SPEED)
        subprocess.run(
            [sys.executable, "-m", "tests.crash.cast", "make", str(self.folder)],
            env=self.env,
            cwd=ROOT,
            check=True,
        )

    def start(self, name: str) -> None:
        if name == "prober":
            (self.data / "run" / "prober.sock").unlink(missing_ok=True)
        self.running[name] = subprocess.Popen(
            [sys.executable, "-m", *self.commands[name]],
            env=self.env,
            cwd=self.data / "run" if name == "prober" else ROOT,
            stdout=self.words,
            stderr=self.words,
        )

    def kill(self, name: str) -> bool:
        """SIGKILL. False where it was dead already: then something else is wrong."""
        process = self.running.pop(name)
        alive = process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.wait()
        return alive

    def end(self) -> None:
        for name in list(self.running):
            self.kill(name)
        self.words.close()

    def skip(self, minutes: int) -> None:
        """Time passes."""
        self.clock.set(self.clock.now() + timedelta(minutes=minutes), rate=SPEED)

    def judge(self) -> dict[str, Any]:
        said = subprocess.run(
            [sys.executable, "-m", "tests.crash.cast", "judge", str(self.folder)],
            env=self.env,
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        )
        return dict(json.loads(said.stdout))

    def settle(self, patience: float = 60.0) -> dict[str, Any]:
        """Nobody brings anything new; the worker works off what is there. Returns the verdict."""
        for name in ("reporter", "staff"):
            if name in self.running:
                self.kill(name)
        end = time.monotonic() + patience
        while True:
            self.skip(6)  # leases end
            time.sleep(3)
            found = self.judge()
            if not found["sending"] and not found["due"] and not found["lost"]:
                break
            assert time.monotonic() < end, found
        self.kill("worker")
        return self.judge()

    def last_words(self) -> str:
        return (self.folder / "words.log").read_text(errors="replace")[-3000:]


@pytest.fixture
def crowd(tmp_path: Path, house_env: dict[str, str]) -> Iterator[Crowd]:
    made = Crowd(tmp_path, house_env, SEED)
    made.make()
    yield made
    made.end()


def assert_promises(found: dict[str, Any]) -> None:
    """What the house promised, whatever was killed."""
    assert found["lost"] == [], "an acknowledged report is gone"
    assert found["filed_twice"] == 0
    assert found["taken_twice"] == [], "a letter was sent a second time"
    assert found["noticed_twice"] == [], "one removal was noticed by two letters"
    assert found["taken_unknown"] == [] and found["sent_not_taken"] == []
    assert found["taken_not_settled"] == [], "the relay has a letter that is neither sent nor in doubt"
    assert found["sending"] == 0 and found["due"] == 0, "a letter is stuck"
    assert set(found["letters"]) <= {"sent", "in doubt", "pending", "withdrawn"}
    assert found["case_gaps"] == []
    assert found["ledger"]["ok"], found["ledger"]["why"]


def kill_at_random(crowd: Crowd, kills: int) -> None:
    """Start everybody; kill one after the other at random moments, each back at once."""
    chance, killed = random.Random(crowd.seed), Counter[str]()
    for name in crowd.commands:
        crowd.start(name)
    time.sleep(3)  # the first cases are on their way
    for _ in range(kills):
        time.sleep(chance.uniform(0.1, 2.2))
        (name,) = chance.choices(list(VICTIMS), list(VICTIMS.values()))
        assert crowd.kill(name), f"{name} had ended by itself: {crowd.last_words()}"
        killed[name] += 1
        crowd.start(name)
    time.sleep(3)
    found = crowd.settle()
    print(f"\nseed {crowd.seed}: killed {dict(killed)}: {json.dumps(found)}")
    assert_promises(found)
    assert found["acknowledged"] > kills and found["taken"] > 0 and found["ledger"]["entries"] > kills, (
        f"Nothing much happened, so nothing was proved: {crowd.last_words()}"
    )


def test_twenty_kills_lose_nothing_and_send_nothing_twice(crowd: Crowd) -> None:
    print(f"\nOPENHOTLINE_TEST_SEED={SEED}")
    kill_at_random(crowd, 20)


@pytest.mark.release
def test_two_hundred_kills_lose_nothing_and_send_nothing_twice(crowd: Crowd) -> None:
    print(f"\nOPENHOTLINE_TEST_SEED={SEED}")
    kill_at_random(crowd, 200)


def test_a_worker_killed_while_the_relay_holds_its_answer_leaves_one_letter_in_doubt(crowd: Crowd) -> None:
    """The gap of RFC 1047 itself: the relay has the letter, we died before its answer."""
    hold = crowd.folder / "hold"
    hold.touch()
    for name in crowd.commands:
        crowd.start(name)
    taken, end = crowd.folder / "taken.log", time.monotonic() + 60
    while not taken.exists() or not taken.read_text().endswith("\n"):
        assert time.monotonic() < end, crowd.last_words()
        time.sleep(0.02)
    key = taken.read_text().partition("@")[0]
    crowd.kill("worker")
    hold.unlink()
    crowd.start("worker")
    time.sleep(2)
    found = crowd.settle()
    assert_promises(found)
    assert found["letters"]["in doubt"] >= 1
    assert taken.read_text().count(key) == 1, "what is in doubt is never sent again by itself"
