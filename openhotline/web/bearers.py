"""Doors that know no account: whoever holds a secret instead, and what that opens.

A signed link, a notice's serial and code, a program's key, a token. What is stored of a secret is its digest, and look-ups
are by digest, so that nothing about it can be learned from how long the answer took. A wrong secret, a closed one and one
that opens nothing yet are the same None. What is not here: what the opened door shows (`scoped.py`).
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Max, Q, QuerySet

from openhotline.outbox.models import IN_DOUBT, SENDING, SENT, Letter
from openhotline.records.models import (
    ApiToken,
    Assessment,
    DomainAlert,
    HostAlert,
    HostProgram,
    ListAgreement,
    Notice,
    OfficerToken,
    Partner,
    SecurePage,
    User,
)
from openhotline.rules import references, urls, words
from openhotline.rules.notice import OPENS
from openhotline.steps import appeal, secure_page
from openhotline.steps.list_agreement import in_force
from openhotline.web.scoped import Scoped


@dataclass(frozen=True, slots=True)
class ByToken:
    """A partner that came with its token instead of an account."""

    partner_id: int | None
    role: str = words.PARTNER
    unit_id: int | None = None
    host_id: int | None = None


def digest(secret: str) -> str:
    """SHA-256 of a secret, hex: what is stored of links and tokens."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def by_link(token: str) -> Notice | SecurePage | None:
    """The notice or other letter's page a signed link belongs to, or None. What never left has no link yet.

    The look-up is by digest; a wrong, a withdrawn and an unsent letter's token cost the same.
    """
    page = _pages().filter(link_digest=digest(token)).first()
    notice = _notices().filter(link_digest=digest(token)).select_related("host").first()
    return notice or page


def _notices() -> QuerySet[Notice]:
    """Notices that left, or may have: who reads one may be quicker than our knowing that it arrived."""
    left = Letter.objects.filter(kind="notice", state__in=[SENDING, IN_DOUBT, SENT]).values("number")
    return Notice.objects.filter(Q(sent_at__isnull=False) | Q(number__in=left))


def _pages() -> QuerySet[SecurePage]:
    return secure_page.left().select_related("notice", "alert", "domain")


def of_link(asked: Notice | SecurePage) -> Scoped:
    """What whoever holds a link may see: of a notice as its host, and the page narrows it to this one notice; of another
    letter what stands on its page."""
    if isinstance(asked, SecurePage):
        return Scoped(_Link(host_id=None, role=words.PUBLIC, page=asked))
    return Scoped(_Link(host_id=asked.host_id))


@dataclass(frozen=True, slots=True)
class _Link:
    host_id: int | None
    role: str = words.HOST
    unit_id: int | None = None
    partner_id: int | None = None
    page: SecurePage | None = None


def letter_of(notice: Notice) -> Letter | None:
    """The letter that carried a notice, with its frozen bytes."""
    return (
        Letter.objects.filter(kind="notice", number=notice.number, body__isnull=False).order_by("-pk").first()
    )


def files_of(removals: Sequence[int]) -> dict[int, int]:
    """How many files the first reader counted, by item: the number alone, of what a letter covers."""
    rows = Assessment.objects.filter(undone_at=None, reading="first", item__removals__in=removals)
    return dict(rows.values_list("item").annotate(count=Max("files")))


def genuine(serial: str, code: str) -> bool:
    """Whether a notice or another letter with this serial and code was sent by this house. Says nothing else about it."""
    known = _notices().filter(number=serial).values_list("code", flat=True).first()
    return (
        _which([known or "", *_pages().filter(serial=serial).values_list("code", flat=True)], code)
        is not None
    )


def by_code(serial: str, code: str) -> Notice | SecurePage | None:
    """The page that serial and code open, or None. Only a code made to open a page does (it is longer)."""
    known = _notices().filter(number=serial).select_related("host").first()
    pages = list(_pages().filter(serial=serial).order_by("pk"))
    which = _which([known.code if known else "", *(page.code for page in pages)], code)
    if which is None or len(code) < OPENS:
        return None
    return pages[which - 1] if which else known


_MOST = 8  # letters that bear one serial: a notice and its rungs


def _which(codes: Sequence[str], code: str) -> int | None:
    """Which of these codes it is. Compared as digests, as many times for a serial that is none of ours as for any: how
    long it takes says nothing about serial or code."""
    mine = [digest(one) for one in codes] + [digest("")] * (_MOST - len(codes))
    asked = digest(code)
    same = [place for place, one in enumerate(mine) if hmac.compare_digest(one, asked)]
    return same[0] if same and code else None


def sent_notice(serial: str) -> Notice | None:
    """A notice by its serial alone, for an appeal. The page that asks answers the same for one that is not there."""
    return _notices().filter(number=serial).first()


def appealed(typed: str) -> tuple[Notice | HostAlert | DomainAlert | None, list[int]]:
    """What an appeal by a serial, or by an address that filters got, is against; (None, []) where it is nothing of ours."""
    read = references.parse(typed)
    if read is not None and read.kind == references.NOTICE:
        return sent_notice(read.text), []
    if read is not None and read.kind == references.ALERT:
        return appeal.sent_alert(read.text), []
    return None, appeal.filtered(urls.read(typed).key_digest)


def by_program(key: UUID) -> HostProgram | None:
    """The program of a host that signs with this key's secret, or None."""
    return HostProgram.objects.filter(key=key, closed_at=None).select_related("host").first()


def by_certificate(fingerprint: str, *, at: datetime) -> ListAgreement | None:
    """The recipient of the filter list whose certificate this is, while the agreement holds; or None."""
    return in_force(at).filter(fingerprint=fingerprint).first() if fingerprint else None


def by_token(token: str) -> Partner | None:
    """The partner a bearer token belongs to, or None."""
    row = ApiToken.objects.filter(digest=digest(token), revoked_at=None).select_related("partner").first()
    return row.partner if row else None


def by_officer_token(token: str) -> User | None:
    """The officer in whose name a unit's program calls, or None. Revoked, or the account closed: none."""
    row = (
        OfficerToken.objects.filter(
            digest=digest(token), revoked_at=None, user__is_active=True, user__role=words.OFFICER
        )
        .select_related("user__unit")
        .first()
    )
    return row.user if row else None
