"""One pytest session from which every try is forked: the tests are read once, and each try is a child.

True here: the first process imports and collects and runs no test, so that a child begins with nothing
remembered, and dies with all it changed. Not here: what is tried (`live`).
"""

import contextlib
import os
import pickle
import signal
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import coverage
import pytest
from _pytest.runner import runtestprotocol

from tests.mutation.changes import RULES

# A rule needs no house to be tested: its own tests have to notice, not those of the steps that ask it.
WHERE = ("tests/rules", "tests/house/test_rows.py")
# Made to ask a clock of the processor: beside other work, or traced, they would fail for no change at all.
TIMED = ("test_no_text_takes_long", "test_reading_is_fast_enough_for_a_bulk_import")
# Neither the house of tests/conftest.py nor what pytest adds: a rule's test is a function of the rule.
OPTIONS = (
    "-q",
    "--noconftest",
    "--assert=plain",
    "-p",
    "no:cacheprovider",
    "-o",
    "addopts=",
    "-o",
    "filterwarnings=",
)
TOO_LONG = 1.5  # seconds of the processor; a test that takes longer is not asked
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
        os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        if self._traced:
            self._trace.start()
        return int(pytest.main([*OPTIONS, *paths], plugins=[self]))

    def pytest_configure(self) -> None:
        same_examples()

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        self.items = {item.nodeid: item for item in session.items if item.originalname not in TIMED}
        if self._traced:
            self._trace.stop()
            self.imported = self._lines()
        self.act(self)
        return True

    def fails(self, names: Sequence[str], plant: Callable[[], None], *, seconds: float) -> str:
        """In a child: plant, then run these tests until one fails. "" all passed; else the test, or "ended".

        Raises NotPlanted where the change could not be brought into the running process.
        """
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
