"""The checks of a removal, drawn on the server: one line per vantage point, and the same as a table.

The title of the drawing states the finding; beside it stands the verdict in words and what is missing for "gone".
What is not here: what counts as gone (`rules/gone.py`), and working it out from the looks (`steps/looked.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from openhotline.records.models import Check
from openhotline.rules import signs
from openhotline.web.desk import looks, times

TOP, STEP = 46, 36
MOST = 400  # marks in one drawing; the table holds them all
LETTER = 3.5  # half of an average letter's width
BEFORE, CUT = (
    0.7,
    16,
)  # share of the line for what led to "gone" where a longer watch follows, and the gap between


@dataclass(frozen=True, slots=True)
class Frame:
    """How wide a drawing is, from where to where its line runs, and how far apart its events stand."""

    width: int
    left: int
    right: int
    apart: int
    axis: str  # what stands before the times


WIDE = Frame(680, 96, 626, 150, "Time, UTC")
NARROW = Frame(320, 52, 308, 110, "UTC")  # for a phone, where the wide one would have to be pushed sideways


@dataclass(frozen=True, slots=True)
class Mark:
    """One look: where it is drawn, and what it found."""

    x: float
    y: int
    meaning: str

    @property
    def shape(self) -> str:
        """How it is drawn: seen, changed, missed, or told nothing."""
        return {signs.UP: "seen", signs.CHANGED: "changed", signs.MISS: "missed"}.get(self.meaning, "unclear")

    @property
    def left(self) -> float:
        """The left edge of the square mark."""
        return round(self.x - 4.5, 1)

    @property
    def top(self) -> float:
        """Its upper edge."""
        return self.y - 4.5

    @property
    def triangle(self) -> str:
        """The path of the "unclear" mark."""
        return f"M{self.x:.1f} {self.y - 6}l6.5 11h-13z"


@dataclass(frozen=True, slots=True)
class Tick:
    """A time on the axis, or something that happened. `anchor`: which end of the words stands at `x`."""

    x: float
    words: str
    anchor: str = "middle"


@dataclass(frozen=True, slots=True)
class Chart:
    """Everything the template draws. All numbers are ours."""

    title: str
    description: str
    frame: Frame
    height: int
    bottom: int
    places: list[tuple[str, int]]
    marks: list[Mark]
    ticks: list[Tick]
    events: list[Tick]
    gone: float | None
    line: str  # whether our own line was proved at these looks
    band: tuple[float, float] | None = None  # left edge and width of the rounds that "gone" rests on
    cut: float | None = None  # where the line is cut: left of it hours, right of it the days of the watch

    @property
    def cut_left(self) -> float:
        """The end of the line before the gap."""
        return (self.cut or 0) - CUT / 2 + 2

    @property
    def cut_right(self) -> float:
        """Where it goes on."""
        return (self.cut or 0) + CUT / 2 - 2


def chart(
    checks: Sequence[Check],
    *,
    events: Sequence[tuple[datetime, str]],
    first: datetime | None = None,
    gone: datetime | None,
    at: datetime,
    frame: Frame = WIDE,
) -> Chart | None:
    """The drawing of `checks` (any order) in `frame`, with events such as "notice sent"; None where nobody looked yet."""
    if not checks:
        return None
    ordered = sorted(checks, key=lambda check: check.at)[-MOST:]
    names = sorted({check.vantage for check in ordered})
    lines = {name: TOP + STEP * index for index, name in enumerate(names)}
    start = ordered[0].at
    end = max(ordered[-1].at, start + timedelta(minutes=10))
    watched = gone is not None and start < gone < end and end - gone > gone - start
    line = _Line(start, gone if watched else None, end, frame)
    place = line.place

    marks = _thinned(
        [Mark(place(check.at), lines[check.vantage], looks.meant_by(check)) for check in ordered]
    )
    middle = gone if watched and gone is not None else start + (end - start) / 2
    ticks = _fitting(
        [
            Tick(place(when), times.when(when, at), anchor)
            for when, anchor in ((start, "start"), (middle, "middle"), (end, "end"))
        ]
    )
    happened = _apart(
        [Tick(place(moment), words) for moment, words in sorted(events) if start <= moment <= end], frame
    )
    bottom = TOP + STEP * (len(names) - 1) + 20
    last = {name: [looks.meant_by(check) for check in ordered if check.vantage == name][-1] for name in names}
    return Chart(
        title=looks.finding(last, gone, at),
        description="; ".join(
            f"{name}: {looks.runs([c for c in ordered if c.vantage == name], at)}" for name in names
        )
        + ".",
        frame=frame,
        height=bottom + 30,
        bottom=bottom,
        places=list(lines.items()),
        marks=marks,
        ticks=ticks,
        events=happened,
        gone=place(gone) if gone and start <= gone <= end else None,
        line=_proved(ordered),
        band=_band(place(first), place(gone)) if first and gone and start <= first <= gone <= end else None,
        cut=line.cut,
    )


def _proved(checks: Sequence[Check]) -> str:
    without = sum(not check.canary_up for check in checks)
    if not without:
        return "Our own line was proved each time."
    if without == len(checks):
        return (
            "Our own line was proved at none of these looks, so none of them counts: the canary did not answer, or"
            " none is named. Tell the owner."
        )
    return f"Our own line was not proved at {without} of {len(checks)} looks, which count for nothing."


@dataclass(frozen=True, slots=True)
class _Line:
    """Times to places on the line. `gone`: what came before it takes most of the line, the watch the rest: looks three
    minutes apart and looks thirty days apart cannot stand on one scale."""

    start: datetime
    gone: datetime | None
    end: datetime
    frame: Frame

    @property
    def cut(self) -> float | None:
        """The middle of the gap, None where there is one scale."""
        return None if self.gone is None else round(self._left + CUT / 2, 1)

    @property
    def _left(self) -> float:
        return self.frame.left + BEFORE * (self.frame.right - self.frame.left)

    def place(self, moment: datetime) -> float:
        """Where `moment` lies; what is outside lies at the nearer end."""
        if self.gone is None:
            return _between(moment, self.start, self.end, self.frame.left, self.frame.right)
        if moment <= self.gone:
            return _between(moment, self.start, self.gone, self.frame.left, self._left)
        return _between(moment, self.gone, self.end, self._left + CUT, self.frame.right)


def _between(moment: datetime, start: datetime, end: datetime, left: float, right: float) -> float:
    part = (min(max(moment, start), end) - start) / (end - start)
    return round(left + part * (right - left), 1)


def _band(left: float, right: float) -> tuple[float, float]:
    return round(left - 8, 1), round(right - left + 16, 1)


def _thinned(marks: list[Mark]) -> list[Mark]:
    """Without those that would lie on the mark before them, of the same place and shape."""
    kept: list[Mark] = []
    last: dict[int, Mark] = {}
    for mark in marks:
        before = last.get(mark.y)
        if before is None or before.shape != mark.shape or mark.x - before.x >= 1:
            kept.append(mark)
            last[mark.y] = mark
    return kept


def _inside(x: float, told: str, frame: Frame) -> Tick:
    """Words at `x`, in their middle where they fit so, else by the end that keeps them in the drawing."""
    half = LETTER * len(told)
    return Tick(x, told, "start" if x < half else "end" if x + half > frame.width else "middle")


def _fitting(ticks: list[Tick]) -> list[Tick]:
    """Without the one in the middle, where its words would lie on a neighbour's."""
    first, middle, last = ticks
    room = 3 * LETTER * max(len(tick.words) for tick in ticks)  # a whole one beside a half
    return ticks if min(middle.x - first.x, last.x - middle.x) > room else [first, last]


def _apart(events: list[Tick], frame: Frame) -> list[Tick]:
    """Events whose words would lie on each other become one."""
    kept: list[Tick] = []
    for event in events:
        if kept and event.x - kept[-1].x < frame.apart:
            joined = f"{kept[-1].words}, {event.words}"
            kept[-1] = Tick(kept[-1].x, joined if event.words not in kept[-1].words else kept[-1].words)
        else:
            kept.append(event)
    return [_inside(event.x, event.words, frame) for event in kept]
