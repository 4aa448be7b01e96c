"""What the methods of a trace said word for word: shown and handed out only when asked for, each time an entry first.

True here: with the words stands who was asked, how old that source was, when the answer came and what asked. What is
not here: the table of a trace (`traced`), sealing (`records/trace_answers.py`) and the files (`records/trace_files.py`).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from openhotline.records import trace_answers, trace_files
from openhotline.records.models import Item
from openhotline.rules.printable import days_old
from openhotline.rules.refusals import Refused
from openhotline.steps import trace as trace_step
from openhotline.web.desk import bench
from openhotline.web.desk.traced import METHOD_NAMES
from openhotline.web.scoped import Scoped, found

LONGEST = 20_000  # characters of one answer on the page; the files have it whole
_FILES = {
    "json": (trace_files.trace_json, "application/json"),
    "warc": (trace_files.trace_warc, "application/warc"),
}


@dataclass(frozen=True, slots=True)
class Raw:
    """One method's words, and in `about` where they are from: source and its age, vantage point, time, tool."""

    name: str
    about: str
    words: str


@require_POST
def take_away(request: HttpRequest, ref: str, pk: int, form: str) -> HttpResponse:
    """The raw answers of one trace as a file; who took it, and when, is an entry first."""
    scoped = bench.scoped(request)
    row = found(scoped.traces().filter(item__ref=ref).select_related("item", "host"), pk=pk)
    if form not in _FILES:
        raise Refused("A trace is handed out as JSON or as WARC.", code="form")
    make, kind = _FILES[form]
    content = make(row)  # what cannot be opened is not entered as handed out
    trace_step.open_answers(row, form=form, by=bench.actor(request), at=bench.now(request))
    response = HttpResponse(content, content_type=kind)
    response["Content-Disposition"] = f'attachment; filename="{ref}-{row.at:%Y%m%dT%H%M%SZ}.{form}"'
    return response


def verbatim(scoped: Scoped, item: Item, pk: int, request: HttpRequest) -> list[Raw]:
    """The answers of one trace, to show on the page; who looked is an entry first."""
    row = found(scoped.traces().filter(item=item).select_related("item", "host"), pk=pk)
    answers = trace_answers.opened(row)
    trace_step.open_answers(row, form="page", by=bench.actor(request), at=bench.now(request))
    return [_raw(one) for one in answers]


def _raw(answer: dict[str, Any]) -> Raw:
    source = answer.get("source") or ""
    if source.startswith("/"):
        source = source.rpartition("/")[2]  # where a file lies on our machine is nobody's business on a page
    about = (
        source,
        days_old(answer.get("source_age_s")),
        f"from {answer['vantage']}" if answer.get("vantage") else "",
        _came(answer.get("at") or ""),
        answer.get("tool") or "",
    )
    method = answer.get("method", "")
    words = (answer.get("raw") or "")[:LONGEST]
    return Raw(METHOD_NAMES.get(method, method), " · ".join(filter(None, about)), words)


def _came(at: str) -> str:
    """When it came, to the millisecond; "" for answers kept before each had its own time."""
    return f"{datetime.fromisoformat(at):%d %b %Y %H:%M:%S.%f}"[:-3] + " UTC" if at else ""
