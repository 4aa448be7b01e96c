"""What a unit does at the portal besides answering: requests, digests, and reading its agreement."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from openhotline.records import sealing
from openhotline.records.models import DigestUpload, PoliceRequest
from openhotline.rules import deconflict
from openhotline.rules.incoming import MOST_OF_A_FILE
from openhotline.settings import load
from tests.journeys.cast import Day
from tests.web.portal_cast import browser_of, open_portal, set_clock, unlock

pytestmark = [pytest.mark.django_db, pytest.mark.urls("openhotline.web.portal.urls")]
KEY = bytes(range(32))


@pytest.fixture
def day(tmp_path: Path) -> Iterator[Day]:
    with pytest.MonkeyPatch.context() as patch:
        unlock()
        day = Day()
        open_portal(patch, tmp_path, day)
        load().keys.mkdir(parents=True, exist_ok=True)
        sealing.create_matcher_keys(load().keys)
        set_clock(day)
        yield day
    load.cache_clear()


def test_a_bulk_check_is_asked_and_followed(day: Day) -> None:
    officer = browser_of(day.people["officer NU"])
    sent = officer.post(
        reverse("police-ask"),
        {"kind": "check", "addresses": "https://a.example.org/1\nhxxp://b[.]example.org/2"},
    )
    assert sent.status_code == 303
    made = PoliceRequest.objects.get()
    text = officer.get(reverse("police-request", args=[made.number])).content.decode()
    assert text.count("being assessed") == 2
    assert "hxxps://a.example[.]org/1" in text
    assert made.number in officer.get(reverse("police-requests")).content.decode()
    empty = officer.post(reverse("police-ask"), {"kind": "check", "reference": "keep me"})
    assert (empty.status_code, "keep me" in empty.content.decode()) == (422, True)


def test_digests_are_handed_in_and_the_answer_says_nothing(day: Day) -> None:
    officer = browser_of(day.people["officer NU"])
    page = reverse("digests-hand-in")
    early = officer.post(page, {"what": "digests", "digests": "aa" * 32})
    assert (
        early.status_code,
        "Hand in this year’s key" in early.content.decode().replace("&#x27;", "’"),
    ) == (422, True)
    assert officer.post(page, {"what": "key", "key": KEY.hex()}).status_code == 303
    digest = deconflict.digest(KEY, "domain", "example.org").hex()
    file = SimpleUploadedFile("digests.txt", f"{'bb' * 32}\n".encode())
    assert officer.post(page, {"what": "digests", "digests": digest, "file": file}).status_code == 303
    assert DigestUpload.objects.get().count == 2
    text = officer.get(f"{reverse('digests')}?done=1").content.decode()
    assert "2 digests under this key" in text and "is never said here" in text
    assert KEY.hex() not in text and digest not in text
    wrong = officer.post(page, {"what": "digests", "digests": "https://example.org/"})
    assert (wrong.status_code, "Line 1 is no digest" in wrong.content.decode()) == (422, True)
    large = officer.post(page, {"what": "digests", "digests": "a" * MOST_OF_A_FILE})
    assert (large.status_code, "nothing of it was taken" in large.content.decode()) == (413, True)


def test_a_unit_reads_its_own_agreement(day: Day) -> None:
    text = browser_of(day.people["officer EU"]).get(reverse("agreement")).content.decode()
    assert "Notify together" in text and "the notice leaves at the same time" in text
    assert "Authorise first" not in text
