"""What silence leads to: two named people decide, one proposes and another confirms (four eyes).

Silence is never consent. Until two people have decided, the question stays open and the unit may still answer.
"""

from datetime import datetime

from django.db import transaction

from openhotline.policy import Policy
from openhotline.records.models import Consultation, Hold, Removal, SilenceProposal
from openhotline.rules import clocks, removal_path
from openhotline.rules.permits import require
from openhotline.rules.words import MACHINE_WORKER, Actor
from openhotline.steps import notify
from openhotline.steps.advance import advance, note, refuse_unless


def silent_in(consultation: Consultation) -> list[Removal]:
    """The removals of a question on which the unit is silent."""
    return list(
        Removal.objects.filter(
            consultation_lines__consultation=consultation,
            consultation_lines__answered=False,
            status=removal_path.SILENT,
        )
        .select_related("item", "host")
        .order_by("pk")
    )


def propose(consultation: Consultation, *, clear: bool, why: str, by: Actor, at: datetime) -> SilenceProposal:
    """The first person: clear it, or hold it, and why. Nothing moves yet."""
    require(removal_path.PATH, "settle_silence", by)
    refuse_unless(bool(why.strip()), "Write down why; the unit and the auditor will read it.", code="why")
    removals = silent_in(consultation)
    refuse_unless(bool(removals), "The unit is not silent on this. Open it again.", code="not-silent")
    with transaction.atomic():
        running = SilenceProposal.objects.filter(consultation=consultation, settled_at=None).first()
        refuse_unless(
            running is None,
            "A colleague has proposed something already. Confirm that, or talk to them.",
            code="proposed",
        )
        made = SilenceProposal.objects.create(
            consultation=consultation, clear=clear, why=why.strip(), proposed_by_id=by.person, proposed_at=at
        )
        note(
            removals,
            "silence.proposed",
            by=by,
            at=at,
            facts={"clear": clear, "consultation": consultation.number},
        )
    return made


def confirm(proposal: SilenceProposal, *, by: Actor, at: datetime, policy: Policy) -> list[Removal]:
    """The second person, who is not the first: now it is done. Returns what moved."""
    require(removal_path.PATH, "settle_silence", by)
    refuse_unless(
        proposal.proposed_by_id != by.person,
        "A second person has to agree; you proposed this yourself.",
        code="second",
    )
    with transaction.atomic():
        count = SilenceProposal.objects.filter(pk=proposal.pk, settled_at=None).update(
            settled_at=at, confirmed_by_id=by.person
        )
        refuse_unless(count == 1, "This was settled already.", code="settled")
        removals = silent_in(proposal.consultation)
        refuse_unless(
            bool(removals),
            "The unit has answered meanwhile. There is nothing left to decide.",
            code="answered",
        )
        facts: dict[str, object] = {
            "first": proposal.proposed_by.pseudonym,
            "second": by.who,
            "why": proposal.why,
        }
        if proposal.clear:
            clock = clocks.Deadline(clocks.DEPARTURE, at)
            advance(
                removals, "settle_silence", "clear", by=by, at=at, clock=clock, why="silence", facts=facts
            )
            notify.draft(removals, by=MACHINE_WORKER, at=at)
            return removals
        review = at + policy.agreement(proposal.consultation.agreement).hold_review
        Hold.objects.bulk_create(
            [
                Hold(removal=removal, reason="other", placed_at=at, placed_by=by.who, review_at=review)
                for removal in removals
            ]
        )
        clock = clocks.Deadline(clocks.HOLD_REVIEW, review)
        advance(removals, "settle_silence", "hold", by=by, at=at, clock=clock, why="silence", facts=facts)
    return removals
