"""References that people read out on the phone: `26-04417-K` for an item, `P-26-0095-H` for a consultation.

A two-digit year, a number without gaps, and a check letter that is never I, O, Q, S or Z. The letter catches
every wrong single digit, every swap of neighbours (across the hyphen too) and every wrong prefix. What is
not here: taking the number (records).

How: the digits of year and number, from the right, are weighted with 1, 2, 4, 8 ... modulo 19. 19 is prime,
so no weight is nought and a changed digit always shows; neighbours never weigh the same, so a swap always
shows. 2 has order 18 modulo 19, so this holds for 18 digits.
"""

import re
from typing import NamedTuple

ITEM, CONSULTATION, NOTICE, REFERRAL, REQUEST = "item", "consultation", "notice", "referral", "request"
ALERT = "alert"

LETTERS = "ABCDEFGHJKLMNPRTWXY"  # 19: no I, O, Q, S, Z (as digits), no U, V (alike in handwriting)
MOST_DIGITS = 18
# Added to the sum, so that a reference with another prefix, or none, does not pass.
_PREFIXES = {
    ITEM: ("", 12),
    CONSULTATION: ("P-", 14),
    NOTICE: ("N-", 7),
    REFERRAL: ("R-", 3),
    REQUEST: ("V-", 9),
    ALERT: ("A-", 16),
}
_KIND_OF = {prefix[:1]: kind for kind, (prefix, _) in _PREFIXES.items()}
_WIDTH = {ITEM: 5, CONSULTATION: 4, NOTICE: 4, REFERRAL: 4, REQUEST: 4, ALERT: 4}
_WEIGHTS = tuple(pow(2, place, 19) for place in range(MOST_DIGITS))
_TRIPLES = tuple(
    sum(int(d) * w for d, w in zip(f"{n:03}"[::-1], (1, 2, 4), strict=True)) for n in range(1000)
)

_SHAPE = re.compile(r"([PNRVA]?)[ -]*([0-9]{2})[ -]*([0-9 ]*[0-9])[ -]*([A-HJ-NPRTWXY])")
# What is heard or typed for a digit; none of these is ever a check letter.
_AS_DIGIT = str.maketrans("OQILSZ", "001152")
_DASHES = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2212_/."), "-")


class Reference(NamedTuple):
    """A reference that was read: its kind, full year, number and proper spelling."""

    kind: str
    year: int
    number: int
    text: str


def check_letter(kind: str, digits: str) -> str:
    """The letter for the digits of year and number together. Raises ValueError beyond 18 digits."""
    if len(digits) > MOST_DIGITS:
        raise ValueError(f"A reference has at most {MOST_DIGITS} digits.")
    total = sum(int(digit) * weight for digit, weight in zip(reversed(digits), _WEIGHTS, strict=False))
    return LETTERS[(total + _PREFIXES[kind][1]) % 19]


def item(year: int, number: int) -> str:
    """`26-04417-K`."""
    return _write(ITEM, year, number)


def consultation(year: int, number: int) -> str:
    """`P-26-0095-H`."""
    return _write(CONSULTATION, year, number)


def notice(year: int, number: int) -> str:
    """`N-26-0095-` and its letter."""
    return _write(NOTICE, year, number)


def referral(year: int, number: int) -> str:
    """`R-26-0095-` and its letter."""
    return _write(REFERRAL, year, number)


def request(year: int, number: int) -> str:
    """`V-26-0003-` and its letter: what police ask of the hotline."""
    return _write(REQUEST, year, number)


def alert(year: int, number: int) -> str:
    """`A-26-0007-` and its letter: an alert to a host abroad."""
    return _write(ALERT, year, number)


def items(year: int, first: int, count: int) -> list[str]:
    """The references of `count` items numbered from `first` on."""
    if first < 1 or first + count > 10**12:
        raise ValueError("Items are numbered from 1, with at most 12 digits.")
    yy = year % 100
    references = []
    for number in range(first, first + count):
        digits = f"{number:05}"
        total, rest, weight = _PREFIXES[ITEM][1], int(f"{yy:02}{digits}"), 1
        while rest:
            rest, triple = divmod(rest, 1000)
            total += _TRIPLES[triple] * weight
            weight = weight * 8 % 19
        references.append(f"{yy:02}-{digits}-{LETTERS[total % 19]}")
    return references


def parse(text: str) -> Reference | None:
    """Read what somebody typed or heard: any case, spaces or hyphens or none. None if it is not a reference.

    The letters O, Q, I, L, S and Z among the digits are read as the digits they look like.
    """
    if len(text) > 60:
        return None
    upper = text.translate(_DASHES).strip().upper()
    if len(upper) < 2 or not upper.isascii():
        return None
    body, letter = upper[:-1], upper[-1]
    prefix = body[:1] if body[:1] in ("P", "N", "R", "V", "A") else ""
    found = _SHAPE.fullmatch(prefix + body[len(prefix) :].translate(_AS_DIGIT) + letter)
    if found is None:
        return None
    kind = _KIND_OF[found[1]]
    number = found[3].replace(" ", "")
    digits = found[2] + number
    if len(number) < _WIDTH[kind] or len(digits) > MOST_DIGITS or check_letter(kind, digits) != letter:
        return None
    if len(number) > _WIDTH[kind] and number[0] == "0":
        return None  # one spelling only
    return Reference(kind, 2000 + int(found[2]), int(number), _write(kind, int(found[2]), int(number)))


def _write(kind: str, year: int, number: int) -> str:
    if number < 1:
        raise ValueError("References are numbered from 1.")
    digits = f"{number:0{_WIDTH[kind]}}"
    letter = check_letter(kind, f"{year % 100:02}{digits}")
    return f"{_PREFIXES[kind][0]}{year % 100:02}-{digits}-{letter}"
