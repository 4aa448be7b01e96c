"""A trace runs out, content moves, names change: what leaves the house, what opens an episode, who is told."""

from dataclasses import replace

import pytest
from django.db import transaction

from openhotline.outbox import claims
from openhotline.records import trace_answers
from openhotline.records.models import Item, Removal, Trace
from openhotline.rules import departure, words
from openhotline.rules.facts import MethodAnswer, TraceFacts
from openhotline.rules.refusals import Refused
from openhotline.rules.words import MACHINE_WORKER
from openhotline.steps import check, consult, departing, escalate, freshness, refer, trace
from tests.journeys.cast import CANAL_HOST, HOUSE, NORTH_RACK, QUAY_DATA, Day, hours, minutes


def cleared(house: Day, line: str = "http://img.example.net/1") -> tuple[list[Removal], object]:
    removals = house.traced(house.graded(house.public_report(line)))
    house.contact_verified(removals)
    consultation = house.asked()
    house.answered(consultation, words.GO_AHEAD)
    return house.fresh(removals), consultation


def noticed(house: Day) -> list[Removal]:
    removals, _ = cleared(house)
    house.letters_leave()
    (removal,) = house.fresh(removals)
    assert removal.status == "noticed"
    return [removal]


def filed(house: Day, item: Item, *answers: MethodAnswer) -> Trace:
    (fresh,) = house.again([item])
    facts = TraceFacts(item.canonical, item.host, house.now, answers)
    return trace.record([(fresh, facts)], policy=house.policy, by=MACHINE_WORKER, at=house.now)[0]


def place(
    operator: str, asn: int, address: str, country: str, network: str = "", layer: str = ""
) -> tuple[MethodAnswer, ...]:
    return (
        MethodAnswer("dns", True, answer=address, addresses=(address,), layer=layer),
        MethodAnswer(
            "rdap",
            True,
            country=country,
            operator=operator,
            network=network,
            addresses=(address,),
            abuse_mail=("abuse@host.example",),
            layer=layer,
        ),
        MethodAnswer("origin-network", True, country=country, operator=operator, asn=asn, layer=layer),
        MethodAnswer("location", True, country=country, source_age_s=86_400, layer=layer),
    )


EDGE = (
    *place("Front Net", 64510, "203.0.113.80", "US"),
    MethodAnswer("proxy", True, answer="Front Net", layer="edge"),
)


def episodes(item: Item) -> list[tuple[int, str, str]]:
    rows = Removal.objects.filter(item=item).order_by("episode")
    return list(rows.values_list("episode", "country", "status"))


def test_of_a_name_in_two_networks_each_host_keeps_its_own_abuse_desk(house: Day) -> None:
    (item,) = house.graded(house.public_report("http://img.example.net/1"))

    def desk(answers: tuple[MethodAnswer, ...], mail: str) -> list[MethodAnswer]:
        return [replace(one, abuse_mail=(mail,)) if one.method == "rdap" else one for one in answers]

    here = desk(place("North Rack", 64500, "192.0.2.66", "GB", "192.0.2.64/28"), "abuse@northrack.example")
    there = desk(
        place("Quay Data", 64501, "2001:db8:2::9", "GB", "2001:db8:2::/48"), "abuse@quaydata.example"
    )
    made = filed(house, item, *here, *there, *here[2:])
    assert made.host is not None
    of = {"North Rack": "abuse@northrack.example", "Quay Data": "abuse@quaydata.example"}
    named = [mail for mail in made.host.contacts.values_list("mail", flat=True) if mail in of.values()]
    assert named == [of[made.host.name]]


# --- nothing leaves on a stale trace ---------------------------------------------------------------


def test_a_notice_waits_for_a_fresh_trace(house: Day) -> None:
    removals, _ = cleared(house)
    house.later(hours(5))
    (letter,) = house.letters("notice")
    with pytest.raises(Refused, match="too old"):
        departing.depart(letter, policy=house.policy, house=HOUSE, at=house.now)
    assert [one.pk for one in freshness.to_trace(at=house.now)] == [removals[0].pk]
    assert check.to_trace(policy=house.policy, at=house.now) == 1


def test_nobody_is_asked_about_a_place_that_was_traced_too_long_ago(house: Day) -> None:
    removals = house.traced(
        house.graded(house.public_report("http://img.example.net/1", "http://img.example.net/2"))
    )
    house.later(hours(5))  # the prober was away meanwhile
    assert consult.ask_due(policy=house.policy, at=house.now) == []
    assert check.to_trace(policy=house.policy, at=house.now) == 2
    house.traced([removals[0].item])
    (first,) = consult.ask_due(policy=house.policy, at=house.now)
    assert [line.removal.item for line in first.lines.select_related("removal__item")] == [removals[0].item]
    house.traced([removals[1].item], CANAL_HOST)
    assert consult.ask_due(policy=house.policy, at=house.now) == [], (
        "it is abroad now: no question to our police"
    )


DIFFERS = (
    *place("North Rack", 64500, "192.0.2.66", "GB")[:3],
    MethodAnswer("location", True, country="NL", source_age_s=86_400),
    MethodAnswer("location", True, country="NL", source="another", source_age_s=86_400),
)


def test_a_question_whose_trace_is_disputed_is_listed_and_traced_again_within_minutes(house: Day) -> None:
    (removal,) = house.traced(house.graded(house.public_report("http://img.example.net/1")))
    house.later(minutes(5))
    assert filed(house, removal.item, *DIFFERS).verdict == "disputed"
    assert house.fresh([removal])[0].status == "traced", "the trace before still counts, and names the place"
    house.later(hours(4))  # that one has run out; the disputed one has not
    assert consult.ask_due(policy=house.policy, at=house.now) == []
    assert freshness.to_trace(at=house.now) == [removal]
    filed(house, removal.item, *DIFFERS)
    (doubted,) = house.fresh([removal])
    assert (doubted.status, doubted.clock, doubted.host_id) == ("unclear", "origin", removal.host_id)
    assert freshness.to_trace(at=house.now) == []
    house.later(minutes(16))
    assert freshness.to_trace(at=house.now) == [removal]
    house.traced([removal.item])
    assert house.fresh([removal])[0].status == "traced"
    (asked,) = consult.ask_due(policy=house.policy, at=house.now)
    assert asked.host_id == removal.host_id and episodes(removal.item) == [(1, "GB", "asked")]


def test_what_was_in_doubt_and_is_elsewhere_has_moved(house: Day) -> None:
    (removal,) = house.traced(house.graded(house.public_report("http://img.example.net/1")))
    house.later(hours(5))
    filed(house, removal.item, *DIFFERS)
    assert episodes(removal.item) == [(1, "GB", "unclear")]
    house.later(minutes(16))
    house.traced([removal.item], CANAL_HOST)
    assert episodes(removal.item) == [(1, "GB", "moved"), (2, "NL", "traced")]


def test_a_reminder_and_the_ladder_wait_for_a_fresh_trace(house: Day) -> None:
    removals = noticed(house)
    house.later(hours(4))
    assert escalate.host_clocks(policy=house.policy, at=house.now) == 1
    (reminder,) = house.letters("reminder")
    with pytest.raises(Refused, match="too old"):
        escalate.reminder_stands(reminder, at=house.now)
    assert freshness.to_trace(at=house.now) == removals
    house.traced([removals[0].item])
    assert escalate.reminder_stands(reminder, at=house.now)
    house.later(hours(20))
    escalate.host_clocks(policy=house.policy, at=house.now)
    (ladder,) = house.letters("ladder")
    with pytest.raises(Refused, match="too old"):
        escalate.reminder_stands(ladder, at=house.now)
    house.traced([removals[0].item])
    assert escalate.reminder_stands(ladder, at=house.now)


def test_a_reminder_leaves_out_what_has_no_trace_to_stand_on(house: Day) -> None:
    lines = [f"http://img.example.net/{n}" for n in range(3)]
    removals = house.traced(house.graded(house.public_report(*lines)))
    house.contact_verified(removals)
    house.answered(house.asked(), words.GO_AHEAD)
    house.letters_leave()
    house.later(hours(4))
    escalate.host_clocks(policy=house.policy, at=house.now)
    house.traced([one.item for one in removals[:2]])
    (reminder,) = house.letters("reminder")
    assert escalate.reminder_stands(reminder, at=house.now)
    assert "2 addresses" in reminder.text
    assert reminder.lines.count() == 2


def test_a_notice_never_leaves_to_a_host_its_newest_trace_does_not_name(house: Day) -> None:
    removals, _ = cleared(house)
    newest = removals[0].item.traces.select_related("host").order_by("-at").first()
    other = house.traced(house.graded(house.public_report("http://up.example.com/2")), QUAY_DATA)[0]
    newest.pk, newest.host, newest.at = None, other.host, house.now
    newest.save(force_insert=True)
    (letter,) = house.letters("notice")
    with pytest.raises(Refused, match="unclear"):
        departing.depart(letter, policy=house.policy, house=HOUSE, at=house.now)


# --- what is a move, and what is not ------------------------------------------------------------------


def test_new_addresses_at_the_same_operator_are_no_move(house: Day) -> None:
    removals = noticed(house)
    house.later(minutes(20))
    house.traced([removals[0].item], (*NORTH_RACK[:2], "192.0.2.70", "GB"))
    assert episodes(removals[0].item) == [(1, "GB", "noticed")]


def test_a_host_that_changed_its_name_is_the_same_host(house: Day) -> None:
    (item,) = house.graded(house.public_report("http://img.example.net/1"))
    filed(house, item, *place("North Rack", 64500, "192.0.2.66", "GB", "192.0.2.64/28"))
    house.later(hours(1))
    made = filed(house, item, *place("Polar Rack", 64500, "192.0.2.67", "GB", "192.0.2.64/28"))
    assert episodes(item) == [(1, "GB", "traced")]
    assert made.host == Removal.objects.get().host
    house.later(hours(1))
    filed(house, item, *place("Polar Rack", 64500, "192.0.2.80", "GB", "192.0.2.80/28"))
    assert episodes(item)[-1] == (2, "GB", "traced"), "another network under another name is another host"


@pytest.mark.parametrize("there", [QUAY_DATA, CANAL_HOST, (NORTH_RACK[0], 64501, NORTH_RACK[2], "GB")])
def test_another_host_country_or_operator_opens_an_episode_and_everybody_is_told(
    house: Day, there: tuple[str, int, str, str]
) -> None:
    removals = noticed(house)
    house.later(minutes(20))
    house.traced([removals[0].item], there)
    assert [(n, status) for n, _, status in episodes(removals[0].item)] == [(1, "moved"), (2, "traced")]
    (to_police,) = house.letters("police-moved")
    assert removals[0].item.ref in to_police.text
    (to_host,) = house.letters("host-moved")
    assert to_host.recipient == "abuse@north-rack.example"
    assert "keep what you have preserved" in to_host.text
    assert removals[0].item.canonical not in to_host.text + to_police.text


def test_a_partner_that_was_told_is_told_that_it_moved(house: Day) -> None:
    from openhotline.records.models import Partner

    Partner.objects.create(
        key="nl",
        name="Partner",
        kind="hotline",
        country="NL",
        url="http://p.test",
        mail="desk@partner.example",
    )
    removals = house.traced(house.graded(house.public_report("http://dijk.example.net/1")), CANAL_HOST)
    refer.refer_due(at=house.now)
    house.letters_leave()
    house.later(hours(1))
    house.traced([removals[0].item], NORTH_RACK)
    (letter,) = house.letters("referral-moved")
    assert letter.recipient == "desk@partner.example"
    assert house.letters("host-moved") == [], "no host had been noticed"


def test_what_goes_back_and_forth_opens_no_episode_at_each_look(house: Day) -> None:
    removals = noticed(house)
    item = removals[0].item
    for n in range(10):
        house.later(minutes(20))
        house.traced([item], (CANAL_HOST, NORTH_RACK)[n % 2])
    assert [n for n, _, _ in episodes(item)] == [1, 2], "one move, and then it is not believed"
    latest = Trace.objects.filter(item=item).latest("at")
    assert latest.expires_at <= house.now + minutes(60), "it is looked at again soon"
    for _ in range(4):
        house.later(minutes(20))
        house.traced([item], NORTH_RACK)
    assert [n for n, _, _ in episodes(item)] == [1, 2, 3], "it stayed there: now it is believed"


def test_answers_from_several_places_at_once_open_no_episode(house: Day) -> None:
    removals = noticed(house)
    item = removals[0].item
    trip = {"answer": "2 ms", "method": "round-trip", "ok": True}
    many = tuple(f"X{letter}" for letter in "ABCDEFGHIJKL")
    for _ in range(5):
        house.later(minutes(20))
        made = filed(
            house,
            item,
            *place("North Rack", 64500, "192.0.2.66", "NL"),
            MethodAnswer(**trip, vantage="London", impossible=("NL", *many)),
            MethodAnswer(**trip, vantage="Sydney", impossible=("GB", *many)),
        )
        assert made.verdict == "unclear"
    assert [n for n, _, _ in episodes(item)] == [1]
    (removal,) = house.fresh(removals)
    line = freshness.line(removal, made, held=False, covered=True)
    assert departure.stale([line], house.now) == (removal.pk,), "and nothing leaves on it"


# --- edge and origin ----------------------------------------------------------------------------------


def test_behind_a_proxy_there_is_no_country_and_no_host_until_somebody_tells(house: Day) -> None:
    (item,) = house.graded(house.public_report("http://img.example.net/1"))
    made = filed(house, item, *EDGE)
    assert (made.verdict, made.country) == ("behind proxy", "")
    assert Removal.objects.get().host is None
    assert [layer["layer"] for layer in made.layers] == ["origin", "edge"]
    assert episodes(item) == [(1, "", "unclear")]
    house.later(hours(1))
    told = MethodAnswer(
        "disclosed",
        True,
        country="NL",
        addresses=("198.51.100.20",),
        disclosed_by="Front Net, to a trusted notifier",
        layer="origin",
    )
    made = filed(house, item, *EDGE, told, *place("Polder", 64506, "198.51.100.20", "NL", layer="origin"))
    assert (made.verdict, made.country) == ("agreed", "NL")
    assert made.disclosed_by == "Front Net, to a trusted notifier"
    assert made.host is not None
    assert made.host.name == "Polder"
    assert made.address.split(",")[0] == "198.51.100.20"
    assert episodes(item) == [(1, "NL", "traced")]
    assert list(made.host.contacts.values_list("mail", flat=True)) == ["abuse@host.example"]


# --- what is kept -------------------------------------------------------------------------------------


def test_raw_answers_are_sealed_and_a_change_is_found(house: Day) -> None:
    (item,) = house.graded(house.public_report("http://img.example.net/1"))
    raw = MethodAnswer("rdap", True, country="GB", operator="North Rack", raw='{"handle": "NET-1"}')
    made = filed(house, item, raw)
    kept = Trace.objects.get(pk=made.pk)
    assert b"NET-1" not in bytes(kept.sealed)
    assert "raw" not in kept.answers[0]
    assert trace_answers.opened(kept)[0]["raw"] == '{"handle": "NET-1"}'
    assert trace_answers.state(kept) == trace_answers.WHOLE
    assert (kept.weights[:6], kept.rules) == ("trace-", house.policy.version)

    forged = trace_answers.keep([MethodAnswer("rdap", True, country="NL", raw="{}")])
    Trace.objects.filter(pk=made.pk).update(sealed=forged.sealed, digest=forged.digest)
    assert trace_answers.state(Trace.objects.get(pk=made.pk)) == trace_answers.CHANGED
    Trace.objects.filter(pk=made.pk).update(sealed=b"x" * 40)
    assert trace_answers.state(Trace.objects.get(pk=made.pk)) == trace_answers.UNREADABLE


def test_a_trace_and_its_entry_are_one_act(house: Day, monkeypatch: pytest.MonkeyPatch) -> None:
    from openhotline.ledger.models import Staged

    (item,) = house.graded(house.public_report("http://img.example.net/1"))
    before = (Trace.objects.count(), Staged.objects.count(), Removal.objects.count())

    def broken(*args: object, **kwargs: object) -> None:
        raise RuntimeError("the ledger is away")

    monkeypatch.setattr(trace, "enter", broken)
    with pytest.raises(RuntimeError), transaction.atomic():
        filed(house, item, *place("North Rack", 64500, "192.0.2.66", "GB"))
    assert (Trace.objects.count(), Staged.objects.count(), Removal.objects.count()) == before


def test_letters_that_wait_for_a_trace_do_not_keep_the_others(house: Day) -> None:
    cleared(house)
    house.later(hours(5))

    def guard(letter: object) -> bytes | None:
        return b"x" if departing.depart(letter, policy=house.policy, house=HOUSE, at=house.now) else None

    assert claims.claim("mail", at=house.now, by=MACHINE_WORKER, kinds=["notice"], guard=guard) == []
    assert house.letters("notice", "pending"), "it stays, with the sentence why"
