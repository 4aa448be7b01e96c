"""What a partner abroad says it did: filed as it came, believed as far as our own eyes reach.

True here: "removed" makes us look at once and closes nothing (row 36); "unavailable" waits for our re-checks (37); "moved"
asks for our own trace, which alone opens a new episode (38); "not illegal there" ends the partner's part, not the grade
here (39). The same message twice is one; whatever comes after a final action is kept and moves nothing. What is not here:
partners' codes (connectors) and asking a silent partner (`refer`).
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Count, Q

from openhotline.policy import Policy
from openhotline.records.models import ReferralAction, ReferralLine, Removal
from openhotline.rules import abroad, clocks, removal_path
from openhotline.rules.abroad import PartnerAction
from openhotline.rules.permits import require
from openhotline.rules.words import Actor
from openhotline.steps import assess, tell
from openhotline.steps.advance import advance, note


def report_back(
    said: Sequence[tuple[ReferralLine, PartnerAction]], *, via: str, policy: Policy, by: Actor, at: datetime
) -> list[ReferralAction]:
    """File what a partner says about addresses that were handed to it, in the order given. Returns what was new.

    `via`: portal, api or iccam. Raises NotPermitted; Refused for an action nobody could act on (then nothing is filed).
    """
    require(removal_path.PATH, "report_back", by)
    for _, one in said:
        abroad.refuse_unless_sound(one, at=at)
    with transaction.atomic():
        lines = {line.pk: line for line, _ in said}
        removals = {
            removal.pk: removal
            for removal in Removal.objects.select_for_update(of=("self",))
            .filter(pk__in=[line.removal_id for line in lines.values()])
            .select_related("item")
            .order_by("pk")
        }
        before: dict[int, list[str]] = defaultdict(list)
        known: set[tuple[int, str]] = set()
        for line_id, their_id, action in (
            ReferralAction.objects.filter(line__in=lines)
            .order_by("pk")
            .values_list("line_id", "their_id", "action")
        ):
            before[line_id].append(action)
            known.add((line_id, their_id))
        made: list[ReferralAction] = []
        for line, one in said:
            if (line.pk, one.their_id) in known:
                continue
            known.add((line.pk, one.their_id))
            open_ = removals[line.removal_id].status in removal_path.WITH_PARTNER
            made.append(
                ReferralAction(
                    line=line,
                    their_id=one.their_id[:120],
                    action=one.action,
                    reason=one.reason,
                    text=one.text,
                    country=one.country.upper(),
                    done_at=one.done_at,
                    heard_at=at,
                    via=via,
                    said_by=by.who,
                    counted=open_ and abroad.counts(one, before[line.pk]),
                )
            )
            before[line.pk].append(one.action)
        ReferralAction.objects.bulk_create(made, batch_size=500)
        _enter(made, removals, by=by, at=at)
        _follow([row for row in made if row.counted], removals, policy=policy, by=by, at=at)
    return made


def _enter(made: Sequence[ReferralAction], removals: dict[int, Removal], *, by: Actor, at: datetime) -> None:
    """One entry per address and action: what was said, by whom, and whether it moves anything."""
    groups: dict[tuple[str, str, str, bool], list[Removal]] = defaultdict(list)
    for row in made:
        groups[row.action, row.reason, row.country, row.counted].append(removals[row.line.removal_id])
    for (action, reason, country, counted), group in groups.items():
        note(
            list(dict.fromkeys(group)),
            "referral.action",
            by=by,
            at=at,
            facts={"action": action, "reason": reason, "country": country, "counted": counted},
        )


def _follow(
    counted: Sequence[ReferralAction],
    removals: dict[int, Removal],
    *,
    policy: Policy,
    by: Actor,
    at: datetime,
) -> None:
    """Let each action lead where it may. Several about one address: the last of them that moves it."""
    ids = {row.line.removal_id for row in counted}
    Removal.objects.filter(pk__in=ids, t6_acknowledged=None).update(t6_acknowledged=at)
    by_action: dict[str, list[Removal]] = defaultdict(list)
    for row in counted:
        by_action[row.action].append(removals[row.line.removal_id])
    first, *_, last = policy.clocks.unavailable
    advance(
        list(dict.fromkeys(by_action[abroad.UNAVAILABLE])),
        "report_back",
        "unavailable",
        by=by,
        at=at,
        clock=clocks.Deadline(clocks.UNAVAILABLE, at + last),
        changes={"next_check_at": at + first},
    )
    advance(list(dict.fromkeys(by_action[abroad.NOT_ILLEGAL])), "report_back", "not_illegal", by=by, at=at)
    # Our own eyes decide, so they look now.
    look = [removal.pk for removal in by_action[abroad.REMOVED]]
    Removal.objects.filter(pk__in=look).update(next_check_at=at)
    _moved(list(dict.fromkeys(by_action[abroad.MOVED])), policy=policy, at=at)


def _moved(removals: Sequence[Removal], *, policy: Policy, at: datetime) -> None:
    """They say it moved: our own trace finds where. What moves again and again is brought before a person."""
    assess.ask_trace([removal.item for removal in removals], at=at)
    hops = Q(item__removals__status=removal_path.MOVED)
    for removal in (
        Removal.objects.filter(pk__in=[removal.pk for removal in removals])
        .annotate(hops=Count("item__removals", filter=hops, distinct=True))
        .filter(hops__gte=abroad.HOPS_TO_ALARM - 1)
        .select_related("item")
    ):
        tell.desk(
            "moved-often",
            number=f"{removal.item.ref}/{removal.episode}",
            recipient=policy.managers_mail,
            subject=f"{removal.item.ref}: moved again",
            text=f"{removal.item.ref} has moved {removal.hops + 1} times. Look at who moves it, not only at where.\n",
            at=at,
        )
