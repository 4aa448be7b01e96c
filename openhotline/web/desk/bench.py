"""What every page of the desk needs: the time, the policy, what this person may see, and how a refusal is shown.

True here: one request has one "now"; every "no" of the house reaches the page where it happened as the
sentence it is, with what was typed kept. What is not here: who may come in (`web/doors.py`), querysets
(`web/scoped.py`), and acts on a case (`steps/`).
"""

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache, wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme

from openhotline import policy as policies
from openhotline.policy import Policy
from openhotline.rules.refusals import NotPermitted, Refused
from openhotline.rules.words import LEAD, LIAISON, MANAGER, Actor
from openhotline.settings import load
from openhotline.web.scoped import Scoped

# Who asked for a hold, why and until when is for these (ux.md 8); to everybody else it is "paused".
SEES_HOLDS = (LEAD, LIAISON, MANAGER)
# The state of things is not what the person saw; or what was typed cannot be taken as it is.
_CONFLICTS = ("locked", "moved-meanwhile", "twice", "not-from-here", "acknowledged", "settled")

View = Callable[..., HttpResponse]


def now(request: HttpRequest) -> datetime:
    """The one time of this request, by the house's clock. Aware, UTC."""
    moment = getattr(request, "_now", None)
    if moment is None:
        moment = load().clock().now()
        request._now = moment  # type: ignore[attr-defined]
    return moment


@lru_cache(maxsize=4)
def _policy(country: str) -> Policy:
    return policies.load(country)


def policy() -> Policy:
    """The dated policy of the house's country."""
    return _policy(load().country)


def scoped(request: HttpRequest) -> Scoped:
    """Everything the signed-in person may see, and nothing else."""
    return Scoped(request.user)


def actor(request: HttpRequest) -> Actor:
    """The signed-in person as steps and ledger know them."""
    who: Actor = request.actor  # type: ignore[attr-defined]
    return who


def sees_holds(request: HttpRequest) -> bool:
    """Whether this person may see who asked for a hold, why and until when."""
    return actor(request).role in SEES_HOLDS


def status_of(refusal: Refused) -> int:
    """403 for who may not, 409 where the case has moved on, 422 for what was typed."""
    if isinstance(refusal, NotPermitted):
        return 403
    return 409 if refusal.code in _CONFLICTS else 422


def kept(page: View) -> Callable[[View], View]:
    """Turn a Refused of the decorated act into its page again: the sentence on top, what was typed kept.

    `page` is called with the same arguments and `refusal`; it reads what was typed from `request.POST`.
    """

    def decorate(act: View) -> View:
        @wraps(act)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            try:
                return act(request, *args, **kwargs)
            except Refused as refusal:
                response = page(request, *args, refusal=refusal, **kwargs)
                response.status_code = status_of(refusal)
                return response

        return guarded

    return decorate


def back(request: HttpRequest, default: str) -> HttpResponseRedirect:
    """See other: to the page the form named, if it is one of ours, else to `default`."""
    wanted = request.POST.get("next", "")
    ours = url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()})
    return HttpResponseRedirect(wanted if ours and wanted.startswith("/") else default, status=303)


def row_key(text: str) -> int | None:
    """The number of a row as a page names it; None for whatever no page of ours says."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


def number(request: HttpRequest, name: str) -> int:
    """A count somebody typed; nothing typed is nothing. Raises Refused for anything else."""
    text = request.POST.get(name, "").strip()
    if not text:
        return 0
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise Refused(f"Write {name} as a whole number, for example 4.", code=name)
    return int(text)
