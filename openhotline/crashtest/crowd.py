"""The processes of one house under load, and how to end them without a word.

True here: worker, prober, mail relay, partner hotline, the public form's end of the spool and the people at
the desk are processes of their own, killed by SIGKILL one after the other at random moments of their own work and started
again at once. The house runs on the world's clock at a hundred times wall speed, so that a lease of five minutes
ends in three seconds. The seed decides who is killed and when; what the machine does in between is real.
"""

import json
import os
import random
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from openhotline.clock import WorldClock
from openhotline.crashtest.postgres import Launcher, Server
from openhotline.rules.refusals import Refused

NOON = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
SPEED = 60.0  # world seconds in a second: a trace made for a letter is stale after fifteen seconds
AHEAD = 4  # of the next so many to be killed, the first that is ready
HERE = "openhotline.crashtest"
TOLD = "acknowledged.log"  # in the crowd's folder
# Who is killed, and how often compared with the others.
VICTIMS = {"worker": 4, "prober": 1, "relay": 2, "partner": 1, "reporter": 1, "staff": 2}
# At most so long after it has begun each is killed. What works hard is measured in seconds of its own processor
# time, because a busy machine is slow, what waits to be spoken to in seconds of the wall.
WORK = {"worker": 1.5, "staff": 1.0}
WAIT = {"prober": 1.5, "relay": 1.5, "partner": 1.5, "reporter": 2.0}
LONGEST = 8.0  # wall seconds after its beginning that the first two are waited for


class Crowd:
    """One house and its processes."""

    def __init__(self, folder: Path, database_url: str, seed: int, *, with_log: bool = True) -> None:
        """`folder` is empty and ours; `database_url` "" is SQLite; without a log nobody can ask the relay."""
        self.folder, self.seed = folder, seed
        self.data = folder / "house"
        self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        smtp, self.partner_port = free_ports(2)
        known = {key: value for key, value in os.environ.items() if not key.startswith("OPENHOTLINE_")}
        known.pop("DJANGO_SETTINGS_MODULE", None)
        self.env = {
            **known,
            "OPENHOTLINE_KIND": "test",
            "OPENHOTLINE_DATA_DIR": str(self.data),
            "OPENHOTLINE_DATABASE_URL": database_url,
            "OPENHOTLINE_SMTP_PORT": str(smtp),
            "OPENHOTLINE_RELAY_LOG": str(folder / "mail.log") if with_log else "",
            "OPENHOTLINE_DOOR": "worker",
            "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
        }
        here = str(folder)
        self.commands = {
            "relay": [f"{HERE}.relay", str(smtp), here, str(seed)],
            "partner": [f"{HERE}.partner", str(self.partner_port), here, str(seed)],
            "prober": [f"{HERE}.prober", "prober.sock"],
            "worker": ["openhotline.cli", "worker"],
            "reporter": [f"{HERE}.cast", "reporter", here, str(seed)],
            "staff": [f"{HERE}.cast", "staff", here, str(seed)],
        }
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.clock = WorldClock(self.data / "clock")
        self.words = (folder / "words.log").open("ab")

    def make(self) -> None:
        """Set the house up."""
        self.clock.set(NOON, rate=SPEED)
        self._cast("make", str(self.seed), str(self.partner_port))

    def _cast(self, part: str, *more: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", f"{HERE}.cast", part, str(self.folder), *more],
            env=self.env,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{part}: {done.stderr[-3000:]}")
        return done.stdout

    def start(self, name: str) -> None:
        """Start one of `commands`."""
        if name == "prober":
            (self.data / "run" / "prober.sock").unlink(missing_ok=True)
        self.running[name] = subprocess.Popen(
            [sys.executable, "-m", *self.commands[name]],
            env=self.env,
            cwd=self.data / "run" if name == "prober" else self.folder,
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
        """Nobody is left."""
        for name in list(self.running):
            self.kill(name)
        self.words.close()

    def judge(self) -> dict[str, Any]:
        """What is left of it all."""
        return dict(json.loads(self._cast("judge")))

    def settle(self) -> dict[str, Any]:
        """Nobody is killed and nobody brings anything new any more; the worker works off what is there.

        Returns the verdict; what was still on its way is under "left", in words.
        """
        for name in ("reporter", "staff"):
            if name in self.running:
                self.kill(name)
        left = self._cast("settle", str(self.seed))
        if not self.kill("worker"):
            raise RuntimeError(f"worker had ended by itself: {self.last_words()}")
        return {**self.judge(), "left": left}

    def last_words(self) -> str:
        """The end of what they said."""
        return (self.folder / "words.log").read_text(errors="replace")[-3000:]

    def kill_at_random(
        self, kills: int, told: Callable[[int], None] = lambda done: None
    ) -> tuple[Counter[str], dict[str, Any]]:
        """Start everybody; kill one after the other at random moments, each back at once. Then settle."""
        chance, killed = random.Random(self.seed), Counter[str]()
        for name in self.commands:
            self.start(name)
        plan = chance.choices(list(VICTIMS), list(VICTIMS.values()), k=kills)
        marks = {name: self._mark(name, chance) for name in VICTIMS}
        while plan:
            time.sleep(0.01)
            ready = {one for one, mark in marks.items() if mark.passed()}
            # Whoever of the next few comes to its mark first, so that nobody waits for one that starts slowly.
            name = next((one for one in plan[:AHEAD] if one in ready), "")
            if not name:
                continue
            plan.remove(name)
            if not self.kill(name):
                raise RuntimeError(f"{name} had ended by itself: {self.last_words()}")
            killed[name] += 1
            self.start(name)
            marks[name] = self._mark(name, chance)
            told(kills - len(plan))
            time.sleep(chance.uniform(0.05, 0.35))
        return killed, self.settle()

    def _mark(self, name: str, chance: random.Random) -> "Mark":
        work = chance.uniform(0, WORK[name]) if name in WORK else float("inf")
        wait = LONGEST if name in WORK else chance.uniform(0, WAIT[name])
        return Mark(self.running[name].pid, work, wait)


@dataclass(slots=True)
class Mark:
    """Until when one process lives: `work` seconds of processor time or `wait` of the wall after it has begun."""

    pid: int
    work: float
    wait: float
    begun: bool = False

    def passed(self) -> bool:
        """Whether it has come so far. To be asked often: the first time it is seen at work is its beginning."""
        if not self.begun:
            if not at_work(self.pid):
                return False
            self.begun, self.work, self.wait = (
                True,
                self.work + worked(self.pid),
                self.wait + time.monotonic(),
            )
        return time.monotonic() >= self.wait or worked(self.pid) >= self.work


def at_work(pid: int) -> bool:
    """Whether a process has begun: it has a socket, a database or its log open, or it is gone."""
    try:
        opened = [entry.readlink().name for entry in Path(f"/proc/{pid}/fd").iterdir()]
    except OSError:
        return not Path(f"/proc/{pid}").exists()
    return any(name.startswith("socket:") or ".sqlite3" in name or name == TOLD for name in opened)


def worked(pid: int) -> float:
    """Seconds of processor time a process has used; endless where it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return float("inf")
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def broken(found: dict[str, Any]) -> list[str]:
    """Which promises do not hold, in sentences. Empty: all of them do."""
    promises = {
        "An acknowledged report is gone.": found["lost"],
        "A report was filed twice.": found["filed_twice"],
        "A letter was sent a second time.": found["taken_twice"],
        "One removal was noticed by two letters.": found["noticed_twice"],
        "Somebody has a letter that the outbox does not know.": found["taken_unknown"],
        "The outbox says sent, and nobody has it.": found["sent_not_taken"],
        "Somebody has a letter that is neither sent nor in doubt.": found["taken_not_settled"],
        "A letter is stuck.": found["sending"] or found["due"] or found["left"],
        "A letter is in a state that nobody sees.": set(found["letters"])
        - {"sent", "in doubt", "pending", "withdrawn", "contact needed"},
        "The entries of a case have a gap.": found["case_gaps"],
        "The ledger is not whole.": not found["ledger"]["ok"],
    }
    return [sentence for sentence, breach in promises.items() if breach]


def run(
    kills: int,
    *,
    folder: Path,
    database: str,
    seed: int = 0,
    told: Callable[[int], None] = lambda done: None,
) -> dict[str, Any]:
    """One crash test. Returns what `openhotline crashtest --json` prints."""
    seed = seed or secrets.randbelow(1_000_000) + 1
    with database_url(database) as url:
        crowd = Crowd(folder, url, seed)
        began = time.monotonic()
        try:
            crowd.make()
            killed, found = crowd.kill_at_random(kills, told)
        finally:
            crowd.end()
    return {
        "ok": not broken(found),
        "broken": broken(found),
        "seed": seed,
        "database": database,
        "kills": dict(killed),
        "seconds": round(time.monotonic() - began, 1),
        "acknowledged": found["acknowledged"],
        "lost": len(found["lost"]),
        "letters": found["letters"],
        "notices_sent": found["notices_sent"],
        "taken": found["taken"],
        "referred": found["referred"],
        "taken_twice": len(found["taken_twice"]),
        "noticed_twice": len(found["noticed_twice"]),
        "in_doubt": found["letters"].get("in doubt", 0),
        "settled_by_asking": found["settled_by_asking"],
        "ledger": {"ok": found["ledger"]["ok"], "entries": found["ledger"]["entries"]},
    }


DATABASES = ("sqlite", "postgresql")


@contextmanager
def database_url(database: str) -> Iterator[str]:
    """An empty database of one of DATABASES for one house. PostgreSQL: on the server the environment names, or on one of our own."""
    if database == "sqlite":
        yield ""
        return
    given = os.environ.get("OPENHOTLINE_TEST_POSTGRES", "")
    if given:
        yield Server.at(given).new_database()
        return
    try:
        with Launcher() as server:
            yield server.new_database()
    except FileNotFoundError as fault:
        raise Refused(
            f"{fault} Name a server: OPENHOTLINE_TEST_POSTGRES=postgresql://user:password@host:port/postgres",
            code="postgres",
        ) from None


def free_ports(count: int) -> list[int]:
    """That many different ports, free on loopback a moment ago."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()
