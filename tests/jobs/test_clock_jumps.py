"""The machine's clock jumps a day forward or back: nothing acts early, nothing is skipped, nothing acts twice."""

from datetime import UTC, datetime, timedelta

import pytest

from openhotline.jobs.steady import ALLOWED, BELIEVED_AFTER, SteadyClock
from openhotline.outbox import claims, queue, settling
from openhotline.records.models import Hold
from openhotline.rules import words
from openhotline.rules.words import MACHINE_WORKER
from openhotline.steps import answer
from tests.journeys.cast import Day, hours

NOON = datetime(2026, 5, 12, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


class Machine:
    """A clock that can be set, and a time since boot that cannot."""

    source = "system"

    def __init__(self, at: datetime = NOON) -> None:
        self.wall, self.boot = at, 1000.0
        self.said: list[timedelta] = []
        self.steady = SteadyClock(
            self,  # type: ignore[arg-type]
            tick=lambda: self.boot,
            jumped=lambda shown, kept: self.said.append(shown - kept),
        )

    def now(self) -> datetime:
        return self.wall

    def passes(self, span: timedelta) -> datetime:
        self.wall += span
        self.boot += span.total_seconds()
        return self.steady.now()


def test_small_corrections_are_followed_at_once_and_silently() -> None:
    machine = Machine()
    for span in (ALLOWED, -ALLOWED, timedelta(seconds=1)):
        machine.wall += span
        assert machine.steady.now() == machine.wall
    assert machine.said == []


@pytest.mark.parametrize("jump", [DAY, -DAY, timedelta(minutes=3), -timedelta(minutes=3)])
def test_a_jump_that_is_taken_back_changed_nothing(jump: timedelta) -> None:
    machine = Machine()
    machine.wall += jump
    assert machine.steady.now() == NOON
    assert machine.passes(timedelta(minutes=14)) == NOON + timedelta(minutes=14)
    machine.wall -= jump
    assert machine.steady.now() == NOON + timedelta(minutes=14)
    assert machine.said == [jump]
    machine.wall += jump
    machine.steady.now()
    assert machine.said == [jump, jump], "another jump is said again"


@pytest.mark.parametrize("jump", [DAY, -DAY])
def test_a_jump_that_stays_is_believed_after_a_quarter_of_an_hour(jump: timedelta) -> None:
    machine = Machine()
    machine.wall += jump
    machine.steady.now()
    assert machine.passes(BELIEVED_AFTER) == machine.wall
    assert machine.passes(timedelta(minutes=1)) == machine.wall
    assert machine.said == [jump]


@pytest.mark.django_db
@pytest.mark.parametrize("jump", [DAY, -DAY])
def test_a_hold_ends_once_and_not_early_whatever_the_machines_clock_does(jump: timedelta) -> None:
    house = Day()
    removals = house.traced(house.graded(house.public_report("https://a.example.org/x")))
    house.contact_verified(removals)
    question = house.asked()
    until = house.now + hours(6)
    house.answered(question, words.GO_AHEAD_AFTER, until=until, reason="arrest or search planned")
    machine = Machine(house.now)
    ended: list[datetime] = []

    def sweep() -> None:
        at = machine.steady.now()
        if answer.release_due(at=at):
            ended.append(at)

    for hour in range(10):
        machine.passes(hours(1) - timedelta(minutes=10))
        machine.wall += jump  # for ten minutes the machine is a day wrong
        sweep()
        machine.passes(timedelta(minutes=10))
        sweep()
        machine.wall -= jump
        sweep()
        assert bool(ended) is (hour >= 5)
    assert len(ended) == 1 and until <= ended[0] <= until + hours(1)
    assert Hold.objects.filter(released_at=None).count() == 0
    assert len(house.letters("notice")) == 1, "drafted once"


@pytest.mark.django_db
def test_after_a_believed_jump_back_nothing_is_done_again() -> None:
    house = Day()
    removals = house.traced(house.graded(house.public_report("https://a.example.org/x")))
    house.contact_verified(removals)
    house.answered(house.asked(), words.GO_AHEAD)
    assert [one.kind for one in house.letters_leave() if one.kind == "notice"] == ["notice"]
    house.now -= DAY
    assert house.letters_leave() == []
    assert answer.release_due(at=house.now) == 0
    house.later(DAY + hours(1))
    assert [one.kind for one in house.letters_leave() if one.kind == "notice"] == []
    assert house.notices_sent() == 1


@pytest.mark.django_db
def test_a_jump_forward_takes_no_letter_from_the_worker_that_is_handing_it_over() -> None:
    house = Day()
    machine = Machine(house.now)
    queue.put(
        "police-told",
        number="P-1",
        recipient="a@police.example",
        transport="mail",
        at=house.now,
        by=MACHINE_WORKER,
    )
    (one,) = claims.claim(
        "mail", at=machine.steady.now(), by=MACHINE_WORKER, way="smtp", guard=lambda letter: b"x"
    )
    machine.wall += DAY
    assert settling.recover(at=machine.steady.now(), by=MACHINE_WORKER) == 0
    settling.sent([one], receipt="R", by=MACHINE_WORKER, at=machine.steady.now())
    machine.passes(BELIEVED_AFTER)
    assert settling.recover(at=machine.steady.now(), by=MACHINE_WORKER) == 0
