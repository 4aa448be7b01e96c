"""Follow my report: five answers, and nothing an onlooker could tell them apart by."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import DatabaseError
from django.test.utils import CaptureQueriesContext

from openhotline.records.models import ReceiptPhase
from openhotline.rules import words
from openhotline.web.public import box, follow, limits, texts
from tests.web.public_door import NOW, PublicDoor, open_door

pytestmark = pytest.mark.django_db


@pytest.fixture
def door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PublicDoor]:
    with open_door(tmp_path, monkeypatch) as opened:
        yield opened


def in_phase(phase: str, *, closed_in: timedelta = timedelta(0)) -> str:
    """Seven words of a report in this phase."""
    seven = box.new_words()
    ReceiptPhase.objects.create(
        receipt_hash=box.hash_of(seven), phase=phase, not_closed_before=NOW + closed_in
    )
    return " ".join(seven)


@pytest.mark.parametrize("phase", words.PHASES)
def test_each_phase_is_said_in_its_words(door: PublicDoor, phase: str) -> None:
    page = door.press("/follow", words=in_phase(phase))
    title, sentence = texts.PHASES[phase]
    assert page.status_code == 200
    assert f'<h2 id="answer-h">{title}</h2>' in page.content.decode()
    assert sentence in page.content.decode()


def test_words_are_read_as_people_type_them(door: PublicDoor) -> None:
    seven = in_phase(words.IN_PROGRESS)
    typed = ", ".join(f"{number}. {word.upper()}" for number, word in enumerate(seven.split(), 1))
    assert "In progress" in door.press("/follow", words=typed).content.decode()


def test_closed_reads_in_progress_until_its_day(door: PublicDoor) -> None:
    early = door.press("/follow", words=in_phase(words.CLOSED_PHASE, closed_in=timedelta(hours=1)))
    open_ = door.press("/follow", words=in_phase(words.IN_PROGRESS))
    assert early.content == open_.content


def test_every_answer_has_the_same_length_and_the_same_work(
    door: PublicDoor, django_assert_num_queries: type[CaptureQueriesContext]
) -> None:
    lengths = set()
    typed = [in_phase(phase) for phase in words.PHASES]
    typed += [" ".join(box.new_words()), "these are not seven of our words"]
    for seven in typed:
        with django_assert_num_queries(1):
            response = door.press("/follow", words=seven)
        assert "no-transform" in response["Cache-Control"]
        lengths.add(len(response.content))
    assert lengths == {follow.LENGTH}


def test_wrong_words_are_told_what_to_do_and_kept(door: PublicDoor) -> None:
    strange = " ".join(box.new_words())
    page = door.press("/follow", words=strange)
    assert page.status_code == 422
    assert "We do not know these words" in page.content.decode()
    assert strange in page.content.decode()
    assert "These are not seven of our words" in door.press("/follow", words="one two").content.decode()
    assert "Type your seven words." in door.press("/follow", words="  ").content.decode()
    assert "seven of our words" in door.press("/follow", words="\x00 <b>" + "x" * 50_000).content.decode()


def test_words_of_a_report_just_sent_may_not_be_known_yet(door: PublicDoor) -> None:
    assert (
        "Sent your report just now?"
        in door.press("/follow", words=" ".join(box.new_words())).content.decode()
    )


def test_trying_fast_is_slowed_for_everybody_together_and_reports_are_not(
    door: PublicDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = [0.0]
    monkeypatch.setattr(follow, "TRIES", limits.Bucket(per_second=1, burst=3, clock=lambda: moment[0]))
    seven = in_phase(words.RECEIVED)
    codes = [door.press("/follow", words=seven).status_code for _ in range(5)]
    assert codes == [200, 200, 200, 429, 429]
    busy = door.press("/follow", words=seven).content.decode()
    assert "Wait a minute" in busy
    assert seven in busy
    door.step("/report", url="https://example.org/a")

    moment[0] = 2.0
    assert door.press("/follow", words=seven).status_code == 200


def test_a_database_that_is_away_is_a_sentence(door: PublicDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*args: object, **kwargs: object) -> None:
        raise DatabaseError

    monkeypatch.setattr(follow, "phase_of", away)
    page = door.press("/follow", words=" ".join(box.new_words()))
    assert page.status_code == 503
    assert "Your report is safe." in page.content.decode()


def test_the_receipts_own_words_open_it(door: PublicDoor) -> None:
    what = door.step("/report", url="https://example.org/a")
    receipt = door.step(door.step(door.step(what), follow="code"))
    saved = door.get(receipt.replace("/receipt", "/seven-words.txt")).content.decode()
    seven = " ".join(line.split(". ")[1] for line in saved.splitlines() if line[:1].isdigit())
    _, sent = door.filed()[-1]
    ReceiptPhase.objects.create(receipt_hash=sent.receipt_hash, phase=words.RECEIVED, not_closed_before=NOW)
    assert "We have your report." in door.press("/follow", words=seven).content.decode()
