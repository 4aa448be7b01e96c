"""Sentences of an agreement, an opinion's completeness, the ladder's next rung, countries, the edge."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from openhotline import policy as policies
from openhotline.rules import agreement_words, countries, edge, filter_list, ladder, opinion, words
from openhotline.rules.agreement import DEEMED_CLEAR, DEEMED_HOLD
from openhotline.rules.calendars import Calendar
from openhotline.rules.ladder import RungRow
from openhotline.rules.opinion import Opinion
from openhotline.rules.refusals import Refused

NOON = datetime(2026, 5, 12, 12, 0, tzinfo=UTC)
GB = policies.load("gb")


# --- agreements -----------------------------------------------------------------------------------


def said(one: object) -> dict[str, str]:
    return dict(agreement_words.lines(one))  # type: ignore[arg-type]


def test_an_agreement_says_whom_it_asks_and_what_silence_means() -> None:
    asks, tells = (GB.agreements.history(key)[0] for key in ("authorise-first", "notify-together"))
    assert said(asks)["Order"].startswith("The unit is asked first.")
    assert said(tells)["Order"].startswith("The unit is told")
    assert said(asks)["Silence"].startswith("It is never consent.")
    assert said(replace(asks, silence=DEEMED_CLEAR))["Silence"].startswith("It counts as a go-ahead")
    assert said(replace(asks, silence=DEEMED_HOLD))["Silence"].startswith("It counts as a hold")
    assert said(asks)["Answer"] == "Within 2 hours. Then the unit's duty desk is rung."
    assert said(asks)["Escalation"] == "8 hours after the asking, in both houses."
    assert said(asks)["Host's time"] == "4 hours; the ladder begins after 24 hours."
    first = replace(asks, valid_from=date(2026, 1, 5), valid_until=None)
    assert said(first)["In force"] == "From 5 January 2026, with no end yet."
    assert (
        said(replace(first, valid_until=date(2027, 11, 30)))["In force"]
        == "From 5 January 2026 until 30 November 2027."
    )
    assert said(replace(first, classes=("extreme", "unheard")))["Covers"] == "Extreme images, unheard."
    assert said(asks)["Version"] == asks.version


def test_an_agreement_says_its_calendar() -> None:
    asks = GB.agreements.history("authorise-first")[0]
    office = Calendar(
        "office",
        "Office",
        ZoneInfo("Europe/London"),
        ((9 * 60 + 5, 17 * 60 + 30), *(None,) * 5, (0, 24 * 60)),
    )
    one = replace(asks, calendar=office, calendar_clocks=("host_target", "host_ladder"))
    assert said(one)["Calendar"].startswith(
        "Office (Mon 09:05-17:30, Sun 00:00-24:00) for the host's time and the ladder. Police clocks"
    )
    closed = replace(office, holidays=frozenset({date(2026, 12, 25), date(2026, 12, 28)}))
    assert (
        "; closed on 25 December 2026, 28 December 2026) for the ladder."
        in said(replace(one, calendar=closed, calendar_clocks=("host_ladder",)))["Calendar"]
    )
    for none in (replace(one, calendar=None), replace(one, calendar_clocks=())):
        assert said(none)["Calendar"].startswith("None. Police clocks")


@pytest.mark.parametrize(
    ("seconds", "spoken"),
    [
        (0, "0 seconds"), (30, "30 seconds"), (60, "1 minute"), (61, "61 seconds"), (120, "2 minutes"), (3_600, "1 hour"),
        (3_660, "61 minutes"), (7_200, "2 hours"), (86_400, "24 hours"), (86_401, "86401 seconds"), (90_000, "25 hours"), (172_800, "2 days"),
    ],
)  # fmt: skip
def test_a_span_is_spoken_in_its_largest_whole_unit(seconds: int, spoken: str) -> None:
    assert agreement_words.words(timedelta(seconds=seconds)) == spoken


# --- opinions -------------------------------------------------------------------------------------

GRADED = Opinion(words.ILLEGAL, words.CHILD_SEXUAL_ABUSE, "B", "pubescent", 1, ("p1",), 9)


def code_of(one: Opinion) -> str:
    try:
        opinion.check(one, categories=("A", "B"), points=("p1", "p2"))
    except Refused as refused:
        return refused.code
    return ""


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({}, ""), ({"files": 0, "seconds": 0, "points": ()}, ""), ({"opinion": "unsure"}, "opinion"),
        ({"files": -1}, "opinion"), ({"seconds": -1}, "opinion"), ({"points": ("p1", "p9")}, "points"),
        ({"cls": "else"}, "class"), ({"category": "D"}, "category"), ({"category": ""}, "category"),
        ({"age_band": "none"}, "age"), ({"age_band": ""}, "age"), ({"age_band": "infant"}, ""),
        ({"age_band": "unclear"}, ""), ({"cls": words.EXTREME}, "category"),
        ({"cls": words.EXTREME, "category": "", "age_band": ""}, ""),
        ({"opinion": words.UNREACHABLE}, "reason"), ({"opinion": words.UNREACHABLE, "reason": "site down"}, ""),
        ({"opinion": words.NOT_ILLEGAL, "cls": "", "category": "D"}, ""),
    ],
)  # fmt: skip
def test_an_opinion_is_complete_under_its_scheme(change: dict[str, object], code: str) -> None:
    assert code_of(replace(GRADED, **change)) == code  # type: ignore[arg-type]


def test_two_readers_agree_on_opinion_class_and_category_alone() -> None:
    assert GRADED.same_grade(replace(GRADED, files=9, age_band="infant", seconds=1))
    for other in ({"opinion": words.NOT_ILLEGAL}, {"cls": words.EXTREME}, {"category": "A"}):
        assert not GRADED.same_grade(replace(GRADED, **other))
    bands = ("infant", "pre-pubescent", "pubescent", "unclear", "none", "")
    for number, band in enumerate(bands):
        assert opinion.youngest(*reversed(bands[number:])) == band
    assert opinion.youngest("never heard of", "none") == "none"
    assert timedelta(seconds=30) == opinion.BACK_WITHIN


# --- the ladder -----------------------------------------------------------------------------------

HOURS = timedelta(hours=1)
RUNGS = (
    RungRow("regulator", 9 * HOURS, ""),
    RungRow("registrar", 3 * HOURS, ""),
    RungRow("upstream", 3 * HOURS, ""),
)


def test_one_rung_at_a_time_in_the_order_of_their_times() -> None:
    def due(hours: float, *taken: str) -> str | None:
        found = ladder.due(RUNGS, taken=taken, since=NOON, at=NOON + hours * HOURS)
        return found.key if found else None

    assert due(2.9) is None
    assert due(3) == "upstream", "of two at one time the lower rung"
    assert due(9, "upstream") == "registrar"
    assert due(8, "upstream", "registrar") is None
    assert due(9, "upstream", "registrar") == "regulator"
    assert due(99, "upstream", "registrar", "regulator") is None
    assert ladder.next_at(RUNGS, taken=(), since=NOON) == NOON + 3 * HOURS
    assert ladder.next_at(RUNGS, taken=("upstream", "registrar"), since=NOON) == NOON + 9 * HOURS
    assert ladder.next_at(RUNGS, taken=ladder.STEPS, since=NOON) is None


def test_time_on_hold_counts_once_however_many_hold_and_only_after_the_beginning() -> None:
    def held(*spans: tuple[float, float]) -> float:
        at = [(NOON + begin * HOURS, NOON + end * HOURS) for begin, end in spans]
        return ladder.on_hold(at, since=NOON) / HOURS

    assert held() == 0
    assert held((1, 3)) == 2
    assert held((5, 6), (1, 3)) == 3
    assert held((1, 4), (2, 3), (3, 5)) == 4, "one inside another, and two that overlap"
    assert held((-5, -1)) == 0, "before the beginning"
    assert held((-5, 2), (-1, 1)) == 2


# --- places ---------------------------------------------------------------------------------------


def test_countries_have_names_and_codes_two_letters() -> None:
    assert countries.name_of("GB") == "United Kingdom" and countries.name_of("ZW") == "Zimbabwe"
    assert countries.name_of("XX") == "XX" and len(countries.NAMES) == 249
    assert {code for code in countries.NAMES if countries.code_of(code) != code} == set()
    assert [countries.code_of(text) for text in ("nl", "n", "nld", "n1", "äö")] == ["NL", "", "", "", ""]
    assert [countries.code_of(text) for text in ("EU", "AP", "ZZ", "A1", "UK", "xa")] == [
        *[""] * 4,
        "GB",
        "XA",
    ]


def test_the_network_in_front_is_where_most_answers_say() -> None:
    def of(*answers: tuple[str, str]) -> str:
        return edge.edge_country(
            [{"ok": True, "method": method, "country": code} for method, code in answers]
        )

    assert of() == "" and of(("rdap", "")) == "" and of(("rdap", "NLD")) == ""
    assert of(("location", "de"), ("dns", "NL"), ("location", "NL")) == "NL"
    assert of(("rdap", "DE"), ("location", "NL")) == "DE", "the registry ends a tie"
    assert of(("location", "DE"), ("light", "NL")) == "", "and nobody else"
    assert of(("rdap", "FR"), ("location", "DE"), ("a", "DE"), ("b", "NL"), ("c", "NL")) == ""
    assert (
        edge.edge_country([{"ok": True, "country": None}, {"ok": True}, {"ok": True, "country": "NL"}])
        == "NL"
    )
    said: list[dict[str, object]] = [
        {"ok": True, "layer": "origin", "country": "US"},
        {"ok": False, "country": "US"},
        {"ok": "yes", "country": "US"},
        {"ok": True, "layer": "edge", "country": "NL"},
    ]
    assert edge.edge_country(said) == "NL"


# --- the filter list ------------------------------------------------------------------------------


def test_the_list_is_made_up_at_its_times_of_the_local_day() -> None:
    terms = replace(GB.filter_list, issues=(6 * 60 + 15, 18 * 60), zone=ZoneInfo("Europe/London"))

    def latest(day: int, hour: int, minute: int) -> tuple[int, int, int]:
        moment = filter_list.latest_issue(datetime(2026, 5, day, hour, minute, tzinfo=UTC), terms)
        assert moment.tzinfo is UTC
        return moment.day, moment.hour, moment.minute

    assert latest(12, 5, 14) == (11, 17, 0), "yesterday's last; in summer an hour before UTC"
    assert latest(12, 5, 15) == (12, 5, 15)
    assert latest(12, 16, 59) == (12, 5, 15)
    assert latest(12, 23, 30) == (12, 17, 0), "another day in London already"


def test_a_row_is_host_folder_and_address_each_under_the_recipients_salt() -> None:
    assert filter_list.values("https://a.example:8443/x/y.jpg?q=/1#/2") == {
        "host": "a.example", "folder": "a.example:8443/x/", "address": "a.example:8443/x/y.jpg?q=/1#/2",
    }  # fmt: skip
    plain = filter_list.row("http://a.example/", form="plain", salt=b"s")
    assert plain == {"host": "a.example", "folder": "a.example/", "address": "a.example/"}
    mine, theirs = (filter_list.row("http://a.example/", form="hashes", salt=salt) for salt in (b"s", b"t"))
    assert len({*mine.values(), *theirs.values()}) == 6 and all(len(one) == 64 for one in mine.values())
    assert filter_list.row("http://a.example/\udcff", form="hashes", salt=b"s")["host"] == mine["host"]
    first, second = filter_list.marker(b"1"), filter_list.marker(b"2")
    assert first != second
    host, folder, page = first.removeprefix("http://").split("/")
    assert [len(part) for part in (host, folder, page)] == [10 + len(".example"), 4, 10]
    assert (filter_list.MARKERS, filter_list.SALT_BYTES) == (3, 32)


def test_only_a_person_with_an_account_is_one() -> None:
    assert words.Actor("lead", "L01", 0).person == 0
    with pytest.raises(ValueError, match="machine:worker is no person"):
        _ = words.MACHINE_WORKER.person
