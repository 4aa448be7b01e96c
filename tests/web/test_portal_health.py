"""What a supervisor asks of the portal."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client

from openhotline.records.models import House
from openhotline.settings import load
from openhotline.web import health
from tests.journeys.cast import NOON, Day
from tests.web.portal_cast import open_portal

pytestmark = [pytest.mark.django_db, pytest.mark.urls("openhotline.web.portal.urls")]


@pytest.fixture(autouse=True)
def portal(tmp_path: Path) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        open_portal(patch, tmp_path, Day())
        yield
    load.cache_clear()


def test_a_process_that_answers_is_alive() -> None:
    assert Client().get("/livez").content == b"ok\n"


def test_a_house_that_is_not_settled_is_not_ready() -> None:
    response = Client().get("/readyz")
    assert response.status_code == 503 and b"not settled" in response.content


def test_a_settled_house_is_ready_and_the_question_sets_no_cookie() -> None:
    House.objects.create(id=1, kind="test", country="gb", name="Example Hotline", created_at=NOON)
    response = Client().get("/readyz")
    assert (response.status_code, response.content) == (200, b"ready\n")
    assert not response.cookies


def test_a_full_disk_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    House.objects.create(id=1, kind="test", country="gb", name="Example Hotline", created_at=NOON)
    if load().postgres:
        pytest.skip("PostgreSQL keeps its own disk")
    monkeypatch.setattr(health, "LEAST_FREE", 1 << 62)
    assert Client().get("/readyz").content == b"The disk is full.\n"
