"""A hold and a claim take the same locks in the same order: the removals by id, then the letter.

Which of them comes first, in every order there is, is played by `openhotline/simulation/duel.py`.
"""

import pytest

from openhotline.outbox import queue
from openhotline.outbox.models import Letter
from openhotline.rules import words
from openhotline.rules.words import MACHINE_WORKER
from openhotline.steps import notify
from tests.journeys.cast import Day

pytestmark = pytest.mark.django_db


def test_the_case_is_locked_before_the_letter(house: Day) -> None:
    taken: list[str] = []
    removals = house.traced(house.graded(house.public_report("https://a.example.org/x")))
    house.contact_verified(removals)
    house.answered(house.asked(), words.GO_AHEAD)
    house.minute_over()  # in which the answer can still be taken back
    (letter,) = house.letters("notice")

    def guard(letter: Letter, at: object) -> bytes:
        taken.append("guard")
        return b"x"

    def lock(pk: int) -> None:
        assert pk == letter.pk
        taken.append("case")
        notify.lock_case(pk)

    left = queue.claim_each(
        "mail", at=house.now, by=MACHINE_WORKER, limit=9, kinds=["notice"], guard=guard, lock=lock
    )
    assert [one.pk for one in left] == [letter.pk]
    assert taken == ["case", "guard"]
