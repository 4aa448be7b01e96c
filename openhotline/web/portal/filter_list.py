"""The filter list on the wire: one copy for one licence, and what left the list since.

Asked for by the recipient's client certificate; to everybody else nothing is there (404). Never cached, and a copy is
never a GET, which something on the way might repeat. What is not here: what a copy holds (`steps/filter_list`) and
when the proxy's word on a certificate counts (`web/certificate`).
"""

from collections.abc import Callable
from functools import wraps

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from openhotline import policy as policies
from openhotline.records.models import ListAgreement
from openhotline.rules import words
from openhotline.rules.refusals import Refused
from openhotline.rules.words import Actor
from openhotline.settings import load
from openhotline.steps import filter_list as step
from openhotline.web import certificate
from openhotline.web.bearers import by_certificate
from openhotline.web.doors import open_door
from openhotline.web.portal.programs import fault

Copy = Callable[..., bytes]


def _for_recipient(make: Copy, *methods: str) -> Callable[[HttpRequest], HttpResponse]:
    @open_door
    @csrf_exempt
    @require_http_methods(methods)
    @wraps(make)
    def view(request: HttpRequest) -> HttpResponse:
        at = load().clock().now()
        recipient: ListAgreement | None = by_certificate(certificate.fingerprint(request.META, at=at), at=at)
        if recipient is None:
            raise Http404
        by = Actor(words.PARTNER, f"list:{recipient.key}"[:24], auth="client-certificate")
        try:
            body = make(recipient, policy=policies.load(load().country), by=by, at=at)
        except Refused as refusal:
            return fault(refusal.code, refusal.sentence, 409)
        response = HttpResponse(body, content_type="application/json")
        response["Cache-Control"] = "no-store, private"
        response["Content-Disposition"] = "attachment"
        return response

    return view


download = _for_recipient(step.download, "POST")
withdrawn = _for_recipient(step.withdrawn, "GET", "HEAD")
