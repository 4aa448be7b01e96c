"""Damaged answers change nothing in the house: the removal stays where it was, and the trace says what failed."""

import json
import random

import pytest

from openhotline.connectors.dns import meaning as dns
from openhotline.connectors.rdap import meaning as rdap
from openhotline.connectors.tls import meaning as tls
from openhotline.connectors.whois import meaning as whois
from openhotline.records import trace_answers
from openhotline.records.models import Removal
from openhotline.rules import methods
from openhotline.rules.facts import MethodAnswer, TraceFacts
from openhotline.rules.words import MACHINE_WORKER
from openhotline.steps import trace
from openhotline.world import places
from openhotline.world import rdap as world_rdap
from tests.connectors.test_mutations import damaged, dns_wires
from tests.journeys.cast import Day

COUNT = 25  # of each kind; the readers themselves meet 20,000 (tests/connectors/test_mutations.py)


def of_kind(kind: str, house: Day) -> list[MethodAnswer]:
    """Answers read from damaged bytes, about the network the day's first item stands in."""
    home = places.NORTH_RACK
    at = house.now
    if kind == methods.RDAP:
        whole = json.dumps(world_rdap.ip_network(home, home.address(4), at)).encode()
        return [
            rdap.read(body, source="x", at=at, asked=home.address(4)) for _, body in damaged([whole], COUNT)
        ]
    if kind == methods.WHOIS:
        text = f"inetnum: {home.prefix}\ncountry: GB\norg-name: {home.operator}\nabuse-mailbox: {home.abuse[0]}\n"
        return [whois.read(body, source="x", at=at) for _, body in damaged([text.encode()], COUNT)]
    if kind == methods.DNS:
        told = [dns.read(wire, "x.example.org", "A") for _, wire in damaged(dns_wires(), COUNT)]
        return [
            MethodAnswer(
                kind, one.ok, why=one.why, addresses=one.addresses, raw=one.raw, source="192.0.2.54:53"
            )
            for one in told
        ]
    chance = random.Random(1)
    return [tls.read(chance.randbytes(400), host="img.example.net", source="x", at=at) for _ in range(COUNT)]


@pytest.mark.parametrize("kind", [methods.DNS, methods.RDAP, methods.WHOIS, methods.CERTIFICATE])
def test_a_damaged_answer_moves_no_removal_and_is_kept(house: Day, kind: str) -> None:
    (removal,) = house.traced(house.graded(house.public_report("http://img.example.net/1")))
    first = trace_answers.opened(removal.traces.order_by("-at", "-pk").first())
    rest = tuple(
        MethodAnswer(
            **{
                **one,
                **{name: tuple(one[name]) for name in ("addresses", "abuse_mail", "names", "impossible")},
            }
        )
        for one in first
        if one["method"] != kind or kind == methods.DNS  # the other resolver's answer is sound
    )
    before = Removal.objects.filter(pk=removal.pk).values().get()
    for bad in of_kind(kind, house):
        item = Removal.objects.get(pk=removal.pk).item
        facts = TraceFacts(item.canonical, item.host, house.now, (*rest, bad))
        (kept,) = trace.record([(item, facts)], policy=house.policy, by=MACHINE_WORKER, at=house.now)
        assert trace_answers.state(kept) == trace_answers.WHOLE
        (told,) = [
            one
            for one in trace_answers.opened(kept)
            if (one["method"], one["source"]) == (kind, bad.source) and one["raw"] == bad.raw
        ]
        assert bad.ok or told["why"].endswith(".")
        assert Removal.objects.filter(pk=removal.pk).values().get() == before, bad
    assert Removal.objects.count() == 1
