"""Notices as they leave: the real way from the outbox to the relay, in every form and language, read back."""

import email
import email.policy
from collections.abc import Iterator
from email.message import EmailMessage

import pysequoia
import pytest
import xarf

from openhotline import policy as policies
from openhotline.connectors.mail.client import Relay
from openhotline.connectors.mail.fake import FakeRelay
from openhotline.jobs import dispatch
from openhotline.jobs import post as posting
from openhotline.jobs.post import Post
from openhotline.outbox.models import Letter
from openhotline.records import vault
from openhotline.records.models import Contact, Host, Notice, Partner
from openhotline.rules import notice as wording
from openhotline.rules import words
from openhotline.rules.agreement import UNDO_WITHIN
from openhotline.rules.refusals import Refused
from openhotline.steps import alert, contact, public_key, refer
from tests.journeys.cast import CANAL_HOST, HOUSE, Day, minutes

pytestmark = pytest.mark.django_db


@pytest.fixture
def house() -> Day:
    return Day()


@pytest.fixture
def relay(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeRelay]:
    fake = FakeRelay()
    monkeypatch.setattr(posting, "send_mail", fake.send)
    yield fake


def cleared(house: Day, count: int = 2) -> Host:
    vault.configure(b"the site key of a test house....".ljust(32))
    lines = [f"https://img.example.org/s/{n:03}" for n in range(count)]
    removals = house.traced(house.graded(house.public_report(*lines)))
    house.contact_verified(removals)
    house.answered(house.asked(), words.GO_AHEAD)
    house.later(UNDO_WITHIN)  # an answer can be taken back in its minute
    return removals[0].host


def leave(house: Day) -> None:
    post = Post(relay=Relay(host="127.0.0.1"), house=HOUSE, partner_tokens=dict)
    dispatch.letters(post, policy=house.policy, at=house.now, kinds=["notice"])


def read(relay: FakeRelay) -> EmailMessage:
    ((_, frozen),) = relay.taken
    return email.message_from_bytes(frozen, policy=email.policy.default)  # type: ignore[return-value]


@pytest.mark.parametrize("language", sorted(policies.languages()))
@pytest.mark.parametrize("form", [wording.REPORT, wording.MIXED])
def test_text_and_machine_part_in_every_language(
    house: Day, relay: FakeRelay, language: str, form: str
) -> None:
    host = cleared(house)
    contact.letters_as(host, language=language, form=form, by=house.who("A07"), at=house.now)
    leave(house)
    mail = read(relay)
    for name in ("Message-ID", "Date", "From", "To", "Subject", "X-Notice", "MIME-Version", "Auto-Submitted"):
        assert len(mail.get_all(name, [])) == 1, name
    assert mail["From"].addresses[0].domain == HOUSE.domain
    assert str(mail["Message-ID"]).endswith(f"@{HOUSE.domain}>")
    parts = list(mail.iter_parts())
    assert mail.get_content_type() == ("multipart/report" if form == wording.REPORT else "multipart/mixed")
    text = parts[0].get_content()
    texts = policies.notice_texts(language)
    assert texts.says["remove"] in text
    assert "1. https://img.example.org/s/000" in text.splitlines()
    reports = [part.get_content() for part in parts if part.get_content_type() == "application/json"]
    assert len(reports) == 2
    for report in reports:
        checked = xarf.parse(report.decode() if isinstance(report, bytes) else report)
        assert checked.errors == []
        assert checked.warnings == []


def test_a_contact_with_a_key_gets_it_sealed_and_the_host_page_still_reads_it(
    house: Day, relay: FakeRelay
) -> None:
    host = cleared(house)
    row = Contact.objects.get(host=host)
    secret = pysequoia.Tsk.generate("Abuse <abuse@north-rack.example>")
    public = secret.extract_certificate()
    key = public_key.propose(row, str(public), by=house.who("A07"), at=house.now)
    with pytest.raises(Refused, match="yourself"):
        public_key.verify(key, key.fingerprint, by=house.who("A07"), at=house.now)
    with pytest.raises(Refused, match="not the fingerprint"):
        public_key.verify(key, "00" * 20, by=house.who("P01"), at=house.now)
    spoken = " ".join(key.fingerprint[n : n + 4] for n in range(0, 40, 4)).lower()
    public_key.verify(key, spoken, by=house.who("P01"), at=house.now)
    leave(house)
    ((_, frozen),) = relay.taken
    assert b"img.example.org" not in frozen
    sealed = email.message_from_bytes(frozen, policy=email.policy.SMTP).get_payload()[1].get_payload()
    opened = bytes(pysequoia.decrypt(bytes=sealed.encode(), decryptor=secret.decryptor()).bytes)
    assert b"https://img.example.org/s/000" in opened
    notice = Notice.objects.get(sent_at__isnull=False)
    assert b"https://img.example.org/s/000" in bytes(notice.inner)
    letter = Letter.objects.get(kind="notice", state="sent")
    assert bytes(letter.body) == frozen


def test_a_key_nobody_verified_seals_nothing_and_a_key_that_fails_lets_nothing_out_open(
    house: Day, relay: FakeRelay
) -> None:
    host = cleared(house)
    row = Contact.objects.get(host=host)
    public = str(pysequoia.Tsk.generate("x <x@north-rack.example>").extract_certificate())
    key = public_key.propose(row, public, by=house.who("A07"), at=house.now)
    public_key.verify(key, key.fingerprint, by=house.who("P01"), at=house.now)
    type(key).objects.filter(pk=key.pk).update(text="-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nbroken")
    leave(house)
    assert relay.taken == []
    letter = Letter.objects.get(kind="notice")
    assert letter.state == "pending"
    assert "cannot be used" in letter.why
    public_key.retire(key, by=house.who("A07"), at=house.now)
    house.later(minutes(2))
    leave(house)
    assert b"img.example.org" not in relay.taken[0][1], "without the key it goes without addresses"


def test_without_a_key_or_a_wish_a_letter_names_no_address_and_its_page_has_them_all(
    house: Day, relay: FakeRelay
) -> None:
    cleared(house)
    leave(house)
    mail = read(relay)
    assert mail.get_content_type() == "text/plain"
    text = mail.get_content()
    assert "img.example.org" not in text
    notice = Notice.objects.get(sent_at__isnull=False)
    assert f"serial {notice.number} and code {notice.code}" in " ".join(text.split())
    behind = bytes(notice.inner)
    assert b"1. https://img.example.org/s/000" in behind
    assert behind.count(b"application/json") == 2


def test_a_notice_that_fails_the_check_stays_with_the_sentence(
    house: Day, relay: FakeRelay, monkeypatch: pytest.MonkeyPatch
) -> None:
    cleared(house)
    whole = wording.text
    monkeypatch.setattr(wording, "text", lambda content: whole(content) + "The police agree.\n")
    leave(house)
    assert relay.taken == []
    letter = Letter.objects.get(kind="notice")
    assert letter.state == "pending"
    assert letter.why == "The notice cannot leave: it says “police”."
    monkeypatch.setattr(wording, "text", whole)
    house.later(minutes(2))
    leave(house)
    assert len(relay.taken) == 1


def test_an_alert_to_a_host_abroad_is_rendered_like_any_letter_and_sealed_to_its_contacts_key(
    house: Day, relay: FakeRelay
) -> None:
    vault.configure(b"the site key of a test house....".ljust(32))
    Partner.objects.create(key="hotline-nl", name="partner", kind="hotline", country="NL")
    removals = house.traced(house.graded(house.public_report("http://dijk.example.net/n/1")), CANAL_HOST)
    house.contact_verified(removals)
    host = removals[0].host
    row = alert.register(host, why="their letter", by=house.who("A07"), at=house.now)
    alert.confirm(row, by=house.who("P01"), at=house.now)
    refer.refer_due(at=house.now)
    house.letters_leave()
    alert.hosts_due(at=house.now)
    secret = pysequoia.Tsk.generate("Abuse <abuse@canal-hosting.example>")
    public = str(secret.extract_certificate())
    key = public_key.propose(Contact.objects.get(host=host), public, by=house.who("A07"), at=house.now)
    public_key.verify(key, key.fingerprint, by=house.who("P01"), at=house.now)
    dispatch.letters(
        Post(relay=Relay(host="127.0.0.1"), house=HOUSE, partner_tokens=dict),
        policy=house.policy,
        at=house.now,
        kinds=[alert.KIND],
    )
    mail = read(relay)
    (sent,) = Letter.objects.filter(kind=alert.KIND, state="sent")
    assert (mail["X-Notice"], mail["To"]) == (sent.number, "abuse@canal-hosting.example")
    assert "dijk.example.net" not in mail.as_string()
    sealed = list(mail.iter_parts())[1].get_payload()
    opened = bytes(pysequoia.decrypt(bytes=sealed.encode(), decryptor=secret.decryptor()).bytes)
    assert b"http://dijk.example.net/n/1" in opened
