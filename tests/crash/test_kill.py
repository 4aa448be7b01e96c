"""kill -9 of any process, at random moments, under load. What was promised holds afterwards.

"No acknowledged report is lost. No notice is issued twice." The crowd is `openhotline/crashtest/crowd.py`. The
seed is printed; OPENHOTLINE_TEST_SEED repeats a run's choices.
"""

import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from openhotline.crashtest.crowd import Crowd, broken, run
from tests.house.test_docs import keys_of, promised
from tests.houses import this_pass

SEED = int(os.environ.get("OPENHOTLINE_TEST_SEED", "0"))


def killed(folder: Path, kills: int) -> dict[str, Any]:
    found = run(kills, folder=folder, database=this_pass(), seed=SEED)
    print(f"\nOPENHOTLINE_TEST_SEED={found['seed']}\n{json.dumps(found)}")
    return found


@pytest.mark.both
def test_forty_kills_lose_nothing_and_send_nothing_twice(tmp_path: Path) -> None:
    found = killed(tmp_path, 40)
    assert found["broken"] == []
    assert sum(found["kills"].values()) == 40
    assert found["acknowledged"] > 40 and found["ledger"]["entries"] > 40, found
    assert found["notices_sent"] > 0, "no notice left, so nothing was shown"
    shown = {key: value for key, value in found.items() if key != "broken"}
    assert keys_of(shown, promised()["crashtest"]) | {"broken[]"} == promised()["crashtest"]


@pytest.mark.both
@pytest.mark.release
def test_five_hundred_kills_lose_nothing_and_send_nothing_twice(tmp_path: Path) -> None:
    assert killed(tmp_path, 500)["broken"] == []


@pytest.fixture
def without_log(tmp_path: Path) -> Iterator[Crowd]:
    """Nobody can ask this relay."""
    made = Crowd(tmp_path, "", SEED or 7, with_log=False)
    made.make()
    yield made
    made.end()


@pytest.mark.release
def test_a_worker_killed_while_the_relay_holds_its_answer_leaves_one_letter_in_doubt(
    without_log: Crowd,
) -> None:
    """The gap of RFC 1047 itself: the relay has the letter, we died before its answer."""
    crowd = without_log
    hold, taken = crowd.folder / "hold", crowd.folder / "taken.log"
    hold.touch()
    for name in crowd.commands:
        crowd.start(name)
    wait_until(lambda: whole_lines(taken) > 0, crowd)
    crowd.kill("worker")
    key = taken.read_text().partition("@")[0]
    hold.unlink()
    crowd.start("worker")
    found = crowd.settle()
    assert broken(found) == []
    assert found["letters"]["in doubt"] == 1
    assert taken.read_text().count(key) == 1, "what is in doubt is never sent again by itself"


def wait_until(holds: Callable[[], bool], crowd: Crowd, *, patience: float = 120) -> None:
    end = time.monotonic() + patience
    while not holds():
        assert time.monotonic() < end, crowd.last_words()
        time.sleep(0.02)


def whole_lines(file: Path) -> int:
    return file.read_text().count("\n") if file.exists() else 0


def test_a_broken_promise_is_seen() -> None:
    whole = {
        "lost": [],
        "filed_twice": 0,
        "taken_twice": [],
        "noticed_twice": [],
        "taken_unknown": [],
        "sent_not_taken": [],
        "taken_not_settled": [],
        "sending": 0,
        "due": 0,
        "letters": {"sent": 3, "in doubt": 1},
        "case_gaps": [],
        "left": "",
        "ledger": {"ok": True},
    }
    assert broken(whole) == []
    for key in set(whole) - {"letters", "ledger"}:
        assert len(broken({**whole, key: [1]})) == 1, key
    assert len(broken({**whole, "letters": {"sending": 1}})) == 1
    assert len(broken({**whole, "ledger": {"ok": False}})) == 1
