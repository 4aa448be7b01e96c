"""What became of a notice's letter: taken by the relay, refused, or come back.

True here: the host's clock and the ladder start when the relay has taken it. What is not here: the host's reply
(`confirm`), reminders and the ladder (`escalate`).
"""

from datetime import datetime

from django.db import transaction

from openhotline.outbox import settling
from openhotline.outbox.models import Letter
from openhotline.policy import Policy
from openhotline.records.agreements import house_agreements
from openhotline.records.models import Notice, Removal
from openhotline.rules import clocks, pace, removal_path
from openhotline.rules.agreement import TELL_AFTER
from openhotline.rules.words import MACHINE_WORKER
from openhotline.steps import agreed, consult, hook
from openhotline.steps import contact as contacts
from openhotline.steps.advance import advance, note
from openhotline.steps.notify import draft


def sent(letter: Letter, *, receipt: str, policy: Policy, at: datetime) -> None:
    """The relay took it: T5 for every removal in it; the host's clock and the ladder start."""
    with transaction.atomic():
        settling.sent([letter], receipt=receipt, by=MACHINE_WORKER, at=at)
        made = Notice.objects.get(number=letter.number)
        # What has moved on while the letter was on its way is in it all the same.
        noticed = list(
            Removal.objects.filter(notice_lines__notice=made, notice_lines__dropped="")
            .select_related("item")
            .order_by("pk")
        )
        covering = agreed.by_removal(noticed, policy=policy, at=at)
        agreement = agreed.shortest(covering.values()) or house_agreements(policy=policy).standing(at)
        at_risk = any(removal.item.at_risk for removal in noticed)
        due = agreement.host_due(at, at_risk=at_risk)
        Notice.objects.filter(pk=made.pk).update(
            sent_at=at, due_at=due, ladder_at=agreement.ladder_at(at, at_risk=at_risk)
        )
        hook.tell(made, due=due, at=at)
        if made.contact_id:
            contacts.worked(made.contact_id, at=at)
        advance(
            [removal for removal in noticed if removal.status == removal_path.CLEARED],
            "notify",
            "sent",
            by=MACHINE_WORKER,
            at=at,
            clock=clocks.Deadline(clocks.HOST_TARGET, due),
            stamps=["t5_sent"],
            changes={"next_check_at": at + policy.pace.first(pace.WITH_HOST)},
            facts={"notice": made.number},
        )
        after = [removal for removal in noticed if covering[removal.pk].order == TELL_AFTER]
        if after:
            consult.tell_after(after, zone=policy.zone, at=at)


def bounced(letter: Letter, *, why: str, at: datetime) -> None:
    """The other side refused it for good: the contact is demoted, and the removals wait for a better one."""
    with transaction.atomic():
        settling.refused(letter, why=why, by=MACHINE_WORKER, at=at)
        if letter.kind != "notice":
            return
        made = Notice.objects.select_related("host", "contact").get(number=letter.number)
        if made.contact is not None:
            contacts.demote(made.contact, why=why, at=at)
        Notice.objects.filter(pk=made.pk).update(withdrawn_at=at)
        removals = list(
            Removal.objects.filter(
                notice_lines__notice=made, notice_lines__dropped="", status=removal_path.CLEARED
            )
            .select_related("item", "host")
            .order_by("pk")
        )
        note(removals, "notice.bounced", by=MACHINE_WORKER, at=at, facts={"notice": made.number})
        draft(removals, by=MACHINE_WORKER, at=at)


def came_back(letter: Letter, *, why: str, at: datetime) -> None:
    """The relay had taken it, and it came back all the same: nobody was told. What still waits for its host is
    cleared again and goes to the next best contact; T5 stays, so nobody's time looks better for it."""
    with transaction.atomic():
        made = (
            Notice.objects.select_for_update(of=("self",))
            .select_related("host", "contact")
            .get(number=letter.number)
        )
        if made.contact is not None:
            contacts.demote(made.contact, why=why, at=at)
        Notice.objects.filter(pk=made.pk, withdrawn_at=None).update(withdrawn_at=at)
        removals = list(
            Removal.objects.select_for_update(of=("self",))
            .filter(
                notice_lines__notice=made,
                notice_lines__dropped="",
                status__in=[removal_path.NOTICED, removal_path.OVERDUE],
                t6_acknowledged=None,
            )
            .select_related("item", "host")
            .order_by("pk")
        )
        advance(
            removals,
            "bounce",
            "back",
            by=MACHINE_WORKER,
            at=at,
            clock=clocks.Deadline(clocks.DEPARTURE, at),
            why=f"{made.number} came back.",
        )
        draft(removals, by=MACHINE_WORKER, at=at)
