"""What the host says by the signed link. It stops no clock, no ladder and no check: our own checks close.

Anyone on the abuse desk may press, more than once; later answers stand beside earlier ones. A GET changes
nothing (that is the page's promise; here only presses arrive).
"""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from openhotline.records.models import HostAnswer, Notice, Removal
from openhotline.rules import removal_path
from openhotline.rules.refusals import Refused
from openhotline.rules.words import HOST, Actor
from openhotline.steps.advance import KEEP, advance, note, refuse_unless


def by_link(notice: Notice) -> Actor:
    """Whoever holds the link of this notice."""
    return Actor(HOST, f"host:{notice.host_id}", host_id=notice.host_id, auth="signed-link")


def record(
    notice: Notice,
    said: Mapping[int, str],
    *,
    ticket: str = "",
    contact: str = "",
    text: str = "",
    by: Actor,
    at: datetime,
) -> list[HostAnswer]:
    """Record what was said per removal id (`said`), one of HostAnswer.SAID, and look at once.

    Raises Refused where the notice was withdrawn, a removal is not in it, or the word is unknown.
    """
    refuse_unless(bool(said), "Choose an answer for at least one address.", code="empty")
    refuse_unless(
        notice.withdrawn_at is None and notice.sent_at is not None,
        "This notice was withdrawn; there is nothing to answer. Call us if you are unsure.",
        code="withdrawn",
    )
    unknown = set(said.values()) - set(HostAnswer.SAID)
    if unknown:
        raise Refused("Choose one of the answers offered.", code="said")
    with transaction.atomic():
        removals = list(
            Removal.objects.select_for_update(of=("self",))
            .filter(notice_lines__notice=notice, notice_lines__dropped="", pk__in=list(said))
            .select_related("item")
            .order_by("pk")
        )
        refuse_unless(
            len(removals) == len(said), "One of these addresses is not in this notice.", code="scope"
        )
        answers = HostAnswer.objects.bulk_create(
            [
                HostAnswer(
                    notice=notice,
                    removal=removal,
                    at=at,
                    said=said[removal.pk],
                    ticket=ticket[:200],
                    contact=contact[:254],
                    text=text[:10_000],
                )
                for removal in removals
            ],
            batch_size=1000,
        )
        if ticket:
            Notice.objects.filter(pk=notice.pk).update(ticket=ticket[:200])
        new = [
            removal
            for removal in removals
            if removal.status == removal_path.NOTICED
            or (removal.status == removal_path.OVERDUE and removal.t6_acknowledged is None)
        ]
        advance(new, "acknowledge", "acknowledged", by=by, at=at, clock=KEEP, stamps=["t6_acknowledged"])
        # A host that answers after our first miss has answered all the same.
        Removal.objects.filter(
            pk__in=[removal.pk for removal in removals],
            status__in=removal_path.STILL_OPEN,
            t6_acknowledged=None,
        ).update(t6_acknowledged=at)
        done = [
            removal
            for removal in removals
            if said[removal.pk] in ("removed", "cut-off") and removal.status in removal_path.WITH_HOST
        ]
        advance(done, "confirm", "said", by=by, at=at, clock=KEEP)
        note(
            removals,
            "host.answered",
            by=by,
            at=at,
            facts={"notice": notice.number, "said": sorted(set(said.values())), "ticket": ticket[:200]},
        )
        # We look from outside within minutes, whatever was said.
        Removal.objects.filter(
            pk__in=[removal.pk for removal in removals], status__in=removal_path.STILL_OPEN
        ).update(next_check_at=at)
    return answers
