"""Every act writes its entry: also a look that moves nothing, a receipt's new phase, a line taken back."""

from datetime import timedelta

from openhotline.ledger import canonical
from openhotline.ledger.models import Staged
from openhotline.rules import words
from openhotline.steps import close
from tests.journeys.cast import Day, hours


def acts() -> list[str]:
    return [canonical.decode(bytes(entry))["act"] for entry in Staged.objects.values_list("entry", flat=True)]


def test_a_look_that_moves_nothing_is_an_entry_for_each_removal(house: Day) -> None:
    removals = house.traced(
        house.graded(house.public_report("http://img.example.net/1", "http://img.example.net/2"))
    )
    house.looked(removals)
    assert acts().count("removal.looked") == 2
    house.looked(removals, status=404)
    assert acts().count("removal.looked") == 4


def test_what_a_receipt_shows_is_an_entry_when_it_changes(house: Day) -> None:
    house.public_report("no address at all", receipt_hash="ab" * 32, follow="code")
    close.answer_reports(at=house.now)
    first = acts().count("report.phase")
    close.answer_reports(at=house.now)
    assert acts().count("report.phase") == first, "nothing changed, nothing is written"
    house.later(timedelta(days=15))
    close.close_incomplete(policy=house.policy, at=house.now)
    assert acts().count("report.phase") == first + 1


def test_a_notice_line_recalled_by_a_hold_is_an_entry_of_its_own(house: Day) -> None:
    removals = house.traced(house.graded(house.public_report("http://img.example.net/1")))
    house.contact_verified(removals)
    consultation = house.asked()
    house.answered(consultation, words.GO_AHEAD)
    house.answered(consultation, words.HOLD, review_at=house.now + hours(5), reason="covert work")
    assert acts().count("notice.line-recalled") == 1
