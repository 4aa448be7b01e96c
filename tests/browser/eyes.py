"""What is asked of every page: nobody is shut out, nothing overflows, nothing comes from elsewhere, no picture.

True here: each page that is looked at is looked at on phone, desk and the narrowest window, light and dark, with a
reader's own spacing, longer and mirrored (`measures.py`). Faults are collected and told together at the end of the
day, so that one run names them all. What is not here: what a page says; that is the story's.
"""

import gzip
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Page, Response

from tests.browser.measures import DESK, PHONE, faults_of

PICTURES = Path(__file__).resolve().parents[2] / "docs" / "pictures"
# Of a page of the public door, everything it loads included: as it is, as it travels, how many answers.
MOST_BYTES, MOST_PACKED, MOST_REQUESTS = 60_000, 15_000, 5


@dataclass
class Eyes:
    """Looks at pages and remembers what is wrong."""

    browser: Browser
    faults: list[str] = field(default_factory=list)
    looked_at: list[str] = field(default_factory=list)

    @contextmanager
    def visitor(
        self, *doors: str, size: tuple[int, int] = DESK, script: bool = True, state: Any = None
    ) -> Iterator[Page]:
        """A browser of its own for one person who only ever speaks to `doors` (base addresses)."""
        context = self.browser.new_context(
            viewport=_viewport(size),
            java_script_enabled=script,
            storage_state=state,
            reduced_motion="reduce",
            locale="en-GB",
        )
        context.set_default_timeout(10_000)
        try:
            self._listen(context, doors)
            yield context.new_page()
        finally:
            context.close()

    def _listen(self, context: BrowserContext, doors: tuple[str, ...]) -> None:
        """No request to another host, no file that is missing, no word on the console (a policy breach is one)."""

        def asked(response: Response) -> None:
            if not response.url.startswith(tuple(f"{door}/" for door in doors)):
                self.faults.append(f"A page asked elsewhere: {response.url}")
            if response.status >= 500 or (response.status >= 400 and "/static/" in response.url):
                self.faults.append(f"{response.status} for {response.url}")

        context.on("response", asked)
        context.on("requestfailed", lambda request: self._failed(request.url, request.failure or ""))
        context.on("console", lambda said: self._said(said.type, said.text, said.page))
        context.on("weberror", lambda fault: self.faults.append(f"Script fault: {fault.error}"))

    def _failed(self, address: str, why: str) -> None:
        if "ERR_ABORTED" not in why:  # somebody went on before the page's icon had come
            self.faults.append(f"Never answered ({why}): {address}")

    def _said(self, kind: str, text: str, page: Page | None) -> None:
        # A page that is refused with a sentence is a page: the browser still notes its status.
        if kind in ("error", "warning") and "Failed to load resource" not in text:
            self.faults.append(f"Console at {page.url if page else 'a page'}: {text}")

    def look(self, page: Page, name: str) -> None:
        """Look at the page as it is now, in every way there is; leave it as it was."""
        self.faults += faults_of(page, name)
        self._no_picture(page, name)
        self.looked_at.append(name)

    def _no_picture(self, page: Page, name: str) -> None:
        found = page.locator("img, picture, video, object, embed, iframe, svg image").count()
        if found:
            self.faults.append(f"{name}: {found} elements that could show a picture")

    def weigh(self, address: str, name: str) -> None:
        """A public page, met for the first time by a browser without script: its bytes and requests."""
        door = "{0.scheme}://{0.netloc}".format(urlsplit(address))
        came: list[Response] = []
        with self.visitor(door, size=PHONE, script=False) as page:
            page.on("response", lambda response: came.append(response))
            page.goto(address)
            bodies = [response.body() for response in came]
            scripts = page.locator("script").count()
            cookies = page.context.cookies()
        size, packed = sum(map(len, bodies)), sum(len(gzip.compress(body)) for body in bodies)
        if size > MOST_BYTES or packed > MOST_PACKED or len(came) > MOST_REQUESTS:
            self.faults.append(f"{name}: {size} bytes, {packed} packed, in {len(came)} requests")
        if scripts or cookies:
            self.faults.append(f"{name}: {scripts} scripts, {len(cookies)} cookies")

    def keep(self, page: Page, name: str) -> None:
        """A picture for the manual, only where one was asked for (OPENHOTLINE_TEST_PICTURES=1)."""
        if os.environ.get("OPENHOTLINE_TEST_PICTURES") == "1":
            PICTURES.mkdir(exist_ok=True)
            page.screenshot(path=PICTURES / f"{name}.png")


def _viewport(size: tuple[int, int]) -> Any:
    return {"width": size[0], "height": size[1]}
