"""The other direction: police ask the hotline, or hand it a note. Every request has a clock and an outcome report.

A bulk check files the addresses as a report of the police, so that they are assessed like any other; its outcome
writes itself when the last of them is decided. Everything else is answered by a person. What an answer to a question
wants besides is a request too, and is taken back with it. A letter to a unit carries the number and no facts. What is
not here: what a statement or an exhibit is (`statements/`), and guidance.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from uuid import uuid4

from django.db import transaction
from django.db.models import Exists, OuterRef

from openhotline.ledger.record import Act, record
from openhotline.policy import Policy
from openhotline.records import bulk
from openhotline.records.agreements import house_agreements
from openhotline.records.models import (
    Answer,
    Item,
    PoliceRequest,
    PoliceRequestLine,
    Removal,
    ReportLine,
    Unit,
)
from openhotline.rules import item_path, liaison, references, removal_path, urls, words
from openhotline.rules.agreement import Agreement
from openhotline.rules.incoming import IncomingReport
from openhotline.rules.permits import require_act
from openhotline.rules.refusals import NotPermitted, Refused
from openhotline.rules.words import MACHINE_WORKER, Actor
from openhotline.steps import intake, tell
from openhotline.steps.advance import refuse_unless

MOST_ADDRESSES = 10_000
_WAITING = (item_path.RECEIVED, item_path.ASSESSING, item_path.GRADED_ONCE, item_path.DISPUTED)


def ask(
    unit: Unit,
    *,
    kind: str,
    text: str = "",
    addresses: Sequence[str] = (),
    reference: str = "",
    mark: str = "",
    by: Actor,
    at: datetime,
    policy: Policy,
) -> PoliceRequest:
    """An officer asks for their unit. Raises Refused where it says nothing, NotPermitted for another unit."""
    if by.role != words.OFFICER or by.unit_id != unit.pk:
        raise NotPermitted("Only an officer asks for their own unit.")
    if kind not in liaison.KINDS:
        raise Refused("Choose what you ask for.", code="kind")
    lines = [line.strip() for line in addresses if line.strip()]
    refuse_unless(
        bool(lines) if kind == liaison.CHECK else bool(text.strip() or lines),
        "Give at least one address." if kind == liaison.CHECK else "Write what you ask for.",
        code="empty",
    )
    refuse_unless(
        len(lines) <= MOST_ADDRESSES,
        f"One request holds at most {MOST_ADDRESSES:,} addresses. Send the rest as another.",
        code="too-large",
    )
    if kind == liaison.NOTE:
        refuse_unless(mark in liaison.MARKS, "Choose how this note may be handled.", code="mark")
    if kind == liaison.CHECK:
        return _check(unit, lines, text=text, reference=reference, by=by, at=at, policy=policy)
    with transaction.atomic():
        made = _make(unit, kind, text=text, reference=reference, mark=mark, by=by, at=at, policy=policy)
        _lines(made, lines, at=at)
    return made


def wanted_with(
    answer: Answer,
    removals: Sequence[Removal],
    *,
    agreement: Agreement,
    by: Actor,
    at: datetime,
    policy: Policy,
) -> None:
    """What an answer wants besides, evidence or a statement: a request for each, on the clock of its agreement.

    About what the unit wanted already with an earlier answer to the same question, and waits for, nothing is asked twice.
    """
    question = answer.consultation
    for condition in answer.conditions:
        kind = liaison.WANTED[condition]
        waiting = PoliceRequestLine.objects.filter(
            request__answer__consultation=question, request__kind=kind, request__outcome=""
        )
        known = set(waiting.values_list("item", flat=True))
        new = [removal for removal in removals if removal.item_id not in known]
        if not new:
            continue
        text = f"Wanted with the answer to {question.number}. {answer.note}".strip()
        made = _make(
            question.unit,
            kind,
            text=text,
            reference=answer.reference,
            mark="",
            by=by,
            at=at,
            policy=policy,
            agreement=agreement,
            answer=answer,
        )
        PoliceRequestLine.objects.bulk_create(
            [
                PoliceRequestLine(
                    request=made,
                    position=number,
                    reported=removal.item.canonical,
                    item_id=removal.item_id,
                    known=True,
                )
                for number, removal in enumerate(new)
            ],
            batch_size=1000,
        )


def taken_back(answer: Answer, *, by: Actor, at: datetime) -> None:
    """The answer is taken back within its minute, and with it what it wanted besides."""
    for made in answer.requests.filter(outcome="").select_related("unit").order_by("pk"):
        _end(made, liaison.TAKEN_BACK, "The answer that wanted it was taken back.", by=by, at=at)


def _check(
    unit: Unit, lines: Sequence[str], *, text: str, reference: str, by: Actor, at: datetime, policy: Policy
) -> PoliceRequest:
    report_id = uuid4()
    sent = IncomingReport(
        report_id=report_id,
        source=words.FROM_POLICE,
        lines=tuple(lines),
        received_at=at,
        reference=reference,
        partner=unit.key,
    )
    with transaction.atomic():
        intake.file_reports([sent], policy=policy, by=by, at=at)
        made = _make(
            unit, liaison.CHECK, text=text, reference=reference, mark="", by=by, at=at, policy=policy
        )
        filed = ReportLine.objects.filter(report__report_id=report_id).order_by("position")
        PoliceRequestLine.objects.bulk_create(
            [
                PoliceRequestLine(
                    request=made,
                    position=row.position,
                    reported=row.reported,
                    item_id=row.item_id,
                    known=row.joined,
                )
                for row in filed
            ],
            batch_size=1000,
        )
    return made


def _lines(made: PoliceRequest, lines: Sequence[str], *, at: datetime) -> None:
    """Addresses beside a request, with the item where the house has one. Nothing is filed."""
    read = urls.read_many(lines)
    known = {
        bytes(digest): pk
        for digest, pk in Item.objects.filter(
            key_digest__in=[one.key_digest for one in read if one.key_digest]
        ).values_list("key_digest", "pk")
    }
    PoliceRequestLine.objects.bulk_create(
        [
            PoliceRequestLine(
                request=made,
                position=number,
                reported=one.reported,
                item_id=known.get(one.key_digest),
                known=one.key_digest in known,
            )
            for number, one in enumerate(read)
        ],
        batch_size=1000,
    )


def send_note(unit: Unit, *, text: str, mark: str, by: Actor, at: datetime, policy: Policy) -> PoliceRequest:
    """The hotline's intelligence note to a unit, with its handling mark. The letter says only that there is one."""
    require_act("police.request", by)
    refuse_unless(bool(text.strip()), "Write the note.", code="empty")
    refuse_unless(mark in liaison.MARKS, "Choose how this note may be handled.", code="mark")
    with transaction.atomic():
        made = _make(
            unit, liaison.NOTE, text=text, reference="", mark=mark, by=by, at=at, policy=policy, outgoing=True
        )
        _tell(made, "police-note", "a note from the hotline waits for you", at=at)
    return made


def _make(
    unit: Unit,
    kind: str,
    *,
    text: str,
    reference: str,
    mark: str,
    by: Actor,
    at: datetime,
    policy: Policy,
    outgoing: bool = False,
    agreement: Agreement | None = None,
    answer: Answer | None = None,
) -> PoliceRequest:
    """`agreement`: that of the question it came with; else the unit's own in force."""
    if kind == liaison.EVIDENCE:
        due = at + (agreement or _own(unit, policy=policy, at=at)).evidence
    else:
        due = at + policy.clocks.request(kind)
    made = PoliceRequest.objects.create(
        number=references.request(at.year, bulk.take_numbers(f"request-{at.year}", 1)),
        unit=unit,
        kind=kind,
        outgoing=outgoing,
        mark=mark,
        reference=reference.strip()[:200],
        text=text.strip()[:20_000],
        by_id=by.person,
        at=at,
        due_at=due,
        answer=answer,
    )
    payload: dict[str, object] = {"kind": kind, "mark": mark}
    if answer is not None:
        payload["consultation"] = answer.consultation.number
    _enter("police.note-sent" if outgoing else "police.request", made, payload, by=by, at=at)
    return made


def _own(unit: Unit, *, policy: Policy, at: datetime) -> Agreement:
    agreements = house_agreements(policy=policy)
    return agreements.in_force(unit.agreement, agreements.day(at)) or agreements.standing(at)


def settle(made: PoliceRequest, *, outcome: str, text: str, by: Actor, at: datetime) -> None:
    """What came of it, in words for the other side: from our desk for a request, from the unit for our note."""
    if made.outgoing:
        if by.role != words.OFFICER or by.unit_id != made.unit_id:
            raise NotPermitted("The unit that got this note says what came of it.")
    else:
        require_act("police.request", by)
    refuse_unless(outcome in liaison.OUTCOMES, "Choose what came of it.", code="outcome")
    refuse_unless(bool(text.strip()), "Write what came of it; the other side reads it.", code="text")
    with transaction.atomic():
        _close(made, outcome, text.strip()[:20_000], by=by, at=at)


def _close(made: PoliceRequest, outcome: str, text: str, *, by: Actor, at: datetime) -> None:
    _end(made, outcome, text, by=by, at=at)
    if not made.outgoing:
        _tell(made, "police-outcome", "the outcome report is there", at=at)


def _end(made: PoliceRequest, outcome: str, text: str, *, by: Actor, at: datetime) -> None:
    count = PoliceRequest.objects.filter(pk=made.pk, outcome="").update(
        outcome=outcome, outcome_text=text, outcome_at=at, outcome_by=by.who
    )
    refuse_unless(count == 1, "This has its outcome already.", code="settled")
    _enter("police.outcome", made, {"outcome": outcome}, by=by, at=at)


def _tell(made: PoliceRequest, kind: str, what: str, *, at: datetime) -> None:
    tell.desk(
        kind,
        number=made.number,
        recipient=made.unit.mail,
        subject=f"{made.number}: {what}",
        text=f"{made.number}: {what}.\n\nIt is behind your sign-in at the police desk; this mail holds no facts.\n",
        at=at,
    )


def states(lines: Sequence[PoliceRequestLine]) -> dict[int, tuple[str, bool]]:
    """(what we know of it, whether it is decided) per line. Never whether another unit holds or asked about it."""
    items = {
        item.pk: item for item in Item.objects.filter(pk__in=[line.item_id for line in lines if line.item_id])
    }
    newest: dict[int, dict[str, str]] = defaultdict(dict)  # item -> news server (or "") -> status
    rows = Removal.objects.filter(item__in=list(items)).order_by("episode")
    for pk, server, status in rows.values_list("item_id", "server", "status"):
        newest[pk][server] = status
    found: dict[int, tuple[str, bool]] = {}
    for line in lines:
        item = items.get(line.item_id or 0)
        if item is None:
            found[line.pk] = ("not an address we can read" if not line.known else "not known here", True)
        elif item.status in _WAITING:
            found[line.pk] = ("being assessed", False)
        elif item.status == item_path.UNREACHABLE:
            found[line.pk] = ("could not be reached; we try again", False)
        elif item.status != item_path.GRADED:
            found[line.pk] = ("assessed: nothing that we act on", True)
        else:
            at_each = set(newest[item.pk].values())
            gone = bool(at_each) and at_each <= {*removal_path.WATCHED, removal_path.CLOSED}
            found[line.pk] = (
                "assessed, and gone by our own checks" if gone else "assessed, and still open",
                True,
            )
    return found


def report_checks(*, at: datetime) -> int:
    """Sweep: bulk checks of which every address is decided get their outcome report. Returns how many."""
    done = 0
    # Asked of the database: a request of ten thousand that waits for days costs one look into an index at each sweep.
    undecided = PoliceRequestLine.objects.filter(
        request=OuterRef("pk"), item__status__in=(*_WAITING, item_path.UNREACHABLE)
    )
    decided = PoliceRequest.objects.filter(~Exists(undecided), kind=liaison.CHECK, outcome="")
    for made in decided.select_related("unit").order_by("pk")[:200]:
        known = states(list(made.lines.all()))
        counts: dict[str, int] = {}
        for state, _ in known.values():
            counts[state] = counts.get(state, 0) + 1
        text = "; ".join(f"{count:,} {state}" for state, count in sorted(counts.items()))
        with transaction.atomic():
            _close(made, liaison.DONE, f"{text}.", by=MACHINE_WORKER, at=at)
        done += 1
    return done


def late(*, policy: Policy, at: datetime) -> int:
    """Sweep: requests past their time; the managers are told once. Returns how many."""
    over = list(
        PoliceRequest.objects.filter(outcome="", outgoing=False, due_at__lte=at, late_at=None).select_related(
            "unit"
        )
    )
    for made in over:
        with transaction.atomic():
            PoliceRequest.objects.filter(pk=made.pk).update(late_at=at)
            _enter("police.request-late", made, {"kind": made.kind}, by=MACHINE_WORKER, at=at)
            tell.desk(
                "request-late",
                number=made.number,
                recipient=policy.managers_mail,
                subject=f"{made.number}: a request of {made.unit.name} is past its time",
                text=f"{made.number}, asked {made.at:%d %B %Y %H:%M} UTC. It is on the list of police requests.\n",
                at=at,
            )
    return len(over)


def _enter(act: str, made: PoliceRequest, payload: dict[str, object], *, by: Actor, at: datetime) -> None:
    payload = {"number": made.number, "unit": made.unit.key, **payload}
    record([Act(act=act, obj=("request", made.number, 1), payload=payload)], by=by, at=at)
