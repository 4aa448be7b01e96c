"""Takes the looks that are due: fair between hosts, polite to each, no faster than the house's rate, under a lease.

Hosts take turns: the first due address of every host comes before the second of any. One host gets a few requests in
a turn; what is left of it is set to its place in time, so that it neither waits unseen nor starves the others. A host
that said "too many requests" is left alone until the time it named, on the house's clock. Many workers may take at
once; a worker that dies frees its looks by the lease, and a look taken twice is filed once (`check.record`).
What is not here: intervals and jitter (`rules/pace.py`), looking (connectors, jobs).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import BooleanField, Case, F, Q, QuerySet, TextField, Value, When, Window
from django.db.models.functions import RowNumber

from openhotline.records import bulk
from openhotline.records.models import HostTurn, Removal
from openhotline.rules import pace, removal_path, words
from openhotline.rules.pace import Pace
from openhotline.rules.urls import dialled

LEASE = timedelta(minutes=5)
SEEN_AT_ONCE = 8  # times the limit: how far into the line of what is due one take looks
BURST = timedelta(seconds=10)  # of the house's rate that may leave at once
FORGET = timedelta(days=2)  # longer than a host can ask to be left alone
WATCHED = (*removal_path.WATCHED, removal_path.CLOSED)
LOOKED_AT = (*removal_path.STILL_OPEN, *WATCHED)
HOUSE = ""  # the row of the house's own rate


@dataclass(frozen=True, slots=True)
class Wanted:
    """One removal to look at, the number of the look, and the path to it."""

    removal: int
    step: int
    canonical: str
    referrer: str
    cookie: str
    steps: tuple[str, ...]
    onion: bool
    server: str = ""


@dataclass(frozen=True, slots=True)
class _Candidate:
    pk: int
    host: str
    watched: bool
    onion: bool
    rank: int


def waiting(at: datetime) -> "QuerySet[Removal]":
    """Removals whose look is due and that nobody has taken.

    No request with a path leaves before an analyst has opened the item (security.md 3e).
    """
    return (
        Removal.objects.filter(next_check_at__lte=at, item__look_allowed_at__isnull=False)
        .filter(Q(check_lease_until=None) | Q(check_lease_until__lte=at))
        .filter(status__in=LOOKED_AT)
        .exclude(item__kind=words.NEWSGROUP, server="")  # no news server is known to hold it: nobody to ask
    )


def take(
    *, figures: Pace, at: datetime, limit: int = 500, places: int = 2, rate: float = 20.0
) -> list[Wanted]:
    """Claim looks that are due. `places`: vantage points that will look; `rate`: looks a second for the house."""
    with transaction.atomic():
        house, allowed = _house(at, places, rate)
        if min(limit, allowed) < 1:
            return []
        candidates = _candidates(at, min(limit, allowed) * SEEN_AT_ONCE)
        taken, later, turns = _turns(candidates, figures, at, min(limit, allowed))
        Removal.objects.filter(pk__in=taken).update(check_lease_until=at + LEASE)
        bulk.change(Removal, ["next_check_at"], later)
        if taken:
            began = max(house, at - BURST)
            turns.append(HostTurn(host=HOUSE, ready_at=began + timedelta(seconds=len(taken) * places / rate)))
        _keep(turns)
        return _wanted(taken)


def _house(at: datetime, places: int, rate: float) -> tuple[datetime, int]:
    """From when the house is free, and how many removals it may look at now."""
    row = HostTurn.objects.select_for_update().filter(host=HOUSE, watch=False).first()
    ready = row.ready_at if row is not None else at - BURST
    room = (at - max(ready, at - BURST)).total_seconds() * rate
    return ready, int(room / places)


def _candidates(at: datetime, most: int) -> list[_Candidate]:
    rows = waiting(at).order_by("next_check_at", "pk")
    if connection.vendor == "postgresql":
        rows = rows.select_for_update(of=("self",), skip_locked=True)
    found = (
        list(rows.values_list("pk", flat=True)[:most])
        if connection.vendor != "postgresql"
        else [row.pk for row in rows.only("pk")[:most]]
    )
    watched = Case(
        When(status__in=WATCHED, then=Value(True)), default=Value(False), output_field=BooleanField()
    )
    asked = Case(  # of a post, the news server
        When(server="", then=F("item__host")), default=F("server"), output_field=TextField()
    )
    ranked = (
        Removal.objects.filter(pk__in=found)
        .annotate(watched=watched, asked=asked)
        .annotate(
            rank=Window(
                RowNumber(),
                partition_by=[F("asked"), F("watched")],
                order_by=[F("next_check_at").asc(), F("pk").asc()],
            )
        )
        .order_by("rank", "next_check_at", "pk")  # the first of every host, then the second of every host ...
        .values_list("pk", "asked", "watched", "item__kind", "rank")
    )
    return [
        _Candidate(pk, host, bool(watch), kind == words.ONION, rank - 1)
        for pk, host, watch, kind, rank in ranked
    ]


def _turns(
    candidates: Sequence[_Candidate], figures: Pace, at: datetime, most: int
) -> tuple[list[int], list[tuple[int, datetime]], list[HostTurn]]:
    """Who goes now, who goes when, and from when on each host may be asked again."""
    ready = dict(_ready({one.host for one in candidates}, at))
    taken: list[int] = []
    later: list[tuple[int, datetime]] = []
    gone: dict[tuple[str, bool], int] = defaultdict(int)
    spans: dict[tuple[str, bool], timedelta] = {}
    for one in candidates:
        key = (one.host, one.watched)
        every = pace.between(figures, watched=one.watched, onion=one.onion)
        slot = pace.slot(figures, ready.get(key, at), at, one.rank, every)
        if slot > at:
            later.append((one.pk, slot))
        elif len(taken) < most:
            taken.append(one.pk)
            gone[key] += 1
            spans[key] = every
    turns = [
        HostTurn(host=host, watch=watch, ready_at=at + count * spans[host, watch])
        for (host, watch), count in gone.items()
    ]
    return taken, later, turns


def _ready(hosts: Iterable[str], at: datetime) -> Iterable[tuple[tuple[str, bool], datetime]]:
    rows = HostTurn.objects.filter(host__in=hosts, ready_at__gt=at).exclude(host=HOUSE)
    return [((host, watch), ready) for host, watch, ready in rows.values_list("host", "watch", "ready_at")]


def _keep(turns: Sequence[HostTurn]) -> None:
    HostTurn.objects.bulk_create(
        sorted(
            turns, key=lambda turn: (turn.host, turn.watch)
        ),  # always in one order: no two wait for each other
        update_conflicts=True,
        unique_fields=["host", "watch"],
        update_fields=["ready_at", "why"],
    )


def _wanted(taken: Sequence[int]) -> list[Wanted]:
    rows = {
        pk: Wanted(
            pk, step, dialled(canonical), referrer, cookie, tuple(steps.split()), kind == words.ONION, server
        )
        for pk, step, canonical, referrer, cookie, steps, kind, server in Removal.objects.filter(
            pk__in=taken
        ).values_list(
            *("pk", "look_step", "item__canonical", "item__referrer", "item__cookie", "item__way_steps"),
            *("item__kind", "server"),
        )
    }
    return [rows[pk] for pk in taken]


def release(wanted: Sequence[Wanted]) -> None:
    """These were taken and not looked at (the prober went away): they are due again at once."""
    Removal.objects.filter(pk__in=[one.removal for one in wanted]).update(check_lease_until=None)


def leave_alone(hosts: Mapping[str, datetime]) -> None:
    """Hosts that said "too many requests": from when on each may be asked again. Stored, so a restart honours it."""
    why = "The host asked to be left alone."
    known = {(row.host, row.watch): row.ready_at for row in HostTurn.objects.filter(host__in=list(hosts))}
    _keep(
        [
            HostTurn(host=host, watch=watch, ready_at=max(until, known.get((host, watch), until)), why=why)
            for host, until in hosts.items()
            for watch in (False, True)
        ]
    )


def next_turn(after: datetime) -> datetime | None:
    """When the house's own rate lets the next look go, where one is due and waits for nothing else."""
    if not waiting(after).exists():
        return None
    row = HostTurn.objects.filter(host=HOUSE, watch=False).first()
    return max(row.ready_at, after) + timedelta(seconds=1) if row is not None else None


def forget(*, at: datetime) -> int:
    """Sweep: turns long past. Returns how many."""
    return HostTurn.objects.filter(ready_at__lt=at - FORGET).exclude(host=HOUSE).delete()[0]
