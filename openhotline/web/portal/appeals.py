"""Appeal by serial, or by an address one is kept from, for anybody concerned and without an account.

Whether a serial or an address is one of ours cannot be learned here: what is sent is answered the same. What is not here:
reviewing (`web/desk/appeals`).
"""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from openhotline import policy as policies
from openhotline.records.models import Appeal
from openhotline.rules.words import PUBLIC, Actor
from openhotline.settings import load
from openhotline.steps import appeal as step
from openhotline.web.bearers import appealed
from openhotline.web.doors import open_door
from openhotline.web.headers import without_script
from openhotline.web.public.limits import Bucket

SENT = Bucket(per_second=0.2, burst=30)
_WHO = Actor(PUBLIC, "public:appeal", auth="none")


@open_door
@csrf_exempt
@without_script
@require_http_methods(["GET", "HEAD", "POST"])
def appeal(request: HttpRequest) -> HttpResponse:
    """GET shows the form and changes nothing; POST files what was written."""
    if request.method != "POST":
        return _page(request, typed={"serial": request.GET.get("serial", "")[:2000]})
    typed = {
        name: request.POST.get(name, "").replace("\x00", "")
        for name in ("serial", "standing", "text", "reach")
    }
    if typed["standing"] not in Appeal.STANDING or not typed["text"].strip():
        return _page(
            request,
            typed=typed,
            fault="Say how you are concerned, and why you think we are wrong.",
            status=422,
        )
    if not typed["serial"].strip():
        sentence = (
            "Give the serial of our letter (N-26-0311-M or A-26-0007-K), or the address you are kept from."
        )
        return _page(request, typed=typed, fault=sentence, status=422)
    if not SENT.take():
        sentence = "Many write at once just now. Please send it again in a minute; what you typed is kept."
        return _page(request, typed=typed, fault=sentence, status=429)
    against, about = appealed(typed["serial"].strip())
    if against is not None or about:
        step.open_(
            against,
            about=about,
            standing=typed["standing"],
            text=typed["text"],
            reach=typed["reach"],
            via="page",
            policy=policies.load(load().country),
            by=_WHO,
            at=load().clock().now(),
        )
    return render(request, "portal/appeal.html", {"done": True})


def _page(request: HttpRequest, *, typed: dict[str, str], fault: str = "", status: int = 200) -> HttpResponse:
    context = {"typed": typed, "fault": fault, "standings": Appeal.STANDING}
    return render(request, "portal/appeal.html", context, status=status)
