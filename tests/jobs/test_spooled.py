"""The worker empties the letter box: whatever is corrected on the way, each spelling that was given is filed."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from openhotline import policy as policies
from openhotline.jobs.spooled import LEFT_AFTER, Filer
from openhotline.records import sealing, spool
from openhotline.records.models import Item, Report, ReportLine
from openhotline.rules import incoming
from openhotline.settings import Settings
from tests.journeys.cast import NOON

pytestmark = pytest.mark.django_db
POLICY = policies.load("gb")
WRONG, RIGHT = "http://a.exmaple.org/x", "http://a.example.org/x"
LATER = NOON + LEFT_AFTER


class LetterBox:
    """The form's side of the spool, and a worker on the other."""

    def __init__(self, place: Path) -> None:
        self.settings = Settings(kind="test", data_dir=place)
        for folder in (self.settings.keys, self.settings.spool):
            folder.mkdir(mode=0o700)
        sealing.create_intake_keys(self.settings.keys)
        self.box, self.report = spool.Spool(self.settings.spool), incoming.public(uuid4(), (WRONG,), NOON)
        self.filer = Filer(self.settings)

    def put(self, kind: str, *lines: str) -> None:
        report = replace(self.report, lines=lines, complete=kind == spool.SENT, help_text="third one")
        sealed = sealing.seal(report.to_json(), sealing.public_key(self.settings.keys))
        self.box.append(kind, [(report.report_id, sealed)])

    def file(self, at: datetime) -> int:
        return self.filer.file(policy=POLICY, at=at)

    def restart(self) -> None:
        del self.filer
        self.filer = Filer(self.settings)


@pytest.fixture
def door(tmp_path: Path) -> Iterator[LetterBox]:
    yield LetterBox(tmp_path)


def spellings() -> set[str]:
    return set(ReportLine.objects.values_list("reported", flat=True))


@pytest.mark.parametrize("sent", [True, False])
@pytest.mark.parametrize("corrected_after", [timedelta(minutes=5), LEFT_AFTER + timedelta(minutes=5)])
@pytest.mark.parametrize("died", [True, False])
def test_a_corrected_address_and_the_one_before_are_both_filed(
    door: LetterBox, sent: bool, corrected_after: timedelta, died: bool
) -> None:
    door.put(spool.OPENED, WRONG)
    door.file(NOON)
    door.file(min(LATER, NOON + corrected_after))
    if died:
        door.restart()
    door.put(spool.OPENED, RIGHT)
    door.file(NOON + corrected_after)
    if died:
        door.restart()
    if sent:
        door.put(spool.SENT, RIGHT)
    door.file(LATER + timedelta(minutes=30))
    report = Report.objects.get()
    assert spellings() == {WRONG, RIGHT}
    assert set(Item.objects.values_list("canonical", flat=True)) == {WRONG, RIGHT}
    assert (report.status, report.complete, bool(report.why)) == ("joined", sent, not sent)
    assert not list((door.settings.spool / "held").iterdir()), "nothing is held any more"


def test_words_that_were_corrected_to_an_address_join_its_item(door: LetterBox) -> None:
    door.put(spool.OPENED, "the blue site")
    door.file(NOON)
    door.file(LATER)
    assert Report.objects.get().status == "incomplete"
    door.put(spool.OPENED, RIGHT)
    door.file(LATER)
    report = Report.objects.get()
    assert (report.status, report.complete) == ("joined", False)
    assert spellings() == {"the blue site", RIGHT}
    door.put(spool.SENT, RIGHT)
    door.file(LATER)
    report.refresh_from_db()
    assert (report.complete, report.why) == (True, "")
    assert ReportLine.objects.count() == 2
