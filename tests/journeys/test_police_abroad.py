"""Held where no partner hotline works: the national police get a package, acknowledge it, and say by which way it went on."""

import json
import warnings
from datetime import timedelta
from pathlib import Path

import pytest

from openhotline.connectors.mail.client import Relay
from openhotline.connectors.spool.client import Spool
from openhotline.connectors.stix import meaning as stix
from openhotline.jobs import dispatch
from openhotline.jobs.post import Post
from openhotline.ledger.reading import entries_of
from openhotline.records import vault
from openhotline.records.models import Hold, Package, Referral, Removal
from openhotline.rules.package import FORMS, JSON, STIX, TEXT, PackageContent
from openhotline.rules.refusals import NotPermitted, Refused
from openhotline.rules.words import Actor
from openhotline.steps import package, refer
from tests.journeys.cast import FAR_HOST, HOUSE, Day, hours

pytestmark = pytest.mark.django_db
ADDRESSES = ("http://isle.example.org/q/1", "http://isle.example.org/q/2")


@pytest.fixture
def house(db: None) -> Day:
    vault.configure(b"the site key of a test house....".ljust(32))
    return Day()


def left(house: Day, folder: Path) -> tuple[Package, list[Removal]]:
    """A referral to police abroad that the worker has really written and handed over."""
    removals = house.traced(house.graded(house.public_report(*ADDRESSES)), FAR_HOST)
    refer.refer_due(at=house.now)
    post = Post(relay=Relay("127.0.0.1"), house=HOUSE, partner_tokens=dict, spool=Spool(folder))
    assert dispatch.letters(post, policy=house.policy, at=house.now, kinds=["referral"]) == 1
    return Package.objects.get(), house.fresh(removals)


def officer(house: Day) -> Actor:
    return house.people[f"officer {Referral.objects.get().unit.key}"].actor()


def form(house: Day, row: Package, name: str) -> bytes:
    return package.open_(row, name, by=officer(house), at=house.now)


def test_the_package_says_the_same_in_three_forms_and_nothing_of_people(house: Day, tmp_path: Path) -> None:
    row, removals = left(house, tmp_path)
    assert {removal.status for removal in removals} == {"referred to police"}
    text, plain, bundle = (form(house, row, name) for name in (TEXT, JSON, STIX))
    value = json.loads(plain)
    assert [one["address"] for one in value["addresses"]] == list(ADDRESSES)
    assert (value["country"], value["marking"]) == ("XA", "TLP:AMBER+STRICT")
    for body in (text, plain, bundle):
        assert all(address.encode() in body for address in ADDRESSES)
        assert FAR_HOST[2].encode() in body
        assert not any(name.encode() in body for name in ("A07", "A12", "public", "receipt"))
    assert sorted(row.digests) == sorted(FORMS)
    acts = [entry.entry["act"] for entry in entries_of(removals[0].item.ref)]
    assert acts.count("package.opened") == 3
    spooled = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    assert row.referral.number.encode() in spooled
    assert b"isle.example.org" not in spooled, "the facts are behind the sign-in"


def test_the_library_finds_no_fault_in_the_bundle(house: Day, tmp_path: Path) -> None:
    row, _ = left(house, tmp_path)
    body = form(house, row, STIX)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the library's own, of Python's past
        import stix2

        bundle = stix2.parse(body, allow_custom=False, version="2.1")
    kinds = [one["type"] for one in bundle.objects]
    assert kinds.count("url") == kinds.count("note") == kinds.count("observed-data") == 2
    assert {"identity", "location", "report", "infrastructure", "relationship", "ipv4-addr"} <= set(kinds)
    known = {one["id"] for one in bundle.objects}
    (report,) = (one for one in bundle.objects if one["type"] == "report")
    assert set(report.object_refs) <= known
    assert set(report.object_refs) >= {one["id"] for one in bundle.objects if one["type"] == "note"}
    # An observable's identity is the standard's: the library makes the same from the same value.
    ours = {one["id"] for one in bundle.objects if one["type"] == "url"}
    assert ours == {stix2.v21.URL(value=address).id for address in ADDRESSES}
    assert stix.render(_again(json.loads(form(house, row, JSON)))) == body, "the same package, the same bytes"


def _again(value: dict[str, object]) -> PackageContent:
    from datetime import datetime

    from openhotline.rules.package import PackageAddress

    def times(row: dict[str, object]) -> dict[str, object]:
        return {
            key: datetime.fromisoformat(str(one)) if key.endswith("_at") else one for key, one in row.items()
        }

    rows = tuple(PackageAddress(**times(row)) for row in value.pop("addresses"))  # type: ignore[arg-type,attr-defined]
    value.pop("marking")
    return PackageContent(**times(value), addresses=rows)  # type: ignore[arg-type]


def test_it_is_acknowledged_once_with_its_way_and_only_by_the_unit(house: Day, tmp_path: Path) -> None:
    row, removals = left(house, tmp_path)
    house.later(hours(5))
    with pytest.raises(NotPermitted):
        package.acknowledge(row, channel="interpol", reference="", by=house.who("P01"), at=house.now)
    with pytest.raises(Refused, match="which way"):
        package.acknowledge(row, channel="pigeon", reference="", by=officer(house), at=house.now)
    package.acknowledge(row, channel="interpol", reference="I-24/7-1", by=officer(house), at=house.now)
    with pytest.raises(Refused, match="already"):
        package.acknowledge(row, channel="europol", reference="", by=officer(house), at=house.now)
    assert Referral.objects.get().their_reference == "I-24/7-1"
    assert {removal.t6_acknowledged for removal in house.fresh(removals)} == {house.now}


@pytest.mark.parametrize("acknowledged", [True, False])
def test_the_clocks_of_a_package(house: Day, tmp_path: Path, acknowledged: bool) -> None:
    """Row 40: three days to acknowledge, ten to be asked how far it is, twenty-eight to be looked at by managers."""
    row, _ = left(house, tmp_path)
    if acknowledged:
        package.acknowledge(row, channel="europol", reference="", by=officer(house), at=house.now)
    start, seen = house.now, []
    for day in (3, 10, 28):
        house.now = start + timedelta(days=day)
        refer.partner_clocks(policy=house.policy, at=house.now)
        seen.append((len(house.letters("referral-query")), len(house.letters("referral-escalation"))))
    assert seen == ([(0, 0), (1, 0), (1, 1)] if acknowledged else [(1, 0), (1, 1), (1, 1)])


def test_under_a_hold_it_neither_leaves_nor_opens(house: Day, tmp_path: Path) -> None:
    row, removals = left(house, tmp_path)
    hold = Hold.objects.create(
        removal=removals[0], reason="x", review_at=house.now, placed_at=house.now, placed_by="NU-2"
    )
    with pytest.raises(Refused, match="paused"):
        form(house, row, TEXT)
    hold.released_at = house.now
    hold.save()
    assert form(house, row, TEXT).startswith(b"R-26-")
