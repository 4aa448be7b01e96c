"""The desk writes a next version of an agreement, reads it, proposes it; the unit answers; a second person agrees."""

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from django.http import HttpResponse

from openhotline.records.agreements import house_agreements
from openhotline.records.models import AgreementReply, AgreementVersion
from openhotline.rules.agreement import AUTHORISE_FIRST
from openhotline.settings import load
from tests.journeys.cast import hours
from tests.web.desk_cast import Desk
from tests.web.portal_cast import browser_of, open_portal

pytestmark = [pytest.mark.django_db, pytest.mark.urls("openhotline.web.desk.urls")]
NEXT = "/agreements/authorise-first/next"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with pytest.MonkeyPatch.context() as patch:
        yield Desk(patch, tmp_path)
    load.cache_clear()


def shown(response: HttpResponse) -> str:
    return unescape(response.content.decode())


def typed(page: str) -> dict[str, list[str]]:
    """What a browser would send back of a page's form, as it stands."""
    values: dict[str, list[str]] = {}
    for tag in re.findall(r"<input [^>]*>", page):
        given = dict(re.findall(r'([a-z_-]+)="([^"]*)"', tag))
        ticked = given.get("type") not in ("radio", "checkbox") or "checked" in tag.split()[-1]
        if given.get("name") not in (None, "csrfmiddlewaretoken", "q", "year") and ticked:
            values.setdefault(given["name"], []).append(given.get("value", ""))
    for name, inner in re.findall(r'<select[^>]*name="([^"]*)"[^>]*>(.*?)</select>', page, re.DOTALL):
        values[name] = re.findall(r"<option selected>([^<]*)<", inner)
    for name, inner in re.findall(r'<textarea[^>]*name="([^"]*)"[^>]*>(.*?)</textarea>', page, re.DOTALL):
        values[name] = [inner]
    return values


def test_a_next_version_is_written_read_proposed_and_agreed_to(desk: Desk) -> None:
    lead, liaison, analyst = (desk.as_(name) for name in ("L01", "P01", "A07"))
    assert "Propose a new version" not in shown(analyst.get("/agreements"))
    assert analyst.get(NEXT).status_code == 403
    assert lead.get("/agreements/nothing/next").status_code == 404
    page = shown(lead.get(NEXT))
    values = typed(page)
    assert (values["answer"], values["answer_unit"], values["valid_from"]) == (
        ["2"],
        ["hours"],
        ["2026-05-13"],
    )
    assert values["classes"] == list(house_agreements(policy=desk.day.policy).standing(desk.day.now).classes)
    same = lead.post(NEXT, values | {"press": "preview"})
    assert (same.status_code, "Nothing is different" in shown(same)) == (422, True)
    values["answer"] = ["1"]
    preview = lead.post(NEXT, values | {"press": "preview"})
    text = shown(preview)
    assert preview.status_code == 200
    assert "1 thing changes against authorise-first/2026.1" in text
    assert "<ins>Within 1 hour. Then the unit's duty desk is rung.</ins>" in text
    assert "was: Within 2 hours." in text
    back = typed(shown(lead.post(NEXT, typed(text) | {"press": "change"})))
    assert back == values | {"why": [""]}, "nothing typed is lost on the way back"
    silent = lead.post(NEXT, typed(text) | {"press": "propose"})
    assert (silent.status_code, "Write down why" in shown(silent)) == (422, True)
    assert not AgreementVersion.objects.filter(proposed_by__isnull=False).exists()
    given = typed(text) | {"press": "propose", "why": "Talked over with the unit's head on 11 May."}
    assert lead.post(NEXT, given).status_code == 303
    (row,) = AgreementVersion.objects.filter(proposed_by__isnull=False)
    way = f"/agreements/versions/{row.pk}"
    assert "You proposed this." in shown(lead.get("/agreements"))
    assert lead.post(f"{way}/agree").status_code == 422
    assert analyst.post(f"{way}/agree").status_code == 403
    assert "1 proposed" in shown(liaison.get("/police"))
    assert "Talked over with the unit's head" in shown(liaison.get("/agreements"))
    assert "I agree: it begins on 13 May 2026" in shown(liaison.get("/agreements"))
    assert liaison.post(f"{way}/agree").status_code == 303
    assert "agreed to, comes into force" in shown(liaison.get("/agreements"))
    desk.day.later(hours(12))
    desk.sync()
    text = shown(analyst.get("/agreements"))
    assert "Within 1 hour." in text and "Earlier versions (1)" in text
    assert "Proposed by L01, agreed to by P01." in text
    assert liaison.post(f"{way}/withdraw", {"withdrawn_why": "x"}).status_code == 409


def test_every_field_that_cannot_be_read_has_its_sentence_and_keeps_what_was_typed(desk: Desk) -> None:
    lead = desk.as_("L01")
    values = typed(shown(lead.get(NEXT))) | {
        "answer": ["soon"],
        "valid_from": ["next week"],
        "hours": ["nine to five"],
        "preserve_days": [""],
        "order": [],
        "name": ["Ask first \x00"],
        "press": ["preview"],
    }
    answered = lead.post(NEXT, values)
    text = shown(answered)
    assert answered.status_code == 422
    assert "5 fields cannot be taken as they are." in text
    for field in ("answer", "valid_from", "hours", "preserve_days", "order"):
        assert f'id="e-{field}"' in text
    for kept in ('value="soon"', 'value="next week"', 'value="nine to five"', 'value="Ask first '):
        assert kept in text
    past = typed(shown(lead.get(NEXT))) | {
        "valid_from": ["2026-05-12"],
        "answer": ["1"],
        "press": ["propose"],
    }
    assert "Choose 2026-05-13 or a later day" in shown(lead.post(NEXT, past | {"why": ["x"]}))


def test_another_agreement_gets_a_key_of_its_own(desk: Desk) -> None:
    lead = desk.as_("L01")
    way = "/agreements/new/next"
    values = typed(shown(lead.get(way))) | {"name": ["Night desk"], "press": ["preview"]}
    for key, sentence in (
        (AUTHORISE_FIRST, "There is an agreement of this key"),
        ("Night Desk", "small letters"),
    ):
        refused = lead.post(way, values | {"key": [key], "press": ["propose"], "why": ["x"]})
        assert (refused.status_code, sentence in shown(refused)) == (422, True)
    values["key"] = ["night-desk"]
    assert "A new agreement." in shown(lead.post(way, values))
    assert lead.post(way, values | {"press": ["propose"], "why": ["A unit of the night."]}).status_code == 303
    assert AgreementVersion.objects.latest("pk").version == "night-desk/2026.1"


@pytest.mark.urls("openhotline.web.portal.urls")
def test_a_unit_reads_what_is_to_come_and_its_objection_is_answered(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        desk = Desk(patch, tmp_path)
        day = desk.day
        from tests.journeys.test_agreement_versions import agreed, proposed

        row = proposed(day)
        open_portal(patch, tmp_path, day)
        officer, neighbour = (browser_of(day.people[f"officer {key}"]) for key in ("NU", "EU"))
        text = shown(officer.get("/agreement"))
        assert "Authorise first, from 13 May 2026" in text and "was: Within 2 hours." in text
        assert "from 13 May 2026" not in shown(neighbour.get("/agreement"))
        way = f"/agreement/versions/{row.pk}"
        assert neighbour.post(way, {"press": "agrees"}).status_code == 404
        empty = officer.post(way, {"press": "objects", "text": " "})
        assert (empty.status_code, "Write what you object to" in shown(empty)) == (422, True)
        assert officer.post(way, {"press": "objects", "text": "Nobody is there."}).status_code == 303
        assert "Nobody is there." in shown(officer.get("/agreement"))
        assert AgreementReply.objects.get().unit.key == "NU"
        agreed(day, row, despite="The duty desk is.")
        assert "agreed to it against an objection: The duty desk is." in shown(officer.get("/agreement"))
        day.later(hours(12))
        open_portal(patch, tmp_path, day)
        text = shown(officer.get("/agreement"))
        assert "In force today" in text and "Within 1 hour." in text
        assert officer.post(way, {"press": "agrees"}).status_code == 422
    load.cache_clear()
