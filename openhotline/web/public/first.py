"""Page 1, sent: the one request of the form that must be cheap, answered before Django is asked.

True here: the same steps as Django's view in the same order (`views.begin`: sealed, on the disk, a draft opened)
and the same answer, header by header; tests compare the two. Whatever is not plainly a filled page 1 of a plain
browser goes to Django untouched, and so does a fault, which the view then shows as its own.
What is not here: any other page, and any text a person reads.
"""

from functools import lru_cache
from io import BytesIO
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.http.request import split_domain_port, validate_host
from django.urls import reverse

from openhotline.web.headers import Application, Headers
from openhotline.web.public import box, forms, views

LONGEST = 64 * 1024  # bytes; a longer page is rare, and Django counts more carefully
_FORM = ("application/x-www-form-urlencoded", "application/x-www-form-urlencoded; charset=utf-8")


def first(application: Application) -> Application:
    """Wrap the public door's Django."""
    headers: list[tuple[str, str]] = []
    where, before, behind = "", "", ""

    def answered(environ: dict[str, Any], start_response: Any) -> Any:
        nonlocal where, before, behind
        length = environ.get("CONTENT_LENGTH") or ""
        if (
            environ["REQUEST_METHOD"] != "POST"
            or environ.get("CONTENT_TYPE", "").lower() not in _FORM
            or environ.get("SCRIPT_NAME")
            or environ.get("QUERY_STRING")
            or not length.isdigit()
            or int(length) > LONGEST
            or not _known_host(environ.get("HTTP_HOST", ""))
        ):
            return application(environ, start_response)
        if not headers:
            where, (before, behind) = reverse("where"), reverse("what", args=["A" * 43]).split("A" * 43)
            headers[:] = _dressed()
        if environ["PATH_INFO"] != where:
            return application(environ, start_response)
        body = environ["wsgi.input"].read(int(length))
        lines = forms.lines_of(forms.parsed(body).get("url", "")) if len(body) == int(length) else ()
        if lines:
            try:
                box.tidy()
                token = views.begin(lines)
            except Exception as fault:
                environ[views.FAULT] = fault
            else:
                start_response("303 See Other", [*headers, ("Location", f"{before}{token}{behind}")])
                return ()
        environ["wsgi.input"] = BytesIO(body)
        return application(environ, start_response)

    return answered


@lru_cache(maxsize=64)
def _known_host(host: str) -> bool:
    return bool(host) and validate_host(split_domain_port(host)[0], settings.ALLOWED_HOSTS)


def _dressed() -> list[tuple[str, str]]:
    """The headers that Django's own answer bears, its place apart."""
    request = HttpRequest()
    request.method, request.path = "POST", "/report"
    response = Headers(lambda _: views.SeeOther("/"))(request)
    response.headers["Content-Length"] = "0"
    return [(name, value) for name, value in response.items() if name != "Location"]
