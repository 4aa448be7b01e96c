"""The officer's list: what needs a decision, what is on hold, what the unit was told, what it decided today.

What is not here: one question in full (`question`), and anything of another unit (`web/scoped`).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Max, Min, OuterRef, Q, QuerySet, Subquery

from openhotline.records.models import Consultation
from openhotline.rules import references, removal_path, words
from openhotline.web.portal.told import SHORT, counted, length, local, short
from openhotline.web.scoped import Scoped

WAITING = (removal_path.ASKED, removal_path.SILENT)
TOLD_FOR = timedelta(days=7)  # an information stays in the list this long
SHOWN = 200  # most rows of one list


@dataclass(frozen=True, slots=True)
class Row:
    """One question in a list."""

    number: str
    line: str
    chip: str
    family: str
    icon: str


@dataclass(frozen=True, slots=True)
class Box:
    """One list of the inbox."""

    title: str
    rows: tuple[Row, ...]
    empty: str = ""


@dataclass(frozen=True, slots=True)
class Inbox:
    """The four lists, and the counts the rail shows."""

    needs: Box
    held: Box
    told: Box
    decided: Box
    alarms: int

    @property
    def boxes(self) -> tuple[Box, ...]:
        """The lists under the first."""
        return (self.held, self.told, self.decided)


def inbox(mine: Scoped, *, at: datetime, find: str = "") -> Inbox:
    """The lists of this officer's unit at `at`; `find` narrows them to a number, reference or host name."""
    rows = _found(mine, find)
    needs = _waiting(mine, rows).order_by("due_at", "pk")
    midnight = local(at).replace(hour=0, minute=0, second=0, microsecond=0)
    held = (
        rows.filter(answers__holds__released_at=None, answers__holds__isnull=False)
        .annotate(ends=Min("answers__holds__until"), review=Min("answers__holds__review_at"))
        .order_by("review")
    )
    told = rows.filter(asks=False, told_at__gte=at - TOLD_FOR).order_by("-told_at")
    last = mine.answers().filter(consultation=OuterRef("pk"), undone_at=None).order_by("-at", "-pk")
    standing = Q(answers__undone_at=None)
    decided = (
        rows.annotate(latest=Max("answers__at", filter=standing), kind=Subquery(last.values("kind")[:1]))
        .filter(latest__gte=midnight)
        .order_by("-latest")
    )
    return Inbox(
        Box("Needs a decision", tuple(_asked(row, at) for row in needs[:SHOWN]), "Nothing waits for you."),
        Box("On hold by you", tuple(_held(row, at) for row in held[:SHOWN])),
        Box("Told, for information", tuple(_told(row, at) for row in told[:SHOWN])),
        Box("Decided today", tuple(_decided(row) for row in decided[:SHOWN])),
        mine.alarms().filter(acknowledged_at=None).count(),
    )


def earlier(mine: Scoped, *, at: datetime, find: str = "") -> Box:
    """Questions that wait for nobody: answered before today, overtaken, or told long ago."""
    midnight = local(at).replace(hour=0, minute=0, second=0, microsecond=0)
    rows = _found(mine, find).annotate(latest=Max("answers__at", filter=Q(answers__undone_at=None)))
    rows = rows.exclude(pk__in=_waiting(mine, mine.consultations()).values("pk")).exclude(
        latest__gte=midnight
    )
    rows = rows.exclude(asks=False, told_at__gte=at - TOLD_FOR).order_by("-asked_at", "-pk")
    return Box("Earlier", tuple(_earlier(row, at) for row in rows[:SHOWN]))


def _waiting(mine: Scoped, rows: QuerySet[Consultation]) -> QuerySet[Consultation]:
    lines = mine.consultation_lines().filter(answered=False, removal__status__in=WAITING)
    return rows.filter(asks=True, pk__in=lines.values("consultation"))


def _found(mine: Scoped, find: str) -> QuerySet[Consultation]:
    rows = mine.consultations().filter(withdrawn_at=None).select_related("host").annotate(size=_size(mine))
    text = find.strip()[:200].replace("\x00", "")
    if not text:
        return rows
    read = references.parse(text)
    number = read.text if read else text
    lines = mine.consultation_lines().filter(
        Q(removal__item__ref=number) | Q(removal__item__host__icontains=text.replace("[.]", "."))
    )
    answers = mine.answers().filter(reference__icontains=text)
    return rows.filter(
        Q(number__icontains=number)
        | Q(pk__in=lines.values("consultation"))
        | Q(pk__in=answers.values("consultation"))
    )


def _size(mine: Scoped) -> Subquery:
    """How many removals a question covers, without multiplying its other joins."""
    lines = mine.consultation_lines().filter(consultation=OuterRef("pk")).order_by()
    return Subquery(lines.values("consultation").annotate(n=Count("pk")).values("n"))


def _line(row: Consultation) -> str:
    host = row.host.name if row.host else "Host not known"
    return f"{host}, {counted(row.size or 0, 'address', 'addresses')}"  # type: ignore[attr-defined]


def _asked(row: Consultation, at: datetime) -> Row:
    rest = row.due_at - at
    if rest < timedelta(0):
        return Row(row.number, _line(row), f"ended {length(-rest)} ago", "bad", "clock")
    family = "warn" if rest < timedelta(hours=1) else "idle"
    return Row(row.number, _line(row), length(rest), family, "clock")


def _held(row: Consultation, at: datetime) -> Row:
    ends = row.ends  # type: ignore[attr-defined]
    chip = f"until {short(ends, at)}" if ends else f"review {short(row.review, at)}"  # type: ignore[attr-defined]
    return Row(row.number, _line(row), chip, "hold", "pause")


def _told(row: Consultation, at: datetime) -> Row:
    return Row(row.number, _line(row), f"told {short(row.told_at or row.asked_at, at)}", "info", "mail")


def _earlier(row: Consultation, at: datetime) -> Row:
    return Row(row.number, _line(row), f"sent {short(row.asked_at, at)}", "idle", "file")


def _decided(row: Consultation) -> Row:
    kind = row.kind  # type: ignore[attr-defined]
    holds = kind in (words.HOLD, words.GO_AHEAD_AFTER, words.REFUSE)
    family, icon = ("hold", "pause") if holds else ("ok", "check")
    return Row(row.number, _line(row), SHORT.get(kind, kind), family, icon)
