"""The trace on the case page: layers, reasons, the seal, raw answers asked for, run again."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from openhotline.connectors.probe.fake import FakeProber, Truth
from openhotline.jobs import disclosures
from openhotline.ledger.reading import entries_of
from openhotline.outbox.models import Letter
from openhotline.records.models import Removal, Trace
from openhotline.rules.facts import MethodAnswer, TraceFacts
from openhotline.rules.words import MACHINE_WORKER
from openhotline.settings import load
from openhotline.steps import assess, trace
from tests.journeys.cast import minutes
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
        MethodAnswer(
            "location",
            True,
            country=country,
            source="a.mmdb",
            source_age_s=86_400,
            layer=layer,
            licence="CC BY 4.0",
        ),
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
    page = desk.as_("A07").get(f"/case/{made.item.ref}").content.decode().replace("<wbr>", "")
    assert "United Kingdom" in page
    assert "Right with a chance of" in page
    assert "Where it is held (origin)" in page
    assert "In front (edge)" not in page
    assert "The file is 400 days old." in page
    assert "a.mmdb, 1 day old" in page and "b.mmdb, 400 days old" in page and "CC BY 4.0" in page
    assert "independent methods agree" in page
    assert "those the ledger was told of" in page
    assert "N-1" not in page, "raw answers are shown only when asked for"


def test_behind_a_proxy_the_page_names_no_country_of_the_origin(desk: Desk) -> None:
    made = filed(desk, *about("US"), MethodAnswer("proxy", True, answer="Front Net", layer="edge"))
    page = desk.as_("A07").get(f"/case/{made.item.ref}").content.decode()
    origin = page[page.index('id="tr-h"') : page.index("In front (edge)")]
    assert "Not known" in origin and "A proxy stands in front (Front Net)" in origin
    assert "United States" not in origin
    assert "United States" in page[page.index("In front (edge)") :]
    assert "answers agree" not in page, "what is said of the edge agrees with nothing about the origin"


def test_raw_answers_are_shown_and_handed_out_with_an_entry_each_time(desk: Desk) -> None:
    made = filed(desk, *about("GB"))
    ref, client = made.item.ref, desk.as_("A07")
    kept = Trace.objects.get(item__ref=ref)
    base = f"/case/{ref}/trace/{kept.pk}"
    assert client.get(f"{base}/json").status_code == 405, "looking is an act, so a link cannot do it"
    page = client.post(base).content.decode()
    assert "N-1" in page and "b.mmdb · 400 days old" in page
    as_json = client.post(f"{base}/json")
    assert any("N-1" in one["raw"] for one in json.loads(as_json.content)["answers"])
    as_warc = client.post(f"{base}/warc")
    assert as_warc["Content-Type"] == "application/warc"
    assert as_warc.content.startswith(b"WARC/1.1")
    assert "attachment" in as_warc["Content-Disposition"]
    assert acts(ref).count("item.trace-opened") == 3
    assert client.post(f"/case/{ref}/trace/{kept.pk + 1}/json").status_code == 404


def test_a_raw_answer_says_who_was_asked_when_it_came_and_by_what(desk: Desk) -> None:
    asked = MethodAnswer(
        "dns",
        True,
        source="192.0.2.53:53",
        vantage="north",
        tool="dnspython 2",
        at="2026-05-12T12:00:00.250+00:00",
        raw="opcode QUERY",
    )
    made = filed(desk, asked, *about("GB"))
    page = desk.as_("A07").post(f"/case/{made.item.ref}/trace/{made.pk}").content.decode()
    assert "192.0.2.53:53 · from north · 12 May 2026 12:00:00.250 UTC · dnspython 2" in page


def test_earlier_traces_can_be_taken_away_and_the_page_says_which_stood_before_the_notice(desk: Desk) -> None:
    (item,) = desk.day.graded([desk.one()])
    (removal,) = desk.day.traced([item])
    desk.day.later(minutes(9))
    Removal.objects.filter(pk=removal.pk).update(t5_sent=desk.day.now)
    desk.day.later(minutes(60))
    desk.day.traced([item])
    first = Trace.objects.filter(item=item).order_by("at")[0]
    desk.sync()
    client = desk.as_("A07")
    page = client.get(f"/case/{item.ref}").content.decode()
    assert "Earlier traces (1)" in page and f"/case/{item.ref}/trace/{first.pk}/warc" in page
    assert "Traced 9 min before the notice left: the same host and country." in page
    assert client.post(f"/case/{item.ref}/trace/{first.pk}/json").json()["at"] == first.at.isoformat()


def test_a_changed_answer_is_said_on_the_page(desk: Desk) -> None:
    made = filed(desk, *about("GB"))
    Trace.objects.update(digest="00" * 32)
    page = desk.as_("A07").get(f"/case/{made.item.ref}").content.decode()
    assert "not those the ledger was told of" in page


def test_what_two_resolvers_say_alike_is_one_row_and_the_country_has_its_name(desk: Desk) -> None:
    alike = [MethodAnswer("dns", True, answer="192.0.2.66", source=f"192.0.2.5{n}:53") for n in (3, 4)]
    made = filed(desk, *alike, *about("GB")[1:])
    page = desk.as_("A07").get(f"/case/{made.item.ref}").content.decode()
    table = page[page.index("Trace methods") : page.index("“Same”")]
    assert table.count("<b>DNS A and AAAA</b>") == 1
    assert "192.0.2.53:53; 192.0.2.54:53" in table.replace("<wbr>", "")
    assert ">United Kingdom</td>" in table and "Names United Kingdom." not in table
    assert "it has no say in the country" not in table, "once under the table, not in each row"


def test_run_again_waits_in_the_outbox_and_the_page_says_so(desk: Desk) -> None:
    made = filed(desk, *about("GB"))
    client = desk.as_("A07")
    Letter.objects.filter(kind="trace").update(state="sent")
    assert client.post(f"/case/{made.item.ref}/trace").status_code == 303
    assert "It is being traced." in client.get(f"/case/{made.item.ref}").content.decode()


def test_the_map_marks_what_is_named_and_the_page_says_how_many_wait_before_it(desk: Desk) -> None:
    made = filed(desk, *about("GB"))
    Letter.objects.filter(kind="trace").update(state="sent")
    assess.ask_trace([desk.one("http://other.example.org/b"), made.item], at=desk.day.now)
    page = desk.as_("A07").get(f"/case/{made.item.ref}").content.decode()
    drawn = page[page.index("tmap-dw") : page.index("tmap-dn")]
    assert "United Kingdom, 3 answers; Netherlands, 1 answer." in drawn.replace(
        "Netherlands, 1 answer; United Kingdom, 3 answers", "United Kingdom, 3 answers; Netherlands, 1 answer"
    )
    assert drawn.count('class="ok-f" cx="') == 1 and drawn.count('class="warn-f" x="') == 1, "one mark each"
    assert "1 other stands before it." in page


def test_an_origin_that_was_named_by_telephone_joins_the_traces_and_is_in_no_letter_where_it_was_told_for_us_alone(
    desk: Desk,
) -> None:
    made = filed(desk, *about("US"), MethodAnswer("proxy", True, answer="Front Net", layer="edge"))
    Letter.objects.filter(kind="trace").update(state="sent")
    item, client = made.item, desk.as_("A07")
    said = {
        "address": "192.0.2.44",
        "told_by": "Front Net, trust desk",
        "told_at": "2026-01-02T09:30",
        "keep": "on",
    }
    for wrong in (
        {"address": "origin.example.net"},
        {"told_by": " "},
        {"told_at": "2999-01-01T00:00"},
        {"told_at": "2026-13-01T00:00"},
        {"address": "127.0.0.1"},
    ):
        assert client.post(f"/case/{item.ref}/origin", {**said, **wrong}).status_code == 422
    assert desk.as_("P01").post(f"/case/{item.ref}/origin", said).status_code == 403
    assert client.post(f"/case/{item.ref}/origin", said).status_code == 303
    assert "item.origin" in acts(item.ref)
    assert Letter.objects.filter(kind="trace", state="pending").count() == 1, "it is traced again with it"
    truth = {
        item.canonical: Truth(addresses=("192.0.2.66",), country="US"),
        "192.0.2.44": Truth(country="GB", operator="North Rack"),
    }
    facts = [
        TraceFacts(
            item.canonical,
            item.host,
            desk.day.now,
            (
                *about("US"),
                MethodAnswer("proxy", True, answer="Front Net", layer="edge", names=("Front Net",)),
            ),
        )
    ]
    facts = disclosures.added([item], facts, {}, at=desk.day.now)
    facts = disclosures.behind(facts, FakeProber(truth), at=desk.day.now)
    (again,) = trace.record([(item, facts[0])], policy=desk.day.policy, by=MACHINE_WORKER, at=desk.day.now)
    assert again.disclosed_by == "Front Net, trust desk, 02 Jan 2026 09:30 UTC"
    assert "192.0.2.44" in again.address and "192.0.2.44" not in again.passed_on
    page = client.get(f"/case/{item.ref}").content.decode()
    assert "Told for us alone" in page and "Front Net, trust desk" in page
    client.post(f"/case/{item.ref}/origin", {**said, "keep": ""})
    (open_,) = trace.record([(item, facts[0])], policy=desk.day.policy, by=MACHINE_WORKER, at=desk.day.now)
    assert "192.0.2.44" in open_.passed_on, "the newest word counts"
