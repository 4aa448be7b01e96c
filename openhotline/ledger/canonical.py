"""Canonical bytes: the subset of RFC 8785 in which every entry is written.

Sorted ASCII keys, integers below 2^53, NFC strings, no floats, no duplicate keys, UTF-8, at most 8 KiB. The
encoder refuses the rest; the decoder accepts only bytes that encode to themselves.
"""

import json
import unicodedata
from typing import Any

MAX_BYTES = 8 * 1024
_BIGGEST = 2**53
MAX_INTEGER = _BIGGEST - 1


def encode(value: Any, *, limit: int | None = MAX_BYTES) -> bytes:
    """`value` (dict, list, str, int, bool, None) as canonical bytes.

    Raises ValueError for anything outside the subset, or longer than `limit` bytes (None: no limit).
    """
    _check(value)
    data = json.dumps(
        value, ensure_ascii=False, separators=(",", ":"), sort_keys=True, allow_nan=False
    ).encode()
    if limit is not None and len(data) > limit:
        raise ValueError(f"An entry may have {limit} bytes at most; this one has {len(data)}.")
    return data


def decode(data: bytes) -> Any:
    """Read canonical bytes. Raises ValueError unless they encode to themselves."""
    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=_no_duplicates, parse_float=_no_float)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as fault:
        raise ValueError(f"Not canonical: {fault}") from None
    if encode(value, limit=None) != data:
        raise ValueError("Not canonical: the bytes do not encode to themselves.")
    return value


def _check(value: Any) -> None:
    if value is None or isinstance(value, bool):
        return
    if isinstance(value, str):
        if not value.isascii() and (not unicodedata.is_normalized("NFC", value) or _has_surrogate(value)):
            raise ValueError("Strings are NFC and hold no lone surrogates.")
    elif isinstance(value, int):
        if abs(value) >= _BIGGEST:
            raise ValueError("Integers stay below 2^53.")
    elif isinstance(value, list | tuple):
        for inner in value:
            _check(inner)
    elif isinstance(value, dict):
        for key, inner in value.items():
            if not isinstance(key, str) or not key.isascii():
                raise ValueError("Keys are ASCII strings.")
            _check(inner)
    else:
        raise ValueError(f"{type(value).__name__} has no canonical form.")


def _has_surrogate(text: str) -> bool:
    return any("\ud800" <= letter <= "\udfff" for letter in text)


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("Not canonical: a key stands twice.")
    return value


def _no_float(text: str) -> Any:
    raise ValueError(f"Not canonical: {text} is no integer.")
