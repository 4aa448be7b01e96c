"""Asks a CDN's trusted-notifier interface what stands behind its edge, where a trace met one that we may ask.

True here: a CDN is asked only about an address whose trace shows its own signs, under the item's reference (asking
twice is the same question), and its reply joins the trace as one more answer. Whom we may ask stands in
`keys/notifiers.json`, written by the operator. Not here: what the reply is worth (`rules/trace_vote`).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from openhotline.connectors.disclosure import client
from openhotline.connectors.disclosure.client import Notifier
from openhotline.connectors.moment import Moment
from openhotline.connectors.probe.client import Prober
from openhotline.connectors.probe.meaning import TraceJob
from openhotline.jobs.exits import world_card
from openhotline.records.models import Item
from openhotline.rules import methods
from openhotline.rules.facts import MethodAnswer, TraceFacts
from openhotline.rules.trace_reasons import ORIGIN
from openhotline.settings import Settings
from openhotline.steps import origin

FILE = "notifiers.json"


def known(settings: Settings) -> dict[str, Notifier]:
    """The CDNs that take us for a trusted notifier, by the name the proxy lists use. What cannot be read is none."""
    if settings.exit == "world":
        listed = [world_card(settings).get("cdn") or {}]
    else:
        try:
            listed = json.loads((settings.keys / FILE).read_text("utf-8"))
        except (OSError, ValueError):
            listed = []
    found = (
        Notifier(str(one["name"]), str(one["url"]), str(one["token"]))
        for one in (listed if isinstance(listed, list) else [])
        if isinstance(one, dict) and {"name", "url", "token"} <= one.keys()
    )
    return {one.name: one for one in found}


def added(
    items: Sequence[Item], facts: Sequence[TraceFacts], notifiers: Mapping[str, Notifier], *, at: datetime
) -> list[TraceFacts]:
    """The same facts, each with what the CDN in front disclosed and what a person recorded. No transaction may be open."""
    by_hand = origin.recorded(items)
    given = Moment.of(at)
    told = [_with(item, fact, notifiers, given) for item, fact in zip(items, facts, strict=True)]
    return [
        replace(fact, answers=(*fact.answers, origin.answer(by_hand[item.pk], at=at)))
        if item.pk in by_hand
        else fact
        for item, fact in zip(items, told, strict=True)
    ]


def _with(item: Item, facts: TraceFacts, notifiers: Mapping[str, Notifier], given: Moment) -> TraceFacts:
    fronts = dict.fromkeys(
        name
        for answer in facts.answers
        if answer.method == methods.PROXY and answer.ok and answer.layer
        for name in answer.names
    )
    told = [
        client.ask(facts.canonical, notifiers[name], reference=item.ref, at=given.now())
        for name in fronts
        if name in notifiers
    ]
    return replace(facts, answers=(*facts.answers, *told)) if told else facts


def behind(facts: Sequence[TraceFacts], prober: Prober, *, at: datetime) -> list[TraceFacts]:
    """The same facts, with what registries, files and lists say of an address that was disclosed; `at` is now.

    Nothing touches the disclosed server. Its answers say *origin*, so that the vote weighs them apart from the edge's.
    """
    # The last one told of an address counts: a person's word comes after a machine's.
    told = {
        number: answer.addresses[0]
        for number, fact in enumerate(facts)
        for answer in fact.answers
        if answer.method == methods.DISCLOSED and answer.ok and answer.addresses
    }
    if not told:
        return list(facts)
    jobs = [TraceJob(facts[number].canonical, literal, at) for number, literal in told.items()]
    found = dict(zip(told, prober.trace(jobs), strict=True))
    return [
        replace(fact, answers=(*fact.answers, *_of_origin(found[number]))) if number in found else fact
        for number, fact in enumerate(facts)
    ]


def _of_origin(facts: TraceFacts) -> list[MethodAnswer]:
    """Its answers, marked; a literal has no name to ask about, whether it is a proxy too is not the question, and what
    would touch it was not tried."""
    skipped = (
        *(methods.DNS, methods.NAME_SERVERS, methods.RDAP_DOMAIN, methods.PROXY),
        *(methods.CERTIFICATE, methods.ROUND_TRIP),
    )
    return [replace(one, layer=ORIGIN) for one in facts.answers if one.method not in skipped]
