"""A next version of an agreement: two people of the hotline, the units' word, and its midnight. Nothing asked before moves."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from openhotline.ledger import canonical
from openhotline.ledger.models import Staged
from openhotline.outbox.models import Letter
from openhotline.records.agreements import house_agreements
from openhotline.records.models import AgreementVersion, Notice, Removal, Unit, User
from openhotline.rules import removal_path, words
from openhotline.rules.agreement import AUTHORISE_FIRST, NOTIFY_TOGETHER, TELL_AFTER, Agreement
from openhotline.rules.refusals import NotPermitted, Refused
from openhotline.statistics import agreements as statistics
from openhotline.steps import agreements, consult, departed
from openhotline.web.scoped import Scoped
from tests.journeys.cast import NORTH_RACK, QUAY_DATA, Day, hours, minutes

TOMORROW = date(2026, 5, 13)
MIDNIGHT = datetime(2026, 5, 12, 23, 0, tzinfo=UTC)  # of 13 May in London


def next_of(house: Day, key: str, begins: date = TOMORROW, **changes: object) -> Agreement:
    held = house_agreements(policy=house.policy)
    return replace(held.history(key)[-1], valid_from=begins, valid_until=None, **changes)  # type: ignore[arg-type]


def proposed(
    house: Day, key: str = AUTHORISE_FIRST, *, by: str = "L01", begins: date = TOMORROW, **changes: object
) -> AgreementVersion:
    wanted = next_of(house, key, begins, **(changes or {"answer": hours(1)}))
    return agreements.propose(
        wanted, why="The unit asked for it.", policy=house.policy, by=house.who(by), at=house.now
    )


def agreed(house: Day, row: AgreementVersion, *, by: str = "P01", despite: str = "") -> None:
    agreements.agree(row, despite=despite, policy=house.policy, by=house.who(by), at=house.now)


def said(house: Day, row: AgreementVersion, kind: str, text: str = "", *, unit: str = "NU") -> None:
    who = house.people[f"officer {unit}"].actor()
    agreements.reply(row, kind=kind, text=text, policy=house.policy, by=who, at=house.now)


def entries() -> list[dict[str, object]]:
    read = [canonical.decode(bytes(entry)) for entry in Staged.objects.values_list("entry", flat=True)]
    return [entry for entry in read if str(entry["act"]).startswith("agreement.")]


def test_two_people_change_a_clock_and_only_what_is_asked_after_midnight_follows_it(house: Day) -> None:
    row = proposed(house)
    with pytest.raises(Refused, match="second person"):
        agreed(house, row, by="L01")
    with pytest.raises(NotPermitted):
        agreed(house, row, by="A07")
    agreed(house, row)
    house.now = MIDNIGHT - minutes(10) - timedelta(seconds=1)
    house.contact_verified(house.traced(house.graded(house.public_report("http://img.example.net/1"))))
    before = house.asked()
    assert house.now == MIDNIGHT - timedelta(seconds=1)
    house.now = MIDNIGHT - minutes(10)
    house.traced(house.graded(house.public_report("http://img.example.net/2")))
    after = house.asked()
    assert house.now == MIDNIGHT
    assert (before.agreement_version, before.due_at - before.asked_at) == (
        "authorise-first/2026.1",
        hours(2),
    )
    assert (after.agreement_version, after.due_at - after.asked_at) == ("authorise-first/2026.2", hours(1))
    held = house_agreements(policy=house.policy)
    assert held.covering(before.agreement, before.agreement_version).answer == hours(2)
    assert [one.valid_until for one in held.history(AUTHORISE_FIRST)] == [TOMORROW, None]
    loaded, put, settled = entries()[0], *entries()[-2:]
    assert [entry["act"] for entry in (loaded, put, settled)] == [
        "agreement.loaded",
        "agreement.proposed",
        "agreement.agreed",
    ]
    assert [(entry["who"]) for entry in (put, settled)] == ["L01", "P01"]
    assert put["obj"] == settled["obj"] == ["agreement", str(row.pk), 1]


def test_no_notice_leaves_without_an_answer_once_the_new_order_is_in_force(house: Day) -> None:
    """Quay Data's unit was told until today; from tomorrow on it is asked first."""
    agreed(house, proposed(house, NOTIFY_TOGETHER, order=AUTHORISE_FIRST))

    def there(n: int) -> list[Removal]:
        return house.traced(house.graded(house.public_report(f"http://up.example.com/{n}")), QUAY_DATA)

    house.contact_verified(there(1))
    assert not house.asked().asks
    house.letters_leave()
    assert house.notices_sent() == 1
    house.now = MIDNIGHT
    there(2)
    question = house.asked()
    assert (question.asks, question.agreement_version) == (True, "notify-together/2026.2")
    house.letters_leave()
    assert house.notices_sent() == 1, "it waits for the answer"
    house.answered(question, words.GO_AHEAD)
    house.letters_leave()
    assert house.notices_sent() == 2


def test_a_unit_that_is_told_after_hears_of_it_when_the_notice_has_left(house: Day) -> None:
    agreed(house, proposed(house, NOTIFY_TOGETHER, order=TELL_AFTER))
    house.now = MIDNIGHT
    removals = house.traced(
        house.graded(house.public_report("http://up.example.com/1", "http://up.example.com/2")), QUAY_DATA
    )
    told = house.asked()
    assert (told.asks, told.agreement_version) == (False, "notify-together/2026.2")
    assert house.letters("police-told") == [], "no contact is verified, so no notice has left"
    its_desk = Scoped(User.objects.filter(unit=told.unit).first())
    assert not its_desk.consultations().exists() and not its_desk.removals().exists()
    house.contact_verified(removals)
    house.letters_leave()
    assert house.notices_sent() == 1
    (letter,) = house.letters("police-told")
    assert "was asked to preserve and remove this, as agreed" in letter.text and told.number in letter.text
    assert "up.example.com" not in letter.text
    assert its_desk.consultations().get().told_at == house.now
    assert its_desk.removals().count() == 2
    consult.tell_after(house.fresh(removals), zone=house.policy.zone, at=house.now)
    assert len(house.letters("police-told")) == 1, "of each removal once"


def test_what_moves_while_its_notice_is_on_the_way_keeps_its_version_and_its_unit_is_told(
    house: Day, monkeypatch: pytest.MonkeyPatch
) -> None:
    agreed(house, proposed(house, NOTIFY_TOGETHER, order=TELL_AFTER, host_target=timedelta(hours=3)))
    house.now = MIDNIGHT
    removals = house.traced(house.graded(house.public_report("http://up.example.com/1")), QUAY_DATA)
    told = house.asked()
    house.contact_verified(removals)
    really = departed.sent

    def moved_first(letter: Letter, **how: object) -> None:
        Removal.objects.filter(pk=removals[0].pk).update(status=removal_path.MOVED)
        really(letter, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(departed, "sent", moved_first)
    house.letters_leave()
    assert Notice.objects.get(sent_at=house.now).due_at == house.now + timedelta(hours=3)
    (letter,) = house.letters("police-told")
    assert told.number in letter.text


def test_a_unit_that_is_told_after_hears_of_what_was_gone_before_any_notice(house: Day) -> None:
    agreed(house, proposed(house, NOTIFY_TOGETHER, order=TELL_AFTER))
    house.now = MIDNIGHT
    removals = house.traced(house.graded(house.public_report("http://up.example.com/1")), QUAY_DATA)
    told = house.asked()
    house.missed_until_gone(removals)
    told.refresh_from_db()
    (letter,) = house.letters("police-gone")
    assert told.number in letter.text and told.told_at == letter.put_at


def test_a_unit_objects_and_the_second_person_answers_in_words(house: Day) -> None:
    row = proposed(house)
    assert [(letter.kind, letter.recipient) for letter in house.letters("agreement-proposed")] == [
        ("agreement-proposed", f"{key}@police.example")
        for key in Unit.objects.filter(agreement=AUTHORISE_FIRST)
        .order_by("key")
        .values_list("key", flat=True)
    ]
    assert "2 hours" not in house.letters("agreement-proposed")[0].text, "the terms are behind the sign-in"
    with pytest.raises(Refused, match="Write what you object to"):
        said(house, row, "objects")
    with pytest.raises(NotPermitted):
        said(house, row, "agrees", unit="EU")
    said(house, row, "objects", "Nobody is there at night.")
    with pytest.raises(Refused, match="National unit objects"):
        agreed(house, row)
    agreed(house, row, despite="The duty desk is there; talked over with its head.")
    assert AgreementVersion.objects.get(pk=row.pk).despite.startswith("The duty desk")
    said(house, row, "agrees")
    house.now = MIDNIGHT
    with pytest.raises(Refused, match="its day has come"):
        said(house, row, "objects", "Too late.")
    (kept,) = [one for one in statistics.in_force(2026, policy=house.policy) if one.version == row.version]
    assert (kept.since, kept.until, kept.proposed_by, kept.agreed_by) == (TOMORROW, None, "L01", "P01")
    assert kept.units == {"NU": "agrees"}
    neighbour = Unit.objects.get(key="EU")
    assert {one.agreement for one in statistics.in_force(2026, policy=house.policy, unit=neighbour)} == {
        neighbour.agreement
    }


def test_it_is_taken_back_before_its_day_and_never_after(house: Day) -> None:
    row = proposed(house)
    agreed(house, row)
    with pytest.raises(Refused, match="Write down why"):
        agreements.withdraw(row, why=" ", policy=house.policy, by=house.who("P01"), at=house.now)
    agreements.withdraw(
        row, why="The unit moves house.", policy=house.policy, by=house.who("P01"), at=house.now
    )
    assert len(house.letters("agreement-withdrawn")) == len(house.letters("agreement-proposed"))
    again = proposed(house)
    assert again.version == "authorise-first/2026.3", "a name is never given twice"
    agreed(house, again)
    house.now = MIDNIGHT
    assert house_agreements(policy=house.policy).standing(house.now).version == again.version
    with pytest.raises(Refused, match="It is in force"):
        agreements.withdraw(again, why="x", policy=house.policy, by=house.who("L01"), at=house.now)


def test_a_proposal_whose_day_has_come_or_whose_ground_has_moved_is_made_anew(house: Day) -> None:
    late = proposed(house)
    other = proposed(house, by="P01", begins=date(2026, 5, 14), answer=hours(3))
    agreed(house, late)
    with pytest.raises(Refused, match="another now"):
        agreed(house, other, by="L01")
    waiting = proposed(house, begins=date(2026, 5, 20), answer=hours(4))
    house.now = datetime(2026, 5, 19, 23, 0, tzinfo=UTC)
    with pytest.raises(Refused, match="has come"):
        agreed(house, waiting)
    assert house_agreements(policy=house.policy).standing(house.now).answer == hours(1)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"valid_from": date(2026, 5, 12), "answer": hours(1)}, "valid_from"),
        ({"order": NOTIFY_TOGETHER}, "order"),
        ({"escalate": hours(2)}, "escalate"),
        ({"classes": ()}, "classes"),
        ({"key": "Capital letters", "answer": hours(1)}, "key"),
        ({}, "name"),
    ],
)
def test_what_cannot_be_a_next_version_is_a_sentence_about_its_field(
    house: Day, changes: dict[str, object], field: str
) -> None:
    wanted = replace(next_of(house, AUTHORISE_FIRST), **changes)  # type: ignore[arg-type]
    with pytest.raises(Refused) as refused:
        agreements.propose(wanted, why="x", policy=house.policy, by=house.who("L01"), at=house.now)
    assert refused.value.code == field
    assert not AgreementVersion.objects.filter(proposed_by__isnull=False).exists()


def test_the_file_loads_the_first_versions_and_is_not_read_again(house: Day) -> None:
    agreements.load_first(policy=house.policy, at=house.now)
    first = house_agreements(policy=house.policy)
    assert first == house.policy.agreements
    house.agreed(*(replace(one, answer=hours(9)) for one in house.policy.agreements.versions))
    agreements.load_first(policy=house.policy, at=house.now)
    assert house_agreements(policy=house.policy).versions == first.versions
    fresh = replace(next_of(house, NOTIFY_TOGETHER), key="night-desk", name="Night desk")
    row = agreements.propose(fresh, why="new", policy=house.policy, by=house.who("L01"), at=house.now)
    agreed(house, row)
    house.now = MIDNIGHT
    assert house_agreements(policy=house.policy).on("night-desk", house.now).version == "night-desk/2026.1"


def test_the_database_itself_keeps_two_people_and_one_version_a_day(house: Day) -> None:
    row = proposed(house)
    rows = AgreementVersion.objects.filter(pk=row.pk)
    for wrong in ({"agreed_by": row.proposed_by, "agreed_at": house.now}, {"agreed_at": house.now}):
        with pytest.raises(IntegrityError), transaction.atomic():
            rows.update(**wrong)
    twin = proposed(house, by="P01", answer=hours(3))
    agreed(house, row)
    with pytest.raises(Refused, match="another now"):
        agreed(house, twin, by="L01")


def test_where_the_question_was_asked_tells_a_host_its_time(house: Day) -> None:
    """The notice leaves after midnight; its clocks are those of the version under which the unit was asked."""
    agreed(house, proposed(house, host_target=hours(3)))
    house.now = MIDNIGHT - hours(1)
    removals = house.traced(house.graded(house.public_report("http://img.example.net/1")), NORTH_RACK)
    house.contact_verified(removals)
    question = house.asked()
    house.now = MIDNIGHT + minutes(5)
    house.answered(question, words.GO_AHEAD)
    house.letters_leave()
    (removal,) = house.fresh(removals)
    assert removal.due_at == removal.t5_sent + hours(4)
