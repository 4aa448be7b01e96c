"""Serial and code: is a notice, alert or letter up the ladder genuine? And the page that they open, where they do.

The check answers yes or no; no address, no host, no date.

Guesses are slowed for everybody together: the house knows no visitor apart. Every "no" reads the same,
whether the serial is unknown or the code is wrong.
"""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from openhotline.records import vault
from openhotline.records.models import SecurePage
from openhotline.rules import references
from openhotline.settings import load
from openhotline.steps import confirm, secure_page
from openhotline.web.bearers import by_code, genuine
from openhotline.web.doors import open_door
from openhotline.web.headers import without_script
from openhotline.web.public.limits import Bucket

TRIES = Bucket(per_second=1, burst=20)
OPENS = Bucket(per_second=0.5, burst=20)


@open_door
@csrf_exempt
@without_script
@require_http_methods(["GET", "HEAD", "POST"])
def verify(request: HttpRequest) -> HttpResponse:
    """GET asks, POST answers. Nothing is changed by either."""
    if request.method != "POST":
        return render(request, "portal/verify.html", {"verdict": ""})
    serial = request.POST.get("serial", "")[:40]
    code = request.POST.get("code", "")[:20]
    typed = {"serial": serial, "code": code}
    if not TRIES.take():
        response = render(request, "portal/verify.html", {"verdict": "busy", "typed": typed}, status=429)
        response["Retry-After"] = "20"
        return response
    yes = genuine(_number(serial), code.strip().upper().replace(" ", "-"))
    return render(request, "portal/verify.html", {"verdict": "yes" if yes else "no", "typed": typed})


@open_door
@csrf_exempt
@without_script
@require_http_methods(["GET", "HEAD", "POST"])
def open_(request: HttpRequest) -> HttpResponse:
    """The page behind serial and code. GET asks, POST opens; every "no" reads the same."""
    if request.method != "POST":
        return render(request, "portal/open.html", {"verdict": ""})
    typed = {"serial": request.POST.get("serial", "")[:40], "code": request.POST.get("code", "")[:20]}
    if not OPENS.take():
        response = render(request, "portal/open.html", {"verdict": "busy", "typed": typed}, status=429)
        response["Retry-After"] = "20"
        return response
    found = by_code(_number(typed["serial"]), typed["code"].strip().upper().replace(" ", "-"))
    if found is None:
        return render(request, "portal/open.html", {"verdict": "no", "typed": typed}, status=404)
    at = load().clock().now()
    if isinstance(found, SecurePage):
        secure_page.opened(found, at=at)
        token = vault.token("page-link", found.key)
    else:
        confirm.opened(found, at=at)
        token = vault.token("notice-link", found.number)
    response = HttpResponseRedirect(reverse("notice", args=[token]))
    response.status_code = 303
    return response


def _number(serial: str) -> str:
    """The serial as we spell it; "" where no letter with a code bears such a one."""
    read = references.parse(serial)
    return read.text if read and read.kind in (references.NOTICE, references.ALERT) else ""
