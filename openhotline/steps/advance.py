"""The one function that moves things: permit, path, compare-and-set, clock, ledger, in one transaction.

It takes a batch, and one is a batch of one: the 433 addresses one host held on one day move as one.
Nothing else in the house writes a status (tests/house/test_one_writer.py). What is not here: whether a
case is ready for the step (each step's own guards), and anything that leaves the house.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from django.db import transaction
from django.db.models import Case, DateTimeField, DurationField, ExpressionWrapper, F, Model, Value, When
from django.db.models.functions import Coalesce

from openhotline.ledger.record import Act, record
from openhotline.records import bulk
from openhotline.records.models import Clock, Item, Removal, Report
from openhotline.rules import clocks, removal_path
from openhotline.rules.path import NOTHING
from openhotline.rules.permits import require
from openhotline.rules.refusals import MovedMeanwhile, Refused
from openhotline.rules.words import Actor

Moved = TypeVar("Moved", Item, Removal, Report)

_CLOCK = ("subject", "subject_id", "name", "opened_at", "due_at", "closed_at", "ended", "left")
KEEP = clocks.Deadline("", datetime.min.replace(tzinfo=UTC))  # as `clock`: the clock that runs goes on


def begin(
    rows: Sequence[Moved],
    verb: str,
    outcome: str,
    *,
    by: Actor,
    at: datetime,
    clock: clocks.Deadline | None = None,
) -> list[Moved]:
    """Create rows at the start of their path, with their first ledger entries.

    `rows` are unsaved and all of one model; `outcome` must lead from nothing. Returns them saved, in order.
    Raises NotPermitted, or Refused where the path says no.
    """
    if not rows:
        return []
    model = type(rows[0])
    require(model.PATH, verb, by)
    status = model.PATH.target(verb, NOTHING, outcome)
    for row in rows:
        row.status = status
        row.due_at = clock.due if clock else None
        row.clock = clock.name if clock else ""
    with transaction.atomic():
        saved: list[Moved] = model._default_manager.bulk_create(rows, batch_size=500)
        _open_clocks(saved, clock, at)
        _enter(saved, verb, outcome, "", by=by, at=at, why="", facts=None)
    return saved


def advance(
    rows: Sequence[Moved],
    verb: str,
    outcome: str,
    *,
    by: Actor,
    at: datetime,
    clock: clocks.Deadline | None = None,
    why: str = "",
    stamps: Sequence[str] = (),
    changes: Mapping[str, Any] | None = None,
    facts: Mapping[str, object] | None = None,
) -> list[Moved]:
    """Move every row of the batch along its path, or none.

    `rows` all belong to one model and carry the status their reader saw: if one of them has moved since,
    MovedMeanwhile is raised and nothing changes. `clock` opens a new deadline (None closes the running
    one, KEEP lets it run on). `stamps` are legs to stamp with `at`, once. `changes` are other columns to
    write in the same statement. `facts` go into the ledger payload of each row.

    Raises NotPermitted, Refused (the path says no from here) or MovedMeanwhile.
    """
    if not rows:
        return []
    model = type(rows[0])
    path = model.PATH
    require(path, verb, by)
    by_status: dict[str, list[Moved]] = {}
    for row in rows:
        by_status.setdefault(row.status, []).append(row)
    targets = {status: path.target(verb, status, outcome) for status in by_status}

    with transaction.atomic():
        if len(rows) > 1:
            # Locks are taken in id order, so that two batches never wait for each other.
            locked = model._default_manager.select_for_update().filter(pk__in=[row.pk for row in rows])
            list(locked.order_by("pk").values_list("pk", flat=True))
        written: dict[str, Any] = {"version": F("version") + 1, **(changes or {})}
        # Stamped once: a leg that has its time keeps it.
        written |= {leg: Coalesce(F(leg), Value(at), output_field=DateTimeField()) for leg in stamps}
        if clock is not KEEP:
            written |= {"due_at": clock.due if clock else None, "clock": clock.name if clock else ""}
        for status, group in by_status.items():
            target = targets[status]
            count = model._default_manager.filter(pk__in=[row.pk for row in group], status=status).update(
                status=target, **written
            )
            if count != len(group):
                raise MovedMeanwhile(
                    "Somebody else has moved this meanwhile. Open it again to see where it is now; "
                    "what you typed is kept."
                )
        if clock is not KEEP:
            _close_clocks(rows, at, held=removal_path.HELD in targets.values())
            _open_clocks(rows, clock, at)
        for status, group in by_status.items():
            _enter(group, verb, outcome, status, by=by, at=at, why=why, facts=facts, target=targets[status])
    for row in rows:
        row.status = targets[row.status]
        row.version += 1
        if clock is not KEEP:
            row.due_at = clock.due if clock else None
            row.clock = clock.name if clock else ""
        for leg in stamps:
            if getattr(row, leg) is None:
                setattr(row, leg, at)
        for name, value in (changes or {}).items():
            if not hasattr(value, "resolve_expression"):
                setattr(row, name, value)
    return list(rows)


def begin_rows(
    model: type[Item] | type[Report],
    through: Sequence[tuple[str, str]],
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    *,
    by: Actor,
) -> None:
    """`begin` for very many rows given as tuples: the intake's way. Their entries are the caller's to write.

    `through` names the steps taken in this one act, e.g. `[("intake", "filed"), ("dedupe", "joined")]`;
    each must be in the path and permitted.
    """
    status = NOTHING
    for verb, outcome in through:
        require(model.PATH, verb, by)
        status = model.PATH.target(verb, status, outcome)
    bulk.insert(model, (*columns, "status"), ((*row, status) for row in rows))


def _subject(model: type[Model]) -> str:
    return model.__name__.lower()


def _open_clocks(rows: Sequence[Moved], clock: clocks.Deadline | None, at: datetime) -> None:
    if clock is None:
        return
    subject = _subject(type(rows[0]))
    bulk.insert(Clock, _CLOCK, [(subject, row.pk, clock.name, at, clock.due, None, "", None) for row in rows])


def _close_clocks(rows: Sequence[Moved], at: datetime, *, held: bool) -> None:
    """Close the running clocks of `rows`: as held where a hold closed them, else met or missed."""
    running = Clock.objects.filter(
        subject=_subject(type(rows[0])), subject_id__in=[row.pk for row in rows], closed_at=None
    )
    left = ExpressionWrapper(F("due_at") - Value(at), output_field=DurationField())
    in_time = Case(When(due_at__lt=at, then=Value(clocks.MISSED)), default=Value(clocks.MET))
    running.update(closed_at=at, ended=Value(clocks.HELD) if held else in_time, left=left)


def _enter(
    rows: Sequence[Moved],
    verb: str,
    outcome: str,
    source: str,
    *,
    by: Actor,
    at: datetime,
    why: str,
    facts: Mapping[str, object] | None,
    target: str = "",
) -> None:
    """One ledger entry per row, in the same transaction."""
    subject = _subject(type(rows[0]))
    record(
        [
            Act(
                act=f"{subject}.{verb}",
                obj=(subject, str(row.pk), row.version),
                case=row.case_ref,
                why=why,
                payload={
                    "from": source,
                    "to": target or row.status,
                    "outcome": outcome,
                    **(facts or {}),
                },
            )
            for row in rows
        ],
        by=by,
        at=at,
    )


def next_clock(rows: Sequence[Moved], clock: clocks.Deadline, *, by: Actor, at: datetime) -> None:
    """The running clock ends and the next one opens, though nothing moves: a target passed, the ladder is next."""
    if not rows:
        return
    model = type(rows[0])
    with transaction.atomic():
        model._default_manager.filter(pk__in=[row.pk for row in rows]).update(
            due_at=clock.due, clock=clock.name
        )
        _close_clocks(rows, at, held=False)
        _open_clocks(rows, clock, at)
        for row in rows:
            row.due_at, row.clock = clock.due, clock.name
        note(
            rows,
            f"{_subject(model)}.clock",
            by=by,
            at=at,
            facts={"clock": clock.name, "due": clock.due.isoformat()},
        )


def stop_clock(rows: Sequence[Removal], *, by: Actor, at: datetime) -> None:
    """The running clock has ended and no other follows: what is left to do is a person's."""
    if not rows:
        return
    with transaction.atomic():
        Removal.objects.filter(pk__in=[row.pk for row in rows]).update(due_at=None, clock="")
        _close_clocks(rows, at, held=False)
        for row in rows:
            row.due_at, row.clock = None, ""
        note(rows, "removal.clock", by=by, at=at, facts={"clock": "", "due": None})


def pause_clock(rows: Sequence[Removal], review: clocks.Deadline, *, by: Actor, at: datetime) -> None:
    """A hold on something that goes on: the running clock closes as held, a review clock opens."""
    running = [row for row in rows if row.due_at is not None]
    if not running:
        return
    with transaction.atomic():
        Removal.objects.filter(pk__in=[row.pk for row in running]).update(
            due_at=review.due, clock=review.name
        )
        _close_clocks(running, at, held=True)
        _open_clocks(running, review, at)
        for row in running:
            row.due_at, row.clock = review.due, review.name
        note(
            running,
            "removal.clock",
            by=by,
            at=at,
            facts={"clock": review.name, "due": review.due.isoformat()},
        )


def resume_clock(rows: Sequence[Removal], *, by: Actor, at: datetime) -> None:
    """The hold ended: the clock it closed opens again, with the time that was left."""
    held = {
        row.subject_id: row
        for row in Clock.objects.filter(
            subject="removal", subject_id__in=[row.pk for row in rows], ended=clocks.HELD
        )
        .exclude(name=clocks.HOLD_REVIEW)
        .order_by("closed_at")
    }
    groups: dict[clocks.Deadline, list[Removal]] = {}
    for row in rows:
        clock = held.get(row.pk)
        if row.clock == clocks.HOLD_REVIEW and clock is not None and clock.left is not None:
            groups.setdefault(clocks.Deadline(clock.name, at + max(clock.left, timedelta(0))), []).append(row)
    for deadline, group in groups.items():
        next_clock(group, deadline, by=by, at=at)


def note(
    rows: Sequence[Item] | Sequence[Removal] | Sequence[Report],
    act: str,
    *,
    by: Actor,
    at: datetime,
    why: str = "",
    facts: Mapping[str, object] | None = None,
) -> None:
    """A fact beside the path, written into each case's ledger. Moves nothing."""
    if not rows:
        return
    subject = _subject(type(rows[0]))
    with transaction.atomic():
        record(
            [
                Act(
                    act=act,
                    obj=(subject, str(row.pk), row.version),
                    case=row.case_ref,
                    why=why,
                    payload=dict(facts or {}),
                )
                for row in rows
            ],
            by=by,
            at=at,
        )


def refuse_unless(condition: bool, sentence: str, *, code: str = "not-ready") -> None:
    """A guard: raise Refused with `sentence` unless `condition`."""
    if not condition:
        raise Refused(sentence, code=code)
