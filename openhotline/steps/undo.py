"""An answer taken back within its minute: everything stands again as before, and both entries stay.

Nothing has left by then: letters that follow from an answer wait the minute out. The answer's row is never
rewritten; it is marked as taken back, and what it did is compensated. What is not here: changing one's mind later,
which is another answer (`answer`).
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from openhotline.records.models import Answer, AnswerLine, Consultation, ConsultationLine, Hold, Removal
from openhotline.rules import clocks, removal_path, words
from openhotline.rules.agreement import UNDO_WITHIN
from openhotline.rules.refusals import NotPermitted
from openhotline.rules.words import MACHINE_WORKER, Actor
from openhotline.steps import consult, notify, requests
from openhotline.steps.advance import advance, note, pause_clock, refuse_unless, resume_clock

_BACK = {
    removal_path.ASKED: "asked",
    removal_path.SILENT: "silent",
    removal_path.HELD: "held",
    removal_path.CLEARED: "cleared",
}
WHY = "The answer was taken back within its minute."


def undo(answer: Answer, *, by: Actor, at: datetime) -> Answer:
    """Take `answer` back. Any officer of the unit may, within the minute and before another answer stands on it.

    Raises NotPermitted for another unit; Refused where the minute is over or a later answer covers the same.
    """
    consultation = answer.consultation
    if by.role != words.OFFICER or by.unit_id != consultation.unit_id:
        raise NotPermitted("Only an officer of the unit that answered can take it back.")
    refuse_unless(
        at <= answer.at + UNDO_WITHIN,
        "The minute to take it back is over. Give another answer; the latest one holds.",
        code="late",
    )
    with transaction.atomic():
        lines = list(AnswerLine.objects.filter(answer=answer).select_related("ended").order_by("removal_id"))
        removals = {
            row.pk: row
            for row in Removal.objects.select_for_update(of=("self",))
            .filter(pk__in=[line.removal_id for line in lines])
            .select_related("item", "host")
            .order_by("pk")
        }
        later = AnswerLine.objects.filter(
            removal__in=list(removals), answer__consultation=consultation, answer__pk__gt=answer.pk
        ).exclude(answer__undone_at__isnull=False)
        refuse_unless(
            not later.exists(), "A later answer stands on this one. Take that back first.", code="later"
        )
        refuse_unless(
            not Answer.objects.filter(
                consultation__in=_passed_by(answer, list(removals)), undone_at=None
            ).exists(),
            "The unit you passed this to has answered already, and its answer holds. Write to that unit.",
            code="later",
        )
        count = Answer.objects.filter(pk=answer.pk, undone_at=None).update(
            undone_at=at, undone_by_id=by.person
        )
        refuse_unless(count == 1, "This answer was taken back already.", code="settled")
        answer.undone_at = at
        Hold.objects.filter(answer=answer, released_at=None).update(released_at=at, released_by=by.who)
        moving = [line for line in lines if _moved_by(answer, line, removals[line.removal_id])]
        notify.recall([removals[line.removal_id] for line in moving], why=WHY, at=at)
        _passed_back(answer, list(removals), by=by, at=at)
        requests.taken_back(answer, by=by, at=at)
        _restore_holds(lines, at=at)
        _move_back(answer, moving, removals, by=by, at=at)
        moved = {line.pk for line in moving}
        rest = [line for line in lines if line.pk not in moved]
        _rest(answer, rest, removals, by=by, at=at)
        open_again = [line.removal_id for line in lines if not line.was_answered]
        ConsultationLine.objects.filter(consultation=consultation, removal__in=open_again).update(
            answered=False
        )
        if open_again:
            Consultation.objects.filter(pk=consultation.pk, answered_at=answer.at).update(answered_at=None)
    return answer


def _moved_by(answer: Answer, line: AnswerLine, now: Removal) -> bool:
    """Whether this removal still stands where the answer put it."""
    if line.was not in _BACK:
        return False
    if answer.kind == words.PASS_ON:
        return now.status == removal_path.ASKED and line.was in (removal_path.HELD, removal_path.CLEARED)
    put = removal_path.CLEARED if answer.clears else removal_path.HELD
    return now.status == put and not (line.was == put == removal_path.CLEARED)


def _move_back(
    answer: Answer, lines: Sequence[AnswerLine], removals: dict[int, Removal], *, by: Actor, at: datetime
) -> None:
    groups: dict[tuple[str, str, datetime | None, bool], list[Removal]] = defaultdict(list)
    for line in lines:
        removal = removals[line.removal_id]
        stamped = removal.t4_answered == answer.at
        groups[line.was, line.was_clock, line.was_due, stamped].append(removal)
    for (was, clock, due, stamped), group in groups.items():
        advance(
            group,
            "undo",
            _BACK[was],
            by=by,
            at=at,
            clock=clocks.Deadline(clock, due) if due else None,
            why=WHY,
            changes={"t4_answered": None} if stamped else {},
            facts={"answer": answer.pk, "kind": answer.kind, "consultation": answer.consultation.number},
        )
        if was == removal_path.CLEARED:
            notify.draft(group, by=MACHINE_WORKER, at=at)


def _rest(
    answer: Answer, lines: Sequence[AnswerLine], removals: dict[int, Removal], *, by: Actor, at: datetime
) -> None:
    """What the answer did not move, or what has moved since: holds and clocks go back, the entry says so."""
    group = [removals[line.removal_id] for line in lines]
    note(
        group,
        "removal.answer-undone",
        by=by,
        at=at,
        why=WHY,
        facts={"answer": answer.pk, "kind": answer.kind},
    )
    if answer.kind == words.PASS_ON:
        return
    if not answer.clears:
        standing = set(
            Hold.objects.filter(removal__in=group, released_at=None).values_list("removal_id", flat=True)
        )
        resume_clock([row for row in group if row.pk not in standing], by=by, at=at)
    by_review: dict[datetime, list[Removal]] = defaultdict(list)
    for line in lines:
        if line.ended is not None and answer.clears and line.was not in _BACK:
            by_review[line.ended.until or line.ended.review_at].append(removals[line.removal_id])
    for due, held in by_review.items():
        pause_clock(held, clocks.Deadline(clocks.HOLD_REVIEW, due), by=by, at=at)


def _restore_holds(lines: Sequence[AnswerLine], *, at: datetime) -> None:
    """A hold that this answer ended stands again, as it was."""
    active = set(
        Hold.objects.filter(removal__in=[line.removal_id for line in lines], released_at=None).values_list(
            "removal_id", "answer_id"
        )
    )
    again = []
    for line in lines:
        if line.ended is not None and (line.removal_id, line.ended.answer_id) not in active:
            old = line.ended
            again.append(
                Hold(
                    removal_id=line.removal_id,
                    answer_id=old.answer_id,
                    silent_on_id=old.silent_on_id,
                    reason=old.reason,
                    placed_at=old.placed_at,
                    placed_by=old.placed_by,
                    until=old.until,
                    review_at=old.review_at,
                )
            )
    Hold.objects.bulk_create(again, batch_size=1000)


def _passed_back(answer: Answer, removals: Sequence[int], *, by: Actor, at: datetime) -> None:
    for passed in _passed_by(answer, removals):
        consult.withdraw(passed, why=WHY, by=by, at=at)


def _passed_by(answer: Answer, removals: Sequence[int]) -> list[Consultation]:
    """The questions that this answer put to another unit; none, where it passed nothing on."""
    if answer.kind != words.PASS_ON:
        return []
    asked = Consultation.objects.select_for_update().filter(
        passed_from=answer.consultation,
        asked_at=answer.at,
        withdrawn_at=None,
        pk__in=ConsultationLine.objects.filter(removal__in=removals).values("consultation"),
    )
    return list(asked.order_by("pk"))
