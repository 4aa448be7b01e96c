"""One value has one spelling, and no other spelling is taken."""

import json
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openhotline.ledger.canonical import MAX_INTEGER, decode, encode

words = st.text(st.characters(exclude_categories=["Cs"])).map(lambda text: normalize("NFC", text))
names = st.text(st.characters(max_codepoint=127), max_size=8)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-MAX_INTEGER, MAX_INTEGER) | words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=20,
)


@given(values)
def test_what_is_spelled_can_be_read_and_says_the_same(value: object) -> None:
    data = encode(value)
    assert decode(data) == value
    assert json.loads(data) == value  # any JSON reader reads it
    assert encode(decode(data)) == data


@given(values, st.randoms())
def test_the_order_in_which_a_value_was_put_together_does_not_show(value: object, luck: object) -> None:
    def shuffled(inner: object) -> object:
        if isinstance(inner, dict):
            keys = list(inner)
            luck.shuffle(keys)  # type: ignore[attr-defined]
            return {key: shuffled(inner[key]) for key in keys}
        return [shuffled(one) for one in inner] if isinstance(inner, list) else inner

    assert encode(shuffled(value)) == encode(value)


@given(st.binary(max_size=40))
def test_arbitrary_bytes_are_the_canonical_spelling_or_are_refused(data: bytes) -> None:
    try:
        value = decode(data)
    except ValueError:
        return
    assert encode(value) == data


def test_strings_are_escaped_as_rfc_8785_says() -> None:
    everything_below_a_space = "".join(map(chr, range(0x20)))
    assert encode(everything_below_a_space) == (
        b'"\\u0000\\u0001\\u0002\\u0003\\u0004\\u0005\\u0006\\u0007\\b\\t\\n\\u000b\\f\\r\\u000e\\u000f'
        b"\\u0010\\u0011\\u0012\\u0013\\u0014\\u0015\\u0016\\u0017\\u0018\\u0019\\u001a\\u001b\\u001c\\u001d"
        b'\\u001e\\u001f"'
    )
    assert encode('"\\/\x7f€\u2028😀') == '"\\"\\\\/\x7f€\u2028😀"'.encode()


@pytest.mark.parametrize(
    "value",
    [
        1.0, float("nan"), 2**53, -(2**53), "e\u0301", "\ud800", {"é": 1}, {1: 2}, b"x", {1}, object(),
    ],
)  # fmt: skip
def test_what_the_subset_does_not_hold_is_refused(value: object) -> None:
    with pytest.raises(ValueError):
        encode(value)
    with pytest.raises(ValueError):
        encode({"inside": [value]})


@pytest.mark.parametrize(
    "data",
    [
        b'{"a":1,"a":1}', b'{"b":1,"a":1}', b'{"a": 1}', b" 1", b"1 ", b"01", b"-0", b"1.0", b"1e3", b"1E400", b"NaN",
        b"Infinity", b'"\\u0041"', b'"\\/"', b'"\\u001F"', b'"\xff"', b"\xef\xbb\xbf1", b"", b"{", b"9007199254740992",
        b"[" * 100_000, b'{"a":' * 5000, b"1" * 5000, b'"\\ud800"', '"e\u0301"'.encode(), '{"é":1}'.encode(),
    ],
    ids=lambda data: data[:20].decode("latin-1"),
)  # fmt: skip
def test_every_other_spelling_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):
        decode(data)
