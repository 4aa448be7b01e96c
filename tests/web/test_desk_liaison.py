"""The liaison's pages: agreements for all, holds, requests and units to contact for the closed circle."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from openhotline.records.models import DigestMatch, PoliceRequest, Unit, UnitChange
from openhotline.rules import words
from openhotline.settings import load
from openhotline.steps import requests
from tests.journeys.cast import hours
from tests.web.desk_cast import Desk

pytestmark = [pytest.mark.django_db, pytest.mark.urls("openhotline.web.desk.urls")]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with pytest.MonkeyPatch.context() as patch:
        yield Desk(patch, tmp_path)
    load.cache_clear()


def held(desk: Desk) -> str:
    day = desk.day
    removals = day.traced(
        day.graded(day.public_report("http://img.example.net/h", "http://img.example.net/i"))
    )
    day.contact_verified(removals)
    consultation = day.asked()
    day.answered(consultation, words.HOLD, review_at=day.now + hours(5), reason="covert work")
    day.later(hours(3))
    desk.sync()
    return consultation.number


def test_agreements_are_read_by_everybody_and_a_year_is_reported(desk: Desk) -> None:
    number = held(desk)
    text = desk.as_("A07").get("/agreements").content.decode()
    assert "Authorise first" in text and "It is never consent" in text
    assert "1, about 2 addresses" in text
    assert number not in text, "figures, no questions"
    assert "No question was put in 2025" in desk.as_("A07").get("/agreements?year=2025").content.decode()
    for odd in ("xyz", "20260000", "9" * 5_000):
        assert desk.as_("A07").get("/agreements", {"year": odd}).status_code == 200


def test_a_hold_shows_whom_it_blocks_and_for_how_long_to_the_closed_circle_alone(desk: Desk) -> None:
    number = held(desk)
    text = desk.as_("P01").get("/holds").content.decode()
    for words_ in (
        "North Rack, 2 addresses",
        number,
        "covert work",
        "for 3 h",
        "the notice to North Rack",
        "not by itself",
    ):
        assert words_ in text
    refused = desk.as_("A07").get("/holds")
    assert refused.status_code == 403
    assert "covert work" not in refused.content.decode()


def test_a_request_gets_its_outcome_at_the_desk(desk: Desk) -> None:
    day = desk.day
    made = requests.ask(
        Unit.objects.get(key="NU"),
        kind="statement",
        text="On the trace of 12 May.",
        by=day.people["officer NU"].actor(),
        at=day.now,
        policy=day.policy,
    )
    beside = "Police requests</a> <span"
    assert beside in desk.as_("P01").get("/police").content.decode()
    assert beside not in desk.as_("A07").get("/police").content.decode()
    desk.sync()
    liaison = desk.as_("P01")
    assert made.number in liaison.get("/requests").content.decode()
    page = f"/requests/{made.number}"
    assert "On the trace of 12 May." in liaison.get(page).content.decode()
    assert desk.as_("A07").get(page).status_code == 403
    empty = liaison.post(f"{page}/outcome", {"outcome": "done", "text": ""})
    assert (empty.status_code, "Write what came of it" in empty.content.decode()) == (422, True)
    assert liaison.post(f"{page}/outcome", {"outcome": "done", "text": "Handed over."}).status_code == 303
    assert "Handed over." in liaison.get(page).content.decode()


def test_a_note_leaves_with_its_mark(desk: Desk) -> None:
    desk.sync()
    liaison = desk.as_("P01")
    assert liaison.post("/requests/note", {"unit": "EU", "text": "Seen.", "mark": ""}).status_code == 422
    assert (
        liaison.post("/requests/note", {"unit": "EU", "text": "Seen.", "mark": "ask-first"}).status_code
        == 303
    )
    made = PoliceRequest.objects.get()
    assert "ask the sender before any use" in liaison.get(f"/requests/{made.number}").content.decode()
    assert (
        liaison.post(f"/requests/{made.number}/outcome", {"outcome": "done", "text": "x"}).status_code == 403
    )


def test_units_to_contact_are_listed_and_pressed_once(desk: Desk) -> None:
    day = desk.day
    (item,) = day.public_report("http://img.example.net/m")
    match = DigestMatch.objects.create(unit=Unit.objects.get(key="EU"), item=item, at=day.now)
    desk.sync()
    liaison = desk.as_("P01")
    text = liaison.get("/matches").content.decode()
    assert item.ref in text and "Eastern regional unit" in text
    assert desk.as_("A07").get("/matches").status_code == 403
    assert liaison.post(f"/matches/{match.pk}/contacted").status_code == 303
    assert liaison.post(f"/matches/{match.pk}/contacted").status_code == 409


def test_units_and_their_table_are_changed_by_two_people_at_the_desk(desk: Desk) -> None:
    from openhotline.steps import units

    units.load_first(policy=desk.day.policy)
    desk.sync()
    liaison, lead, analyst = desk.as_("P01"), desk.as_("L01"), desk.as_("A07")
    assert "National unit" in analyst.get("/units").content.decode()
    assert "Propose another table" not in analyst.get("/units").content.decode()
    assert (
        liaison.post("/units/new", {"key": "NU", "hours": "Mon-Sun 07:00-23:00", "why": ""}).status_code
        == 422
    )
    assert (
        analyst.post("/units/new", {"key": "NU", "hours": "Mon-Sun 07:00-23:00", "why": "x"}).status_code
        == 403
    )
    assert (
        liaison.post(
            "/units/new", {"key": "NU", "hours": "Mon-Sun 07:00-23:00", "why": "they told us"}
        ).status_code
        == 303
    )
    assert "they told us" in lead.get("/units/NU").content.decode()
    (pk,) = UnitChange.objects.values_list("pk", flat=True)
    assert liaison.post(f"/units/changes/{pk}/confirm").status_code in (409, 422)
    assert lead.post(f"/units/changes/{pk}/confirm").status_code == 303
    assert Unit.objects.get(key="NU").hours == "Mon-Sun 07:00-23:00"
    bad = liaison.post("/units/rules", {"rules": "NU | | |", "why": "x"})
    assert (bad.status_code, "Line 1 has 4 parts" in bad.content.decode()) == (422, True)
    table = (
        "AU | obscene-adult, extreme | | | | special\nEU | | 64501, 64500 | | | east\nNU | | | | | the rest"
    )
    assert liaison.post("/units/rules", {"rules": table, "why": "primacy moved"}).status_code == 303
    change = UnitChange.objects.latest("pk")
    assert "Line put in" in lead.get("/units").content.decode()
    assert lead.post(f"/units/changes/{change.pk}/withdraw").status_code == 303


def test_a_hosts_place_is_proposed_on_its_page_and_agreed_to_with_the_units(desk: Desk) -> None:
    from openhotline.records.models import Host

    desk.sync()
    liaison, lead, analyst = desk.as_("P01"), desk.as_("L01"), desk.as_("A07")
    Unit.objects.filter(key="EU").update(areas="Marsh county")
    host = Host.objects.create(
        key="AS64599:rack", name="Rack", asn=64599, country="GB", first_seen=desk.day.now
    )
    where = f"/hosts/{host.pk}"
    assert "Where it stands" in liaison.get(where).content.decode()
    assert "How it is known" not in analyst.get(where).content.decode()
    form = {"area": "Marsh county", "place_why": "its register"}
    assert analyst.post(f"{where}/place", form).status_code == 403
    assert liaison.post(f"{where}/place", form | {"place_why": ""}).status_code == 422
    assert liaison.post(f"{where}/place", form).status_code == 303
    assert "a second person agrees" in liaison.get(where).content.decode()
    assert "Rack: a change waits" in lead.get("/units").content.decode()
    assert lead.post(f"/units/changes/{UnitChange.objects.get().pk}/confirm").status_code == 303
    host.refresh_from_db()
    assert host.area == "Marsh county"
