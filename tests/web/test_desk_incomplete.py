"""What the machine could not read, a person may; what was sent stays as it came."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from openhotline.ledger import canonical
from openhotline.ledger.models import Staged
from openhotline.ledger.reading import entries_of
from openhotline.records.models import Item, Report
from openhotline.rules import words
from openhotline.rules.refusals import NotPermitted
from openhotline.rules.words import Actor
from openhotline.settings import load
from openhotline.steps.clarify import clarify
from openhotline.steps.intake import file_reports
from openhotline.steps.partner_file import read_csv
from tests.web.desk_cast import Desk

pytestmark = [pytest.mark.django_db, pytest.mark.urls("openhotline.web.desk.urls")]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with pytest.MonkeyPatch.context() as patch:
        yield Desk(patch, tmp_path)
    load.cache_clear()


def unreadable(desk: Desk) -> Report:
    desk.day.public_report("the blue site with the harbour on it")
    desk.sync()
    return Report.objects.get(status="incomplete")


def test_an_analyst_reads_the_address_and_it_joins_the_item_that_is_there(desk: Desk) -> None:
    item = desk.one("https://img.example.net/harbour")
    report = unreadable(desk)
    response = desk.as_("A07").post(
        f"/incomplete/{report.pk}", {"addresses": "hxxps://img[.]example[.]net/harbour\n"}
    )
    assert (response.status_code, response["Location"]) == (303, f"/case/{item.ref}")
    report.refresh_from_db()
    assert (report.status, report.why) == ("joined", "")
    assert list(report.lines.order_by("position").values_list("reported", "item")) == [
        ("the blue site with the harbour on it", None),
        ("hxxps://img[.]example[.]net/harbour", item.pk),
    ]
    item.refresh_from_db()
    assert item.reports == 2
    assert "the blue site" not in desk.as_("A07").get("/incomplete").content.decode()


def test_a_new_address_opens_its_item_and_the_report_is_not_read_twice(desk: Desk) -> None:
    report = unreadable(desk)
    first = desk.as_("A07").post(f"/incomplete/{report.pk}", {"addresses": "http://new.example.org/1"})
    item = Item.objects.get()
    assert first["Location"] == f"/case/{item.ref}"
    again = desk.as_("A12").post(f"/incomplete/{report.pk}", {"addresses": "http://other.example.org/1"})
    assert again.status_code == 409
    assert "Somebody has read this report already" in again.content.decode()
    assert Item.objects.count() == 1
    assert [entry.entry["act"] for entry in entries_of(item.ref)]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "Paste the address that the report means"),
        ("http://ok.example.org/1\njavascript:alert(1)", "javascript"),
        ("\n".join(f"http://n.example.org/{n}" for n in range(201)), "At most 200 addresses"),
    ],
)
def test_what_cannot_be_taken_is_said_and_kept_and_joins_nothing(desk: Desk, typed: str, said: str) -> None:
    report = unreadable(desk)
    response = desk.as_("A07").post(f"/incomplete/{report.pk}", {"addresses": typed})
    page = response.content.decode()
    assert response.status_code == 422
    assert said in page
    assert typed[:20] in page
    report.refresh_from_db()
    assert report.status == "incomplete"
    assert not Item.objects.exists()


def odd_report(desk: Desk) -> Report:
    """A partner's row whose address can be read and whose source cannot."""
    sent = f"{ADDRESS},the web form,third picture"
    rows = read_csv(io.BytesIO(f"address,source,note\n{sent}\n".encode()), partner="acme", at=desk.day.now)
    file_reports(
        [row for row in rows if row], policy=desk.day.policy, by=words.MACHINE_WORKER, at=desk.day.now
    )
    desk.sync()
    return Report.objects.get(partner="acme")


ADDRESS = "http://ex\u0430mple.org/harbour"  # one letter of it is another alphabet's


def test_what_could_be_read_only_in_part_is_opened_by_a_person_and_leaves_the_list_when_it_was_looked_at(
    desk: Desk,
) -> None:
    report = odd_report(desk)
    item = Item.objects.get()
    listed = desk.as_("A07").get("/incomplete").content.decode()
    assert "“the web form” is no source we know" in listed and item.ref in listed
    assert "third picture" not in listed
    opened = desk.as_("A07").post(f"/incomplete/{report.pk}/open").content.decode()
    assert f"{ADDRESS},the web form,third picture" in opened
    assert desk.as_("A07").post(f"/incomplete/{report.pk}/looked").status_code == 303
    assert desk.as_("A12").post(f"/incomplete/{report.pk}/looked").status_code == 409
    assert "the web form" not in desk.as_("A07").get("/incomplete").content.decode()
    last = [canonical.decode(bytes(row.entry))["act"] for row in Staged.objects.order_by("-pk")[:2]]
    assert last == ["report.looked-at", "report.note-opened"]


def test_what_nobody_could_read_is_opened_too_and_waits_for_its_address(desk: Desk) -> None:
    report = unreadable(desk)
    assert "As it was sent" in desk.as_("A07").post(f"/incomplete/{report.pk}/open").content.decode()
    assert desk.as_("A07").post(f"/incomplete/{report.pk}/looked").status_code == 409


def test_what_is_odd_about_an_address_is_shown_on_its_case(desk: Desk) -> None:
    odd_report(desk)
    page = desk.as_("A07").get(f"/case/{Item.objects.get().ref}").content.decode()
    assert page.count("A part of its host name mixes alphabets") == 2, "of the address, and of the spelling"
    assert "“the web form” is no source we know" in page


def test_a_manager_is_sent_to_who_may(desk: Desk) -> None:
    report = unreadable(desk)
    with pytest.raises(NotPermitted, match="Ask one of them"):
        clarify(
            report,
            "http://new.example.org/1",
            policy=desk.day.policy,
            by=Actor(words.MANAGER, "M01"),
            at=desk.day.now,
        )
