"""An analyst takes an item and gives an opinion; where policy asks, a second reader does so blind.

Nobody grades twice; the second reader never sees the first opinion; where they differ the lead decides.
What is not here: the content (it is looked at outside this product), guidance, and limits on looking.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Count, F, Q

from openhotline.outbox import queue
from openhotline.policy import Policy
from openhotline.records.agreements import house_agreements
from openhotline.records.models import Assessment, Item, Trace
from openhotline.rules import clocks, item_path, words
from openhotline.rules.opinion import BACK_WITHIN, Opinion, check, youngest
from openhotline.rules.permits import require, require_act
from openhotline.rules.refusals import Refused
from openhotline.rules.words import Actor
from openhotline.steps import likeness
from openhotline.steps.advance import KEEP, advance, note, refuse_unless

TWICE = "You have given your opinion on this already. Somebody else has to be the second reader."

# Who has read an item: also a second reader who took it back, for they have seen whether the two agree.
READ = Q(undone_at=None) | Q(reading="second")


def take(items: Sequence[Item], *, by: Actor, at: datetime, policy: Policy) -> list[Item]:
    """Take items to look at: locked to one person for 30 minutes.

    A received item moves to assessing; one that was graded once, or disputed, is locked for its reader and stays.
    Taking also allows path requests: an analyst has opened the item (security.md 3e).

    Raises Refused where somebody else holds one, or where `by` has graded it already.
    """
    for item in items:
        require(item_path.PATH, "decide" if item.status == item_path.DISPUTED else "take", by)
    until = at + policy.clocks.lock
    ids = [item.pk for item in items]
    with transaction.atomic():
        read = Assessment.objects.filter(
            READ, item__in=items, by_id=by.user_id, round=F("item__readings")
        ).exists()
        refuse_unless(not read, TWICE, code="twice")
        free = Q(locked_until=None) | Q(locked_until__lte=at) | Q(locked_by_id=by.user_id)
        held = Item.objects.select_for_update().filter(pk__in=ids).exclude(free).first()
        if held is not None:
            raise Refused(
                f"{held.ref} is with a colleague until {held.locked_until:%H:%M} UTC. Take the next one.",
                code="locked",
            )
        new = [item for item in items if item.status == item_path.RECEIVED]
        if new:
            advance(new, "take", "taken", by=by, at=at, clock=KEEP, changes={"locked_by_id": by.user_id})
        seen = [item for item in items if item not in new]
        refuse_unless(
            all(
                item.status in (item_path.ASSESSING, item_path.GRADED_ONCE, item_path.DISPUTED)
                for item in seen
            ),
            "This item is not waiting for a reader. Open it to see where it is.",
        )
        note(seen, "item.taken", by=by, at=at)
        # Between the look above and here a colleague may have taken one: then it is theirs.
        taken = Item.objects.filter(free, pk__in=ids).update(locked_by_id=by.user_id, locked_until=until)
        refuse_unless(
            taken == len(set(ids)),
            "A colleague took it at the same moment. Take the next one.",
            code="locked",
        )
        Item.objects.filter(pk__in=ids, look_allowed_at=None).update(look_allowed_at=at)
    for item in items:
        item.locked_by_id, item.locked_until = by.user_id, until
        item.look_allowed_at = item.look_allowed_at or at
    return list(items)


def pass_on(items: Sequence[Item], *, by: Actor, at: datetime) -> None:
    """Hand items back, no reason asked (ux.md W9)."""
    with transaction.atomic():
        advance(
            [item for item in items if item.status == item_path.ASSESSING],
            "pass",
            "back",
            by=by,
            at=at,
            clock=KEEP,
        )
        note([item for item in items if item.status != item_path.RECEIVED], "item.handed-back", by=by, at=at)
        Item.objects.filter(pk__in=[item.pk for item in items]).update(locked_by=None, locked_until=None)


def free_locks(*, by: Actor, at: datetime) -> int:
    """Sweep: items whose lock ran out go back to the queue. Returns how many."""
    stale = list(Item.objects.filter(locked_until__lte=at).exclude(locked_by=None)[:1000])
    if stale:
        pass_on(stale, by=by, at=at)
    return len(stale)


def grade(items: Sequence[Item], opinion: Opinion, *, by: Actor, at: datetime, policy: Policy) -> list[Item]:
    """Record one person's opinion on every item of the batch, and move each where that leads.

    First reader, second reader or lead is decided by where the item is. Raises Refused where the opinion
    is incomplete under the scheme in force, the item is locked by somebody else, or `by` has read it before.
    """
    scheme = policy.scheme_on(at.date())
    check(opinion, categories=scheme.categories, points=policy.point_keys)
    with transaction.atomic():
        for item in items:
            refuse_unless(
                item.locked_by_id == by.user_id and item.locked_until is not None and item.locked_until > at,
                f"Take {item.ref} first; it is not locked to you (locks last 30 minutes).",
                code="locked",
            )
        reading = _reading(items)
        try:
            with transaction.atomic():
                Assessment.objects.bulk_create(
                    [
                        Assessment(
                            item=item,
                            round=item.readings,
                            reading=reading,
                            by_id=by.person,
                            at=at,
                            scheme=scheme.key,
                            policy=policy.version,
                            **{**asdict(opinion), "points": list(opinion.points)},
                        )
                        for item in items
                    ]
                )
        except IntegrityError:
            raise Refused(TWICE, code="twice")
        Item.objects.filter(pk__in=[item.pk for item in items]).update(locked_by=None, locked_until=None)
        for item in items:
            item.locked_by_id, item.locked_until = None, None
        if reading == "first":
            _first(items, opinion, by=by, at=at, policy=policy)
        elif reading == "second":
            _second(items, opinion, by=by, at=at, policy=policy)
        else:
            _lead(items, opinion, by=by, at=at, policy=policy)
    return list(items)


def _reading(items: Sequence[Item]) -> str:
    readings = {
        item_path.ASSESSING: "first",
        item_path.GRADED_ONCE: "second",
        item_path.DISPUTED: "lead",
    }
    kinds = {readings.get(item.status, "") for item in items}
    if len(kinds) != 1 or "" in kinds:
        raise Refused(
            "These items do not wait for the same reading. Give your opinion one by one.", code="mixed"
        )
    return kinds.pop()


def _facts(opinion: Opinion) -> dict[str, object]:
    return {**asdict(opinion), "points": list(opinion.points)}


def _first(items: Sequence[Item], opinion: Opinion, *, by: Actor, at: datetime, policy: Policy) -> None:
    facts = _facts(opinion)
    if opinion.opinion == words.ILLEGAL:
        likeness.want(
            items, at=at
        )  # a person has just seen it: what it looks like now is what looks are read against
    if opinion.opinion == words.ILLEGAL and house_agreements(policy=policy).standing(at).needs_second_reader(
        opinion.cls
    ):
        due = clocks.Deadline(clocks.SECOND_READ, at + policy.clocks.second_reader)
        advance(items, "assess", "once", by=by, at=at, clock=due, facts=facts)
    elif opinion.opinion == words.ILLEGAL:
        _graded(items, "assess", opinion, by=by, at=at)
    elif opinion.opinion == words.UNREACHABLE:
        waits = policy.clocks.retry
        for item in items:
            # After the last try it rests, without a clock: only a new report brings it back.
            rests = item.retries >= len(waits)
            advance(
                [item],
                "assess",
                "unreachable",
                by=by,
                at=at,
                why=opinion.reason,
                clock=None if rests else clocks.Deadline(clocks.RETRY, at + waits[item.retries]),
                changes={"retries": item.retries + 1},
                facts=facts,
            )
    else:
        outcome = "not_illegal" if opinion.opinion == words.NOT_ILLEGAL else "out_of_remit"
        advance(items, "assess", outcome, by=by, at=at, facts=facts)


def _second(items: Sequence[Item], opinion: Opinion, *, by: Actor, at: datetime, policy: Policy) -> None:
    firsts = {
        row.item_id: row
        for row in Assessment.objects.filter(
            item__in=items, reading="first", round=F("item__readings"), undone_at=None
        )
    }
    agree: dict[str, list[Item]] = {}  # by the first reader's age band: the youngest of the two counts
    differ: list[Item] = []
    for item in items:
        first = firsts[item.pk]
        same = Opinion(first.opinion, first.cls, first.category).same_grade(opinion)
        (agree.setdefault(first.age_band, []) if same else differ).append(item)
    for band, group in agree.items():
        _graded(
            group, "second", opinion, by=by, at=at, outcome="agrees", band=youngest(opinion.age_band, band)
        )
    if differ:
        due = clocks.Deadline(clocks.LEAD_DECIDES, at + policy.clocks.lead_decides)
        advance(differ, "second", "differs", by=by, at=at, clock=due, facts=_facts(opinion))


def _lead(items: Sequence[Item], opinion: Opinion, *, by: Actor, at: datetime, policy: Policy) -> None:
    if opinion.opinion == words.ILLEGAL:
        _graded(items, "decide", opinion, by=by, at=at)
    elif opinion.opinion == words.UNREACHABLE:
        raise Refused(
            "The lead decides between the two opinions: illegal, not illegal or not in remit.", code="lead"
        )
    else:
        outcome = "not_illegal" if opinion.opinion == words.NOT_ILLEGAL else "out_of_remit"
        advance(items, "decide", outcome, by=by, at=at, facts=_facts(opinion))


def _graded(
    items: Sequence[Item],
    verb: str,
    opinion: Opinion,
    *,
    by: Actor,
    at: datetime,
    outcome: str = "graded",
    band: str = "",
) -> None:
    advance(
        items,
        verb,
        outcome,
        by=by,
        at=at,
        stamps=["graded_at"],
        changes={"cls": opinion.cls, "category": opinion.category, "age_band": band or opinion.age_band},
        facts=_facts(opinion),
    )
    files = [item for item in items if item.kind == words.FILE]
    advance(files, "route", "no_location", by=words.MACHINE_WORKER, at=at)
    # The wish waits as long as the opinion can be taken back (`retract`): nothing outward comes before a trace.
    ask_trace([item for item in items if item.kind != words.FILE], at=at, due=at + BACK_WITHIN)


def ask_trace(items: Sequence[Item], *, at: datetime, due: datetime | None = None) -> None:
    """Ask the prober where these are held. The wish waits in the outbox like any letter, until `due`.

    It is numbered after the traces an item has, so a wish that waits already is not doubled; and after the opinions
    that were taken back, whose wishes were withdrawn.
    """
    counts = Counter(
        dict(Trace.objects.filter(item__in=items).values_list("item").annotate(n=Count("pk")).order_by())
    )
    back = Assessment.objects.filter(item__in=items, undone_at__isnull=False)
    counts.update(dict(back.values_list("item").annotate(n=Count("pk")).order_by()))
    queue.put_many(
        "trace",
        [(f"{item.ref}/{counts[item.pk] + 1}", "prober", ()) for item in items],
        transport="prober",
        at=at,
        due=due,
        by=words.MACHINE_WORKER,
    )


def retry_unreachable(*, at: datetime, policy: Policy) -> int:
    """Sweep: what could not be reached goes back to the queue when its time comes. Returns how many."""
    due = list(Item.objects.filter(status=item_path.UNREACHABLE, due_at__lte=at)[:1000])
    again = clocks.Deadline(clocks.ASSESS, at + policy.clocks.assess)
    # A new round: the same analyst may look again, and both opinions stay.
    advance(
        due,
        "retry",
        "again",
        by=words.MACHINE_WORKER,
        at=at,
        clock=again,
        changes={"readings": F("readings") + 1},
    )
    return len(due)


def open_note(item: Item, *, by: Actor, at: datetime, why: str) -> None:
    """Record that somebody opened the reporter's own words: every read of them is an entry."""
    require_act("note.open", by)
    note([item], "report.note-opened", by=by, at=at, why=why)
