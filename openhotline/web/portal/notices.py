"""One notice as the host reads it: what, where, by when, what was said, what our own checks see.

The page of another letter (`letters`) is of the same parts.

Plain words ready for the page. Addresses are defanged; the exact spelling is in the letter's text. What is
not here: the letter itself (`rules/notice`) and anything that belongs to others (`web/scoped`).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Max, QuerySet

from openhotline import policy as policies
from openhotline.records.models import HostAnswer, Notice, NoticeMessage, Removal, Trace
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
_STATES = Callable[[str], tuple[str, str]]


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
    noun: str  # notice, letter, alert
    caption: str
    lead: str
    steps: tuple[tuple[str, str], ...]  # what to do: in bold, and the rest
    keep: str  # what stays to be kept when all is done
    wrong: str  # where to turn who thinks us wrong
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
    timed: bool = True
    done: str = "removed"  # what the one press says
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
    answers = newest(mine.host_answers().filter(notice=asked).order_by("at", "pk"))
    lines = lines_of([row.removal for row in rows], answers, mine, host=asked.host_id)
    open_ = any(line.open for line in lines) and asked.withdrawn_at is None
    due = asked.due_at or at
    whole = int((due - asked.sent_at).total_seconds() // 60) if asked.sent_at else 1
    rest = due - at
    late = rest <= timedelta(0)
    what = wording.what(asked.cls)
    state, family = state_of(lines, open_=open_, withdrawn=asked.withdrawn_at is not None, late=late)
    latest = max(answers.values(), key=lambda answer: (answer.at, answer.pk), default=None)
    preserve = agreed.for_notice(
        [row.removal for row in rows], policy=policy, at=asked.sent_at or at
    ).preserve_days
    until = told.day(told.local(asked.sent_at + timedelta(days=preserve))) if asked.sent_at else ""
    withdrawn = asked.withdrawn_at is not None
    return NoticePage(
        number=asked.number,
        host=asked.host.name,
        title=_title(len(lines), what, open_=open_),
        noun="notice",
        caption="Notice to hosting provider",
        lead=lead(
            "notice",
            f"Trained analysts found this to be against the law. {policy.ground(asked.cls)}",
            "Everything in this notice is gone from outside, or no longer on your network. Thank you. Keep what you "
            f"preserved until {until}.",
            open_=open_,
            withdrawn=withdrawn,
        ),
        steps=(
            (
                "Keep the evidence.",
                f"Preserve the account record, the access logs and the stored files for {preserve} days, until {until}. "
                "Do not open the files.",
            ),
            ("Remove it, or cut off access,", "for everyone, on every mirror and cache you run."),
            (
                "Tell us below.",
                "One press is enough. We check from outside and close the notice when it is gone.",
            ),
        ),
        keep=f"Keep what you preserved until {until}.",
        wrong="Choose “Not on our network”, or “We appeal: please review”.",
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
        withdrawn=withdrawn,
        ready=asked.sent_at is not None,
        all_words=_all([line for line in lines if line.open]),
        state=state,
        family=family,
        ticket=asked.ticket,
        contact=latest.contact if latest else "",
        summary=summary(lines, told.SAID),
        machine=asked.cls == words.CHILD_SEXUAL_ABUSE,
        messages=channel(mine.notice_messages().filter(notice=asked)),
    )


def lead(noun: str, found: str, over: str, *, open_: bool, withdrawn: bool) -> str:
    """The sentence under the heading: withdrawn, what was found, or that it is over."""
    if withdrawn:
        return f"We have withdrawn this {noun}. There is nothing to answer. Call us if you are unsure."
    return found if open_ else over


def channel(rows: QuerySet[NoticeMessage]) -> tuple[tuple[str, str, str], ...]:
    """(who, when, words) of questions and answers. What came by mail proves no sender and is not shown here."""
    return tuple(
        ("You" if one.side == "host" else "We", full(one.at), one.text)
        for one in rows.exclude(via="mail").order_by("at", "pk")
    )


def newest(answers: Iterable[HostAnswer]) -> dict[int, HostAnswer]:
    """The latest answer per removal id; about a domain under 0."""
    return {answer.removal_id or 0: answer for answer in answers}


def lines_of(
    rows: Sequence[Removal],
    answers: dict[int, HostAnswer],
    mine: Scoped,
    *,
    host: int | None,
    states: _STATES = told.state_for_host,
    labels: Mapping[str, str] = told.SAID,
) -> tuple[Line, ...]:
    """The addresses of a letter, in its order. `host`: its own page says how many files there are and where they are held;
    None where that is not the reader's to know."""
    removals = [row.pk for row in rows]
    traces: dict[int, Trace] = {}
    for one in mine.traces().filter(removal__in=removals).defer("answers").order_by("at", "pk"):
        traces[one.removal_id or 0] = one
    seen = dict(
        mine.checks().filter(removal__in=removals, meaning="up").values_list("removal").annotate(at=Max("at"))
    )
    files = files_of(removals) if host is not None else {}
    lines = []
    for number, removal in enumerate(rows, 1):
        trace, last, answer = traces.get(removal.pk), seen.get(removal.pk), answers.get(removal.pk)
        count = files.get(removal.item_id, 0)
        state, family = states(removal.status)
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
                said=said_in(answer, labels),
            )
        )
    return tuple(lines)


def said_in(answer: HostAnswer | None, labels: Mapping[str, str]) -> Said | None:
    """What was pressed, in the words of its page."""
    return Said(labels.get(answer.said, answer.said), full(answer.at)) if answer else None


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


def state_of(lines: Sequence[Line], *, open_: bool, withdrawn: bool, late: bool) -> tuple[str, str]:
    """(words, status family) of the whole letter."""
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


def summary(lines: Sequence[Line], labels: Mapping[str, str]) -> tuple[str, ...]:
    """ "2 addresses: Removed and preserved", in the order of the form."""
    said = [line.said.what for line in lines if line.said]
    return tuple(
        f"{counted(said.count(what), 'address', 'addresses')}: {what}"
        for what in dict.fromkeys(labels.values())
        if what in said
    )
