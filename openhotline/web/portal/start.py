"""The first page after signing in: police desk, host's notices or partner's referrals, by role."""

from django.http import Http404, HttpRequest, HttpResponseBase
from django.views.decorators.http import require_safe

from openhotline.rules import words
from openhotline.web.portal import hosts, partners, police

_FIRST = {words.OFFICER: police.start, words.HOST: hosts.mine, words.PARTNER: partners.mine}


@require_safe
def start(request: HttpRequest) -> HttpResponseBase:
    """Whoever is signed in gets the own first page."""
    page = _FIRST.get(getattr(request.user, "role", ""))
    if page is None:
        raise Http404
    return page(request)
