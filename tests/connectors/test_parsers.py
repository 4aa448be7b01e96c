"""Registries, name servers and files may say anything: we read what is sound and never fall over."""

import contextlib
import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dns.flags
import dns.message
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from openhotline.connectors.dns import meaning as dns_meaning
from openhotline.connectors.geo import meaning as geo_meaning
from openhotline.connectors.geo.client import Atlas
from openhotline.connectors.rdap import meaning as rdap_meaning
from openhotline.connectors.rdap.client import Registries
from openhotline.connectors.whois import meaning as whois_meaning

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def card(name: str, *mails: str) -> list[Any]:
    lines: list[Any] = [["version", {}, "text", "4.0"], ["fn", {}, "text", name]]
    return ["vcard", lines + [["email", {"type": "work"}, "text", m] for m in mails]]


NETWORK: dict[str, Any] = {
    "objectClassName": "ip network",
    "handle": "NET-192-0-2-0",
    "startAddress": "192.0.2.0",
    "endAddress": "192.0.2.255",
    "name": "EXAMPLE-NET",
    "country": "gb",
    "events": [{"eventAction": "last update of RDAP database", "eventDate": "2026-03-02T11:00:00Z"}],
    "entities": [
        {
            "objectClassName": "entity",
            "roles": ["registrant"],
            "vcardArray": card("Example Hosting Ltd", "office@host.example"),
            "entities": [{"roles": ["technical", "abuse"], "vcardArray": card("Desk", "abuse@host.example")}],
        }
    ],
}


def rdap(value: Any) -> Any:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return rdap_meaning.read(body, source="http://rdap.registry.example/ip/192.0.2.1", at=NOON)


def test_the_abuse_mailbox_is_found_though_it_is_nested() -> None:
    answer = rdap(NETWORK)
    assert answer.ok
    assert answer.abuse_mail == ("abuse@host.example",)
    assert (answer.country, answer.network, answer.operator) == ("GB", "192.0.2.0/24", "Example Hosting Ltd")
    assert (answer.source_age_s, answer.changed_s) == (3600, None)
    changed = {"eventAction": "last changed", "eventDate": "2026-03-01T11:00:00Z"}
    both = rdap({**NETWORK, "events": [*NETWORK["events"], changed]})
    assert (both.source_age_s, both.changed_s) == (3600, (24 + 1) * 3600), "a record's day is not the list's"
    assert json.loads(answer.raw) == NETWORK


@pytest.mark.parametrize(
    ("last", "country"),
    [
        ("United States", "US"),
        ("Canada", "CA"),
        ("Virgin Islands, U.S.", "VI"),
        ("The Bahamas", "BS"),
        ("Atlanta", ""),
        ("Georgia", ""),  # the country, or the state
    ],
)
def test_where_the_holders_address_is_a_label_its_last_line_names_the_country(
    last: str, country: str
) -> None:
    """So it is at ARIN, whose networks have no country of their own."""
    holder = card("Example Hosting Ltd")
    holder[1].append(["adr", {"label": f"1 Example Street\nTown\n{last}"}, "text", [""] * 7])
    answer = rdap({**NETWORK, "country": None, "entities": [{"roles": ["registrant"], "vcardArray": holder}]})
    assert answer.ok and answer.country == country


def test_the_mailbox_nearest_to_the_network_comes_first() -> None:
    near = {"roles": ["abuse"], "vcardArray": card("Near", "near@host.example")}
    answer = rdap({**NETWORK, "entities": [*NETWORK["entities"], near]})
    assert answer.abuse_mail == ("near@host.example", "abuse@host.example")


@pytest.mark.parametrize(
    "mail", ["a b@host.example", "x@y@z", "abuse@host.example\r\nBcc: x@y.example", "abuse", 7, None]
)
def test_a_mailbox_that_is_none_is_left_out(mail: Any) -> None:
    value = {**NETWORK, "entities": [{"roles": ["abuse"], "vcardArray": card("Desk", mail)}]}
    answer = rdap(value)
    assert answer.ok and answer.abuse_mail == () and "no abuse contact" in answer.why


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'"x"', b"{}", b"\xff\xfe", b"[" * 100_000, b'{"a":' * 5000, b"9" * 10_000,
     b'{"errorCode":404,"title":"no"}', b'{"objectClassName":"domain"}', b" " * (512 * 1024 + 1),
     b'{"name":"' + b"\\" * 99_999],
)  # fmt: skip
def test_a_malformed_answer_is_a_failed_method_with_its_raw_kept(body: bytes) -> None:
    answer = rdap(body)
    assert not answer.ok and answer.why
    assert answer.raw == body[: 512 * 1024].decode("utf-8", "backslashreplace")


@pytest.mark.parametrize(
    "people",
    [
        "role: ABUSE EXAMPLE\ncountry: ZZ\nlast-modified: 2026-02-20T00:00:00Z",
        "nic-hdl: EXP1\ncountry: BR\nchanged: 20260220",
        "person: A role\ncountry: DE",
    ],
)
def test_whois_tells_the_networks_country_and_day_not_its_peoples(people: str) -> None:
    network = (
        "inetnum: 192.0.2.0 - 192.0.2.255\nnetname: EX\ncountry: GB\nlast-modified: 2026-02-01T00:00:00Z"
    )
    office = "organisation: ORG-EX\norg-name: Example Hosting Ltd\ncountry: US"
    text = f"{network}\n\n{office}\n\n{people}\n"
    told = whois_meaning.read(text.encode(), source="whois", at=NOON, asked="192.0.2.1")
    assert (told.country, told.operator, told.network) == ("GB", "Example Hosting Ltd", "192.0.2.0/24")
    assert told.changed_s == 29.5 * 86_400
    two = text.replace("country: GB", "country: GB\ncountry: FR")
    assert not whois_meaning.read(two.encode(), source="whois", at=NOON).country, "it names two"


def test_whois_tells_the_organisations_country_where_the_network_has_none() -> None:
    text = b"NetRange: 192.0.2.0 - 192.0.2.255\nUpdated: 2026-02-01\n\nOrgName: Example\nCountry: US\n"
    assert whois_meaning.read(text, source="whois", at=NOON).country == "US"


def test_a_registry_that_writes_latin_1_is_read_and_every_byte_of_it_is_kept() -> None:
    body = "inetnum: 192.0.2.0/24\nowner: Telefonía del Norte\ncountry: AR\n".encode("latin-1")
    answer = whois_meaning.read(body, source="whois.example:43", at=NOON, asked="192.0.2.7")
    assert (answer.operator, answer.country) == ("Telefonía del Norte", "AR")
    assert "Telefon\\xeda del Norte" in answer.raw, "what is no UTF-8 is spelled, not replaced"


@pytest.mark.parametrize(
    "piece", [b'"', b"[", b'"a', b'{"entities":', b"\\", b'\\"', b'{"a":[', b'"\\"', b"-", b"1", b"[]"]
)
def test_half_a_megabyte_of_anything_costs_little(piece: bytes) -> None:
    started = time.process_time()
    for start in (b"", b'{"name":"', b'{"name":['):
        rdap((start + piece * 524_288)[: 512 * 1024])
    assert time.process_time() - started < 5


def test_brackets_inside_strings_are_not_depth() -> None:
    assert rdap({**NETWORK, "remarks": "[" * 50 + '\\"{' * 50}).ok


nested = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from([*NETWORK, "cidr0_cidrs", "errorCode"]), nested))
def test_rdap_of_any_shape_never_raises(value: dict[str, Any]) -> None:
    rdap({**NETWORK, **value})


@given(st.dictionaries(st.sampled_from(["roles", "vcardArray", "entities"]), nested))
def test_entities_of_any_shape_never_raise(value: dict[str, Any]) -> None:
    rdap({**NETWORK, "entities": [value, {"entities": [value]}]})


@given(st.binary(max_size=300))
def test_rdap_bytes_never_raise(body: bytes) -> None:
    assert isinstance(rdap(body).ok, bool)


def test_the_longest_prefix_names_the_registry(tmp_path: Path) -> None:
    file = tmp_path / "ipv4.json"
    services = [
        [["192.0.0.0/8"], ["http://a.example/", "https://a.example/"]],
        [["192.0.2.0/24"], ["https://b.example"]],
    ]
    file.write_text(json.dumps({"version": "1.0", "services": services}))
    known = Registries.load("", [str(file)])
    assert known.question("192.0.2.7") == "https://b.example/ip/192.0.2.7"
    assert known.question("192.1.0.1") == "https://a.example/ip/192.1.0.1"
    assert known.question("2001:db8::1") == ""
    file.write_text("[]")
    with pytest.raises(ValueError, match="bootstrap"):
        Registries.load("", [str(file)])


def reply(*lines: str, asked: str = "x.example.org", kind: str = "A") -> bytes:
    message = dns.message.from_text(
        f"id 1\nopcode QUERY\nrcode NOERROR\nflags QR\n;QUESTION\n{asked}. IN {kind}\n;ANSWER\n"
        + "\n".join(lines)
    )
    return message.to_wire()


def test_an_answer_is_followed_along_its_own_aliases() -> None:
    wire = reply("x.example.org. 60 IN CNAME c.example.net.", "c.example.net. 60 IN A 192.0.2.7")
    answer = dns_meaning.read(wire, "x.example.org", "A")
    assert answer.ok and answer.addresses == ("192.0.2.7",) and answer.aliases == ("c.example.net",)


def test_an_address_of_another_name_in_the_same_answer_is_not_believed() -> None:
    wire = reply("other.example.org. 60 IN A 192.0.2.7")
    assert dns_meaning.read(wire, "x.example.org", "A").addresses == ()


def test_aliases_in_a_ring_end() -> None:
    wire = reply("x.example.org. 60 IN CNAME y.example.org.", "y.example.org. 60 IN CNAME x.example.org.")
    assert not dns_meaning.read(wire, "x.example.org", "A").ok


def test_an_answer_to_another_question_is_refused() -> None:
    wire = reply("y.example.org. 60 IN A 192.0.2.7", asked="y.example.org")
    assert not dns_meaning.read(wire, "x.example.org", "A").ok


@given(st.binary(max_size=200))
def test_dns_bytes_never_raise(wire: bytes) -> None:
    assert not dns_meaning.read(wire, "x.example.org", "A").addresses


@given(st.data())
def test_a_damaged_dns_answer_never_raises(data: st.DataObject) -> None:
    wire = bytearray(reply("x.example.org. 60 IN CNAME c.example.net.", "c.example.net. 60 IN A 192.0.2.7"))
    for _ in range(data.draw(st.integers(1, 5))):
        wire[data.draw(st.integers(0, len(wire) - 1))] = data.draw(st.integers(0, 255))
    dns_meaning.read(bytes(wire), "x.example.org", "A")


@given(st.text(max_size=300))
def test_a_name_is_a_question_or_a_value_error(name: str) -> None:
    with contextlib.suppress(ValueError):
        dns_meaning.question(name, "A")


@given(nested)
def test_geo_records_of_any_shape_never_raise(record: Any) -> None:
    geo_meaning.country_of(record)
    geo_meaning.network_of(record)


def mmdb(path: Path, records: dict[str, Any]) -> str:
    writer = MMDBWriter(ip_version=4, database_type="Test")
    for network, record in records.items():
        writer.insert_network(IPSet([network]), record)
    writer.to_db_file(str(path))
    return str(path)


def test_files_answer_with_their_age_and_say_when_addresses_disagree(tmp_path: Path) -> None:
    country = {"192.0.2.0/24": {"country": {"iso_code": "GB"}}, "198.51.100.0/24": {"country_code": "nl"}}
    origin = {
        "192.0.2.0/24": {
            "autonomous_system_number": 64500,
            "autonomous_system_organization": "Example Hosting",
        }
    }
    files = [
        (mmdb(tmp_path / "c.mmdb", country), "location", "own"),
        (mmdb(tmp_path / "o.mmdb", origin), "origin", "own"),
    ]
    atlas = Atlas.load(files)
    later = datetime(2099, 1, 1, tzinfo=UTC)
    network, place = atlas.about(["192.0.2.10"], at=later)
    assert (network.asn, network.operator, network.answer) == (
        64500,
        "Example Hosting",
        "AS64500 Example Hosting",
    )
    assert place.country == "GB" and place.source_age_s and place.source_age_s > 10**9
    _, both = atlas.about(["192.0.2.10", "198.51.100.1"], at=later)
    assert both.ok and both.country == "" and both.answer == "GB, NL" and "different countries" in both.why
    assert not atlas.about(["203.0.113.1"], at=later)[1].ok
    assert not atlas.about(["2001:db8::1"], at=later)[1].ok
    atlas.close()


def test_a_file_that_cannot_be_read_says_so_in_every_trace_beside_those_that_can(tmp_path: Path) -> None:
    bad = tmp_path / "bad.mmdb"
    bad.write_bytes(b"nothing of the kind")
    good = mmdb(tmp_path / "good.mmdb", {"192.0.2.0/24": {"country_code": "GB"}})
    named = [
        (str(bad), "location", "own"),
        (str(tmp_path / "none.mmdb"), "origin", ""),
        (good, "location", ""),
    ]
    atlas = Atlas.load(named)
    assert len(atlas.notes) == 2
    now = datetime.now(UTC)
    assert [(a.ok, a.source.split()[0], a.why) for a in atlas.about(["192.0.2.1"], at=now)] == [
        (False, "none.mmdb", "none.mmdb is not there, so nothing is known from it."),
        (True, "good.mmdb", ""),
        (False, "bad.mmdb", "bad.mmdb cannot be read as MMDB, so nothing is known from it."),
    ]
    early = atlas.about(["192.0.2.1"], at=now - timedelta(days=3))[1]
    assert early.ok and early.dated_ahead and "made in the future" in early.why


def test_where_a_network_is_registered_is_no_place_of_its_servers() -> None:
    assert geo_meaning.country_of({"registered_country": {"iso_code": "US"}}) == ""
