"""Serial and code: is a notice genuine? And, where its host wants it so, the page that they open.

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
from openhotline.rules import references
from openhotline.settings import load
from openhotline.steps import confirm
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
    read = references.parse(serial)
    number = read.text if read and read.kind == references.NOTICE else ""
    yes = genuine(number, code.strip().upper().replace(" ", "-"))
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
    read = references.parse(typed["serial"])
    number = read.text if read and read.kind == references.NOTICE else ""
    found = by_code(number, typed["code"].strip().upper().replace(" ", "-"))
    if found is None:
        return render(request, "portal/open.html", {"verdict": "no", "typed": typed}, status=404)
    confirm.opened(found, at=load().clock().now())
    response = HttpResponseRedirect(reverse("notice", args=[vault.token("notice-link", found.number)]))
    response.status_code = 303
    return response
