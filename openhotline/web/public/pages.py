"""Pages that only say something, and the two that machines ask: `/livez` and `/readyz`."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from openhotline.web.public import box
from openhotline.web.public.views import message


@require_safe
def privacy(request: HttpRequest) -> HttpResponse:
    """What we keep, for how long, and what we never see."""
    return render(request, "public/privacy.html")


@require_safe
def accessibility(request: HttpRequest) -> HttpResponse:
    """How the pages were made and checked, and whom to tell of a fault."""
    return render(request, "public/accessibility.html")


@require_safe
def support(request: HttpRequest) -> HttpResponse:
    """If what you saw stays with you."""
    return render(request, "public/support.html")


@require_safe
def picture(request: HttpRequest) -> HttpResponse:
    """For somebody under 18 whose own picture is out there."""
    return render(request, "public/picture.html")


@require_safe
def police(request: HttpRequest) -> HttpResponse:
    """Where to report somebody who tries to meet or groom a child."""
    return render(request, "public/police.html")


@require_safe
def livez(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """A report could be kept just now: keys there, spool writable and durable, room on the disk."""
    box.tidy()
    why = box.not_ready()
    return HttpResponse(f"{why or 'ready'}\n", content_type="text/plain", status=503 if why else 200)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404, in words."""
    return message(request, "not-found", 404)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400, in words."""
    return message(request, "not-understood", 400)


def fault(request: HttpRequest) -> HttpResponse:
    """500, in words."""
    return message(request, "fault", 500)
