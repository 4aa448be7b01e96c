"""The desk's page of a host: contacts proposed and verified by two people, retired with a reason, calls logged."""

import re
from pathlib import Path

import pytest

from openhotline.outbox.models import Letter
from openhotline.records.models import Contact, ContactKey, Host, HostAlert, HostCall, Partner, SecurePage
from openhotline.steps import alert, refer, secure_page
from tests.connectors.test_keys import openpgp
from tests.journeys.cast import CANAL_HOST
from tests.web.desk_cast import Desk

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, settings: object) -> Desk:
    settings.ROOT_URLCONF = "openhotline.web.desk.urls"  # type: ignore[attr-defined]
    return Desk(monkeypatch, tmp_path)


@pytest.fixture
def host(desk: Desk) -> Host:
    day = desk.day
    return day.traced(day.graded(day.public_report("http://img.example.net/a")))[0].host


def text(client: object, path: str) -> str:
    return client.get(path).content.decode()  # type: ignore[attr-defined]


def test_two_people_one_contact_and_its_history_on_the_page(desk: Desk, host: Host) -> None:
    first, second, path = desk.as_("A07"), desk.as_("P01"), f"/hosts/{host.pk}"
    page = text(first, path)
    assert "Found by the machine" in page
    assert "abuse role in RDAP" in page
    asked = first.post(f"{path}/contacts", {"mail": "abuse@north-rack.example", "source": "rdap-abuse"})
    assert asked.status_code == 303
    row = Contact.objects.get(host=host)
    assert "somebody else verifies it" in text(first, path)
    assert "I have checked it: verify" in text(second, path)
    assert first.post(f"{path}/contacts/{row.pk}/verify").status_code == 422
    assert second.post(f"{path}/contacts/{row.pk}/verify").status_code == 303
    page = text(first, path)
    assert "Proposed by A07, verified by P01." in page
    assert "Used now" in page
    refused = first.post(f"{path}/contacts/{row.pk}/retire", {"why": ""})
    assert refused.status_code == 422
    assert "Say why" in refused.content.decode()
    assert first.post(f"{path}/contacts/{row.pk}/retire", {"why": "It is a mailing list."}).status_code == 303
    page = text(first, path)
    assert "It is a mailing list." in page
    assert "Used now" not in page


def test_one_brings_a_contacts_key_another_types_its_fingerprint_anybody_retires_it(
    desk: Desk, host: Host
) -> None:
    first, second, path = desk.as_("A07"), desk.as_("P01"), f"/hosts/{host.pk}"
    first.post(f"{path}/contacts", {"mail": "abuse@north-rack.example", "source": "register"})
    row = Contact.objects.get(host=host)
    brought = first.post(f"{path}/contacts/{row.pk}/key", {"key": openpgp()[0]})
    assert brought.status_code == 303
    key = ContactKey.objects.get(contact=row)
    spoken = " ".join(key.fingerprint[at : at + 4] for at in range(0, len(key.fingerprint), 4))
    assert spoken in text(first, path)
    assert "Fingerprint, as its owner reads it out" not in text(first, path)
    assert "Fingerprint, as its owner reads it out" in text(second, path)
    wrong = second.post(f"{path}/keys/{key.pk}", {"fingerprint": "00" * 20})
    assert wrong.status_code == 422
    assert "not the fingerprint of this key" in wrong.content.decode()
    assert first.post(f"{path}/keys/{key.pk}", {"fingerprint": key.fingerprint}).status_code == 422
    assert second.post(f"{path}/keys/{key.pk}", {"fingerprint": spoken.lower()}).status_code == 303
    key.refresh_from_db()
    assert key.verified_by == "P01"
    assert first.post(f"{path}/keys/{key.pk}", {"retire": "1"}).status_code == 303
    key.refresh_from_db()
    assert key.retired_at is not None


def test_what_was_typed_is_kept_beside_the_refusal(desk: Desk, host: Host) -> None:
    answer = desk.as_("A07").post(
        f"/hosts/{host.pk}/contacts",
        {"mail": "abuse at host", "source": "register", "page": "host.example/abuse"},
    )
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "Give one mail address" in page
    assert 'value="abuse at host"' in page
    assert 'value="host.example/abuse"' in page
    assert Contact.objects.filter(host=host).count() == 1


def test_the_hosts_own_domain_and_a_call(desk: Desk, host: Host) -> None:
    client, path = desk.as_("A07"), f"/hosts/{host.pk}"
    assert client.post(f"{path}/site", {"site": "north-rack.test"}).status_code == 303
    assert "abuse@north-rack.test" in text(client, path)
    assert client.post(f"{path}/calls", {"outcome": "no-answer", "text": "Rang twice."}).status_code == 303
    page = text(client, path)
    assert "Nobody answered" in page
    assert "Rang twice." in page
    assert HostCall.objects.get().who == "A07"
    assert client.post(f"{path}/calls", {"outcome": "fine"}).status_code == 422
    assert client.post(f"{path}/calls", {"outcome": "reached", "notice": "N-26-0001-X"}).status_code == 404


def test_hosts_a_notice_waits_for_are_listed_with_their_contacts(desk: Desk) -> None:
    day = desk.day
    day.traced(day.graded(day.public_report("http://img.example.net/b")))
    day.answered(day.asked(), "go-ahead")
    desk.sync()
    page = text(desk.as_("A07"), "/contacts")
    assert "North Rack" in page
    assert "It is right: propose" in page
    # The rail counts what that page lists; a letter of another kind without a contact stands in the outbox.
    assert re.search(r'Contacts <span class="n n--bad">1</span>', page)
    assert not re.search(r"Outbox <span", page)
    Letter.objects.filter(kind="notice").update(kind="ladder-upstream")
    page = text(desk.as_("A07"), "/contacts")
    assert not re.search(r"Contacts <span", page)
    assert re.search(r'Outbox <span class="n n--bad">1</span>', page)


def test_a_program_is_told_at_an_address_somebody_keeps_here(desk: Desk, host: Host) -> None:
    liaison, path = desk.as_("P01"), f"/hosts/{host.pk}"
    assert "Told of each notice at" not in text(liaison, path)
    assert "shown this once" in liaison.post(f"{path}/program").content.decode()
    assert liaison.post(f"{path}/program", {"hook": "http://host.example/told"}).status_code == 422
    assert liaison.post(f"{path}/program", {"hook": "https://host.example/told"}).status_code == 303
    assert "https://host.example/told" in text(liaison, path)


def test_a_host_abroad_registers_by_two_people_and_its_alerts_are_on_its_page_and_the_case(
    desk: Desk,
) -> None:
    day = desk.day
    Partner.objects.create(key="hotline-nl", name="partner", kind="hotline", country="NL")
    removals = day.traced(day.graded(day.public_report("http://dijk.example.net/n/1")), CANAL_HOST)
    day.contact_verified(removals)
    first, second, path = desk.as_("A07"), desk.as_("P01"), f"/hosts/{removals[0].host_id}"
    refused = first.post(f"{path}/registration", {"registered_why": " "})
    assert (refused.status_code, "Write what the host signed" in refused.content.decode()) == (422, True)
    assert first.post(f"{path}/registration", {"registered_why": "Letter, safe 2."}).status_code == 303
    assert "I agree: it asked for this" not in text(first, path)
    assert first.post(f"{path}/registration", {"press": "confirm"}).status_code == 422
    assert "I agree: it asked for this" in text(second, path)
    assert second.post(f"{path}/registration", {"press": "confirm"}).status_code == 303
    refer.refer_due(at=day.now)
    day.letters_leave()
    alert.hosts_due(at=day.now)
    day.letters_leave()
    number = HostAlert.objects.get().number
    behind = SecurePage.objects.get()
    letter = f"/letters/{behind.pk}"
    assert f'href="{letter}">{number}</a> <span class="sub">sent,' in text(first, path)
    assert "not used yet" in text(first, letter)
    said = {removals[0].pk: "need-more"}
    secure_page.press(behind, said, text="Which customer?", policy=day.policy, at=day.now)
    for place in ("/mailbox", letter):
        assert "Which customer?" in text(first, place)
    assert "Asks for more" in text(first, letter)
    named = first.post(f"{letter}/answer", {"text": "See dijk.example.net/n/1"})
    assert (named.status_code, "its number on the page" in named.content.decode()) == (422, True)
    assert first.post(f"{letter}/answer", {"text": "The one of address 1."}).status_code == 303
    assert "The one of address 1." in text(first, letter)
    assert "Which customer?" not in text(first, "/mailbox")
    (answer,) = day.letters("host-answer")
    assert (answer.recipient, answer.subject) == ("abuse@canal-hosting.example", f"Re: {number}")
    page = text(first, f"/case/{removals[0].item.ref}")
    assert "Alert to the host abroad" in page
    assert number in page
    assert first.post(f"{path}/registration", {"press": "end"}).status_code == 303
    assert "It registered: what it signed" in text(first, path)
