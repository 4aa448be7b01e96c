"""The people of the day at their browsers: signing in, and pressing keys that are counted."""

import time
from dataclasses import dataclass

from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from playwright.sync_api import Page

from tests.browser.open_house import OpenHouse

STEP = 30  # seconds a second-factor code lives (RFC 6238)


def code(secret: str) -> str:
    """The second-factor code of this moment; waits for the next one where this one is about to end."""
    left = STEP - time.time() % STEP
    if left < 3:
        time.sleep(left + 0.1)
    return str(format_hotp_value(hotp_value(secret, int(time.time()) // STEP)))


def sign_in(page: Page, door: str, name: str, house: OpenHouse) -> None:
    """Password, then the second factor; ends on the first page behind the door."""
    page.goto(f"{door}/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(house.password)
    page.get_by_role("button", name="Go on to the second factor").click()
    page.get_by_label("Code").fill(code(house.totp_secret))
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{door}/")


@dataclass
class Keyboard:
    """Presses keys and counts them."""

    page: Page
    presses: int = 0

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)
            self.presses += 1
