"""Nothing leaves the house on a stale trace: which removals stand where their newest trace says, and is it new enough.

True here: a trace stands for a removal while it has not run out, agrees, and names the removal's own host and
country; for what is treated by the network in front (`origin`), while that network is still in front. How old it
may be is `rules/departure`. What is not here: asking for a new trace (`assess.ask_trace`, `jobs/dispatch`) and what
a move leads to (`move`).
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db.models import Exists, F, Max, OuterRef, Q, QuerySet, Window
from django.db.models.functions import RowNumber

from openhotline.outbox.models import PENDING, Letter, LetterLine
from openhotline.records import bulk
from openhotline.records.models import Hold, ListEntry, Removal, Trace
from openhotline.rules import clocks, departure, filter_list, removal_path, words
from openhotline.steps import agreed

# Letters that say where something is held. On the ladder the host's own is "ladder", those above it "ladder-" and the rung.
KINDS = ("notice", "reminder", "referral", "host-alert", "domain-alert")
STALE = "The trace is too old, or unclear, to send on. It is being traced again."


def newest(items: Iterable[int]) -> dict[tuple[int, str], Trace]:
    """place (item id, news server) -> its newest trace, without the sealed answers."""
    last = Window(
        RowNumber(), partition_by=[F("item"), F("server")], order_by=[F("at").desc(), F("pk").desc()]
    )
    rows = Trace.objects.filter(item__in=items).defer("sealed", "answers", "reasons", "layers")
    return {row.held_at: row for row in rows.annotate(last=last).filter(last=1)}


def line(
    removal: Removal, trace: Trace | None, *, held: bool, covered: bool, here: bool = True
) -> departure.Line:
    """A removal and its newest trace, as the guards of a departure ask about them (`rules/departure`)."""
    return departure.Line(
        removal.pk,
        status=removal.status,
        held=held,
        here=here,
        covered=covered,
        traced_at=trace.at if trace else None,
        trace_ends=trace.expires_at if trace else None,
        agreed=trace is not None and names(trace, removal),
    )


def names(trace: Trace, removal: Removal) -> bool:
    """Whether a trace stands for a removal: it agrees, and on the place that the removal has."""
    if removal.edge and trace.verdict != "agreed":
        return trace.host_id == removal.host_id  # still the same network in front, and nobody named an origin
    return trace.verdict == "agreed" and (trace.country, trace.host_id) == (removal.country, removal.host_id)


def standing(removals: Sequence[Removal], *, at: datetime) -> list[Removal]:
    """Those with a trace that has not run out and says where they are: of what else is nobody asked. The sweep has
    the others traced anew."""
    valid: dict[tuple[int, str], list[Trace]] = defaultdict(list)
    rows = Trace.objects.filter(item__in=[removal.item_id for removal in removals], expires_at__gte=at)
    for row in rows.defer("sealed", "answers", "reasons", "layers"):
        valid[row.held_at].append(row)
    return [removal for removal in removals if any(names(trace, removal) for trace in valid[removal.held_at])]


def plan(items: Iterable[int]) -> None:
    """Store when what is open of these items is to be traced again: when its newest trace runs out. What is on the filter
    list is traced before that: it would leave the list, and come back hours later."""
    listed = ListEntry.objects.filter(removal=OuterRef("pk"), off_at=None)
    rows = (
        Removal.objects.filter(item__in=items, status__in=removal_path.STILL_OPEN)
        .annotate(ends=Max("item__traces__expires_at"), listed=Exists(listed))
        .order_by("pk")
        .values_list("pk", "ends", "listed")
    )
    bulk.change(
        Removal,
        ["retrace_at"],
        [(pk, ends - filter_list.TRACED_AHEAD if ends and on_it else ends) for pk, ends, on_it in rows],
    )


def to_trace(*, at: datetime) -> list[Removal]:
    """Removals about which something wants to leave now but whose last trace is older than it may be: a letter, or a
    question to the police that only a trace keeps back."""
    due = LetterLine.objects.filter(
        letter__in=Letter.objects.filter(
            Q(kind__in=KINDS) | Q(kind__startswith="ladder"), state=PENDING, due_at__lte=at
        )
    ).values("removal")
    held = Hold.objects.filter(released_at=None).values(
        "removal"
    )  # nothing leaves about it: no trace is needed
    wanted = Removal.objects.filter(pk__in=due, status__in=removal_path.STILL_OPEN).exclude(pk__in=held)
    letters = _stale(wanted, at)
    questions = _stale(_to_be_asked(at), at)
    kept = {removal.pk for removal in standing(questions, at=at)}
    return [*letters, *(one for one in questions if one.pk not in kept and one not in letters)]


def _stale(waiting: QuerySet[Removal], at: datetime) -> list[Removal]:
    stale = waiting.alias(newest=Max("item__traces__at")).filter(newest__lt=at - departure.RETRACE_WITHIN)
    return list(stale.select_related("item").distinct().order_by("pk"))


def _to_be_asked(at: datetime) -> QuerySet[Removal]:
    """Home removals whose question is due, or would be but for their trace (`consult`)."""
    ripe = Q(status=removal_path.TRACED) & (Q(due_at__lte=at) | Q(item__at_risk=True))
    # Of what cannot be made out, only in its first hours; after that as often as any other (`check.to_trace`).
    doubted = Q(status=removal_path.UNCLEAR, t2_traced__isnull=False, clock=clocks.ORIGIN, due_at__gt=at)
    ran_out = Q(pk__in=agreed.lapsed("go-aheads traced", at=at))
    return Removal.objects.filter(ripe | doubted | ran_out, route=words.HOME)
