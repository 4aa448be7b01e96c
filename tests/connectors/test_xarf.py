"""What a notice says in XARF is valid XARF, says what was graded, and admits what it cannot say."""

import json
from datetime import UTC, datetime

import pytest
import xarf

from openhotline.connectors.xarf.meaning import Party, XarfPart, notice, report_id

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUSE = Party("Example Hotline", "notices@hotline.example", "hotline.example")


def part(**other: object) -> XarfPart:
    said: dict[str, object] = {
        "identifier": report_id("letter-1/removal-1"),
        "url": "http://pictures.example.org/a/1.jpg",
        "host": "pictures.example.org",
        "content_class": "child-sexual-abuse",
        "baseline": False,
        "category": "A",
        "age_band": "pubescent",
        "source_identifier": "192.0.2.10",
        "verified_at": NOON,
        "reporter": HOUSE,
        "media": "image",
        "operator": "Example Hosting",
        "asn": 64500,
        "country": "GB",
        "serial": "N-26-00001",
    }
    return notice(**{**said, **other})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("category", "age", "baseline", "word"),
    [
        ("A", "infant", False, "A1"),
        ("B", "pre-pubescent", False, "A1"),
        ("C", "infant", False, "A2"),
        ("A", "pubescent", False, "B1"),
        ("B", "pubescent", False, "B1"),
        ("C", "pubescent", False, "B2"),
        ("A", "infant", True, "baseline"),
        ("", "unclear", True, "baseline"),
    ],
)
def test_every_grade_becomes_its_word_and_the_library_finds_no_fault(
    category: str, age: str, baseline: bool, word: str
) -> None:
    made = part(category=category, age_band=age, baseline=baseline)
    read = xarf.parse(made.json)
    assert read.errors == [] and read.warnings == []
    assert read.report.classification == word
    assert read.report.detection_method == "manual_review"


def test_what_is_lost_is_said() -> None:
    assert any("category B is lost" in s for s in part(category="B").losses)
    assert any("infant" in s for s in part(age_band="infant").losses)
    assert part(category="C", age_band="pubescent").losses == ()
    assert "baseline" in part(baseline=True).losses[0]


@pytest.mark.parametrize("age", ["unclear", "none", "", "elderly"])
def test_an_unknown_age_sends_the_text_letter_alone(age: str) -> None:
    made = part(age_band=age)
    assert made.json == ""
    assert "text letter goes alone" in made.losses[0]


@pytest.mark.parametrize("other", ["non-photographic", "obscene-adult", "extreme", "racial-hatred"])
def test_other_classes_have_no_type(other: str) -> None:
    made = part(content_class=other, baseline=True)
    assert made.json == "" and made.losses


def test_there_is_no_evidence_and_no_way_to_add_any() -> None:
    assert "evidence" not in json.loads(part().json)
    with pytest.raises(TypeError):
        part(evidence=[{"content_type": "image/png", "payload": "AAAA"}])


def test_odd_hosts_and_addresses_stay_valid() -> None:
    for url, host in [
        ("http://192.0.2.10/x", "192.0.2.10"),
        ("http://[2001:db8::1]/x", "[2001:db8::1]"),
        ("http://xn--fa-hia.example/%C3%A4?q=1&r=%22", "xn--fa-hia.example"),
    ]:
        read = xarf.parse(part(url=url, host=host, country="", asn=0, operator="", media="").json)
        assert read.errors == []


def test_the_same_letter_has_the_same_report() -> None:
    assert part() == part()
    assert report_id("a") == report_id("a") != report_id("b")
