"""The path of a letter, by a table written by hand, and what may be done about one in doubt."""

from datetime import UTC, datetime, timedelta

import pytest

from openhotline.rules import letter_path
from openhotline.rules.letter_path import ASK, NOT_TAKEN, PERSON, REPEAT, TAKEN, UNKNOWN, LogSaid

NOON = datetime(2026, 5, 12, 12, 0, tzinfo=UTC)

BY_HAND = {
    "pending": {"claim": "sending", "withdraw": "withdrawn"},
    "sending": {"sent": "sent", "not now": "pending", "refused": "failed", "lost": "in doubt"},
    "in doubt": {"sent": "sent", "again": "pending", "repeat": "sending"},
    "contact needed": {"withdraw": "withdrawn", "readdress": "pending"},
    "failed": {"withdraw": "withdrawn", "once more": "pending"},
    "sent": {},
    "withdrawn": {"return": "pending"},
}


def test_the_table_is_the_one_written_by_hand() -> None:
    told: dict[str, dict[str, str]] = {state: {} for state in letter_path.STATES}
    for (act, state), to in letter_path.MOVES.items():
        told[state][act] = to
    assert told == BY_HAND
    assert letter_path.UNDER_WAY == ("sending", "in doubt")
    assert letter_path.sources("sent") == ("sending", "in doubt")
    assert letter_path.target("claim", "pending") == "sending"
    with pytest.raises(KeyError):
        letter_path.target("claim", "sent")


@pytest.mark.parametrize(
    ("way", "said", "then"),
    [
        (REPEAT, TAKEN, "sent"),
        (REPEAT, NOT_TAKEN, "again"),
        (REPEAT, UNKNOWN, "repeat"),
        (ASK, TAKEN, "sent"),
        (ASK, NOT_TAKEN, "again"),
        (ASK, UNKNOWN, "person"),
        (PERSON, TAKEN, "sent"),
        (PERSON, NOT_TAKEN, "person"),
        (PERSON, UNKNOWN, "person"),
    ],
)
def test_what_follows_a_doubt(way: str, said: str, then: str) -> None:
    assert letter_path.next_of(way, said) == then
    assert letter_path.next_of(way) == ("repeat" if way == REPEAT else "person")
    assert PERSON == "person"


@pytest.mark.parametrize(
    ("taken", "back", "on", "said"),
    [
        (True, False, False, TAKEN),
        (True, True, True, TAKEN),
        (False, True, True, NOT_TAKEN),
        (False, True, False, UNKNOWN),
        (False, False, True, UNKNOWN),
        (False, False, False, UNKNOWN),
    ],
)
def test_a_log_is_believed_only_where_it_was_kept_on_both_sides(
    taken: bool, back: bool, on: bool, said: str
) -> None:
    assert letter_path.read_log(LogSaid(taken, back, on)) == said


def test_a_claim_is_left_when_its_lease_has_ended_and_not_before() -> None:
    until = letter_path.leased_until(NOON)
    assert until == NOON + timedelta(minutes=5)
    assert timedelta(minutes=5) == letter_path.ASK_EVERY
    assert letter_path.in_time(NOON, NOON + timedelta(minutes=3))
    assert not letter_path.in_time(NOON, NOON + timedelta(minutes=3, seconds=1))
    assert not letter_path.lost(until, until)
    assert letter_path.lost(until, until + timedelta(seconds=1))
    assert not letter_path.lost(None, until + timedelta(days=1))
