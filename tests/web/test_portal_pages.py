"""The portal's pages in Chromium: at every width, in both themes, in other languages; no fault for a screen reader.

The browser's requests are answered by Django's test client, so no server runs and no port is opened.
"""

import os
from collections.abc import Iterator
from contextvars import copy_context
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.test import Client
from django.urls import reverse

from openhotline.records.models import Consultation
from openhotline.rules import words
from openhotline.settings import load
from openhotline.steps import answer
from tests.browser.measures import DESK, PHONE, faults_of
from tests.journeys.cast import NORTH_RACK, QUAY_DATA, Day, hours, minutes
from tests.web.portal_cast import Portal, asked, open_portal, set_clock, two_of_everything, unlock
from tests.web.reading import hard

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

pytestmark = [pytest.mark.django_db, pytest.mark.browser, pytest.mark.urls("openhotline.web.portal.urls")]
WORDS = {"police-agreement": 22}  # one sentence of it lists the classes of content by name
SHOTS = os.environ.get("OPENHOTLINE_TEST_SHOTS", "")  # a folder to look at the pages in


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    with pytest.MonkeyPatch.context() as patch:
        unlock()
        day = Day()
        open_portal(patch, tmp_path, day)
        made = two_of_everything(day)
        _busy_day(made)
        yield made
    load.cache_clear()


def _busy_day(portal: Portal) -> None:
    """A big bundle, a hold, something decided, so that every list has a row."""
    day, side = portal.day, portal.north
    held, _ = asked(day, "held-alder", NORTH_RACK, 2)
    answer.record(
        held,
        kind=words.HOLD,
        by=day.officer_of(held),
        at=day.now,
        policy=day.policy,
        until=day.now + hours(5),
        reason="covert work",
        reference="OP 31",
    )
    asked(day, "bundle-alder", NORTH_RACK, 60)
    asked(day, "told-birch", QUAY_DATA, 2)
    day.later(minutes(55))
    assert side.consultation.unit.key == "NU"
    set_clock(day)


def open_in(browser: "Browser", client: Client, url: str, size: tuple[int, int]) -> "Page":
    """A page whose every request is answered by `client`."""
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, reduced_motion="reduce")
    context.set_default_timeout(8_000)

    here = copy_context()  # the database connection of this test; the browser's own task has none

    def served(route: "Route") -> None:
        request = route.request
        path = request.url.removeprefix("http://portal.test")
        # Where a press comes from is part of it: Django refuses one whose page hides that.
        headers = {
            name: value for name, value in request.all_headers().items() if name in ("origin", "referer")
        }
        headers["host"] = "portal.test"
        kind = request.headers.get("content-type", "")
        if request.method == "POST":
            body = request.post_data_buffer or b""
            got = here.copy().run(client.post, path, body, content_type=kind, headers=headers, follow=True)
        else:
            got = here.copy().run(client.get, path, headers=headers, follow=True)
        body = b"".join(got.streaming_content) if got.streaming else got.content
        route.fulfill(status=got.status_code, body=body, headers=dict(got.headers))

    client.handler.enforce_csrf_checks = True
    context.route("**/*", served)
    page = context.new_page()
    page.goto(f"http://portal.test{url}")
    assert "Sign in" not in page.title()
    return page


def _looked_at(page: "Page", name: str) -> list[str]:
    found = faults_of(page, name)
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"), full_page=True)
    found += [f"{name}: {why}" for why in hard(page.content(), age=14, words=WORDS.get(name, 20))]
    page.context.close()
    return found


def test_every_page_reads_well_at_every_width_in_both_themes(portal: Portal, chromium: "Browser") -> None:
    side, stranger = portal.north, Client()
    held = Consultation.objects.get(
        lines__removal__item__canonical__contains="held-alder/s/000".replace(
            "held-alder", "held-alder.example.org"
        )
    )
    bundle = Consultation.objects.get(
        lines__removal__item__canonical="https://bundle-alder.example.org/s/000"
    )
    told = Consultation.objects.get(lines__removal__item__canonical="https://told-birch.example.org/s/000")
    pages: list[tuple[str, Client, str]] = [
        ("police", side.officer, "/"),
        ("police-bundle", side.officer, reverse("question", args=[bundle.number])),
        ("police-some", side.officer, reverse("question", args=[bundle.number]) + "?some=1"),
        ("police-held", side.officer, reverse("question", args=[held.number])),
        ("police-told", portal.east.officer, reverse("question", args=[told.number])),
        ("police-lists", side.officer, reverse("lists")),
        ("police-holds", side.officer, reverse("holds")),
        ("police-alarms", side.officer, reverse("alarms")),
        ("police-requests", side.officer, reverse("police-requests")),
        ("police-request", side.officer, reverse("police-request", args=[side.request])),
        ("police-digests", side.officer, reverse("digests")),
        ("police-agreement", side.officer, reverse("agreement")),
        ("police-packages", side.officer, reverse("packages")),
        ("host", stranger, f"/n/{side.link}"),
        ("host-list", side.host_desk, "/"),
        ("host-account", side.host_desk, reverse("account-notice", args=[side.notice.number])),
        ("partner-list", side.partner_desk, "/"),
        ("partner-file", side.partner_desk, reverse("file")),
        ("partner-referral", side.partner_desk, reverse("referral", args=[side.referral.number])),
        ("verify", stranger, reverse("verify")),
        ("open", stranger, reverse("open")),
        ("appeal", stranger, reverse("appeal")),
        ("nothing", stranger, "/n/" + "A" * 43),
    ]
    faults = [
        fault
        for name, client, url in pages
        for fault in _looked_at(open_in(chromium, client, url, DESK), name)
    ]
    assert not faults, "\n" + "\n".join(faults)


def test_the_officer_answers_in_one_press_and_the_host_too(portal: Portal, chromium: "Browser") -> None:
    side = portal.north
    page = open_in(chromium, side.officer, reverse("question", args=[side.consultation.number]), DESK)
    page.click("button[value=go]")
    page.wait_for_selector("text=What happens next")
    assert "Recorded" in page.inner_text("#main")
    assert _looked_at(page, "police-recorded") == []
    page = open_in(chromium, Client(), f"/n/{side.link}", PHONE)
    page.click("button[name=all]")
    page.wait_for_selector("text=Thank you. We have your answer")
    assert _looked_at(page, "host-receipt") == []
    page = open_in(
        chromium,
        portal.east.host_desk,
        reverse("account-notice", args=[portal.east.notice.number]),
        DESK,
    )
    page.click("button[name=all]")
    page.wait_for_selector("text=You said: Removed and preserved")
    page.context.close()


def test_a_hold_is_two_presses_and_enter_in_a_field_is_none(portal: Portal, chromium: "Browser") -> None:
    side = portal.north
    url = reverse("question", args=[side.consultation.number])
    page = open_in(chromium, side.officer, url, DESK)
    page.click("details.more summary:has-text('Other answer')")
    page.fill("input[name=reference]", "OP 8")
    page.press("input[name=reference]", "Enter")
    side.consultation.refresh_from_db()
    assert not side.consultation.answers.exists()
    page.select_option(".ways select[name=why]", "covert work")
    page.click("button[value=hold]")
    page.wait_for_selector("text=On hold by your unit")
    assert side.consultation.answers.get().kind == words.HOLD
    page.context.close()


def test_facts_and_all_three_answers_fit_one_screen(portal: Portal, chromium: "Browser") -> None:
    page = open_in(chromium, portal.north.officer, "/", (1280, 900))
    for button in ("go", "hold", "evidence"):
        box = page.locator(f".ways button[value={button}]").bounding_box()
        assert box and box["y"] + box["height"] <= 900, f"{button} lies below the screen: {box}"
    page.context.close()


def test_on_a_phone_the_answers_are_in_sight_and_a_hold_is_two_presses(
    portal: Portal, chromium: "Browser"
) -> None:
    page = open_in(chromium, portal.north.officer, "/", (390, 844))
    for answer_ in (".atonce button[value=go]", ".atonce a[href='#w2']", ".atonce a[href='#w3']"):
        assert page.locator(answer_).evaluate(
            """e => { const b = e.getBoundingClientRect();
                 return document.elementFromPoint(b.x + b.width / 2, b.y + b.height / 2) === e && b.bottom <= innerHeight }"""
        ), f"{answer_} is not in sight"
    page.click(".atonce a[href='#w2']")
    page.select_option(".ways select[name=why]", "covert work")
    page.click(".ways button[value=hold]")
    page.wait_for_selector("text=On hold by your unit")
    page.click(".rail__more")
    page.click(".rail a:has-text('De-confliction')")
    page.wait_for_selector("h1:has-text('De-confliction')")
    page.context.close()
