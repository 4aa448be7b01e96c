"""The legs drawn: where the time goes, one line a leg, on one scale from seconds to weeks.

True here: a dot is the median, its line ends where nine in ten are done; both are figures of the table below. The
scale is logarithmic, since a leg may take seconds or days; nothing is summed. What is not here: the figures
(`statistics/legs.py`) and the markup (`templates/desk/legs_drawn.html`).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from openhotline.statistics.legs import Leg
from openhotline.web.desk import times

TOP, BOTTOM = 12, 30
_MARKS = (
    (timedelta(minutes=1), "1 min"),
    (timedelta(minutes=10), "10 min"),
    (timedelta(hours=1), "1 h"),
    (timedelta(hours=8), "8 h"),
    (timedelta(days=1), "1 day"),
    (timedelta(days=7), "1 week"),
    (timedelta(days=28), "4 weeks"),
)
_LEAST = timedelta(seconds=10)  # what is quicker stands at the edge


@dataclass(frozen=True, slots=True)
class Frame:
    """A drawing's width, the room for its names and for the last label, a row's height, and how far the words stand
    above the line where they have no room beside it."""

    width: int
    left: int
    right: int
    row: int
    above: int


WIDE, NARROW = Frame(860, 240, 240, 30, 0), Frame(320, 8, 8, 46, 14)  # of a screen and of a phone


@dataclass(frozen=True, slots=True)
class Line:
    """One leg in the drawing; x and y in the units of the view box."""

    name: str
    name_x: float
    y: float
    text_y: float
    median_x: float
    p90_x: float
    label_x: float
    label: str
    longest: bool


@dataclass(frozen=True, slots=True)
class Drawing:
    """One outcome's legs."""

    frame: Frame
    height: int
    base_y: int
    lines: tuple[Line, ...]
    marks: tuple[tuple[float, str], ...]
    told: str  # the same in words, for who does not see it

    @property
    def name_side(self) -> str:
        """Which end of a name stands at its x."""
        return "start" if self.frame.above else "end"

    @property
    def label_side(self) -> str:
        """Which end of a label stands at its x."""
        return "end" if self.frame.above else "start"


def furthest_of(legs: Sequence[Leg]) -> timedelta:
    """Where the scale ends that fits all of them, so that drawings beside each other can be compared."""
    return max([_MARKS[2][0], *(leg.p90 for leg in legs if leg.leg != "whole")])


def draw(legs: Sequence[Leg], furthest: timedelta, frame: Frame = WIDE) -> Drawing | None:
    """The legs of one outcome, in their order; None where there is nothing to draw. The whole way is left out."""
    shown = [leg for leg in legs if leg.leg != "whole"]
    if not shown:
        return None

    def x(length: timedelta) -> float:
        share = math.log(max(length, _LEAST) / _LEAST) / math.log(furthest / _LEAST)
        return round(frame.left + share * (frame.width - frame.left - frame.right), 1)

    longest = max(shown, key=lambda leg: leg.median)
    base = TOP + frame.row * len(shown)
    middle = frame.row / 2 + TOP + frame.above / 2
    return Drawing(
        frame=frame,
        height=base + BOTTOM,
        base_y=base,
        lines=tuple(
            Line(
                name=leg.name,
                name_x=0 if frame.above else frame.left - 12,
                y=middle + frame.row * number,
                text_y=middle + frame.row * number + (-frame.above if frame.above else 4),
                median_x=x(leg.median),
                p90_x=x(leg.p90),
                label_x=frame.width if frame.above else max(x(leg.median), x(leg.p90)) + 10,
                label=_label(leg, frame),
                longest=leg is longest,
            )
            for number, leg in enumerate(shown)
        ),
        marks=tuple((x(mark), word) for mark, word in _MARKS if mark <= furthest),
        told=" ".join(
            f"{leg.name}: half within {times.span(leg.median)}, nine in ten within {times.span(leg.p90)}."
            for leg in shown
        ),
    )


def _label(leg: Leg, frame: Frame) -> str:
    median, p90 = times.span(leg.median), times.span(leg.p90)
    between = " to " if frame.above else ", nine in ten "
    return median if median == p90 else f"{median}{between}{p90}"
