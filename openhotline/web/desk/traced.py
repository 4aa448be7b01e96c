"""Traces as the case page shows them: the answer first, every method's evidence under it.

What is not here: asking the methods (connectors) and weighing them (`rules/trace_vote.py`).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from openhotline.records import trace_answers
from openhotline.records.models import Item, Trace
from openhotline.web.desk import times
from openhotline.web.scoped import Scoped

METHOD_NAMES = {
    "dns": "DNS A and AAAA",
    "rdap": "Registry (RDAP)",
    "origin-network": "Origin network",
    "location": "Location file",
    "proxy": "Proxy in front",
}
COUNTRY_NAMES = {
    "GB": "United Kingdom",
    "NL": "Netherlands",
    "DE": "Germany",
    "US": "United States",
    "IE": "Ireland",
    "FR": "France",
}


@dataclass(frozen=True, slots=True)
class Method:
    """One method's answer in the trace table."""

    name: str
    answer: str
    country: str
    source: str
    agrees: str  # yes, no, same, or "-" where it has no vote
    why: str = ""
    raw: str = ""


@dataclass(frozen=True, slots=True)
class TraceShown:
    """One trace: the answer first, the evidence under it."""

    trace: Trace
    place: str
    methods: list[Method]
    agreeing: int
    voting: int
    reasons: list[str]
    family: str
    when: str
    fresh: bool


def traces(scoped: Scoped, item: Item, at: datetime) -> list[TraceShown]:
    """Newest first."""
    return [
        _trace(row, at)
        for row in scoped.traces().filter(item=item).select_related("host").order_by("-at", "-pk")[:20]
    ]


def _trace(row: Trace, at: datetime) -> TraceShown:
    answers = trace_answers.opened(row)  # in the order of their reasons, one for each
    reasons = [tuple(reason) for reason in row.reasons]
    matched = len(reasons) == len(answers)
    methods = [
        _method(one, reasons[index] if matched else ("", "-", "")) for index, one in enumerate(answers)
    ]
    voting = [method for method in methods if method.agrees in ("yes", "no")]
    return TraceShown(
        row,
        country_name(row.country) if row.country else "Not known",
        methods,
        sum(method.agrees == "yes" for method in voting),
        len(voting),
        [] if matched else [" · ".join(str(part) for part in reason if part) for reason in reasons],
        "ok" if row.verdict == "agreed" else "warn",
        times.when(row.at, at),
        row.expires_at > at,
    )


def _method(answer: dict[str, Any], reason: tuple[str, ...]) -> Method:
    shown = answer.get("answer") or ", ".join(answer.get("addresses") or []) or answer.get("operator") or ""
    # Of a data file its name is enough: where it lies on our machine is nobody's business on a page.
    source, age = answer.get("source") or "", answer.get("source_age_s")
    source = source.rpartition("/")[2] if source.startswith("/") else source
    if age is not None and age >= 86_400:
        source = f"{source}, {age // 86_400} days old"
    why = reason[2] or answer.get("why") or ""
    return Method(
        METHOD_NAMES.get(answer.get("method", ""), answer.get("method", "")),
        shown,
        answer.get("country") or "–",
        source,
        reason[1],
        "" if why.rstrip(".") == shown.rstrip(".") else why,
        (answer.get("raw") or "")[:20_000],
    )


def country_name(code: str) -> str:
    """The country's name where the house writes one; else its ISO code."""
    return COUNTRY_NAMES.get(code, code)
