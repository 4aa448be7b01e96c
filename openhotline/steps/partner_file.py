"""A partner's CSV, row by row, as reports: no row loses another, and nothing that was written is lost.

A row that cannot be read as given is kept as it came, sealed, in an incomplete report that says in a sentence what is
odd. What is not here: reading addresses (`rules/urls`), filing one (`steps/intake`), and where the file comes from (the doors).
"""

import csv
import hashlib
import io
import operator
import os
import re
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from uuid import UUID

from openhotline.policy import Policy
from openhotline.rules import urls, words
from openhotline.rules.incoming import IncomingReport
from openhotline.rules.printable import readable
from openhotline.rules.refusals import Refused
from openhotline.rules.words import Actor
from openhotline.steps import intake, intake_reading

COLUMNS = ("address", "source", "reference", "received_at", "referrer", "note")
NO_HEADER = (
    "The first line of the file must name its columns: address (or url), and where you have them "
    "source, reference, received_at, referrer, note."
)
MORE_CELLS = (
    "The row has more cells than the first line names, so its address may be cut at a comma. "
    "It is kept as it came: put what holds a comma in double quotes."
)
SHIFTED = "The row has fewer cells than the first line names, and they do not fit. It is kept as it came."
NOTE_WITH_COMMAS = "The note holds commas without double quotes around it; it was read to the end of the row."
OPEN_QUOTE = (
    "A double quote is not closed, or stands alone inside a cell, so the end of a cell cannot be told. "
    "It is kept as it came."
)
NO_UTF_8 = "The address holds bytes that are no UTF-8. It is kept as it came: save the file as UTF-8."
NO_ADDRESS = "The row has no address."

_LONGEST_CELL = 16 * 1024 * 1024  # characters
_MOST_LINES = 100_000  # of the file in one row
_CLOCKS_DIFFER = timedelta(minutes=5)
_VERSION_7 = 0x7 << 76 | 0x8 << 60  # RFC 9562: what makes a time and 74 random bits a UUIDv7
_RANDOM = (1 << 76) - 1 & ~(0xC << 60)
_SOURCES = {source: source for source in words.SOURCES} | {
    "": words.FROM_HOTLINE,
    "partner": words.FROM_HOTLINE,
}


def read_csv(
    raw: io.RawIOBase | io.BytesIO,
    *,
    partner: str,
    at: datetime,
    source: str = "",
    ids: Callable[[], UUID] | None = None,
    sent: str = "",
) -> Iterator[IncomingReport | None]:
    """Each row as a report; None for a row that holds nothing. Never stops at a bad row.

    `source` is where it counts as coming from, whatever the file says; "" believes the file. `ids` makes the reports'
    identifiers, one a report, in the order of the file. Raises Refused at once where the header names no address column.
    """
    csv.field_size_limit(_LONGEST_CELL)
    text = io.TextIOWrapper(
        io.BufferedReader(raw),
        encoding="utf-8-sig",
        errors="surrogateescape",
        newline="",
    )
    taken: list[str] = []  # the lines of the file that the row at hand was read from
    back: deque[str] = deque()  # lines to be read once more
    try:
        header = [name.strip().lower() for name in next(_rows(text, taken, back), [])]
    except csv.Error:
        header = []
    header = ["address" if name == "url" else name for name in header]
    if "address" not in header:
        raise Refused(NO_HEADER, code="header")
    make = _Reporter(header, taken, partner=partner, at=at, source=source, ids=ids, sent=sent)
    return _reports(text, make, taken, back)


def _reports(
    text: io.TextIOWrapper, make: "_Reporter", taken: list[str], back: deque[str]
) -> Iterator[IncomingReport | None]:
    rows, report = _rows(text, taken, back), make.report
    while True:
        taken.clear()
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error:
            yield make.broken(back)
        else:
            if len(taken) == 1 or not make.swallowed():
                yield report(row)
                continue
            yield make.broken(back)
        rows = _rows(text, taken, back)


@dataclass(frozen=True, slots=True)
class FiledFile:
    """What became of a file, so far. `incomplete`: reports of which not everything could be read as given."""

    reports: int = 0
    items_new: int = 0
    joined: int = 0
    incomplete: int = 0
    rejected: int = 0  # rows that hold nothing
    repeated: int = 0  # rows that were filed before, under the same identifiers


def file_in_pieces(
    rows: Iterable[IncomingReport | None], *, policy: Policy, by: Actor, at: datetime
) -> Iterator[FiledFile]:
    """File the rows 5,000 at a time; after each time what has become of them all. Each time is durable.

    Raises what drawing from `rows` raises, NotPermitted where `by` may not file, IntegrityError where the same
    identifiers are being filed at this moment.
    """
    left, total = iter(rows), FiledFile()
    while piece := list(islice(left, intake_reading.CHUNK)):
        reports = [row for row in piece if row is not None]
        filed = intake.file_reports(reports, policy=policy, by=by, at=at)
        total = FiledFile(
            total.reports + filed.reports,
            total.items_new + filed.items_new,
            total.joined + filed.joined,
            total.incomplete + filed.incomplete,
            total.rejected + len(piece) - len(reports),
            total.repeated + filed.repeated,
        )
        yield total


def noted(rows: Iterable[IncomingReport | None], into: list[UUID | None]) -> Iterator[IncomingReport | None]:
    """The rows as they are drawn, each one's report noted by its identifier."""
    for row in rows:
        into.append(row.report_id if row else None)
        yield row


class Numbered:
    """Identifiers of a file's reports that are the same when the same file comes again under the same name."""

    def __init__(self, name: str) -> None:
        self.name, self.count = name, 0

    def __call__(self) -> UUID:
        self.count += 1
        return self.of(self.count - 1)

    def of(self, number: int) -> UUID:
        """The identifier of report `number`, from 0."""
        digest = hashlib.sha256(f"file\x1f{self.name}\x1f{number}".encode("utf-8", "surrogatepass")).digest()
        return UUID(bytes=digest[:16], version=4)


def _rows(text: io.TextIOWrapper, taken: list[str], back: deque[str]) -> Iterator[list[str]]:
    return csv.reader(_lines_of(text, taken, back), strict=True)


def _lines_of(text: io.TextIOWrapper, taken: list[str], back: deque[str]) -> Iterator[str]:
    """The lines of a file, each also put into `taken`. One without end comes in pieces that memory bears."""
    while line := back.popleft() if back else text.readline(_LONGEST_CELL + 2):
        taken.append(line)
        if len(taken) > _MOST_LINES:
            raise csv.Error("This row has no end.")
        yield line


class _Reporter:
    """What makes a report of a row, for one header. `taken`: the lines of the file the row was read from."""

    def __init__(
        self,
        header: Sequence[str],
        taken: list[str],
        *,
        partner: str,
        at: datetime,
        source: str,
        ids: Callable[[], UUID] | None,
        sent: str,
    ) -> None:
        self.place = {name: header.index(name) for name in COLUMNS if name in header}
        self.width, self.taken = len(header), taken
        self.partner, self.at, self.source, self.sent = partner, at, source, sent
        self._cells = operator.itemgetter(*(self.place.get(name, self.width) for name in COLUMNS))
        self._others = [n for n in range(self.width) if n not in self.place.values()]
        self._address = self.place["address"]
        self._keeps = bool(self._others or source)
        self._luck: list[UUID] = []
        self._ids = ids or self._next

    def report(self, row: list[str]) -> IncomingReport | None:
        """The row as a report. None where nothing is written in it."""
        if len(row) == self.width:
            return self._made(row, "")
        more = row[self.width :]
        if not any(cell.strip() for cell in more):
            row = row[: self.width] + [""] * (self.width - len(row))
            return self._made(row, "") if more or self._fits(row) else self._kept(SHIFTED)
        whole = ",".join(row)
        if self.width == 1 and (not re.search(r"\s", whole) or len(urls.apart(whole)) > 1):
            return self._made([whole], "")
        last = self.width - 1
        if self.place.get("note") == last and self._fits(row, surely=True):
            return self._made([*row[:last], ",".join(row[last:])], NOTE_WITH_COMMAS)
        return self._kept(MORE_CELLS)

    def swallowed(self) -> bool:
        """Whether a row that spans lines holds one that is a row itself: then a quote was left open."""
        return self.width > 1 and any(self._is_row(line) for line in self.taken[1:])

    def broken(self, back: deque[str]) -> IncomingReport | None:
        """What is no row: its first line, and those after it that are none either, kept as they came.

        The others go `back`, to be read once more. The address is taken where it stands before the open quote.
        """
        end = 1
        while end < len(self.taken) and self.width > 1 and not self._is_row(self.taken[end]):
            end += 1
        back.extendleft(reversed(self.taken[end:]))
        del self.taken[end:]
        cells, place = _loosely(self.taken[0]), self._address
        sure = place < len(cells) - 1 and len(cells) <= self.width and '"' not in cells[place]
        return self._kept(OPEN_QUOTE, readable(cells[place]) if sure else "")

    def _made(self, row: list[str], odd: str) -> IncomingReport | None:
        """A report of a row that has all its cells."""
        row.append("")  # what columns that the header lacks are read from
        address, source, reference, received_at, referrer, note = map(readable, self._cells(row))
        moment: datetime | None = self.at
        from_ = self.source or _SOURCES.get(source) or _source(source)
        if received_at:
            moment = _when(received_at, self.at)
        keep = self._keeps and self._more_than_is_read(row, source)
        if (
            odd
            or keep
            or moment is None
            or not from_
            or not address
            or address is not row[self._address]
            or address.isspace()
        ):
            if not any(cell.strip() for cell in row):
                return None
            if not _is_utf_8(row[self._address]):
                return self._kept(NO_UTF_8)
            if moment is None:
                odd += (
                    f" “{_short(received_at)}” is no time we can read, or it lies ahead. It counts from now."
                )
            if not from_:
                odd += f" “{_short(source)}” is no source we know. It counts as hotline."
            if not address.strip():
                odd += f" {NO_ADDRESS}"
            keep = keep or bool(odd)
        return IncomingReport(
            report_id=self._ids(),
            source=from_ or words.FROM_HOTLINE,
            lines=(address,) if address and not address.isspace() else (),
            received_at=moment or self.at,
            reached_at=self.at,
            referrer=referrer,
            help_text=note,
            reference=reference,
            partner=self.partner,
            odd=odd.strip(),
            raw=self._raw() if keep else "",
            sent=self.sent,
        )

    def _kept(self, odd: str, address: str = "") -> IncomingReport | None:
        """What cannot be read as a row: its text as it came. None where it is blank."""
        whole = self._raw()
        if not whole.strip():
            return None
        return IncomingReport(
            self._ids(),
            self.source or words.FROM_HOTLINE,
            (address,) if address.strip() else (),
            received_at=self.at,
            partner=self.partner,
            odd=odd,
            raw=whole,
            sent=self.sent,
        )

    def _raw(self) -> str:
        return readable("".join(self.taken).rstrip("\r\n"))

    def _fits(self, row: list[str], *, surely: bool = False) -> bool:
        """Whether source and time can be read where they stand; `surely`: and one of them shows that no cell of
        the row has slipped to the right."""
        shown = not surely
        for name in ("source", "received_at"):
            place = self.place.get(name, self.width)
            cell = row[place].strip() if place < self.width else ""
            if not cell:
                continue
            if not (_source(cell) if name == "source" else _when(cell, self.at)):
                return False
            shown = shown or place > self._address
        return shown

    def _is_row(self, line: str) -> bool:
        cells, place = _loosely(line), self._address
        if len(cells) == self.width:
            return True
        return '"' in line and place < len(cells) and urls.read(cells[place]).ok

    def _more_than_is_read(self, row: list[str], source: str) -> bool:
        """Whether a cell of the row goes into no field of a report: a column we do not know, another source."""
        if self.source and source.strip().lower() not in ("", self.source):
            return True
        return any(row[place].strip() for place in self._others)

    def _next(self) -> UUID:
        if not self._luck:
            self._luck.extend(_uuids(1_000))
        return self._luck.pop()


def _loosely(line: str) -> list[str]:
    """The cells of one line, whatever its quotes are; none where even that cannot be."""
    try:
        return next(csv.reader([line]), [])
    except csv.Error:
        return []


def _uuids(count: int) -> Iterator[UUID]:
    """`count` UUIDv7 for one system call: their time comes first, so neighbours stay neighbours in the index.

    Only for files of partners: the identifier of what a person of the public sends tells no time.
    """
    luck = os.urandom(10 * count)
    moment = (time.time_ns() // 1_000_000) << 80 | _VERSION_7
    for start in range(0, len(luck), 10):
        yield UUID(int=moment | int.from_bytes(luck[start : start + 10], "big") & _RANDOM)


def _is_utf_8(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:40]}…"


def _source(text: str) -> str:
    """The source that was meant; "" for one we do not know."""
    return _SOURCES.get(text.strip().lower(), "")


def _when(text: str, at: datetime) -> datetime | None:
    """The time a partner gave; without a zone it is UTC. None if it cannot be read or does not lie in the past."""
    try:
        moment = datetime.fromisoformat(text.strip()) if text.strip() else at
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (OverflowError, ValueError):
        return None
    return min(moment, at) if moment.year >= 1990 and moment <= at + _CLOCKS_DIFFER else None
