"""The police answer: a named officer, a scope, a time. Later answers never rewrite earlier ones.

An answer clears or holds (rules/agreement.py says which); evidence and statement wanted are conditions on
either, each a request with its own clock (`requests`); pass on asks the new unit on the same clock. What would leave on
an answer waits a minute, and as long the answer can be taken back (`undo.py`). Mail is never an answer: only a signed-in officer's.
"""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from openhotline.outbox.models import IN_DOUBT, SENDING, Letter
from openhotline.policy import Policy
from openhotline.records import bulk
from openhotline.records.agreements import house_agreements
from openhotline.records.models import (
    Answer,
    AnswerLine,
    Consultation,
    ConsultationLine,
    Hold,
    Removal,
    Unit,
)
from openhotline.rules import clocks, removal_path, words
from openhotline.rules.agreement import HOLD_REASONS, UNDO_WITHIN, effect_of
from openhotline.rules.refusals import NotPermitted, Refused
from openhotline.rules.words import MACHINE_WORKER, Actor
from openhotline.steps import consult, episode, notify, requests
from openhotline.steps.advance import advance, next_clock, note, pause_clock, refuse_unless, resume_clock

_DECIDED = (removal_path.HELD, removal_path.CLEARED)  # before any notice left
ONE_STANDS = "A hold ended as its answer said; another one stands."


def record(
    consultation: Consultation,
    *,
    kind: str,
    by: Actor,
    at: datetime,
    policy: Policy,
    removals: Sequence[Removal] | None = None,
    until: datetime | None = None,
    review_at: datetime | None = None,
    reason: str = "",
    reference: str = "",
    conditions: Sequence[str] = (),
    note_text: str = "",
    pass_to: Unit | None = None,
    valid_until: datetime | None = None,
) -> Answer:
    """Record one answer for all removals of the question, or for those in `removals`.

    Raises NotPermitted for an officer of another unit; Refused for an incomplete answer (a hold without
    reason or review time, a time in the past or beyond what the agreement allows).
    """
    if by.role != words.OFFICER or by.unit_id != consultation.unit_id:
        raise NotPermitted("Only an officer of the unit that was asked can answer this.")
    agreement = house_agreements(policy=policy).covering(
        consultation.agreement, consultation.agreement_version
    )
    if kind in (words.HOLD, words.GO_AHEAD_AFTER, words.REFUSE):
        refuse_unless(
            reason in HOLD_REASONS, "Choose a reason for the hold; nobody outside sees it.", code="reason"
        )
    if kind == words.PASS_ON:
        refuse_unless(
            pass_to is not None and pass_to.pk != consultation.unit_id,
            "Choose the unit to pass this to.",
            code="unit",
        )
    effect = effect_of(
        kind,
        agreement=agreement,
        at=at,
        until=until,
        review=review_at,
        conditions=tuple(conditions),
        valid=valid_until,
    )
    with transaction.atomic():
        scope = list(
            Removal.objects.select_for_update(of=("self",))
            .filter(consultation_lines__consultation=consultation)
            .exclude(pk__in=_passed_on(consultation))  # they are another unit's to answer now
            .select_related("item")
            .prefetch_related("host")
            .order_by("pk")
        )
        # Asked under those locks: whoever takes a question back holds them too.
        refuse_unless(
            not Consultation.objects.filter(pk=consultation.pk, withdrawn_at__isnull=False).exists(),
            "The unit that passed this to you took it back.",
            code="withdrawn",
        )
        if removals is not None:
            wanted = {removal.pk for removal in removals}
            scope = [removal for removal in scope if removal.pk in wanted]
        refuse_unless(bool(scope), "Nothing of this question is left to answer.", code="empty")
        answer = Answer.objects.create(
            consultation=consultation,
            kind=kind,
            by_id=by.person,
            reference=reference,
            at=at,
            until=effect.ends_at,
            review_at=effect.review_at,
            valid_until=effect.valid_until,
            reason=reason,
            conditions=list(effect.conditions),
            clears=effect.clears,
            note=note_text,
        )
        _keep(answer, scope)
        if kind == words.PASS_ON and pass_to is not None:
            _pass(consultation, scope, pass_to, policy=policy, by=by, at=at)
        elif effect.clears:
            _clear(scope, answer, by=by, at=at)
        else:
            _hold(scope, answer, by=by, at=at)
        requests.wanted_with(answer, scope, agreement=agreement, by=by, at=at, policy=policy)
        ConsultationLine.objects.filter(consultation=consultation, removal__in=scope).update(answered=True)
        if not ConsultationLine.objects.filter(consultation=consultation, answered=False).exists():
            Consultation.objects.filter(pk=consultation.pk, answered_at=None).update(answered_at=at)
    return answer


def _keep(answer: Answer, scope: Sequence[Removal]) -> None:
    """The scope of an answer, and how each of it stood before: what an undo goes back to."""
    pks = [removal.pk for removal in scope]
    answered = dict(
        ConsultationLine.objects.filter(consultation=answer.consultation, removal__in=pks).values_list(
            "removal_id", "answered"
        )
    )
    holds = {removal: pk for pk, removal, own in _standing(answer, scope) if own}
    bulk.insert(
        AnswerLine,
        ("answer_id", "removal_id", "was", "was_clock", "was_due", "was_answered", "ended_id"),
        [
            (
                answer.pk,
                removal.pk,
                removal.status,
                removal.clock,
                removal.due_at,
                answered[removal.pk],
                holds.get(removal.pk),
            )
            for removal in scope
        ],
    )


def _passed_on(consultation: Consultation) -> QuerySet[AnswerLine, int]:
    """Removals of this question that its unit passed to another one."""
    return AnswerLine.objects.filter(
        answer__consultation=consultation, answer__kind=words.PASS_ON, answer__undone_at=None
    ).values_list("removal", flat=True)


def _facts(answer: Answer) -> dict[str, object]:
    return {
        "answer": answer.pk,
        "kind": answer.kind,
        "consultation": answer.consultation.number,
        "reference": answer.reference,
        "reason": answer.reason,
        "until": answer.until.isoformat() if answer.until else None,
        "review_at": answer.review_at.isoformat() if answer.review_at else None,
        "valid_until": answer.valid_until.isoformat() if answer.valid_until else None,
        "conditions": list(answer.conditions),
    }


def _end_own_holds(scope: Sequence[Removal], answer: Answer, *, by: Actor, at: datetime) -> set[int]:
    """Holds of the answering unit on these end. Returns the removals that another unit holds: those stand."""
    standing = _standing(answer, scope)
    ending = [pk for pk, _, own in standing if own]
    if ending:
        Hold.objects.filter(pk__in=ending).update(released_at=at, released_by=by.who)
    return {removal for _, removal, own in standing if not own}


def _standing(answer: Answer, scope: Sequence[Removal]) -> list[tuple[int, int, bool]]:
    """(hold, removal, whether it is the answering unit's own or was placed on silence) of the holds on these."""
    holds = Hold.objects.filter(removal__in=scope, released_at=None)
    unit = answer.consultation.unit_id
    return [
        (pk, removal, given is None or whose == unit)
        for pk, removal, given, whose in holds.values_list(
            "pk", "removal_id", "answer_id", "answer__consultation__unit_id"
        )
    ]


def _clear(scope: Sequence[Removal], answer: Answer, *, by: Actor, at: datetime) -> None:
    """Go ahead: end holds of this unit, clear what waits, and draft the notice in the same act."""
    standing = _end_own_holds(scope, answer, by=by, at=at)
    # A hold followed the content to its next episode: the same answer to the same question ends it there too.
    Hold.objects.filter(answer__consultation=answer.consultation, released_at=None).exclude(
        removal__in=scope
    ).exclude(removal__consultation_lines__consultation=answer.consultation).update(
        released_at=at, released_by=by.who
    )
    # What another unit holds stays held, whatever this one says.
    scope = [removal for removal in scope if removal.pk not in standing]
    answerable = (removal_path.ASKED, removal_path.SILENT, removal_path.HELD)
    waiting = [removal for removal in scope if removal.status in answerable]
    rest = [removal for removal in scope if removal.status not in answerable]
    clock = clocks.Deadline(clocks.DEPARTURE, at)
    advance(
        waiting, "answer", "clear", by=by, at=at, clock=clock, stamps=["t4_answered"], facts=_facts(answer)
    )
    note(rest, "removal.answered", by=by, at=at, facts=_facts(answer))
    resume_clock(rest, by=by, at=at)
    notify.draft(
        [removal for removal in scope if removal.status == removal_path.CLEARED],
        by=MACHINE_WORKER,
        at=at,
        due=at + UNDO_WITHIN,
    )


def _hold(scope: Sequence[Removal], answer: Answer, *, by: Actor, at: datetime) -> None:
    """Not yet. From noticed on, and while a notice is just leaving, a hold is a row that stops every letter."""
    if answer.review_at is None:
        raise Refused("A hold needs a review time.", code="review")
    _end_own_holds(scope, answer, by=by, at=at)
    now_at = episode.current_of(scope)
    Hold.objects.filter(
        removal__in=list(now_at.values()),
        released_at=None,
        answer__consultation__unit_id=answer.consultation.unit_id,
    ).update(released_at=at, released_by=by.who)
    Hold.objects.bulk_create(
        [
            Hold(
                removal=now_at.get(removal.pk, removal),
                answer=answer,
                reason=answer.reason,
                placed_at=at,
                placed_by=by.who,
                until=answer.until,
                review_at=answer.review_at,
            )
            for removal in scope
        ],
        batch_size=1000,
    )
    leaving = _leaving(scope)
    movable = (removal_path.ASKED, removal_path.SILENT, removal_path.HELD, removal_path.CLEARED)
    moving = [removal for removal in scope if removal.status in movable and removal.pk not in leaving]
    going = {removal.pk for removal in moving}
    rest = [removal for removal in scope if removal.pk not in going]
    clock = clocks.Deadline(clocks.HOLD_REVIEW, answer.until or answer.review_at)
    advance(moving, "answer", "hold", by=by, at=at, clock=clock, stamps=["t4_answered"], facts=_facts(answer))
    note(rest, "removal.held", by=by, at=at, facts=_facts(answer))
    note(list(now_at.values()), "removal.held", by=by, at=at, why=episode.FOLLOWED, facts=_facts(answer))
    pause_clock(rest, clock, by=by, at=at)
    notify.recall(moving, why="Held by the police.", at=at)


def _pass(
    consultation: Consultation,
    scope: Sequence[Removal],
    unit: Unit,
    *,
    policy: Policy,
    by: Actor,
    at: datetime,
) -> None:
    """Ask the new unit on the same clock. A hold of the unit that passes ends with its part, and what it had decided
    waits for the new one's word, unless its notice has left."""
    Hold.objects.filter(
        removal__in=scope, released_at=None, answer__consultation__unit_id=consultation.unit_id
    ).update(released_at=at, released_by=by.who)
    agreement = consult.asking(scope, unit, policy=policy, at=at)
    asked = consult.ask_police(
        scope, unit=unit, agreement=agreement, by=by, at=at, zone=policy.zone, passed_from=consultation
    )
    leaving = _leaving(scope)
    back = [row for row in scope if row.status in _DECIDED and row.pk not in leaving]
    notify.recall(back, why=f"Passed to {unit.name}, whose answer it waits for.", at=at)
    clock = clocks.Deadline(clocks.POLICE_ANSWER, asked.due_at)
    facts: dict[str, object] = {"unit": unit.key, "from": consultation.number}
    advance(back, "consult", "passed", by=by, at=at, clock=clock, facts=facts)
    note(scope, "removal.passed", by=by, at=at, facts=facts)


def _leaving(scope: Sequence[Removal]) -> set[int]:
    """Those whose notice is on its way this moment, or may have arrived."""
    return set(
        Letter.objects.filter(
            kind="notice", state__in=[SENDING, IN_DOUBT], lines__removal__in=[removal.pk for removal in scope]
        ).values_list("lines__removal", flat=True)
    )


def release_due(*, at: datetime) -> int:
    """Sweep: holds that end by themselves, because their answer said so. Returns how many ended."""
    over = list(
        Hold.objects.filter(released_at=None, until__lte=at).select_related("removal__item", "removal__host")[
            :5000
        ]
    )
    if not over:
        return 0
    with transaction.atomic():
        Hold.objects.filter(pk__in=[hold.pk for hold in over]).update(
            released_at=at, released_by=MACHINE_WORKER.who
        )
        # What another hold still stands on stays held; two that end in one moment free it once.
        ended = {hold.removal_id: hold.removal for hold in over}
        standing = {
            pk: until or review
            for pk, until, review in Hold.objects.filter(removal__in=list(ended), released_at=None)
            .order_by("-review_at")
            .values_list("removal_id", "until", "review_at")
        }
        for pk, due in standing.items():
            note([ended[pk]], "removal.released", by=MACHINE_WORKER, at=at, why=ONE_STANDS)
            if ended[pk].clock == clocks.HOLD_REVIEW:
                next_clock([ended[pk]], clocks.Deadline(clocks.HOLD_REVIEW, due), by=MACHINE_WORKER, at=at)
        free = [row for pk, row in ended.items() if pk not in standing]
        held = [row for row in free if row.status == removal_path.HELD]
        rest = [row for row in free if row.status != removal_path.HELD]
        advance(
            held,
            "release",
            "clear",
            by=MACHINE_WORKER,
            at=at,
            clock=clocks.Deadline(clocks.DEPARTURE, at),
            why="The hold ended as its answer said.",
        )
        note(rest, "removal.released", by=MACHINE_WORKER, at=at)
        resume_clock(rest, by=MACHINE_WORKER, at=at)
        cleared = [row for row in free if row.status == removal_path.CLEARED]
        notify.draft(cleared, by=MACHINE_WORKER, at=at)
    return len(over)
