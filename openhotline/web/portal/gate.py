"""Who may see a portal page: its role, or 404 as if it were not there.

What is not here: which rows a page may show (`web/scoped`) and signing in (`web/doors`).
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from openhotline.rules.refusals import NotPermitted, Refused
from openhotline.settings import load
from openhotline.web.scoped import partner_organisations

View = Callable[..., HttpResponseBase]

SQLITE_FOOT = "In this house the program alone keeps organisations apart, not its database as well."


def embedded() -> bool:
    """Whether the house runs on the embedded database, which has no row-level security."""
    return not load().postgres


def for_role(role: str, *methods: str) -> Callable[[View], View]:
    """A page for one role; to any other it is not there. A refusal inside becomes its sentence."""

    def decorate(view: View) -> View:
        @wraps(view)
        def asked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if getattr(request.user, "role", "") != role:
                raise Http404
            if too_many_for_sqlite():
                return sentence(
                    request,
                    "More than one organisation signs in here, and SQLite cannot keep them apart by itself. "
                    "Move the house to PostgreSQL.",
                    status=403,
                )
            try:
                return view(request, *args, **kwargs)
            except Refused as refusal:
                return sentence(
                    request, refusal.sentence, status=403 if isinstance(refusal, NotPermitted) else 409
                )

        return require_http_methods(methods or ("GET", "HEAD"))(asked)

    return decorate


def too_many_for_sqlite() -> bool:
    """security.md 3d: with more than one partner organisation outside a demo house SQLite refuses."""
    return embedded() and not load().is_demo and partner_organisations() > 1


def sentence(request: HttpRequest, text: str, *, status: int) -> HttpResponse:
    """One sentence on the page's own frame, and the way back."""
    return render(
        request,
        "portal/sentence.html",
        {"sentence": text, "foot": SQLITE_FOOT if embedded() else ""},
        status=status,
    )
