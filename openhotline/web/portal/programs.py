"""A host's own program: its open notices as JSON, and its answers, signed and idempotent.

True here: a request that is not signed with the host's secret within five minutes is answered 401 and kept
nowhere; the same Idempotency-Key again is the same request and gets the same reply. An answer by program
counts as a press and no more: it closes nothing. It asks; we do not call it. What is not here: what a press does
(`steps/program`, `steps/confirm`).
"""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from openhotline import policy as policies
from openhotline.records.models import HostProgram
from openhotline.rules.refusals import Refused
from openhotline.rules.signed import HEADER, believed
from openhotline.settings import load
from openhotline.steps import program as step
from openhotline.web.bearers import by_program
from openhotline.web.doors import open_door
from openhotline.web.portal.told import state_for_host
from openhotline.web.scoped import Scoped

MOST = 2 * 1024 * 1024


def fault(code: str, sentence: str, status: int) -> HttpResponse:
    """A refusal on the wire."""
    return JsonResponse({"code": code, "sentence": sentence}, status=status)


def _asked(request: HttpRequest, key: UUID) -> HostProgram | HttpResponse:
    found = by_program(key)
    body = request.body if int(request.headers.get("Content-Length") or 0) <= MOST else b""
    secret = step.secret_of(found) if found else bytes(32)
    under = request.headers.get("Idempotency-Key", "")
    signed = believed(secret, body, request.headers.get(HEADER, ""), key=under, at=load().clock().now())
    if found is None or not signed:
        return fault(
            "signature", "Sign time, Idempotency-Key and body with your secret, and check your clock.", 401
        )
    return found


@open_door
@csrf_exempt
@require_http_methods(["GET", "HEAD"])
def notices(request: HttpRequest, key: UUID) -> HttpResponse:
    """The host's notices that left, newest first, each with its addresses and what our checks see."""
    asked = _asked(request, key)
    if isinstance(asked, HttpResponse):
        return asked
    mine = Scoped(step.Holder(asked.host_id))
    rows = mine.notices().filter(withdrawn_at=None).order_by("-sent_at", "-pk")[:200]
    lines: dict[int, list[dict[str, Any]]] = {}
    for line in mine.notice_lines().filter(notice__in=list(rows), dropped="").select_related("removal__item"):
        lines.setdefault(line.notice_id, []).append(
            {
                "uid": str(line.removal.uid),
                "address": line.removal.item.canonical,
                "server": line.removal.server,
                "state": state_for_host(line.removal.status)[0],
            }
        )
    return JsonResponse(
        {
            "notices": [
                {
                    "notice": row.number,
                    "content_class": row.cls,
                    "sent_at": row.sent_at,
                    "due_at": row.due_at,
                    "addresses": lines.get(row.pk, []),
                }
                for row in rows
            ]
        }
    )


@open_door
@csrf_exempt
@require_http_methods(["POST"])
def answers(request: HttpRequest, key: UUID) -> HttpResponse:
    """One request: {"notice", "answers": [{"uid", "said"}], "all", "ticket", "contact", "text"}."""
    asked = _asked(request, key)
    if isinstance(asked, HttpResponse):
        return asked
    at = load().clock().now()
    try:
        reply = step.answer(
            asked,
            request.body,
            key=request.headers.get("Idempotency-Key", ""),
            policy=policies.load(load().country),
            at=at,
        )
    except Refused as refusal:
        return fault(refusal.code, refusal.sentence, 409 if refusal.code == "key-used" else 422)
    return JsonResponse(dict(sorted(reply.items())))
