"""The host's page: one press from the link to "done", and nothing else changes anything."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from openhotline.connectors.xarf import meaning as xarf
from openhotline.outbox.models import IN_DOUBT, Letter
from openhotline.records import vault
from openhotline.records.models import Answer, Appeal, Hold, HostAnswer, Notice, Removal
from openhotline.rules import removal_path, words
from openhotline.settings import load
from openhotline.web.portal import verify
from tests.journeys.cast import NORTH_RACK, Day, hours, minutes
from tests.web.portal_cast import noticed, open_portal, set_clock, unlock

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
def desk() -> Client:
    """Somebody at an abuse desk, without an account, with every cookie refused."""
    return Client(enforce_csrf_checks=True)


def link(notice: Notice, tail: str = "") -> str:
    return f"/n/{vault.token('notice-link', notice.number)}{tail}"


def sent(day: Day, count: int = 2, name: str = "img") -> tuple[Notice, list[Removal]]:
    notice, removals = noticed(day, name, NORTH_RACK, count)
    set_clock(day)
    notice.refresh_from_db()
    return notice, removals


def test_the_page_says_what_where_and_by_when(day: Day, desk: Client) -> None:
    notice, _ = sent(day)
    response = desk.get(link(notice))
    text = response.content.decode()
    assert "Two addresses on your network carry child sexual abuse images" in text
    for needed in (
        notice.number,
        notice.code,
        "hxxps://img.example[.]org/s/000",
        "192.0.2.44",
        "4 files",
        "Last seen 12 May 2026",
        "90 days",
        "BST",
        "UTC",
        "Both are removed and preserved",
    ):
        assert needed in text, needed
    assert "https://img.example.org" not in text
    assert not response.cookies
    assert (
        "script-src" not in response["Content-Security-Policy"]
        and "<script" not in text
        and "<img" not in text
    )
    assert response["Cache-Control"] == "no-store"


def test_nothing_about_reporter_analyst_or_police_is_on_the_page(day: Day, desk: Client) -> None:
    notice, removals = sent(day)
    numbers = [line.consultation.number for line in removals[0].consultation_lines.all()]
    for tail in ("", "/receipt", "/notice.txt", "/xarf.json"):
        text = desk.get(link(notice, tail), follow=True).content.decode().lower()
        for word in (
            "police",
            "public report",
            "a07",
            "a12",
            "officer",
            "category b",
            *map(str.lower, numbers),
        ):
            assert not re.search(rf"\b{re.escape(word)}\b", text), f"{word!r} at {tail!r}"


def test_1000_looks_by_scanners_change_nothing(day: Day, desk: Client) -> None:
    notice, _ = sent(day)
    before = list(Removal.objects.order_by("pk").values())
    for number in range(1000):
        method = desk.head if number % 2 else desk.get
        tail = ("", "?all=removed", "/receipt", "/xarf.json", "/notice.txt")[number % 5]
        assert method(link(notice, tail)).status_code in (200, 303)
    assert list(Removal.objects.order_by("pk").values()) == before
    assert not HostAnswer.objects.exists()


def test_one_press_is_done_and_gives_a_receipt(day: Day, desk: Client) -> None:
    notice, removals = sent(day)
    response = desk.post(
        link(notice), {"all": "removed", "ticket": "T-881", "contact": "abuse@host.example"}, follow=True
    )
    text = response.content.decode()
    assert response.redirect_chain == [(link(notice, "/receipt"), 303)]
    assert "2 addresses: Removed and preserved" in text and "T-881" in text and "12 May 2026" in text
    assert set(HostAnswer.objects.values_list("said", flat=True)) == {"removed"}
    assert {r.status for r in day.fresh(removals)} == {removal_path.GONE_MAYBE}
    assert {r.due_at for r in day.fresh(removals)} == {notice.due_at}, "an answer stops no clock"


def test_each_address_may_have_its_own_answer(day: Day, desk: Client) -> None:
    notice, removals = sent(day, 3)
    said = {f"u-{removals[0].uid}": "cut-off", f"u-{removals[1].uid}": "appeal"}
    assert desk.post(link(notice), {"each": "1", **said, "text": "Please look again."}).status_code == 303
    rows = {answer.removal_id: answer for answer in HostAnswer.objects.all()}
    assert {pk: rows[pk].said for pk in rows} == {removals[0].pk: "cut-off", removals[1].pk: "appeal"}
    assert rows[removals[1].pk].text == "Please look again."
    text = desk.get(link(notice)).content.decode()
    assert "You said: Access cut off, removal to follow" in text and "Answered in part" in text


def test_an_answer_may_be_changed_until_the_notice_is_closed(day: Day, desk: Client) -> None:
    notice, removals = sent(day, 1)
    uid = removals[0].uid
    desk.post(link(notice), {f"u-{uid}": "need-more"})
    desk.post(link(notice), {"all": "removed"})
    assert list(HostAnswer.objects.order_by("pk").values_list("said", flat=True)) == ["need-more", "removed"]
    day.missed_until_gone(removals)
    set_clock(day)
    page = desk.get(link(notice)).content.decode()
    assert "nothing left to do" in page and "Closed" in page and "<form" not in page
    response = desk.post(link(notice), {"all": "removed"})
    assert response.status_code == 422 and "This notice is closed" in response.content.decode()
    assert HostAnswer.objects.count() == 2


def test_an_empty_or_odd_answer_is_a_sentence_and_keeps_what_was_typed(day: Day, desk: Client) -> None:
    notice, removals = sent(day)
    for form in (
        {"each": "1", "ticket": "T-9"},
        {f"u-{removals[0].uid}": "burn", "ticket": "T-9"},
        {"u-00000000-0000-0000-0000-000000000000": "removed", "ticket": "T-9"},
        {"all": "yes", "ticket": "T-9"},
    ):
        response = desk.post(link(notice), form)
        assert response.status_code == 422
        assert "Choose an answer for at least one address" in response.content.decode()
        assert 'value="T-9"' in response.content.decode()
    assert not HostAnswer.objects.exists()


def test_odd_characters_in_fields_are_kept_without_a_fault(day: Day, desk: Client) -> None:
    notice, _ = sent(day)
    form = {"all": "removed", "ticket": "a\x00b" * 500, "contact": "x" * 900, "text": "\x00<b>" * 9000}
    assert desk.post(link(notice), form).status_code == 303
    answer = HostAnswer.objects.first()
    assert answer and len(answer.ticket) <= 200 and len(answer.contact) <= 254 and "\x00" not in answer.text
    assert "<b>" not in re.sub(r"<b[ >][^<]*</b>", "", desk.get(link(notice, "/receipt")).content.decode())


def test_a_wrong_link_is_the_same_page_as_none(day: Day, desk: Client) -> None:
    notice, _ = sent(day)
    wrong = desk.get("/n/" + "A" * 43)
    cut = desk.get(link(notice)[:-1])
    assert wrong.status_code == cut.status_code == 404
    assert wrong.content == cut.content
    assert desk.post("/n/" + "A" * 43, {"all": "removed"}).status_code == 404


def test_a_link_opens_one_notice_and_not_the_hosts_others(day: Day, desk: Client) -> None:
    first, _ = sent(day, 1, "first")
    second, others = sent(day, 1, "second")
    text = desk.get(link(first)).content.decode()
    assert "second.example" not in text and second.number not in text
    assert desk.post(link(first), {f"u-{others[0].uid}": "removed"}).status_code == 422
    assert not HostAnswer.objects.exists()


def test_433_addresses_are_done_in_one_press(day: Day, desk: Client) -> None:
    notice, removals = sent(day, 433, "bundle")
    text = desk.get(link(notice)).content.decode()
    assert "All 433 are removed and preserved" in text and "<details" in text
    each = {f"u-{removal.uid}": "cut-off" for removal in removals}
    assert desk.post(link(notice), each).status_code == 303
    assert desk.post(link(notice), {"all": "removed"}).status_code == 303
    assert HostAnswer.objects.filter(said="removed").count() == 433


def test_too_many_fields_are_a_sentence(day: Day, desk: Client) -> None:
    notice, _ = sent(day)
    response = desk.post(link(notice), {f"u-{number}": "removed" for number in range(1500)})
    assert response.status_code == 422 and "too many answers" in response.content.decode()


def test_the_machine_copies_are_what_was_sent(day: Day, desk: Client) -> None:
    notice, _ = sent(day)
    reports = json.loads(desk.get(link(notice, "/xarf.json")).content)
    assert [report["url"] for report in reports] == [
        "https://img.example.org/s/000",
        "https://img.example.org/s/001",
    ]
    assert {report["xarf_version"] for report in reports} == {xarf.VERSION}
    text = desk.get(link(notice, "/notice.txt"))
    assert "https://img.example.org/s/000" in text.content.decode()
    assert text["Content-Type"].startswith("text/plain") and "attachment" in text["Content-Disposition"]


def test_one_address_gives_one_xarf_object(day: Day, desk: Client) -> None:
    notice, _ = sent(day, 1)
    assert json.loads(desk.get(link(notice, "/xarf.json")).content)["category"] == "content"


def test_the_time_left_is_shown_and_never_accuses(day: Day, desk: Client) -> None:
    notice, _ = sent(day)
    assert "4 h" in desk.get(link(notice)).content.decode()
    day.later(hours(4) + minutes(6))
    set_clock(day)
    text = desk.get(link(notice)).content.decode()
    assert "ended 6 min ago" in text and "overdue" not in text.lower()


def test_a_hold_cannot_be_read_from_the_page(day: Day, desk: Client) -> None:
    notice, removals = sent(day)
    before = desk.get(link(notice)).content
    consultation = removals[0].consultation_lines.get().consultation
    day.answered(consultation, words.HOLD, review_at=day.now + hours(24), reason="covert work")
    assert Hold.objects.filter(released_at=None).count() == 2
    assert Answer.objects.filter(kind=words.HOLD).exists()
    assert desk.get(link(notice)).content == before


def test_a_letter_in_doubt_opens_but_takes_no_answer_yet(day: Day, desk: Client) -> None:
    notice, _ = sent(day)
    Notice.objects.filter(pk=notice.pk).update(sent_at=None, due_at=None)
    Letter.objects.filter(kind="notice", number=notice.number).update(state=IN_DOUBT)
    page = desk.get(link(notice))
    assert (
        page.status_code == 200
        and "just leaving" in page.content.decode()
        and "img.example" not in page.content.decode()
    )
    response = desk.post(link(notice), {"all": "removed"})
    assert response.status_code == 422 and "still recording" in response.content.decode()


def test_a_letter_in_doubt_is_genuine_and_may_be_appealed(day: Day, desk: Client) -> None:
    """Whoever reads it at once must not be told that it is forged, because we do not know yet that it arrived."""
    notice, removals = sent(day)
    Notice.objects.filter(pk=notice.pk).update(sent_at=None, due_at=None)
    Letter.objects.filter(kind="notice", number=notice.number).update(state=IN_DOUBT)
    asked = {"serial": notice.number, "code": notice.code}
    assert "<b>Yes.</b>" in desk.post(reverse("verify"), asked).content.decode()
    desk.post(reverse("appeal"), {"serial": notice.number, "standing": "host", "text": "It is a drawing."})
    assert Appeal.objects.get().lines.count() == len(removals)
    Letter.objects.filter(kind="notice", number=notice.number).update(state="pending")
    assert "<b>No.</b>" in desk.post(reverse("verify"), asked).content.decode()


def test_is_it_genuine_answers_yes_or_no_and_nothing_else(day: Day, desk: Client) -> None:
    notice, _ = sent(day)
    url = reverse("verify")
    yes = desk.post(url, {"serial": notice.number.lower(), "code": notice.code})
    assert "<b>Yes.</b>" in yes.content.decode() and "img.example" not in yes.content.decode()
    wrong_code = desk.post(url, {"serial": notice.number, "code": "XX-0000"}).content.decode()
    unknown = desk.post(url, {"serial": "N-26-9999-Z", "code": notice.code}).content.decode()
    empty = desk.post(url, {}).content.decode()
    for text in (wrong_code, unknown, empty):
        assert "<b>No.</b>" in text and "North Rack" not in text

    def bare(text: str) -> str:
        return re.sub(r'value="[^"]*"', "", text)

    assert bare(wrong_code) == bare(unknown) == bare(empty)
    assert not yes.cookies


def test_guessing_codes_is_slowed_for_everybody(
    day: Day, desk: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    from openhotline.web.public.limits import Bucket

    monkeypatch.setattr(verify, "TRIES", Bucket(per_second=0, burst=3))
    codes = [
        desk.post(reverse("verify"), {"serial": "N-26-0001-A", "code": "AA-0001"}).status_code
        for _ in range(5)
    ]
    assert codes == [200, 200, 200, 429, 429]
