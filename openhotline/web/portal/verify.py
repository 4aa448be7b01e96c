"""Is a notice genuine? Serial and code in, yes or no out; no address, no host, no date.

Guesses are slowed for everybody together: the house knows no visitor apart. Every "no" reads the same,
whether the serial is unknown or the code is wrong.
"""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from openhotline.rules import references
from openhotline.web.doors import open_door
from openhotline.web.headers import without_script
from openhotline.web.public.limits import Bucket
from openhotline.web.scoped import genuine

TRIES = Bucket(per_second=1, burst=20)


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
