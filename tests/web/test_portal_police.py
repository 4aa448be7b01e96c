"""The police desk: an officer reads one question on one screen and answers it in one or two presses."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from openhotline.records.models import (
    Alarm,
    Answer,
    Consultation,
    Hold,
    Notice,
    Removal,
    Unit,
    UnitChange,
    User,
)
from openhotline.rules import removal_path, words
from openhotline.rules.refusals import Refused
from openhotline.settings import load
from openhotline.steps import units
from tests.journeys.cast import NORTH_RACK, Day, hours, minutes
from tests.web.portal_cast import asked, browser_of, noticed, open_portal, set_clock, unlock

pytestmark = [pytest.mark.django_db, pytest.mark.urls("openhotline.web.portal.urls")]


@pytest.fixture
def day(tmp_path: Path) -> Iterator[Day]:
    with pytest.MonkeyPatch.context() as patch:
        unlock()
        day = Day()
        open_portal(patch, tmp_path, day)
        yield day
    load.cache_clear()


@pytest.fixture
def officer(day: Day) -> Client:
    return browser_of(User.objects.get(role=words.OFFICER, unit__key="NU"))


def statuses(removals: list[Removal]) -> set[str]:
    return set(
        Removal.objects.filter(pk__in=[removal.pk for removal in removals]).values_list("status", flat=True)
    )


def page(client: Client, consultation: Consultation, query: str = "") -> str:
    return client.get(reverse("question", args=[consultation.number]) + query).content.decode()


def press(client: Client, consultation: Consultation, **form: object) -> int:
    return client.post(reverse("answer", args=[consultation.number]), form).status_code


def test_the_inbox_opens_on_the_question_with_least_time_left(day: Day, officer: Client) -> None:
    first, _ = asked(day, "first", NORTH_RACK)
    second, _ = asked(day, "second", NORTH_RACK)
    set_clock(day)
    text = officer.get("/").content.decode()
    assert f'<b class="num id">{first.number}</b>' in text
    assert second.number in text
    assert "2 need a decision" in text


def test_the_sheet_says_what_where_and_until_when_without_a_picture(day: Day, officer: Client) -> None:
    consultation, _ = asked(day, "sheet", NORTH_RACK, 3)
    set_clock(day)
    text = page(officer, consultation)
    for fact in (
        "Category B",
        "Two readers agree",
        "United Kingdom",
        "3 of 3 trace methods agree",
        "North Rack",
        "AS64500",
    ):
        assert fact in text
    assert "hxxps://sheet.example[.]org/s/000" in text
    assert "https://sheet.example.org" not in text
    assert "No answer by" in text and "we ring your duty desk" in text
    assert "1 h" in text or "2 h" in text
    assert "<img" not in text and "<video" not in text
    assert text.count("<script") == 1 and "desk.js" in text, "only our own keys"


def test_go_ahead_is_one_press(day: Day, officer: Client) -> None:
    consultation, removals = asked(day, "go", NORTH_RACK, 3)
    set_clock(day)
    response = officer.post(
        reverse("answer", args=[consultation.number]), {"d": "go", "reference": "OP 7"}, follow=True
    )
    assert response.status_code == 200
    assert statuses(removals) == {removal_path.CLEARED}
    answer = Answer.objects.get(consultation=consultation)
    assert (answer.kind, answer.reference, answer.lines.count()) == (words.GO_AHEAD, "OP 7", 3)
    text = response.content.decode()
    assert "Recorded" in text and "What happens next" in text and "3 addresses" in text and "OP 7" in text


def test_a_second_press_records_nothing_twice(day: Day, officer: Client) -> None:
    consultation, _ = asked(day, "twice", NORTH_RACK)
    set_clock(day)
    assert press(officer, consultation, d="go") == 303
    assert press(officer, consultation, d="go") == 422
    assert Answer.objects.filter(consultation=consultation).count() == 1


def test_a_hold_is_a_reason_and_a_press_with_a_time_chosen_already(day: Day, officer: Client) -> None:
    consultation, removals = asked(day, "hold", NORTH_RACK)
    set_clock(day)
    text = page(officer, consultation)
    chosen = re.search(r'name="t" value="([^"]+)" checked', text)
    assert chosen, "one time is chosen before the officer touches anything"
    assert press(officer, consultation, d="hold", t=chosen[1], why="arrest or search planned") == 303
    assert statuses(removals) == {removal_path.HELD}
    hold = Hold.objects.filter(removal=removals[0]).get()
    assert hold.until and day.now < hold.until <= day.now + hours(72)
    assert "On hold by your unit" in page(officer, consultation)


def test_a_hold_without_a_reason_is_a_sentence_and_keeps_what_was_chosen(day: Day, officer: Client) -> None:
    consultation, removals = asked(day, "noreason", NORTH_RACK)
    set_clock(day)
    response = officer.post(
        reverse("answer", args=[consultation.number]),
        {"d": "hold", "t": "open", "why": "", "reference": "OP 9"},
    )
    text = response.content.decode()
    assert response.status_code == 422
    assert "Choose a reason for the hold" in text and 'value="open" checked' in text and "OP 9" in text
    assert statuses(removals) == {removal_path.ASKED}


def test_a_hold_has_an_end_within_the_agreement(day: Day, officer: Client) -> None:
    consultation, removals = asked(day, "long", NORTH_RACK)
    set_clock(day)
    for until in (day.now + hours(100), day.now - hours(1)):
        assert press(officer, consultation, d="hold", t=until.isoformat(), why="other") == 422
    for odd in ("", "soon", "2026-13-45T99:99", "9999-12-31T23:59"):
        assert press(officer, consultation, d="hold", t="o", until=odd, why="other") == 422
    assert statuses(removals) == {removal_path.ASKED}
    assert press(officer, consultation, d="hold", t="open", why="covert work") == 303
    assert Hold.objects.get(removal=removals[0]).until is None


def test_a_time_in_the_night_of_the_clocks_is_never_guessed(day: Day, officer: Client) -> None:
    """25 October 2026: at 02:00 the clock goes back to 01:00. 28 March 2027: at 01:00 it goes on to 02:00."""
    day.now = datetime(2026, 10, 24, 20, tzinfo=UTC)
    consultation, removals = asked(day, "back", NORTH_RACK)
    set_clock(day)
    where = reverse("answer", args=[consultation.number])
    form = {"d": "hold", "t": "o", "until": "2026-10-25T01:30", "why": "other"}
    response = officer.post(where, form)
    text = response.content.decode()
    assert response.status_code == 422
    assert "comes twice" in text and "01:30 BST tomorrow" in text and "01:30 GMT tomorrow" in text
    assert statuses(removals) == {removal_path.ASKED}
    second = "2026-10-25T01:30:00+00:00"
    assert f'value="{second}"' in text
    assert press(officer, consultation, **(form | {"t": second})) == 303
    assert Hold.objects.get(removal=removals[0]).until == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert "01:30 GMT" in page(officer, consultation)
    day.now = datetime(2027, 3, 27, 20, tzinfo=UTC)
    consultation, removals = asked(day, "on", NORTH_RACK)
    set_clock(day)
    other = {"d": "other", "kind": "go-ahead-after", "after": "2027-03-28T01:30", "after_why": "other"}
    response = officer.post(reverse("answer", args=[consultation.number]), other)
    assert (response.status_code, "there is no 01:30" in response.content.decode()) == (422, True)
    assert press(officer, consultation, **(other | {"after": "2027-03-28T02:30"})) == 303
    assert Hold.objects.get(removal=removals[0]).until == datetime(2027, 3, 28, 1, 30, tzinfo=UTC)


def test_evidence_wanted_goes_ahead_with_conditions(day: Day, officer: Client) -> None:
    consultation, removals = asked(day, "evidence", NORTH_RACK)
    set_clock(day)
    assert press(officer, consultation, d="evidence", want=["headers", "payment", "statement"]) == 303
    answer = Answer.objects.get(consultation=consultation)
    assert answer.kind == words.EVIDENCE_WANTED
    assert set(answer.conditions) == {words.EVIDENCE_WANTED, words.STATEMENT_WANTED}
    assert "payment details" in answer.note
    assert statuses(removals) == {removal_path.CLEARED}


def test_evidence_with_a_warrant_waits_a_day(day: Day, officer: Client) -> None:
    consultation, removals = asked(day, "warrant", NORTH_RACK)
    set_clock(day)
    assert press(officer, consultation, d="evidence", want=["warrant"]) == 303
    answer = Answer.objects.get(consultation=consultation)
    assert (answer.kind, answer.until) == (words.GO_AHEAD_AFTER, day.now + timedelta(hours=24))
    assert words.EVIDENCE_WANTED in answer.conditions
    assert statuses(removals) == {removal_path.HELD}


@pytest.mark.parametrize(
    ("kind", "more", "status"),
    [
        ("no-interest", {}, removal_path.CLEARED),
        ("statement-wanted", {}, removal_path.CLEARED),
        ("refuse", {}, removal_path.HELD),
        ("go-ahead-after", {"after": "2026-05-13T09:00", "after_why": "covert work"}, removal_path.HELD),
        ("pass-on", {"unit": "EU"}, removal_path.ASKED),
    ],
)
def test_the_other_answers(day: Day, officer: Client, kind: str, more: dict[str, str], status: str) -> None:
    consultation, removals = asked(day, "other", NORTH_RACK)
    set_clock(day)
    assert press(officer, consultation, d="other", kind=kind, **more) == 303
    assert Answer.objects.get(consultation=consultation).kind == kind
    assert statuses(removals) == {status}


def test_what_was_passed_on_is_the_other_units_alone(day: Day, officer: Client) -> None:
    consultation, removals = asked(day, "passed", NORTH_RACK)
    set_clock(day)
    press(officer, consultation, d="other", kind="pass-on", unit="EU")
    other = browser_of(User.objects.get(role=words.OFFICER, unit__key="EU"))
    theirs = Consultation.objects.get(passed_from=consultation)
    assert theirs.due_at == consultation.due_at
    assert press(officer, consultation, d="go") == 422
    assert "passed to another unit" in page(officer, consultation) or "Nothing is left" in page(
        officer, consultation
    )
    assert press(other, theirs, d="hold", t="open", why="covert work") == 303
    assert press(officer, consultation, d="go") == 422
    assert statuses(removals) == {removal_path.HELD}
    assert "on hold" not in page(officer, consultation).split("All addresses")[-1]


def test_passed_on_from_now_on_is_proposed_with_the_answer_or_neither_is(day: Day, officer: Client) -> None:
    consultation, _ = asked(day, "fromnow", NORTH_RACK)
    set_clock(day)
    form = {"d": "other", "kind": "pass-on", "unit": "EU", "from_now_on": "1", "note": "their county"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(units, "propose_reroute", _refuses)
        assert press(officer, consultation, **form) == 422
    assert not Answer.objects.exists()
    assert press(officer, consultation, **form) == 303
    change = UnitChange.objects.get()
    assert (change.unit.key, change.after[0]["unit"], change.after[0]["asns"]) == ("NU", "EU", [64500])


def _refuses(*_: object, **__: object) -> None:
    raise Refused("Not now.", code="x")


def test_the_steps_themselves_refuse_an_answer_about_what_was_passed_on(day: Day) -> None:
    from openhotline.rules.refusals import Refused
    from openhotline.steps import answer

    consultation, removals = asked(day, "steps", NORTH_RACK)
    by = day.officer_of(consultation)
    answer.record(
        consultation,
        kind=words.PASS_ON,
        by=by,
        at=day.now,
        policy=day.policy,
        pass_to=Unit.objects.get(key="EU"),
    )
    with pytest.raises(Refused, match="left to answer"):
        answer.record(consultation, kind=words.GO_AHEAD, by=by, at=day.now, policy=day.policy)
    assert statuses(removals) == {removal_path.ASKED}


def test_one_by_one_answers_only_for_what_is_ticked(day: Day, officer: Client) -> None:
    consultation, removals = asked(day, "some", NORTH_RACK, 3)
    set_clock(day)
    assert page(officer, consultation, "?some=1").count('name="one"') == 3
    assert press(officer, consultation, d="go", some="1") == 422
    assert (
        press(officer, consultation, d="hold", t="open", why="other", some="1", one=[str(removals[1].uid)])
        == 303
    )
    assert [r.status for r in day.fresh(removals)] == [
        removal_path.ASKED,
        removal_path.HELD,
        removal_path.ASKED,
    ]
    consultation.refresh_from_db()
    assert consultation.answered_at is None
    assert press(officer, consultation, d="go") == 303
    assert [r.status for r in day.fresh(removals)] == [
        removal_path.CLEARED,
        removal_path.HELD,
        removal_path.CLEARED,
    ]


def test_somebody_elses_removal_cannot_be_ticked(day: Day, officer: Client) -> None:
    consultation, removals = asked(day, "mine", NORTH_RACK)
    _, others = asked(day, "theirs", ("Quay Data", 64501, "192.0.2.180", "GB"))
    set_clock(day)
    before = statuses(others)
    assert press(officer, consultation, d="go", some="1", one=[str(others[0].uid)]) == 422
    assert (statuses(removals), statuses(others)) == ({removal_path.ASKED}, before)


def test_433_addresses_fit_and_are_answered_in_one_press(day: Day, officer: Client) -> None:
    consultation, removals = asked(day, "bundle", NORTH_RACK, 433)
    set_clock(day)
    text = page(officer, consultation)
    assert "433" in text and "all 433 addresses" in text and 'class="bundle"' in text
    assert press(officer, consultation, d="go") == 303
    assert statuses(removals) == {removal_path.CLEARED}


def test_the_holds_page_ends_a_hold_or_keeps_it(day: Day, officer: Client) -> None:
    consultation, removals = asked(day, "holds", NORTH_RACK)
    set_clock(day)
    press(officer, consultation, d="hold", t="open", why="covert work", reference="OP 3")
    text = officer.get(reverse("holds")).content.decode()
    assert consultation.number in text and "covert work" in text and "OP 3" in text
    (of,) = set(re.findall(r'name="of" value="(\d+)"', text))
    day.later(hours(1))
    set_clock(day)
    assert press(officer, consultation, d="hold", t="open", why="other", of=of, back="holds") == 303
    renewed = Hold.objects.get(removal=removals[0], released_at=None)
    assert renewed.reason == "other" and renewed.review_at > day.now + hours(71)
    text = officer.get(reverse("holds")).content.decode()
    (of,) = set(re.findall(r'name="of" value="(\d+)"', text))
    assert press(officer, consultation, d="go", of=of, back="holds") == 303
    assert not Hold.objects.filter(released_at=None).exists()
    assert statuses(removals) == {removal_path.CLEARED}
    assert "Your unit holds nothing" in officer.get(reverse("holds")).content.decode()


def test_a_hold_after_the_notice_left_is_still_possible(day: Day, officer: Client) -> None:
    notice, removals = noticed(day, "late", NORTH_RACK)
    set_clock(day)
    consultation = Consultation.objects.get(lines__removal=removals[0])
    text = page(officer, consultation)
    assert "Not yet: put it on hold" in text and "What the host has read cannot be taken back" in text
    assert press(officer, consultation, d="hold", t="open", why="covert work") == 303
    assert statuses(removals) == {removal_path.NOTICED}
    assert Hold.objects.filter(removal__in=removals, released_at=None).count() == 2
    assert Notice.objects.get(pk=notice.pk).withdrawn_at is None


def test_a_unit_that_is_told_and_not_asked_reads_so_and_can_still_hold(day: Day) -> None:
    Unit.objects.filter(key="EU").update(agreement="notify-together")
    consultation, removals = asked(day, "told", ("Quay Data", 64501, "192.0.2.180", "GB"))
    set_clock(day)
    officer = browser_of(User.objects.get(role=words.OFFICER, unit__key="EU"))
    assert statuses(removals) == {removal_path.CLEARED}
    text = page(officer, consultation)
    assert "For your information: the host is asked now" in text and "May we ask" not in text
    assert "Told, for information" in officer.get(reverse("lists")).content.decode()
    assert press(officer, consultation, d="go") == 422
    assert press(officer, consultation, d="hold", t="open", why="covert work") == 303
    assert statuses(removals) == {removal_path.HELD}


def test_silence_is_said_in_words_before_and_after(day: Day, officer: Client) -> None:
    from openhotline.steps import escalate

    consultation, _ = asked(day, "silent", NORTH_RACK)
    day.later(hours(3))
    escalate.police_silence(policy=day.policy, at=day.now)
    set_clock(day)
    text = page(officer, consultation)
    assert "We ring your duty desk" in text and "leads of both sides" in text and "OVERDUE" not in text
    assert press(officer, consultation, d="go") == 303


def test_an_alarm_is_listed_and_acknowledged(day: Day, officer: Client) -> None:
    from openhotline.steps import alarm

    _, removals = asked(day, "alarm", NORTH_RACK)
    raised = alarm.raise_alarm(removals[0].item, policy=day.policy, by=day.who("A07"), at=day.now)
    set_clock(day)
    text = officer.get(reverse("alarms")).content.decode()
    assert raised.item.ref in text and "hxxps://alarm.example[.]org" in text
    assert officer.post(reverse("acknowledge", args=[raised.pk]), {"reference": "CAD 12"}).status_code == 303
    raised.refresh_from_db()
    assert (raised.reference, raised.acknowledged_by) == ("CAD 12", "NU-2")
    assert officer.post(reverse("acknowledge", args=[raised.pk])).status_code == 409
    assert Alarm.objects.count() == 1


def test_no_get_changes_anything(day: Day, officer: Client) -> None:
    consultation, removals = asked(day, "get", NORTH_RACK)
    set_clock(day)
    url = reverse("answer", args=[consultation.number])
    assert officer.get(url + "?d=go").status_code == 405
    assert officer.head(url).status_code == 405
    page(officer, consultation, "?d=go&some=1&done=1")
    assert statuses(removals) == {removal_path.ASKED}
    assert not Answer.objects.exists()


def test_a_press_from_another_site_is_refused(day: Day) -> None:
    consultation, removals = asked(day, "csrf", NORTH_RACK)
    set_clock(day)
    strict = browser_of(User.objects.get(role=words.OFFICER, unit__key="NU"))
    strict.handler.enforce_csrf_checks = True
    assert press(strict, consultation, d="go") == 403
    assert statuses(removals) == {removal_path.ASKED}


def test_an_answer_is_taken_back_with_one_press_while_its_minute_runs(day: Day, officer: Client) -> None:
    consultation, removals = asked(day, "undo", NORTH_RACK, 2)
    set_clock(day)
    url = reverse("question", args=[consultation.number])
    officer.post(reverse("answer", args=[consultation.number]), {"d": "go"})
    text = officer.get(f"{url}?done=1").content.decode()
    assert "Take it back, 60 s left" in text
    given = consultation.answers.get()
    undo = reverse("undo-answer", args=[consultation.number, given.pk])
    assert officer.get(undo).status_code == 405, "a look changes nothing"
    assert officer.post(undo).status_code == 303
    assert {removal.status for removal in day.fresh(removals)} == {"asked"}
    text = officer.get(url).content.decode()
    assert "Taken back at" in text and "May we ask the host" in text
    officer.post(reverse("answer", args=[consultation.number]), {"d": "go"})
    day.later(minutes(2))
    set_clock(day)
    assert "Take it back" not in officer.get(url).content.decode()
    late = officer.post(
        reverse("undo-answer", args=[consultation.number, consultation.answers.latest("pk").pk])
    )
    assert late.status_code == 422
    assert "The minute to take it back is over" in late.content.decode()


def test_a_go_ahead_may_have_an_end(day: Day, officer: Client) -> None:
    consultation, _ = asked(day, "valid", NORTH_RACK, 1)
    set_clock(day)
    form = {"d": "other", "kind": "go-ahead", "valid": "2026-05-13T09:00"}
    assert officer.post(reverse("answer", args=[consultation.number]), form).status_code == 303
    assert consultation.answers.get().valid_until is not None
    assert "Valid until" in officer.get(reverse("question", args=[consultation.number])).content.decode()


def test_single_keys_are_printed_on_what_they_press_and_can_be_turned_off(day: Day, officer: Client) -> None:
    consultation, _ = asked(day, "keys", NORTH_RACK, 1)
    set_clock(day)
    text = page(officer, consultation)
    for key in "GHEO":
        assert f'data-key="{key}"' in text
        assert f'<span class="kbd" aria-hidden="true">{key}</span>' in text
    assert officer.post(reverse("single-keys"), {"keys": "off"}).status_code == 303
    assert 'data-keys="off"' in page(officer, consultation)
