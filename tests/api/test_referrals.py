"""A partner's program reads the referrals handed to it, and nobody else's."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client

from openhotline.jobs.house import make_token
from openhotline.records.models import Item, ReferralAction, Removal
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
    Item.objects.filter(removals__in=removals).update(status="not illegal")
    assert read(token)[1]["referrals"][0]["addresses"][0]["state"].startswith("withdrawn on appeal")


def test_a_page_has_limits_and_says_so(portal: Portal) -> None:
    token = make_token(portal.north.partner, at=portal.day.now)
    assert read(token, "?limit=1&offset=1")[1] == {"count": 1, "referrals": []}
    for odd in ("?limit=0", "?limit=1000", "?limit=x", "?offset=-1", "?limit=" + "9" * 400):
        status, answer, _ = read(token, odd)
        assert status == 400 and set(answer) == {"code", "sentence"}


def test_without_a_token_there_is_nothing() -> None:
    assert Client().get("/api/v1/referrals").status_code == 401


def act(token: str, number: str, *actions: dict[str, object]) -> tuple[int, dict[str, object]]:
    response = Client().post(
        f"/api/v1/referrals/{number}/actions",
        {"actions": list(actions)},
        content_type="application/json",
        headers={"Authorization": f"Bearer {token}"},
    )
    return response.status_code, json.loads(response.content)


def said(portal: Portal, uid: object, **more: object) -> dict[str, object]:
    return {"uid": str(uid), "id": "m1", "action": "removed", "done_at": portal.day.now.isoformat(), **more}


def test_a_partner_says_removed_and_is_told_that_our_own_checks_decide(portal: Portal) -> None:
    side = portal.north
    token = make_token(side.partner, at=portal.day.now)
    removal = Removal.objects.get(referral_lines__referral=side.referral)
    one = said(portal, removal.uid)
    status, told = act(token, side.referral.number, one)
    assert (status, told["actions"]) == (
        200,
        [{"uid": str(removal.uid), "id": "m1", "new": True, "counted": True, "state": "with you"}],
    )
    status, again = act(token, side.referral.number, one)
    assert (status, again["actions"][0]["new"]) == (200, False), "the same message is one"
    removal.refresh_from_db()
    assert removal.next_check_at == portal.day.now


def test_a_partner_speaks_for_its_own_referrals_only(portal: Portal) -> None:
    for mine, other in portal.sides:
        token = make_token(mine.partner, at=portal.day.now)
        theirs = Removal.objects.get(referral_lines__referral=other.referral)
        assert act(token, other.referral.number, said(portal, theirs.uid))[0] == 404
        status, fault = act(token, mine.referral.number, said(portal, theirs.uid))
        assert (status, fault["code"]) == (400, "uid")
        theirs.refresh_from_db()
        assert theirs.status == "referred"


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"action": "vanished"}, "action"),
        ({"action": "unavailable"}, "reason"),
        ({"action": "moved", "country": "?"}, "country"),
        ({"done_at": "2031-01-01T00:00:00Z"}, "time"),
        ({"done_at": "2026-05-12T08:00:00"}, "time"),
        ({"id": ""}, "field"),
        ({"done_at": "yesterday"}, "field"),
    ],
)
def test_a_bad_action_refuses_the_whole_message_and_files_nothing(
    portal: Portal, wrong: dict[str, object], code: str
) -> None:
    side = portal.north
    token = make_token(side.partner, at=portal.day.now)
    removal = Removal.objects.get(referral_lines__referral=side.referral)
    good = said(portal, removal.uid, action="accepted", id="m0")
    status, fault = act(token, side.referral.number, good, said(portal, removal.uid, **wrong))
    assert (status, fault["code"]) == (400, code)
    assert len(str(fault["sentence"])) > 20
    assert not ReferralAction.objects.exists()


def test_an_action_of_another_age_is_refused_and_the_referral_stays_readable(portal: Portal) -> None:
    side = portal.north
    token = make_token(side.partner, at=portal.day.now)
    for done_at in ("0001-01-01T00:00:00+14:00", "1989-12-31T23:59:59Z"):
        line = side.referral.lines.select_related("removal").first()
        action = {"uid": str(line.removal.uid), "id": "m-1", "action": "accepted", "done_at": done_at}
        response = Client().post(
            f"/api/v1/referrals/{side.referral.number}/actions",
            data=json.dumps({"actions": [action]}),
            content_type="application/json",
            headers={"Authorization": f"Bearer {token}"},
        )
        assert (response.status_code, response.json()["code"]) == (400, "time")
    assert not ReferralAction.objects.exists() and read(token)[0] == 200
