"""The seven words of a receipt: made, read back from what a person types, and hashed under the pepper.

The words are shown once and never kept; the server keeps HMAC-SHA-256 under a pepper (security.md 3f). What
is not here: the list (`policy/words`, passed in) and the limit on guesses (the public door).
"""

import hmac
import re
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256

COUNT = 7
LIST_SIZE = 7776  # 7 words: 90.4 bits
SHORTEST_PREFIX = 4
_NOT_A_WORD = re.compile(r"[^a-z]+")
_NUMBERING = re.compile(r"(?<![a-z])\d+\s*[.):]?")


@dataclass(frozen=True, slots=True)
class WordList:
    """The words in alphabetical order, so that a unique beginning finds its word."""

    words: tuple[str, ...]
    ordered: tuple[str, ...]
    known: frozenset[str]

    @classmethod
    def of(cls, words: Sequence[str]) -> "WordList":
        """A checked list. Raises ValueError unless it is 7,776 different lower-case words."""
        known = frozenset(words)
        if len(words) != LIST_SIZE or len(known) != LIST_SIZE:
            raise ValueError(
                f"The word list must hold {LIST_SIZE:,} different words; it holds {len(known):,}."
            )
        wrong = [word for word in words if not re.fullmatch(r"[a-z]+(?:-[a-z]+)?", word)]
        if wrong:
            raise ValueError(f"The word list holds “{wrong[0]}”, which is not a lower-case word.")
        return cls(tuple(words), tuple(sorted(words)), known)

    def complete(self, typed: str) -> str | None:
        """The word meant by `typed`: itself, or the only one that begins with it (four letters at least)."""
        if typed in self.known:
            return typed
        if len(typed) < SHORTEST_PREFIX:
            return None
        place = bisect_left(self.ordered, typed)
        starting = [word for word in self.ordered[place : place + 2] if word.startswith(typed)]
        return starting[0] if len(starting) == 1 else None


def new_words(random_bytes: Callable[[int], bytes], words: WordList) -> tuple[str, ...]:
    """Seven words, each drawn evenly from the list. `random_bytes(n)`: n bytes fit for secrets."""
    chosen: list[str] = []
    while len(chosen) < COUNT:
        drawn = random_bytes(4 * COUNT)
        for at in range(0, len(drawn) - 1, 2):
            number = int.from_bytes(drawn[at : at + 2], "big")
            # 8 * 7776 = 62208 of 65536: what lies above would favour the first words.
            if number < LIST_SIZE * 8 and len(chosen) < COUNT:
                chosen.append(words.words[number % LIST_SIZE])
    return tuple(chosen)


def read_words(text: str, words: WordList) -> tuple[str, ...] | None:
    """The seven words in what a person typed: any case, numbered, with commas, hyphens or line breaks.

    None unless exactly seven words of the list are there, in order, and nothing else.
    """
    if len(text) > 1000:
        return None
    parts = [part for part in _NOT_A_WORD.split(_NUMBERING.sub(" ", text.casefold())) if part]
    found: list[str] = []
    while parts:
        one = words.complete(parts[0])
        pair = "-".join(parts[:2])  # a few words carry a hyphen, which people leave out
        if len(parts) > 1 and pair in words.known and (one is None or words.complete(parts[1]) is None):
            found.append(pair)
            del parts[:2]
        elif one is not None:
            found.append(one)
            del parts[0]
        else:
            return None
    return tuple(found) if len(found) == COUNT else None


def keyed_hash(pepper: bytes, words: Sequence[str]) -> str:
    """HMAC-SHA-256 of the words under the pepper, hex. Raises ValueError for a pepper under 16 bytes."""
    if len(pepper) < 16:
        raise ValueError("The pepper must have at least 16 bytes.")
    return hmac.new(pepper, " ".join(words).encode("ascii"), sha256).hexdigest()
