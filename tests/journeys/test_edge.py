"""Nobody names what stands behind the proxy: after the origin clock the edge's country is used, with a note."""

from openhotline.ledger import canonical
from openhotline.ledger.models import Staged
from openhotline.records.models import Removal
from openhotline.rules import words
from openhotline.rules.edge import edge_country
from openhotline.rules.facts import MethodAnswer, TraceFacts
from openhotline.rules.words import MACHINE_WORKER
from openhotline.steps import origin, trace
from tests.journeys.cast import QUAY_DATA, Day, hours


def behind_proxy(house: Day, country: str = "GB") -> list[Removal]:
    """A trace that says whose network is in front, and no more."""
    items = house.graded(house.public_report("http://img.example.net/p"))
    trace_again(house, items, country)
    return list(Removal.objects.filter(item__in=items).select_related("item", "host"))


def trace_again(house: Day, items: list, country: str = "GB") -> None:
    facts = TraceFacts(
        canonical=items[0].canonical,
        host=items[0].host,
        at=house.now,
        answers=(
            MethodAnswer("dns", True, answer="192.0.2.44", addresses=("192.0.2.44",)),
            MethodAnswer(
                "rdap",
                True,
                country=country,
                operator="Front",
                asn=64500,
                abuse_mail=("abuse@front.example",),
            ),
            MethodAnswer("origin-network", True, country=country, operator="Front", asn=64500),
            MethodAnswer("location", True, country=country),
            MethodAnswer("proxy", True, answer="Front", layer="edge"),
        ),
    )
    trace.record([(house.again(items)[0], facts)], policy=house.policy, by=MACHINE_WORKER, at=house.now)


def test_an_unclear_trace_past_its_clock_goes_on_by_the_edge_and_says_so(house: Day) -> None:
    removals = behind_proxy(house)
    assert [removal.status for removal in removals] == ["unclear"]
    house.later(hours(3.9))
    assert origin.treat_as_edge(policy=house.policy, at=house.now) == 0
    house.later(hours(0.2))
    assert origin.treat_as_edge(policy=house.policy, at=house.now) == 1
    (removal,) = house.fresh(removals)
    assert (removal.status, removal.country, removal.edge, removal.route) == (
        "traced",
        "GB",
        True,
        words.HOME,
    )
    entry = next(
        read
        for read in (canonical.decode(bytes(one)) for one in Staged.objects.values_list("entry", flat=True))
        if read["act"] == "removal.retrace"
    )
    assert "Where it is held is not known" in str(entry["why"])


def test_its_notice_leaves_to_the_network_in_front(house: Day) -> None:
    removals = behind_proxy(house)
    house.later(hours(4))
    origin.treat_as_edge(policy=house.policy, at=house.now)
    house.contact_verified(house.fresh(removals))
    trace_again(house, [removals[0].item])
    house.answered(house.asked(), words.GO_AHEAD)
    trace_again(house, [removals[0].item])
    house.letters_leave()
    assert house.fresh(removals)[0].status == "noticed"


def test_an_origin_named_later_is_a_move_and_the_same_place_named_later_ends_the_note(house: Day) -> None:
    removals = behind_proxy(house)
    house.later(hours(4))
    origin.treat_as_edge(policy=house.policy, at=house.now)
    (removal,) = house.fresh(removals)
    house.traced([removal.item], ("Front", 64500, "192.0.2.44", "GB"))
    assert house.fresh(removals)[0].edge is False
    house.traced([removal.item], QUAY_DATA)
    assert house.fresh(removals)[0].status == "moved"


def test_the_edge_is_never_guessed() -> None:
    def named(method: str, country: str, **more: object) -> dict[str, object]:
        return {"method": method, "ok": True, "country": country, **more}

    assert edge_country([named("rdap", "GB"), named("location", "NL"), named("origin-network", "NL")]) == "NL"
    assert edge_country([named("rdap", "GB"), named("location", "NL")]) == "GB", "the registry ends a tie"
    assert edge_country([named("location", "NL"), named("origin-network", "GB")]) == ""
    assert edge_country([named("rdap", "GB"), named("origin", "DE", layer="origin")]) == "GB"
    assert edge_country([{"method": "rdap", "ok": False, "country": "GB"}, named("dns", "")]) == ""
