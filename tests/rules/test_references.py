"""References read out on the phone: no wrong digit and no swap passes."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openhotline.rules import references
from openhotline.rules.references import (
    ALERT,
    CONSULTATION,
    ITEM,
    NOTICE,
    REFERRAL,
    check_letter,
    items,
    parse,
)

MAKERS = {
    ITEM: references.item,
    CONSULTATION: references.consultation,
    NOTICE: references.notice,
    REFERRAL: references.referral,
    ALERT: references.alert,
}


def test_the_spelling_is_that_of_the_house() -> None:
    assert references.item(2026, 4417) == "26-04417-K"
    assert references.consultation(2026, 95) == "P-26-0095-H"
    assert references.notice(2026, 311) == "N-26-0311-M"
    assert references.referral(2026, 95).startswith("R-26-0095-")
    assert references.item(2026, 1_234_567).startswith("26-1234567-")


def test_the_letters_are_never_those_that_look_like_digits() -> None:
    assert len(set(references.LETTERS)) == 19
    assert not set(references.LETTERS) & set("IOQSZUV")


@pytest.mark.parametrize("kind", MAKERS)
def test_every_wrong_digit_and_every_swap_changes_the_letter(kind: str) -> None:
    """Exhaustive over place, digit and replacement: the sum is linear, so one background proves all; 40 are tried."""
    chance = random.Random(7)
    for length in range(6, references.MOST_DIGITS + 1):
        for _ in range(40):
            digits = "".join(chance.choice("0123456789") for _ in range(length))
            letter = check_letter(kind, digits)
            for place in range(length):
                for other in "0123456789":
                    if other != digits[place]:
                        assert check_letter(kind, digits[:place] + other + digits[place + 1 :]) != letter
                if place + 1 < length and digits[place] != digits[place + 1]:
                    swapped = digits[:place] + digits[place + 1] + digits[place] + digits[place + 2 :]
                    assert check_letter(kind, swapped) != letter


def test_all_pairs_of_neighbours_at_all_places_are_told_apart() -> None:
    for length in range(2, references.MOST_DIGITS + 1):
        for place in range(length - 1):
            for one in range(10):
                for other in range(one + 1, 10):
                    before, after = "0" * place, "0" * (length - place - 2)
                    assert check_letter(ITEM, f"{before}{one}{other}{after}") != check_letter(
                        ITEM, f"{before}{other}{one}{after}"
                    )


def test_one_year_of_items_in_full() -> None:
    """Every reference from 1 to 20,000: reads back, and no single slip of it reads as another."""
    for number, text in enumerate(items(2026, 1, 20_000), 1):
        assert text == references.item(2026, number)
        found = parse(text)
        assert found is not None and (found.kind, found.year, found.number) == (ITEM, 2026, number)
    for text in items(2026, 4400, 50):
        for place, digit in enumerate(text[:-1]):
            for other in "0123456789":
                if digit.isdigit() and other != digit:
                    assert parse(text[:place] + other + text[place + 1 :]) is None
        for other in references.LETTERS:
            assert (parse(text[:-1] + other) is None) == (other != text[-1])


@pytest.mark.parametrize("kind", MAKERS)
def test_another_prefix_does_not_pass(kind: str) -> None:
    for number in (1, 95, 10_441, 99_999):
        text = MAKERS[kind](2026, number)
        bare = text[2:] if kind != ITEM else text
        for prefix in ("", "P-", "N-", "R-", "A-"):
            if prefix + bare != text:
                assert parse(prefix + bare) is None


def test_people_may_leave_out_hyphens_use_small_letters_and_say_oh() -> None:
    for spelling in (
        "26-04417-K",
        "26 04417 k",
        "2604417k",
        " 26\u201304417\u2013K ",
        "26-O4417-K",
        "26 o44l7 k",
        "26/04417/K",
    ):
        found = parse(spelling)
        assert found is not None, spelling
        assert found.text == "26-04417-K"
    for spelling in ("p-26-0095-h", "P 26 0095 H", "p260095h"):
        found = parse(spelling)
        assert found is not None and (found.kind, found.number) == (CONSULTATION, 95)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "K",
        "26-4417-K",
        "26-04417",
        "26-04417-O",
        "X-26-04417-K",
        "26-004417-K",
        "26-04417-KK",
        "9" * 59 + "K",
        "26-٠٤٤١٧-K",
    ],
)
def test_anything_else_is_no_reference(text: str) -> None:
    assert parse(text) is None


@given(st.text(max_size=70))
def test_reading_never_falls_over(text: str) -> None:
    found = parse(text)
    assert found is None or parse(found.text) == found


@given(st.sampled_from(list(MAKERS)), st.integers(2000, 2099), st.integers(1, 10**12))
def test_every_reference_reads_back(kind: str, year: int, number: int) -> None:
    found = parse(MAKERS[kind](year, number))
    assert found is not None and (found.kind, found.year, found.number) == (kind, year, number)


def test_numbers_start_at_one() -> None:
    with pytest.raises(ValueError, match="from 1"):
        references.item(2026, 0)
    with pytest.raises(ValueError, match="from 1"):
        items(2026, 0, 3)
    assert items(2026, 5, 0) == []


def test_a_request_of_the_police_has_a_number_of_its_own() -> None:
    written = references.request(2026, 3)
    read = references.parse(written)
    assert written.startswith("V-26-0003-") and read is not None
    assert read.kind == references.REQUEST


def test_many_items_are_numbered_to_the_last_number_there_is() -> None:
    last = 10**12 - 1
    assert references.items(2026, last, 1) == [references.item(2026, last)]
    assert references.items(2026, 1, 0) == []
    for first, count in ((0, 1), (last, 2), (10**13, 1)):
        with pytest.raises(ValueError, match="at most 12 digits"):
            references.items(2026, first, count)


def test_what_is_long_short_or_not_ascii_is_no_reference() -> None:
    good = references.item(2026, 4417)
    spaced = good.rjust(60)
    assert references.parse(spaced) is not None
    assert references.parse(f" {spaced}") is None
    for odd in ("", "K", "26", f"{good}\u212a", good.replace("0", "٠")):
        assert references.parse(odd) is None
