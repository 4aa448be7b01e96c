"""The page behind a letter that is no notice, as its reader sees it: up the ladder, a host abroad, who answers for a domain.

Of the same parts as a notice's page. A domain's page names the domain and no address. What is not here: the answers
themselves (`steps/secure_page`).
"""

from dataclasses import dataclass
from datetime import datetime

from openhotline import policy as policies
from openhotline.records.models import HostAnswer, SecurePage
from openhotline.rules import notice as wording
from openhotline.rules import paged, words
from openhotline.settings import load
from openhotline.steps import secure_page
from openhotline.web.portal import told
from openhotline.web.portal.notices import (
    Line,
    NoticePage,
    channel,
    lead,
    lines_of,
    newest,
    said_in,
    state_of,
    summary,
)
from openhotline.web.scoped import Scoped

_KEEP = (
    "Keep what you have of it.",
    "Preserve account record, logs and stored files as your law asks. Open nothing.",
)
_TELL = ("Tell us below.", "One press is enough. We check from outside until it is gone.")


@dataclass(frozen=True, slots=True)
class _Words:
    noun: str
    caption: str
    title: str  # of what is open; {count} addresses
    found: str
    steps: tuple[tuple[str, str], ...]
    all_one: str
    all_many: str
    not_ours: str


_ALERT = _Words(
    "alert",
    "Alert to a registered host",
    "{count} on your network",
    "You registered with us. The hotline of your country has been told, and leads: what it asks of you comes first. This is no "
    "order. ",
    (_KEEP, ("Remove it, or cut off access.", "Your own law says what you must and may do."), _TELL),
    "It is removed and preserved",
    "All {n} are removed and preserved",
    "Not on our network",
)
_DOMAIN = _Words(
    "alert",
    "Alert about a domain in your sphere",
    "Under one of your domains we have found {what}",
    "Our own checks have seen it. Who hosts it, or the hotline of its country, has been told. ",
    (
        (
            "Keep what you have of it.",
            "Preserve what you hold about who registered the domain and pays for it. Open nothing under it.",
        ),
        ("Act as our agreement says,", "and do not warn who registered it."),
        ("Tell us below.", "One press is enough. We tell you once nothing is left under it."),
    ),
    "We have acted on it",
    "",
    "Not in our sphere",
)
_LADDER = _Words(
    "letter",
    "Letter about a notice that was not acted on",
    "{count} not acted on",
    "The host had our notice and has not acted. ",
    (_KEEP, ("Act where you can:", "have it removed, or cut off access to it."), _TELL),
    "We have acted on it",
    "We have acted on all {n}",
    "Not ours to act on",
)


def page_behind(page: SecurePage, mine: Scoped, *, at: datetime) -> NoticePage:
    """Read the page of one letter for whoever holds `mine`, narrowed to it."""
    policy = policies.load(load().country)
    texts = _ALERT if page.alert else _DOMAIN if page.domain else _LADDER
    labels = told.BEHIND | {"not-ours": texts.not_ours}
    answers = newest(mine.host_answers().order_by("at", "pk"))
    if page.domain:
        lines: tuple[Line, ...] = (_domain(page, answers.get(0), labels),)
        withdrawn = False
        cls = words.CHILD_SEXUAL_ABUSE
    else:
        rows = list(mine.removals().select_related("item").order_by("item__canonical", "pk"))
        host = page.alert.host_id if page.alert else None
        lines = lines_of(rows, answers, mine, host=host, states=told.state_behind, labels=labels)
        withdrawn = not rows
        cls = page.alert.cls if page.alert else page.notice.cls if page.notice else ""
    waiting = [line for line in lines if line.open]
    open_ = bool(waiting)
    state, family = state_of(lines, open_=open_, withdrawn=withdrawn, late=False)
    what, count = wording.what(cls), wording.count_words(len(lines))
    latest = max(answers.values(), key=lambda answer: (answer.at, answer.pk), default=None)
    return NoticePage(
        number=page.serial,
        host=page.name,
        title=texts.title.format(count=count, what=what) if open_ else "Nothing left to do",
        noun=texts.noun,
        caption=texts.caption,
        lead=lead(
            texts.noun,
            f"{texts.found}It is about {what}. {policy.ground(cls)}",
            f"Nothing that this {texts.noun} is about is left. Thank you.",
            open_=open_,
            withdrawn=withdrawn,
        ),
        steps=texts.steps,
        keep="Keep what you preserved as your law asks.",
        wrong=f"Choose “{texts.not_ours}”, or “{told.BEHIND['appeal']}”.",
        code=page.code,
        sent=told.full(page.made_at),
        sent_day=told.day(told.local(page.made_at)),
        by="",
        left="",
        late=False,
        of=1,
        now=0,
        lines=lines,
        open=open_,
        answered=bool(answers),
        withdrawn=withdrawn,
        ready=True,
        all_words=texts.all_one if len(waiting) == 1 else texts.all_many.format(n=f"{len(waiting):,}"),
        state=state,
        family=family,
        ticket=page.ticket,
        contact=latest.contact if latest else "",
        summary=summary(lines, labels),
        machine=False,
        timed=False,
        done=paged.said(page.kind)[0],
        messages=channel(mine.notice_messages()),
        choices=tuple((key, labels[key]) for key in paged.said(page.kind)),
    )


def _domain(page: SecurePage, answer: HostAnswer | None, labels: dict[str, str]) -> Line:
    open_ = secure_page.is_open(page)
    state, family = ("Something is up under it", "warn") if open_ else ("Nothing is left under it", "ok")
    return Line(
        pk=0,
        uid="domain",
        number=1,
        address=page.domain.domain.replace(".", "[.]") if page.domain else "",
        ips="",
        server="",
        files="",
        last_seen="",
        state=state,
        family=family,
        open=open_,
        said=said_in(answer, labels),
    )
