"""The walk of a case as it is drawn across the top: done, now, to come; with times and gaps from the legs.

What is not here: the legs themselves (stamped by the steps) and figures over many cases
(`statistics/legs.py`).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from openhotline.policy import Policy
from openhotline.records.models import Item, Removal
from openhotline.rules import item_path, removal_path, words
from openhotline.web.desk import times

DONE, NOW, TODO = "done", "now", "todo"


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of the walk."""

    name: str
    state: str
    time: str = ""
    gap: str = ""
    icon: str = "check"
    stamp: datetime | None = None


def of(
    item: Item,
    removal: Removal | None,
    *,
    policy: Policy,
    at: datetime,
    decided: datetime | None = None,
    paused: bool = False,
) -> list[Turn]:
    """The turns of a case, from its item and its newest hosting episode. `decided`: when the last opinion was
    given, for an item that ended there. `paused`: a hold is on it now.
    """
    turns = _turns(item, removal, policy=policy, at=at, decided=decided)
    if not paused:
        return turns
    return [
        Turn("Paused", NOW, turn.time, turn.gap, "pause")
        if turn.state == NOW and turn.icon == "clock"
        else turn
        for turn in turns
    ]


def _turns(
    item: Item, removal: Removal | None, *, policy: Policy, at: datetime, decided: datetime | None
) -> list[Turn]:
    named = item.reports
    reports = f"{named} reports" if named > 1 else ""
    marks: list[tuple[str, datetime | None, str]] = [("Received", item.received_at, reports)]
    if removal is None:
        if item.status in item_path.DECIDED and item.status != item_path.GRADED:
            marks.append((_DECIDED[item.status], decided or item.graded_at or item.received_at, ""))
            return _drawn(marks, at, over=True)
        marks += [
            ("Graded", item.graded_at, ""),
            ("Traced", None, ""),
            ("Asked", None, ""),
            ("Noticed", None, ""),
            ("Removed", None, ""),
        ]
        return _drawn(marks, at)
    marks += [("Graded", removal.t1_graded, ""), ("Traced", removal.t2_traced, "")]
    if removal.route in (words.ABROAD_HOTLINE, words.ABROAD_POLICE):
        marks.append(("Referred", removal.t5_sent, ""))
    else:
        marks += [
            (
                "Asked" if removal.t4_answered or removal.status != removal_path.CLEARED else "Police told",
                removal.t3_asked,
                "",
            ),
            ("Answered", removal.t4_answered, ""),
            ("Noticed", removal.t5_sent, ""),
        ]
    if removal.status == removal_path.OUT_OF_REMIT:
        return _drawn(
            [*[mark for mark in marks if mark[1]], ("Out of remit", removal.t2_traced, "")], at, over=True
        )
    if removal.status == removal_path.MOVED:
        return _drawn([*[mark for mark in marks if mark[1]], ("Moved", removal.t2_traced, "")], at, over=True)
    gone = "Gone before notice" if removal.status == removal_path.GONE_BEFORE_NOTICE else "Removed"
    if removal.t8_gone:
        marks = [mark for mark in marks if mark[1]]
    marks.append((gone, removal.t8_gone, ""))
    if removal.status == removal_path.CLOSED:
        marks.append(("Closed", removal.t8_gone, ""))
        return _drawn(marks, at, over=True)
    if removal.t8_gone:
        looks = len(policy.clocks.watch)
        turns = _drawn(marks, at, over=True)
        last = times.when(removal.t8_gone + policy.clocks.watch[-1], at) if looks else ""
        return [
            *turns,
            Turn(
                "Watching",
                NOW,
                f"{removal.watch_step} of {looks} looks",
                f"until {last}" if last else "",
                "pulse",
            ),
        ]
    return _drawn(marks, at)


_DECIDED = {
    item_path.NOT_ILLEGAL: "Not illegal",
    item_path.OUT_OF_REMIT: "Not in remit",
    item_path.NO_LOCATION: "No location",
}


def _drawn(marks: list[tuple[str, datetime | None, str]], at: datetime, *, over: bool = False) -> list[Turn]:
    turns: list[Turn] = []
    before: datetime | None = None
    waiting = False
    for name, stamp, gap in marks:
        if stamp is not None:
            passed = _passed(stamp - before) if before is not None and stamp >= before else ""
            turns.append(Turn(name, DONE, times.when(stamp, at), gap or passed, stamp=stamp))
            before = stamp
        elif not waiting and not over:
            waiting = True
            since = times.span(at - before) if before is not None else ""
            turns.append(Turn(name, NOW, "waited for", since, "clock"))
        else:
            turns.append(Turn(name, TODO, "", "", "more"))
    return turns


def _passed(length: timedelta) -> str:
    return f"in {times.span(length)}" if length >= timedelta(seconds=1) else "at once"


def next_step(item: Item, removal: Removal | None, *, paused: bool) -> str:
    """What happens next, in words."""
    if item.status == item_path.UNREACHABLE and item.due_at is None:
        return "It could not be reached at any try. It rests; if it is reported again, it comes back."
    if removal is None or item.status in item_path.OPEN:
        return {
            item_path.RECEIVED: "An analyst takes it and gives an opinion.",
            item_path.ASSESSING: "An analyst is giving an opinion.",
            item_path.GRADED_ONCE: "A second reader gives an opinion, without seeing the first.",
            item_path.DISPUTED: "The two readers differ. The lead sees both opinions and decides.",
            item_path.UNREACHABLE: "It could not be reached. It comes back to the queue by itself.",
            item_path.GRADED: "The prober finds out where it is held.",
            item_path.NOT_ILLEGAL: "Nothing to do. If it is reported again after a day, it comes back.",
            item_path.OUT_OF_REMIT: "Nothing to do. It is not in our remit.",
            item_path.NO_LOCATION: "A file without an address: there is no host to ask. Its digest is kept.",
        }.get(item.status, "")
    if paused:
        return "Paused. Nothing about it leaves the house; our checks go on."
    return {
        removal_path.TRACED: "The question to the police waits a few minutes for others about the same host."
        if removal.route == words.HOME
        else "The referral abroad leaves by itself.",
        removal_path.UNCLEAR: "The methods do not agree. It is traced again by itself, or press “Run again”.",
        removal_path.ASKED: "The police unit answers at its desk.",
        removal_path.SILENT: "The unit has not answered in the agreed time. Its duty desk is rung; two people may decide.",
        removal_path.CLEARED: "The notice leaves once the contact is verified and the trace is fresh.",
        removal_path.NOTICED: "The host acts. We look every few minutes.",
        removal_path.ACKNOWLEDGED: "The host has seen the notice. We look every few minutes.",
        removal_path.OVERDUE: "The host is late. The ladder begins: upstream, registrar, regulator.",
        removal_path.REFERRED: "The partner hotline acts. We look from here meanwhile.",
        removal_path.REFERRED_POLICE: "The police body abroad acts. We look from here meanwhile.",
        removal_path.UNAVAILABLE: "The partner could not reach it. We look again after one, seven and thirty days; seen from here, it goes back to the partner.",
        removal_path.NOT_ILLEGAL_THERE: "The partner says it is not illegal there. It stays graded here, and we go on looking.",
        removal_path.GONE_MAYBE: "It was missed, or said to be gone. Our own checks from two places decide.",
        removal_path.REMOVED: "Nothing to do. If it comes back, a new removal opens by itself and the police are told “again”.",
        removal_path.GONE_BEFORE_NOTICE: "Nothing to do. It was gone before a notice left; we look again for ninety days.",
        removal_path.MOVED: "It is held elsewhere now; a new removal has opened.",
        removal_path.REAPPEARED: "It came back; a new removal has opened.",
        removal_path.OUT_OF_REMIT: "Nothing to do. Hosted there, this class is not in our remit.",
        removal_path.CLOSED: "Nothing to do. The watch is over.",
    }.get(removal.status, "")
