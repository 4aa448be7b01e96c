"""An opinion taken back within half a minute: the item waits for the same reading again, and both entries stay.

Nothing has left by then: the wish for a trace, which everything outward follows, waits as long, and so does what
reporters and partners are told. The opinion's row is never rewritten; it is marked as taken back. What is not here:
changing one's mind later, which is the second reader's, the lead's or an appeal's.
"""

from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from openhotline.outbox import queue
from openhotline.outbox.models import PENDING, Letter
from openhotline.policy import Policy
from openhotline.records.models import Assessment, Clock, Item, Removal
from openhotline.rules import clocks, words
from openhotline.rules.opinion import BACK_WITHIN
from openhotline.rules.refusals import NotPermitted
from openhotline.rules.words import MACHINE_WORKER, Actor
from openhotline.steps.advance import advance, refuse_unless

WHY = "The opinion was taken back within half a minute."
_CLOCK = {"first": clocks.ASSESS, "second": clocks.SECOND_READ, "lead": clocks.LEAD_DECIDES}


def open_to(user_id: int, *, at: datetime) -> QuerySet[Assessment]:
    """The opinions this person can still take back, newest first."""
    own = Assessment.objects.filter(by=user_id, at__gte=at - BACK_WITHIN, undone_at=None)
    return own.select_related("item").order_by("-at", "-pk")


def settling(*, at: datetime) -> QuerySet[Assessment, int]:
    """The items whose newest opinion can still be taken back."""
    young = Assessment.objects.filter(at__gt=at - BACK_WITHIN, at__lte=at, undone_at=None)
    return young.values_list("item", flat=True)


def retract(opinion: Assessment, *, by: Actor, at: datetime, policy: Policy) -> Item:
    """Take `opinion` back: its item waits for the same reading, on the clock that ran before, locked to the same person.

    A second reader has seen whether the two agree, so that somebody else is the second reader then.

    Raises NotPermitted for somebody else's; Refused where half a minute is over or a later opinion stands on it.
    """
    if by.user_id != opinion.by_id:
        raise NotPermitted("An opinion is taken back by the person who gave it.")
    refuse_unless(
        at <= opinion.at + BACK_WITHIN,
        "The half minute to take it back is over. Tell the lead, who can have it read again.",
        code="late",
    )
    with transaction.atomic():
        item = Item.objects.select_for_update().get(pk=opinion.item_id)
        standing = Assessment.objects.filter(item=item, undone_at=None).order_by("pk").last()
        refuse_unless(
            standing is not None and standing.pk == opinion.pk and item.readings == opinion.round,
            "It was taken back already, or a colleague's opinion stands on it. Open the case to see.",
            code="settled",
        )
        refuse_unless(
            not Removal.objects.filter(item=item, opened_at__gte=opinion.at).exists(),
            "This item is with a host or partner already. Tell the lead.",
            code="settled",
        )
        Assessment.objects.filter(pk=opinion.pk).update(undone_at=at)
        wishes = Letter.objects.filter(kind="trace", number__startswith=f"{item.ref}/", state=PENDING)
        for letter in wishes.order_by("pk"):
            queue.withdraw(letter, why=WHY, by=MACHINE_WORKER, at=at)
        changes: dict[str, object] = {"graded_at": None, "cls": "", "category": "", "age_band": ""}
        if opinion.reading != "second":
            changes |= {"locked_by_id": by.user_id, "locked_until": at + policy.clocks.lock}
        if opinion.opinion == words.UNREACHABLE:
            changes["retries"] = max(item.retries - 1, 0)
        ran = Clock.objects.filter(
            subject="item", subject_id=item.pk, name=_CLOCK[opinion.reading], closed_at__isnull=False
        )
        last = ran.order_by("pk").last()
        advance(
            [item],
            "undo",
            opinion.reading,
            by=by,
            at=at,
            clock=clocks.Deadline(last.name, last.due_at) if last else None,
            why=WHY,
            changes=changes,
            facts={"opinion": opinion.pk, "said": opinion.opinion},
        )
    return item
