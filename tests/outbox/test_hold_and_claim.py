"""A hold and a claim take the same locks in the same order: the removals by id, then the letter. Two claims never meet.

Which of them comes first, in every order there is, is played by `openhotline/simulation/duel.py`.
"""

import psycopg
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from openhotline.outbox import claims
from openhotline.outbox.models import Letter
from openhotline.rules import words
from openhotline.rules.words import MACHINE_WORKER
from openhotline.steps import departing
from tests.journeys.cast import NORTH_RACK, QUAY_DATA, Day

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
        departing.lock_case(pk)

    left = claims.claim_each(
        "mail", at=house.now, by=MACHINE_WORKER, limit=9, kinds=["notice"], guard=guard, lock=lock
    )
    with CaptureQueriesContext(connection) as said:
        assert [one.pk for one in left] == [letter.pk]
    assert taken == ["case", "guard"]
    locks = [one["sql"] for one in said if "FOR UPDATE" in one["sql"]]
    if connection.vendor == "postgresql":  # SQLite lets one writer in at a time
        assert '"records_removal"' in locks[0] and '"outbox_letter"' in locks[1]


def test_a_claim_waits_for_no_other_claim_and_goes_on_to_the_next_letter(house: Day) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite lets one writer in at a time.")
    for name, where in (("a", NORTH_RACK), ("b", QUAY_DATA)):
        removals = house.traced(house.graded(house.public_report(f"https://{name}.example.org/x")), where)
        house.contact_verified(removals)
        house.answered(house.asked(), words.GO_AHEAD)
    house.minute_over()
    first, second = house.letters("notice")

    def claimed() -> list[int]:
        left = claims.claim(
            "mail", at=house.now, by=MACHINE_WORKER, kinds=["notice"], guard=lambda letter: b"x"
        )
        return [letter.pk for letter in left]

    given = connection.get_connection_params()
    with psycopg.connect(
        **{name: given[name] for name in ("dbname", "user", "password", "host", "port")}
    ) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s, %s)", [claims.CLAIMING, first.pk])
        assert claimed() == [second.pk]
    assert claimed() == [first.pk]
