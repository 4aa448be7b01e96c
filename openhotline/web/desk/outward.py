"""What went outward about a case: questions to police, notices, referrals, each with its log.

True here: nothing about a hold beyond "paused" leaves this file unless `open_to` is set. What is not here:
asking, notifying and referring (`steps/`).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, QuerySet

from openhotline.records.models import HostAlert, Item, Referral, ReferralAction
from openhotline.rules import abroad, words
from openhotline.web.desk import times
from openhotline.web.scoped import Scoped


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
    icon: str = "clock"  # drawn where nobody did it but the machine


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
        answers = scoped.answers().filter(consultation=row, lines__removal__item=item)
        shown.append(_asked(row, list(answers.select_related("by").distinct()), open_to=open_to, at=at))
    return shown


def question(scoped: Scoped, row: Any, *, open_to: bool, at: datetime) -> Asked:
    """One question with all its answers."""
    answers = scoped.answers().filter(consultation=row).select_related("by").annotate(size=Count("lines"))
    return _asked(row, list(answers), open_to=open_to, at=at)


def _asked(row: Any, answers: list[Any], *, open_to: bool, at: datetime) -> Asked:
    covered = row.lines.count()
    told = "Asked" if row.asks else "Told"
    log = [
        Said(
            _monogram(row.asked_by),
            "s" if row.asked_by.startswith("machine") else "",
            f"{told} {row.unit.name}{' again' if row.again else ''}",
            row.asked_at,
            times.when(row.asked_at, at),
            f"{covered} address{'' if covered == 1 else 'es'} on one host. Address, trace and category only.",
            icon="send",
        )
    ]
    duty = f"Duty desk {row.unit.phone}"
    for stamp, what in (
        (row.rung_at, "No answer in the agreed time; the duty desk is rung"),
        (row.escalated_at, "Escalated in both houses"),
        (row.managers_at, "Managers of both sides were brought in"),
    ):
        if stamp is not None:
            log.append(Said("–", "s", what, stamp, times.when(stamp, at), duty, icon="phone"))
    log += [_answer(answer, row.unit.key, covered, open_to=open_to, at=at) for answer in answers]
    log.sort(key=lambda said: said.time)
    answered = f"Answered in {times.span(row.answered_at - row.asked_at)}" if row.answered_at else ""
    runs = row.asks and not row.answered_at and row.withdrawn_at is None
    clock = times.left(row.due_at, at, whole=row.due_at - row.asked_at) if runs else None
    return Asked(row, log, clock, answered)


def _answer(answer: Any, unit: str, covered: int, *, open_to: bool, at: datetime) -> Said:
    when = times.when(answer.at, at)
    holding = not answer.clears and answer.kind != words.PASS_ON
    if holding and not open_to:
        return Said(unit[:3], "p", "Paused", answer.at, when)
    what = _ANSWERS.get(answer.kind, answer.kind)
    more = []
    if getattr(answer, "size", covered) < covered:
        more.append(f"For {answer.size} of {covered} addresses.")
    if holding:
        if answer.until:
            what = f"{what} until {times.when(answer.until, at)}"
        elif answer.review_at:
            what = f"{what}; looked at again {times.when(answer.review_at, at)}"
        more.append(f"Reason: {answer.reason}." if answer.reason else "")
    if answer.undone_at:
        more.append(f"Taken back within its minute, at {answer.undone_at:%H:%M:%S} UTC.")
    if answer.valid_until:
        more.append(f"Valid until {times.when(answer.valid_until, at)}.")
    if answer.reference:
        more.append(f"Their reference {answer.reference}.")
    if open_to and answer.note:
        more.append(answer.note)
    conditions = tuple(
        {"evidence-wanted": "Evidence wanted", "statement-wanted": "Statement wanted"}.get(c, c)
        for c in answer.conditions
    )
    return Said(unit[:3], "p", what, answer.at, when, " ".join(part for part in more if part), conditions)


def handed(scoped: Scoped, row: Referral, at: datetime) -> list[Said]:
    """How one referral went: handed over, taken, asked after, and what the partner says it did, oldest first."""
    log = [Said("–", "s", "Drafted", row.drafted_at, times.when(row.drafted_at, at), icon="file")]
    theirs = f"Their reference {row.their_reference}." if row.their_reference else ""
    for stamp, what, more, icon in (
        (row.sent_at, "Taken by them", theirs, "send"),
        (row.queried_at, "We asked how far it is", "", "mail"),
        (row.escalated_at, "Nothing was heard: ring them", "", "phone"),
    ):
        if stamp is not None:
            log.append(Said("–", "s", what, stamp, times.when(stamp, at), more, icon=icon))
    said = scoped.referral_actions().filter(line__referral=row).select_related("line__removal__item")
    for one in said.order_by("pk")[:500]:
        why = abroad.REASONS.get(one.reason, "")
        kept = "" if one.counted else "Kept; it moves nothing."
        parts = (f"{one.line.removal.item.ref}, said by {one.said_by}.", why, one.text, kept)
        words_ = " ".join(part for part in parts if part)
        when = times.when(one.done_at, at)
        log.append(Said(row.country, "h", f"They say: {one.action}", one.done_at, when, words_))
    return sorted(log, key=lambda one: one.time)


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
# The kinds of letter that have a page behind them.
PAGES = {
    "ladder-upstream": "Letter up the ladder: the network above the host",
    "ladder-registrar": "Letter up the ladder: the registrar or registry",
    "ladder-regulator": "Letter up the ladder: the regulator",
    "host-alert": "Alert to a registered host abroad",
    "domain-alert": "Alert about a domain",
}
SAID = {
    "removed": "Says it is removed",
    "acted": "Says they have acted",
    "acknowledged": "Knows of it",
    "cut-off": "Says access is cut off",
    "not-ours": "Says it is not theirs",
    "need-more": "Asks for more",
    "appeal": "Appeals",
}


def _why_dropped(why: str, *, open_to: bool) -> str:
    """Why an address left a notice; a hold is only "paused" to those who may not know of it."""
    return "paused" if "eld" in why and not open_to else why.rstrip(".").lower()


def notices(scoped: Scoped, item: Item, *, open_to: bool, at: datetime) -> list[Noticed]:
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
        if line.dropped:
            word, family = _why_dropped(line.dropped, open_to=open_to), "idle"
        else:
            word, family = LETTER_FAMILIES[letters[0].state if letters else "pending"]
        log = [Said("–", "s", "Drafted", row.drafted_at, times.when(row.drafted_at, at), icon="file")]
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
                        times.when(letter.sent_at, at),
                        more,
                        icon="send",
                    )
                )
            elif letter.why and not line.dropped:
                log.append(
                    Said(
                        "–",
                        "s",
                        LETTER_FAMILIES.get(letter.state, (letter.state, ""))[0].capitalize(),
                        letter.put_at,
                        times.when(letter.put_at, at),
                        letter.why,
                        icon="mail",
                    )
                )
        for said in scoped.host_answers().filter(notice=row, removal__item=item).order_by("at"):
            more = " ".join(
                part for part in (f"Their ticket {said.ticket}." if said.ticket else "", said.text) if part
            )
            log.append(Said("H", "h", SAID.get(said.said, said.said), said.at, times.when(said.at, at), more))
        shown.append(Noticed(row, word, family, sorted(log, key=lambda one: one.time)))
    return shown


def alerts(
    scoped: Scoped, rows: QuerySet[HostAlert], *, at: datetime
) -> list[tuple[HostAlert, str, str, str]]:
    """Alerts to hosts abroad, newest first, each with its letter's state, the state's colour and when."""
    listed = list(rows.select_related("host").prefetch_related("pages").order_by("-pk")[:200])
    letters = {
        letter.number: letter
        for letter in scoped.letters().filter(kind="host-alert", number__in=[row.number for row in listed])
    }
    shown = []
    for row in listed:
        letter = letters[row.number]
        word, family = LETTER_FAMILIES[letter.state]
        shown.append((row, word, family, times.when(letter.sent_at or row.drafted_at, at)))
    return shown


def referrals(scoped: Scoped, item: Item) -> list[tuple[Referral, list[ReferralAction]]]:
    """Hand-overs abroad of this item, newest first, each with what the partner says it did about it."""
    rows = scoped.referrals().filter(lines__removal__item=item).select_related("partner", "unit").distinct()
    said: dict[int, list[ReferralAction]] = {}
    actions = scoped.referral_actions().filter(line__removal__item=item).select_related("line").order_by("pk")
    for action in actions:
        said.setdefault(action.line.referral_id, []).append(action)
    return [(row, said.get(row.pk, [])) for row in rows.order_by("-drafted_at")]
