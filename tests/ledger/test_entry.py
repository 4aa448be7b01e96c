"""The fast spelling of an entry is the generic one, byte for byte."""

from datetime import UTC, datetime
from typing import Any
from unicodedata import normalize
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openhotline.ledger import canonical
from openhotline.ledger.entry import MAX_ENTRY, Act, Form, Surroundings, fault, fitting
from openhotline.rules.words import Actor

EID = UUID("1b4e28ba-2fa1-4d2e-883f-0016d3cca427")
AROUND = Surroundings(sw="0.1.0", pol="ab", source="test", boot="b", offset_ms=-3, stratum=None)
any_text = st.text(max_size=60)
plain = st.text(st.characters(exclude_categories=["C", "Z"]), max_size=20).map(
    lambda text: normalize("NFC", text)
)
plain = plain.filter(lambda text: text.isprintable() and len(text) <= 24)


def whole(act: Act, *, by: Actor, at: datetime, case_n: int | None, why: str) -> dict[str, Any]:
    return {
        "v": 1,
        "eid": str(EID),
        "at": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "clk": {"boot": "b", "mono_ns": 7, "offset_ms": -3, "source": "test", "stratum": None},
        "who": by.who,
        "role": by.role,
        "auth": {"method": by.auth, "session": by.session},
        "for": act.on_behalf or (f"unit:{by.unit_id}" if by.unit_id is not None else ""),
        "act": act.act,
        "obj": list(act.obj),
        "case": act.case,
        "case_n": case_n,
        "why": why,
        "prev_obj": act.prev,
        "commit": "c" * 64,
        "sw": "0.1.0",
        "pol": "ab",
        "req": "r",
    }


@given(
    st.builds(
        Act,
        plain,
        st.tuples(plain, plain, st.integers(0, 2**53 - 1)),
        case=plain,
        why=any_text,
        prev=st.sampled_from(["", "0" * 64]),
        on_behalf=plain,
    ),
    st.builds(Actor, plain, plain, unit_id=st.none() | st.integers(0, 9), auth=plain, session=plain),
    st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.integers(1, 2**31),
)
def test_by_hand_and_by_the_generic_encoder_are_the_same_bytes(
    act: Act, by: Actor, at: datetime, number: int
) -> None:
    why, payload = fitting(act)
    case_n = number if act.case else None
    data = Form(AROUND, by=by, at=at, mono_ns=7, req="r").entry(
        act, eid=str(EID), case_n=case_n, commit="c" * 64, why=why
    )
    value = whole(act, by=by, at=at, case_n=case_n, why=why)
    assert data == canonical.encode(value)
    assert canonical.decode(data) == value
    assert fault(value) == ""
    assert why == act.why or payload["why_whole"] == act.why


@given(st.text(st.characters(), max_size=3000))
def test_whatever_the_reason_the_entry_fits(text: str) -> None:
    why, payload = fitting(Act("a" * 64, ("b" * 32, "c" * 128, 1), why=text))
    form = Form(
        AROUND, by=Actor("r" * 32, "w" * 128, auth="a" * 64), at=datetime.now(UTC), mono_ns=7, req="r"
    )
    data = form.entry(
        Act("a" * 64, ("b" * 32, "c" * 128, 1)), eid=str(EID), case_n=None, commit="c" * 64, why=why
    )
    assert len(data) <= MAX_ENTRY
    assert canonical.decode(data)["why"] == why
    assert why == text or payload["why_whole"] == text


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        Form(AROUND, by=Actor("r", "w"), at=datetime(2026, 5, 12), mono_ns=7, req="r")  # noqa: DTZ001
