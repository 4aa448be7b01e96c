"""One key takes one's own opinion back: the line that says it was saved carries the button for half a minute."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from openhotline.records.models import Item
from openhotline.rules.opinion import BACK_WITHIN
from openhotline.settings import load
from tests.web.desk_cast import Desk

pytestmark = [pytest.mark.django_db, pytest.mark.urls("openhotline.web.desk.urls")]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with pytest.MonkeyPatch.context() as patch:
        yield Desk(patch, tmp_path)
    load.cache_clear()


def test_one_press_takes_it_back_and_the_item_is_in_the_pane_again(desk: Desk) -> None:
    item, other = desk.one(), desk.one("https://img.example.net/b/2")
    mine, colleague = desk.as_("A07"), desk.as_("A12")
    mine.post(f"/case/{item.ref}/take")
    saved = mine.post(f"/case/{item.ref}/grade", {"decision": "not-illegal", "view": "open"}, follow=True)
    page = saved.content.decode()
    assert f'Take back <span class="id">{item.ref}</span>' in page
    assert page.count('data-key="Z"') == 1
    assert "take-back" not in colleague.get("/").content.decode()
    assert colleague.post(f"/case/{item.ref}/take-back").status_code == 409
    back = mine.post(f"/case/{item.ref}/take-back", {"view": "open"}, follow=True).content.decode()
    assert "Give it anew" in back
    assert f"/case/{item.ref}/grade" in back, "the form of the same item"
    assert Item.objects.get(pk=item.pk).status == "assessing"

    mine.post(f"/case/{item.ref}/grade", {"decision": "not-illegal", "view": "open", "alone": "1"})
    assert (
        f'Take back <span class="id">{item.ref}</span>'
        in mine.get(f"/case/{other.ref}/assess").content.decode()
    )
    desk.day.later(BACK_WITHIN + timedelta(seconds=1))
    desk.sync()
    assert "take-back" not in mine.get("/").content.decode()
    late = mine.post(f"/case/{item.ref}/take-back")
    assert (late.status_code, "Tell the lead" in late.content.decode()) == (422, True)
