"""Closed unless opened: who may come through which door.

Every page of desk and portal asks for a signed-in person of a role that belongs there, with a second
factor. The few that do not (signing in, health, a host's signed link) are marked `@open_door`, and a
house test walks every route to prove the list is short.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.crypto import salted_hmac

from openhotline.rules import words
from openhotline.settings import load

View = TypeVar("View", bound=Callable[..., Any])

ROLES = {
    "desk": (*words.CASE_ROLES, words.OWNER),
    "portal": (words.OFFICER, words.HOST, words.PARTNER),
}


def open_door(view: View) -> View:
    """Mark a view that asks nobody who they are."""
    view.open_door = True  # type: ignore[attr-defined]
    return view


class Door:
    """Middleware: asks who, before any view of desk or portal runs. Sets `request.actor`."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: object, kwargs: object
    ) -> HttpResponse | None:
        if getattr(view, "open_door", False) or view.__module__.startswith(("allauth.", "whitenoise.")):
            return None
        user = request.user
        if not user.is_authenticated:
            return redirect(f"/sign-in/?next={request.path}")
        if user.role not in ROLES.get(load().door, ()):
            logout(request)
            return render(
                request,
                "refused.html",
                {"sentence": "This account does not belong to this door. Sign in at the one you were given."},
                status=403,
            )
        if not self._second_factor(request):
            return redirect("/second-factor/totp/activate/")
        session = salted_hmac("openhotline/session", request.session.session_key or "").hexdigest()[:16]
        request.actor = user.actor(session=session)  # type: ignore[attr-defined]
        return None

    @staticmethod
    def _second_factor(request: HttpRequest) -> bool:
        """Whether this session proved a second factor. Remembered in the session, so asked once."""
        if request.session.get("second_factor"):
            return True
        from allauth.mfa.utils import is_mfa_enabled

        if is_mfa_enabled(request.user):
            # Allauth's own login stage has asked for the code before this session was signed in.
            request.session["second_factor"] = True
            return True
        return False
