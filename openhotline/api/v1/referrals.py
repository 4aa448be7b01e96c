"""`/referrals`: what was handed to the partner, what our own checks see of it, and what the partner says it did.

True here: nothing a partner says closes anything (`steps/report_back`). One bad action refuses the whole message, so that
the sender knows where it stands; sent again corrected, what is known already is one.
"""

from django.db.models import Max, Prefetch, Q
from django.http import HttpRequest
from ninja import Router

from openhotline import policy
from openhotline.api.v1 import access, reading
from openhotline.api.v1.shapes import (
    ActionsIn,
    ActionsTold,
    ActionTold,
    Fault,
    ReferralPage,
    ReferredAddress,
    SentReferral,
)
from openhotline.records.models import Partner
from openhotline.rules.abroad import PartnerAction
from openhotline.rules.refusals import Refused
from openhotline.settings import load
from openhotline.steps.report_back import report_back
from openhotline.web.portal.told import state_abroad
from openhotline.web.scoped import found

router = Router(tags=["referrals"])


@router.get("/referrals", response={200: ReferralPage, 400: Fault, 401: Fault})
def referrals(request: HttpRequest, limit: int = reading.PAGE, offset: int = reading.FROM) -> ReferralPage:
    """Referrals sent to you, newest first."""
    partner: Partner = request.auth  # type: ignore[attr-defined]
    mine = access.scope(partner)
    lines = (
        mine.referral_lines()
        .select_related("removal__item")
        .annotate(
            last_seen=Max("removal__checks__at", filter=Q(removal__checks__meaning="up")),
            last_looked=Max("removal__checks__at"),
        )
        .order_by("pk")
    )
    rows = mine.referrals().order_by("-sent_at", "-pk").prefetch_related(Prefetch("lines", queryset=lines))
    return ReferralPage(
        count=mine.referrals().count(),
        referrals=[
            SentReferral(
                reference=row.number,
                their_reference=row.their_reference,
                sent_at=row.sent_at,
                answer_due=row.due_at,
                addresses=[
                    ReferredAddress(
                        uid=line.removal.uid,
                        address=line.removal.item.canonical,
                        content_class=line.removal.item.cls,
                        category=line.removal.item.category,
                        age_band=line.removal.item.age_band,
                        country=line.removal.country,
                        edge=line.removal.edge,
                        server=line.removal.server,
                        state=state_abroad(line.removal.status, line.removal.item.status),
                        last_seen=line.last_seen,  # type: ignore[attr-defined]
                        last_looked=line.last_looked,  # type: ignore[attr-defined]
                    )
                    for line in row.lines.all()
                ],
            )
            for row in rows[offset : offset + limit]
            if row.sent_at is not None  # to a partner it always is
        ],
    )


@router.post(
    "/referrals/{number}/actions",
    response={
        200: ActionsTold,
        400: Fault,
        401: Fault,
        404: Fault,
        409: Fault,
        413: Fault,
        422: Fault,
        503: Fault,
    },
)
def actions(request: HttpRequest, number: str, body: ActionsIn) -> ActionsTold:
    """What you did about addresses of a referral of yours. "Removed" makes us look at once; our own checks decide."""
    partner: Partner = request.auth  # type: ignore[attr-defined]
    mine, settings = access.scope(partner), load()
    referral = found(mine.referrals(), number=number)
    lines = {
        line.removal.uid: line
        for line in mine.referral_lines().filter(referral=referral).select_related("removal")
    }
    strange = next((one.uid for one in body.actions if one.uid not in lines), None)
    if strange is not None:
        raise Refused(f"{strange} is no address of {number}. Take the uid from GET /referrals.", code="uid")
    said = [
        (
            lines[one.uid],
            PartnerAction(one.action, one.id, one.done_at, one.reason, one.text, one.country.upper()),
        )
        for one in body.actions
    ]
    made = report_back(
        said,
        via="api",
        policy=policy.load(settings.country),
        by=access.actor(partner),
        at=settings.clock().now(),
    )
    fresh = {(row.line_id, row.their_id) for row in made}
    kept = {
        (line, theirs): counted
        for line, theirs, counted in mine.referral_actions()
        .filter(line__referral=referral)
        .values_list("line_id", "their_id", "counted")
    }
    rows = mine.removals().filter(uid__in=list(lines)).values_list("uid", "status", "item__status")
    states = {uid: state_abroad(status, item) for uid, status, item in rows}
    return ActionsTold(
        actions=[
            ActionTold(
                uid=one.uid,
                id=one.id,
                new=(lines[one.uid].pk, one.id) in fresh,
                counted=kept[lines[one.uid].pk, one.id],
                state=states[one.uid],
            )
            for one in body.actions
        ]
    )
