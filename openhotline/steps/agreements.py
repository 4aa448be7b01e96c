"""A next version of an agreement with police: one person proposes, another agrees, and its day comes.

True here: an earlier version is never rewritten; a next one begins at a midnight that is still to come, so nothing asked
before is moved by it. The policy's file loads an agreement's first versions; from then on the rows are the truth
(docs/decisions/0020). A unit under the agreement is told and may say what it thinks: that is shown to the second person,
who writes down why it is agreed to against an objection. What is not here: which version counts when
(`rules/agreements.py`).
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from django.db import IntegrityError, transaction

from openhotline.ledger.record import Act, record
from openhotline.policy import Policy, PolicyFault
from openhotline.policy.reading import agreements as reading
from openhotline.records.agreements import house_agreements
from openhotline.records.models import AgreementReply, AgreementVersion, Unit
from openhotline.records.models.agreement import AGREES, OBJECTS, SEEN
from openhotline.rules.agreement import Agreement
from openhotline.rules.agreements import next_faults
from openhotline.rules.permits import require_act
from openhotline.rules.refusals import NotPermitted, Refused
from openhotline.rules.words import MACHINE_WORKER, Actor
from openhotline.steps import tell
from openhotline.steps.advance import refuse_unless

REPLIES = {AGREES: "agrees", OBJECTS: "objects", SEEN: "has seen it"}
_KEY = re.compile(r"[a-z0-9][a-z0-9-]{1,23}")
_LONGEST = 2_000


def load_first(*, policy: Policy, at: datetime) -> None:
    """Write down the file's versions of every agreement of which the house holds nothing. Safe at every start."""
    known = set(AgreementVersion.objects.values_list("key", flat=True))
    fresh = [one for one in policy.agreements.versions if one.key not in known]
    if not fresh:
        return
    with transaction.atomic():
        AgreementVersion.objects.bulk_create(
            AgreementVersion(
                key=one.key,
                version=one.version,
                valid_from=one.valid_from,
                terms=reading.text_of(one),
                proposed_at=at,
                agreed_at=at,
            )
            for one in fresh
        )
        made = AgreementVersion.objects.filter(version__in=[one.version for one in fresh]).order_by("pk")
        _enter("loaded", list(made), by=MACHINE_WORKER, at=at)


def propose(wanted: Agreement, *, why: str, policy: Policy, by: Actor, at: datetime) -> AgreementVersion:
    """The first person: how the agreement should read from `valid_from` on. Nothing changes yet; its units are told.

    The version's name is given here. Raises Refused with the field's name as code.
    """
    require_act("agreement.change", by)
    refuse_unless(
        _KEY.fullmatch(wanted.key) is not None,
        "An agreement's key is 2 to 24 small letters, digits and hyphens.",
        code="key",
    )
    load_first(policy=policy, at=at)
    agreements = house_agreements(policy=policy)
    for field, sentence in next_faults(wanted, held=agreements, at=at).items():
        raise Refused(sentence, code=field)
    refuse_unless(bool(why.strip()), "Write down why; the second person will read it.", code="why")
    before = agreements.before(wanted.key, wanted.valid_from)
    named = replace(wanted, version=_name(wanted), valid_until=None)
    text = reading.text_of(named)
    try:
        reading.stored(text)  # by the rule of the files: what it would not read is not kept
    except PolicyFault as fault:
        raise Refused(f"{fault} Change that field.", code="terms") from None
    try:
        with transaction.atomic():
            made = AgreementVersion.objects.create(
                key=named.key,
                version=named.version,
                valid_from=named.valid_from,
                terms=text,
                follows=before.version if before else "",
                why=why.strip()[:_LONGEST],
                proposed_by_id=by.person,
                proposed_at=at,
            )
            _enter("proposed", [made], by=by, at=at)
            _tell(
                "proposed",
                made,
                "A next version of our agreement is proposed. Say what you think of it.",
                at=at,
            )
    except IntegrityError:
        raise Refused(
            "A colleague proposed one at the same moment. Read it, then propose yours again.", code="twice"
        ) from None
    return made


def _name(wanted: Agreement) -> str:
    """ "authorise-first/2027.1": the year it begins in, and the next number of that year."""
    year = wanted.valid_from.year
    taken = AgreementVersion.objects.filter(version__startswith=f"{wanted.key}/{year}.")
    numbers = [int(text.rpartition(".")[2]) for text in taken.values_list("version", flat=True)]
    return f"{wanted.key}/{year}.{max(numbers, default=0) + 1}"


def agree(row: AgreementVersion, *, despite: str = "", policy: Policy, by: Actor, at: datetime) -> None:
    """The second person, who is not the first: from its day on it counts.

    `despite`: why, where a unit objects. Raises Refused where its day has come or the version before is another now.
    """
    require_act("agreement.change", by)
    refuse_unless(
        row.proposed_by_id != by.person,
        "A second person has to agree; you proposed this yourself.",
        code="second",
    )
    agreements = house_agreements(policy=policy)
    refuse_unless(
        row.valid_from > agreements.day(at),
        "The day on which it was to begin has come. Propose it anew with a later day.",
        code="valid_from",
    )
    before = agreements.before(row.key, row.valid_from)
    refuse_unless(
        (before.version if before else "") == row.follows,
        "The version before it is another now than when this was proposed. Propose it anew.",
        code="stale",
    )
    objecting = [one.unit.name for one in replies([row]).get(row.pk, []) if one.kind == OBJECTS]
    refuse_unless(
        not objecting or bool(despite.strip()),
        f"{', '.join(objecting)} objects. Write down why it is agreed to all the same, or withdraw it.",
        code="despite",
    )
    try:
        with transaction.atomic():
            count = AgreementVersion.objects.filter(pk=row.pk, agreed_at=None, withdrawn_at=None).update(
                agreed_at=at,
                agreed_by_id=by.person,
                despite=despite.strip()[:_LONGEST] if objecting else "",
            )
            refuse_unless(count == 1, "This was settled already.", code="settled")
            row.refresh_from_db()
            _enter("agreed", [row], by=by, at=at)
            _tell("agreed", row, "A next version of our agreement is agreed to and begins on its day.", at=at)
    except IntegrityError:
        raise Refused("Another version begins on that day by now.", code="stale") from None


def withdraw(row: AgreementVersion, *, why: str, policy: Policy, by: Actor, at: datetime) -> None:
    """Taken back, or declined, before it is in force: one person is enough, since what is in force stays so."""
    require_act("agreement.change", by)
    refuse_unless(
        row.agreed_at is None or row.valid_from > house_agreements(policy=policy).day(at),
        "It is in force or has been. What should be different is proposed as a next version.",
        code="settled",
    )
    refuse_unless(bool(why.strip()), "Write down why it is withdrawn.", code="withdrawn_why")
    with transaction.atomic():
        count = AgreementVersion.objects.filter(pk=row.pk, withdrawn_at=None).update(
            withdrawn_at=at, withdrawn_by_id=by.person, withdrawn_why=why.strip()[:_LONGEST]
        )
        refuse_unless(count == 1, "This was settled already.", code="settled")
        row.refresh_from_db()
        _enter("withdrawn", [row], by=by, at=at)
        _tell(
            "withdrawn",
            row,
            "A next version of our agreement was withdrawn. What is in force stays in force.",
            at=at,
        )


def reply(
    row: AgreementVersion, *, kind: str, text: str, policy: Policy, by: Actor, at: datetime
) -> AgreementReply:
    """An officer says what the unit thinks of a version that is not in force yet; a later word stands for the unit."""
    require_act("agreement.reply", by)
    unit = Unit.objects.filter(pk=by.unit_id or 0, agreement=row.key).first()
    if unit is None:
        raise NotPermitted("A unit speaks about its own agreement.")
    refuse_unless(kind in REPLIES, "Choose one of the buttons on the page.", code="kind")
    refuse_unless(
        row.withdrawn_at is None and row.valid_from > house_agreements(policy=policy).day(at),
        "It was withdrawn or its day has come. Ring the hotline, or write it a note under Requests.",
        code="settled",
    )
    refuse_unless(
        kind != OBJECTS or bool(text.strip()),
        "Write what you object to; the hotline reads it before it agrees.",
        code="text",
    )
    with transaction.atomic():
        made = AgreementReply.objects.create(
            version=row, unit=unit, kind=kind, text=text.strip()[:_LONGEST], by_id=by.person, at=at
        )
        payload = {"version": row.version, "unit": unit.key, "reply": kind}
        act = Act(
            act="agreement.replied",
            obj=("agreement", str(row.pk), 1),
            why=made.text[:400],
            payload=payload,
        )
        record([act], by=by, at=at)
    return made


def replies(rows: Sequence[AgreementVersion]) -> dict[int, list[AgreementReply]]:
    """{version: the newest word of each unit}, by unit."""
    newest: dict[tuple[int, int], AgreementReply] = {}
    said = AgreementReply.objects.filter(version__in=[row.pk for row in rows]).select_related("unit", "by")
    for one in said.order_by("at", "pk"):
        newest[one.version_id, one.unit_id] = one
    found: dict[int, list[AgreementReply]] = {}
    for one in sorted(newest.values(), key=lambda one: one.unit.key):
        found.setdefault(one.version_id, []).append(one)
    return found


def _tell(act: str, row: AgreementVersion, what: str, *, at: datetime) -> None:
    """One letter to each unit under the agreement, without its terms: those are behind the sign-in, where a unit
    without a mail address finds them too."""
    for unit in Unit.objects.filter(agreement=row.key).exclude(mail="").order_by("key"):
        tell.desk(
            f"agreement-{act}",
            number=f"{row.version} {unit.key}",
            recipient=unit.mail,
            subject=f"Our agreement: {row.version}",
            text=f"{what}\nVersion {row.version}, from {row.valid_from:%d %B %Y} on.\n"
            "Sign in to the police desk and open “Agreement” to read it.\n",
            at=at,
        )


def _enter(act: str, rows: Sequence[AgreementVersion], *, by: Actor, at: datetime) -> None:
    record(
        [
            Act(
                act=f"agreement.{act}",
                obj=("agreement", str(row.pk), 1),
                why=(
                    row.withdrawn_why if act == "withdrawn" else row.despite if act == "agreed" else row.why
                )[:400],
                payload={
                    "version": row.version,
                    "from": row.valid_from.isoformat(),
                    "follows": row.follows,
                    "terms": row.terms,
                },
            )
            for row in rows
        ],
        by=by,
        at=at,
    )
