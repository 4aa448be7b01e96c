"""De-confliction without disclosure: a match says only "contact this unit", and nothing else says anything."""

import secrets
from datetime import timedelta

import pyrage
import pytest

from openhotline.ledger import canonical
from openhotline.ledger.models import Staged
from openhotline.records.models import DigestKey, DigestMatch, DigestRun, DigestUpload, Item, Unit
from openhotline.rules import deconflict as rules
from openhotline.rules import urls
from openhotline.rules.refusals import NotPermitted, Refused
from openhotline.steps import deconflict
from tests.journeys.cast import Day, hours

KEY = secrets.token_bytes(32)


class Matcher:
    """The one process that holds the secret half."""

    def __init__(self) -> None:
        pair = pyrage.x25519.Identity.generate()
        self.secret, self.public = str(pair), str(pair.to_public())


@pytest.fixture
def matcher() -> Matcher:
    return Matcher()


def digests(*values: tuple[str, str], key: bytes = KEY) -> str:
    return "\n".join(rules.digest(key, kind, value).hex() for kind, value in values)


def hand_in(
    house: Day, matcher: Matcher, *values: tuple[str, str], unit: str = "NU", key: bytes = KEY
) -> None:
    officer, row = house.people[f"officer {unit}"].actor(), Unit.objects.get(key=unit)
    if not DigestKey.objects.filter(unit=row, retired_at=None).exists():
        deconflict.hand_in_key(row, key.hex(), public=matcher.public, by=officer, at=house.now)
    deconflict.upload(row, digests(*values, key=key), public=matcher.public, by=officer, at=house.now)


def entries(act: str) -> list[dict[str, object]]:
    read = [canonical.decode(bytes(entry)) for entry in Staged.objects.values_list("entry", flat=True)]
    return [entry for entry in read if entry["act"] == act]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("address", urls.read("hxxps://Sub.Example[.]org/@Someone/1").key),
        ("domain", "example.org"),
        ("account", "someone@example.org"),
    ],
)
def test_an_address_a_domain_and_an_account_each_say_contact_this_unit_and_no_more(
    house: Day, matcher: Matcher, kind: str, value: str
) -> None:
    (item,) = house.public_report("https://sub.example.org/@Someone/1")
    house.public_report("https://other.example.net/2")
    hand_in(house, matcher, (kind, value), ("domain", "nothing.example.com"))
    assert deconflict.compare(secret=matcher.secret, at=house.now) == 2
    match = DigestMatch.objects.get()
    assert (match.item, match.unit.key) == (item, "NU")
    assert {field.name for field in DigestMatch._meta.fields} == {
        "id",
        "unit",
        "item",
        "at",
        "contacted_at",
        "contacted_by",
    }, "what matched, and how, is kept nowhere"
    (entry,) = entries("deconfliction.match")
    assert (entry["case"], entry["why"]) == (item.ref, "Contact this unit.")
    deconflict.contacted(match, by=house.who("P01"), at=house.now)
    with pytest.raises(Refused, match="already"):
        deconflict.contacted(match, by=house.who("L01"), at=house.now)


def test_every_run_is_an_entry_and_none_says_how_much_matched(house: Day, matcher: Matcher) -> None:
    house.public_report("https://one.example.org/1")
    hand_in(house, matcher, ("domain", "example.org"))
    deconflict.compare(secret=matcher.secret, at=house.now)
    assert len(entries("deconfliction.run")) == DigestRun.objects.count() == 1
    assert not {"matched", "matches"} & {field.name for field in DigestRun._meta.fields}
    assert deconflict.compare(secret=matcher.secret, at=house.now) == 0, "nothing is new"
    house.public_report("https://two.example.org/2")
    assert deconflict.compare(secret=matcher.secret, at=house.now) == 1, "only what is new"
    hand_in(house, matcher, ("domain", "example.net"))
    assert deconflict.compare(secret=matcher.secret, at=house.now) == 2, "new digests: everything again"
    assert DigestMatch.objects.count() == 2, "and nobody is told twice"


def test_an_upload_answers_the_same_whatever_it_matches(house: Day, matcher: Matcher) -> None:
    house.public_report("https://one.example.org/1")
    officer, unit = house.people["officer NU"].actor(), Unit.objects.get(key="NU")
    deconflict.hand_in_key(unit, KEY.hex(), public=matcher.public, by=officer, at=house.now)
    answered = [
        deconflict.upload(unit, digests(("domain", name)), public=matcher.public, by=officer, at=house.now)
        for name in ("example.org", "unknown.example")
    ]
    assert answered == [1, 1]
    assert set(DigestUpload.objects.values_list("count", flat=True)) == {1}
    assert not DigestMatch.objects.exists(), "nothing is compared where it is handed in"


def test_what_is_stored_opens_for_the_matcher_alone(house: Day, matcher: Matcher) -> None:
    hand_in(house, matcher, ("domain", "example.org"))
    key, upload = DigestKey.objects.get(), DigestUpload.objects.get()
    assert KEY not in bytes(key.sealed)
    assert rules.digest(KEY, "domain", "example.org") not in bytes(upload.sealed)
    house.public_report("https://one.example.org/1")
    with pytest.raises(ValueError, match="does not open"):
        deconflict.compare(secret=Matcher().secret, at=house.now)
    assert not DigestMatch.objects.exists()


def test_two_units_with_the_same_value_and_different_keys_are_each_contacted(
    house: Day, matcher: Matcher
) -> None:
    house.public_report("https://one.example.org/1")
    hand_in(house, matcher, ("domain", "example.org"))
    hand_in(house, matcher, ("domain", "example.org"), unit="EU", key=secrets.token_bytes(32))
    deconflict.compare(secret=matcher.secret, at=house.now)
    assert set(DigestMatch.objects.values_list("unit__key", flat=True)) == {"NU", "EU"}
    assert digests(("domain", "example.org")) != digests(("domain", "example.org"), key=b"x" * 32)


def test_a_key_lasts_a_year_and_takes_its_digests_with_it(house: Day, matcher: Matcher) -> None:
    hand_in(house, matcher, ("domain", "example.org"))
    house.later(timedelta(days=364))
    assert deconflict.retire_due(at=house.now) == 0
    house.later(timedelta(days=1))
    house.public_report("https://one.example.org/1")
    assert deconflict.compare(secret=matcher.secret, at=house.now) == 0, "nor before the sweep has come by"
    assert deconflict.retire_due(at=house.now) == 1
    assert DigestUpload.objects.get().sealed is None
    assert deconflict.compare(secret=matcher.secret, at=house.now) == 0
    officer, unit = house.people["officer NU"].actor(), Unit.objects.get(key="NU")
    with pytest.raises(Refused, match="Hand in this year's key first"):
        deconflict.upload(
            unit, digests(("domain", "a.example")), public=matcher.public, by=officer, at=house.now
        )


def test_a_new_key_ends_the_old_one(house: Day, matcher: Matcher) -> None:
    hand_in(house, matcher, ("domain", "example.org"))
    officer, unit = house.people["officer NU"].actor(), Unit.objects.get(key="NU")
    house.later(hours(1))
    deconflict.hand_in_key(unit, secrets.token_hex(32), public=matcher.public, by=officer, at=house.now)
    assert DigestKey.objects.filter(unit=unit, retired_at=None).count() == 1
    assert DigestUpload.objects.get().sealed is None


def test_what_was_being_filed_during_a_run_is_compared_in_the_next(house: Day, matcher: Matcher) -> None:
    """Two people file at once: the later number is there first, and the run sees only that one."""
    (slow,) = house.public_report("https://example.org/slow")
    house.public_report("https://example.net/quick")
    Item.objects.filter(pk=slow.pk).update(canonical="https://example.com/not-there-yet")
    hand_in(house, matcher, ("domain", "example.org"))
    deconflict.compare(secret=matcher.secret, at=house.now)
    assert not DigestMatch.objects.exists()
    Item.objects.filter(pk=slow.pk).update(canonical="https://example.org/slow")
    house.public_report("https://example.net/next")
    assert deconflict.compare(secret=matcher.secret, at=house.now) == 1, "one was not compared before"
    assert DigestMatch.objects.get().item_id == slow.pk


def test_a_key_handed_in_anew_ends_a_run_under_the_old_one(
    house: Day, matcher: Matcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.public_report("https://example.org/1")
    hand_in(house, matcher, ("domain", "example.org"))
    touches = deconflict._touches

    def meanwhile(*given: object) -> bool:
        officer, unit = house.people["officer NU"].actor(), Unit.objects.get(key="NU")
        key = secrets.token_bytes(32).hex()
        deconflict.hand_in_key(unit, key, public=matcher.public, by=officer, at=house.now)
        return touches(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(deconflict, "_touches", meanwhile)
    deconflict.compare(secret=matcher.secret, at=house.now)
    assert not DigestMatch.objects.exists() and not DigestRun.objects.exists()


def test_nobody_hands_in_for_another_unit_and_no_address_ever_comes_in(house: Day, matcher: Matcher) -> None:
    officer, other = house.people["officer NU"].actor(), Unit.objects.get(key="EU")
    with pytest.raises(NotPermitted):
        deconflict.hand_in_key(other, KEY.hex(), public=matcher.public, by=officer, at=house.now)
    with pytest.raises(NotPermitted):
        deconflict.upload(other, "aa" * 32, public=matcher.public, by=house.who("P01"), at=house.now)
    for text, sentence in (("https://example.org/", "Line 1 is no digest"), ("\n \n", "no digest in this")):
        with pytest.raises(Refused, match=sentence):
            rules.read_digests(text)
    for key in ("00" * 32, "short", "zz" * 32):
        with pytest.raises(Refused):
            rules.read_key(key)


def test_accounts_are_read_from_the_usual_places_of_a_path() -> None:
    for path, name in (("/@Ann/x", "ann"), ("/~bob", "bob"), ("/u/Cee", "cee"), ("/users/dee/1", "dee")):
        assert ("account", f"{name}@example.org") in rules.values(urls.read(f"https://a.example.org{path}"))
    assert [kind for kind, _ in rules.values(urls.read("https://a.example.org/x"))] == ["address", "domain"]
