"""What silence leads to: two named people decide, one proposes and another confirms (four eyes).

Silence is never consent by itself. Where the agreement of both sides says in writing that it counts as a go-ahead
or as a hold, the machine does that and the entry names the agreement. Whatever was decided, the unit may still
answer. A hold placed on silence is looked at again by the same two steps.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from openhotline.policy import Policy
from openhotline.records.agreements import house_agreements
from openhotline.records.models import Consultation, Hold, Removal, SilenceProposal
from openhotline.rules import clocks, removal_path
from openhotline.rules.agreement import DEEMED_CLEAR, DEEMED_HOLD, Agreement
from openhotline.rules.permits import require
from openhotline.rules.words import MACHINE_WORKER, Actor
from openhotline.steps import notify
from openhotline.steps.advance import advance, note, refuse_unless


def silent_in(consultation: Consultation) -> list[Removal]:
    """The removals of a question on which the unit is silent, those on hold for that reason among them."""
    on_hold = Hold.objects.filter(silent_on=consultation, released_at=None).values("removal")
    return list(
        Removal.objects.filter(
            Q(status=removal_path.SILENT) | Q(status=removal_path.HELD, pk__in=on_hold),
            consultation_lines__consultation=consultation,
            consultation_lines__answered=False,
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
        question = proposal.consultation
        agreement = house_agreements(policy=policy).covering(question.agreement, question.agreement_version)
        _settle(
            proposal.consultation,
            removals,
            clear=proposal.clear,
            agreement=agreement,
            by=by,
            at=at,
            why="silence",
            facts=facts,
        )
    return removals


def withdraw(proposal: SilenceProposal, *, by: Actor, at: datetime) -> None:
    """Take a proposal back, or decline a colleague's: nothing moves, and another may be made."""
    require(removal_path.PATH, "settle_silence", by)
    with transaction.atomic():
        count = SilenceProposal.objects.filter(pk=proposal.pk, settled_at=None).update(
            settled_at=at, withdrawn_by_id=by.person
        )
        refuse_unless(count == 1, "This was settled already.", code="settled")
        note(
            silent_in(proposal.consultation),
            "silence.withdrawn",
            by=by,
            at=at,
            facts={"first": proposal.proposed_by.pseudonym, "consultation": proposal.consultation.number},
        )


def as_agreed(
    consultation: Consultation, removals: Sequence[Removal], *, agreement: Agreement, at: datetime
) -> None:
    """The agreement says in writing what silence leads to, and that is done. Raises Refused where people decide."""
    refuse_unless(
        agreement.silence in (DEEMED_CLEAR, DEEMED_HOLD),
        "This agreement leaves silence to people. Two of them decide.",
        code="silence",
    )
    clear = agreement.silence == DEEMED_CLEAR
    _settle(
        consultation,
        removals,
        clear=clear,
        agreement=agreement,
        by=MACHINE_WORKER,
        at=at,
        why=f"No answer in the agreed time: by {agreement.version} that is a {'go-ahead' if clear else 'hold'}.",
        facts={"agreement": agreement.version, "consultation": consultation.number},
    )


def _settle(
    consultation: Consultation,
    removals: Sequence[Removal],
    *,
    clear: bool,
    agreement: Agreement,
    by: Actor,
    at: datetime,
    why: str,
    facts: Mapping[str, object],
) -> None:
    Hold.objects.filter(removal__in=removals, silent_on=consultation, released_at=None).update(
        released_at=at, released_by=by.who
    )
    if clear:
        clock = clocks.Deadline(clocks.DEPARTURE, at)
        advance(removals, "settle_silence", "clear", by=by, at=at, clock=clock, why=why, facts=facts)
        notify.draft(removals, by=MACHINE_WORKER, at=at)
        return
    review = at + agreement.hold_review
    Hold.objects.bulk_create(
        [
            Hold(
                removal=removal,
                silent_on=consultation,
                reason="other",
                placed_at=at,
                placed_by=by.who,
                review_at=review,
            )
            for removal in removals
        ],
        batch_size=1000,
    )
    clock = clocks.Deadline(clocks.HOLD_REVIEW, review)
    advance(removals, "settle_silence", "hold", by=by, at=at, clock=clock, why=why, facts=facts)
