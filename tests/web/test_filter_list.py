"""The filter list at its two doors: a recipient with its certificate, and the desk that never shows the list."""

import base64
import json
from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from django.test import Client

from openhotline.records.models import Hold, ListAgreement, ListLicence, Removal
from openhotline.settings import load
from openhotline.steps import domain_alert, filter_list
from openhotline.web.certificate import HEADERS
from openhotline.web.headers import blind
from openhotline.web.threads import environ_of
from tests.journeys.cast import Day
from tests.journeys.test_filter_list import PROGRAM, abroad, agreed, licensed, listed_at_five
from tests.web.desk_cast import Desk
from tests.web.portal_cast import open_portal, set_clock, unlock

pytestmark = pytest.mark.django_db
AT_PORTAL = pytest.mark.urls("openhotline.web.portal.urls")
AT_DESK = pytest.mark.urls("openhotline.web.desk.urls")
SECRET = "5" * 64


def certificate(day: Day, *, days: int = 365) -> x509.Certificate:
    """A self-signed certificate: whose it is says its fingerprint alone."""
    key, name = (
        ec.generate_private_key(ec.SECP256R1()),
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "filter.example")]),
    )
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(day.now - timedelta(days=1))
        .not_valid_after(day.now + timedelta(days=days))
        .sign(key, SHA256())
    )


class Recipient:
    """A filtering company behind the portal's proxy."""

    def __init__(self, day: Day, folder: Path) -> None:
        self.day = day
        (folder / "keys").mkdir(exist_ok=True)
        (folder / "keys" / "proxy.secret").write_text(SECRET + "\n")
        self.certificate = certificate(day)
        der = self.certificate.public_bytes(Encoding.DER)
        self.headers = {"Client-Cert": f":{base64.b64encode(der).decode()}:", "X-Proxy-Secret": SECRET}
        self.row, self.salt = agreed(day, fingerprint=sha256(der).hexdigest())

    def post(self, **more: str) -> object:
        return Client(enforce_csrf_checks=True).post("/filter-list", headers={**self.headers, **more})


@pytest.fixture
def recipient(tmp_path: Path) -> Iterator[Recipient]:
    with pytest.MonkeyPatch.context() as patch:
        unlock()
        day = Day()
        patch.setenv("OPENHOTLINE_CERTIFICATES_FROM", "127.0.0.1, 2001:db8::/64")
        open_portal(patch, tmp_path, day)
        made = Recipient(day, tmp_path)
        listed_at_five(day, "https://dijk.example.net/n/9")
        set_clock(day)
        yield made
    load.cache_clear()


@AT_PORTAL
def test_a_recipient_fetches_one_copy_for_one_licence_and_nothing_keeps_it(recipient: Recipient) -> None:
    refused = recipient.post()
    assert (refused.status_code, refused.json()["code"]) == (409, "licence")
    licensed(recipient.day, recipient.row)
    assert Client().get("/filter-list", headers=recipient.headers).status_code == 405, "a GET uses nothing up"
    copy = recipient.post()
    assert copy.status_code == 200
    assert copy["Cache-Control"] == "no-store, private"
    assert len(copy.json()["rows"]) == 4
    assert ListLicence.objects.get().digest == sha256(copy.content).hexdigest()
    assert recipient.post().status_code == 409
    told = Client().get("/filter-list/withdrawn", headers=recipient.headers)
    assert (told.status_code, told.json()["withdrawn"]) == (200, [])
    pem = recipient.certificate.public_bytes(Encoding.PEM).decode()
    assert recipient.post(**{"Client-Cert": quote(pem)}).status_code == 409, "as nginx spells it"


@AT_PORTAL
def test_without_a_certificate_the_proxy_vouches_for_nothing_is_there(
    recipient: Recipient, monkeypatch: pytest.MonkeyPatch
) -> None:
    licensed(recipient.day, recipient.row)
    nothing = Client().post("/filter-list")
    assert nothing.status_code == 404
    other = base64.b64encode(certificate(recipient.day).public_bytes(Encoding.DER)).decode()
    for wrong in (
        {"X-Proxy-Secret": ""},
        {"X-Proxy-Secret": "6" * 64},
        {"Client-Cert": f":{other}:"},
        {"Client-Cert": recipient.row.fingerprint},
        {"Client-Cert": ":!:"},
        {"Client-Cert": "-----BEGIN CERTIFICATE-----"},
        {"Client-Cert": "x" * 20_000},
    ):
        assert recipient.post(**wrong).content == nothing.content, wrong
    elsewhere = Client(REMOTE_ADDR="192.0.2.9").post("/filter-list", headers=recipient.headers)
    assert elsewhere.status_code == 404
    monkeypatch.setenv("OPENHOTLINE_CERTIFICATES_FROM", "")
    load.cache_clear()
    assert recipient.post().status_code == 404, "no proxy is named"
    monkeypatch.setenv("OPENHOTLINE_CERTIFICATES_FROM", "127.0.0.1")
    load.cache_clear()
    recipient.day.later(timedelta(days=364))
    ListAgreement.objects.update(ends_on=recipient.day.now.date() + timedelta(days=9))
    recipient.day.later(timedelta(days=2))
    set_clock(recipient.day)
    assert recipient.post().status_code == 404, "the certificate has run out"
    assert not ListLicence.objects.filter(used_at__isnull=False).exists()


@AT_PORTAL
@pytest.mark.parametrize(("client", "believed"), [("127.0.0.1", True), ("192.0.2.9", False)])
def test_the_server_s_word_on_who_spoke_is_used_for_the_certificate_and_forgotten(
    recipient: Recipient, client: str, believed: bool
) -> None:
    """From the server's own scope on, as a door is entered: only the proxy's address vouches, and nothing of it stays."""
    scope = {
        "method": "POST",
        "raw_path": b"/filter-list",
        "query_string": b"",
        "http_version": "1.1",
        "scheme": "https",
        "client": (client, 40000),
        "headers": [(name.lower().encode(), value.encode()) for name, value in recipient.headers.items()],
    }
    environ = environ_of(scope, b"")
    seen: dict[str, object] = {}
    blind(lambda environ, start: seen.update(environ), door="portal")(environ, None)
    assert bool(seen["openhotline.certificate"]) is believed
    assert not [name for name in seen if name in ("REMOTE_ADDR", *HEADERS)]
    bare = environ_of({**scope, "headers": []}, b"")
    assert client not in map(str, bare.values()), "without a certificate no address is taken at all"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with pytest.MonkeyPatch.context() as patch:
        yield Desk(patch, tmp_path)
    load.cache_clear()


@AT_DESK
def test_the_desk_agrees_grants_and_finds_a_leak_and_never_sees_the_list(desk: Desk) -> None:
    listed_at_five(desk.day, "https://dijk.example.net/n/9")
    desk.sync()
    lead, liaison, analyst = desk.as_("L01"), desk.as_("P01"), desk.as_("A07")
    said = {
        "key": "north-filter",
        "name": "North Filter",
        "paper": "safe 2",
        "mail": "list@filter.example",
        "signed_on": "2026-05-03",
        "ends_on": "2027-05-02",
        "fingerprint": "ab" * 32,
        "why": "a member since May",
    }
    assert "Write down a signed" not in analyst.get("/filter-list").content.decode()
    assert analyst.post("/filter-list/agreements", said).status_code == 403
    wrong = lead.post("/filter-list/agreements", {**said, "mail": "nobody"})
    assert (wrong.status_code, "Write a mail address" in wrong.content.decode()) == (422, True)
    assert "a member since May" in wrong.content.decode(), "what was typed stays"
    assert lead.post("/filter-list/agreements", said).status_code == 303
    where = f"/filter-list/agreements/{ListAgreement.objects.get().pk}"
    assert "Take it back" in lead.get("/filter-list").content.decode()
    assert lead.post(where, {"press": "confirm"}).status_code == 422
    confirmed = liaison.post(where, {"press": "confirm"}).content.decode()
    assert "shown this once" in confirmed
    assert "shown this once" not in liaison.get("/filter-list").content.decode()

    row = ListAgreement.objects.get()
    ticked = {"recipient": str(row.pk), "licence_why": "the noon list"}
    assert analyst.post("/filter-list/licences", ticked).status_code == 303
    where = f"/filter-list/licences/{ListLicence.objects.get().pk}"
    assert "Grant one download" in lead.get("/filter-list").content.decode()
    assert "Grant one download" not in liaison.get("/filter-list").content.decode()
    assert liaison.post(where, {"press": "grant"}).status_code == 403
    assert lead.post(where, {"press": "grant"}).status_code == 303
    copy = filter_list.download(row, policy=desk.day.policy, by=PROGRAM, at=desk.day.now)
    found = lead.post("/filter-list/whose", {"text": json.dumps(json.loads(copy), indent=1)}).content.decode()
    assert "Whose copy it is" in found
    assert "North Filter" in found
    assert "No marker of ours" in lead.post("/filter-list/whose", {"text": "nothing"}).content.decode()
    assert "dijk.example.net" not in lead.get("/filter-list").content.decode()


@AT_DESK
def test_a_registry_is_told_of_domains_without_the_list_and_the_desk_sees_of_which(desk: Desk) -> None:
    day, lead, liaison = desk.day, desk.as_("L01"), desk.as_("P01")
    said = {
        "key": "net-registry",
        "name": "Net Registry",
        "paper": "safe 2",
        "mail": "abuse@registry.example",
        "signed_on": "2026-05-03",
        "ends_on": "2027-05-02",
        "why": "their law of May",
    }
    wrong = lead.post("/filter-list/agreements", {**said, "sphere": "www.example.net"})
    assert (wrong.status_code, "no domain that somebody registered" in wrong.content.decode()) == (422, True)
    assert ">www.example.net</textarea>" in wrong.content.decode(), "what was typed stays"
    assert lead.post("/filter-list/agreements", {**said, "sphere": ".nl example.net"}).status_code == 303
    assert "example.net" in liaison.get("/filter-list").content.decode(), "the second person reads the sphere"
    where = f"/filter-list/agreements/{ListAgreement.objects.get().pk}"
    confirmed = liaison.post(where, {"press": "confirm"}).content.decode()
    assert "shown this once" not in confirmed, "no list, no salt"
    assert "Ask for one download" not in confirmed
    abroad(day, "http://dijk.example.net/n/1")
    domain_alert.sweep(policy=day.policy, at=day.now)
    day.letters_leave()
    desk.sync()
    page = lead.get("/filter-list").content.decode()
    assert "No list. Alerted about 2 names." in page
    assert (
        '<b class="mono">example.net</b> <span>to net-registry</span> <span class="chip is-ok">sent' in page
    )

    (letter,) = day.letters(domain_alert.KIND)
    domain_alert.came_back(letter, why="5.1.1", at=day.now)
    assert "returned an alert" in desk.as_("A07").get("/filter-list").content.decode()
    assert desk.as_("A07").post(where, {"press": "again"}).status_code == 403
    Hold.objects.create(
        removal=Removal.objects.get(),
        reason="operation",
        placed_at=day.now,
        placed_by="north-2",
        review_at=day.now,
    )
    assert liaison.post(where, {"press": "again"}).status_code == 303
    domain_alert.sweep(policy=day.policy, at=day.now)
    assert "ask north-2" in liaison.get("/filter-list").content.decode(), "what waits, and whom to ask"
    seen = desk.as_("A07").get("/filter-list").content.decode()
    assert ("Domain alerts that wait" in seen, "north-2" in seen) == (True, False)
