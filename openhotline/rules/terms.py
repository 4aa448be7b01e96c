"""The word guard: finds words this house does not use and says what to write instead.

True here: matching only. What is not here: the list (`policy/terms.toml`, passed in), and which files are
walked (`tests/house`). The verbatim name of a law stands, in quotation marks, where its citation is beside it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

NEVER, AVOID, CARE = "never", "avoid", "care"
LEVELS = (NEVER, AVOID, CARE)

# A law's name in quotation marks with its year or section on the same line (ux.md 4.1).
_LAW = re.compile(
    r"[“\"‘'«]([^”\"’'»\n]{3,200})[”\"’'»][^\n]{0,60}?\b(?:Act|Order|Regulations?|Directive|Code|Convention|Law)\b"
    r"[^\n]{0,40}?(?:\d{4}|\b(?:s|section|article|art)\.?\s?\d)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Term:
    """One entry: what to find, what to write instead, how strict, and the contexts in which it stands."""

    key: str
    pattern: re.Pattern[str]
    advice: str
    level: str
    allow: tuple[re.Pattern[str], ...] = ()


@dataclass(frozen=True, slots=True)
class Hit:
    """One find: the entry's key, the text found, its offset in characters, its line from 1, and the advice."""

    term: str
    text: str
    offset: int
    line: int
    advice: str
    level: str


def term(key: str, pattern: str, advice: str, level: str, allow: Sequence[str] = ()) -> Term:
    """An entry from its patterns. Raises ValueError with a sentence for one that cannot be used."""
    if level not in LEVELS:
        raise ValueError(f"Term {key} has level “{level}”; it is one of {', '.join(LEVELS)}.")
    if not advice:
        raise ValueError(f"Term {key} does not say what to write instead.")
    try:
        return Term(
            key,
            re.compile(pattern, re.IGNORECASE),
            advice,
            level,
            tuple(re.compile(context, re.IGNORECASE) for context in allow),
        )
    except re.error as fault:
        raise ValueError(f"The pattern of term {key} cannot be read: {fault}.") from None


def find(text: str, terms: Sequence[Term], *, levels: Sequence[str] = (NEVER, AVOID)) -> list[Hit]:
    """Every find in `text`, in order, for terms of the given levels. What law or context allows is left out."""
    hits = []
    for entry in terms:
        if entry.level not in levels:
            continue
        for found in entry.pattern.finditer(text):
            start = text.rfind("\n", 0, found.start()) + 1
            end = text.find("\n", found.end())
            line = text[start : end if end >= 0 else len(text)]
            if _stands(entry, line, found.start() - start, found.end() - start):
                continue
            number = text.count("\n", 0, found.start()) + 1
            hits.append(Hit(entry.key, found[0], found.start(), number, entry.advice, entry.level))
    return sorted(hits, key=lambda hit: (hit.offset, hit.term))


def _stands(entry: Term, line: str, start: int, end: int) -> bool:
    if any(law.start(1) <= start and end <= law.end(1) for law in _LAW.finditer(line)):
        return True
    return any(
        context.start() <= start and end <= context.end()
        for allowed in entry.allow
        for context in allowed.finditer(line)
    )
