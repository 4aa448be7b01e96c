"""Mail that came in: kept sealed, taken for what it is, shown to a person. It is input, never an instruction.

True here: the same bytes are one message, however often they come; every message is kept whole. A report of
non-delivery is heard only at the address made for that letter, and moves nothing by itself (`returned`). A reply
becomes a line in a notice's channel, or stands with the alert or referral it names; an
answer of the police becomes a proposal, if its signature is of the unit's verified key, and is an answer only
when a person confirms it. What is not here: reading MIME (connectors) and the Maildir (`jobs/mailroom`).
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from uuid import NAMESPACE_URL, uuid5

from django.db import transaction

from openhotline.ledger.record import Act, record
from openhotline.outbox.entries import TO_FORGET
from openhotline.outbox.models import Letter
from openhotline.policy import Policy
from openhotline.records import keys, vault
from openhotline.records.agreements import house_agreements
from openhotline.records.models import (
    Answer,
    Consultation,
    Delivery,
    Mail,
    Notice,
    ProposedAnswer,
    Removal,
    UnitKey,
    User,
)
from openhotline.records.models.mail import DELIVERY, PROPOSED, REPORT, THREADED, UNVERIFIED
from openhotline.rules import inbound, incoming, mail_answer, words
from openhotline.rules.inbound import Inbound
from openhotline.rules.permits import require_act
from openhotline.rules.refusals import Refused
from openhotline.rules.urls import split_lines
from openhotline.rules.words import MACHINE_WORKER, PUBLIC_REPORTER, Actor
from openhotline.steps import alert, answer, confirm, domain_alert, intake, returned
from openhotline.steps.advance import refuse_unless

EXCERPT = 4000
UNKNOWN = "Nothing in it can be shown to be from anybody we know."
ENCRYPTED = (
    "It is encrypted, and the house has no key that opens mail. Ask the sender to write again without encrypting, "
    "or to use the pages."
)
FEIGNED = (
    ", a report says. Whoever has the letter can write such a report, so nothing has moved by it: clock and ladder run on. "
    "Ring them: has it arrived?"
)
_HAVE_PAGES = (alert.KIND, domain_alert.KIND, "referral", "referral-query")
_MAILER = Actor(words.HOST, "mail", auth="mail, not verified")


def receive(raw: bytes, read: Inbound, *, domain: str, policy: Policy, at: datetime) -> Mail:
    """Keep one message and take it for what it can be shown to be."""
    digest = hashlib.sha256(raw).hexdigest()
    with transaction.atomic():
        known = Mail.objects.select_for_update().filter(digest=digest).first()
        if known is not None:
            known.seen += 1
            known.save(update_fields=["seen"])
            return known
        made = Mail.objects.create(
            digest=digest,
            at=at,
            sealed=vault.seal("mail", raw),
            size=len(raw),
            kind=UNVERIFIED,
            sender=read.sender,
            subject=read.subject,
            text=read.text[:EXCERPT],
            why=read.fault or (ENCRYPTED if read.encrypted else UNKNOWN),
        )
        _classify(made, read, domain=domain, policy=policy, at=at)
        payload = {"digest": digest, "kind": made.kind, "why": made.why}
        record(
            [Act(act="mail.received", obj=("mail", str(made.pk), 1), payload=payload)],
            by=MACHINE_WORKER,
            at=at,
        )
    return made


def _classify(made: Mail, read: Inbound, *, domain: str, policy: Policy, at: datetime) -> None:
    if read.fault:
        return
    if read.report:
        _delivery(made, read, domain=domain, at=at)
    elif _police(made, read, domain=domain, at=at) or _reply(made, read, domain=domain, policy=policy, at=at):
        pass
    elif read.mailbox(inbound.REPORTS, domain) and not read.encrypted:
        _report(made, read, policy=policy, at=at)
    made.save()


def _delivery(made: Mail, read: Inbound, *, domain: str, at: datetime) -> None:
    """A report about one of our letters, at the address made for it alone; any other report is unknown."""
    made.why = "A report of delivery that did not come to the address made for one of our letters."
    for address in read.to:
        named = inbound.bounced_to(address, domain)
        if named is None:
            continue
        for letter in Letter.objects.filter(key__startswith=named[0]):
            if not inbound.proves(vault.token("bounce", letter.key), named[1]):
                continue
            theirs = [one for one in read.report if one.recipient == letter.recipient.lower()] or list(
                read.report
            )
            for one in theirs[:5]:
                _heard(made, letter, one, at=at)
            return


def _heard(made: Mail, letter: Letter, one: inbound.DeliveryWord, *, at: datetime) -> None:
    if not one.state:
        made.why = "A report about one of our letters that says nothing new."
        return
    made.kind, made.why = DELIVERY, f"The letter {letter.kind} {letter.number} was {one.state}."
    if letter.kind in _HAVE_PAGES:
        made.about = letter.number.partition("/")[0]
    before = Delivery.objects.filter(letter=letter.key, state=inbound.BOUNCED, mail__isnull=False).exists()
    if one.state != inbound.BOUNCED or letter.kind in TO_FORGET:
        made.settled_at, made.settled_by = at, MACHINE_WORKER.who
    elif letter.kind not in returned.CAME_BACK:
        made.why += " Nobody has it: ring them, and mend the address."
    elif before:
        made.why += " It was said before."
        made.settled_at, made.settled_by = at, MACHINE_WORKER.who
    else:
        made.why += FEIGNED
    said = f"{one.status} {one.words}".strip()
    Delivery.objects.create(letter=letter.key, at=at, state=one.state, words=said, mail=made)


def _reply(made: Mail, read: Inbound, *, domain: str, policy: Policy, at: datetime) -> bool:
    """Threaded by the Message-ID it answers or the serial it names; a line in the notice's channel, unverified."""
    numbers = list(Letter.objects.filter(key__in=read.letters(domain)[:20]).values_list("number", flat=True))
    wanted = [number.partition("/")[0] for number in numbers] + read.serials()[:5]
    notice = Notice.objects.filter(number__in=wanted, sent_at__isnull=False).order_by("-pk").first()
    if notice is None:
        return _about(made, wanted)
    made.kind, made.notice = THREADED, notice
    made.why = f"It answers or names {notice.number}. Who sent it cannot be told from a mail."
    words_ = f"{read.subject}\n\n{read.text}".strip()
    confirm.ask(notice, words_, via="mail", policy=policy, by=_MAILER, at=at)
    return True


def _about(made: Mail, wanted: Sequence[str]) -> bool:
    """A reply about an alert or a referral: it is shown where that stands, and a person reads it."""
    about = (
        Letter.objects.filter(number__in=wanted, kind__in=_HAVE_PAGES)
        .exclude(sent_at=None)
        .order_by("-pk")
        .values_list("number", flat=True)
        .first()
    )
    if about is None:
        return False
    made.kind, made.about = THREADED, about
    made.why = f"It answers or names {about}. Who sent it cannot be told from a mail."
    return True


def _police(made: Mail, read: Inbound, *, domain: str, at: datetime) -> bool:
    """A reply to a question. Signed with the unit's verified key it proposes an answer; else it is shown as unverified."""
    numbers = list(
        Letter.objects.filter(key__in=read.letters(domain)[:20], kind__startswith="police-").values_list(
            "number", flat=True
        )
    )
    asked = (
        Consultation.objects.filter(number__in=[*numbers, *read.serials()[:5]])
        .select_related("unit")
        .order_by("-pk")
        .first()
    )
    if asked is None:
        return False
    made.unit = asked.unit
    made.why = f"It answers or names {asked.number}, and is not signed with the unit’s key."
    if read.encrypted:
        made.why = (
            f"It names {asked.number} and is encrypted, and the house has no key that opens mail. "
            f"Ask {asked.unit.name} to answer at the police desk, or to sign without encrypting."
        )
    elif read.signed and not read.signature:
        made.why = (
            f"It names {asked.number} and is signed, but what was signed cannot be opened. "
            f"Ask {asked.unit.name} to sign in clear text, or to answer at the police desk."
        )
    elif read.signed:
        _propose(made, read, asked, at=at)
    return True


def _propose(made: Mail, read: Inbound, asked: Consultation, *, at: datetime) -> None:
    """A signed reply proposes an answer, if the unit's key signed it, now and not before, and it says which."""
    key = UnitKey.objects.filter(unit=asked.unit, retired_at=None, verified_at__isnull=False).first()
    moment = (
        keys.signed_at(key.kind, key.text, read.payload, read.signature, at=at)
        if key is not None and key.kind == read.signed
        else None
    )
    if key is None or moment is None:
        made.why = (
            f"It names {asked.number} and is signed, but not with the verified key of {asked.unit.name}."
        )
        return
    # Only what was signed counts: a number in an unsigned header could be anybody's.
    if asked.number not in read.signed_text:
        made.why = f"Signed by {asked.unit.name}, but the signed text does not name {asked.number}."
        return
    try:
        said = mail_answer.read(read.signed_text)
    except Refused as refusal:
        made.why = f"Signed by {asked.unit.name}, but {refusal.sentence}."
        return
    payload = hashlib.sha256(read.payload).hexdigest()
    if ProposedAnswer.objects.filter(consultation=asked, payload=payload, signed_at=moment).exists():
        made.why = (
            f"The same signed text has come before, about {asked.number}. It proposes nothing a second time."
        )
        return
    later = _later(asked, moment)
    if later is not None:
        made.why = (
            f"Signed {moment:%d %B %Y %H:%M} UTC, before the answer that {asked.unit.name} gave "
            f"{later.at:%d %B %Y %H:%M} UTC. The later one holds."
        )
        return
    made.kind, made.why = PROPOSED, f"Signed with the key of {asked.unit.name}. A person confirms it, or not."
    made.save()
    ProposedAnswer.objects.create(
        mail=made,
        consultation=asked,
        kind=said.kind,
        until=said.until,
        reason=said.reason,
        reference=said.reference,
        officer=said.officer,
        payload=payload,
        signed_at=moment,
        fingerprint=key.fingerprint,
        at=at,
    )


def _later(asked: Consultation, signed: datetime) -> Answer | None:
    """The unit's latest answer about any of this, to this question or another, if it was given after a mail was
    signed: that one holds. Answers wait for the locks taken here."""
    about = Removal.objects.select_for_update().filter(consultation_lines__consultation=asked)
    removals = list(about.order_by("pk").values_list("pk", flat=True))
    rows = Answer.objects.filter(consultation__unit=asked.unit_id, at__gt=signed, undone_at=None)
    return rows.filter(lines__removal__in=removals).order_by("-at").first()


def _report(made: Mail, read: Inbound, *, policy: Policy, at: datetime) -> None:
    """A public report by mail: what it names is filed; who sent it stays in the sealed message alone."""
    lines = (*read.reported, *split_lines(read.text))[:1000]
    report_id = uuid5(NAMESPACE_URL, f"mail:{made.digest}")
    report = incoming.public(report_id, lines, at, help_text=read.text[:10_000])
    intake.file_reports([report], policy=policy, by=PUBLIC_REPORTER, at=at)
    made.kind, made.why = REPORT, "Written to the mailbox for reports; filed as a report of the public."
    made.sender = ""  # a reporter is nobody's business; the sealed message goes with the report's time
    made.settled_at, made.settled_by = at, MACHINE_WORKER.who


def on_the_way(letter: Letter, state: str, words_: str, *, at: datetime) -> None:
    """What the relay said when the letter was handed over."""
    if letter.kind not in TO_FORGET:
        Delivery.objects.create(letter=letter.key, at=at, state=state, words=words_)


def whole(mail: Mail, *, by: Actor, at: datetime) -> str:
    """Every byte of a message, as text. That somebody read it is entered."""
    require_act("mail.settle", by)
    with transaction.atomic():
        record([Act(act="mail.read", obj=("mail", str(mail.pk), 1))], by=by, at=at)
        return vault.open_("mail", bytes(mail.sealed)).decode("utf-8", "replace")[:200_000]


def settle(mail: Mail, *, note: str, by: Actor, at: datetime) -> None:
    """Somebody read it and says what they did about it."""
    require_act("mail.settle", by)
    refuse_unless(bool(note.strip()), "Say in a word what you did about it.", code="note")
    with transaction.atomic():
        count = Mail.objects.filter(pk=mail.pk, settled_at=None).update(
            settled_at=at, settled_by=by.who, note=note.strip()[:1000]
        )
        refuse_unless(count == 1, "Somebody has settled this already.", code="settled")
        payload = {"digest": mail.digest, "note": note.strip()[:1000]}
        record([Act(act="mail.settled", obj=("mail", str(mail.pk), 2), payload=payload)], by=by, at=at)


def confirm_answer(row: ProposedAnswer, *, take: bool, policy: Policy, by: Actor, at: datetime) -> None:
    """A person takes a signed mail for the unit's answer, or does not. Only then is it an answer."""
    require_act("mail.confirm", by)
    with transaction.atomic():
        count = ProposedAnswer.objects.filter(pk=row.pk, settled_at=None).update(
            settled_at=at, settled_by=by.who, taken=take
        )
        refuse_unless(count == 1, "Somebody has settled this already.", code="settled")
        Mail.objects.filter(pk=row.mail_id).update(settled_at=at, settled_by=by.who)
        payload = {"consultation": row.consultation.number, "taken": take, "fingerprint": row.fingerprint}
        record(
            [Act(act="mail.answer-settled", obj=("mail", str(row.mail_id), 2), payload=payload)], by=by, at=at
        )
        if take:
            unit = row.consultation.unit
            later = _later(row.consultation, row.signed_at or row.at)
            refuse_unless(
                later is None,
                f"{unit.name} has answered again since this was signed, and the later answer holds. Decline this one.",
                code="later",
            )
            officer = User.objects.filter(
                role=words.OFFICER, unit=unit, pseudonym__iexact=row.officer, is_active=True
            ).first()
            who = Actor(
                words.OFFICER,
                officer.pseudonym if officer else f"{unit.key}:mail"[:24],
                user_id=officer.pk if officer else by.user_id,
                unit_id=unit.pk,
                auth=f"signed mail {row.fingerprint[-16:]}, confirmed by {by.who}",
            )
            answer.record(
                row.consultation,
                kind=row.kind,
                until=row.until,
                reason=row.reason,
                reference=row.reference or "by signed mail",
                note_text=f"By signed mail of {row.officer or unit.name}, confirmed by {by.who}.",
                review_at=_review(row, policy=policy, at=at),
                by=who,
                at=at,
                policy=policy,
            )


def _review(row: ProposedAnswer, *, policy: Policy, at: datetime) -> datetime | None:
    """A hold without an end is looked at again as late as the agreement allows, as by the page."""
    if row.kind != words.HOLD or row.until is not None:
        return None
    asked = row.consultation
    return at + house_agreements(policy=policy).covering(asked.agreement, asked.agreement_version).hold_review
