"""The page behind a letter that is no notice: made when the letter is frozen, answered by whoever holds serial and code.

True here: one page for one letter, in the transaction that freezes it; a look changes nothing. An answer stops no clock
and no ladder: our own checks close. An appeal is one like any other. A page that was opened reads the same under a hold,
as a notice's does: what leaves is stopped, and no hold can be read from what has left. What is not here: what the letters
say (`rules/alert`, `rules/ladder`), whether they may leave (`alert`, `domain_alert`, `escalate`).
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from openhotline.outbox.models import IN_DOUBT, SENDING, SENT, Letter
from openhotline.policy import HOUSE_LANGUAGE, Policy
from openhotline.records import vault
from openhotline.records.models import (
    Contact,
    ContactKey,
    DomainAlert,
    HostAlert,
    HostAnswer,
    Notice,
    Removal,
    SecurePage,
)
from openhotline.rules import item_path, paged, removal_path
from openhotline.rules.paged import Ways
from openhotline.rules.refusals import Refused
from openhotline.rules.words import PUBLIC, Actor
from openhotline.steps import appeal, confirm, list_agreement
from openhotline.steps import contact as contacts
from openhotline.steps.advance import note, refuse_unless
from openhotline.steps.departing import HouseWords
from openhotline.steps.notify import code_of


def behind(
    letter: Letter, about: Notice | HostAlert | DomainAlert, *, name: str, house: HouseWords, at: datetime
) -> Ways:
    """The ways to the page of this letter, made inside its claim; the same ways each time."""
    link = vault.token("page-link", letter.key)
    page, _ = SecurePage.objects.get_or_create(
        key=letter.key,
        defaults={
            "kind": letter.kind,
            "serial": about.number,
            "name": name,
            "notice": about if isinstance(about, Notice) else None,
            "alert": about if isinstance(about, HostAlert) else None,
            "domain": about if isinstance(about, DomainAlert) else None,
            "code": code_of(opens=True),
            "link_digest": hashlib.sha256(link.encode()).hexdigest(),
            "made_at": at,
        },
    )
    portal = house.portal_url
    return Ways(
        code=page.code,
        link=f"{portal}/n/{link}",
        page=f"{portal}/open",
        verify=f"{portal}/verify",
        appeal=f"{portal}/appeal",
        phone=house.phone,
    )


def keep_inner(letter: Letter, inner: bytes) -> None:
    """The whole letter, for its page."""
    SecurePage.objects.filter(key=letter.key).update(inner=inner)


def sealed_to(recipient: str) -> ContactKey | None:
    """The key in use of whoever such a letter goes to, None where it goes open. Locked: retiring it waits for us."""
    return (
        ContactKey.objects.select_for_update(of=("self",))
        .filter(
            contact__mail=recipient,
            contact__retired_at=None,
            retired_at=None,
            verified_at__isnull=False,
        )
        .order_by("pk")
        .first()
    )


def left() -> QuerySet[SecurePage]:
    """Pages whose letter has left, or may have. The others open nothing and are not genuine."""
    gone = Letter.objects.filter(key=OuterRef("key"), state__in=[SENDING, IN_DOUBT, SENT])
    return SecurePage.objects.filter(Exists(gone))


def lines(page: SecurePage) -> QuerySet[Removal]:
    """What stands on the page. An alert about a domain names no address."""
    rows = Removal.objects.none() if page.domain_id else confirm.covered(page)
    return rows.exclude(item__status=item_path.NOT_ILLEGAL)


def is_open(page: SecurePage) -> bool:
    """Whether there is something left to answer."""
    if page.domain is not None:
        return page.domain.over_at is None
    return lines(page).filter(status__in=removal_path.STILL_OPEN).exists()


def by_page(page: SecurePage) -> Actor:
    """Whoever holds serial and code of this page, or its link."""
    return Actor(PUBLIC, f"page:{page.pk}", auth="signed-link")


def opened(page: SecurePage, *, at: datetime) -> None:
    """Somebody pressed something on it for the first time."""
    if SecurePage.objects.filter(pk=page.pk, opened_at=None).update(opened_at=at):
        confirm.used([page.key], at=at)


def press(
    page: SecurePage,
    said: Mapping[int, str],
    *,
    ticket: str = "",
    contact: str = "",
    text: str = "",
    policy: Policy,
    at: datetime,
) -> list[HostAnswer]:
    """One press: the answers per removal id, or under 0 that about a domain; a question where words came with them, an
    appeal where they appeal. Raises Refused."""
    by = by_page(page)
    refuse_unless(bool(said), "Choose an answer for at least one address.", code="empty")
    if set(said.values()) - set(paged.said(page.kind)):
        raise Refused("Choose one of the answers offered.", code="said")
    with transaction.atomic():
        answers = _record(page, said, ticket=ticket, contact=contact, text=text, by=by, at=at)
        opened(page, at=at)
        against = [pk for pk, word in said.items() if word == "appeal"]
        if against:
            appeal.open_(
                page.notice or page.alert or page.domain,
                standing="host" if page.alert_id else "other",
                text=text,
                reach=contact,
                via="link",
                about=[pk for pk in against if pk],
                policy=policy,
                by=by,
                at=at,
            )
        wants = any(word in ("need-more", "not-ours") for word in said.values())
        if (text.strip() or wants) and not against:
            words = text.strip() or "They say it is not theirs, or ask for help or more detail."
            confirm.ask(page, words, via="link", policy=policy, by=by, at=at)
    return answers


def _record(
    page: SecurePage,
    said: Mapping[int, str],
    *,
    ticket: str,
    contact: str,
    text: str,
    by: Actor,
    at: datetime,
) -> list[HostAnswer]:
    """Keep what was said, and look from outside within minutes."""
    rows: Sequence[Removal | None]
    if page.domain_id:
        refuse_unless(set(said) == {0} and is_open(page), "This alert is over. Thank you.", code="scope")
        rows, looked = [None], confirm.covered(page)
    else:
        looked = lines(page).filter(pk__in=list(said))
        rows = list(looked.select_for_update(of=("self",)).select_related("item").order_by("pk"))
        refuse_unless(len(rows) == len(said), "One of these addresses is not on this page.", code="scope")
    answers = HostAnswer.objects.bulk_create(
        [
            HostAnswer(
                page=page,
                removal=row,
                at=at,
                said=said[row.pk if row else 0],
                ticket=ticket[:200],
                contact=contact[:254],
                text=text[:10_000],
            )
            for row in rows
        ],
        batch_size=1000,
    )
    if ticket:
        SecurePage.objects.filter(pk=page.pk).update(ticket=ticket[:200])
    facts = {"letter": page.serial, "kind": page.kind, "said": sorted(set(said.values()))}
    about = list(looked.select_related("item").order_by("pk"))
    note(about, "page.answered", by=by, at=at, facts=facts)
    Removal.objects.filter(
        pk__in=[row.pk for row in about], status__in=removal_path.STILL_OPEN, next_check_at__isnull=False
    ).update(next_check_at=at)
    return answers


def reached(page: SecurePage, *, at: datetime) -> confirm.Reach:
    """How an answer to a question on this page reaches who asked."""
    if page.domain is not None:
        row = list_agreement.in_force(at).filter(key=page.domain.recipient).first()
        return confirm.Reach(row.mail, row.language) if row else confirm.Reach("", HOUSE_LANGUAGE)
    language = page.alert.host.language if page.alert else HOUSE_LANGUAGE
    to = Letter.objects.filter(key=page.key).values_list("recipient", flat=True).first() or ""
    nobody = page.kind != f"{paged.LADDER}regulator" and not any(
        contacts.may_be_used(one) for one in Contact.objects.filter(mail=to)
    )
    return confirm.Reach("" if nobody else to, language)
