"""The table of legs: medians that really occurred, and gone, moved and held counted apart."""

import csv
import io
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from openhotline.records.models import Hold, Removal
from openhotline.rules import words
from openhotline.settings import load
from openhotline.statistics import legs
from openhotline.web.desk import legs_drawn
from tests.journeys.cast import CANAL_HOST, NOON, hours, minutes
from tests.web.desk_cast import Desk

pytestmark = [pytest.mark.django_db, pytest.mark.urls("openhotline.web.desk.urls")]
PERIOD = {"since": NOON - timedelta(days=1), "until": NOON + timedelta(days=1)}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with pytest.MonkeyPatch.context() as patch:
        yield Desk(patch, tmp_path)
    load.cache_clear()


def removals(desk: Desk, count: int) -> list[Removal]:
    items = [desk.one(f"https://img.example.net/{n}") for n in range(count)]
    return desk.day.traced(desk.day.graded(items))


def test_the_median_and_nine_in_ten_are_times_that_occurred(desk: Desk) -> None:
    for n, removal in enumerate(removals(desk, 11)):
        Removal.objects.filter(pk=removal.pk).update(
            t5_sent=NOON, t8_gone=NOON + minutes(10 * (n + 1)), status="removed"
        )
    found = {(row.outcome, row.leg): row for row in legs.legs(**PERIOD)}
    row = found["gone", "gone"]
    assert row.count == 11
    assert abs(row.median - minutes(60)) < timedelta(seconds=1)
    assert abs(row.p90 - minutes(100)) < timedelta(seconds=1)
    assert ("gone", "answered") not in found


def test_gone_moved_held_and_open_are_counted_apart(desk: Desk) -> None:
    gone, held, moved, waiting = removals(desk, 4)
    for removal in (gone, held):
        Removal.objects.filter(pk=removal.pk).update(t5_sent=NOON, t8_gone=NOON + hours(1), status="removed")
    Hold.objects.create(
        removal=held, reason="other", placed_at=NOON, placed_by="NU-2", review_at=NOON, released_at=NOON
    )
    desk.day.traced([moved.item], CANAL_HOST)
    assert legs.outcomes(**PERIOD) == {"gone": 1, "held": 1, "moved": 1, "open": 2}
    assert {row.outcome for row in legs.legs(**PERIOD) if row.leg == "gone"} == {"gone", "held"}
    Removal.objects.filter(pk=moved.pk).update(status="closed")
    assert legs.outcomes(**PERIOD)["moved"] == 1
    assert waiting.status == "traced"


def test_a_removal_counts_in_the_period_it_was_received_in(desk: Desk) -> None:
    removals(desk, 2)
    assert legs.outcomes(since=NOON + hours(5), until=NOON + hours(9)) == {}
    assert legs.legs(since=NOON - hours(9), until=NOON - hours(5)) == []


def test_the_page_and_the_file_say_the_same_and_name_no_address(desk: Desk) -> None:
    items = desk.day.graded([desk.one()])
    found = desk.day.traced(items)
    desk.day.answered(desk.day.asked(), words.GO_AHEAD)
    desk.day.later(minutes(5))
    desk.sync()
    browser = desk.as_("L01")
    page = browser.get("/legs?days=7").content.decode()
    assert "Asked to answered" in page
    response = browser.get("/legs.csv?days=7")
    rows = list(csv.DictReader(io.StringIO(response.content.decode())))
    assert [row["leg"] for row in rows if row["outcome"] == "open"][:3] == ["graded", "traced", "asked"]
    asked = next(row for row in rows if row["leg"] == "asked")
    assert asked["median_s"] == str(int(desk.day.policy.clocks.bundle.total_seconds()))
    assert "example" not in response.content.decode() and found[0].item.ref not in response.content.decode()
    assert browser.get("/legs?days=nonsense").status_code == 200


def test_the_drawing_shows_the_figures_of_the_table_and_says_them_in_words(desk: Desk) -> None:
    for n, removal in enumerate(removals(desk, 10)):
        Removal.objects.filter(pk=removal.pk).update(
            t5_sent=NOON, t8_gone=NOON + hours(2 * (n + 1)), status="removed"
        )
    found = [row for row in legs.legs(**PERIOD) if row.outcome == "gone"]
    drawn = legs_drawn.draw(found, legs_drawn.furthest_of(found))
    assert drawn is not None
    line = next(line for line in drawn.lines if line.name == "Sent to confirmed gone")
    assert (line.label, line.longest) == ("10 h, nine in ten 18 h", True)
    wide = legs_drawn.WIDE
    assert wide.left < line.median_x < line.p90_x <= wide.width - wide.right
    phone = legs_drawn.draw(found, legs_drawn.furthest_of(found), legs_drawn.NARROW)
    assert phone is not None and all(line.p90_x <= phone.frame.width for line in phone.lines)
    assert [line.label for line in phone.lines if line.longest] == ["10 h to 18 h"]
    assert "Sent to confirmed gone: half within 10 h, nine in ten within 18 h." in drawn.told
    assert legs_drawn.draw([], legs_drawn.furthest_of([])) is None
