"""The checks on the case page: the verdict in words, what is missing, each look by place; and the way in."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from openhotline.ledger.reading import entries_of
from openhotline.records.models import Check, Item
from openhotline.settings import load
from openhotline.web.desk import looks_drawn
from tests.journeys.cast import minutes
from tests.web.desk_cast import Desk

pytestmark = [pytest.mark.django_db, pytest.mark.urls("openhotline.web.desk.urls")]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with pytest.MonkeyPatch.context() as patch:
        yield Desk(patch, tmp_path)
    load.cache_clear()


def text(response: object) -> str:
    return response.content.decode()  # type: ignore[attr-defined]


def page_of(desk: Desk, ref: str, who: str = "A12") -> str:
    return text(desk.as_(who).get(f"/case/{ref}"))


def test_the_verdict_stands_in_words_with_what_is_missing(desk: Desk) -> None:
    items = desk.day.graded([desk.one()])
    removals = desk.day.looked(desk.day.traced(items))
    desk.sync()
    assert "Still there, seen from north, south." in page_of(desk, items[0].ref)
    desk.day.later(minutes(4))
    desk.day.looked(removals, status=410)
    desk.sync()
    page = page_of(desk, items[0].ref)
    for words in (
        "Missed, not yet gone",
        "1 of 3 rounds counted, missed from north, south",
        "Missing for “gone”: 2 more rounds of misses",
        "From north: not there",
        "The server says 410",
        "Next look",
    ):
        assert words in page, words
    desk.day.later(minutes(4))
    desk.day.looked(removals, status=403)
    desk.sync()
    page = page_of(desk, items[0].ref)
    assert "Blocked for us: not gone" in page
    assert "it refuses us. That is not gone." in page


def test_looks_minutes_apart_and_looks_days_apart_are_drawn_on_two_scales() -> None:
    """What led to "gone" keeps most of the line, however long the watch after it."""
    noon = datetime(2026, 5, 12, 12, tzinfo=UTC)
    minute, day = timedelta(minutes=1), timedelta(days=1)
    after = [0 * minute, 30 * minute, 33 * minute, 36 * minute, day, 90 * day]
    seen = [Check(at=noon + passed, vantage="north", meaning="miss", canary_up=True) for passed in after]
    gone = noon + 36 * minute
    drawn = looks_drawn.chart(seen, events=[], first=noon + 30 * minute, gone=gone, at=noon + 91 * day)
    assert drawn is not None and drawn.cut is not None and drawn.gone is not None
    places = [mark.x for mark in drawn.marks]
    wide = looks_drawn.WIDE
    assert places == sorted(places) and places[0] == wide.left and places[-1] == wide.right
    assert drawn.gone - wide.left > (wide.right - wide.left) / 2 and places[3] < drawn.cut < places[4]
    one = looks_drawn.chart(seen[:4], events=[], gone=gone, at=gone)
    assert one is not None and one.cut is None and one.gone == wide.right


def test_a_phone_has_a_drawing_of_its_own_in_which_nothing_lies_on_anything() -> None:
    """The same looks and events, no wider than a phone; times whose words would meet are left out."""
    noon = datetime(2026, 5, 12, 12, tzinfo=UTC)
    seen = [
        Check(at=noon + timedelta(minutes=passed), vantage="north", meaning="up", canary_up=True)
        for passed in range(300)
    ]
    happened = [(noon, "notice sent"), (noon + timedelta(minutes=299), "host answered")]
    drawn = looks_drawn.chart(
        seen, events=happened, gone=None, at=noon + timedelta(days=2), frame=looks_drawn.NARROW
    )
    assert drawn is not None
    assert all(looks_drawn.NARROW.left <= mark.x <= looks_drawn.NARROW.right for mark in drawn.marks)
    assert len(drawn.marks) < 300, "what would lie on the mark before it is not drawn again"
    assert [tick.anchor for tick in drawn.ticks] == ["start", "middle", "end"]
    assert [(event.words, event.anchor) for event in drawn.events] == [
        ("notice sent", "middle"),
        ("host answered", "end"),
    ]
    again = Check(at=noon + timedelta(days=90), vantage="north", meaning="miss", canary_up=True)
    watched = looks_drawn.chart(
        [*seen, again],
        events=[],
        gone=noon + timedelta(hours=5),
        at=noon + timedelta(days=91),
        frame=looks_drawn.NARROW,
    )
    assert watched is not None and [tick.anchor for tick in watched.ticks] == ["start", "end"]


def test_a_miss_on_a_line_of_ours_that_was_not_proved_is_drawn_as_telling_nothing(desk: Desk) -> None:
    items = desk.day.graded([desk.one()])
    removals = desk.day.looked(desk.day.traced(items))
    desk.sync()
    assert "Our own line was proved each time." in page_of(desk, items[0].ref)
    desk.day.later(minutes(4))
    desk.day.looked(removals, "no-name", canary=False)
    desk.sync()
    page = page_of(desk, items[0].ref)
    assert "Our own line was not proved at 2 of 4 looks, which count for nothing." in page
    assert "Unclear, from 2 places" in page and "Missed at the last look" not in page
    assert page[page.index("mon-dw") : page.index("mon-dn")].count('<path class="warn-f"') == 2, "two looks"


def test_all_looks_are_read_a_hundred_at_a_time(desk: Desk) -> None:
    items = desk.day.graded([desk.one()])
    (row,) = desk.day.traced(items)
    at = desk.day.now
    Check.objects.bulk_create(
        Check(
            removal=row,
            at=at + minutes(n),
            step=n,
            vantage=f"place-{n}",
            outcome="answered",
            meaning="up",
            canary_up=True,
        )
        for n in range(1, 251)
    )
    desk.sync()
    way = f"/case/{items[0].ref}/looks"
    first = desk.as_("A12").get(way).content.decode()
    assert "Looks 1 to 100 of 250" in first and "place-250<" in first and "place-150<" not in first
    assert 'href="?page=2"' in first and "Newer" not in first
    last = desk.as_("A12").get(f"{way}?page=3").content.decode()
    assert "Looks 201 to 250 of 250" in last and "place-1<" in last and "Older<" not in last
    assert desk.as_("A12").get(f"{way}?page=none").status_code == 200


def test_an_analyst_records_the_way_in_and_a_wrong_one_keeps_what_was_typed(desk: Desk) -> None:
    item = desk.day.graded([desk.one()])[0]
    client = desk.as_("A07")
    typed = {
        "referrer": "hxxp://door[.]example.com/list",
        "cookie": "seen=1",
        "steps": "http://door.example.com/a\nhttp://door.example.com/b\n",
    }
    answer = client.post(f"/case/{item.ref}/way", typed)
    assert (answer.status_code, answer["Location"]) == (303, f"/case/{item.ref}#monitor")
    item = Item.objects.get(pk=item.pk)
    assert item.referrer == "http://door.example.com/list"
    assert item.way_steps.split() == ["http://door.example.com/a", "http://door.example.com/b"]
    assert item.way_at is not None
    page = page_of(desk, item.ref)
    assert "seen=1" in page
    assert "hxxp" in page
    refused = client.post(f"/case/{item.ref}/way", {**typed, "cookie": "two=1; cookies=2"})
    assert refused.status_code == 422
    assert "one cookie" in text(refused)
    assert "two=1; cookies=2" in refused.content.decode()
    assert desk.as_("P01").post(f"/case/{item.ref}/way", typed).status_code == 403


def test_what_shows_something_else_is_listed_and_a_person_says_whether_it_is_the_same(desk: Desk) -> None:
    items = desk.day.graded([desk.one(), desk.one("http://other.example.net/b")])
    desk.day.looked(desk.day.traced(items))
    Check.objects.filter(removal__item=items[0]).update(meaning="changed")
    desk.sync()
    client, ref = desk.as_("A07"), items[0].ref
    listed = text(client.get("/?view=changed"))
    assert f'/case/{ref}"' in listed and f'/case/{items[1].ref}"' not in listed
    assert "It is the same content" in page_of(desk, ref)
    assert "It is the same content" not in page_of(desk, ref, "P01")
    assert "It is the same content" not in page_of(desk, items[1].ref)
    assert desk.as_("P01").post(f"/case/{ref}/same").status_code == 403
    assert client.post(f"/case/{ref}/same").status_code == 303
    assert "item.same" in [entry.act for entry in entries_of(ref)]
