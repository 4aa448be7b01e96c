"""One notice as the host reads it: what, where, by when, what was said, what our own checks see.

Plain words ready for the page. Addresses are defanged; the exact spelling is in the letter's text. What is
not here: the letter itself (`rules/notice`) and anything that belongs to others (`web/scoped`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Max

from openhotline import policy as policies
from openhotline.records.models import HostAnswer, Notice, NoticeLine, Trace
from openhotline.rules import notice as wording
from openhotline.rules import removal_path, words
from openhotline.rules.urls import defang
from openhotline.settings import load
from openhotline.steps import agreed
from openhotline.web.bearers import files_of
from openhotline.web.portal import told
from openhotline.web.portal.told import counted, exact, full, length
from openhotline.web.scoped import Scoped

_CHOICES = tuple(told.SAID.items())


@dataclass(frozen=True, slots=True)
class Said:
    """One thing the host pressed."""

    what: str
    when: str


@dataclass(frozen=True, slots=True)
class Line:
    """One address of the notice."""

    pk: int
    uid: str
    number: int
    address: str
    ips: str
    server: str  # of a newsgroup post: "News server news.example"
    files: str
    last_seen: str
    state: str
    family: str
    open: bool
    said: Said | None


@dataclass(frozen=True, slots=True)
class NoticePage:
    """All the page shows."""

    number: str
    host: str
    title: str
    what: str
    ground: str
    preserve_days: int
    preserve_until: str
    code: str
    sent: str
    sent_day: str
    by: str
    left: str
    late: bool
    of: int
    now: int
    lines: tuple[Line, ...]
    open: bool
    answered: bool
    withdrawn: bool
    ready: bool
    all_words: str
    state: str
    family: str
    ticket: str
    contact: str
    summary: tuple[str, ...]
    machine: bool
    messages: tuple[tuple[str, str, str], ...] = ()
    choices: tuple[tuple[str, str], ...] = _CHOICES

    @property
    def many(self) -> bool:
        """More addresses than a page can show at once."""
        return len(self.lines) > 12


def page_of(asked: Notice, mine: Scoped, *, at: datetime) -> NoticePage:
    """Read one notice for whoever holds `mine`, narrowed to this notice."""
    policy = policies.load(load().country)
    rows = list(
        mine.notice_lines()
        .filter(notice=asked, dropped="")
        .select_related("removal__item")
        .order_by("removal__item__canonical", "removal_id")
    )
    if asked.sent_at is None:
        rows = []
    answers = _newest(mine.host_answers().filter(notice=asked).order_by("at", "pk"))
    lines = _lines(asked, rows, answers, mine)
    open_ = any(line.open for line in lines) and asked.withdrawn_at is None
    due = asked.due_at or at
    whole = int((due - asked.sent_at).total_seconds() // 60) if asked.sent_at else 1
    rest = due - at
    late = rest <= timedelta(0)
    what = wording.what(asked.cls)
    state, family = _state(lines, open_=open_, withdrawn=asked.withdrawn_at is not None, late=late)
    latest = max(answers.values(), key=lambda answer: (answer.at, answer.pk), default=None)
    preserve = agreed.for_notice([row.removal for row in rows], policy=policy).preserve_days
    return NoticePage(
        number=asked.number,
        host=asked.host.name,
        title=_title(len(lines), what, open_=open_),
        what=what,
        ground=policy.ground(asked.cls),
        preserve_days=preserve,
        preserve_until=told.day(told.local(asked.sent_at + timedelta(days=preserve)))
        if asked.sent_at
        else "",
        code=asked.code,
        sent=full(asked.sent_at) if asked.sent_at else "",
        sent_day=told.day(told.local(asked.sent_at)) if asked.sent_at else "",
        by=full(due),
        left=f"ended {length(-rest)} ago" if late else length(rest),
        late=late,
        of=max(whole, 1),
        now=max(min(int(rest.total_seconds() // 60), whole), 0),
        lines=lines,
        open=open_,
        answered=bool(answers),
        withdrawn=asked.withdrawn_at is not None,
        ready=asked.sent_at is not None,
        all_words=_all([line for line in lines if line.open]),
        state=state,
        family=family,
        ticket=asked.ticket,
        contact=latest.contact if latest else "",
        summary=_summary(lines),
        machine=asked.cls == words.CHILD_SEXUAL_ABUSE,
        messages=tuple(
            ("You" if one.side == "host" else "We", full(one.at), one.text)
            for one in mine.notice_messages().filter(notice=asked).exclude(via="mail").order_by("at", "pk")
        ),
    )


def _newest(answers: Sequence[HostAnswer]) -> dict[int, HostAnswer]:
    return {answer.removal_id: answer for answer in answers}


def _lines(
    asked: Notice, rows: Sequence[NoticeLine], answers: dict[int, HostAnswer], mine: Scoped
) -> tuple[Line, ...]:
    removals = [row.removal_id for row in rows]
    traces: dict[int, Trace] = {}
    for trace in mine.traces().filter(removal__in=removals).defer("answers").order_by("at", "pk"):
        traces[trace.removal_id or 0] = trace
    seen = dict(
        mine.checks().filter(removal__in=removals, meaning="up").values_list("removal").annotate(at=Max("at"))
    )
    files = files_of(asked)
    lines = []
    for number, row in enumerate(rows, 1):
        removal = row.removal
        trace, last, answer = traces.get(removal.pk), seen.get(removal.pk), answers.get(removal.pk)
        count = files.get(removal.item_id, 0)
        state, family = told.state_for_host(removal.status)
        lines.append(
            Line(
                pk=removal.pk,
                uid=str(removal.uid),
                number=number,
                address=defang(removal.item.canonical),
                ips=" · ".join(trace.passed_on[:4]) if trace else "",
                server=f"News server {removal.server}" if removal.server else "",
                files=counted(count, "file") if count else "",
                last_seen=f"Last seen {exact(last)}" if last else "",
                state=state,
                family=family,
                open=removal.status in removal_path.STILL_OPEN,
                said=Said(told.SAID.get(answer.said, answer.said), full(answer.at)) if answer else None,
            )
        )
    return tuple(lines)


def _title(count: int, what: str, *, open_: bool) -> str:
    carry = "carries" if count == 1 else "carry"
    if open_:
        return f"{wording.count_words(count)} on your network {carry} {what}"
    return f"{wording.count_words(count)} on your network: nothing left to do"


def _all(lines: Sequence[Line]) -> str:
    count = len(lines)
    if count == 1:
        return "It is removed and preserved"
    who = "Both" if count == 2 else f"All {count:,}"
    return f"{who} are removed and preserved"


def _state(lines: Sequence[Line], *, open_: bool, withdrawn: bool, late: bool) -> tuple[str, str]:
    if withdrawn:
        return "Withdrawn by us", "idle"
    if not open_:
        return "Closed", "ok"
    waiting = [line for line in lines if line.open]
    if all(line.said for line in waiting):
        return "Answered, we are checking", "info"
    if any(line.said for line in lines):
        return "Answered in part", "info"
    return ("Not answered, past its time", "bad") if late else ("Not answered", "warn")


def _summary(lines: Sequence[Line]) -> tuple[str, ...]:
    """ "2 addresses: Removed and preserved", in the order of the form."""
    said = [line.said.what for line in lines if line.said]
    return tuple(
        f"{counted(said.count(what), 'address', 'addresses')}: {what}"
        for what in dict.fromkeys(told.SAID.values())
        if what in said
    )
