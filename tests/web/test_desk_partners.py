"""The partners' page: a difference is taken and settled with a reason, and what has no word here is read by a person."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from openhotline.connectors.iccam import meaning
from openhotline.outbox.models import Difference
from openhotline.policy import exchange_codes
from openhotline.records import vault
from openhotline.records.models import Partner, PartnerMessage
from openhotline.settings import load
from openhotline.steps import difference, exchange
from tests.web.desk_cast import Desk

pytestmark = [pytest.mark.django_db, pytest.mark.urls("openhotline.web.desk.urls")]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with pytest.MonkeyPatch.context() as patch:
        vault.configure(b"the site key of a test house....".ljust(32))
        yield Desk(patch, tmp_path)
    load.cache_clear()


def test_a_difference_is_taken_and_settled_because(desk: Desk) -> None:
    difference.file([("partner:hotline-nl", "taken twice", "R-1")], lambda row: False, at=desk.day.now)
    row = Difference.objects.get()
    liaison, analyst = desk.as_("P01"), desk.as_("A07")
    assert "Nobody has taken it" in liaison.get("/partners").content.decode()
    assert "Take it" not in analyst.get("/partners").content.decode()
    where = f"/partners/differences/{row.pk}"
    assert analyst.post(where, {"press": "take"}).status_code == 403
    early = liaison.post(where, {"press": "settle", "because": "so"})
    assert (early.status_code, "Take it first" in early.content.decode()) == (422, True)
    assert liaison.post(where, {"press": "take"}).status_code == 303
    assert "Settled because" in liaison.get("/partners").content.decode()
    assert "Say because of what" in liaison.post(where, {"press": "settle"}).content.decode()
    assert liaison.post(where, {"press": "settle", "because": "asked by phone"}).status_code == 303
    assert "Nothing differs" in liaison.get("/partners").content.decode()
    row.refresh_from_db()
    assert (row.settled_by, row.because) == ("P01", "asked by phone")


def test_a_message_without_a_word_is_read_whole_and_settled(desk: Desk) -> None:
    partner = Partner.objects.create(key="hotline-nl", name="partner", kind="hotline", protocol="exchange")
    said = meaning.read_queue(
        b'[{"contentId":7,"url":{"urlString":"http://x.example.org/"},"assessments":[{"classification":77}]}]',
        exchange_codes(),
    )
    exchange.receive(partner, said.messages, policy=desk.day.policy, at=desk.day.now)
    row = PartnerMessage.objects.get()
    analyst = desk.as_("A07")
    listing = analyst.get("/partners").content.decode()
    assert "of classification is not in our table" in listing
    page = f"/partners/messages/{row.pk}"
    assert "urlString" not in analyst.get(page).content.decode(), "whole only when asked for"
    assert "urlString" in analyst.post(f"{page}/settle", {"whole": "1"}).content.decode()
    assert analyst.post(f"{page}/settle", {"note": ""}).status_code == 422
    assert analyst.post(f"{page}/settle", {"note": "a new code, asked"}).status_code == 303
    assert "No message waits" in analyst.get("/partners").content.decode()
