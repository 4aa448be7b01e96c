"""One day in Chromium, from the public form to confirmed removal, as everybody who has a part in it.

Three addresses: one at home, one at home where a child may be at risk now, one in the Netherlands; and a line
that is no address. Every page on the way is looked at on a phone and on a desk, light and dark (`eyes`).
"""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.eyes import DESK, Eyes
from tests.browser.open_house import OpenHouse, open_house
from tests.browser.people import Keyboard, sign_in
from tests.browser.recipients import (
    partner_sends_a_file,
    registry_is_told_of_its_domain,
    somebody_objects,
)
from tests.browser.reporters import ABROAD, AT_HOME, AT_RISK, phase, reporters_report

pytestmark = pytest.mark.browser

HOST_MAIL_DOMAIN = "northrack.example"


@pytest.fixture(scope="module")
def house() -> Iterator[OpenHouse]:
    with open_house() as opened:
        yield opened


def test_a_report_travels_from_the_public_form_to_confirmed_removal(
    house: OpenHouse, chromium: Browser
) -> None:
    eyes = Eyes(chromium)
    words = reporters_report(house, eyes)
    house.later(minutes=1)
    assert phase(house, eyes, words) == "Received"

    first = analyst_reads(house, eyes)
    second_reader_reads_blind(house, eyes, first)
    house.later(minutes=15)  # traced, and the police asked: a question waits ten minutes for others like it
    assert phase(house, eyes, words) == "In progress"

    officer_says_go_ahead(house, eyes, first[AT_HOME])
    house.later(minutes=1)  # the notice leaves
    host_confirms(house, eyes)
    house.later(hours=3)  # we look, and look again, until it is gone from both vantage points
    analyst_sees_it_removed(house, eyes, first)
    assert phase(house, eyes, words, look=True) == "Removed"

    registry_is_told_of_its_domain(house, eyes)
    somebody_objects(house, eyes)
    partner_sees_its_referral(house, eyes)
    assert not eyes.faults, "\n" + "\n".join(eyes.faults)


# --- the desk -------------------------------------------------------------------------------------


def analyst_reads(house: OpenHouse, eyes: Eyes) -> dict[str, str]:
    """The alarm first, then three plain assessments with keys alone. Returns address -> reference."""
    with eyes.visitor(house.desk) as page:
        page.goto(f"{house.desk}/")
        eyes.look(page, "desk, sign in")
        page.get_by_label("Username").fill("analyst")
        page.get_by_label("Password").fill("not the password")
        page.get_by_role("button", name="Go on").click()
        eyes.look(page, "desk, sign in refused")
        sign_in(page, house.desk, "analyst", house)
        eyes.look(page, "queue")
        eyes.keep(page, "queue")
        references = {refanged(address): ref for ref, address in rows_of(page)}
        first = {address: references[address] for address in (AT_HOME, AT_RISK, ABROAD)}

        raise_alarm(page, eyes, house, first[AT_RISK])
        for number, ref in enumerate((first[AT_RISK], first[AT_HOME], first[ABROAD])):
            assess_by_keys(page, eyes, house, ref, look=number == 1)
        look_around_the_desk(page, eyes, house)
    return first


def rows_of(page: Page) -> list[tuple[str, str]]:
    """(reference, address as shown) of every row of the list."""
    found = []
    for row in page.locator(".rows tbody tr").all():
        found.append((row.locator("small b").inner_text(), row.locator(".c1 a").inner_text()))
    return found


def refanged(shown: str) -> str:
    """An address as a list of the desk shows it, back to what it is."""
    return "http://" + shown.replace("[.]", ".")


def raise_alarm(page: Page, eyes: Eyes, house: OpenHouse, ref: str) -> None:
    """`!`, one confirm, then whom to ring. The letter to the duty officer is there at once."""
    page.goto(f"{house.desk}/?at={ref}")
    expect(page.locator("#pane-h")).to_have_text(ref)
    keys = Keyboard(page)
    keys.press("!")
    page.wait_for_url("**/alarm")
    eyes.look(page, "alarm, one confirm")
    keys.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Ring the duty officer now")
    assert keys.presses == 2
    eyes.look(page, "alarm, ring")
    house.later(minutes=0)
    assert house.mail("duty@national.police.example"), "The duty officer was not written to."
    page.get_by_label("Reference or call sign").fill("call sign 7")
    page.get_by_role("button", name="The duty officer was reached").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("The duty officer was reached")
    eyes.look(page, "alarm, reached")


def assess_by_keys(page: Page, eyes: Eyes, house: OpenHouse, ref: str, *, look: bool = False) -> None:
    """With the pane open: take, category, age band, save. Four presses, no mouse."""
    page.goto(f"{house.desk}/?at={ref}")
    expect(page.locator("#pane-h")).to_have_text(ref)
    keys = Keyboard(page)
    if page.locator("#pane button", has_text="Take it").count():
        keys.press("Enter")
        expect(page.locator("#pane form.grade")).to_be_visible()
    if look:
        eyes.look(page, "queue, the pane taken")
    keys.press("2", "p", "Enter")
    expect(page.locator(".toast")).to_contain_text(ref)
    assert keys.presses <= 4


def look_around_the_desk(page: Page, eyes: Eyes, house: OpenHouse) -> None:
    for path in (
        "alarms", "incomplete", "police", "notices", "referrals", "outbox", "contacts", "hosts",
        "legs", "day", "settings", "keys", "talk", "second-factor/",
    ):  # fmt: skip
        page.goto(f"{house.desk}/{path}")
        eyes.look(page, f"desk /{path}")
    page.goto(f"{house.desk}/")
    page.get_by_label("Search items").fill("example.net")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Search")
    eyes.look(page, "desk, search")
    page.goto(f"{house.desk}/case/nothing")
    eyes.look(page, "desk, nothing here")


def second_reader_reads_blind(house: OpenHouse, eyes: Eyes, first: dict[str, str]) -> None:
    """Nothing of the first opinion is on any page of the second reader; then the same opinion, by keys."""
    with eyes.visitor(house.desk) as page:
        sign_in(page, house.desk, "second", house)
        for ref in first.values():
            page.goto(f"{house.desk}/case/{ref}")
            assert_blind(page)
        eyes.look(page, "case, waiting for its second reader")
        for ref in first.values():
            page.goto(f"{house.desk}/?view=second&at={ref}")
            expect(page.locator("#pane-h")).to_have_text(ref)
            if page.locator("#pane button", has_text="Take it").count():
                assert_blind(page)
                page.keyboard.press("Enter")
            expect(page.locator("#pane form.grade")).to_be_visible()
            assert page.locator("#pane input:checked").count() == 0
            keys = Keyboard(page)
            keys.press("2", "p", "Enter")
            expect(page.locator(".toast")).to_contain_text(ref)
        page.goto(f"{house.desk}/case/{first[AT_HOME]}")
        expect(page.locator("#assess")).to_contain_text("Both readers agree")


def assert_blind(page: Page) -> None:
    text = page.content()
    for word in ("Category B", "Pre-pubescent", "pre-pubescent"):
        assert word not in text, f"The second reader sees “{word}” at {page.url}."


def analyst_sees_it_removed(house: OpenHouse, eyes: Eyes, first: dict[str, str]) -> None:
    """The walk across the top of the case page ends at Removed; every page about it is looked at."""
    with eyes.visitor(house.desk) as page:
        sign_in(page, house.desk, "lead", house)
        for ref in (first[AT_RISK], first[AT_HOME]):
            page.goto(f"{house.desk}/case/{ref}")
            expect(page.locator(".trail li", has_text="Removed")).not_to_have_class(re.compile("now|todo"))
            expect(page.locator(".head__a .chip").first).to_contain_text(re.compile("removed", re.I))
        eyes.look(page, "case, removed")
        eyes.keep(page, "case")
        page.goto(f"{house.desk}/case/{first[ABROAD]}")
        eyes.look(page, "case, abroad")
        page.goto(f"{house.desk}/case/{first[AT_HOME]}/looks")
        eyes.look(page, "case, who looked")
        for path in ("police", "notices", "referrals", "hosts"):
            page.goto(f"{house.desk}/{path}")
            eyes.look(page, f"desk /{path}, with rows")
            page.locator("main table a").first.click()
            page.wait_for_url(f"**/{path}/*")
            eyes.look(page, f"desk, one of /{path}")
        for path in ("legs", "outbox?state=sent", "alarms", "?view=abroad", "?view=host"):
            page.goto(f"{house.desk}/{path}")
            eyes.look(page, f"desk /{path}, with rows")


# --- police, host, partner ------------------------------------------------------------------------


def officer_says_go_ahead(house: OpenHouse, eyes: Eyes, ref: str) -> None:
    """Signed in, the question is there; one click answers it."""
    with eyes.visitor(house.portal) as page:
        page.goto(f"{house.portal}/")
        eyes.look(page, "portal, sign in")
        sign_in(page, house.portal, "officer", house)
        expect(page.locator("main")).to_contain_text(ref)
        eyes.look(page, "police, the question")
        eyes.keep(page, "police")
        page.goto(f"{house.portal}/")
        page.locator(".ways button[value=go]").click()
        expect(page.get_by_role("heading", name="Recorded")).to_be_visible()
        eyes.look(page, "police, recorded")
        for path in ("lists", "holds", "alarms", "lists?q=nothing", "questions/none"):
            page.goto(f"{house.portal}/{path}")
            eyes.look(page, f"police /{path}")


def host_confirms(house: OpenHouse, eyes: Eyes) -> None:
    """The link from the letter that really came. Opening it changes nothing; one press does."""
    letter = house.mail(HOST_MAIL_DOMAIN)[-1]
    link = re.search(rf"{re.escape(house.portal)}/n/[A-Za-z0-9_-]{{43}}", letter["text"])
    assert link, letter["text"]
    with eyes.visitor(house.portal, house.public, script=False) as page:
        for _ in range(3):
            page.goto(link.group())
            page.request.head(link.group())
        page.goto(f"{link.group()}/receipt")
        assert page.url == link.group(), "Opening the link was taken for an answer."
        with eyes.visitor(house.portal) as beside:
            beside.goto(link.group())
            eyes.look(beside, "host, the notice")
            eyes.keep(beside, "host")
            page.locator("button[name=all]").click()
            expect(page.get_by_role("heading", level=1)).to_have_text("Thank you. We have your answer")
            assert page.url == f"{link.group()}/receipt"
            for address, name in ((page.url, "receipt"), (link.group(), "the notice, answered")):
                beside.goto(address)
                eyes.look(beside, f"host, {name}")
            beside.goto(f"{house.portal}/verify")
            eyes.look(beside, "host, is it genuine")
    with eyes.visitor(house.portal) as page:
        sign_in(page, house.portal, "host-north", house)
        eyes.look(page, "host, all notices")
        page.locator("main table a").first.click()
        page.wait_for_url("**/notices/*")
        eyes.look(page, "host, a notice by account")


def partner_sees_its_referral(house: OpenHouse, eyes: Eyes) -> None:
    """The hotline abroad signs in and finds what was handed to it, and nothing else."""
    with eyes.visitor(house.portal, size=DESK) as page:
        sign_in(page, house.portal, "partner", house)
        eyes.look(page, "partner, referrals")
        assert page.locator("main table tbody tr").count() == 1
        page.locator("main table a").first.click()
        page.wait_for_url("**/referrals/*")
        expect(page.locator("main")).to_contain_text("dijk.example[.]net")
        expect(page.locator(".kv").first).to_contain_text("With you")
        expect(page.locator("main")).not_to_contain_text("img.example[.]net")
        eyes.look(page, "partner, one referral")
        partner_sends_a_file(page, house, eyes)
        page.goto(f"{house.portal}/")
        page.locator("main table a").first.click()
        house.later(days=2)  # it removes, and our own checks see that
        page.reload()
        expect(page.locator(".kv").first).to_contain_text("Gone, as")
