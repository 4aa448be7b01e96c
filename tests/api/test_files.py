"""A partner's program sends a file of reports: each row durable once, and none lost for being odd."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client

from openhotline.jobs.house import make_token
from openhotline.records import vault
from openhotline.records.models import Partner, Report
from openhotline.rules.incoming import MOST_OF_A_FILE
from openhotline.settings import load
from tests.journeys.cast import Day
from tests.web.portal_cast import open_portal, unlock

pytestmark = [pytest.mark.django_db, pytest.mark.urls("openhotline.web.portal.urls")]
FILE = b"""address,source,note
https://example.org/a,police,the first
https://example.org/b,"police,open
,,
https://example.org/a,police,again, and again
"""


class Program:
    def __init__(self, token: str) -> None:
        self.token, self.client = token, Client(raise_request_exception=False)

    def send(self, body: bytes, key: str = "") -> tuple[int, dict[str, object]]:
        headers = {"Authorization": f"Bearer {self.token}", **({"Idempotency-Key": key} if key else {})}
        answer = self.client.post("/api/v1/reports/csv", body, content_type="text/csv", headers=headers)
        return answer.status_code, json.loads(answer.content)


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Program]:
    with pytest.MonkeyPatch.context() as patch:
        unlock()
        day = Day()
        open_portal(patch, tmp_path, day)
        partner = Partner.objects.create(key="cloud", name="Cloud", kind="industry")
        yield Program(make_token(partner, at=day.now))
    load.cache_clear()


def test_each_row_is_a_report_and_what_is_odd_is_told_with_its_row(cloud: Program) -> None:
    status, answer = cloud.send(FILE, "k1")
    counts = {"reports": 3, "items_new": 2, "joined": 1, "incomplete": 2, "rejected": 1, "repeated": 0}
    assert (status, {name: answer[name] for name in counts}) == (201, counts)
    assert [(one["row"], one["why"][:14]) for one in answer["kept"]] == [
        (3, "A double quote"),
        (5, "The note holds"),
    ]
    assert set(Report.objects.values_list("source", "partner")) == {("industry", "cloud")}, (
        "the token says so"
    )


def test_the_same_key_files_once_goes_on_where_it_was_cut_off_and_is_refused_with_other_content(
    cloud: Program,
) -> None:
    _, first = cloud.send(FILE, "k1")
    again = cloud.send(FILE, "k1")
    assert again == (200, first | {"reports": 0, "items_new": 0, "joined": 0, "incomplete": 0, "repeated": 3})
    assert cloud.send(FILE + b"https://example.org/c,,\n", "k1")[0] == 409
    assert Report.objects.count() == 3
    assert cloud.send(FILE)[0] == cloud.send(FILE)[0] == 201, "without a key each is a file"


def test_a_file_that_names_no_columns_is_kept_whole_and_a_picture_is_not(cloud: Program) -> None:
    status, answer = cloud.send(b"https://example.org/a\nhttps://example.org/b\n")
    assert (status, answer["reports"], answer["incomplete"]) == (201, 1, 1)
    raw = json.loads(vault.open_("report", bytes(Report.objects.get().sealed)))["raw"]
    assert raw == "https://example.org/a\nhttps://example.org/b\n"
    assert cloud.send(b"\xff\xd8\xff\xe0\x00\x10JFIF\x00")[1]["code"] == "not-text"
    assert cloud.send(b" \n")[1]["code"] == "empty"
    assert Report.objects.count() == 1


def test_as_much_is_taken_as_on_the_page_and_of_more_nothing(cloud: Program) -> None:
    row = b"https://example.org/a,,%s\n" % (b"x" * 8_000)
    status, answer = cloud.send(b"address,source,note\n" + row * 300)
    assert (status, answer["reports"]) == (201, 300), "2.4 MB"
    status, answer = cloud.send(b"x" * (MOST_OF_A_FILE + 1))
    assert (status, answer["sentence"]) == (
        413,
        "The file is larger than 10 MB, and nothing of it was filed. Send it in parts.",
    )
    assert Report.objects.count() == 300
