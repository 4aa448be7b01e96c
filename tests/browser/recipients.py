"""The part of the day that is about who gets lists and alerts: a manager and the liaison, four eyes; a partner's own file;
and somebody who objects to what is filtered."""

import re

from playwright.sync_api import Page, expect

from tests.browser.eyes import Eyes
from tests.browser.open_house import OpenHouse
from tests.browser.people import sign_in
from tests.browser.reporters import ABROAD

REGISTRY = {
    "Key": "net-registry",
    "Name": "Net Registry",
    "Signed agreement, and where it lies": "signed 3 May 2026, safe 2",
    "Mail": "abuse@net-registry.example",
    "Signed on": "2026-05-03",
    "Ends on": "2027-05-02",
    "SHA-256 of the client certificate": "ab" * 32,
    "Why": "they asked for it",
}


def registry_is_told_of_its_domain(house: OpenHouse, eyes: Eyes) -> None:
    """One writes the agreement down, another confirms it; the alert leaves; a licence is asked for and granted."""
    with eyes.visitor(house.desk) as manager, eyes.visitor(house.desk) as liaison:
        sign_in(manager, house.desk, "manager", house)
        manager.goto(f"{house.desk}/filter-list")
        manager.get_by_role("button", name="Propose it").click()
        expect(manager.get_by_role("alert")).to_contain_text("key is at most 24")
        for label, value in REGISTRY.items():
            manager.get_by_label(label, exact=True).last.fill(value)
        manager.get_by_label("Alerted about").fill("example.net")
        manager.get_by_label("In which language").select_option(label="Nederlands")
        manager.get_by_role("button", name="Propose it").click()
        expect(manager.get_by_role("heading", name="waits for a second person")).to_be_visible()
        eyes.look(manager, "filter list, an agreement proposed")

        sign_in(liaison, house.desk, "liaison", house)
        liaison.goto(f"{house.desk}/filter-list")
        liaison.get_by_role("button", name="I agree").click()
        expect(liaison.get_by_role("heading", name="shown this once")).to_be_visible()
        eyes.look(liaison, "filter list, the salt")
        liaison.goto(f"{house.desk}/filter-list")
        liaison.get_by_label("Net Registry").check()
        liaison.get_by_label("Why", exact=True).first.fill("the noon list")
        liaison.get_by_role("button", name="Ask", exact=True).click()
        manager.goto(f"{house.desk}/filter-list")
        manager.get_by_role("button", name="Grant one download").click()
        house.later(minutes=10)
        alert = house.mail("abuse@net-registry.example")[-1]
        assert "Onder een domein" in alert["text"] and "example.net" not in alert["text"]
        registry_opens_its_page(house, eyes, alert["text"])
        manager.reload()
        expect(manager.locator("main")).to_contain_text("to net-registry")
        eyes.look(manager, "filter list, licence and alert")
        manager.get_by_role("link", name="A-26-").first.click()
        expect(manager.locator("main")).to_contain_text("Says they have acted")
        eyes.look(manager, "desk, the page behind an alert")
        for path in ("partners", "mailbox"):
            manager.goto(f"{house.desk}/{path}")
            eyes.look(manager, f"desk /{path}")


def registry_opens_its_page(house: OpenHouse, eyes: Eyes, mail: str) -> None:
    """By the number and the code that stand in its mail, without an account."""
    found = re.search(r"(A-\d\d-\d+-\w).*?\b([A-Z]{6}-\d{4})\b", mail, re.DOTALL)
    assert found, mail
    with eyes.visitor(house.portal) as page:
        page.goto(f"{house.portal}/open")
        page.get_by_label("Serial number").fill(found[1])
        page.get_by_label("Code").fill(found[2])
        page.get_by_role("button", name="Open").click()
        expect(page.locator("code")).to_have_text("example[.]net")
        eyes.look(page, "the page behind an alert about a domain")
        page.get_by_role("button", name="We have acted on it").click()
        expect(page.get_by_role("heading", name="We have your answer")).to_be_visible()
        eyes.look(page, "the receipt behind an alert")


def partner_sends_a_file(page: Page, house: OpenHouse, eyes: Eyes) -> None:
    """The page says what a file must look like, and what became of each row."""
    page.goto(f"{house.portal}/file")
    eyes.look(page, "partner, send a file")
    rows = b"address,reference\nhttp://far.example.net/1,X-1\nno address at all,X-2\n"
    page.locator("input[type=file]").set_input_files(
        {"name": "x.csv", "mimeType": "text/csv", "buffer": rows}
    )
    page.get_by_role("button", name="Send this file").click()
    expect(page.get_by_role("heading", name="Kept incomplete")).to_be_visible()
    eyes.look(page, "partner, the file filed")


def somebody_objects(house: OpenHouse, eyes: Eyes) -> None:
    """By the address they are kept from, without an account; the desk sees nothing of what no filter has."""
    with eyes.visitor(house.portal) as page:
        page.goto(f"{house.portal}/appeal")
        page.get_by_role("button", name="Send the appeal").click()
        eyes.look(page, "appeal, something missing")
        page.get_by_label("Serial of our letter").fill(ABROAD)
        page.get_by_label("I am kept from it").check()
        page.get_by_label("Why do you think").fill("My school needs it.")
        page.get_by_role("button", name="Send the appeal").click()
        expect(page.get_by_role("status")).to_contain_text("did not make the decision")
        eyes.look(page, "appeal, sent")
