"""The exchange's messages damaged in every way that comes to hand: nothing falls over, every byte is kept, nothing moves.

500 seeded mutations in an ordinary run, 20,000 in a release run; the seed is the number.
"""

import json
from collections import Counter
from collections.abc import Iterator

import pytest

from openhotline.connectors.iccam import meaning
from openhotline.policy import exchange_codes
from openhotline.records import vault
from openhotline.records.models import (
    Partner,
    PartnerMessage,
    Referral,
    ReferralLine,
    Removal,
    Report,
)
from openhotline.rules.exchange import FromPartner
from openhotline.steps import exchange as step
from openhotline.steps import refer
from tests.connectors.test_mutations import damaged, sizes
from tests.journeys.cast import CANAL_HOST, Day

pytestmark = pytest.mark.django_db
CODES = exchange_codes()
BATCH = 500

# What they did, as far as it moves nothing: a mutation that happens to read well may then move nothing either.
CONTENT = {
    "contentId": 7001,
    "reportId": 97001,
    "url": {"urlString": "http://img.example.net/e", "isSourceUrl": True, "hostingCountryCode": "NL"},
    "assignedCountryCode": "NL",
    "countryAssignmentDate": "2026-05-12T11:00:00Z",
    "memo": "“seen” there\n",
    "assessments": [{"classification": 2, "ageCategorization": 3, "genderCategorization": 1}],
    "actions": [{"actionType": 1, "analystName": "their analyst", "actionDate": "2026-05-12T11:30:00Z"}],
}
QUEUE = [
    {
        **CONTENT,
        "contentId": 8000 + place,
        "url": {**CONTENT["url"], "urlString": f"http://n{place}.example.org/"},
    }  # type: ignore[dict-item]
    for place in range(3)
]


@pytest.fixture
def house(db: None) -> Day:
    vault.configure(b"the site key of a test house....".ljust(32))
    return Day()


def read(number: str, count: int) -> Iterator[tuple[int, bytes, list[FromPartner]]]:
    """(seed, damaged body, what was made of it): half are lists of reports to us, half an answer to `number`."""
    bodies = [json.dumps(QUEUE).encode(), json.dumps(CONTENT).encode()]
    for seed, body in damaged(bodies, count):
        if seed % 2:
            yield seed, body, list(meaning.read_queue(body, CODES).messages)
        else:
            yield seed, body, [meaning.read_one(body, CODES, number=number)]
        # The answers that decide about a letter, too: none is read as yes or no that was not said.
        known = meaning.read_known(200, body, number)
        assert known.said == "unknown" or body.strip() == b"[]", f"seed {seed}: {known}"
        assert meaning.read_reply(500, body).outcome == "unknown"
        assert isinstance(meaning.read_token(body), str)
        assert isinstance(meaning.contents_of(body), list)


@sizes
def test_no_damaged_message_is_lost_or_moves_anything(house: Day, count: int) -> None:
    partner = Partner.objects.create(
        key="hotline-nl",
        name="partner",
        kind="hotline",
        country="NL",
        url="http://nl.test",
        protocol="exchange",
    )
    (removal,) = house.traced(house.graded(house.public_report("http://img.example.net/e")), CANAL_HOST)
    refer.refer_due(at=house.now)
    house.letters_leave()
    number = Referral.objects.get().number
    before = Counter(Removal.objects.values_list("pk", "status", "version"))
    waiting: list[FromPartner] = []
    every: set[str] = set()
    reported: set[str] = set()
    for seed, body, messages in read(number, count):
        for one in messages:
            # Whole and unread as it came, or read: then it holds every field that was in it.
            assert one.raw == body or json.loads(one.raw) is not None, f"seed {seed}: what came is not kept"
            assert one.their_id or one.unmapped, f"seed {seed}: a gap without a sentence"
            every.add(step._digest(one))
            if not one.number and one.their_id:
                reported.add(one.their_id)
        waiting += messages
        if len(waiting) >= BATCH:
            step.receive(partner, waiting, policy=house.policy, at=house.now)
            waiting = []
    step.receive(partner, waiting, policy=house.policy, at=house.now)
    kept = {
        row.digest: vault.open_("exchange", bytes(row.sealed)) for row in PartnerMessage.objects.iterator()
    }
    assert set(kept) == every
    assert Report.objects.filter(partner="hotline-nl").count() == len(reported), (
        "each report once, none invented"
    )
    assert Counter(Removal.objects.filter(pk=removal.pk).values_list("pk", "status", "version")) == before
    assert ReferralLine.objects.count() == 1
