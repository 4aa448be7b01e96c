"""What the host says by the signed link or its program, and the logged questions and answers of a notice or another
letter's page.

It stops no clock, no ladder and no check: our own checks close. Anyone on the abuse desk may press, more than
once; later answers stand beside earlier ones. A GET changes nothing (that is the page's promise; here only
presses arrive). What is not here: appeals (`appeal`) and mail (`mailbox`).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import QuerySet

from openhotline.outbox import queue
from openhotline.outbox.models import LetterLine
from openhotline.policy import HOUSE_LANGUAGE, Policy, notice_texts
from openhotline.records.models import (
    Contact,
    Delivery,
    HostAnswer,
    Notice,
    NoticeMessage,
    Removal,
    SecurePage,
)
from openhotline.rules import notice_lint, removal_path, told
from openhotline.rules.permits import require_act
from openhotline.rules.refusals import Refused
from openhotline.rules.words import HOST, MACHINE_WORKER, Actor
from openhotline.steps import appeal, departing
from openhotline.steps import contact as contacts
from openhotline.steps.advance import KEEP, advance, note, refuse_unless

PAUSED = "This is paused: nothing about it leaves the house now. Ask the liaison, and answer when it goes on."


class Reach(NamedTuple):
    """Where an answer goes, and in which language; no mailbox where nobody may be written to any more."""

    mail: str
    language: str


def by_link(notice: Notice) -> Actor:
    """Whoever holds the link of this notice."""
    return Actor(HOST, f"host:{notice.host_id}", host_id=notice.host_id, auth="signed-link")


def press(
    notice: Notice,
    said: Mapping[int, str],
    *,
    ticket: str = "",
    contact: str = "",
    text: str = "",
    via: str,
    policy: Policy,
    by: Actor,
    at: datetime,
) -> list[HostAnswer]:
    """One press, by page or program: the answers, a question where words came with them, an appeal where they appeal."""
    with transaction.atomic():
        answers = record(notice, said, ticket=ticket, contact=contact, text=text, by=by, at=at)
        opened(notice, at=at)
        against = [pk for pk, word in said.items() if word == "appeal"]
        if against:
            appeal.open_(
                notice,
                standing="host",
                text=text,
                reach=contact,
                via=via,
                about=against,
                policy=policy,
                by=by,
                at=at,
            )
        wants = any(word in ("need-more", "not-ours") for word in said.values())
        if (text.strip() or wants) and not against:
            ask(
                notice,
                text.strip() or "They ask for help or more detail.",
                via=via,
                policy=policy,
                by=by,
                at=at,
            )
    return answers


def opened(notice: Notice, *, at: datetime) -> None:
    """Somebody pressed something on the notice's page for the first time. A look alone opens nothing."""
    if Notice.objects.filter(pk=notice.pk, opened_at=None).update(opened_at=at):
        used(queue.keys_of("notice", notice.number), at=at)


def used(keys: Sequence[str], *, at: datetime) -> None:
    """The pages of these letters were used."""
    Delivery.objects.bulk_create(
        [Delivery(letter=key, at=at, state="opened", words="Its link was used.") for key in keys]
    )


def ask(
    about: Notice | SecurePage, text: str, *, via: str, policy: Policy, by: Actor, at: datetime
) -> NoticeMessage:
    """A question or remark, kept in the channel of the notice or page. It waits for an answer; it closes nothing."""
    with transaction.atomic():
        made = NoticeMessage.objects.create(
            **_of(about),
            at=at,
            side="host",
            via=via,
            who=by.who,
            text=text[:10_000],
            due_at=at + policy.clocks.host_query,
        )
        _note_all(about, "host.asked", by=by, at=at)
    return made


def reply(about: Notice | SecurePage, text: str, *, to: Reach, by: Actor, at: datetime) -> NoticeMessage:
    """Somebody of the house answers: on the page, and by a letter, unless nobody may be written to.

    Raises Refused where the words name one of its addresses, or tell of the police, an analyst or the reporter: they leave
    in an open mail, and anybody at the host reads the page; and while all that is left of it is held.
    """
    require_act("host.answer", by)
    words = text.strip()
    refuse_unless(bool(words), "Write an answer first.", code="empty")
    rows = _about(about)
    domain = about.domain if isinstance(about, SecurePage) else None
    notice_lint.lint_typed(
        words,
        addresses=[domain.domain] if domain else [row.item.canonical for row in rows],
        texts=[notice_texts(key) for key in {HOUSE_LANGUAGE, to.language}],
        secrets=departing.secrets_of(rows),
    )
    serial = about.serial if isinstance(about, SecurePage) else about.number
    with transaction.atomic():
        held = departing.held_items([row.item_id for row in rows])
        left = [row for row in rows if row.status in removal_path.STILL_OPEN] or rows
        free = [row.pk for row in left if row.item_id not in held]
        refuse_unless(not left or bool(free), PAUSED, code="held")
        waiting = NoticeMessage.objects.filter(**_of(about), side="host", answered_at=None)
        waiting.update(answered_at=at)
        made = NoticeMessage.objects.create(
            **_of(about), at=at, side="house", via="desk", who=by.who, text=words[:10_000]
        )
        if to.mail:
            subject, said = told.answer(notice_texts(to.language), number=serial, words=words)
            queue.put(
                "host-answer",
                number=f"{serial}/q{made.pk}",
                recipient=to.mail,
                transport="mail",
                removals=free,
                at=at,
                by=MACHINE_WORKER,
                subject=subject,
                text=said,
            )
        _note_all(about, "host.replied", by=by, at=at)
    return made


def reached(notice: Notice) -> Reach:
    """How an answer about a notice reaches its host."""
    contact = Contact.objects.filter(pk=notice.contact_id or 0).first()
    usable = contact is not None and contacts.may_be_used(contact)
    return Reach(contact.mail if contact and usable else "", notice.host.language)


def _of(about: Notice | SecurePage) -> dict[str, Any]:
    return {"page" if isinstance(about, SecurePage) else "notice": about}


def covered(about: Notice | SecurePage) -> QuerySet[Removal]:
    """What a notice covers, or what the letter of a page is about; of a domain all that is under it."""
    if isinstance(about, SecurePage):
        lines = LetterLine.objects.filter(letter__key=about.key).values("removal")
        return Removal.objects.filter(pk__in=lines)
    return Removal.objects.filter(notice_lines__notice=about, notice_lines__dropped="")


def _about(about: Notice | SecurePage) -> list[Removal]:
    return list(covered(about).select_related("item").order_by("pk"))


def _note_all(about: Notice | SecurePage, act: str, *, by: Actor, at: datetime) -> None:
    if isinstance(about, SecurePage):
        facts = {"letter": about.serial, "kind": about.kind}
    else:
        facts = {"notice": about.number}
    note(_about(about), act, by=by, at=at, facts=facts)


def record(
    notice: Notice,
    said: Mapping[int, str],
    *,
    ticket: str = "",
    contact: str = "",
    text: str = "",
    by: Actor,
    at: datetime,
) -> list[HostAnswer]:
    """Record what was said per removal id (`said`), one of HostAnswer.SAID, and look at once.

    Raises Refused where the notice was withdrawn, a removal is not in it, or the word is unknown.
    """
    refuse_unless(bool(said), "Choose an answer for at least one address.", code="empty")
    refuse_unless(
        notice.withdrawn_at is None and notice.sent_at is not None,
        "This notice was withdrawn; there is nothing to answer. Call us if you are unsure.",
        code="withdrawn",
    )
    unknown = set(said.values()) - set(HostAnswer.SAID)
    if unknown:
        raise Refused("Choose one of the answers offered.", code="said")
    with transaction.atomic():
        removals = list(
            Removal.objects.select_for_update(of=("self",))
            .filter(notice_lines__notice=notice, notice_lines__dropped="", pk__in=list(said))
            .select_related("item")
            .order_by("pk")
        )
        refuse_unless(
            len(removals) == len(said), "One of these addresses is not in this notice.", code="scope"
        )
        answers = HostAnswer.objects.bulk_create(
            [
                HostAnswer(
                    notice=notice,
                    removal=removal,
                    at=at,
                    said=said[removal.pk],
                    ticket=ticket[:200],
                    contact=contact[:254],
                    text=text[:10_000],
                )
                for removal in removals
            ],
            batch_size=1000,
        )
        if ticket:
            Notice.objects.filter(pk=notice.pk).update(ticket=ticket[:200])
        new = [
            removal
            for removal in removals
            if removal.status == removal_path.NOTICED
            or (removal.status == removal_path.OVERDUE and removal.t6_acknowledged is None)
        ]
        advance(new, "acknowledge", "acknowledged", by=by, at=at, clock=KEEP, stamps=["t6_acknowledged"])
        # A host that answers after our first miss has answered all the same.
        Removal.objects.filter(
            pk__in=[removal.pk for removal in removals],
            status__in=removal_path.STILL_OPEN,
            t6_acknowledged=None,
        ).update(t6_acknowledged=at)
        done = [
            removal
            for removal in removals
            if said[removal.pk] in ("removed", "cut-off") and removal.status in removal_path.WITH_HOST
        ]
        advance(done, "confirm", "said", by=by, at=at, clock=KEEP)
        note(
            removals,
            "host.answered",
            by=by,
            at=at,
            facts={"notice": notice.number, "said": sorted(set(said.values())), "ticket": ticket[:200]},
        )
        # We look from outside within minutes, whatever was said.
        Removal.objects.filter(
            pk__in=[removal.pk for removal in removals], status__in=removal_path.STILL_OPEN
        ).update(next_check_at=at)
    return answers
