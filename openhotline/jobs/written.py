"""A mail as it leaves: its bytes, sealed where the one it goes to has a key that two people verified.

True here: a notice, an alert and a letter up the ladder are looked at in every form before they are sealed; if sealing fails
nothing leaves open instead. Where the letter is sealed or names no address, the whole of it is kept for its page. What is not here: whether it may leave
(`steps/departing`), when (`dispatch`), what MIME is (connectors).
"""

from dataclasses import replace
from datetime import datetime
from typing import Any

from openhotline.connectors.mail import keys
from openhotline.connectors.mail.meaning import MailLetter, kinds_of, render
from openhotline.connectors.xarf import meaning as xarf
from openhotline.outbox.models import Letter
from openhotline.records.models import ContactKey
from openhotline.rules import notice as wording
from openhotline.rules import notice_lint
from openhotline.rules.notice import NoticeContent
from openhotline.rules.paged import LADDER, PagedLetter
from openhotline.rules.refusals import Refused
from openhotline.steps import departing, secure_page
from openhotline.steps.departing import HouseWords


def mail(
    letter: Letter,
    house: HouseWords,
    *,
    subject: str,
    text: str,
    serial: str,
    at: datetime,
    parts: tuple[str, ...] = (),
    envelope: str = "report",
) -> bytes:
    """The bytes of a mail, not sealed. Raises Refused where they cannot be written."""
    out = MailLetter(
        message_id=f"<{letter.key}@{house.domain}>",
        serial=serial,
        sender=f"hotline@{house.domain}",
        sender_name=house.name,
        to=letter.recipient,
        subject=subject,
        text=text,
        date=at,
        xarf=parts,
        envelope=envelope,
    )
    try:
        return render(out)
    except ValueError as fault:
        # An odd letter waits with the sentence, and the others leave.
        raise Refused(f"This letter cannot be written: {fault}", code="letter") from None


def notice(letter: Letter, content: NoticeContent, house: HouseWords, *, at: datetime) -> bytes:
    """The notice as its host gets it: sealed whole, or without addresses, or whole where the host asked for that."""
    key = departing.sealed_to(content.number)
    page = content.form == wording.PAGE
    whole = _form(replace(content, form=wording.REPORT) if page else content, letter, house, at=at)
    if key or page:
        departing.keep_inner(content.number, whole)
    out = _form(content, letter, house, at=at) if page else whole
    try:
        return _sealed(out, key)
    except ValueError as fault:
        raise Refused(f"This letter cannot be written: {fault}", code="letter") from None


def paged(letter: Letter, said: PagedLetter, house: HouseWords, *, at: datetime) -> bytes:
    """A letter with a page behind it: sealed whole, or without what belongs on the page, where the whole of it is kept."""
    notice_lint.lint_paged(said)
    # A serial in the header is that of the letter's own page at its host; a rung bears its notice's.
    serial = "" if letter.kind.startswith(LADDER) else said.serial
    key = secure_page.sealed_to(letter.recipient)
    whole = mail(letter, house, subject=said.subject, text=said.whole, serial=serial, at=at)
    secure_page.keep_inner(letter, whole)
    if key is None:
        return mail(letter, house, subject=said.subject, text=said.open, serial=serial, at=at)
    try:
        return _sealed(whole, key)
    except ValueError as fault:
        raise Refused(f"This letter cannot be written: {fault}", code="letter") from None


def _sealed(body: bytes, key: ContactKey | None) -> bytes:
    return keys.seal(body, kind=key.kind, key=key.text) if key else body


def _form(content: NoticeContent, letter: Letter, house: HouseWords, *, at: datetime) -> bytes:
    """One form of a notice, with nothing missing in it and nothing too much."""
    parts = () if content.form == wording.PAGE else _xarf(content, letter.key, house)
    said: dict[str, Any] = {"subject": wording.subject(content), "text": wording.text(content)}
    envelope = "mixed" if content.form == wording.MIXED else "report"
    body = mail(letter, house, serial=content.number, parts=parts, envelope=envelope, at=at, **said)
    notice_lint.lint(content, xarf=parts, parts=kinds_of(body), **said)
    return body


def _xarf(content: NoticeContent, key: str, house: HouseWords) -> tuple[str, ...]:
    party = xarf.Party(org=house.name, contact=f"hotline@{house.domain}", domain=house.domain)
    reports = []
    for address in content.addresses:
        part = xarf.notice(
            identifier=xarf.report_id(f"{key}/{address.uid}"),
            url=address.canonical,
            host=_host_of(address.canonical) or address.server.partition(":")[0],
            content_class=content.cls,
            baseline=False,
            category=address.category,
            age_band=address.age_band,
            source_identifier=address.addresses.partition(",")[0] or _host_of(address.canonical),
            verified_at=address.last_seen or content.sent,
            reporter=party,
            operator=content.host,
            asn=content.asn,
            country=content.country,
            serial=content.number,
            server=address.server,
        )
        if part.json:
            reports.append(part.json)
    return tuple(reports)


def _host_of(canonical: str) -> str:
    return canonical.partition("://")[2].partition("/")[0].rpartition("@")[2].partition(":")[0]
