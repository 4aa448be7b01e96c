"""Letters up the ladder and alerts without a key: the mail names nothing, serial and code open what may be done."""

import re
from collections.abc import Iterator
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from django.test import Client

from openhotline.connectors.mail.client import Relay
from openhotline.connectors.mail.fake import FakeRelay
from openhotline.jobs import dispatch
from openhotline.jobs import post as posting
from openhotline.jobs.post import Post
from openhotline.outbox.models import PENDING, WITHDRAWN, Letter
from openhotline.records import vault
from openhotline.records.models import (
    Appeal,
    Delivery,
    DomainAlert,
    Hold,
    Host,
    HostAlert,
    HostAnswer,
    Notice,
    NoticeMessage,
    Partner,
    Removal,
    SecurePage,
    User,
)
from openhotline.rules import words
from openhotline.settings import load
from openhotline.steps import alert, appeal, domain_alert, escalate, ladder, refer
from openhotline.web.portal import appeals, verify
from tests.journeys.cast import CANAL_HOST, HOUSE, Day, hours
from tests.journeys.test_filter_list import abroad, agreed
from tests.journeys.test_ladder import reach
from tests.web.portal_cast import noticed, open_portal, set_clock, unlock

pytestmark = [pytest.mark.django_db, pytest.mark.urls("openhotline.web.portal.urls")]


class House:
    """A house with its portal open, and a relay that keeps what it took."""

    def __init__(self, relay: FakeRelay) -> None:
        self.day, self.relay, self.reader = Day(), relay, Client(enforce_csrf_checks=True)

    def leave(self, *kinds: str) -> str:
        """These letters leave; the text of the last mail."""
        day = self.day
        post = Post(relay=Relay(host="127.0.0.1"), house=HOUSE, partner_tokens=dict)
        dispatch.letters(post, policy=day.policy, at=day.now, kinds=kinds)
        set_clock(day)
        mail = message_from_bytes(self.relay.taken[-1][1], policy=policy.default)
        return f"{mail['Subject']}\n{mail.get_content()}"

    def rung(self) -> tuple[str, list[Removal], Notice]:
        """A notice nobody acted on; its letter to the network above has left."""
        day = self.day
        notice, removals = noticed(day, "img", ("North Rack", 64500, "192.0.2.44", "GB"), 3)
        for wait in (hours(4), hours(20)):
            day.later(wait)
            escalate.host_clocks(policy=day.policy, at=day.now)
        above = Host.objects.create(key="AS64499:above", name="Above Net", first_seen=day.now)
        ladder.stands(removals[0].host, upstream=above, member=False, by=day.who("P01"), at=day.now)
        reach(day, above, "abuse@above.example")
        day.later(hours(1))
        assert ladder.climb(policy=day.policy, at=day.now) == 1
        for row in removals:
            day.traced([row.item])
        return self.leave("ladder-upstream"), day.fresh(removals), notice

    def alert(self) -> tuple[str, list[Removal], HostAlert]:
        """An alert to a registered host abroad has left."""
        day = self.day
        Partner.objects.get_or_create(key="hotline-nl", defaults={"kind": "hotline", "country": "NL"})
        removals = day.traced(day.graded(day.public_report("http://dijk.example.net/n/1")), CANAL_HOST)
        day.contact_verified(removals)
        row = alert.register(removals[0].host, why="their letter", by=day.who("A07"), at=day.now)
        alert.confirm(row, by=day.who("P01"), at=day.now)
        refer.refer_due(at=day.now)
        day.letters_leave()
        assert alert.hosts_due(at=day.now) == 1
        return self.leave(alert.KIND), day.fresh(removals), HostAlert.objects.get()

    def domain(self) -> tuple[str, list[Removal], DomainAlert]:
        """An alert about a domain has left."""
        day = self.day
        agreed(day, "net-registry", fingerprint="", sphere="example.net")
        removals = abroad(day, "http://town.example.net/n/1")
        assert domain_alert.sweep(policy=day.policy, at=day.now) == 1
        return self.leave(domain_alert.KIND), removals, DomainAlert.objects.get()

    def opened(self) -> tuple[SecurePage, str, str]:
        """Serial and code typed: the page, where it stands, and what it says."""
        page = SecurePage.objects.get()
        response = self.reader.post("/open", {"serial": page.serial.lower(), "code": page.code.lower()})
        assert response.status_code == 303, response.content.decode()
        return page, response["Location"], self.reader.get(response["Location"]).content.decode()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with pytest.MonkeyPatch.context() as patch:
        unlock()
        relay = FakeRelay()
        patch.setattr(posting, "send_mail", relay.send)
        made = House(relay)
        open_portal(patch, tmp_path, made.day)
        for bucket in (verify.TRIES, verify.OPENS, appeals.SENT):
            patch.setattr(bucket, "take", lambda: True)
        yield made
    load.cache_clear()


NEVER = re.compile(
    r"(?i)police|reporter|\banalyst\b|\bA07\b|\bA12\b|example\[?\.\]?(?:org|net)/|<img|<script"
)


def test_a_letter_up_the_ladder_is_opened_and_acted_on(house: House) -> None:
    mail, removals, notice = house.rung()
    page, link, text = house.opened()
    for must in (
        notice.number,
        page.code,
        "/open",
        "North Rack",
        "3 addresses",
        "1978, section 1",
        "/appeal",
        "/verify",
    ):
        assert must in mail
    assert "img.example" not in mail and "/n/" not in mail and not NEVER.search(mail)
    assert notice.code not in mail, "its code is its own"
    assert Delivery.objects.filter(letter=page.key, state="opened").exists()
    for must in (
        "Three addresses not acted on",
        "hxxps://img.example[.]org/s/002",
        page.code,
        "We have acted on all 3",
    ):
        assert must in text, must
    assert not NEVER.search(text.replace("example[.]org/", "").replace("Duty analyst", ""))
    assert "192.0.2.44" not in text, "where it is held is the host's to know"
    exact = house.reader.get(f"{link}/notice.txt").content.decode()
    assert "1. https://img.example.org/s/000" in exact and notice.number in exact
    assert house.reader.get(f"{link}/xarf.json").status_code == 404
    response = house.reader.post(link, {"all": "acted", "ticket": "UP-1"}, follow=True)
    assert "3 addresses: We have acted" in response.content.decode() and "UP-1" in response.content.decode()
    assert set(HostAnswer.objects.values_list("said", "notice")) == {("acted", None)}
    assert {row.status for row in house.day.fresh(removals)} == {"overdue"}, "an answer closes nothing"
    host = house.reader.get(f"/n/{vault.token('notice-link', notice.number)}").content.decode()
    assert "UP-1" not in host and "Not answered" in host, "the host learns nothing of it"


def test_each_address_has_its_own_answer_and_an_appeal_is_one_like_any_other(house: House) -> None:
    _, removals, notice = house.rung()
    page, link, _ = house.opened()
    said = {
        f"u-{removals[0].uid}": "not-ours",
        f"u-{removals[1].uid}": "appeal",
        "contact": "noc@above.example",
    }
    assert house.reader.post(link, said | {"text": "It is art."}).status_code == 303
    made = Appeal.objects.get()
    assert (made.notice, made.standing, made.via) == (notice, "other", "link")
    assert [line.removal_id for line in made.lines.all()] == [removals[1].pk]
    assert appeal.involved(made) == {"A07", "A12"}
    assert house.reader.post(link, {"ask": "1", "text": "Which customer?"}).status_code == 303
    question = NoticeMessage.objects.get()
    assert (question.page, question.notice, question.text) == (page, None, "Which customer?")
    assert "Which customer?" in house.reader.get(link).content.decode()
    for form in ({"all": "removed"}, {f"u-{removals[0].uid}": "cut-off"}, {"u-0": "acted"}, {}):
        assert house.reader.post(link, form).status_code == 422
    assert HostAnswer.objects.count() == 2


def test_a_reversal_is_told_up_the_ladder_and_the_page_is_empty(house: House) -> None:
    _, removals, notice = house.rung()
    _, link, _ = house.opened()
    about = {f"u-{row.uid}": "appeal" for row in removals}
    house.reader.post(link, about | {"text": "It is art."})
    for name in ("M01", "M02"):
        house.day.people[name] = User.objects.create(username=name, pseudonym=name, role=words.MANAGER)
    made = Appeal.objects.get()
    appeal.propose(made, "reversed", reasons="Adults.", by=house.day.who("M01"), at=house.day.now)
    appeal.reverse(made, by=house.day.who("M02"), at=house.day.now)
    (told,) = house.day.letters("rung-repealed")
    assert (told.recipient, notice.number in told.text) == ("abuse@above.example", True)
    text = house.reader.get(link).content.decode()
    assert "We have withdrawn this letter" in text and "img.example" not in text and "<form" not in text


def test_a_registered_host_abroad_finds_what_its_alert_is_about(house: House) -> None:
    mail, removals, made = house.alert()
    _page, link, text = house.opened()
    assert "dijk" not in mail and "198.51.100" not in mail and made.number in mail and not NEVER.search(mail)
    for must in (
        "One address on your network",
        "hxxp://dijk.example[.]net/n/1",
        "198.51.100.20",
        "Alert to a registered host",
    ):
        assert must in text, must
    assert house.reader.post(link, {f"u-{removals[0].uid}": "acknowledged"}).status_code == 303
    assert "You said: We know of it" in house.reader.get(link).content.decode()
    house.reader.post(link, {f"u-{removals[0].uid}": "appeal", "text": "Not against our law."})
    assert (Appeal.objects.get().alert, Appeal.objects.get().standing) == (made, "host")
    house.day.missed_until_gone(removals)
    set_clock(house.day)
    over = house.reader.get(link).content.decode()
    assert "Nothing left to do" in over and "<form" not in over
    assert house.reader.post(link, {"all": "removed"}).status_code == 422


def test_who_answers_for_a_domain_sees_it_answers_and_appeals_by_its_number(house: House) -> None:
    mail, removals, made = house.domain()
    assert "example.net" not in mail and "1978, section 1" in mail and not NEVER.search(mail)
    _page, link, text = house.opened()
    assert "example[.]net" in text and "town" not in text and "/n/1<" not in text
    exact = house.reader.get(f"{link}/notice.txt").content.decode()
    assert "The domain: example.net" in exact and "town" not in exact
    assert house.reader.post(link, {"all": "acted", "ticket": "R-9"}).status_code == 303
    assert HostAnswer.objects.get().removal is None
    assert house.reader.post(link, {"u-domain": "burn"}).status_code == 422
    typed = {"serial": made.number, "standing": "other", "text": "A shelter's domain.", "reach": ""}
    assert "We have what you wrote" in house.reader.post("/appeal", typed).content.decode()
    filed = Appeal.objects.get()
    assert (filed.domain, filed.against) == (made, f"alert {made.number}")
    assert [line.removal_id for line in filed.lines.all()] == [row.pk for row in removals]
    assert appeal.involved(filed) == {"A07", "A12"}, "somebody else reviews it"
    house.reader.post(link, {"u-domain": "appeal", "text": "A shelter's domain."})
    assert Appeal.objects.count() == 1, "the same words are the same appeal"
    house.day.missed_until_gone(removals)
    domain_alert.sweep(policy=house.day.policy, at=house.day.now)
    set_clock(house.day)
    assert "Nothing left to do" in house.reader.get(link).content.decode()


def test_is_it_genuine_answers_for_these_serials_and_shows_nothing(house: House) -> None:
    _, _, notice = house.rung()
    page = SecurePage.objects.get()
    asked = [
        (notice.number, page.code, "Yes"),
        (notice.number, notice.code, "Yes"),
        (notice.number, "AAAAAA-0000", "No"),
        ("A-26-0001-G", page.code, "No"),
        ("", "", "No"),
    ]
    for serial, code, answer in asked:
        text = house.reader.post("/verify", {"serial": serial, "code": code}).content.decode()
        assert f"<b>{answer}.</b>" in text and "img.example" not in text
    assert house.reader.post("/open", {"serial": notice.number, "code": ""}).status_code == 404
    Letter.objects.filter(key=page.key).update(state=WITHDRAWN)
    assert (
        "<b>No.</b>"
        in house.reader.post("/verify", {"serial": page.serial, "code": page.code}).content.decode()
    )
    assert house.reader.post("/open", {"serial": page.serial, "code": page.code}).status_code == 404
    link = f"/n/{vault.token('page-link', page.key)}"
    assert house.reader.get(link).status_code == 404, "what never left opens nothing"


def test_looks_change_nothing_and_no_hold_can_be_read(house: House) -> None:
    _, removals, _ = house.rung()
    link = f"/n/{vault.token('page-link', SecurePage.objects.get().key)}"
    before = house.reader.get(link).content
    for tail in ("", "/receipt", "/notice.txt", "?all=acted"):
        house.reader.get(f"{link}{tail}")
        house.reader.head(f"{link}{tail}")
    Hold.objects.create(
        removal=removals[0],
        reason="operation",
        placed_at=house.day.now,
        placed_by="NU-2",
        review_at=house.day.now + hours(9),
    )
    assert house.reader.get(link).content == before
    assert SecurePage.objects.get().opened_at is None and not HostAnswer.objects.exists()


def test_frozen_bytes_and_code_stay_and_a_page_takes_answers_about_its_own_letter_alone(
    house: House,
) -> None:
    mail, _, _ = house.rung()
    page = SecurePage.objects.get()
    Letter.objects.filter(key=page.key).update(state=PENDING, due_at=house.day.now)
    assert house.leave("ladder-upstream") == mail
    assert house.relay.taken[-2] == house.relay.taken[-1], "a second claim sends the same bytes"
    assert SecurePage.objects.get().code == page.code
    _, removals, _ = house.alert()
    link = f"/n/{vault.token('page-link', page.key)}"
    assert house.reader.post(link, {f"u-{removals[0].uid}": "acted"}).status_code == 422
    assert "dijk" not in house.reader.get(link).content.decode()
    assert not HostAnswer.objects.exists()
