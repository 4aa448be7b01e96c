"""A partner hotline says on its own page what it did; a scanner's GET says nothing."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client

from openhotline.records.models import ReferralAction, Removal
from openhotline.settings import load
from tests.journeys.cast import Day
from tests.web.portal_cast import Portal, open_portal, set_clock, two_of_everything, unlock

pytestmark = [pytest.mark.django_db, pytest.mark.urls("openhotline.web.portal.urls")]


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    with pytest.MonkeyPatch.context() as patch:
        unlock()
        day = Day()
        open_portal(patch, tmp_path, day)
        made = two_of_everything(day)
        set_clock(day)
        yield made
    load.cache_clear()


def removal_of(portal: Portal) -> Removal:
    return Removal.objects.get(referral_lines__referral=portal.north.referral)


def test_unavailable_with_its_reason_is_filed_once_however_often_the_button_is_pressed(
    portal: Portal,
) -> None:
    browser: Client = portal.north.partner_desk
    number, removal = portal.north.referral.number, removal_of(portal)
    form = {"line": [str(removal.uid)], "action": "unavailable", "reason": "password", "message": "portal-1"}
    for _ in range(2):
        response = browser.post(f"/referrals/{number}/actions", form)
        assert (response.status_code, response["Location"]) == (303, f"/referrals/{number}")
    assert ReferralAction.objects.count() == 1
    page = browser.get(f"/referrals/{number}").content.decode()
    assert "Unavailable to us" in page
    assert "It is behind a password." in page
    assert "Not reached by you; we look again" in page


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"action": "removed"}, "Tick the addresses you mean."),
        ({"action": "", "line": "own"}, "is no action"),
        ({"action": "not illegal there", "line": "own", "text": "kept words"}, "Say why"),
    ],
)
def test_what_cannot_be_taken_is_said_on_the_page_and_what_was_typed_stays(
    portal: Portal, form: dict[str, str], sentence: str
) -> None:
    removal = removal_of(portal)
    typed = {key: str(removal.uid) if value == "own" else value for key, value in form.items()}
    response = portal.north.partner_desk.post(f"/referrals/{portal.north.referral.number}/actions", typed)
    page = response.content.decode()
    assert response.status_code == 422
    assert sentence in page
    assert form.get("text", "") in page
    assert not ReferralAction.objects.exists()


def test_nobody_else_may_speak_there_and_a_get_says_nothing(portal: Portal) -> None:
    number, removal = portal.north.referral.number, removal_of(portal)
    form = {"line": [str(removal.uid)], "action": "removed"}
    assert portal.east.partner_desk.post(f"/referrals/{number}/actions", form).status_code == 404
    assert portal.north.officer.post(f"/referrals/{number}/actions", form).status_code == 404
    assert portal.north.partner_desk.get(f"/referrals/{number}/actions").status_code == 405
    assert not ReferralAction.objects.exists()
