"""The veil: abstract shapes drawn from an item's reference, in a demo house only.

True here: the shapes come from a hash of the reference and of nothing else; there is no picture, no `img`
element and no path from an address to one. A real house shows a sentence instead: nothing is held here.
"""

import hashlib
from dataclasses import dataclass

WIDTH, HEIGHT = 88, 66


@dataclass(frozen=True, slots=True)
class Shape:
    """One shape: "circle", "rect" or "polygon", its tone (s1 to s4) and its geometry, all numbers ours."""

    kind: str
    tone: str
    x: int = 0
    y: int = 0
    size: int = 0
    height: int = 0
    turn: int = 0
    points: str = ""


def shapes(ref: str, count: int = 6) -> list[list[Shape]]:
    """`count` panels of three shapes each, always the same for the same reference."""
    return [
        _panel(hashlib.sha256(f"veil/{ref}/{number}".encode()).digest(), number) for number in range(count)
    ]


def _panel(seed: bytes, number: int) -> list[Shape]:
    drawn = []
    for index in range(3):
        a, b, c, d, e, f = seed[index * 6 : index * 6 + 6]
        tone = f"s{(number + index) % 4 + 1}"
        kind = ("circle", "rect", "polygon")[(a + number) % 3]
        if kind == "circle":
            drawn.append(Shape(kind, tone, x=b % WIDTH, y=c % HEIGHT, size=14 + d % 16))
        elif kind == "rect":
            drawn.append(
                Shape(
                    kind, tone, x=b % 60 - 8, y=c % 30, size=26 + d % 36, height=16 + e % 22, turn=f % 90 - 45
                )
            )
        else:
            corners = ((b % WIDTH, c % HEIGHT), (d % WIDTH, e % HEIGHT), (f % WIDTH, (a * 7) % HEIGHT))
            drawn.append(Shape(kind, tone, points=" ".join(f"{x},{y}" for x, y in corners)))
    return drawn
