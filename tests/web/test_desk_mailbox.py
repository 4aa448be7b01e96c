"""The desk's mailbox and appeals: what waits for a person, and every press a person's."""

import json
from collections.abc import Iterator
from pathlib import Path

import pysequoia
import pytest

from openhotline.connectors.mail import inbound
from openhotline.outbox.models import Letter
from openhotline.records.models import (
    Appeal,
    Host,
    Mail,
    Notice,
    ProposedAnswer,
    SecurePage,
    UnitKey,
    User,
)
from openhotline.rules import words
from openhotline.settings import load
from openhotline.steps import appeal, confirm, domain_alert, ladder, mailbox, secure_page
from tests.jobs.mail_in import bounce_to, plain, report, signed_by
from tests.journeys.cast import HOUSE, hours
from tests.journeys.test_filter_list import abroad, agreed
from tests.journeys.test_ladder import overdue, reach
from tests.web.desk_cast import Desk

pytestmark = [pytest.mark.django_db, pytest.mark.urls("openhotline.web.desk.urls")]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with pytest.MonkeyPatch.context() as patch:
        yield Desk(patch, tmp_path)
    load.cache_clear()


def text(response: object) -> str:
    return response.content.decode()  # type: ignore[attr-defined]


def take(desk: Desk, raw: bytes) -> Mail:
    return mailbox.receive(
        raw, inbound.read(raw), domain=HOUSE.domain, policy=desk.day.policy, at=desk.day.now
    )


def noticed(desk: Desk) -> Notice:
    day = desk.day
    removals = day.traced(day.graded(day.public_report("http://img.example.net/a")))
    day.contact_verified(removals)
    day.answered(day.asked(), words.GO_AHEAD)
    day.letters_leave()
    desk.sync()
    return Notice.objects.get(sent_at__isnull=False)


def test_mail_is_read_and_settled_with_a_word(desk: Desk) -> None:
    kept = take(desk, plain("<script>alert(1)</script> Hello", Subject="Bargain <b>x</b>"))
    browser = desk.as_("A07")
    page = text(browser.get("/mailbox"))
    assert "Not verified" in page
    assert "<b>x</b>" not in page
    one = text(browser.get(f"/mailbox/{kept.pk}"))
    assert "&lt;script&gt;" in one
    assert "The whole message" not in one.replace("Show the whole message", "")
    assert "From: abuse@north-rack.example" in text(
        browser.post(f"/mailbox/{kept.pk}/settle", {"whole": "1"})
    )
    assert browser.post(f"/mailbox/{kept.pk}/settle", {"note": ""}).status_code == 422
    assert browser.post(f"/mailbox/{kept.pk}/settle", {"note": "Advertising."}).status_code == 303
    assert "Bargain" not in text(browser.get("/mailbox"))
    assert "Bargain" in text(browser.get("/mailbox?all=1"))


def test_whether_a_letter_came_back_is_a_persons_word_on_how_they_know(desk: Desk) -> None:
    notice = noticed(desk)
    letter = Letter.objects.get(kind="notice", state="sent")
    kept = take(desk, report(bounce_to(letter), letter.recipient))
    client = desk.as_("P01")
    page = text(client.get(f"/mailbox/{kept.pk}"))
    assert "Nobody has it: write to the next contact" in page
    assert "nothing has moved by it" in page
    no_word = client.post(f"/mailbox/{kept.pk}/settle", {"back": "1", "note": ""})
    assert "Say how you know that nobody has it" in text(no_word)
    assert notice.contact.usable
    done = client.post(f"/mailbox/{kept.pk}/settle", {"back": "1", "note": "Rang them: no such box."})
    assert done.status_code == 303
    notice.contact.refresh_from_db()
    assert (notice.contact.usable, notice.contact.bounces) == (False, 1)
    assert "Nobody has it" not in text(client.get(f"/mailbox/{kept.pk}"))


def test_a_units_key_and_its_signed_answer(desk: Desk) -> None:
    day = desk.day
    removals = day.traced(day.graded(day.public_report("http://img.example.net/a")))
    day.contact_verified(removals)
    asked = day.asked()
    desk.sync()
    secret = pysequoia.Tsk.generate("Desk <desk@police.example>")
    first, second, path = desk.as_("P01"), desk.as_("A07"), f"/mailbox/units/{asked.unit_id}/key"
    assert first.post(path, {"press": "bring", "key": "nonsense"}).status_code == 422
    assert first.post(path, {"press": "bring", "key": str(secret.extract_certificate())}).status_code == 303
    row = UnitKey.objects.get()
    assert (
        first.post(path, {"press": "verify", "row": row.pk, "fingerprint": row.fingerprint}).status_code
        == 422
    )
    assert (
        second.post(path, {"press": "verify", "row": row.pk, "fingerprint": row.fingerprint}).status_code
        == 303
    )
    take(desk, signed_by(secret, f"Go ahead\r\n{asked.number}"))
    proposed = ProposedAnswer.objects.get()
    assert "It is their answer" not in text(second.get("/mailbox"))
    assert second.post(f"/mailbox/answers/{proposed.pk}", {"press": "take"}).status_code == 403
    assert first.post(f"/mailbox/answers/{proposed.pk}", {"press": "take"}).status_code == 303
    assert {row.status for row in day.fresh(removals)} == {"cleared"}


def test_a_hosts_question_waits_with_its_clock_and_is_answered_on_the_notice(desk: Desk) -> None:
    notice = noticed(desk)
    by = confirm.by_link(notice)
    confirm.ask(notice, "Which file?", via="link", policy=desk.day.policy, by=by, at=desk.day.now)
    browser = desk.as_("A07")
    assert "Which file?" in text(browser.get("/mailbox"))
    assert browser.post(f"/notices/{notice.number}/answer", {"text": ""}).status_code == 422
    assert browser.post(f"/notices/{notice.number}/answer", {"text": "The second."}).status_code == 303
    assert "The second." in text(browser.get(f"/notices/{notice.number}"))
    assert "Which file?" not in text(browser.get("/mailbox"))


def test_an_appeal_is_reviewed_by_two_who_had_no_part(desk: Desk) -> None:
    notice = noticed(desk)
    for name, role in (("M01", words.MANAGER), ("L02", words.LEAD)):
        desk.day.people[name] = User.objects.create(username=name, pseudonym=name, role=role)
    made = appeal.open_(
        notice,
        standing="publisher",
        text="Mine.",
        via="page",
        policy=desk.day.policy,
        by=confirm.by_link(notice),
        at=desk.day.now,
    )
    assert notice.number in text(desk.as_("A07").get("/appeals"))
    assert "had a part" in text(desk.as_("A07").get(f"/appeals/{made.pk}"))
    path, manager, lead = f"/appeals/{made.pk}/act", desk.as_("M01"), desk.as_("L02")
    assert desk.as_("A07").post(path, {"press": "acknowledge"}).status_code == 403
    assert manager.post(path, {"press": "acknowledge"}).status_code == 303
    assert manager.post(path, {"press": "reversed", "reasons": ""}).status_code == 422
    assert manager.post(path, {"press": "reversed", "reasons": "A drawing."}).status_code == 303
    assert manager.post(path, {"press": "reverse"}).status_code == 422
    assert lead.post(path, {"press": "reverse"}).status_code == 303
    assert Appeal.objects.get().outcome == "reversed"
    assert "Reversed" in text(lead.get(f"/appeals/{made.pk}"))
    assert json.dumps(appeal.read(made))


def test_the_pages_behind_letters_are_found_where_the_letters_stand(desk: Desk) -> None:
    day = desk.day
    (removal,) = overdue(day)
    above = Host.objects.create(key="AS64499:above", name="Above Net", first_seen=day.now)
    ladder.stands(removal.host, upstream=above, member=False, by=day.who("P01"), at=day.now)
    reach(day, above, "abuse@above.example")
    day.later(hours(1))
    ladder.climb(policy=day.policy, at=day.now)
    agreed(day, "net-registry", fingerprint="", sphere="example.net")
    abroad(day, "http://town.example.net/n/1")
    domain_alert.sweep(policy=day.policy, at=day.now)
    day.letters_leave()
    desk.sync()
    browser = desk.as_("A07")
    up, domain = SecurePage.objects.get(alert=None, domain=None), SecurePage.objects.get(notice=None)
    assert f'href="/letters/{up.pk}">Its page' in text(browser.get(f"/notices/{up.serial}"))
    assert f'href="/letters/{domain.pk}">{domain.serial}' in text(browser.get("/filter-list"))
    assert "the network above the host" in text(browser.get(f"/letters/{up.pk}"))
    assert "example.net</b>" in text(browser.get(f"/letters/{domain.pk}"))
    made = appeal.open_(
        domain.domain,
        standing="other",
        text="A shelter's domain.",
        via="page",
        policy=day.policy,
        by=secure_page.by_page(domain),
        at=day.now,
    )
    for place in ("/appeals", f"/appeals/{made.pk}"):
        page = text(browser.get(place))
        assert domain.serial in page and "example.net" in page
