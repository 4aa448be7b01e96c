"""The trace on the case page: layers, reasons, the seal, raw answers asked for, run again."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from openhotline.ledger.reading import entries_of
from openhotline.outbox.models import Letter
from openhotline.records.models import Trace
from openhotline.rules.facts import MethodAnswer, TraceFacts
from openhotline.rules.words import MACHINE_WORKER
from openhotline.settings import load
from openhotline.steps import trace
from tests.web.desk_cast import Desk

pytestmark = [pytest.mark.django_db, pytest.mark.urls("openhotline.web.desk.urls")]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with pytest.MonkeyPatch.context() as patch:
        yield Desk(patch, tmp_path)
    load.cache_clear()


def about(country: str, layer: str = "") -> tuple[MethodAnswer, ...]:
    return (
        MethodAnswer("dns", True, answer="192.0.2.66", addresses=("192.0.2.66",), layer=layer),
        MethodAnswer(
            "rdap", True, country=country, operator="North Rack", raw='{"handle": "N-1"}', layer=layer
        ),
        MethodAnswer("rdap-as", True, country=country, operator="North Rack", asn=64500, layer=layer),
        MethodAnswer("location", True, country=country, source="a.mmdb", source_age_s=86_400, layer=layer),
        MethodAnswer("location", True, country="NL", source="b.mmdb", source_age_s=400 * 86_400, layer=layer),
    )


def filed(desk: Desk, *answers: MethodAnswer) -> Trace:
    (item,) = desk.day.graded([desk.one()])
    facts = TraceFacts(item.canonical, item.host, desk.day.now, answers)
    return trace.record([(item, facts)], policy=desk.day.policy, by=MACHINE_WORKER, at=desk.day.now)[0]


def acts(ref: str) -> list[str]:
    return [entry.act for entry in entries_of(ref)]


def test_the_page_says_the_place_how_sure_it_is_and_why_one_differs(desk: Desk) -> None:
    made = filed(desk, *about("GB"))
    page = desk.as_("A07").get(f"/case/{made.item.ref}").content.decode()
    assert "United Kingdom" in page
    assert "Right with a chance of" in page
    assert "Where it is held (origin)" in page
    assert "In front (edge)" not in page
    assert "The file is 400 days old." in page
    assert "those the ledger was told of" in page
    assert "N-1" not in page, "raw answers are shown only when asked for"


def test_behind_a_proxy_the_page_names_no_country_of_the_origin(desk: Desk) -> None:
    made = filed(desk, *about("US"), MethodAnswer("proxy", True, answer="Front Net", layer="edge"))
    page = desk.as_("A07").get(f"/case/{made.item.ref}").content.decode()
    origin = page[page.index("Where it is held (origin)") : page.index("In front (edge)")]
    assert "Not known" in origin
    assert "United States" not in origin
    assert "United States" in page[page.index("In front (edge)") :]


def test_raw_answers_are_shown_and_handed_out_with_an_entry_each_time(desk: Desk) -> None:
    made = filed(desk, *about("GB"))
    ref, client = made.item.ref, desk.as_("A07")
    kept = Trace.objects.get(item__ref=ref)
    base = f"/case/{ref}/trace/{kept.pk}"
    assert client.get(f"{base}/json").status_code == 405, "looking is an act, so a link cannot do it"
    assert "N-1" in client.post(base).content.decode()
    as_json = client.post(f"{base}/json")
    assert any("N-1" in one["raw"] for one in json.loads(as_json.content)["answers"])
    as_warc = client.post(f"{base}/warc")
    assert as_warc["Content-Type"] == "application/warc"
    assert as_warc.content.startswith(b"WARC/1.1")
    assert "attachment" in as_warc["Content-Disposition"]
    assert acts(ref).count("item.trace-opened") == 3
    assert client.post(f"/case/{ref}/trace/{kept.pk + 1}/json").status_code == 404


def test_a_changed_answer_is_said_on_the_page(desk: Desk) -> None:
    made = filed(desk, *about("GB"))
    Trace.objects.update(digest="00" * 32)
    page = desk.as_("A07").get(f"/case/{made.item.ref}").content.decode()
    assert "not those the ledger was told of" in page


def test_run_again_waits_in_the_outbox_and_the_page_says_so(desk: Desk) -> None:
    made = filed(desk, *about("GB"))
    client = desk.as_("A07")
    Letter.objects.filter(kind="trace").update(state="sent")
    assert client.post(f"/case/{made.item.ref}/trace").status_code == 303
    assert "It is being traced." in client.get(f"/case/{made.item.ref}").content.decode()
