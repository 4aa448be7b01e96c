"""One pytest session from which every try is forked: tests read once, the test database made once.

True here: the first process imports and collects, makes the database, and runs no test of a rule; each try is
a child that dies with all it changed, in a folder put back to what it was. Not here: what is tried
(`live`), and which tests see which line (`coverage` says, in `cover`).
"""

import contextlib
import os
import pickle
import shutil
import signal
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import coverage
import pytest
from _pytest.runner import runtestprotocol

from tests.mutation.changes import RULES

# Where rules are tested: their own tests, the steps that ask them, and the days in which all of it comes together.
WHERE = (
    "tests/rules",
    "tests/house/test_rows.py",
    "tests/house/test_words.py",
    "tests/journeys",
    "tests/steps",
    "tests/api",
    "tests/jobs/test_mail_in.py",
    "tests/jobs/test_programs_told.py",
    "tests/simulation/test_duel.py",
)
# Made to ask a clock of the processor: beside other work, or traced, they would fail for no change at all.
TIMED = ("test_no_text_takes_long", "test_reading_is_fast_enough_for_a_bulk_import")
ELSEWHERE = {"house_env", "chromium"}  # fixtures of tests whose work is done by other processes
TOO_LONG = 6.0  # seconds of the processor; a test that takes longer is not asked
PATIENCE = 240.0  # seconds of the wall, for one try: it hangs
UNPLANTED = 97  # exit status


class NotPlanted(Exception):
    """The change is of something fixed when the file was read: a new process is needed (`fresh`)."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What one test cost (seconds of the processor) and which lines of which rule it ran."""

    seconds: float
    lines: dict[str, frozenset[int]]


def same_examples() -> None:
    """Hypothesis draws the same examples in each try, and no slow machine makes it fail."""
    import hypothesis  # not before pytest has, which wants to be the first

    hypothesis.settings.register_profile(
        "mutation",
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    hypothesis.settings.load_profile("mutation")


class Session:
    """A pytest plugin: collects, gets ready, and then hands itself to `act` where pytest would run the tests."""

    def __init__(self, act: Callable[["Session"], None], *, traced: bool = False) -> None:
        self.act, self.items = act, {}
        self.imported: dict[str, frozenset[int]] = {}
        self._trace = coverage.Coverage(data_file=None, config_file=False, include=[f"{RULES}/*"])
        self._trace.set_option("run:disable_warnings", ["no-data-collected", "module-not-measured"])
        self._traced = traced

    def collect(self, paths: Sequence[str]) -> int:
        """Open the session over these paths and act."""
        if self._traced:
            self._trace.start()
        words = [
            "-q",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:xdist",
            "-m",
            "not browser and not release",
            *paths,
        ]
        return int(pytest.main(words, plugins=[self]))

    def pytest_configure(self) -> None:
        same_examples()

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        for item in session.items:
            away = ELSEWHERE & set(getattr(item, "fixturenames", ()))
            if not away and getattr(item, "originalname", "") not in TIMED:
                self.items[item.nodeid] = item
        if self._traced:
            self._trace.stop()
            self.imported = self._lines()
        self._make_ready()
        self.act(self)
        return True

    def _make_ready(self) -> None:
        """Make the test database by running one test that needs it, and keep the folder as it is then."""
        from django.db import connections

        from openhotline.django_settings import HOUSE

        self.folder, self.kept = HOUSE.data_dir, Path(tempfile.mkdtemp(prefix="openhotline-kept-"))
        wanted = [one for one in self.items.values() if "db" in one.fixturenames]
        if wanted:
            runtestprotocol(wanted[0], log=False, nextitem=next(iter(self.items.values())))
            for connection in connections.all(initialized_only=True):
                connection.connection.close()
                connection.connection = None
        shutil.copytree(self.folder, self.kept, dirs_exist_ok=True)

    def _put_back(self) -> None:
        for entry in self.folder.iterdir():
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        shutil.copytree(self.kept, self.folder, dirs_exist_ok=True)

    def fails(self, names: Sequence[str], plant: Callable[[], None], *, seconds: float) -> str:
        """In a child: plant, then run these tests until one fails. "" all passed; else the test, or "ended".

        Raises NotPlanted where the change could not be brought into the running process.
        """
        self._put_back()
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            with _silence():
                signal.setitimer(signal.ITIMER_VIRTUAL, 10 + 10 * seconds)  # ends the child
                signal.setitimer(signal.ITIMER_REAL, PATIENCE)
                try:
                    plant()
                except Exception:
                    os._exit(UNPLANTED)
                for name in names:
                    if not self._passes(name):
                        os.write(writer, name.encode())
                        os._exit(1)
                os._exit(0)
        os.close(writer)
        with os.fdopen(reader) as pipe:
            said = pipe.read()
        _, status = os.waitpid(child, 0)
        if os.waitstatus_to_exitcode(status) == UNPLANTED:
            raise NotPlanted
        return said or ("ended" if status else "")

    def _passes(self, name: str) -> bool:
        item = self.items[name]
        first, *_, last = self.items.values()
        # With another test said to come next, what is made once for the session stays.
        reports = runtestprotocol(item, log=False, nextitem=first if item is last else last)
        return not any(report.failed for report in reports)

    def cover(self, to: Path) -> None:
        """In a child: run everything, and keep what each test that passes cost and which lines it ran."""
        child = os.fork()
        if child:
            _, status = os.waitpid(child, 0)
            print("The tests were walked through:", os.waitstatus_to_exitcode(status))
            return
        with _silence():
            seen: dict[str, Seen] = {}
            for name in self.items:
                self._trace.erase()
                self._trace.start()
                begin = time.process_time()
                passed = self._passes(name)
                cost = time.process_time() - begin
                self._trace.stop()
                lines = self._lines()
                if passed and lines and cost < TOO_LONG:
                    seen[name] = Seen(cost, lines)
            to.write_bytes(pickle.dumps((self.imported, seen)))
            os._exit(0)

    def _lines(self) -> dict[str, frozenset[int]]:
        data = self._trace.get_data()
        return {Path(file).stem: frozenset(data.lines(file) or ()) for file in data.measured_files()}


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """What a child says is nobody's business; nor does it run the parent's clean-up."""
    nothing, said = os.open(os.devnull, os.O_WRONLY), os.dup(2)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)
    try:
        yield
    except BaseException:
        os.write(said, traceback.format_exc().encode())
        os._exit(99)
