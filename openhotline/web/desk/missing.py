"""The pages shown where there is no page: 404, 400, 403, 500, in words. What machines ask is in `web/health.py`."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


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
