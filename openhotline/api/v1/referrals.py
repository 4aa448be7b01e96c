"""`/referrals`: what was handed to the partner, and what our own checks see of it.

What is not here: the partner's own actions coming back (a later issue).
"""

from django.db.models import Max, Prefetch, Q
from django.http import HttpRequest
from ninja import Query, Router

from openhotline.api.v1 import access
from openhotline.api.v1.shapes import Fault, ReferralPage, ReferredAddress, SentReferral
from openhotline.records.models import Partner
from openhotline.web.portal.told import state_abroad

router = Router(tags=["referrals"])
_PAGE = Query(50, ge=1, le=200)
_FROM = Query(0, ge=0, le=1_000_000)


@router.get("/referrals", response={200: ReferralPage, 400: Fault, 401: Fault})
def referrals(request: HttpRequest, limit: int = _PAGE, offset: int = _FROM) -> ReferralPage:
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
                        state=state_abroad(line.removal.status),
                        last_seen=line.last_seen,
                        last_looked=line.last_looked,
                    )
                    for line in row.lines.all()
                ],
            )
            for row in rows[offset : offset + limit]
        ],
    )
