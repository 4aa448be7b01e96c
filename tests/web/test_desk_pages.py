"""The desk's pages, as an analyst's day: the queue, one item taken and graded, what is refused, what is shown."""

import hashlib
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client

from openhotline.ledger.verify import entries_of
from openhotline.records.models import Alarm, Assessment, Item, User
from openhotline.rules import words
from openhotline.rules.opinion import Opinion
from openhotline.settings import load
from openhotline.steps import alarm
from openhotline.web.desk import mine, veil, views
from openhotline.web.scoped import Scoped
from tests.journeys.cast import hours, minutes
from tests.web.desk_cast import Desk

pytestmark = [pytest.mark.django_db, pytest.mark.urls("openhotline.web.desk.urls")]
STATIC = Path(views.__file__).parents[1] / "static"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with pytest.MonkeyPatch.context() as patch:
        yield Desk(patch, tmp_path)
    load.cache_clear()


def text(response: object) -> str:
    return response.content.decode()  # type: ignore[attr-defined]


# --- the queue ------------------------------------------------------------------------------------------


def test_the_queue_is_in_the_order_of_time_left_and_never_links_an_address(desk: Desk) -> None:
    late = desk.one("https://img.example.net/late")
    desk.day.later(hours(2))
    desk.one("https://img.example.net/early")
    desk.sync()
    page = text(desk.as_("A07").get("/"))
    assert page.index("img.example[.]net/late") < page.index("img.example[.]net/early")
    assert late.ref in page and "22 h left" in page
    assert not re.search(r'(href|src|action)="[^"]*example', page)


def test_each_view_counts_what_it_lists(desk: Desk) -> None:
    for n in range(30):
        desk.one(f"https://img.example.net/{n}")
    desk.once("https://img.example.net/once")
    desk.day.graded(
        [desk.one("https://img.example.net/down")],
        by=("A07",),
        opinion=Opinion(words.UNREACHABLE, reason="site down"),
    )
    scoped = Scoped(desk.day.people["A07"])
    counts = views.counts(scoped, desk.day.now)
    for view in views.VIEWS:
        assert counts[view.key] == views.listed(view, scoped, desk.day.now).count(), view.key
    assert (counts["open"], counts["second"], counts["unreachable"]) == (31, 1, 1)


def test_in_a_large_house_no_page_waits_for_counts(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(3):
        desk.one(f"https://img.example.net/{n}")
    desk.sync()
    later: list[Callable[[], None]] = []
    monkeypatch.setattr(views, "_EXACT", 1)
    monkeypatch.setattr(views, "_kept", {"at": -1e9, "took": 0.0, "counts": dict.fromkeys(views.BY_KEY)})
    monkeypatch.setattr(views, "beside", later.append)
    analyst = desk.as_("A07")
    page = text(analyst.get("/"))
    assert "They are being counted." in page and "The first 3<" in page
    (count,) = later
    count()
    assert "3 items." in text(analyst.get("/")) and later == [count], "shown until they are a minute old"
    views.forget_counts()
    assert "3 items." in text(analyst.get("/")) and len(later) == 2
    later[1]()
    minute_old = {**views._kept, "at": views._kept["at"] - 61}
    monkeypatch.setattr(views, "_kept", {**minute_old, "took": 43.0})
    analyst.get("/")
    assert len(later) == 2, "what takes long to count is counted less often"
    monkeypatch.setattr(views, "_kept", minute_old)
    analyst.get("/")
    assert len(later) == 3
    later[2]()


def test_pages_follow_each_other_without_gap_or_repeat(desk: Desk) -> None:
    for n in range(60):
        desk.one(f"https://img.example.net/{n}")
        if n % 7 == 0:
            desk.day.later(minutes(1))
    scoped, view, after, seen = Scoped(desk.day.people["A07"]), views.BY_KEY["open"], "", []
    for _ in range(3):
        page = views.page(view, scoped, desk.day.now, after=after)
        seen += [row.pk for row in page.rows]
        after = page.after
    assert after == "" and len(seen) == len(set(seen)) == 60
    assert views.page(view, scoped, desk.day.now, after="nonsense~x").rows[0].pk == seen[0]


def test_a_look_at_the_queue_takes_nothing(desk: Desk) -> None:
    item = desk.one()
    browser = desk.as_("A07")
    for path in (
        "/",
        f"/?at={item.ref}",
        f"/case/{item.ref}",
        f"/case/{item.ref}/assess",
        f"/case/{item.ref}/alarm",
    ):
        assert browser.get(path).status_code == 200
    assert browser.get(f"/case/{item.ref}/take").status_code == 405
    item.refresh_from_db()
    assert (item.status, item.locked_by_id, item.look_allowed_at) == ("received", None, None)
    assert not Alarm.objects.exists()


# --- taking and grading -----------------------------------------------------------------------------------


def test_saved_means_the_next_one_is_taken(desk: Desk) -> None:
    first, second = desk.one("https://img.example.net/1"), desk.one("https://img.example.net/2")
    browser = desk.as_("A07")
    browser.post(f"/case/{first.ref}/take")
    response = browser.post(
        f"/case/{first.ref}/grade",
        {
            "decision": "category:B",
            "age": "unclear",
            "files": "4",
            "seconds": "38",
            "points": ["4.2-a"],
            "view": "open",
        },
    )
    assert response.status_code == 303 and second.ref in response["Location"]
    given = Assessment.objects.get()
    assert (given.category, given.age_band, given.files, given.seconds, given.points) == (
        "B",
        "unclear",
        4,
        38,
        ["4.2-a"],
    )
    second.refresh_from_db()
    assert second.locked_by == desk.day.people["A07"]
    assert "saved: Category B" in text(browser.get(response["Location"]))


@pytest.mark.parametrize(
    ("sent", "sentence", "status"),
    [
        ({}, "Choose what you found", 422),
        ({"decision": "category:B"}, "Choose the age band of the youngest child.", 422),
        ({"decision": "category:Z", "age": "infant"}, "Choose a category: A, B, C.", 422),
        ({"decision": "unreachable"}, "Say why it could not be reached", 422),
        ({"decision": "not-illegal", "files": "many"}, "Write files as a whole number", 422),
        ({"decision": "category:B", "age": "infant", "points": "99"}, "The guidance has no point 99", 422),
    ],
)
def test_a_refusal_is_a_sentence_and_keeps_what_was_typed(
    desk: Desk, sent: dict[str, str], sentence: str, status: int
) -> None:
    item = desk.one()
    browser = desk.as_("A07")
    browser.post(f"/case/{item.ref}/take")
    response = browser.post(f"/case/{item.ref}/grade", {"seconds": "41", **sent})
    assert response.status_code == status
    page = text(response)
    assert sentence in page and 'value="41"' in page
    if "category:B" in sent.values():
        assert re.search(r'value="category:B"[^>]*checked', page)
    assert not Assessment.objects.exists()


def test_an_address_that_only_takes_a_press_leads_back_to_its_page(desk: Desk) -> None:
    """Who is shown a refusal stands at the address of the press; opened again in a browser it is no dead end."""
    client, item = desk.as_("A07"), desk.one()
    back = client.get(f"/case/{item.ref}/trace", headers={"accept": "text/html"})
    assert (back.status_code, back["Location"]) == (302, f"/case/{item.ref}")
    deep = client.get("/hosts/7/contacts/3/verify", headers={"accept": "text/html"})
    assert (deep.status_code, deep["Location"]) == (302, "/hosts/7/contacts")
    assert client.get(f"/case/{item.ref}/trace").status_code == 405, "a program is told"


def test_a_page_below_another_marks_its_place_in_the_rail(desk: Desk) -> None:
    client = desk.as_("L01")
    for page, place in (("/units", "/police"), ("/holds", "/police"), ("/hosts/scorecard", "/hosts")):
        assert f'aria-current="true" href="{place}"' in client.get(page).content.decode(), page


def test_what_a_colleague_holds_is_refused_with_409(desk: Desk) -> None:
    item = desk.one()
    desk.as_("A07").post(f"/case/{item.ref}/take")
    response = desk.as_("A12").post(f"/case/{item.ref}/take")
    assert response.status_code == 409 and "is with a colleague until" in text(response)


def test_nobody_passes_on_what_a_colleague_holds(desk: Desk) -> None:
    item = desk.one()
    desk.as_("A07").post(f"/case/{item.ref}/take")
    assert desk.as_("A12").post(f"/case/{item.ref}/pass").status_code == 409
    item.refresh_from_db()
    assert item.locked_by == desk.day.people["A07"]
    assert desk.as_("A07").post(f"/case/{item.ref}/pass").status_code == 303
    item.refresh_from_db()
    assert (item.status, item.locked_by) == ("received", None)


def test_the_liaison_may_not_assess_and_is_told_who_may(desk: Desk) -> None:
    item = desk.one()
    response = desk.as_("P01").post(f"/case/{item.ref}/take")
    assert response.status_code == 403 and "is for an analyst" in text(response)


# --- no pictures ------------------------------------------------------------------------------------------


def test_no_page_holds_a_picture_or_a_path_from_an_address_to_one(desk: Desk) -> None:
    item = desk.once("https://img.example.net/a/7f3c.jpg")
    graded = desk.day.graded([desk.one("https://img.example.net/b.jpg")])
    desk.day.traced(graded)
    browser = desk.as_("A12")
    browser.post(f"/case/{item.ref}/take")
    for path in (
        "/",
        f"/?view=second&at={item.ref}",
        f"/case/{item.ref}",
        f"/case/{item.ref}/assess",
        f"/case/{graded[0].ref}",
        "/hosts/1",
    ):
        page = text(browser.get(path)).lower()
        for element in (
            "<img",
            "<image",
            "<picture",
            "<video",
            "<iframe",
            "<object",
            "<embed",
            "data:image",
            "url(",
        ):
            assert element not in page, (path, element)
        assert "img.example.net" not in page, path  # always defanged


def test_the_veil_is_drawn_from_the_reference_alone(desk: Desk) -> None:
    assert veil.shapes("26-00001-L") == veil.shapes("26-00001-L") != veil.shapes("26-00002-M")
    assert "Shapes drawn from the reference" in text(desk.as_("A07").get(f"/case/{desk.one().ref}/assess"))


def test_a_real_house_says_that_nothing_is_held_here(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    item = desk.one()
    monkeypatch.setattr(type(load()), "is_demo", property(lambda self: False))
    monkeypatch.setattr("openhotline.web.desk.bench.now", lambda request: desk.day.now)
    page = text(desk.as_("A07").get(f"/case/{item.ref}/assess"))
    assert "Nothing is held here. Look on your viewing station." in page and "veil__g" not in page
    assert "Nothing here is real" not in page


# --- one case ---------------------------------------------------------------------------------------------


def test_the_reporters_words_are_shown_when_asked_for_and_each_time_logged(desk: Desk) -> None:
    item = desk.day.public_report("https://img.example.net/a", help_text="Behind the second <door>.")[0]
    browser = desk.as_("A07")
    for path in ("/", f"/case/{item.ref}", "/incomplete"):
        assert "Behind the" not in text(browser.get(path))
    report = item.lines.get().report_id
    for _ in range(2):
        response = browser.post(f"/case/{item.ref}/report/{report}")
        assert "Behind the second &lt;door&gt;." in text(response)
    assert [entry.entry["act"] for entry in entries_of(item.ref)].count("report.note-opened") == 2
    other = desk.one("https://img.example.net/b")
    assert browser.post(f"/case/{other.ref}/report/{report}").status_code == 404


@pytest.mark.parametrize(("who", "knows"), [("A07", False), ("L01", True), ("P01", True)])
def test_a_hold_is_paused_to_analysts_and_told_to_those_who_may_know(
    desk: Desk, who: str, knows: bool
) -> None:
    removals = desk.day.traced(desk.day.graded([desk.one()]))
    asked = desk.day.asked()
    desk.day.later(minutes(9))
    desk.day.answered(
        asked,
        words.HOLD,
        until=desk.day.now + hours(31),
        reason="arrest or search planned",
        note_text="ask for room four",
    )
    desk.sync()
    officer = desk.day.officer_of(asked).who
    secrets = ("arrest or search planned", "room four", officer, "13 May 19:19")
    browser = desk.as_(who)
    pages = [
        text(browser.get(path))
        for path in (
            f"/case/{removals[0].item.ref}",
            "/?view=police",
            "/?view=home",
            "/police",
            f"/police/{asked.number}",
            f"/hosts/{removals[0].host_id}",
        )
    ]
    assert all("aused" in page or "until" in page for page in pages)
    said = {secret for secret in secrets for page in pages if secret in page}
    assert said == (set(secrets) if knows else set())


def test_a_public_report_shows_its_hour_and_never_the_minute(desk: Desk) -> None:
    desk.day.later(timedelta(minutes=37))
    item = desk.one()
    desk.sync()
    page = text(desk.as_("A07").get(f"/case/{item.ref}"))
    assert "12 to 13 h" in page


def test_a_case_that_is_not_there_and_a_role_that_sees_nothing_look_alike(desk: Desk) -> None:
    item = desk.one()
    desk.day.people["O01"] = User.objects.create(username="O01", pseudonym="O01", role=words.OWNER)
    owner = desk.as_("O01")
    assert owner.get(f"/case/{item.ref}").status_code == 404
    assert desk.as_("A07").get("/case/26-99999-A").status_code == 404
    other_spelling = desk.as_("A07").get(f"/case/{item.ref.lower().replace('-', '')}")
    assert (other_spelling.status_code, other_spelling["Location"]) == (302, f"/case/{item.ref}")
    start = text(owner.get("/"))
    assert "Nothing of a case is shown to you." in start and item.ref not in start
    assert owner.get("/legs").status_code == 200


# --- the alarm --------------------------------------------------------------------------------------------


def test_the_alarm_takes_one_confirm_from_any_state_and_stays_on_the_queue_until_the_officer_is_reached(
    desk: Desk,
) -> None:
    item = desk.once()
    browser = desk.as_("A12")
    assert "Raise the alarm now" in text(browser.get(f"/case/{item.ref}/alarm"))
    response = browser.post(f"/case/{item.ref}/alarm/raise")
    raised = Alarm.objects.get()
    assert response["Location"] == f"/alarms/{raised.pk}"
    page = text(browser.get(response["Location"]))
    assert raised.phone in page and "15 min left" in page
    assert "A child may be at risk" in text(desk.as_("L01").get("/"))
    assert browser.post(f"/alarms/{raised.pk}/acknowledge", {"reference": " "}).status_code == 422
    browser.post(f"/alarms/{raised.pk}/acknowledge", {"reference": "CAD 4417"})
    assert "CAD 4417" in text(browser.get(f"/alarms/{raised.pk}"))
    assert "A child may be at risk: " not in text(desk.as_("L01").get("/"))


def test_a_running_alarm_is_shown_in_place_of_a_second_confirm(desk: Desk) -> None:
    item = desk.one()
    running = alarm.raise_alarm(item, policy=desk.day.policy, by=desk.day.who("A07"), at=desk.day.now)
    assert desk.as_("A12").get(f"/case/{item.ref}/alarm")["Location"] == f"/alarms/{running.pk}"


# --- contacts, search, settings -----------------------------------------------------------------------------


def test_a_contact_needs_a_second_person(desk: Desk) -> None:
    removal = desk.day.traced(desk.day.graded([desk.one()]))[0]
    desk.day.answered(desk.day.asked(), words.GO_AHEAD)
    desk.sync()
    browser, colleague = desk.as_("A07"), desk.as_("A12")
    assert removal.host.name in text(browser.get("/contacts"))
    home = f"/hosts/{removal.host_id}"
    refused = browser.post(f"{home}/contacts", {"mail": "nobody", "source": "person"})
    assert refused.status_code == 422 and 'value="nobody"' in text(refused)
    browser.post(f"{home}/contacts", {"mail": "abuse@rack.example", "source": "host-page"})
    added = removal.host.contacts.get(mail="abuse@rack.example")
    own = browser.post(f"{home}/contacts/{added.pk}/verify")
    assert own.status_code == 422 and "A second person has to verify it" in text(own)
    colleague.post(f"{home}/contacts/{added.pk}/verify")
    added.refresh_from_db()
    assert added.verified_by == "A12"
    assert removal.host.name not in text(browser.get("/contacts"))


@pytest.mark.parametrize(
    "typed",
    [
        "{ref}",
        "{low}",
        "hxxp://IMG.example[.]net/a/7f3c",
        "https://img.example.net:443/a/7f3c#x",
        "img.example.net/a/7f3c",
    ],
)
def test_the_search_box_finds_a_case_in_any_spelling(desk: Desk, typed: str) -> None:
    item = desk.one()
    response = desk.as_("A07").post(
        "/search", {"q": typed.format(ref=item.ref, low=item.ref.lower().replace("-", " "))}
    )
    assert response["Location"] == f"/case/{item.ref}"


def test_the_search_box_finds_hosts_and_addresses_of_machines(desk: Desk) -> None:
    first, second = desk.one("https://img.example.net/1"), desk.one("https://img.example.net/2")
    removal = desk.day.traced(desk.day.graded([first]))[0]
    browser = desk.as_("A07")
    assert second.ref in text(browser.post("/search", {"q": "img.example.net"}))
    assert browser.post("/search", {"q": "192.0.2.44"})["Location"] == f"/case/{first.ref}"
    assert removal.host.name in text(browser.post("/search", {"q": "north"}))
    assert "Nothing was found" in text(browser.post("/search", {"q": "no such thing"}))


def test_theme_and_single_keys_are_kept_with_the_account(desk: Desk) -> None:
    browser = desk.as_("A07")
    assert 'data-keys="on"' in text(browser.get("/"))
    browser.post("/settings/save", {"theme": "dark", "keys": "off"})
    page = text(browser.get("/"))
    assert 'data-theme="dark"' in page and 'data-keys="off"' in page
    assert (
        "Nothing else" not in page
        and browser.post("/settings/save", {"next": "https://elsewhere.example/"})["Location"] == "/settings"
    )


def test_every_key_is_printed_on_a_control_and_listed(desk: Desk) -> None:
    item = desk.one()
    browser = desk.as_("A07")
    browser.post(f"/case/{item.ref}/take")
    page = text(browser.get(f"/?at={item.ref}"))
    printed = set(re.findall(r'data-key="([^"]+)"', page))
    listed: set[str] = set()
    for key, _, _ in mine.KEYS:
        listed |= {str(n) for n in range(1, 8)} if key == "1 to 7" else set(key.split())
    assert printed == listed - {
        "J",
        "K",
        "Z",
    }  # two move along rows, in the script itself; Z has half a minute
    assert all(f'"{key}"' in (STATIC / "desk.js").read_text() for key in ("J", "K", "Enter"))


# --- what the pages are made of --------------------------------------------------------------------------------


def test_nothing_of_a_page_breaks_the_content_policy(desk: Desk) -> None:
    item = desk.one()
    graded = desk.day.graded([desk.one("https://img.example.net/b")])
    desk.day.looked(desk.day.traced(graded))
    browser = desk.as_("A07")
    for path in (
        "/",
        f"/case/{item.ref}",
        f"/case/{graded[0].ref}",
        f"/case/{item.ref}/assess",
        "/legs",
        "/settings",
        "/sign-in/",
    ):
        page = text(browser.get(path))
        assert not re.search(
            r"<style|\sstyle=|\son[a-z]+=|hx-on|javascript:|js:|<script(?![^>]*src=\"/static/)", page
        ), path
    script = (STATIC / "desk.js").read_text()
    assert not re.search(r"\beval\b|new Function|innerHTML\s*=|https?://", script)


def test_vendored_files_are_what_the_list_says() -> None:
    listed = re.findall(
        r"\| `([^`]+)` \|.*\| `([0-9a-f]{64})` \|", (STATIC / "vendor" / "VENDORED.md").read_text()
    )
    assert len(listed) == 2
    for name, digest in listed:
        assert hashlib.sha256((STATIC / "vendor" / name).read_bytes()).hexdigest() == digest


def test_without_a_second_factor_nobody_comes_in(desk: Desk) -> None:
    assert Client().get("/")["Location"] == "/sign-in/?next=/"
    assert desk.as_("A07", factor=False).get("/")["Location"] == "/second-factor/totp/activate/"
    desk.day.people["officer"] = next(
        user for name, user in desk.day.people.items() if name.startswith("officer")
    )
    assert desk.as_("officer").get("/").status_code == 403


def test_a_closed_reader_sees_the_whole_story_of_a_removed_case(desk: Desk) -> None:
    items = desk.day.graded([desk.one()])
    removals = desk.day.traced(items)
    desk.day.contact_verified(removals)
    asked = desk.day.asked()
    desk.day.answered(asked, words.GO_AHEAD, reference="Op 12")
    desk.day.letters_leave()
    desk.day.missed_until_gone(desk.day.looked(removals))
    desk.day.later(hours(30))  # past the host's time, which ended when it was gone
    desk.sync()
    page = text(desk.as_("A12").get(f"/case/{items[0].ref}"))
    for words_ in (
        "Watching",
        "United Kingdom",
        "3 of 3",
        "Go ahead",
        "Their reference Op 12.",
        "abuse@north-rack.example",
        "Gone: missed from 2 places",
        "Both readers agree",
    ):
        assert words_ in page, words_
    table = text(desk.as_("A12").get(f"/case/{items[0].ref}/looks"))
    for words_ in (Item.objects.get().ref, "Not there", "Answered, 404", "Directly", "proved"):
        assert words_ in table, words_
    for path, said in (
        (f"/police/{asked.number}", "Their reference Op 12."),
        ("/notices", "Gone, or no longer there"),
        ("/hosts/scorecard", "1 of 1 addresses noticed are gone"),
    ):
        listed = text(desk.as_("A12").get(path))
        assert said in listed and "ended" not in listed, path
