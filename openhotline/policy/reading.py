"""Dated TOML into the values the rules know, with a sentence for everything that is wrong in a file.

True here: a policy that loads is whole and consistent. What is not here: how one field is read (`table.py`), which
files there are and their digest (`openhotline/policy/__init__.py`), and what follows from the values
(`openhotline/rules`).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from openhotline.policy.table import PolicyFault, Table
from openhotline.rules import words
from openhotline.rules.agreement import (
    AUTHORISE_FIRST,
    CALENDAR_CLOCKS,
    DEEMED_CLEAR,
    DEEMED_HOLD,
    ESCALATE,
    NOTIFY_TOGETHER,
    Agreement,
)
from openhotline.rules.calendars import Calendar
from openhotline.rules.exchange import CodeRow, Codes
from openhotline.rules.filter_list import Terms
from openhotline.rules.gone import APART
from openhotline.rules.ladder import STEPS, RungRow
from openhotline.rules.notice import ALERT_KEYS, TEXT_KEYS, TOLD_KEYS, Texts
from openhotline.rules.pace import STATES, Band, Pace
from openhotline.rules.remit import ANYWHERE, HOME_ONLY, Category, RemitRow, Scheme
from openhotline.rules.routing import PartnerHotline, UnitRow, UnitRule
from openhotline.rules.signs import WORDED, SignWords
from openhotline.rules.terms import Term, term
from openhotline.rules.trace_weights import Weights

_CLOCK = re.compile(r"(\d\d):(\d\d)")
_HOURS = re.compile(r"(\d\d):(\d\d)-(\d\d):(\d\d)")


@dataclass(frozen=True, slots=True)
class Clocks:
    """The hotline's own clocks (`clocks.toml`)."""

    assess_high: timedelta
    assess: timedelta
    lock: timedelta
    second_reader: timedelta
    lead_decides: timedelta
    incomplete: timedelta
    retry: tuple[timedelta, ...]
    trace_valid: timedelta
    origin: timedelta
    bundle: timedelta
    unavailable: tuple[timedelta, ...]  # re-checks after a partner says it is unavailable (row 37)
    watch: tuple[timedelta, ...]  # counted from the day it was gone
    partner_query: timedelta
    partner_escalate: timedelta
    partner_review: timedelta  # police abroad who acknowledged: then managers look at it
    safeguarding: timedelta
    host_query: timedelta
    appeal_acknowledge: timedelta
    appeal_result: timedelta
    reporter_contact: timedelta
    looking_day: timedelta
    request_check: timedelta  # what police ask of the hotline: the outcome report is due then
    request_preserve: timedelta
    request_evidence: timedelta
    request_statement: timedelta
    request_decision: timedelta
    request_note: timedelta
    difference: timedelta  # then a difference that nobody took is brought before managers
    domain_wait: timedelta  # then managers hear which domain alerts a hold or a question keeps back

    def request(self, kind: str) -> timedelta:
        """How long a request of police of this kind may take."""
        span: timedelta = getattr(self, f"request_{kind}")
        return span


@dataclass(frozen=True, slots=True)
class Point:
    """A policy point of the decision grid: number, neutral label, the classes and category it belongs to."""

    key: str
    label: str
    classes: tuple[str, ...] = ()  # empty: any
    category: str = ""


def clocks(table: Table) -> Clocks:
    """`[clocks]` of clocks.toml."""
    inner = table.table("clocks")
    values: dict[str, Any] = {}
    for field in fields(Clocks):
        values[field.name] = (
            inner.spans(field.name)
            if field.name in ("retry", "watch", "unavailable")
            else inner.span(field.name)
        )
    return Clocks(**values)


def pace(table: Table) -> Pace:
    """`[pace]` and `[[band]]` of checks.toml."""
    inner = table.table("pace")
    bands = table.read(
        "band",
        lambda row: Band(
            row.one_of("state", STATES),
            row.span("until") if "until" in row.value else None,
            row.span("every"),
        ),
    )
    for state in STATES:
        ages = [band.until for band in bands if band.state == state]
        closed = [age for age in ages[:-1] if age is not None]
        rising = all(later > earlier for earlier, later in pairwise(closed))
        if not ages or ages[-1] is not None or len(closed) != len(ages) - 1 or not rising:
            raise table.fault("band", f"for “{state}” should have rising ages and end with one that is open")
    spans = {
        field.name: inner.span(field.name)
        for field in fields(Pace)
        if field.name not in ("bands", "watch_tries", "turn")
    }
    if spans["again"] < APART:
        raise inner.fault("again", "is less than the three minutes that rounds must lie apart")
    counts = {name: inner.get(name, int) for name in ("watch_tries", "turn")}
    for name, count in counts.items():
        if not 1 <= count <= 100:
            raise inner.fault(name, "should be between 1 and 100")
    return Pace(bands=bands, **spans, **counts)


def sign_words(table: Table) -> SignWords:
    """`signs.toml`: the words by which a page says that it is not the thing any more."""
    table.day("valid_from")
    found: dict[str, list[str]] = {sign: [] for sign in WORDED}
    for row in table.rows("sign"):
        sign = row.one_of("sign", WORDED)
        row.text("language")
        for phrase in row.texts("phrases"):
            if len(phrase) < 2 or phrase != phrase.casefold().strip():
                raise row.fault(
                    "phrases", f"holds “{phrase}”; write phrases in lower case, two letters or more"
                )
            found[sign].append(phrase)
    empty = [sign for sign, phrases in found.items() if not phrases]
    if empty:
        raise table.fault("sign", f"has no phrases for “{empty[0]}”")
    return SignWords(
        table.text("version"), tuple((sign, tuple(dict.fromkeys(words))) for sign, words in found.items())
    )


def rung(row: Table) -> RungRow:
    """`[[rung]]` of ladder.toml."""
    return RungRow(
        key=row.one_of("key", STEPS),
        after=row.span("after"),
        words=row.text("words"),
        mail=row.text("mail", ""),
    )


def filter_list(table: Table) -> Terms:
    """`[list]` of filter_list.toml."""
    inner = table.table("list")
    minutes = []
    for text in inner.texts("issues"):
        read = _CLOCK.fullmatch(text)
        if read is None or int(read[1]) > 23 or int(read[2]) > 59:
            raise inner.fault("issues", f"holds “{text}”; write times such as 12:00")
        minutes.append(int(read[1]) * 60 + int(read[2]))
    if not minutes or any(later <= earlier for earlier, later in pairwise(minutes)):
        raise inner.fault("issues", "should be times of the day, each later than the one before")
    classes = inner.texts("classes", words.CLASSES)
    if not classes:
        raise inner.fault("classes", "is empty")
    return Terms(
        issues=tuple(minutes),
        zone=zone(inner),
        classes=classes,
        seen=inner.span("seen"),
        licence=inner.span("licence"),
        copy=inner.span("copy"),
    )


def zone(row: Table) -> ZoneInfo:
    """A time zone by its name."""
    try:
        return ZoneInfo(row.text("zone"))
    except (ZoneInfoNotFoundError, ValueError):
        raise row.fault("zone", "is no time zone; write one such as Europe/London") from None


def remit_row(row: Table) -> RemitRow:
    """`[[row]]` of remit.toml."""
    return RemitRow(
        key=row.text("key"),
        cls=row.one_of("class", words.CLASSES),
        hosted=row.one_of("hosted", (ANYWHERE, HOME_ONLY)),
        start=row.day("from"),
        end=row.day_or_none("until"),
        law=row.text("law"),
        ground=row.text("ground"),
        note=row.text("note", ""),
    )


def scheme(row: Table) -> Scheme:
    """`[[scheme]]` of schemes.toml."""
    grades = row.read(
        "grades", lambda grade: Category(grade.text("key"), grade.text("label"), grade.text("becomes", ""))
    )
    return Scheme(row.text("key"), row.text("name"), row.day("from"), row.day_or_none("until"), grades)


def calendar(row: Table) -> Calendar:
    """`[[calendar]]` of agreements.toml: opening hours per weekday, days off, and the zone they are told in."""
    hours: list[tuple[int, int] | None] = [None] * 7
    given = row.get("hours", dict)
    for number, name in enumerate(("mon", "tue", "wed", "thu", "fri", "sat", "sun")):
        if name in given:
            read = _HOURS.fullmatch(str(given[name]))
            start, end = (
                (int(read[1]) * 60 + int(read[2]), int(read[3]) * 60 + int(read[4])) if read else (0, 0)
            )
            if not 0 <= start < end <= 24 * 60:
                raise row.fault("hours", f"has “{given[name]}” for {name}; write 09:00-17:00")
            hours[number] = (start, end)
    off = row.get("holidays", list, [])
    if set(given) - {"mon", "tue", "wed", "thu", "fri", "sat", "sun"} or not any(hours):
        raise row.fault("hours", "should name days from mon to sun, at least one")
    if not all(isinstance(day, date) for day in off):
        raise row.fault("holidays", "should be a list of days such as 2026-12-25")
    return Calendar(row.text("key"), row.text("name"), zone(row), tuple(hours), frozenset(off))


def agreement(row: Table, calendars: Mapping[str, Calendar]) -> Agreement:
    """`[[agreement]]` of agreements.toml."""
    on = row.text("calendar", "none")
    if on != "none" and on not in calendars:
        raise row.fault(
            "calendar", f"names a calendar “{on}” that is no [[calendar]] of this file; write none, or add it"
        )
    # Police clocks are never on a calendar: only a host's may be.
    calendar_clocks = row.texts("calendar_clocks", CALENDAR_CLOCKS)
    if (on == "none") != (not calendar_clocks):
        raise row.fault("calendar_clocks", "and the calendar belong together: name both or neither")
    inner = row.table("clocks")
    preserve = row.get("preserve_days", int)
    if not 1 <= preserve <= 3650:
        raise row.fault("preserve_days", "should be between 1 and 3650")
    made = Agreement(
        key=row.text("key"),
        version=row.text("version"),
        name=row.text("name"),
        order=row.one_of("order", (AUTHORISE_FIRST, NOTIFY_TOGETHER)),
        classes=row.texts("classes", words.CLASSES),
        silence=row.one_of("silence", (ESCALATE, DEEMED_CLEAR, DEEMED_HOLD)),
        answer=inner.span("answer"),
        escalate=inner.span("escalate"),
        managers=inner.span("managers"),
        host_target=inner.span("host_target"),
        host_ladder=inner.span("host_ladder"),
        hold_review=inner.span("hold_review"),
        refuse_review=inner.span("refuse_review"),
        preserve_days=preserve,
        second_reader=row.texts("second_reader", words.CLASSES),
        valid_from=row.day("valid_from"),
        valid_until=row.day_or_none("valid_until"),
        calendar=calendars.get(on),
        calendar_clocks=calendar_clocks,
        evidence=inner.span("evidence"),
        feedback=inner.span("feedback"),
    )
    if not made.answer < made.escalate < made.managers:
        raise row.fault("clocks", "should rise: answer, escalate, managers")
    if not made.host_target < made.host_ladder:
        raise row.fault("clocks", "should have the ladder after the host's target")
    return made


def unit(row: Table) -> UnitRow:
    """`[[unit]]` of routes.toml."""
    return UnitRow(
        row.text("key"),
        row.text("name"),
        row.one_of("level", ("national", "regional", "local", "special")),
        row.text("agreement"),
        row.texts("classes", words.CLASSES),
        row.texts("areas"),
    )


def unit_rule(row: Table) -> UnitRule:
    """`[[rule]]` of routes.toml."""
    asns = row.get("asns", list, [])
    if not all(isinstance(asn, int) and not isinstance(asn, bool) and 0 < asn < 2**32 for asn in asns):
        raise row.fault("asns", "should be a list of network numbers (AS numbers)")
    return UnitRule(
        row.text("unit"),
        row.texts("classes", words.CLASSES),
        tuple(asns),
        row.texts("operators"),
        row.text("why"),
        row.texts("areas"),
    )


def partner(row: Table) -> PartnerHotline:
    """`[[partner]]` of partners.toml."""
    return PartnerHotline(
        row.text("key"), country(row, "country"), row.text("name"), row.texts("classes", words.CLASSES)
    )


def exchange_codes(table: Table, digest: str) -> Codes:
    """`exchange.toml`: [field, code, our word, what it says, lost, ways]. One code leads to one word, one word to one code."""
    table.day("valid_from")
    rows: list[CodeRow] = []
    for given in table.table("codes").get("row", list):
        try:
            field, code, ours, says, *more = given
            lost, ways = (*more, "", "both")[:2] if len(more) != 1 else (more[0], "both")
            sound = all(isinstance(text, str) for text in (field, ours, says, lost)) and type(code) is int
        except (TypeError, ValueError):
            sound = False
        if not sound or len(more) > 2 or ways not in ("both", "out", "in"):
            raise table.fault("codes", f"has a row that cannot be read: {given!r}")
        rows.append(CodeRow(field, code, ours, says, lost, ways))
    for way in ("out", "in"):
        seen = [
            (row.field, row.ours if way == "out" else row.code) for row in rows if row.ways in ("both", way)
        ]
        twice = sorted({str(one) for one in seen if seen.count(one) > 1})
        if twice:
            raise table.fault("codes", f"says two things ({way}) about {', '.join(twice)}")
    paths = table.table("paths")
    return Codes(
        version=f"exchange-{table.text('version')}+{digest[:8]}"[:40],
        rows=tuple(rows),
        paths={
            name: paths.text(name, "") if name in ("ask", "list") else paths.text(name)
            for name in (
                *("login", "report", "one", "content", "queue", "taken"),
                *("grade", "act", "moved", "assigned", "ask", "list"),
            )
        },
    )


def point(row: Table) -> Point:
    """`point = [...]` of points.toml."""
    return Point(
        row.text("key"), row.text("label"), row.texts("classes", words.CLASSES), row.text("category", "")
    )


def term_of(row: Table) -> Term:
    """`[[term]]` of terms.toml."""
    try:
        return term(
            row.text("key"), row.text("pattern"), row.text("advice"), row.text("level"), row.texts("allow")
        )
    except ValueError as fault:
        raise PolicyFault(f"{row.file}: {fault}") from None


_CHANCES = {
    "country": (
        *("registry", "whois", "autonomous_system", "location", "location_year", "disclosed", "round_trip"),
        *("round_trip_straight", "common_registration", "leased", "leased_copied"),
        *("moved_year", "common_all", "common_escape", "split_names"),
    ),
    "names": ("operator_as", "operator_registry", "host_as", "host_registry"),
    "thresholds": ("agreed", "agreed_name"),
}
_COUNTS = (
    *("methods_needed", "old_days", "unknown_age_days", "file_lag_days", "round_trip_rules_out"),
    *("back_and_forth_minutes", "back_and_forth_hours"),
)


def weights(table: Table, digest: str) -> Weights:
    """`trace.toml`. Every chance lies between 0 and 1, without either."""
    table.day("valid_from")
    values: dict[str, Any] = {}
    for name, keys in _CHANCES.items():
        part = table.table(name)
        for key in keys:
            values[key] = part.get(key, float)
            if not 0 < values[key] < 1:
                raise part.fault(key, "should be a chance between 0 and 1")
    thresholds, calibration = table.table("thresholds"), table.table("calibration")
    for key in _COUNTS:
        values[key] = thresholds.get(key, int)
        if values[key] < 1:
            raise thresholds.fault(key, "should be at least 1")
    seeds = table.table("fit").get("tuning_seeds", list)
    return Weights(
        version=f"trace-{table.text('version')}+{digest[:8]}"[:40],
        tuning_seeds=frozenset(int(seed) for seed in seeds),
        countries=table.table("country").get("countries", int),
        slope=calibration.get("slope", float),
        offset=calibration.get("offset", float),
        **values,
    )


def country(row: Table, key: str) -> str:
    """A country as ISO 3166-1 alpha-2, upper case."""
    code = row.text(key)
    if not re.fullmatch(r"[A-Z]{2}", code):
        raise row.fault(key, f"is “{code}”; write two capital letters such as GB")
    return code


def notice_texts(language: str, table: Table) -> Texts:
    """The words of notices, alerts and short letters in one language, every key there and every place to fill a known one."""
    known = dict.fromkeys(
        [
            "number",
            "count",
            "n",
            "host",
            "hotline",
            "sent",
            "what",
            "ground",
            "days",
            "link",
            "page",
            "code",
            "due",
            "address",
            "seen",
            "referrer",
            "server",
            "phone",
            "verify",
            "appeal",
            "countries",
            "domain",
        ],
        "x",
    )
    says = {key: table.text(key) for key in TEXT_KEYS}
    alert = table.table("alert")
    says |= {f"alert_{key}": alert.text(key) for key in ALERT_KEYS}
    told = table.table("told")
    says |= {f"told_{key}": told.text(key) for key in TOLD_KEYS}
    for key, text in says.items():
        try:
            text.format(**known)
        except (KeyError, IndexError, ValueError) as fault:
            raise table.fault(key, f"has a place nobody fills ({fault})") from None
    kinds = table.table("what")
    what = {key: kinds.text(key) for key in (*kinds.value,)}
    if "other" not in what:
        raise table.fault("what", "lacks “other”")
    return Texts(language, says, what, table.texts("forbidden"))
