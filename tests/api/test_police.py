"""A unit's program reads its questions and answers them in an officer's name, and finds nothing of another unit."""

import json
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from django.test import Client

from openhotline.jobs.house import make_officer_token, revoke_officer_tokens
from openhotline.records.models import Answer, User
from openhotline.rules import words
from openhotline.settings import load
from tests.journeys.cast import Day, minutes
from tests.web.portal_cast import Portal, Side, open_portal, set_clock, two_of_everything, unlock

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


def token(portal: Portal, side: Side) -> str:
    officer = User.objects.get(role=words.OFFICER, unit=side.consultation.unit)
    return make_officer_token(officer.username, at=portal.day.now)


def call(secret: str, method: str, path: str, body: object = None) -> tuple[int, dict]:
    send = getattr(Client(), method)
    headers = {"Authorization": f"Bearer {secret}"}
    more = {"data": json.dumps(body), "content_type": "application/json"} if body is not None else {}
    response = send(f"/api/v1{path}", headers=headers, **more)
    return response.status_code, json.loads(response.content)


def test_each_unit_reads_its_own_questions_and_nothing_of_the_other(portal: Portal) -> None:
    for mine, other in portal.sides:
        secret = token(portal, mine)
        status, page = call(secret, "get", "/police/questions?waiting=false")
        assert status == 200
        assert mine.consultation.number in [row["number"] for row in page["questions"]]
        assert not [secret for secret in other.secrets if secret in json.dumps(page)]
        theirs = call(secret, "get", f"/police/questions/{other.consultation.number}")
        none = call(secret, "get", "/police/questions/P-26-9999-X")
        assert theirs == none
        assert theirs[0] == 404
        body = {"kind": words.GO_AHEAD}
        assert call(secret, "post", f"/police/questions/{other.consultation.number}/answers", body)[0] == 404
        given = Answer.objects.filter(consultation__unit=other.consultation.unit).latest("pk")
        assert call(secret, "post", f"/police/answers/{given.pk}/undo")[0] == 404


def test_an_answer_by_program_has_a_name_a_scope_and_a_minute(portal: Portal) -> None:
    side, secret = portal.north, token(portal, portal.north)
    path = f"/police/questions/{side.consultation.number}"
    uid = str(side.removals[0].uid)
    status, given = call(
        secret, "post", f"{path}/answers", {"kind": words.GO_AHEAD, "addresses": [uid], "reference": "NU 9"}
    )
    assert (status, given["addresses"], given["reference"]) == (200, [uid], "NU 9")
    assert given["by"] == User.objects.get(role=words.OFFICER, unit=side.consultation.unit).pseudonym
    status, undone = call(secret, "post", f"/police/answers/{given['id']}/undo")
    assert (status, bool(undone["undone_at"])) == (200, True)
    assert call(secret, "post", f"/police/answers/{given['id']}/undo")[0] == 400
    status, question = call(secret, "get", path)
    assert [answer["kind"] for answer in question["answers"]] == [words.GO_AHEAD]
    assert not any(address["answered"] for address in question["addresses"])


def test_refusals_are_sentences(portal: Portal) -> None:
    secret = token(portal, portal.north)
    path = f"/police/questions/{portal.north.consultation.number}/answers"
    for body, code in (
        ({"kind": "perhaps"}, "answer"),
        ({"kind": words.HOLD, "reason": "because"}, "reason"),
        ({"kind": words.GO_AHEAD, "addresses": [str(uuid4())]}, "scope"),
        ({"kind": words.PASS_ON, "unit": "nobody"}, "unit"),
        ({"kind": words.GO_AHEAD_AFTER, "reason": "covert work", "until": "2026-05-12T18:00:00"}, "time"),
        ({}, "field"),
    ):
        status, answered = call(secret, "post", path, body)
        assert (status, answered["code"]) == (400, code), body
        assert answered["sentence"].endswith((".", "is."))
    assert Answer.objects.filter(consultation=portal.north.consultation).count() == 0


def test_a_revoked_token_and_a_partners_token_open_nothing(portal: Portal) -> None:
    from openhotline.jobs.house import make_token

    secret = token(portal, portal.north)
    officer = User.objects.get(role=words.OFFICER, unit=portal.north.consultation.unit)
    assert revoke_officer_tokens(officer.username, at=portal.day.later(minutes(1))) == 1
    for wrong in (secret, make_token(portal.north.partner, at=portal.day.now), "x"):
        assert call(wrong, "get", "/police/questions")[0] == 401


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"kind": words.HOLD, "until": "9999-12-31T23:59:59-14:00", "reason": "covert work"}, "far"),
        ({"kind": words.GO_AHEAD, "valid_until": "9999-12-31T23:59:59-14:00"}, "far"),
        ({"kind": words.GO_AHEAD, "note": "half a character: \ud800"}, "text"),
    ],
)
def test_what_no_database_keeps_is_a_sentence_and_leaves_nothing_behind(
    portal: Portal, more: dict[str, str], code: str
) -> None:
    """PostgreSQL took the first of them, and could never read it again: neither the hold nor any sweep over holds."""
    path = f"/police/questions/{portal.north.consultation.number}/answers"
    before = Answer.objects.count()
    status, said = call(token(portal, portal.north), "post", path, more)
    assert (status, said["code"], Answer.objects.count()) == (400, code, before)


def test_an_address_with_a_nul_is_not_there_and_a_word_with_one_is_no_fault_of_ours(portal: Portal) -> None:
    secret, officer = token(portal, portal.north), portal.north.officer
    number = portal.north.consultation.number
    for path in ("/police/questions/%00", "/police/requests/%00"):
        assert call(secret, "get", path)[0] == 404
    body = {"kind": words.PASS_ON, "unit": "\x00"}
    assert call(secret, "post", f"/police/questions/{number}/answers", body)[0] == 400
    for path in ("/questions/%00", "/requests/%00", "/packages/%00"):
        assert officer.get(path).status_code == 404
    form = {"d": "other", "kind": words.PASS_ON, "unit": "\x00"}
    assert officer.post(f"/questions/{number}/answer", form).status_code == 422
