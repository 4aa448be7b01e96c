"""A child may be at risk now: minutes, beside everything, blocked by nothing.

One confirm raises it from any state; the duty officer is lettered at once and shown to phone. It moves no
item and no removal, needs no second reader, no trace and no agreement.
"""

from datetime import datetime

from django.db import transaction

from openhotline.policy import Policy
from openhotline.records.models import Alarm, Clock, Item, Unit
from openhotline.rules.permits import require_act
from openhotline.rules.words import MACHINE_WORKER, Actor
from openhotline.steps import tell
from openhotline.steps.advance import note, refuse_unless


def raise_alarm(item: Item, *, unit: Unit | None = None, policy: Policy, by: Actor, at: datetime) -> Alarm:
    """Raise the alarm for an item. Raising it again while one is open returns the open one."""
    require_act("alarm.raise", by)
    with transaction.atomic():
        Item.objects.select_for_update().filter(pk=item.pk).first()
        running = Alarm.objects.filter(item=item, acknowledged_at=None).first()
        if running is not None:
            return running
        unit = unit or Unit.objects.filter(level="national").order_by("pk").first()
        refuse_unless(
            unit is not None, "No police unit is registered. Ring the police now, then add one.", code="unit"
        )
        assert unit is not None
        due = at + policy.clocks.safeguarding
        alarm = Alarm.objects.create(
            item=item, by_id=by.person, at=at, due_at=due, unit=unit, phone=unit.phone
        )
        Item.objects.filter(pk=item.pk).update(at_risk=True, priority=True)
        item.at_risk = item.priority = True
        Clock.objects.create(
            subject="alarm", subject_id=alarm.pk, name="safeguarding", opened_at=at, due_at=due
        )
        tell.desk(
            "alarm",
            number=f"{item.ref}/{alarm.pk}",
            recipient=unit.mail,
            subject=f"URGENT {item.ref}: a child may be at risk now",
            text=(
                f"{item.ref}: an analyst sees a sign that a child may be at risk now.\n\n"
                f"Please ring the duty analyst at once, before {due:%H:%M} UTC. We are ringing you too.\n"
                "The facts are behind your sign-in at the police desk.\n"
            ),
            at=at,
        )
        note([item], "alarm.raised", by=by, at=at, facts={"unit": unit.key, "due": due.isoformat()})
    return alarm


def acknowledge(alarm: Alarm, *, reference: str, by: Actor, at: datetime) -> Alarm:
    """The duty officer was reached: who noted it, and the reference they gave."""
    require_act("alarm.acknowledge", by)
    with transaction.atomic():
        count = Alarm.objects.filter(pk=alarm.pk, acknowledged_at=None).update(
            acknowledged_at=at, acknowledged_by=by.who, reference=reference
        )
        refuse_unless(count == 1, "Somebody has acknowledged this alarm already.", code="acknowledged")
        Clock.objects.filter(subject="alarm", subject_id=alarm.pk, closed_at=None).update(
            closed_at=at, ended="met" if at <= alarm.due_at else "missed"
        )
        note([alarm.item], "alarm.acknowledged", by=by, at=at, facts={"reference": reference})
    alarm.refresh_from_db()
    return alarm


def overdue(*, policy: Policy, at: datetime) -> int:
    """Sweep: alarms nobody has acknowledged in their minutes; managers are written to, once. Returns how many."""
    late = list(
        Alarm.objects.filter(acknowledged_at=None, due_at__lte=at, managers_at=None).select_related(
            "item", "unit"
        )
    )
    for row in late:
        with transaction.atomic():
            tell.desk(
                "alarm-managers",
                number=f"{row.item.ref}/{row.pk}",
                recipient=policy.managers_mail,
                subject=f"URGENT {row.item.ref}: nobody has acknowledged the alarm",
                text=f"{row.item.ref}: raised {row.at:%H:%M} UTC, not acknowledged. Ring {row.unit.name}: {row.phone}\n",
                at=at,
            )
            Alarm.objects.filter(pk=row.pk).update(managers_at=at)
            note([row.item], "alarm.overdue", by=MACHINE_WORKER, at=at)
    return len(late)
