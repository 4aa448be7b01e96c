"""A partner's program reads the referrals handed to it, and nobody else's."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client

from openhotline.jobs.house import make_token
from openhotline.records.models import Removal
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


def read(token: str, query: str = "") -> tuple[int, dict[str, object], str]:
    response = Client().get(f"/api/v1/referrals{query}", headers={"Authorization": f"Bearer {token}"})
    return response.status_code, json.loads(response.content), response.content.decode()


def test_each_partner_reads_its_own_and_nothing_of_the_other(portal: Portal) -> None:
    for mine, other in portal.sides:
        status, page, text = read(make_token(mine.partner, at=portal.day.now))
        assert (status, page["count"]) == (200, 1)
        (row,) = page["referrals"]
        assert (row["reference"], row["their_reference"]) == (
            mine.referral.number,
            f"THEIRS-{mine.referral.number}",
        )
        (address,) = row["addresses"]
        assert (address["category"], address["state"]) == ("B", "with you")
        assert not [secret for secret in other.secrets if secret in text]


def test_gone_is_what_our_own_checks_see(portal: Portal) -> None:
    side = portal.north
    token = make_token(side.partner, at=portal.day.now)
    removals = list(
        Removal.objects.filter(referral_lines__referral=side.referral).select_related("item", "host")
    )
    portal.day.looked(removals)
    assert read(token)[1]["referrals"][0]["addresses"][0]["last_seen"] is not None
    portal.day.missed_until_gone(removals)
    assert read(token)[1]["referrals"][0]["addresses"][0]["state"] == "gone, as our own checks see it"


def test_a_page_has_limits_and_says_so(portal: Portal) -> None:
    token = make_token(portal.north.partner, at=portal.day.now)
    assert read(token, "?limit=1&offset=1")[1] == {"count": 1, "referrals": []}
    for odd in ("?limit=0", "?limit=1000", "?limit=x", "?offset=-1", "?limit=" + "9" * 400):
        status, answer, _ = read(token, odd)
        assert status == 400 and set(answer) == {"code", "sentence"}


def test_without_a_token_there_is_nothing() -> None:
    assert Client().get("/api/v1/referrals").status_code == 401
