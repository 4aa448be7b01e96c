"""No letter waits for a person in silence: managers hear of it after an hour, once for each state it waits in."""

from openhotline.outbox import claims, settling
from openhotline.rules import words
from openhotline.rules.words import MACHINE_WORKER
from openhotline.steps import departing, stuck, tell
from tests.journeys.cast import Day, hours, minutes


def told(house: Day) -> list[str]:
    """What managers are told in this moment."""
    before = len(house.letters("letters-stuck"))
    stuck.untold(policy=house.policy, at=house.now)
    return [letter.text for letter in house.letters("letters-stuck")[before:]]


def test_a_notice_that_nobody_can_be_found_for_is_brought_before_managers_once(house: Day) -> None:
    house.traced(house.graded(house.public_report("http://img.example.net/1")))
    house.answered(house.asked(), words.GO_AHEAD)
    house.later(minutes(59))
    assert told(house) == []
    house.later(minutes(1))
    (text,) = told(house)
    (notice,) = house.letters("notice")
    assert f"- notice {notice.number}: contact needed" in text
    assert "example.net" not in text and "North Rack" not in text, "a mail names numbers alone"
    house.later(hours(9))
    assert told(house) == []


def test_what_was_refused_is_told_and_told_again_when_it_is_refused_again(house: Day) -> None:
    """A question to the police, whose mailbox does not take it: the unit may never hear that it is asked."""
    house.traced(house.graded(house.public_report("http://img.example.net/1")))
    asked = house.asked()

    def refused() -> str:
        (letter,) = claims.claim("mail", at=house.now, by=MACHINE_WORKER, kinds=["police-question"])
        settling.refused(letter, why="550 no such mailbox", by=MACHINE_WORKER, at=house.now)
        house.later(hours(1))
        (text,) = told(house)
        assert told(house) == []
        return text

    assert f"- police-question {asked.number}: failed" in refused()
    settling.again(house.letters("police-question")[0], by=house.who("L01"), at=house.now)
    assert "failed" in refused()


def test_what_is_in_doubt_or_waits_for_a_trace_is_told_and_what_is_held_or_the_managers_own_is_not(
    house: Day,
) -> None:
    for number in ("in doubt", "stale", "held"):
        tell.desk(
            "police-note", number=number, recipient="x@police.example", subject="s", text="t", at=house.now
        )
    tell.desk(
        "ladder", number="own", recipient=house.policy.managers_mail, subject="s", text="t", at=house.now
    )
    doubt, stale, held, own = (*house.letters("police-note"), *house.letters("ladder"))
    claims.claim("mail", at=house.now, by=MACHINE_WORKER, limit=1)
    doubt.refresh_from_db()
    settling.in_doubt(doubt, why="the line broke", by=MACHINE_WORKER, at=house.now)
    for letter, why in ((stale, "It is being traced again."), (held, departing.HELD), (own, "not now")):
        letter.why = why
        letter.save()
    house.later(hours(1))
    (text,) = told(house)
    assert [line for line in text.splitlines() if line.startswith("-")] == [
        "- police-note in doubt: in doubt",
        "- police-note stale: pending",
    ]
