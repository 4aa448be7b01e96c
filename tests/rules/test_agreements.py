"""Versions of agreements among themselves; the form that writes one; and what a version is kept as."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openhotline import policy
from openhotline.policy import PolicyFault
from openhotline.policy.reading.agreements import stored, text_of
from openhotline.rules import agreement_form as form
from openhotline.rules import words
from openhotline.rules.agreement import (
    AUTHORISE_FIRST,
    CALENDAR_CLOCKS,
    CLOCKS,
    NOTIFY_TOGETHER,
    TELL_AFTER,
    Agreement,
    faults,
)
from openhotline.rules.agreement_words import changes, lines
from openhotline.rules.agreements import Agreements, next_faults
from openhotline.rules.agreements import faults as faults_together
from openhotline.rules.calendars import Calendar, hours_text
from openhotline.rules.refusals import Refused

GB = policy.load("gb").agreements
FIRST, TOGETHER = GB.versions
LONDON = ZoneInfo("Europe/London")
NOON = datetime(2026, 5, 12, 12, tzinfo=UTC)
OFFICE = Calendar(
    "hours", "Opening hours", LONDON, (*((540, 1020),) * 5, (540, 780), None), frozenset({date(2026, 12, 25)})
)


def later(day: date, **changes: object) -> Agreement:
    return replace(FIRST, version=f"authorise-first/{day}", valid_from=day, **changes)  # type: ignore[arg-type]


def held(*versions: Agreement) -> Agreements:
    return Agreements.of(versions, default=FIRST.key, zone=LONDON)


def test_each_version_is_closed_by_the_next_of_its_key_whatever_order_they_come_in() -> None:
    july, june = date(2026, 7, 1), date(2026, 6, 1)
    both = held(later(july), TOGETHER, FIRST, later(june, valid_until=date(2026, 6, 20)))
    assert [(one.valid_from, one.valid_until) for one in both.history(FIRST.key)] == [
        (FIRST.valid_from, june),
        (june, date(2026, 6, 20)),
        (july, None),
    ]
    assert both.keys == (FIRST.key, TOGETHER.key)
    assert both.in_force(FIRST.key, date(2026, 6, 20)) is None
    assert both.before(FIRST.key, july) is None
    with pytest.raises(Refused, match="no version in force on 2026-06-25"):
        both.on(FIRST.key, datetime(2026, 6, 25, tzinfo=UTC))
    with pytest.raises(
        Refused, match=r"There is no agreement “x”. Choose: authorise-first, notify-together."
    ):
        both.history("x")


@pytest.mark.parametrize(
    ("at", "version"),
    [
        (datetime(2026, 6, 30, 22, 59, 59, tzinfo=UTC), FIRST.version),
        (datetime(2026, 6, 30, 23, 0, tzinfo=UTC), "authorise-first/2026-07-01"),
        (datetime(2020, 1, 1, tzinfo=UTC), FIRST.version),
    ],
)
def test_a_version_begins_at_midnight_of_the_wall(at: datetime, version: str) -> None:
    two = held(FIRST, later(date(2026, 7, 1)))
    assert two.standing(at).version == version
    assert [one.valid_from for one in two.coming(FIRST.key, at)] == (
        []
        if version != FIRST.version
        else [date(2026, 7, 1)]
        if at.year == 2026
        else [FIRST.valid_from, date(2026, 7, 1)]
    )


def test_what_was_asked_under_a_version_stays_under_it_and_an_unknown_one_is_read_as_the_first() -> None:
    two = held(FIRST, later(date(2026, 7, 1), answer=timedelta(hours=1)))
    assert two.covering(FIRST.key, "authorise-first/2026-07-01").answer == timedelta(hours=1)
    assert two.covering(FIRST.key, "gone").answer == FIRST.answer


def test_a_class_outside_the_units_agreement_is_asked_about_under_the_default() -> None:
    narrow = replace(TOGETHER, classes=(words.NON_PHOTOGRAPHIC,))
    both = held(FIRST, narrow)
    assert both.about(narrow.key, [words.NON_PHOTOGRAPHIC], NOON).key == narrow.key
    assert both.about(narrow.key, [words.NON_PHOTOGRAPHIC, words.EXTREME], NOON).key == FIRST.key


def test_versions_that_cannot_stand_together() -> None:
    assert faults_together([FIRST, TOGETHER], default=FIRST.key) == []
    twice = faults_together([FIRST, replace(FIRST, version="b")], default=FIRST.key)
    assert twice == ["Two versions of the agreement authorise-first begin on 2026-01-01."]
    assert "has no version" in faults_together([FIRST], default="none")[0]
    assert "so it asks first" in faults_together([FIRST, TOGETHER], default=TOGETHER.key)[0]


@pytest.mark.parametrize(
    ("changes_", "field"),
    [
        ({"classes": ()}, "classes"),
        ({"preserve_days": 0}, "preserve_days"),
        ({"preserve_days": 3_651}, "preserve_days"),
        ({"evidence": timedelta(days=367)}, "evidence"),
        ({"escalate": FIRST.answer}, "escalate"),
        ({"managers": FIRST.escalate}, "managers"),
        ({"host_ladder": FIRST.host_target}, "host_ladder"),
        ({"calendar": OFFICE}, "calendar_clocks"),
        ({"calendar_clocks": ("host_target",)}, "calendar_clocks"),
    ],
)
def test_one_version_that_cannot_be_true(changes_: dict[str, object], field: str) -> None:
    assert [name for name, _ in faults(replace(FIRST, **changes_))] == [field]  # type: ignore[arg-type]


def test_the_longest_and_the_shortest_that_may_be() -> None:
    for days in (1, 3_650):
        assert faults(replace(FIRST, preserve_days=days)) == []
    assert faults(replace(FIRST, evidence=timedelta(days=366))) == []
    assert faults(replace(FIRST, calendar=OFFICE, calendar_clocks=CALENDAR_CLOCKS)) == []


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        (later(date(2026, 5, 12), answer=timedelta(hours=1)), "valid_from"),
        (later(date(2026, 7, 1), answer=timedelta(hours=1)), "valid_from"),
        (later(date(2026, 5, 12)), "valid_from"),
        (later(date(2026, 5, 13), order="notify-together"), "order"),
        (later(date(2026, 5, 13)), "name"),
        (later(date(2026, 5, 13), answer=timedelta(hours=1)), ""),
        (later(date(2026, 8, 1), answer=timedelta(hours=1)), ""),
        (replace(later(date(2026, 5, 13)), key="new-one", order="notify-together"), ""),
    ],
)
def test_what_may_be_a_next_version(wanted: Agreement, field: str) -> None:
    two = held(FIRST, TOGETHER, later(date(2026, 7, 1)))
    assert list(next_faults(wanted, held=two, at=NOON)) == ([field] if field else [])


def test_today_ends_at_the_walls_midnight_for_who_proposes() -> None:
    wanted = later(date(2026, 5, 13), answer=timedelta(hours=1))
    last, over = (datetime(2026, 5, 12, hour, tzinfo=UTC) for hour in (22, 23))
    assert not next_faults(wanted, held=held(FIRST), at=last)
    assert "2026-05-14" in next_faults(wanted, held=held(FIRST), at=over)["valid_from"]


@given(
    minutes=st.lists(st.integers(1, 99_999), min_size=len(CLOCKS), max_size=len(CLOCKS), unique=True),
    office=st.booleans(),
    note=st.text(max_size=40),
)
def test_a_version_is_kept_and_read_back_the_same(minutes: list[int], office: bool, note: str) -> None:
    clocks = {clock: timedelta(minutes=count) for clock, count in zip(CLOCKS, sorted(minutes), strict=True)}
    one = replace(FIRST, note=note, **clocks)  # type: ignore[arg-type]
    if office:
        one = replace(one, valid_until=date(2027, 1, 1), calendar=OFFICE, calendar_clocks=CALENDAR_CLOCKS)
    assert stored(text_of(one)) == one
    typed = form.filled(one, begins=one.valid_from)
    again, wrong = form.read(typed, key=one.key, zone=LONDON)
    assert set(wrong) <= {"note"}
    assert again is None or [getattr(again, clock) for clock in CLOCKS] == list(clocks.values())


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"agreement": [], "calendar": []}', "nonsense"])
def test_a_row_that_was_damaged_is_no_agreement(text: str) -> None:
    with pytest.raises(PolicyFault):
        stored(text)


@pytest.mark.parametrize(
    "one", [FIRST, TOGETHER, replace(FIRST, calendar=OFFICE, calendar_clocks=("host_ladder",))]
)
def test_the_form_with_a_version_in_it_reads_as_that_version(one: Agreement) -> None:
    begins = date(2026, 6, 1)
    read, wrong = form.read(form.filled(one, begins=begins), key=one.key, zone=LONDON)
    assert wrong == {}
    assert read == replace(one, version="", valid_from=begins)


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("name", " ", "Write the agreement's name"),
        ("name", "x" * 61, "at most 60 letters"),
        ("note", "x" * 301, "at most 300 letters"),
        ("valid_from", "1 June", "is no day"),
        ("valid_from", "2026-02-30", "is no day"),
        ("valid_from", "20260601", "is no day"),
        ("order", "ask nobody", "Choose one of these"),
        ("classes", "nonsense", "Tick only what is on the page"),
        ("answer", "0", "is no number"),
        ("answer", "two", "is no number"),
        ("answer", "1.5", "is no number"),
        ("answer", "123456", "is no number"),
        ("answer", "٣", "is no number"),
        ("answer_unit", "fortnights", "Choose minutes, hours or days"),
        ("preserve_days", "-1", "is no number"),
        ("preserve_days", "", "Write a whole number"),
        ("hours", "nine to five", "is no hours"),
        ("holidays", "2026-12-25\nBoxing Day", "is no day"),
        ("holidays", "2026-12-25", "Write the opening hours too"),
    ],
)
def test_what_cannot_be_read_is_a_sentence_for_its_field(field: str, typed: str, sentence: str) -> None:
    values = form.filled(FIRST, begins=date(2026, 6, 1)) | {field: [typed]}
    read, wrong = form.read(values, key=FIRST.key, zone=LONDON)
    assert read is None
    assert [sentence in text for text in wrong.values()] == [True]
    assert list(wrong) == [{"answer_unit": "answer"}.get(field, "hours" if "opening" in sentence else field)]


def test_the_form_shows_each_clock_in_its_own_unit() -> None:
    typed = form.filled(replace(FIRST, evidence=timedelta(days=2)), begins=date(2026, 6, 1))
    shown = {clock: (typed[clock], typed[f"{clock}_unit"]) for clock in CLOCKS}
    assert shown["answer"] == (["2"], ["hours"])
    assert shown["managers"] == (["24"], ["hours"])
    assert shown["evidence"] == (["2"], ["days"])
    assert shown["hold_review"] == (["3"], ["days"])
    assert shown["feedback"] == (["15"], ["minutes"])


def test_what_is_just_short_enough_is_taken_and_blank_lines_say_nothing() -> None:
    typed = form.filled(FIRST, begins=date(2026, 6, 1)) | {
        "name": ["x" * 60],
        "note": ["y" * 300],
        "hours": ["Mon-Fri 09:00-17:00"],
        "holidays": ["2026-12-25\n\n  \n2026-12-28\n"],
        "calendar_clocks": ["host_target"],
        "preserve_days": ["99999"],
    }
    read, wrong = form.read(typed, key=FIRST.key, zone=LONDON)
    assert wrong == {} and read is not None and read.calendar is not None
    assert (read.name, read.note, read.preserve_days) == ("x" * 60, f"{'y' * 300}.", 99_999)
    assert read.calendar.holidays == {date(2026, 12, 25), date(2026, 12, 28)}


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("name", "bell \x07", "Write at most 60 letters."),
        ("preserve_days", "", "Write a whole number, 1 or more."),
        ("answer", "n" * 30, f"“{'n' * 20}” is no number that fits. Write a whole number, 1 or more."),
        ("valid_from", "d" * 30, f"“{'d' * 20}” is no day. Write year, month and day, such as 2027-03-01."),
        ("hours", "h" * 70, f"“{'h' * 60}” is no hours. Write Mon-Fri 09:00-17:00, Sat 09:00-13:00."),
    ],
)
def test_a_sentence_repeats_the_beginning_of_what_was_typed(field: str, typed: str, sentence: str) -> None:
    values = form.filled(FIRST, begins=date(2026, 6, 1)) | {field: [typed]}
    assert form.read(values, key=FIRST.key, zone=LONDON)[1] == {field: sentence}


def test_everything_missing_is_told_at_once_and_nothing_more() -> None:
    _, wrong = form.read({}, key=FIRST.key, zone=LONDON)
    silent = {"note", "classes", "second_reader", "calendar_clocks", "hours", "holidays"}
    assert set(wrong) == {field.name for field in form.FIELDS} - silent


def test_opening_hours_are_written_as_they_are_read() -> None:
    assert hours_text(OFFICE) == "Mon-Fri 09:00-17:00, Sat 09:00-13:00"
    odd = Calendar("x", "x", LONDON, ((0, 1440), None, (0, 1440), (5, 65), (5, 65), None, (600, 660)))
    assert hours_text(odd) == "Mon 00:00-24:00, Wed 00:00-24:00, Thu-Fri 00:05-01:05, Sun 10:00-11:00"


@pytest.mark.parametrize(
    ("order", "asks", "says"),
    [
        (AUTHORISE_FIRST, True, "The unit is asked first."),
        (NOTIFY_TOGETHER, False, "at the same time."),
        (TELL_AFTER, False, "told when it has."),
    ],
)
def test_the_three_orders(order: str, asks: bool, says: str) -> None:
    one = replace(TOGETHER, order=order)
    assert one.asks is asks
    assert says in dict(lines(one))["Order"]
    assert stored(text_of(one)) == one


def test_what_changes_is_said_in_words_and_the_rest_as_it_is() -> None:
    wanted = later(date(2026, 7, 1), answer=timedelta(hours=4), second_reader=(), note="")
    rows = {heading: (now, was) for heading, now, was in changes(FIRST, wanted)}
    assert rows["Answer"] == ("Within 4 hours. Then the unit's duty desk is rung.", "Within 2 hours.")
    assert rows["Order"][1] == "" == rows["In force"][1]
    assert rows["Second reader"][0].startswith("None: one reader")
    assert rows["Second reader"][1].startswith("Before the police hear of it")
    assert rows["In a sentence"] == ("Nothing any more.", FIRST.note)
    assert {heading for heading, (_, was) in rows.items() if was} == {
        "Answer",
        "Second reader",
        "In a sentence",
    }
    renamed = {
        row[0]: row[1:] for row in changes(FIRST, replace(FIRST, name="Ask first", note="As of June."))
    }
    assert renamed["Name"] == ("Ask first", "Authorise first")
    assert renamed["In a sentence"] == ("As of June.", FIRST.note)
    added = {row[0]: row[1:] for row in changes(replace(FIRST, note=""), FIRST)}
    assert added["In a sentence"] == (FIRST.note, "Nothing of the kind.")
    assert all(was == "" for _, _, was in changes(None, wanted))
    assert [heading for heading, _, _ in changes(FIRST, FIRST)] == ["Name", *(row[0] for row in lines(FIRST))]
