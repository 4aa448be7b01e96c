"""A partner sends a file on its own page: counted row by row, without a script, and reloading files nothing twice."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from openhotline.records.models import Partner, Report, User
from openhotline.rules import words
from openhotline.settings import load
from openhotline.steps import intake_reading
from openhotline.web.portal import files
from tests.journeys.cast import Day
from tests.web.portal_cast import browser_of, open_portal, unlock

pytestmark = [pytest.mark.django_db, pytest.mark.urls("openhotline.web.portal.urls")]
ROWS = (
    b"https://example.org/a,police,the first",
    b'https://example.org/b,"police,open',
    b",,",
    b"https://example.org/a,,again",
)
FILE = b"address,source,note\n" + b"\n".join(ROWS) + b"\n"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Client]:
    with pytest.MonkeyPatch.context() as patch:
        unlock()
        day = Day()
        open_portal(patch, tmp_path, day)
        partner = Partner.objects.create(key="cloud", name="Cloud", kind="industry")
        yield browser_of(
            User.objects.create(username="cloud", pseudonym="X1", role=words.PARTNER, partner=partner)
        )
    load.cache_clear()


def send(desk: Client, data: bytes, message: str = "m1") -> tuple[int, str]:
    sent = {"file": SimpleUploadedFile("monday.csv", data, "text/csv"), "message": message}
    response = desk.post("/file/send", sent)
    return response.status_code, response.getvalue().decode()


def test_a_file_is_filed_and_every_row_is_told_of(desk: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake_reading, "CHUNK", 2)
    status, page = send(desk, FILE)
    assert status == 200
    for count, what in (
        (3, "Reports filed"),
        (2, "New items"),
        (1, "Joined"),
        (1, "Kept"),
        (1, "Rows that hold"),
    ):
        assert f"{what}" in page and f'<dd class="num">{count}</dd>' in page.partition(what)[2][:60], what
    assert '<b class="num">Row 3</b> A double quote is not closed' in page
    assert page.index("2 rows filed") < page.index("4 rows filed") < page.index("Reports filed"), "it grows"
    assert set(Report.objects.values_list("source", "partner")) == {("industry", "cloud")}
    assert "Reports you sent us: 3" in desk.get("/").content.decode()


def test_reloading_files_nothing_twice_and_sending_it_again_does(desk: Client) -> None:
    send(desk, FILE)
    assert "3 were filed before" in send(desk, FILE)[1]
    assert Report.objects.count() == 3
    send(desk, FILE, message="m2")
    assert Report.objects.count() == 6, "a report is never refused for being a duplicate"


def test_what_is_no_such_file_is_said_and_nothing_is_filed(
    desk: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MOST_OF_A_FILE", 1000)
    for data, status, sentence in (
        (b"", 422, "Choose a file"),
        (b"https://example.org/a\n", 422, "must name its columns"),
        (FILE + b"x" * 1000, 413, "larger than 10 MB"),
    ):
        found = send(desk, data)
        assert found[0] == status and sentence in found[1]
    assert not Report.objects.exists()
    page = desk.get("/file").content.decode()
    assert "at most 10 MB" in page and "<script" not in page.partition("<main")[2]
    assert desk.get("/file/template.csv").content == b"address,source,reference,received_at,referrer,note\r\n"
