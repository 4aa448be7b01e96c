"""The second reader is blind: no page of the desk shows the first opinion before the second is in."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.urls import URLPattern

from openhotline.records.models import Item
from openhotline.rules import words
from openhotline.rules.opinion import Opinion
from openhotline.settings import load
from openhotline.web.desk.urls import urlpatterns
from tests.web.desk_cast import Desk

pytestmark = [pytest.mark.django_db, pytest.mark.urls("openhotline.web.desk.urls")]

# What only the first opinion of `desk_cast.CATEGORY_A` says. "Category A" alone is a button of the grid.
FIRST_SAID = (
    "4.1-b</dd>",
    "55 min",
    "3307",
    "<dd>Infant</dd>",
    "<dd>7</dd>",
    '<p class="big">Category A',
    "<b>Category A</b></p>",
)


def said(text: str) -> list[str]:
    """What the page gives away of the first opinion. Whole words: a random token may hold any digits."""
    return [word for word in FIRST_SAID if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text)]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with pytest.MonkeyPatch.context() as patch:
        yield Desk(patch, tmp_path)
    load.cache_clear()


def paths(item: Item) -> list[str]:
    """Every page of the desk that can be asked for, with this item's reference where one is wanted."""
    found = []
    for pattern in urlpatterns:
        assert isinstance(pattern, URLPattern)
        route = str(pattern.pattern)
        if route.startswith(("sign", "second-factor")):
            continue
        found.append(
            "/"
            + re.sub(
                r"<int:\w+>", "1", route.replace("<str:ref>", item.ref).replace("<str:number>", item.ref)
            )
        )
    views = ("open", "second", "disputed", "soon", "risk", "partners", "unreachable", "home")
    return [
        *found,
        *(f"/?view={view}&at={item.ref}" for view in views),
        f"/case/{item.ref}/assess?view=second",
    ]


@pytest.mark.parametrize("who", ["A12", "L01", "P01"])
def test_no_page_shows_the_first_opinion_before_the_second_is_in(desk: Desk, who: str) -> None:
    item = desk.once()
    browser = desk.as_(who)
    for taken in (False, True):
        if taken and who != "P01":
            browser.post(f"/case/{item.ref}/take")
        for path in paths(item):
            for headers in ({}, {"HX-Request": "true"}):
                text = browser.get(path, headers=headers).content.decode()
                assert not said(text), (path, who, taken)


def test_a_refused_second_opinion_comes_back_without_the_first(desk: Desk) -> None:
    item = desk.once()
    browser = desk.as_("A12")
    browser.post(f"/case/{item.ref}/take")
    response = browser.post(f"/case/{item.ref}/grade", {"decision": "category:B"})
    assert response.status_code == 422
    text = response.content.decode()
    assert "Choose the age band of the youngest child." in text
    assert not said(text)


def test_the_second_reader_finds_out_afterwards(desk: Desk) -> None:
    item = desk.once()
    browser = desk.as_("A12")
    browser.post(f"/case/{item.ref}/take")
    browser.post(f"/case/{item.ref}/grade", {"decision": "category:A", "age": "infant"})
    text = browser.get(f"/case/{item.ref}").content.decode()
    assert "Both readers agree" in text
    assert text.count('<p class="big">Category A') == 2


def test_where_they_differ_the_lead_sees_both_and_decides(desk: Desk) -> None:
    item = desk.once()
    second = Opinion(words.ILLEGAL, words.CHILD_SEXUAL_ABUSE, "C", "pubescent")
    desk.day.graded([item], by=("A12",), opinion=second)
    lead = desk.as_("L01")
    pane = lead.get(f"/?view=disputed&at={item.ref}").content.decode()
    assert "<b>Category A</b></p>" in pane and "<b>Category C</b></p>" in pane
    lead.post(f"/case/{item.ref}/take")
    lead.post(f"/case/{item.ref}/grade", {"decision": "category:A", "age": "infant", "view": "disputed"})
    item.refresh_from_db()
    assert (item.status, item.category) == ("graded", "A")


def test_the_first_reader_sees_the_own_opinion_and_nobody_elses(desk: Desk) -> None:
    desk.once()
    assert "Category A" in desk.as_("A07").get("/day").content.decode()
    assert "Category A" not in desk.as_("A12").get("/day").content.decode()
