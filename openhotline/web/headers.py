"""What every response carries, and what no part of the house may see of a visitor.

First among the middleware, so files under /static/ pass here too. True here: no remote address gets past
this point at any door (security.md 3f); at the public door nothing else that marks a browser does
either. What is not here: who may come in (`doors`), and the front server, which must keep no access log
of the public form.
"""

import logging
import traceback
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from openhotline.settings import load
from openhotline.web import certificate

Application = Callable[[dict[str, Any], Callable[..., Any]], Any]

# Every name under which a server or a proxy hands on where somebody sits.
WHERE_FROM = (
    "REMOTE_ADDR",
    "REMOTE_HOST",
    "REMOTE_PORT",
    "REMOTE_USER",
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_REAL_IP",
    "HTTP_X_CLIENT_IP",
    "HTTP_X_CLUSTER_CLIENT_IP",
    "HTTP_X_FORWARDED",
    "HTTP_FORWARDED_FOR",
    "HTTP_FORWARDED",
    "HTTP_TRUE_CLIENT_IP",
    "HTTP_CF_CONNECTING_IP",
    "HTTP_CLIENT_IP",
    "HTTP_VIA",
    "HTTP_X_ORIGINAL_FORWARDED_FOR",
)
# What marks a browser, and a cookie we never set: the public form has no use for them.
WHO_WITH = ("HTTP_USER_AGENT", "HTTP_REFERER", "HTTP_ACCEPT_LANGUAGE", "HTTP_COOKIE", "HTTP_FROM", "HTTP_DNT")
_BROWSER_HINTS = "HTTP_SEC_CH_"

_CLOSED = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_PERMISSIONS = ", ".join(
    f"{name}=()"
    for name in (
        "accelerometer",
        "camera",
        "display-capture",
        "geolocation",
        "gyroscope",
        "microphone",
        "payment",
        "usb",
    )
)


def policy(door: str) -> str:
    """The Content-Security-Policy of a door. Only desk and portal run a script, and only our own."""
    if door in ("desk", "portal"):
        return f"{_CLOSED}; script-src 'self'; connect-src 'self'"
    return _CLOSED


def without_script(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Mark a page of desk or portal that carries no script at all, such as a host's notice."""

    @wraps(view)
    def closed(*args: Any, **kwargs: Any) -> HttpResponse:
        response = view(*args, **kwargs)
        response["Content-Security-Policy"] = _CLOSED
        return response

    return closed


def forget(environ: dict[str, Any], *, door: str) -> None:
    """Remove from a request what the house does not want to know."""
    certificate.take(environ)
    for name in WHERE_FROM:
        environ.pop(name, None)
    if door == "public":
        for name in WHO_WITH:
            environ.pop(name, None)
        for name in [name for name in environ if name.startswith(_BROWSER_HINTS)]:
            del environ[name]


def blind(application: Application, *, door: str) -> Application:
    """Wrap a WSGI application so that even Django's first line never sees where a request came from."""

    def wrapped(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        forget(environ, door=door)
        return application(environ, start_response)

    return wrapped


class Headers:
    """Middleware: forgets where a request came from, and dresses every response."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        house = load()
        self.door = house.door
        self.secure = house.public_url.startswith("https://")

    def __call__(self, request: HttpRequest) -> HttpResponse:
        forget(request.META, door=self.door)
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", policy(self.door))
        # Where people sign in, forms need the browser's word for where they come from ("no-referrer" makes a
        # browser send "Origin: null", which Django's CSRF check refuses). No other site is ever told.
        response.headers.setdefault(
            "Referrer-Policy", "no-referrer" if self.door == "public" else "same-origin"
        )
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["X-Frame-Options"] = "DENY"
        response.headers["Permissions-Policy"] = _PERMISSIONS
        response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
        response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        if "Access-Control-Allow-Origin" in response.headers:  # whitenoise opens files to other sites
            del response.headers["Access-Control-Allow-Origin"]
        if self.secure:
            response.headers["Strict-Transport-Security"] = "max-age=31536000"
        if not request.path.startswith("/static/"):
            response.headers.setdefault("Cache-Control", "no-store")
        if request.method == "HEAD" and not response.streaming:
            # Mail scanners ask like this all day; a body here would be dropped with a warning each time.
            response.headers.setdefault("Content-Length", str(len(response.content)))
            response.content = b""
        if self.door == "public":
            # Django logs the path of a refused request, and a path of the form opens a draft.
            response._has_been_logged = True  # type: ignore[attr-defined]
        return response

    def process_exception(self, request: HttpRequest, fault: Exception) -> HttpResponse | None:
        """At the public door a fault is logged by its place alone: its text may quote what somebody typed."""
        if self.door != "public" or _answered_by_django(fault):
            return None
        place = "".join(traceback.format_tb(fault.__traceback__))
        logging.getLogger(__name__).error("%s at the public door\n%s", type(fault).__name__, place)
        return render(request, "public/message.html", {"message": "fault"}, status=500)


def _answered_by_django(fault: Exception) -> bool:
    from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation
    from django.http import Http404

    return isinstance(fault, Http404 | PermissionDenied | BadRequest | SuspiciousOperation)
