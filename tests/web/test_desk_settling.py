"""What only people settle: a silent unit (two of them) and a letter in doubt."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from openhotline.outbox import claims, queue, settling
from openhotline.outbox.models import IN_DOUBT, PENDING, Letter
from openhotline.rules import words
from openhotline.rules.words import MACHINE_WORKER
from openhotline.settings import load
from openhotline.steps import escalate, tell
from tests.journeys.cast import hours
from tests.web.desk_cast import Desk

pytestmark = [pytest.mark.django_db, pytest.mark.urls("openhotline.web.desk.urls")]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with pytest.MonkeyPatch.context() as patch:
        yield Desk(patch, tmp_path)
    load.cache_clear()


def silent(desk: Desk) -> str:
    """A question on which the unit has stayed silent. Returns its number."""
    day = desk.day
    removals = day.traced(day.graded(day.public_report("http://img.example.net/h")))
    day.contact_verified(removals)
    consultation = day.asked()
    day.later(hours(2))
    escalate.police_silence(policy=day.policy, at=day.now)
    desk.sync()
    return consultation.number


def test_one_proposes_another_agrees_and_only_then_does_it_move(desk: Desk) -> None:
    number = silent(desk)
    page = f"/police/{number}"
    liaison, lead, analyst = desk.as_("P01"), desk.as_("L01"), desk.as_("A07")
    assert "Propose: go ahead" in liaison.get(page).content.decode()
    assert "Propose: go ahead" not in analyst.get(page).content.decode()

    empty = liaison.post(f"{page}/silence", {"outcome": "clear", "why": " "})
    assert empty.status_code == 422
    assert "Write down why" in empty.content.decode()
    assert analyst.post(f"{page}/silence", {"outcome": "clear", "why": "x"}).status_code == 403
    assert (
        liaison.post(f"{page}/silence", {"outcome": "clear", "why": "a child may be at risk"}).status_code
        == 303
    )

    own = liaison.post(f"{page}/silence/confirm")
    assert own.status_code in (409, 422)
    assert "second person" in own.content.decode()
    assert "I agree" in lead.get(page).content.decode()
    assert lead.post(f"{page}/silence/confirm").status_code == 303
    desk.day.letters_leave()
    assert desk.day.notices_sent() == 1
    assert lead.post(f"{page}/silence/confirm").status_code == 404, "it is settled"


def test_a_proposal_is_taken_back_or_declined_at_the_desk(desk: Desk) -> None:
    number = silent(desk)
    page = f"/police/{number}"
    liaison, lead = desk.as_("P01"), desk.as_("L01")
    liaison.post(f"{page}/silence", {"outcome": "clear", "why": "too early"})
    assert "Take my proposal back" in liaison.get(page).content.decode()
    assert "Decline it" in lead.get(page).content.decode()
    assert desk.as_("A07").post(f"{page}/silence/withdraw").status_code == 403
    assert lead.post(f"{page}/silence/withdraw").status_code == 303
    assert "Propose: go ahead" in liaison.get(page).content.decode()
    assert lead.post(f"{page}/silence/confirm").status_code == 404


def test_a_refused_referral_is_tried_again_at_the_desk(desk: Desk) -> None:
    from openhotline.records.models import Partner
    from openhotline.steps import refer
    from tests.journeys.cast import CANAL_HOST

    day = desk.day
    Partner.objects.create(
        key="hotline-nl", name="partner", kind="hotline", country="NL", url="http://nl.test"
    )
    day.traced(day.graded(day.public_report("http://img.example.net/r")), CANAL_HOST)
    (referral,) = refer.refer_due(at=day.now)
    (letter,) = claims.claim("partner", at=day.now, by=MACHINE_WORKER, guard=lambda _: b"frozen")
    refer.bounced(letter, why="no such case type", at=day.now)
    desk.sync()
    page = f"/referrals/{referral.number}"
    assert "Refused; open it" in desk.as_("P01").get("/referrals").content.decode()
    assert "Try again" not in desk.as_("A07").get(page).content.decode()
    assert "no such case type" in desk.as_("P01").get(page).content.decode()
    assert desk.as_("A07").post(f"{page}/again").status_code == 403
    assert desk.as_("P01").post(f"{page}/again").status_code == 303
    assert Letter.objects.get(pk=letter.pk).state == PENDING
    assert desk.as_("P01").post(f"{page}/again").status_code == 422, "it waits to leave already"


def in_doubt(desk: Desk) -> Letter:
    """A notice whose line broke after its last byte had left."""
    day = desk.day
    removals = day.traced(day.graded(day.public_report("http://img.example.net/j")))
    day.contact_verified(removals)
    day.answered(day.asked(), words.GO_AHEAD)
    day.minute_over()
    (letter,) = claims.claim(
        "mail", at=day.now, by=MACHINE_WORKER, kinds=["notice"], guard=lambda _: b"frozen bytes"
    )
    settling.in_doubt(letter, why="The line broke.", by=MACHINE_WORKER, at=day.now)
    desk.sync()
    return letter


def test_a_letter_that_arrived_counts_from_now_on_as_sent(desk: Desk) -> None:
    letter = in_doubt(desk)
    analyst, lead = desk.as_("A07"), desk.as_("L01")
    assert f"/outbox/{letter.pk}" in lead.get("/outbox?state=in+doubt").content.decode()
    assert "It arrived" not in analyst.get(f"/outbox/{letter.pk}").content.decode()
    assert analyst.post(f"/outbox/{letter.pk}", {"arrived": "yes"}).status_code == 403
    assert lead.post(f"/outbox/{letter.pk}", {"arrived": "perhaps"}).status_code == 422
    assert lead.post(f"/outbox/{letter.pk}", {"arrived": "yes"}).status_code == 303
    letter.refresh_from_db()
    assert letter.state == "sent"
    assert desk.day.notices_sent() == 1


def test_a_letter_that_did_not_arrive_leaves_again_byte_for_byte(desk: Desk) -> None:
    letter = in_doubt(desk)
    assert letter.state == IN_DOUBT
    assert desk.as_("P01").post(f"/outbox/{letter.pk}", {"arrived": "no"}).status_code == 303
    letter.refresh_from_db()
    assert letter.state == PENDING
    assert bytes(letter.body) == b"frozen bytes"


def test_a_refused_letter_leaves_again_or_is_left_with_a_reason(desk: Desk) -> None:
    tell.desk(
        "referral-query", number="R-1", recipient="x@partner.example", subject="s", text="t", at=desk.day.now
    )
    (letter,) = claims.claim("mail", at=desk.day.now, by=MACHINE_WORKER, guard=lambda _: b"bytes")
    settling.refused(letter, why="550 no such user", by=MACHINE_WORKER, at=desk.day.now)
    page, liaison = f"/outbox/{letter.pk}", desk.as_("P01")
    assert page in liaison.get("/outbox?state=failed").content.decode()
    assert "550 no such user" in liaison.get(page).content.decode()
    assert desk.as_("A07").post(page, {"press": "again"}).status_code == 403
    assert liaison.post(page, {"press": "again"}).status_code == 303
    assert liaison.post(page, {"press": "leave", "why": "rang them"}).status_code == 409, "it waits already"
    (letter,) = claims.claim("mail", at=desk.day.now, by=MACHINE_WORKER, guard=lambda _: None)
    settling.refused(letter, why="550 no such user", by=MACHINE_WORKER, at=desk.day.now)
    assert liaison.post(page, {"press": "leave"}).status_code == 422
    assert liaison.post(page, {"press": "leave", "why": "rang them"}).status_code == 303
    letter.refresh_from_db()
    assert (letter.state, letter.why) == ("withdrawn", "rang them (P01)")


@pytest.mark.parametrize(
    ("kind", "press"), [("notice", "again"), ("appeal-answer", "again"), ("referral", "leave")]
)
def test_a_refused_letter_takes_no_way_that_is_not_its_own(desk: Desk, kind: str, press: str) -> None:
    """A notice has a successor, an address was forgotten, what is referred has to leave."""
    row = queue.put(
        kind, number="X-1", recipient="x@a.example", transport="mail", at=desk.day.now, by=MACHINE_WORKER
    )
    Letter.objects.filter(pk=row.pk).update(state="failed")
    page = f"/outbox/{row.pk}"
    assert desk.as_("P01").post(page, {"press": press, "why": "y"}).status_code == 422
    row.refresh_from_db()
    assert row.state == "failed"
