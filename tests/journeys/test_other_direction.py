"""Police ask the hotline: every request has a clock and an outcome report back. Notes go both ways, marked."""

import pytest

from openhotline.ledger import canonical
from openhotline.ledger.models import Staged
from openhotline.records.models import Item, PoliceRequest, Report, Unit
from openhotline.rules import liaison, words
from openhotline.rules.refusals import NotPermitted, Refused
from openhotline.steps import answer, requests, undo
from tests.journeys.cast import Day, hours


def unit(key: str = "NU") -> Unit:
    return Unit.objects.get(key=key)


def ask(house: Day, kind: str, **more: object) -> PoliceRequest:
    officer = house.people["officer NU"].actor()
    return requests.ask(unit(), kind=kind, by=officer, at=house.now, policy=house.policy, **more)


def acts() -> list[str]:
    return [canonical.decode(bytes(entry))["act"] for entry in Staged.objects.values_list("entry", flat=True)]


def test_a_bulk_check_is_assessed_like_any_report_and_reports_back_when_the_last_is_decided(
    house: Day,
) -> None:
    (known,) = house.graded(house.public_report("http://known.example.org/1"))
    house.missed_until_gone(house.traced([known]))
    made = ask(
        house,
        liaison.CHECK,
        addresses=["hxxp://known[.]example.org/1", "http://new.example.org/2", "no address"],
        reference="NU 77",
    )
    assert made.due_at == house.now + hours(4)
    assert Report.objects.filter(source=words.FROM_POLICE, partner="NU", reference="NU 77").count() == 1
    lines = list(made.lines.order_by("position"))
    states = requests.states(lines)
    assert [states[line.pk][0] for line in lines] == [
        "assessed, and gone by our own checks",
        "being assessed",
        "not an address we can read",
    ]
    assert [line.known for line in lines] == [True, False, False]
    assert requests.report_checks(at=house.now) == 0, "one is still being assessed"
    new = Item.objects.get(canonical="http://new.example.org/2")
    house.graded([new])
    assert requests.report_checks(at=house.now) == 1
    made.refresh_from_db()
    assert (made.outcome, made.outcome_by) == (liaison.DONE, "machine:worker")
    assert "1 assessed, and still open" in made.outcome_text
    (letter,) = house.letters("police-outcome")
    assert letter.recipient == unit().mail
    assert "example" not in letter.text, "the mail holds no facts"
    assert {"police.request", "police.outcome"} <= set(acts())


@pytest.mark.parametrize("kind", [liaison.PRESERVE, liaison.EVIDENCE, liaison.STATEMENT, liaison.DECISION])
def test_what_a_person_has_to_do_waits_on_its_clock_until_the_outcome_is_written(
    house: Day, kind: str
) -> None:
    (item,) = house.public_report("http://known.example.org/1")
    made = ask(house, kind, text="As discussed.", addresses=["http://known.example.org/1"])
    assert made.lines.get().item == item
    agreed = house.policy.agreements.on(unit().agreement, house.now).evidence
    span = agreed if kind == liaison.EVIDENCE else house.policy.clocks.request(kind)
    assert made.due_at == house.now + span
    house.now = made.due_at
    assert requests.late(policy=house.policy, at=house.now) == 1
    assert requests.late(policy=house.policy, at=house.now) == 0, "managers are told once"
    assert house.letters("request-late")[0].recipient == house.policy.managers_mail
    with pytest.raises(NotPermitted):
        requests.settle(made, outcome=liaison.DONE, text="x", by=house.who("A07"), at=house.now)
    with pytest.raises(Refused, match="Write what came of it"):
        requests.settle(made, outcome=liaison.DONE, text=" ", by=house.who("P01"), at=house.now)
    requests.settle(made, outcome=liaison.PARTLY, text="Two of three.", by=house.who("P01"), at=house.now)
    with pytest.raises(Refused, match="outcome already"):
        requests.settle(made, outcome=liaison.DONE, text="x", by=house.who("P01"), at=house.now)
    assert len(house.letters("police-outcome")) == 1


def test_a_note_carries_a_handling_mark_both_ways(house: Day) -> None:
    with pytest.raises(Refused, match="how this note may be handled"):
        ask(house, liaison.NOTE, text="A pattern.")
    assert ask(house, liaison.NOTE, text="A pattern.", mark=liaison.ASK_FIRST).mark == liaison.ASK_FIRST
    ours = requests.send_note(
        unit("EU"),
        text="Seen here too.",
        mark=liaison.LIAISON_ONLY,
        by=house.who("P01"),
        at=house.now,
        policy=house.policy,
    )
    assert "Seen here too" not in house.letters("police-note")[0].text
    with pytest.raises(NotPermitted):
        requests.settle(
            ours, outcome=liaison.DONE, text="x", by=house.people["officer NU"].actor(), at=house.now
        )
    requests.settle(
        ours, outcome=liaison.DONE, text="Used.", by=house.people["officer EU"].actor(), at=house.now
    )
    assert PoliceRequest.objects.get(pk=ours.pk).outcome == liaison.DONE


def test_what_says_nothing_is_refused_with_a_sentence(house: Day) -> None:
    for kind, more, sentence in (
        ("perhaps", {}, "Choose what you ask for"),
        (liaison.CHECK, {"addresses": [" ", ""]}, "at least one address"),
        (liaison.EVIDENCE, {"text": " "}, "Write what you ask for"),
    ):
        with pytest.raises(Refused, match=sentence):
            ask(house, kind, **more)
    with pytest.raises(NotPermitted):
        requests.ask(
            unit("EU"),
            kind=liaison.EVIDENCE,
            text="x",
            by=house.people["officer NU"].actor(),
            at=house.now,
            policy=house.policy,
        )
    assert not PoliceRequest.objects.exists()


def test_a_check_never_tells_that_another_unit_holds_it(house: Day) -> None:
    removals = house.traced(
        house.graded(house.public_report("http://known.example.org/1")),
        ("Quay Data", 64500, "192.0.2.44", "GB"),
    )
    house.contact_verified(removals)
    house.answered(house.asked(), words.HOLD, review_at=house.now + hours(5), reason="covert work")
    officer = house.people["officer EU"].actor()
    made = requests.ask(
        unit("EU"),
        kind=liaison.CHECK,
        addresses=["http://known.example.org/1"],
        by=officer,
        at=house.now,
        policy=house.policy,
    )
    assert requests.states(list(made.lines.all())) == {
        made.lines.get().pk: ("assessed, and still open", True)
    }


def test_requests_that_wait_for_days_cost_no_sweep_their_lines_and_hide_no_other(
    house: Day, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        lines = [f"http://img.example.net/{number}", "no address", "http://img.example.net/0"]
        ask(house, liaison.CHECK, addresses=lines)
    read: list[int] = []
    states = requests.states
    monkeypatch.setattr(requests, "states", lambda lines: read.append(len(lines)) or states(lines))
    assert (requests.report_checks(at=house.now), read) == (0, [])
    house.graded(list(Item.objects.filter(canonical="http://img.example.net/0")))
    assert (requests.report_checks(at=house.now), read) == (1, [3])


def test_what_an_answer_wants_besides_is_a_request_on_its_own_clock_and_goes_back_with_it(house: Day) -> None:
    items = house.graded(house.public_report("http://img.example.net/1", "http://img.example.net/2"))
    removals = house.traced(items)
    question = house.asked()
    both = (words.EVIDENCE_WANTED, words.STATEMENT_WANTED)
    given = answer.record(
        question,
        kind=words.EVIDENCE_WANTED,
        by=house.officer_of(question),
        at=house.now,
        policy=house.policy,
        conditions=both,
        reference="NU 5",
        note_text="Payment details shown.",
        removals=removals[:1],
    )
    evidence, statement = PoliceRequest.objects.order_by("pk")
    assert (evidence.kind, evidence.reference) == (liaison.EVIDENCE, "NU 5")
    assert question.number in evidence.text
    assert "Payment details shown." in evidence.text
    assert evidence.lines.get().item == removals[0].item
    assert evidence.due_at == house.now + house.policy.agreements.on("authorise-first", house.now).evidence
    assert (statement.kind, statement.due_at) == (
        liaison.STATEMENT,
        house.now + house.policy.clocks.request_statement,
    )
    undo.undo(given, by=house.officer_of(question), at=house.now)
    assert set(PoliceRequest.objects.values_list("outcome", flat=True)) == {liaison.TAKEN_BACK}
    assert house.letters("police-outcome") == [], "they took it back themselves"

    house.answered(question, words.HOLD, until=house.now + hours(5), reason="evidence first", conditions=both)
    house.later(hours(1))
    house.answered(question, words.EVIDENCE_WANTED)
    first, second = PoliceRequest.objects.filter(outcome="").order_by("pk")
    assert (first.kind, second.kind) == (liaison.EVIDENCE, liaison.STATEMENT), (
        "asked once, however often said"
    )
    assert first.lines.count() == 2
    house.now = first.due_at
    assert requests.late(policy=house.policy, at=house.now) == 1, "managers hear that it was not handed over"
    requests.settle(first, outcome=liaison.DONE, text="By hand.", by=house.who("P01"), at=house.now)
    assert [one.recipient for one in house.letters("police-outcome")] == [unit().mail]
