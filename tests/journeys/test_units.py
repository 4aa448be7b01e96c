"""Units and routing are data of the house: one person proposes, another agrees, and the next question goes there."""

from datetime import timedelta

import pytest

from openhotline.ledger import canonical
from openhotline.ledger.models import Staged
from openhotline.outbox import claims, settling
from openhotline.records.models import Consultation, Host, RouteRule, Unit, UnitChange, User
from openhotline.rules import words
from openhotline.rules.refusals import NotPermitted, Refused
from openhotline.rules.routing import UnitRule
from openhotline.rules.words import MACHINE_WORKER
from openhotline.steps import escalate, tell, units
from tests.journeys.cast import NORTH_RACK, Day, hours

WORDS = {"subject": "A word", "text": "A word."}


def acts() -> list[str]:
    return [canonical.decode(bytes(entry))["act"] for entry in Staged.objects.values_list("entry", flat=True)]


@pytest.fixture(autouse=True)
def first_version(house: Day) -> None:
    units.load_first(policy=house.policy)


def propose(house: Day, key: str, *, by: str = "P01", why: str = "as agreed", **values: str) -> UnitChange:
    return units.propose_unit(key, values, why=why, policy=house.policy, by=house.who(by), at=house.now)


def test_the_policy_loads_the_first_version_and_never_the_second(house: Day) -> None:
    assert units.rules() == list(house.policy.unit_rules)
    assert any(rule.areas for rule in units.rules())
    RouteRule.objects.filter(position=2).delete()
    units.load_first(policy=house.policy)
    assert len(units.rules()) == len(house.policy.unit_rules) - 1


def test_a_unit_is_added_and_routed_to_by_two_people(house: Day) -> None:
    made = propose(
        house, "LU", name="Local unit", level="local", agreement="authorise-first", mail="lu@police.example"
    )
    assert not Unit.objects.filter(key="LU").exists(), "nothing changes yet"
    with pytest.raises(Refused, match="second person"):
        units.confirm(made, by=house.who("P01"), at=house.now)
    with pytest.raises(NotPermitted):
        units.confirm(made, by=house.who("A07"), at=house.now)
    units.confirm(made, by=house.who("L01"), at=house.now)
    line = UnitRule("LU", (), (64500,), (), "North Rack stands in its town.")
    table = units.propose_rules(
        [line, *units.rules()], why="primacy moved", by=house.who("L01"), at=house.now
    )
    units.confirm(table, by=house.who("P01"), at=house.now)
    house.traced(house.graded(house.public_report("http://img.example.net/1")), NORTH_RACK)
    assert house.asked().unit.key == "LU"
    assert {"unit.proposed", "unit.changed"} <= set(acts())


def test_what_changed_since_is_proposed_anew_and_a_proposal_can_be_taken_back(house: Day) -> None:
    first = propose(house, "NU", hours="Mon-Sun 07:00-23:00")
    second = propose(house, "NU", by="L01", phone="01632 960 399")
    units.confirm(first, by=house.who("L01"), at=house.now)
    with pytest.raises(Refused, match="changed since"):
        units.confirm(second, by=house.who("P01"), at=house.now)
    units.withdraw(second, by=house.who("L01"), at=house.now)
    with pytest.raises(Refused, match="settled already"):
        units.confirm(second, by=house.who("P01"), at=house.now)
    assert Unit.objects.get(key="NU").hours == "Mon-Sun 07:00-23:00"


def test_how_a_unit_is_reached_counts_when_the_desk_agrees_and_then_what_waited_leaves(house: Day) -> None:
    Unit.objects.filter(key="NU").update(mail="", phone="")
    house.traced(house.graded(house.public_report("http://img.example.net/1")), NORTH_RACK)
    house.asked()
    assert [(one.state, one.recipient) for one in house.letters("police-question")] == [
        ("contact needed", "")
    ]
    owner = User.objects.create(username="owner", pseudonym="owner", role=words.OWNER).actor()
    given = {"why": "their word", "policy": house.policy, "at": house.now}
    new = {"mail": "desk@unit.example", "phone": "01632 960 300"}
    with pytest.raises(Refused, match="Known: AU, "):
        units.propose_reach("XX", **new, by=owner, **given)
    with pytest.raises(Refused, match="at most 40"):
        units.propose_reach("NU", mail="desk@unit.example", phone="1" * 41, by=owner, **given)
    with pytest.raises(NotPermitted):
        units.propose_reach("NU", **new, by=house.who("A07"), **given)
    made = units.propose_reach("NU", **new, by=owner, **given)
    assert Unit.objects.get(key="NU").mail == "", "one person changes nothing"
    with pytest.raises(NotPermitted):
        units.confirm(made, by=owner, at=house.now)
    units.confirm(made, by=house.who("L01"), at=house.now)
    assert (Unit.objects.get(key="NU").mail, Unit.objects.get(key="NU").phone) == tuple(new.values())
    (letter,) = house.letters("police-question")
    assert (letter.state, letter.recipient) == ("pending", "desk@unit.example")


def test_what_did_not_arrive_goes_to_where_the_unit_is_reached_now_and_back(house: Day) -> None:
    """A question was refused by the unit's relay, its reminder waits for a calmer one; the unit names other mailboxes."""
    house.traced(house.graded(house.public_report("http://img.example.net/1")), NORTH_RACK)
    asked = house.asked()
    (letter,) = claims.claim(
        "mail",
        at=house.now,
        by=MACHINE_WORKER,
        kinds=["police-question"],
        guard=lambda _: b"To: the old mailbox",
    )
    settling.refused(letter, why="No such mailbox.", by=MACHINE_WORKER, at=house.now)
    house.later(hours(5))
    escalate.police_silence(policy=house.policy, at=house.now)
    (old,) = house.letters("police-reminder")
    assert old.recipient == asked.unit.mail, "no duty desk is known"
    stood_for = Unit.objects.exclude(pk=asked.unit_id).first()
    Unit.objects.filter(pk=stood_for.pk).update(deputy=asked.unit)
    tell.desk(
        "agreement-proposed",
        number=f"2026.9 {asked.unit.key}",
        recipient=asked.unit.mail,
        **WORDS,
        at=house.now,
    )
    tell.desk(
        "agreement-proposed",
        number=f"2026.9 {stood_for.key}",
        recipient=asked.unit.mail,
        **WORDS,
        at=house.now,
    )
    other = Consultation.objects.create(
        number="Q-1",
        unit=stood_for,
        agreement="a",
        agreement_version="a",
        asked_at=house.now,
        due_at=house.now,
    )
    tell.desk("police-deputy", number=other.number, recipient=asked.unit.mail, **WORDS, at=house.now)

    def reached_at(mail: str, duty: str) -> list[tuple[str, str]]:
        made = propose(house, asked.unit.key, mail=mail, duty_mail=duty)
        units.confirm(made, by=house.who("L01"), at=house.now)
        waiting = [*house.letters("police-question", "pending"), *house.letters("police-reminder", "pending")]
        return [(one.kind, one.recipient) for one in waiting]

    was = asked.unit.mail
    now = reached_at("desk@unit.example", "duty@unit.example")
    assert now == [("police-question", "desk@unit.example"), ("police-reminder", "duty@unit.example")]
    assert [one.recipient for one in house.letters("police-deputy", "pending")] == ["duty@unit.example"]
    # The other's stays where its own unit is reached.
    assert sorted(one.recipient for one in house.letters("agreement-proposed", "pending")) == sorted(
        (was, "desk@unit.example")
    )
    assert [one.why for one in house.letters("police-question", "withdrawn")] == [
        f"{asked.unit.name} is reached at desk@unit.example now."
    ]
    assert [to for _, to in reached_at(was, "")] == [was, was]
    assert len(house.letters("police-question")) == 2, (
        "the letter that was withdrawn from there is the one that leaves"
    )


@pytest.mark.parametrize("asn", [64500, 0])
def test_a_unit_re_routes_itself_and_the_hotline_confirms(house: Day, asn: int) -> None:
    """By the host's network, or by its name where its network is not known."""
    officer = house.people["officer NU"].actor()
    made = units.propose_reroute(
        Unit.objects.get(key="AU"),
        classes=[words.CHILD_SEXUAL_ABUSE],
        host=Host(key="x", name="North Rack", asn=asn),
        why="their enquiry",
        by=officer,
        at=house.now,
    )
    with pytest.raises(NotPermitted):
        units.confirm(made, by=house.people["officer EU"].actor(), at=house.now)
    units.confirm(made, by=house.who("P01"), at=house.now)
    house.traced(house.graded(house.public_report("http://img.example.net/1")), NORTH_RACK)
    assert house.asked().unit.key == "AU"


def test_a_table_that_leaves_something_to_nobody_is_refused(house: Day) -> None:
    for table, sentence in (
        ([], "takes everything that is left"),
        ([UnitRule("NU", (), (64500,), (), "why")], "takes everything that is left"),
        ([UnitRule("XX", (), (), (), "why")], "no unit"),
        ([UnitRule("NU", ("none",), (), (), "why")], "no class"),
        ([UnitRule("NU", (), (), (), " ")], "says why"),
    ):
        with pytest.raises(Refused, match=sentence):
            units.propose_rules(table, why="x", by=house.who("P01"), at=house.now)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"name": " "}, "unit's name"),
        ({"level": "galactic"}, "A unit is one of"),
        ({"agreement": "none"}, "no agreement"),
        ({"mail": "a@b, c@d"}, "no mail address"),
        ({"deputy": "NU"}, "deputy is another unit"),
        ({"hours": "7 to 23"}, "is no hours"),
        ({}, "Nothing is different"),
    ],
)
def test_a_change_that_cannot_be_is_a_sentence(house: Day, values: dict[str, str], sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        propose(house, "NU", **values)


def test_the_duty_desk_is_rung_and_the_deputy_hears_of_the_escalation(house: Day) -> None:
    made = propose(house, "NU", duty_mail="duty@police.example", deputy="EU")
    units.confirm(made, by=house.who("L01"), at=house.now)
    house.traced(house.graded(house.public_report("http://img.example.net/1")), NORTH_RACK)
    house.asked()
    house.later(hours(2))
    escalate.police_silence(policy=house.policy, at=house.now)
    assert [letter.recipient for letter in house.letters("police-reminder")] == ["duty@police.example"]
    house.later(hours(6) + timedelta(minutes=1))
    escalate.police_silence(policy=house.policy, at=house.now)
    (letter,) = house.letters("police-deputy")
    assert letter.recipient == Unit.objects.get(key="EU").mail


def test_a_host_is_routed_by_the_place_it_stands_in(house: Day) -> None:
    units.confirm(
        propose(house, "EU", areas="Eastern region\nMarsh county"), by=house.who("L01"), at=house.now
    )
    removals = house.traced(house.graded(house.public_report("http://img.example.net/1")), NORTH_RACK)
    host = removals[0].host
    assert host is not None
    line = UnitRule("EU", (), (), (), "It has primacy for hosts in its county.", ("Marsh county",))
    for wrong, sentence in (
        (("NU", "Marsh county"), "not among the areas"),
        (("EU", "Hill county"), "not among"),
    ):
        bad = UnitRule(wrong[0], (), (), (), "why", (wrong[1],))
        with pytest.raises(Refused, match=sentence):
            units.propose_rules([bad, *units.rules()], why="x", by=house.who("P01"), at=house.now)
    table = units.propose_rules([line, *units.rules()], why="as agreed", by=house.who("P01"), at=house.now)
    units.confirm(table, by=house.who("L01"), at=house.now)
    with pytest.raises(Refused, match="No unit covers"):
        units.propose_place(host, "Hill county", why="its register", by=house.who("P01"), at=house.now)
    place = units.propose_place(host, "Marsh county", why="its register", by=house.who("P01"), at=house.now)
    with pytest.raises(Refused, match="second person"):
        units.confirm(place, by=house.who("P01"), at=house.now)
    units.confirm(place, by=house.who("L01"), at=house.now)
    assert house.asked().unit.key == "EU"
    with pytest.raises(Refused, match="Change the table first"):
        propose(house, "EU", areas="Eastern region")


@pytest.mark.parametrize(
    ("hours", "to"),
    [
        ("", ["nu@police.example"]),
        ("Mon-Fri 08:00-18:00", ["nu@police.example"]),
        ("Wed-Mon 08:00-18:00", ["nu@police.example", "duty@police.example"]),
        ("Tue 14:00-18:00", ["nu@police.example", "duty@police.example"]),
    ],
)
def test_while_nobody_is_at_the_desk_the_duty_desk_gets_the_question_too(
    house: Day, hours: str, to: list[str]
) -> None:
    """It is Tuesday, before noon in London. The clock of the answer is the same in every case."""
    made = propose(house, "NU", mail="nu@police.example", duty_mail="duty@police.example", hours=hours)
    units.confirm(made, by=house.who("L01"), at=house.now)
    house.traced(house.graded(house.public_report("http://img.example.net/1")), NORTH_RACK)
    asked = house.asked()
    letters = house.letters("police-question")
    assert [letter.recipient for letter in letters] == to
    assert all(asked.number in letter.text for letter in letters)
    assert asked.due_at - asked.asked_at == timedelta(hours=2)
