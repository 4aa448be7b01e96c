"""Version 1 of the API, mounted on the portal door. Every answer is JSON, refusals too.

Each endpoint asks for a partner's token; only the schema itself is open. No page of documentation is served
from another host: the schema is at `openapi.json`.
"""

import functools
import logging
from collections.abc import Callable
from typing import Any

from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, path, re_path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from openhotline.api.v1 import files, police, referrals, reports
from openhotline.api.v1.access import Token
from openhotline.api.v1.reading import TooLarge
from openhotline.rules.refusals import NotPermitted, Refused
from openhotline.web.doors import open_door
from openhotline.web.unkept import SENTENCE, cannot_be_kept

api = NinjaAPI(
    title="OpenHotline",
    version="1",
    description="For partner hotlines, industry and police: senders, and units that answer. Every refusal is {code, sentence}.",
    docs_url=None,
    openapi_url=None,
    auth=Token(),
    urls_namespace="api-v1",
)
api.add_router("", reports.router)
api.add_router("", files.router)
api.add_router("", referrals.router)
api.add_router("", police.router)


def fault(code: str, sentence: str, status: int) -> HttpResponse:
    """A refusal on the wire."""
    response = JsonResponse({"code": code, "sentence": sentence}, status=status)
    if status == 401:
        response["WWW-Authenticate"] = "Bearer"
    if status == 503:
        response["Retry-After"] = "5"
    return response


@api.exception_handler(AuthenticationError)
def _who(request: HttpRequest, error: Exception) -> HttpResponse:
    return fault("token", "Send a valid token: Authorization: Bearer. Ask the hotline for a new one.", 401)


@api.exception_handler(Refused)
def _refused(request: HttpRequest, refusal: Refused) -> HttpResponse:
    status = 400
    if isinstance(refusal, NotPermitted):
        status = 403
    elif isinstance(refusal, TooLarge):
        status = 413
    elif refusal.code in ("key-used", "moved-meanwhile"):
        status = 409
    return fault(refusal.code, refusal.sentence, status)


@api.exception_handler(Http404)
def _nothing(request: HttpRequest, error: Exception) -> HttpResponse:
    return fault("not-found", "There is nothing of yours at this address.", 404)


@api.exception_handler(ValidationError)
def _shape(request: HttpRequest, error: ValidationError) -> HttpResponse:
    first = error.errors[0] if error.errors else {}
    name = str((first.get("loc") or ["request"])[-1])
    return fault("field", f"“{name}” is not as the schema says: {first.get('msg', 'check it')}.", 400)


@api.exception_handler(HttpError)
def _http(request: HttpRequest, error: HttpError) -> HttpResponse:
    return fault("request", str(error), error.status_code)


@api.exception_handler(OperationalError)
def _busy(request: HttpRequest, error: Exception) -> HttpResponse:
    logging.getLogger(__name__).error("The database did not answer the API: %s", type(error).__name__)
    return fault("busy", "Nothing was filed: the house is busy. Send it again with the same key.", 503)


@api.exception_handler(Exception)
def _fault(request: HttpRequest, error: Exception) -> HttpResponse:
    if cannot_be_kept(error):
        return _nothing(request, error) if "\x00" in request.path else fault("text", SENTENCE, 400)
    logging.getLogger(__name__).error("A fault in the API", exc_info=error)
    return fault("fault", "Something is wrong on our side. Send it again with the same key.", 500)


@open_door
@require_safe
def schema(request: HttpRequest) -> HttpResponse:
    """OpenAPI 3.1 of this version. It holds nothing of any case, so it asks nobody."""
    return JsonResponse(api.get_openapi_schema(path_prefix="/api/v1/"), json_dumps_params={"indent": 1})


def not_found(request: HttpRequest, rest: str = "") -> HttpResponse:
    """Any other address below the API."""
    return fault("not-found", "There is nothing at this address. The schema is at /api/v1/openapi.json.", 404)


def _opened(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """The door does not ask for an account here, because the API asks for a token."""

    @functools.wraps(view)
    def asked_by_token(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = view(request, *args, **kwargs)
        if response.status_code == 405:
            return fault("method", "This address does not take that method. See the schema.", 405)
        return response

    return csrf_exempt(open_door(asked_by_token))


urlpatterns: list[URLPattern] = [path("openapi.json", schema, name="api-schema")]
for pattern in api.urls[0]:
    if isinstance(pattern, URLPattern) and pattern.callback is not None and pattern.name != "api-root":
        pattern.callback = _opened(pattern.callback)
        pattern.name = f"api-{pattern.name}"
        urlpatterns.append(pattern)
urlpatterns.append(re_path(r"^(?P<rest>.*)$", csrf_exempt(open_door(not_found)), name="api-nothing"))
