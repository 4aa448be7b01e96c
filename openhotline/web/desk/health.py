"""What machines ask (`/livez`, `/readyz`), and the pages shown where there is no page."""

from django.db import Error, connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from openhotline.web.doors import open_door


@open_door
@require_safe
def livez(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return HttpResponse("ok\n", content_type="text/plain")


@open_door
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """The database answers."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        return HttpResponse("the database does not answer\n", content_type="text/plain", status=503)
    return HttpResponse("ready\n", content_type="text/plain")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404: "there is none" and "it is not yours" look alike."""
    return _say(
        request,
        "There is nothing here. Check the reference, its last letter most of all, or search for it.",
        404,
    )


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400, in words."""
    return _say(request, "This request could not be read. Go back and try again; nothing was changed.", 400)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403, in words."""
    return _say(request, "This is not open to your role. Ask the lead.", 403)


def fault(request: HttpRequest) -> HttpResponse:
    """500, in words. Nothing is half done: every act is one transaction."""
    return _say(
        request,
        "Something here is broken. Nothing was half done. Try again, and tell the person who keeps the house.",
        500,
    )


def _say(request: HttpRequest, sentence: str, status: int) -> HttpResponse:
    return render(request, "refused.html", {"sentence": sentence}, status=status)
