"""Doors that know no account: whoever holds a secret instead, and what that opens.

A signed link, a notice's serial and code, a program's key, a token. What is stored of a secret is its digest, and look-ups
are by digest, so that nothing about it can be learned from how long the answer took. A wrong secret, a closed one and one
that opens nothing yet are the same None. What is not here: what the opened door shows (`scoped.py`).
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Max, Q

from openhotline.outbox.models import IN_DOUBT, SENDING, SENT, Letter
from openhotline.records.models import (
    ApiToken,
    Assessment,
    HostAlert,
    HostProgram,
    ListAgreement,
    Notice,
    OfficerToken,
    Partner,
    User,
)
from openhotline.rules import references, urls, words
from openhotline.rules.notice import OPENS
from openhotline.steps import appeal
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


def by_link(token: str) -> Notice | None:
    """The notice a signed link belongs to, or None. A notice that never left has no link yet.

    The look-up is by digest; a wrong, a withdrawn and an unsent notice's token cost the same.
    """
    left = Letter.objects.filter(kind="notice", state__in=[SENDING, IN_DOUBT, SENT]).values("number")
    return (
        Notice.objects.filter(link_digest=digest(token))
        .filter(Q(sent_at__isnull=False) | Q(number__in=left))
        .select_related("host")
        .first()
    )


def of_link(notice: Notice) -> Scoped:
    """What whoever holds a notice's link may see: as the host, and the page narrows it to this one notice."""
    return Scoped(_Link(host_id=notice.host_id))


@dataclass(frozen=True, slots=True)
class _Link:
    host_id: int | None
    role: str = words.HOST
    unit_id: int | None = None
    partner_id: int | None = None


def letter_of(notice: Notice) -> Letter | None:
    """The letter that carried a notice, with its frozen bytes."""
    return (
        Letter.objects.filter(kind="notice", number=notice.number, body__isnull=False).order_by("-pk").first()
    )


def files_of(notice: Notice) -> dict[int, int]:
    """How many files the first reader counted, by item: the number alone, of what a notice covers."""
    rows = Assessment.objects.filter(
        undone_at=None, reading="first", item__removals__notice_lines__notice=notice
    )
    return dict(rows.values_list("item").annotate(count=Max("files")))


def genuine(serial: str, code: str) -> bool:
    """Whether a notice with this serial and code was sent by this house. Says nothing else about it."""
    known = Notice.objects.filter(number=serial, sent_at__isnull=False).values_list("code", flat=True).first()
    # Compared as digests: how long it takes says nothing about the code.
    return digest(known or "") == digest(code) and bool(known)


def by_code(serial: str, code: str) -> Notice | None:
    """The notice that serial and code open, or None. Only a code made to open a page does (it is longer)."""
    known = Notice.objects.filter(number=serial, sent_at__isnull=False).select_related("host").first()
    same = digest(known.code if known else "") == digest(code)
    return known if known is not None and same and len(known.code) >= OPENS else None


def sent_notice(serial: str) -> Notice | None:
    """A notice by its serial alone, for an appeal. The page that asks answers the same for one that is not there."""
    return Notice.objects.filter(number=serial, sent_at__isnull=False).first()


def appealed(typed: str) -> tuple[Notice | HostAlert | None, list[int]]:
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
