"""The reporters of the day: on a phone, without script, with nothing but the address; and their seven words.

Each page they see is opened beside them in a browser that can be examined (axe needs script to run). What is
not here: what becomes of the report; that is the story's (`test_the_day.py`).
"""

import re

from playwright.sync_api import Page, expect

from tests.browser.eyes import PHONE, Eyes
from tests.browser.open_house import OpenHouse

AT_HOME = "http://img.example.net/set/one"
AT_RISK = "http://chat.example.net/room/6"
ABROAD = "http://dijk.example.net/n/9"
PUBLIC_PAGES = (
    "report", "report/app", "follow", "privacy", "accessibility", "support", "picture-of-me", "police",
)  # fmt: skip


def reporters_report(house: OpenHouse, eyes: Eyes) -> list[str]:
    """Two people report, on a phone and without script. Returns the seven words of the first."""
    for path in PUBLIC_PAGES:
        eyes.weigh(f"{house.public}/{path}", f"public /{path}")
    with (
        eyes.visitor(house.public, size=PHONE, script=False) as page,
        eyes.visitor(house.public) as beside,
    ):
        words = one_report(page, beside, eyes, house)
        another_report(page, beside, eyes, house)
        for path in (*PUBLIC_PAGES[1:], "nowhere"):
            beside.goto(f"{house.public}/{path}")
            eyes.look(beside, f"public /{path}")
    return words


def one_report(page: Page, beside: Page, eyes: Eyes, house: OpenHouse) -> list[str]:
    """Four short pages, then seven words. `beside` is the same page in a browser that can be examined."""

    def look(name: str) -> None:
        beside.goto(page.url)
        eyes.look(beside, name)
        eyes.weigh(page.url, name)

    page.goto(f"{house.public}/report")
    look("page 1, where")
    eyes.keep(beside, "report")
    page.get_by_label("Web address").fill("hxxp://img[.]example[.]net/set/one")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("What did you see?")
    look("page 2, what")
    page.locator("input[name=kind]").first.check()
    page.get_by_role("button", name="Continue").click()
    look("page 3, hear")
    page.locator("input[name=follow][value=code]").check()
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Check and send")
    look("page 4, send")
    page.get_by_role("button", name="Send report").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Thank you. We have it.")
    look("receipt")
    eyes.keep(beside, "receipt")
    words = [re.sub(r"^\d+\s*", "", text).strip() for text in page.locator(".code__w li").all_inner_texts()]
    assert len(words) == 7 and all(words)
    return words


def another_report(page: Page, beside: Page, eyes: Eyes, house: OpenHouse) -> None:
    """Nothing typed first: asked once, gently. Then three lines, one of them unreadable, and an e-mail."""
    page.goto(f"{house.public}/report")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("alert")).to_contain_text("Something is missing")
    beside.goto(f"{house.public}/report")
    beside.get_by_role("button", name="Continue").click()
    eyes.look(beside, "page 1, something is missing")
    page.get_by_label("Web address").fill(f"{ABROAD}\n{AT_RISK}\nsome page, I forgot")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Continue").click()
    page.locator("input[name=follow][value=mail]").check()
    page.get_by_role("button", name="Continue").click()
    beside.goto(page.url)
    eyes.look(beside, "page between, e-mail")
    page.get_by_label("mail address").fill("somebody@example.org")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Send report").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Thank you. We have it.")
    expect(page.locator(".code__w")).to_have_count(0)


def phase(house: OpenHouse, eyes: Eyes, words: list[str], *, look: bool = False) -> str:
    """What the follow page says to the reporter, who comes back on a phone."""
    with eyes.visitor(house.public, size=PHONE, script=look) as page:
        page.goto(f"{house.public}/follow")
        page.locator("[name=words]").fill(" ".join(words))
        page.locator("main form button").click()
        if look:
            eyes.look(page, "the phase of a report")
        return page.locator("#answer-h").inner_text()
