"""Seven words that a reporter writes down, and types again as people type."""

import hmac
import os
import random
from collections import Counter
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openhotline import policy
from openhotline.rules.receipts import COUNT, LIST_SIZE, WordList, keyed_hash, new_words, read_words

WORDS = policy.receipt_words()
SEVEN = ("abacus", "drop-down", "zoom", "yo-yo", "felt-tip", "t-shirt", "unwind")


def test_the_list_is_whole() -> None:
    assert len(WORDS.words) == len(set(WORDS.words)) == LIST_SIZE == 6**5
    assert sha256("\n".join(WORDS.words).encode()).hexdigest() == LIST_DIGEST
    assert (WORDS.words[0], WORDS.words[-1]) == ("abacus", "zoom")


def test_a_damaged_list_is_refused() -> None:
    with pytest.raises(ValueError, match="7,776 different"):
        WordList.of(WORDS.words[:-1])
    with pytest.raises(ValueError, match="7,776 different"):
        WordList.of((*WORDS.words[:-1], "abacus"))
    with pytest.raises(ValueError, match="lower-case"):
        WordList.of((*WORDS.words[:-1], "Zoom"))


def test_new_words_are_seven_and_differ_each_time() -> None:
    one, other = new_words(os.urandom, WORDS), new_words(os.urandom, WORDS)
    assert len(one) == len(other) == COUNT
    assert one != other
    assert all(word in WORDS.known for word in one)


def test_no_word_is_favoured() -> None:
    """Bytes that count through all 65,536 values once: every word is reached the same number of times."""
    counter = iter(range(65_536))

    def bytes_in_order(count: int) -> bytes:
        return b"".join(next(counter, 65_535).to_bytes(2, "big") for _ in range(count // 2))

    drawn: Counter[str] = Counter()
    chosen: list[str] = []
    while len(chosen) < LIST_SIZE:
        chosen += new_words(lambda n: bytes_in_order(14).ljust(n, b"\xff"), WORDS)
    drawn.update(chosen[:LIST_SIZE])
    assert set(drawn.values()) == {1}


@pytest.mark.parametrize(
    "text",
    [
        " ".join(SEVEN),
        " ".join(SEVEN).upper(),
        "\n".join(f"{n}. {word}" for n, word in enumerate(SEVEN, 1)),
        "1 abacus 2 drop-down 3 zoom 4 yo-yo 5 felt-tip 6 t-shirt 7 unwind",
        "abacus-drop-down-zoom-yo-yo-felt-tip-t-shirt-unwind",
        "abacus, drop down, zoom, yo yo, felt tip, t shirt, unwind.",
        "  Abacus\tdrop\u2011down zoom;yo-yo felt-tip T-Shirt  unwin ",
    ],
)
def test_people_type_them_as_they_like(text: str) -> None:
    assert read_words(text, WORDS) == SEVEN


def test_a_beginning_of_four_letters_will_do_where_only_one_word_has_it() -> None:
    assert WORDS.complete("abac") == "abacus"
    assert WORDS.complete("aba") is None
    several = [word for word in WORDS.ordered if word.startswith("unde")]
    assert len(several) > 1
    assert WORDS.complete("unde") is None
    assert WORDS.complete("") is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ".join(SEVEN[:6]),
        " ".join((*SEVEN, "zoom")),
        " ".join((*SEVEN[:6], "qqqqq")),
        "abacus " * 200,
        "\x00" * 20,
    ],
)
def test_anything_else_is_nothing(text: str) -> None:
    assert read_words(text, WORDS) is None


def test_every_receipt_reads_back_however_it_is_joined() -> None:
    chance = random.Random(11)
    for _ in range(2000):
        made = new_words(chance.randbytes, WORDS)
        for joint in (" ", ", ", "\n", "-"):
            assert read_words(joint.join(made), WORDS) == made


@given(st.text(max_size=300))
def test_reading_never_falls_over(text: str) -> None:
    found = read_words(text, WORDS)
    assert found is None or len(found) == COUNT


def test_the_server_keeps_only_a_keyed_hash() -> None:
    pepper = bytes(range(32))
    kept = keyed_hash(pepper, SEVEN)
    assert (
        kept == hmac.new(pepper, b"abacus drop-down zoom yo-yo felt-tip t-shirt unwind", "sha256").hexdigest()
    )
    assert keyed_hash(bytes(32), SEVEN) != kept
    assert keyed_hash(pepper, SEVEN[::-1]) != kept
    with pytest.raises(ValueError, match="16 bytes"):
        keyed_hash(b"short", SEVEN)


LIST_DIGEST = "abae49761b88f3f1ba31ef944bea1f61b795a3cd7e1cfb7d276ed45bf77967ba"


def test_draws_above_the_last_whole_round_are_thrown_away_and_nothing_is_made_up() -> None:
    asked: list[int] = []

    def drawn(count: int) -> bytes:
        asked.append(count)
        last = (LIST_SIZE * 8 - 1).to_bytes(2, "big")
        return (LIST_SIZE * 8).to_bytes(2, "big") * 13 + last if len(asked) < 7 else last * (count // 2)

    assert new_words(drawn, WORDS) == ("zoom",) * COUNT
    assert asked == [4 * COUNT] * 7


def test_a_text_of_a_thousand_characters_is_read_and_a_longer_one_is_not() -> None:
    typed = " ".join(SEVEN).ljust(1000)
    assert read_words(typed, WORDS) == SEVEN
    assert read_words(f"{typed} ", WORDS) is None
