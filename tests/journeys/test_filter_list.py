"""The list for filtering companies: made up twice a day, left at once, handed out by two people and once each."""

import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from openhotline.records import vault
from openhotline.records.models import Hold, ListLicence, Partner
from openhotline.rules import filter_list as rule
from openhotline.rules import words
from openhotline.rules.refusals import NotPermitted, Refused
from openhotline.rules.words import Actor
from openhotline.steps import check, filter_list, list_agreement, refer
from tests.journeys.cast import CANAL_HOST, NORTH_RACK, Day, hours, minutes
from tests.journeys.test_entries import acts

if TYPE_CHECKING:
    from openhotline.records.models import ListAgreement, Removal

PROGRAM = Actor(words.PARTNER, "recipient:north-filter", auth="certificate")
PRINT = "ab" * 32


@pytest.fixture(autouse=True)
def _key() -> None:
    vault.configure(b"the site key of a test house....".ljust(32))


def agreed(house: Day, key: str = "north-filter", **more: str) -> "tuple[ListAgreement, bytes]":
    """L01 proposes, P01 confirms."""
    said = {
        "key": key,
        "name": "North Filter",
        "paper": "signed 3 May 2026, safe 2",
        "mail": f"{key}@filter.example",
        "signed_on": "2026-05-03",
        "ends_on": "2027-05-02",
        "fingerprint": PRINT,
        **more,
    }
    row = list_agreement.propose(said, why="a member since May", by=house.who("L01"), at=house.now)
    salt = list_agreement.confirm(row, by=house.who("P01"), at=house.now)
    row.refresh_from_db()
    return row, salt


def licensed(house: Day, row: "ListAgreement") -> ListLicence:
    """P01 asks, L01 grants."""
    (licence,) = list_agreement.ask([row], why="the noon list", by=house.who("P01"), at=house.now)
    list_agreement.grant([licence], policy=house.policy, by=house.who("L01"), at=house.now)
    return licence


def fetched(house: Day, row: "ListAgreement") -> dict[str, object]:
    licensed(house, row)
    return json.loads(filter_list.download(row, policy=house.policy, by=PROGRAM, at=house.now))


def abroad(house: Day, *lines: str) -> "list[Removal]":
    """Referred to the partner hotline, and seen there by our own checks."""
    Partner.objects.get_or_create(
        key="hotline-nl",
        defaults={"name": "partner", "kind": "hotline", "country": "NL", "url": "http://nl.test"},
    )
    removals = house.traced(house.graded(house.public_report(*lines)), CANAL_HOST)
    refer.refer_due(at=house.now)
    house.letters_leave()
    return house.looked(house.fresh(removals), peer="198.51.100.20")


def again(house: Day, removals: "list[Removal]") -> "list[Removal]":
    """Traced and seen once more where they were."""
    house.traced([removal.item for removal in removals], CANAL_HOST)
    return house.looked(removals, peer="198.51.100.20")


def listed_at_five(house: Day, *lines: str) -> "list[Removal]":
    """Live abroad at one, on the list at five o'clock in London."""
    removals = abroad(house, *lines)
    house.now = house.now.replace(hour=16, minute=0)
    removals = again(house, removals)
    assert filter_list.issue(policy=house.policy, at=house.now) == len(removals)
    return removals


def sweep(house: Day) -> int:
    return filter_list.take_off(policy=house.policy, at=house.now)


def blocks(salt: bytes, rows: list[dict[str, str]], url: str) -> bool:
    """What a filter does, with nothing of ours: the recipients' guide, step by step."""

    def hashed(level: str, value: str) -> str:
        return hmac.new(salt, f"{level}:{value}".encode(), "sha256").hexdigest()

    rest = url.split("://", 1)[1]
    host = rest.split("/", 1)[0].rsplit(":", 1)[0]
    if hashed("host", host) not in {row["host"] for row in rows}:
        return False  # nearly everything ends here
    folder = rest.split("?", 1)[0].rsplit("/", 1)[0] + "/"
    if hashed("folder", folder) not in {row["folder"] for row in rows}:
        return False
    return hashed("address", rest) in {row["address"] for row in rows}


def test_what_is_live_abroad_comes_on_the_list_twice_a_day_and_a_filter_finds_it(house: Day) -> None:
    row, salt = agreed(house)
    filter_list.issue(policy=house.policy, at=house.now)
    removals = abroad(house, "https://dijk.example.net/n/9?p=2")
    home = house.traced(house.graded(house.public_report("https://img.example.net/a/1")), NORTH_RACK)
    house.looked(home)
    house.now = house.now.replace(hour=15, minute=59)
    again(house, removals)
    assert filter_list.issue(policy=house.policy, at=house.now) == 0, "not before five o'clock"
    house.later(minutes(1))
    assert filter_list.issue(policy=house.policy, at=house.now) == 1
    assert filter_list.issue(policy=house.policy, at=house.now) == 0
    copy = fetched(house, row)
    rows = copy["rows"]
    assert len(rows) == 1 + rule.MARKERS
    assert blocks(salt, rows, "https://dijk.example.net/n/9?p=2")
    for other in ("n/9", "n/8?p=2", ""):
        assert not blocks(salt, rows, f"https://dijk.example.net/{other}")
    assert not blocks(salt, rows, "https://img.example.net/a/1"), "what is at home is the notice's business"
    assert "dijk" not in json.dumps(copy)
    for act in (
        "list-agreement.proposed",
        "list-agreement.confirmed",
        "removal.listed",
        "list-licence.asked",
    ):
        assert act in acts()
    assert acts().count("list.downloaded") == 1


def held(house: Day, removal: "Removal") -> None:
    Hold.objects.create(
        removal=removal, reason="other", placed_at=house.now, placed_by="NU-2", review_at=house.now + hours(8)
    )


def gone(house: Day, removal: "Removal") -> None:
    house.looked([removal], status=404)


def came_home(house: Day, removal: "Removal") -> None:
    house.traced([removal.item], NORTH_RACK)


def ran_out(house: Day, removal: "Removal") -> None:
    house.later(house.policy.clocks.trace_valid)


def unseen(house: Day, removal: "Removal") -> None:
    house.later(house.policy.filter_list.seen)
    house.later(minutes(1))
    house.traced([removal.item], CANAL_HOST)


@pytest.mark.parametrize("what", [held, gone, came_home, ran_out, unseen])
def test_what_does_not_fit_any_more_is_in_no_copy_from_that_moment(house: Day, what: object) -> None:
    row, salt = agreed(house)
    (removal,) = listed_at_five(house, "https://dijk.example.net/n/9")
    rows = fetched(house, row)["rows"]
    assert blocks(salt, rows, removal.item.canonical)
    what(house, removal)  # type: ignore[operator]
    copy = fetched(house, row)
    assert len(copy["rows"]) == rule.MARKERS, "the sweep has not run; the download asks for itself"
    assert sweep(house) == 1
    assert sweep(house) == 0
    told = json.loads(filter_list.withdrawn(row, policy=house.policy, by=PROGRAM, at=house.now))
    assert told["withdrawn"] == [rule.salted(salt, "address", "dijk.example.net/n/9")]
    assert set(told) == {"form", "recipient", "at", "withdrawn"}, "nobody learns why it left"


def test_seen_again_it_comes_back_at_the_next_making_up_and_is_withdrawn_no_more(house: Day) -> None:
    row, salt = agreed(house)
    (removal,) = listed_at_five(house, "https://dijk.example.net/n/9")
    fetched(house, row)
    gone(house, removal)
    sweep(house)
    house.later(minutes(3))
    again(house, [removal])
    assert filter_list.issue(policy=house.policy, at=house.now) == 0
    house.now = house.now.replace(day=house.now.day + 1, hour=11, minute=0)
    again(house, [removal])
    assert filter_list.issue(policy=house.policy, at=house.now) == 1
    told = json.loads(filter_list.withdrawn(row, policy=house.policy, by=PROGRAM, at=house.now))
    assert told["withdrawn"] == []
    assert blocks(salt, fetched(house, row)["rows"], removal.item.canonical)


def test_each_copy_needs_a_licence_of_its_own_granted_by_another_person(house: Day) -> None:
    row, _ = agreed(house)
    what = {"policy": house.policy, "at": house.now}
    with pytest.raises(Refused, match="No licence waits"):
        filter_list.download(row, by=PROGRAM, **what)
    (licence,) = list_agreement.ask([row], why="noon", by=house.who("L01"), at=house.now)
    with pytest.raises(Refused, match="still waits"):
        list_agreement.ask([row], why="noon", by=house.who("P01"), at=house.now)
    with pytest.raises(Refused, match="Another person grants it"):
        list_agreement.grant([licence], by=house.who("L01"), **what)
    with pytest.raises(NotPermitted):
        list_agreement.grant([licence], by=house.who("A07"), **what)
    with pytest.raises(Refused, match="No licence waits"):
        filter_list.download(row, by=PROGRAM, **what)
    list_agreement.close(licence, by=house.who("P01"), at=house.now)

    licensed(house, row)
    assert filter_list.download(row, by=PROGRAM, **what)
    with pytest.raises(Refused, match="holds for one download"):
        filter_list.download(row, by=PROGRAM, **what)
    licensed(house, row)
    late = house.later(house.policy.filter_list.licence)
    with pytest.raises(Refused, match="No licence waits"):
        filter_list.download(row, policy=house.policy, by=PROGRAM, at=late)


def test_an_agreement_is_two_peoples_dated_and_ends_with_its_licences(house: Day) -> None:
    said = {
        "key": "south-filter",
        "name": "South Filter",
        "paper": "safe 2",
        "mail": "list@south.example",
        "signed_on": "2026-05-03",
        "ends_on": "2026-05-20",
        "fingerprint": ":".join(["AB"] * 32),
    }
    for wrong in (
        {"key": "South Filter"},
        {"name": ""},
        {"paper": " "},
        {"mail": "south"},
        {"signed_on": "2026-05-13"},
        {"ends_on": "2029-05-13"},
        {"ends_on": "soon"},
        {"form": "csv"},
        {"fingerprint": "ab"},
    ):
        with pytest.raises(Refused):
            list_agreement.propose({**said, **wrong}, why="new", by=house.who("L01"), at=house.now)
    with pytest.raises(NotPermitted):
        list_agreement.propose(said, why="new", by=house.who("A07"), at=house.now)
    row = list_agreement.propose(said, why="new", by=house.who("L01"), at=house.now)
    with pytest.raises(Refused, match="second person"):
        list_agreement.confirm(row, by=house.who("L01"), at=house.now)
    list_agreement.confirm(row, by=house.who("P01"), at=house.now)
    with pytest.raises(Refused, match="settled already"):
        list_agreement.confirm(row, by=house.who("P01"), at=house.now)
    with pytest.raises(Refused, match="Another recipient has this certificate"):
        agreed(house)
    licensed(house, row)
    newer, _ = agreed(house, "south-filter", fingerprint="cd" * 32)
    for over in (row, newer):
        with pytest.raises(Refused, match="No licence waits"):
            filter_list.download(over, policy=house.policy, by=PROGRAM, at=house.now)
    licensed(house, newer)
    list_agreement.end(newer, by=house.who("L01"), at=house.now)
    with pytest.raises(Refused, match="No licence waits"):
        filter_list.download(newer, policy=house.policy, by=PROGRAM, at=house.now)
    last, _ = agreed(house, "south-filter", ends_on="2026-05-20")
    (waiting,) = list_agreement.ask([last], why="noon", by=house.who("P01"), at=house.now)
    house.later(timedelta(days=9))
    with pytest.raises(Refused, match="settled"):
        list_agreement.grant([waiting], policy=house.policy, by=house.who("L01"), at=house.now)


def test_a_copy_that_turns_up_elsewhere_says_whose_it_was(house: Day) -> None:
    north, _ = agreed(house)
    south, _ = agreed(house, "south-filter", fingerprint="cd" * 32, form=rule.PLAIN)
    listed_at_five(house, "https://dijk.example.net/n/9")
    first, second, plain = fetched(house, north), fetched(house, north), fetched(house, south)
    shared = {row["address"] for row in first["rows"]} & {row["address"] for row in second["rows"]}
    assert len(shared) == 1, "two copies of one recipient share what is listed, and no marker"
    assert "dijk.example.net/n/9" in {row["address"] for row in plain["rows"]}

    def whose(text: str) -> set[int]:
        rows = filter_list.whose(text, by=house.who("L01"), at=house.now)
        return {row.licence_id for row in rows}

    licences = list(
        ListLicence.objects.filter(used_at__isnull=False).order_by("pk").values_list("pk", flat=True)
    )
    for copy, licence in zip((first, second, plain), licences, strict=True):
        assert whose(json.dumps(copy, indent=1)) == {licence}
        for row in copy["rows"]:
            if row["address"] not in shared and "dijk" not in row["address"]:
                assert whose(f"seen on a forum: {row['address']}") == {licence}
    assert whose("https://dijk.example.net/n/9 nothing of ours") == set()
    with pytest.raises(NotPermitted):
        filter_list.whose("x", by=house.who("A07"), at=house.now)


def test_issues_keep_to_local_time_over_both_changes_of_the_clock(house: Day) -> None:
    terms = house.policy.filter_list
    for at, due in (
        ("2026-03-29T10:59", "2026-03-28T17:00"),
        ("2026-03-29T11:00", "2026-03-29T11:00"),
        ("2026-10-25T11:59", "2026-10-24T16:00"),
        ("2026-10-25T12:00", "2026-10-25T12:00"),
        ("2026-05-12T23:30", "2026-05-12T16:00"),
    ):
        moment = datetime.fromisoformat(at).replace(tzinfo=UTC)
        assert rule.latest_issue(moment, terms) == datetime.fromisoformat(due).replace(tzinfo=UTC), at


def test_what_is_hashed_of_an_address(house: Day) -> None:
    for key, host, folder in (
        ("http://a.example/x/y?q=/1/2", "a.example", "a.example/x/"),
        ("http://a.example:8080/", "a.example", "a.example:8080/"),
        ("http://[2001:db8::1]:81/x#!/y", "[2001:db8::1]", "[2001:db8::1]:81/"),
        ("http://[2001:db8::1]/x", "[2001:db8::1]", "[2001:db8::1]/"),
    ):
        assert rule.values(key) == {"host": host, "folder": folder, "address": key[7:]}


def test_it_stays_on_the_list_through_the_night_though_a_trace_holds_four_hours(house: Day) -> None:
    removals = listed_at_five(house, "https://dijk.example.net/n/9")
    for quarter in range(4 * 19):
        house.later(minutes(15))
        wanted = check.to_trace(policy=house.policy, at=house.now)
        assert sweep(house) == 0, f"{house.now} it left the list, and would come back at noon"
        if wanted:  # the prober answers in the same turn, after the sweep
            house.traced([removal.item for removal in removals], CANAL_HOST)
        if quarter % 24 == 0:
            house.looked(removals, peer="198.51.100.20")
