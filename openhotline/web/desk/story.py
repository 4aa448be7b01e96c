"""What hangs on a case, gathered for its page: traces, police, notices, referrals, reports, clocks.

True here: nothing about a hold beyond "paused" leaves this file unless `open_to` is set; a public report
shows its hour and never the minute. What is not here: opinions (`opinions`), the ledger (`entries`).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q

from openhotline.records.models import Check, Item, Removal, Trace
from openhotline.rules import clocks as clock_names, words
from openhotline.web.desk import rows, times
from openhotline.web.scoped import Scoped

METHOD_NAMES = {
    "dns": "DNS A and AAAA",
    "rdap": "Registry (RDAP)",
    "origin-network": "Origin network",
    "location": "Location file",
    "proxy": "Proxy in front",
}
COUNTRY_NAMES = {
    "GB": "United Kingdom",
    "NL": "Netherlands",
    "DE": "Germany",
    "US": "United States",
    "IE": "Ireland",
    "FR": "France",
}


@dataclass(frozen=True, slots=True)
class Method:
    """One method's answer in the trace table."""

    name: str
    answer: str
    country: str
    source: str
    agrees: str  # yes, no, same, or "-" where it has no vote
    why: str = ""
    raw: str = ""


@dataclass(frozen=True, slots=True)
class TraceShown:
    """One trace: the answer first, the evidence under it."""

    trace: Trace
    place: str
    methods: list[Method]
    agreeing: int
    voting: int
    reasons: list[str]
    family: str
    when: str
    fresh: bool


def traces(scoped: Scoped, item: Item, at: datetime) -> list[TraceShown]:
    """Newest first."""
    return [
        _trace(row, at)
        for row in scoped.traces().filter(item=item).select_related("host").order_by("-at", "-pk")[:20]
    ]


def _trace(row: Trace, at: datetime) -> TraceShown:
    # Reasons were written in this order of the answers (rules/trace_vote.py), one for each.
    answers = sorted(row.answers, key=lambda one: (one.get("method", ""), one.get("source", ""), one.get("answer", "")))
    reasons = [tuple(reason) for reason in row.reasons]
    matched = len(reasons) == len(answers)
    methods = [_method(one, reasons[index] if matched else ("", "-", "")) for index, one in enumerate(answers)]
    voting = [method for method in methods if method.agrees in ("yes", "no")]
    return TraceShown(
        row,
        country_name(row.country) if row.country else "Not known",
        methods,
        sum(method.agrees == "yes" for method in voting),
        len(voting),
        [] if matched else [" · ".join(str(part) for part in reason if part) for reason in reasons],
        "ok" if row.verdict == "agreed" else "warn",
        times.when(row.at, at),
        row.expires_at > at,
    )


def _method(answer: dict[str, Any], reason: tuple[str, ...]) -> Method:
    shown = answer.get("answer") or ", ".join(answer.get("addresses") or []) or answer.get("operator") or ""
    source, age = answer.get("source") or "", answer.get("source_age_s")
    if age is not None and age >= 86_400:
        source = f"{source}, {age // 86_400} days old"
    return Method(
        METHOD_NAMES.get(answer.get("method", ""), answer.get("method", "")),
        shown,
        answer.get("country") or "–",
        source,
        reason[1],
        reason[2] or answer.get("why") or "",
        (answer.get("raw") or "")[:20_000],
    )


def country_name(code: str) -> str:
    """The country's name where the house writes one; else its ISO code."""
    return COUNTRY_NAMES.get(code, code)


@dataclass(frozen=True, slots=True)
class Said:
    """One line of a log: who (monogram and its family), what, when."""

    who: str
    family: str  # "", p, h, s
    what: str
    time: datetime
    shown: str
    more: str = ""
    points: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """One consultation with its log."""

    row: Any
    log: list[Said]
    clock: times.Left | None
    answered: str


_ANSWERS = {
    words.GO_AHEAD: "Go ahead",
    words.GO_AHEAD_AFTER: "Go ahead after a time",
    words.HOLD: "Hold",
    words.REFUSE: "Refused",
    words.EVIDENCE_WANTED: "Go ahead, evidence wanted",
    words.STATEMENT_WANTED: "Go ahead, statement wanted",
    words.NO_INTEREST: "No interest",
    words.PASS_ON: "Passed on",
}


def police(scoped: Scoped, item: Item, *, open_to: bool, at: datetime) -> list[Asked]:
    """Every question about this item, newest first."""
    found = (
        scoped.consultations().filter(lines__removal__item=item).select_related("unit", "host", "passed_from")
    )
    shown = []
    for row in found.distinct().order_by("-asked_at"):
        covered = row.lines.count()
        told = "Asked" if row.asks else "Told"
        again = " again" if row.again else ""
        log = [
            Said(
                _monogram(row.asked_by),
                "s" if row.asked_by.startswith("machine") else "",
                f"{told} {row.unit.name}{again}",
                row.asked_at,
                times.when(row.asked_at, at),
                f"{covered} address{'' if covered == 1 else 'es'} on one host. Address, trace and category only.",
            )
        ]
        for stamp, what in (
            (row.rung_at, "No answer in the agreed time; the duty desk is rung"),
            (row.escalated_at, "Escalated in both houses"),
            (row.managers_at, "Managers of both sides were brought in"),
        ):
            if stamp is not None:
                log.append(Said("–", "s", what, stamp, times.when(stamp, at), f"Duty desk {row.unit.phone}"))
        mine = scoped.answers().filter(consultation=row, lines__removal__item=item).select_related("by")
        for answer in mine.distinct().order_by("at"):
            log.append(_answer(answer, row.unit.key, open_to=open_to, at=at))
        log.sort(key=lambda said: said.time)
        answered = f"Answered in {times.span(row.answered_at - row.asked_at)}" if row.answered_at else ""
        clock = (
            times.left(row.due_at, at, whole=row.due_at - row.asked_at)
            if row.asks and not row.answered_at
            else None
        )
        shown.append(Asked(row, log, clock, answered))
    return shown


def _answer(answer: Any, unit: str, *, open_to: bool, at: datetime) -> Said:
    when = times.when(answer.at, at)
    holding = not answer.clears and answer.kind != words.PASS_ON
    if holding and not open_to:
        return Said(unit[:3], "p", "Paused", answer.at, when)
    what = _ANSWERS.get(answer.kind, answer.kind)
    more = []
    if holding:
        if answer.until:
            what = f"{what} until {times.when(answer.until, at)}"
        elif answer.review_at:
            what = f"{what}; looked at again {times.when(answer.review_at, at)}"
        more.append(f"Reason: {answer.reason}." if answer.reason else "")
    if answer.reference:
        more.append(f"Their reference {answer.reference}.")
    if open_to and answer.note:
        more.append(answer.note)
    conditions = tuple(
        {"evidence-wanted": "Evidence wanted", "statement-wanted": "Statement wanted"}.get(c, c)
        for c in answer.conditions
    )
    return Said(unit[:3], "p", what, answer.at, when, " ".join(part for part in more if part), conditions)


def _monogram(who: str) -> str:
    return "–" if who.startswith("machine") else who[:3]


@dataclass(frozen=True, slots=True)
class Noticed:
    """One notice about this item, with the state of its letter and what the host said."""

    row: Any
    state: str
    family: str
    log: list[Said]


LETTER_FAMILIES = {
    "pending": ("waiting to leave", "info"),
    "sending": ("leaving now", "info"),
    "sent": ("sent", "ok"),
    "failed": ("refused by their server", "bad"),
    "in doubt": ("in doubt: it may have arrived", "warn"),
    "contact needed": ("contact needed", "warn"),
    "withdrawn": ("withdrawn", "idle"),
}
_SAID = {
    "removed": "Says it is removed",
    "cut-off": "Says access is cut off",
    "not-ours": "Says it is not on their network",
    "need-more": "Asks for more",
    "appeal": "Appeals",
}


def notices(scoped: Scoped, item: Item, at: datetime) -> list[Noticed]:
    """Every notice about this item, newest first."""
    shown = []
    lines = (
        scoped.notice_lines()
        .filter(removal__item=item)
        .select_related("notice__host", "notice__contact")
        .order_by("-notice__drafted_at")
    )
    for line in lines:
        row = line.notice
        letters = list(
            scoped.letters()
            .filter(kind__in=["notice", "reminder"], number__startswith=row.number)
            .order_by("put_at", "pk")
        )
        state = line.dropped or (letters[0].state if letters else "pending")
        word, family = LETTER_FAMILIES.get(state, (state, "idle"))
        log = [Said("–", "s", "Drafted", row.drafted_at, times.when(row.drafted_at, at))]
        for letter in letters:
            kind = "Reminder" if letter.kind == "reminder" else "Sent"
            if letter.sent_at:
                more = f"Their receipt: {letter.receipt}" if letter.receipt else ""
                log.append(
                    Said(
                        "–",
                        "s",
                        f"{kind} to {letter.recipient}",
                        letter.sent_at,
                        f"{letter.sent_at:%H:%M:%S}",
                        more,
                    )
                )
            elif letter.why:
                log.append(
                    Said(
                        "–",
                        "s",
                        LETTER_FAMILIES.get(letter.state, (letter.state, ""))[0].capitalize(),
                        letter.put_at,
                        times.when(letter.put_at, at),
                        letter.why,
                    )
                )
        for said in scoped.host_answers().filter(notice=row, removal__item=item).order_by("at"):
            more = " ".join(
                part for part in (f"Their ticket {said.ticket}." if said.ticket else "", said.text) if part
            )
            log.append(
                Said("H", "h", _SAID.get(said.said, said.said), said.at, times.when(said.at, at), more)
            )
        shown.append(Noticed(row, word, family, sorted(log, key=lambda one: one.time)))
    return shown


def referrals(scoped: Scoped, item: Item) -> list[Any]:
    """Hand-overs abroad of this item, newest first."""
    found = scoped.referrals().filter(lines__removal__item=item).select_related("partner", "unit").distinct()
    return list(found.order_by("-drafted_at"))


def checks(scoped: Scoped, removal: Removal) -> list[Check]:
    """The looks at one episode, newest first, at most two thousand."""
    return list(scoped.checks().filter(removal=removal).order_by("-at", "vantage")[:2000])


@dataclass(frozen=True, slots=True)
class Told:
    """One report that joined: its source and, for the public, its hour only."""

    pk: int
    when: str
    source: str
    partner: str
    incomplete: bool
    words: bool  # the reporter wrote something; shown only after "Show"


def reports(scoped: Scoped, item: Item, at: datetime) -> list[Told]:
    """Reports that lead here, first first, at most a hundred."""
    found = scoped.reports().filter(lines__item=item).distinct().order_by("received_at", "pk")[:100]
    return [
        Told(
            row.pk,
            hour(row.received_at, at) if row.source == words.FROM_PUBLIC else times.when(row.received_at, at),
            rows.SOURCE_NAMES.get(row.source, row.source),
            row.partner,
            not row.complete,
            row.sealed is not None,
        )
        for row in found
    ]


def hour(moment: datetime, at: datetime) -> str:
    hours = f"{moment:%H} to {(moment.hour + 1) % 24:02} h"
    return hours if moment.date() == at.date() else f"{moment.day} {moment:%b}, {hours}"


def spellings(scoped: Scoped, item: Item) -> list[str]:
    """Every spelling received, defanged, each once, at most fifty."""
    seen = dict.fromkeys(
        scoped.report_lines().filter(item=item).order_by("pk").values_list("reported", flat=True)[:500]
    )
    return [defanged(text) for text in list(seen)[:50]]


def defanged(text: str) -> str:
    """Any spelling, shown so that no program makes a link of it."""
    return re.sub(r"(?<!\[)\.", "[.]", re.sub(r"(?i)^(\s*)http", r"\1hxxp", text[:2000]))


@dataclass(frozen=True, slots=True)
class ClockShown:
    """One clock and how it ended, or what is left."""

    name: str
    words: str
    family: str
    icon: str


_CLOCK_ICONS = {"ok": "ok", "bad": "alert", "hold": "pause", "warn": "clock", "": "clock", "idle": "more"}


def clocks(
    scoped: Scoped, item: Item, episodes: Sequence[Removal], *, open_to: bool, at: datetime
) -> list[ClockShown]:
    """Every clock of the case, first opened first."""
    which = Q(subject="item", subject_id=item.pk) | Q(
        subject="removal", subject_id__in=[row.pk for row in episodes]
    )
    which |= Q(
        subject="alarm", subject_id__in=list(scoped.alarms().filter(item=item).values_list("pk", flat=True))
    )
    shown = []
    for row in scoped.clocks().filter(which).order_by("opened_at", "pk"):
        name = row.name.capitalize()
        if row.name == clock_names.HOLD_REVIEW:
            left = times.paused(row.due_at, at, open_to=open_to)
            if row.closed_at is None or not open_to:
                shown.append(
                    ClockShown(
                        "Paused" if not open_to else name,
                        "until released" if not open_to else left.words,
                        "hold",
                        "pause",
                    )
                )
                continue
        if row.closed_at is None:
            left = times.left(row.due_at, at)
            shown.append(ClockShown(name, left.words, left.family, "clock"))
        else:
            said, family = times.ended(row.ended, row.left)
            shown.append(ClockShown(name, said, family, _CLOCK_ICONS.get(family, "clock")))
    return shown


@dataclass(frozen=True, slots=True)
class HostFacts:
    """What we know of a host from before."""

    name: str
    pk: int
    notices: int
    gone: int
    again: int


def host_facts(scoped: Scoped, removal: Removal | None) -> HostFacts | None:
    """How a host has done; None while no host is known."""
    if removal is None or removal.host is None:
        return None
    mine = scoped.removals().filter(host=removal.host)
    return HostFacts(
        removal.host.name,
        removal.host.pk,
        scoped.notices().filter(host=removal.host, sent_at__isnull=False).count(),
        mine.filter(t8_gone__isnull=False).count(),
        mine.filter(again=True).count(),
    )
