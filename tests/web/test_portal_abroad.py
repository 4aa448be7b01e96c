"""The police desk's packages for abroad: the own unit's, opened by a press, acknowledged with a way; the desk sees both."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from openhotline.records.models import Item, Package, Referral, Removal, Unit, User
from openhotline.rules import words
from openhotline.settings import load
from openhotline.steps import package, refer
from tests.journeys.cast import FAR_HOST, Day
from tests.web.portal_cast import browser_of, open_portal, unlock

pytestmark = [pytest.mark.django_db, pytest.mark.urls("openhotline.web.portal.urls")]


@pytest.fixture
def day(tmp_path: Path) -> Iterator[Day]:
    with pytest.MonkeyPatch.context() as patch:
        unlock()
        day = Day()
        open_portal(patch, tmp_path, day)
        day.traced(day.graded(day.public_report("http://isle.example.org/q/1")), FAR_HOST)
        refer.refer_due(at=day.now)
        package.keep(
            Referral.objects.get().number,
            {"package.txt": b"one", "package.json": b"{}", "package.stix.json": b"[]"},
            at=day.now,
        )
        yield day
    load.cache_clear()


def test_only_the_own_unit_finds_it_and_only_once_it_has_left(day: Day) -> None:
    referral = Referral.objects.select_related("unit").get()
    mine = browser_of(day.people[f"officer {referral.unit.key}"])
    other = Unit.objects.exclude(pk=referral.unit_id).first()
    stranger = browser_of(day.people[f"officer {other.key}"])
    partner = browser_of(User.objects.create(username="p", pseudonym="P-1", role=words.PARTNER))
    page = f"/packages/{referral.number}"
    assert mine.get(page).status_code == 404, "a draft is nobody's but ours"
    day.letters_leave()
    assert {who.get(page).status_code for who in (stranger, partner)} == {404}
    assert stranger.post(f"{page}/package.txt").status_code == 404
    assert "Please acknowledge" in mine.get("/packages").content.decode()
    shown = mine.get(page).content.decode()
    assert "isle.example.org" not in shown, "facts are opened by a press, which is entered"
    taken = mine.post(f"{page}/package.txt")
    assert (taken.content, taken["Content-Disposition"]) == (
        b"one",
        f'attachment; filename="{referral.number}.txt"',
    )
    assert mine.post(f"{page}/package.exe").status_code == 422
    assert mine.post(f"{page}/acknowledge", {"channel": ""}).status_code == 422
    assert mine.post(f"{page}/acknowledge", {"channel": "interpol", "reference": "I-1"}).status_code == 303
    assert "by INTERPOL" in mine.get(page).content.decode()
    assert Package.objects.get().acknowledged_by == day.people[f"officer {referral.unit.key}"].pseudonym


def test_what_an_appeal_reversed_is_marked_in_the_package(day: Day) -> None:
    removal = Removal.objects.select_related("item").get()
    said = json.dumps({"addresses": [{"uid": "another"}, {"uid": str(removal.uid)}]}).encode()
    referral = Referral.objects.select_related("unit").get()
    package.keep(referral.number, {"package.json": said}, at=day.now)
    day.letters_leave()
    mine = browser_of(day.people[f"officer {referral.unit.key}"])
    page = f"/packages/{referral.number}"
    assert "Withdrawn on appeal" not in mine.get(page).content.decode()
    Item.objects.update(status="not illegal")
    assert "Withdrawn on appeal: number 2 of it" in mine.get(page).content.decode()
