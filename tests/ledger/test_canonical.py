"""Canonical bytes: one form for a value, and nothing outside the subset."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openhotline.ledger import canonical

text = st.text(st.characters(exclude_categories=["Cs"])).map(canonical.nfc)
keys = st.text(st.characters(max_codepoint=126, min_codepoint=32), max_size=8)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=10,
)


@given(values)
def test_what_is_encoded_decodes_to_itself(value):
    assert canonical.decode(canonical.encode(value, limit=None)) == value


@pytest.mark.parametrize(
    "value", [1.5, 2**53, -(2**53), "e\u0301", "\ud800", {"é": 1}, {1: 1}, {"a": {1, 2}}, b"bytes", "x" * 9000]
)
def test_what_has_no_canonical_form_is_refused(value):
    with pytest.raises(ValueError):
        canonical.encode(value)


@pytest.mark.parametrize(
    "data", [b'{"b":1,"a":2}', b'{"a": 1}', b'{"a":1,"a":1}', b"1.0", b'"\\u0041"', b"\xff", b"", b"[" * 100_000]
)
def test_bytes_that_do_not_encode_to_themselves_are_refused(data):
    with pytest.raises(ValueError):
        canonical.decode(data)
