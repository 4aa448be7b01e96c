"""A trace as files that can be handed over: JSON, and WARC/1.1 (ISO 28500) with digests.

True here: every method's answer word for word in a `resource` record dated with the time it came, and what is known about it (source, age, tool,
licence, what was read from it) in a `metadata` record that refers to it; SHA-256 digests over each; the same trace
gives the same bytes. Not here: who may fetch them (`web/desk`), sealing.
"""

import io
import json
import uuid
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from warcio.warcwriter import WARCWriter

from openhotline import __version__
from openhotline.records import trace_answers
from openhotline.records.models import Trace

_SPACE = uuid.UUID("6f9c1c1e-6d2e-5a0e-9a3a-0d5b3b1f7a11")  # of the names of our records
_TYPES = {
    "rdap": "application/rdap+json",
    "rdap-domain": "application/rdap+json",
    "rdap-as": "application/rdap+json",
    "certificate": "application/x-pem-file",
    "disclosed": "application/json",
}


def trace_json(trace: Trace) -> bytes:
    """The verdict and every answer, verbatim, as one JSON object. Raises Refused where answers cannot be opened."""
    value = {
        "software": f"OpenHotline {__version__}",
        **_verdict(trace),
        "answers": trace_answers.opened(trace),
    }
    return json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True).encode() + b"\n"


def trace_warc(trace: Trace) -> bytes:
    """The same as an uncompressed WARC/1.1 file: warcinfo, then two records for each answer, then the verdict.

    Raises Refused where the answers cannot be opened.
    """
    out = io.BytesIO()
    writer = WARCWriter(out, gzip=False, warc_version="1.1")
    for kind, uri, headers, content_type, body in _records(trace):
        digest = f"sha256:{sha256(body).hexdigest()}"
        headers = {
            "WARC-Type": kind,
            "WARC-Record-ID": headers.pop("WARC-Record-ID"),
            "WARC-Date": f"{trace.at:%Y-%m-%dT%H:%M:%SZ}",
            "WARC-Block-Digest": digest,
            **({"WARC-Payload-Digest": digest} if kind == "resource" else {}),
            **headers,
        }
        record = writer.create_warc_record(
            uri,
            kind,
            payload=io.BytesIO(body),
            length=len(body),
            warc_content_type=content_type,
            warc_headers_dict=headers,
        )
        writer.write_record(record)
    return out.getvalue()


def _records(trace: Trace) -> Iterator[tuple[str, str, dict[str, str], str, bytes]]:
    """(kind, target, headers, content type, body) of each record, in order."""
    name = f"{trace.item.ref}/{trace.at.isoformat()}"
    info = f"software: OpenHotline {__version__}\r\nformat: WARC File Format 1.1\r\ndescription: trace of {name}\r\n"
    yield "warcinfo", "", _id(name, "info"), "application/warc-fields", info.encode()
    for number, answer in enumerate(trace_answers.opened(trace)):
        raw = str(answer.get("raw") or "").encode()
        method = str(answer.get("method") or "unknown")
        target = f"urn:openhotline:trace:{trace.item.ref}:{number}:{method}"
        source = str(answer.get("source") or "")
        if source.startswith(("http://", "https://")) and source.isascii() and source.isprintable():
            target = source.split(" ", 1)[0]
        about = {key: value for key, value in answer.items() if key != "raw"}
        told = json.dumps(about, ensure_ascii=False, sort_keys=True).encode()
        came = _came(answer)
        own = {**_id(name, f"{number}"), **came}
        if raw:
            yield "resource", target, dict(own), _TYPES.get(method, "text/plain"), raw
        refers = {"WARC-Refers-To": own["WARC-Record-ID"]} if raw else {}
        yield "metadata", target, {**_id(name, f"{number}/about"), **came, **refers}, "application/json", told
    verdict = json.dumps(_verdict(trace), ensure_ascii=False, sort_keys=True).encode()
    target = f"urn:openhotline:trace:{trace.item.ref}:verdict"
    yield "metadata", target, _id(name, "verdict"), "application/json", verdict


def _came(answer: dict[str, Any]) -> dict[str, str]:
    """When this answer came; one kept before answers had times of their own has the trace's."""
    at = str(answer.get("at") or "")
    return {"WARC-Date": at.replace("+00:00", "Z")} if at else {}


def _id(name: str, part: str) -> dict[str, str]:
    return {"WARC-Record-ID": f"<urn:uuid:{uuid.uuid5(_SPACE, f'{name}/{part}')}>"}


def _verdict(trace: Trace) -> dict[str, Any]:
    return {
        "reference": trace.item.ref,
        "address": trace.item.canonical,
        "at": trace.at.isoformat(),
        "expires_at": trace.expires_at.isoformat(),
        "verdict": trace.verdict,
        "score": trace.score,
        "country": trace.country,
        "operator": trace.operator,
        "asn": trace.asn,
        "network": trace.network,
        "addresses": trace.address,
        "layers": trace.layers,
        "disclosed_by": trace.disclosed_by,
        "reasons": trace.reasons,
        "rules": trace.rules,
        "weights": trace.weights,
        "answers_sha256": trace.digest,
        "ledger_entry": str(trace.entry) if trace.entry else "",
    }
