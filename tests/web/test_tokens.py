"""Colours are tokens, and every pair of them that pages use can be told apart (WCAG 1.4.3 and 1.4.11), in both themes."""

import re
from pathlib import Path

import pytest

from openhotline import web

CSS = (Path(web.__file__).parent / "static" / "css" / "tokens.css").read_text()
HEX = re.compile(r"--([\w-]+): (#[0-9a-f]{6})")
LIGHT, SYSTEM_DARK, CHOSEN_DARK = (
    dict(HEX.findall(part))
    for part in re.split(r"@media \(prefers-color-scheme: dark\)|:root\[data-theme", CSS)
)
STATES = ("ok", "info", "warn", "bad", "hold", "idle")
GROUNDS = ("paper", "surface", "hover", "sunken")
TEXT = [
    *((ink, ground) for ink in ("ink", "ink-2", "ink-3", "accent") for ground in GROUNDS),
    *((state, ground) for state in STATES for ground in (f"{state}-tint", "surface", "paper")),
    ("accent", "accent-tint"),
    ("on-accent", "accent"),
    ("paper", "ink"),
]
MARKS = [
    *((mark, ground) for mark in ("edge", "focus") for ground in ("paper", "surface")),
    *((f"{state}-mark", ground) for state in STATES for ground in ("surface", f"{state}-tint")),
    *((f"c{number}", "surface") for number in range(1, 5)),
    ("c-axis", "surface"),
]


def contrast(one: str, other: str) -> float:
    """How far apart two colours are, 1 to 21 (WCAG 2, relative luminance)."""

    def light(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        red, green, blue = (p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    bright, dim = sorted((light(one), light(other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


@pytest.mark.parametrize("theme", [LIGHT, {**LIGHT, **SYSTEM_DARK}], ids=["light", "dark"])
def test_text_and_marks_stand_out_from_what_is_behind_them(theme: dict[str, str]) -> None:
    faint = [
        f"--{front} on --{back}: {found:.2f}, needs {least}"
        for pairs, least in ((TEXT, 4.5), (MARKS, 3))
        for front, back in pairs
        if (found := contrast(theme[front], theme[back])) < least
    ]
    assert faint == []


def test_dark_is_the_same_whoever_chose_it_and_no_other_sheet_knows_of_themes() -> None:
    assert SYSTEM_DARK == CHOSEN_DARK
    for sheet in (Path(web.__file__).parent / "static" / "css").glob("*.css"):
        if sheet.name != "tokens.css":
            assert not re.search(r"prefers-color-scheme|data-theme", sheet.read_text()), sheet.name
