"""Traces as the case page shows them: the answer first, every method's evidence under it.

What is not here: the raw answers (`raw_answers`), asking the methods (connectors) and weighing them
(`rules/trace_vote.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from openhotline.outbox.models import PENDING, SENDING
from openhotline.records import trace_answers
from openhotline.records.models import Item, Removal, Trace
from openhotline.rules import methods, words
from openhotline.rules.countries import name_of
from openhotline.rules.printable import days_old
from openhotline.rules.trace_reasons import EDGE, NO_SAY, YES
from openhotline.web.desk import placed, times
from openhotline.web.desk.placed import Drawn
from openhotline.web.scoped import Scoped

METHOD_NAMES = {
    methods.DNS: "DNS A and AAAA",
    methods.NAME_SERVERS: "Name servers",
    methods.RDAP: "Registry (RDAP)",
    methods.RDAP_DOMAIN: "Registry (domain)",
    methods.RDAP_AS: "Registry (AS number)",
    methods.WHOIS: "Registry (WHOIS)",
    methods.ORIGIN_NETWORK: "Route origin (BGP)",
    methods.LOCATION: "Location file",
    methods.CERTIFICATE: "TLS certificate",
    methods.PROXY: "Proxy in front",
    methods.ROUND_TRIP: "Round-trip time",
    methods.ONION: "Onion address",
    methods.NEWS_SERVER: "News server",
    methods.DISCLOSED: "Told by the proxy",
}
STATES = {
    trace_answers.WHOLE: ("ok", "Raw answers are sealed and are those the ledger was told of."),
    trace_answers.CHANGED: ("bad", "The raw answers are not those the ledger was told of. Tell the owner."),
    trace_answers.NOT_ENTERED: ("idle", "This trace is from before raw answers were sealed."),
    trace_answers.UNREADABLE: ("bad", "The raw answers cannot be opened. Ask the owner to run the doctor."),
}
SHOWN = 20  # traces listed; the newest alone is shown whole
NONE_SEEN, IN_FRONT = "none seen", "in front"
_FILES_OF = (methods.ORIGIN_NETWORK, methods.LOCATION)  # methods that read the operator's files


@dataclass(frozen=True, slots=True)
class Method:
    """One method's answer in the trace table."""

    name: str
    answer: str
    country: str
    source: str
    agrees: str  # yes, no, same, of a proxy "none seen" or "in front", or "-" where it has no vote
    layer: str = ""
    why: str = ""
    licence: str = ""  # of a data file


@dataclass(frozen=True, slots=True)
class Finding:
    """What the vote came to on one question of one layer."""

    question: str
    value: str
    verdict: str
    score: str
    why: str
    family: str


@dataclass(frozen=True, slots=True)
class LayerShown:
    """The edge or the origin, with what was found of each."""

    name: str
    addresses: str
    asn: int
    disclosed_by: str
    findings: list[Finding]


@dataclass(frozen=True, slots=True)
class TraceShown:
    """One trace: the answer first, the evidence under it."""

    trace: Trace
    place: str
    where: str  # its addresses
    methods: list[Method]
    layers: list[LayerShown]
    agreeing: int
    voting: int
    family: str
    when: str
    fresh: bool
    sure: str  # "97 %"
    seal: tuple[str, str]  # (family, sentence)
    drawn: Drawn | None  # of the newest alone
    drawn_narrow: Drawn | None  # the same for a phone
    asked_proxy: str  # what its operator last replied, where it was asked
    rules: str  # the version of the rules it was weighed by
    why: str  # the vote in one sentence
    plain: bool  # nothing stands in front, and country, operator and host are agreed


def traces(scoped: Scoped, item: Item, at: datetime) -> list[TraceShown]:
    """Newest first; whether the seal is whole is looked at for the newest."""
    rows = scoped.traces().filter(item=item).select_related("host").order_by("-at", "-pk")
    newest = rows.first()
    if newest is None:
        return []
    older = rows.exclude(pk=newest.pk).defer("sealed", "answers", "reasons", "layers")[: SHOWN - 1]
    return [_trace(newest, at, whole=True), *(_trace(row, at, whole=False) for row in older)]


def before_notice(shown: Sequence[TraceShown], removal: Removal | None) -> str:
    """When it was last traced before the notice left, and whether it stood where the notice went; "" without both."""
    sent = removal.t5_sent if removal is not None else None
    last = next((one.trace for one in shown if sent is not None and one.trace.at <= sent), None)
    if removal is None or sent is None or last is None:
        return ""
    same = last.host_id == removal.host_id and last.country == removal.country
    abroad = removal.route in (words.ABROAD_HOTLINE, words.ABROAD_POLICE)
    what = "it was handed on" if abroad else "the notice left"
    how_long = (
        f"{times.span(sent - last.at)} before" if sent - last.at >= timedelta(minutes=1) else "just before"
    )
    return f"Traced {how_long} {what}: {'the same' if same else 'another'} host and country."


@dataclass(frozen=True, slots=True)
class Waiting:
    """A wish to be traced that has not been answered: since when, and how many stand before it."""

    since: datetime
    before: int


def waits(scoped: Scoped, item: Item) -> Waiting | None:
    """The wish that waits, or None."""
    open_ = scoped.letters().filter(kind="trace", state__in=[PENDING, SENDING])
    mine = open_.filter(number__startswith=f"{item.ref}/").order_by("pk").first()
    if mine is None:
        return None
    return Waiting(mine.put_at, open_.filter(pk__lt=mine.pk).count())


def _trace(row: Trace, at: datetime, *, whole: bool) -> TraceShown:
    reasons = [tuple(reason) for reason in row.reasons] if whole else []
    answers = row.answers if whole else []
    blank = ("", "-", "")
    shown = [
        _method(one, reasons[index] if len(reasons) == len(answers) else blank)
        for index, one in enumerate(answers)
    ]
    voting = [method for method in shown if method.agrees in ("yes", "no")]
    layers = [_layer(layer) for layer in row.layers] if whole else []
    why = next((one.why for layer in layers[:1] for one in layer.findings if one.question == "Country"), "")
    # Of a layer of which nothing is known the sentence above says all there is.
    layers = [layer for layer in layers if any(one.score for one in layer.findings)]
    return TraceShown(
        row,
        name_of(row.country) if row.country else "Not known",
        ", ".join(row.address.split(",")),
        _joined(shown),
        layers,
        sum(method.agrees == "yes" for method in voting),
        len(voting),
        "ok" if row.verdict == "agreed" else "warn",
        times.when(row.at, at),
        row.expires_at > at,
        _percent(row.score),
        STATES[trace_answers.state(row)] if whole else ("", ""),
        placed.draw(answers, row.country) if whole else None,
        placed.draw(answers, row.country, placed.NARROW) if whole else None,
        next((one.why or one.answer for one in shown if one.name == METHOD_NAMES[methods.DISCLOSED]), ""),
        # behind the sign stands a digest of the file
        (row.weights or row.rules).partition("+")[0].removeprefix("trace-"),
        why,
        len(row.layers) == len(layers) == 1 and all(one.verdict == "agreed" for one in layers[0].findings),
    )


def _percent(score: float) -> str:
    """Never "100 %": nobody is certain."""
    return f"{score * 100:.0f} %" if score < 0.995 else "over 99 %"


def _layer(layer: dict[str, Any]) -> LayerShown:
    findings = []
    for one in layer["named"]:
        value = name_of(one["value"]) if one["what"] == "country" else one["value"]
        agreed = one["verdict"] == "agreed"
        findings.append(
            Finding(
                one["what"].capitalize(),
                value or "Not known",
                one["verdict"],
                _percent(one["score"]) if one["value"] else "",
                one["why"],
                "ok" if agreed else "warn",
            )
        )
    title = "In front (edge)" if layer["layer"] == "edge" else "Where it is held (origin)"
    return LayerShown(
        title, ", ".join(layer["addresses"][:6]), layer["asn"], layer.get("disclosed_by", ""), findings
    )


def _method(answer: dict[str, Any], reason: tuple[str, ...]) -> Method:
    shown = answer.get("answer") or ", ".join(answer.get("addresses") or []) or answer.get("operator") or ""
    agrees = _proxy(answer) if answer.get("method") == methods.PROXY and answer.get("ok") else reason[1]
    return Method(
        METHOD_NAMES.get(answer.get("method", ""), answer.get("method", "")),
        shown or ("None found" if agrees == NONE_SEEN else ""),
        name_of(answer["country"]) if answer.get("country") else "–",
        _seen_from(answer),
        agrees,
        answer.get("layer") or "",
        _why(reason[2] or answer.get("why") or "", shown, answer.get("country") or "", agrees),
        (answer.get("licence") or "") if answer.get("method") in _FILES_OF else "",
    )


def _why(why: str, shown: str, country: str, agrees: str) -> str:
    """The reason without what its row says already: the answer it begins with, the country it names, and what the
    line under the table says of all that have no say."""
    if why.rstrip(".") == shown.rstrip(".") or why == NO_SAY:
        return ""
    if agrees == YES and country and why == f"Names {name_of(country)}.":
        return ""
    rest = why.removeprefix(f"{shown} ") if shown else why
    return rest[:1].upper() + rest[1:]


def _joined(rows: Sequence[Method]) -> list[Method]:
    """Rows that say the same, seen from several places, as one."""
    found: dict[Method, list[str]] = {}
    for row in rows:
        found.setdefault(replace(row, source=""), []).append(row.source)
    return [replace(row, source="; ".join(dict.fromkeys(filter(None, told)))) for row, told in found.items()]


def _proxy(answer: dict[str, Any]) -> str:
    return IN_FRONT if answer.get("layer") == EDGE else NONE_SEEN


def _seen_from(answer: dict[str, Any]) -> str:
    """Who said it, how old that is, and from where it was asked. The whole source is in the files of the trace."""
    source = answer.get("source") or ""
    if source.startswith(("http://", "https://")):
        source = source.split("/", 3)[2]
    elif source.startswith("/"):
        source = source.rpartition("/")[
            2
        ]  # where a data file lies on our machine is nobody's business on a page
    lists = (answer.get("tool") or "").partition("registry lists of ")[2]
    told = (
        source,
        f"found by the lists of {lists}" if lists else "",
        days_old(answer.get("source_age_s")),
        f"from {answer['vantage']}" if answer.get("vantage") else "",
    )
    return ", ".join(filter(None, told))


def country_name(code: str) -> str:
    """The country's name; else its code."""
    return name_of(code)
