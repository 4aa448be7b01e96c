"""A trace can be handed over as files that other tools read and check."""

import hashlib
import io
import json
from datetime import UTC, datetime, timedelta

import pytest
from warcio.archiveiterator import ArchiveIterator

from openhotline.records.models import Item, Trace
from openhotline.records.trace_files import trace_json, trace_warc

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ANSWERS = [
    {
        "method": "dns",
        "ok": True,
        "answer": "192.0.2.10",
        "source": "192.0.2.53:53",
        "raw": "id 1\nrcode NOERROR",
    },
    {
        "method": "rdap",
        "ok": True,
        "source": "http://rdap.registry.example/ip/192.0.2.10",
        "raw": '{"name": "Süd"}',
        "at": "2026-03-02T12:00:01.250+00:00",
    },
    {"method": "location", "ok": False, "why": "No file of countries is installed.", "source": "", "raw": ""},
]


@pytest.fixture
def trace() -> Trace:
    item = Item(ref="26-00001-K", canonical="http://site.example.org/a", host="site.example.org")
    return Trace(
        item=item,
        at=NOON,
        expires_at=NOON + timedelta(hours=4),
        verdict="agreed",
        score=1.0,
        country="GB",
        reasons=[["rdap", "yes", "Names GB."]],
        answers=ANSWERS,
        rules="gb-1",
    )


def test_the_json_holds_the_verdict_and_every_word(trace: Trace) -> None:
    value = json.loads(trace_json(trace))
    assert (value["reference"], value["verdict"], value["country"]) == ("26-00001-K", "agreed", "GB")
    assert value["answers"] == ANSWERS


def test_the_warc_is_read_by_another_reader_with_its_digests(trace: Trace) -> None:
    data = trace_warc(trace)
    assert data.startswith(b"WARC/1.1\r\n") and data == trace_warc(trace)
    records = []
    for record in ArchiveIterator(io.BytesIO(data)):
        body = record.content_stream().read()
        headers = record.rec_headers
        digest = headers.get_header("WARC-Block-Digest")
        assert digest == f"sha256:{hashlib.sha256(body).hexdigest()}"
        records.append((record.rec_type, headers, body))
    assert [kind for kind, _, _ in records] == [
        "warcinfo", "resource", "metadata", "resource", "metadata", "metadata", "metadata",
    ]  # fmt: skip
    # Each answer is dated with the time it came; what has none of its own, and the rest, with the trace's.
    came = [headers.get_header("WARC-Date")[14:] for _, headers, _ in records]
    assert came == ["00:00Z", "00:00Z", "00:00Z", "00:01.250Z", "00:01.250Z", "00:00Z", "00:00Z"]
    resources = [(headers, body) for kind, headers, body in records if kind == "resource"]
    assert [body.decode() for _, body in resources] == [ANSWERS[0]["raw"], ANSWERS[1]["raw"]]
    assert resources[1][0].get_header("WARC-Target-URI") == ANSWERS[1]["source"]
    about = json.loads(records[4][2])
    assert about["method"] == "rdap" and about["at"] == ANSWERS[1]["at"] and "raw" not in about
    assert records[4][1].get_header("WARC-Refers-To") == resources[1][0].get_header("WARC-Record-ID")
    assert json.loads(records[-1][2])["country"] == "GB"


def test_a_source_that_would_break_a_header_becomes_a_name(trace: Trace) -> None:
    trace.answers = [{"method": "rdap", "source": "http://a.example/\r\nX: y", "raw": "x"}]
    assert b"\nX: y" not in trace_warc(trace)
    assert b"urn:openhotline:trace:26-00001-K:0:rdap" in trace_warc(trace)
