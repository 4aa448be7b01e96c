"""What is measured of one page, in words where it fails: axe, room, targets, the way out. Shared by every browser test.

True here: dark differs from light in colours alone (`tokens.css` is the only sheet that knows of themes), and at 320 px
stands what stands at 390 px; so what is slow, axe's colour rules, is asked where it can answer anew. What is not here:
which pages there are (`eyes.py`, `tests/web/test_portal_pages.py`).
"""

from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

DESK, PHONE = (1280, 860), (390, 844)
NARROW = (320, 700)  # also what a window of 1280 px shows at 400 %
COLOURS = ["color-contrast", "link-in-text-block"]
ALL = {
    "resultTypes": ["violations"],
    "preload": False,  # every style sheet is our own and readable as it is
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
}
BUT_COLOURS = {**ALL, "rules": {name: {"enabled": False} for name in COLOURS}}
COLOURS_ALONE = {**ALL, "runOnly": {"type": "rule", "values": COLOURS}}
MEASURE = (Path(__file__).parent / "measure.js").read_text()


def faults_of(page: Page, name: str) -> list[str]:
    """Look at the page as it is now at three widths and in both themes; leave it as it was."""
    before = page.viewport_size
    page.evaluate(Axe().axe_script)
    page.evaluate(MEASURE)
    faults = []
    for size in (PHONE, DESK):
        page.set_viewport_size({"width": size[0], "height": size[1]})
        for theme, rules in (("light", ALL), ("dark", COLOURS_ALONE)):
            page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
            faults += [f"{name} at {size[0]} px, {theme}: {why}" for why in _shut_out(page, rules)]
        faults += [f"{name} at {size[0]} px: {why}" for why in page.evaluate("measured.asItIs()")]
    page.emulate_media(color_scheme="light")
    faults += [f"{name} at {DESK[0]} px: {why}" for why in page.evaluate("measured.inOtherLanguages()")]
    page.set_viewport_size({"width": NARROW[0], "height": NARROW[1]})
    found = _shut_out(page, BUT_COLOURS) + page.evaluate(
        "measured.asItIs().concat(measured.spaced(), measured.inOtherLanguages())"
    )
    faults += [f"{name} at {NARROW[0]} px: {why}" for why in found]
    if before:
        page.set_viewport_size(before)
    return faults


def _shut_out(page: Page, rules: object) -> list[str]:
    """Whom the page shuts out as it is now, as far as a program can tell."""
    found = page.evaluate("rules => axe.run(rules)", rules)["violations"]
    return [
        f"{one['id']} ({one['help']}) at " + "; ".join(str(node["target"]) for node in one["nodes"][:3])
        for one in found
    ]
