"""May this letter leave now? Every guard of security.md 3c, asked again inside the claim.

True here: nothing leaves about a removal that is held, that no answer covers where its agreement asks for
one, that is elsewhere now, or whose trace is stale. What no longer holds leaves the letter and the rest goes. Not
here: locks and rows (`steps/departing`, `steps/refer`, `steps/escalate`), the contact (`rules/contact`), wording,
and what becomes of the letter afterwards (`rules/letter_path`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from openhotline.rules import removal_path

RETRACE_WITHIN = timedelta(
    minutes=15
)  # the host is traced again this shortly before a letter about it leaves
GO, WAIT, NOTHING_LEFT = "go", "wait", "nothing left"

LATE = (*removal_path.WITH_HOST, removal_path.GONE_MAYBE)  # the host's to do, as far as we know
HELD = "Held."
NOT_COVERED = "No answer of the police covers it any more."
ELSEWHERE = "It is at another host now."
RETRACED = "It is being traced again; it goes in a letter of its own."


@dataclass(frozen=True, slots=True)
class Consent:
    """How the police came to agree to one removal, as far as the house knows.

    `asked` None: nobody was asked or told. `clears`: the newest answer whose scope holds the removal clears.
    `ended`: it held until a time that has passed, as it said. `silence`: two named people settled it, or the
    agreement takes silence for a yes.
    """

    asked: bool | None = None
    clears: bool = False
    ended: bool = False
    silence: bool = False
    valid_until: datetime | None = None


def covers(consent: Consent, at: datetime) -> bool:
    """Whether a notice may rest on it at `at`."""
    if consent.asked is None:
        return False
    if not consent.asked:
        return True
    if consent.valid_until is not None and consent.valid_until <= at:
        return False
    return consent.clears or consent.ended or consent.silence


@dataclass(frozen=True, slots=True)
class Line:
    """One removal of a letter, as it stands at departure."""

    removal: int
    status: str
    held: bool
    here: bool  # still at the host the letter is written to
    covered: bool
    traced_at: datetime | None
    trace_ends: datetime | None
    agreed: bool  # the methods of the newest trace agree, and it names the removal's own place


@dataclass(frozen=True, slots=True)
class Departure:
    """What may leave. `verdict` GO: `stay` leaves, the rest drops out. WAIT: nothing changes, asked again later.
    NOTHING_LEFT: this letter ends, and what stays or waits goes in another."""

    verdict: str
    stay: tuple[int, ...] = ()
    waiting: tuple[int, ...] = ()
    dropped: dict[str, tuple[int, ...]] = field(default_factory=dict)


def notice(
    lines: Sequence[Line], *, frozen: bool, at: datetime, status: str = removal_path.CLEARED
) -> Departure:
    """The guard of a letter to a host about what is in `status`: a notice, or an alert abroad.

    `frozen`: its bytes are fixed already, so that nothing may drop out of them.
    """
    stay: list[int] = []
    waiting: list[int] = []
    dropped: dict[str, list[int]] = {}
    for line in lines:
        why = _why_not(line, status)
        if why:
            dropped.setdefault(why, []).append(line.removal)
        elif not fresh(line, at):
            waiting.append(line.removal)
        else:
            stay.append(line.removal)
    if waiting and not stay:
        return Departure(WAIT, waiting=tuple(waiting))
    if waiting:
        dropped[RETRACED] = list(waiting)
    verdict = NOTHING_LEFT if not stay or (frozen and dropped) else GO
    return Departure(verdict, tuple(stay), tuple(waiting), {why: tuple(pks) for why, pks in dropped.items()})


def _why_not(line: Line, status: str) -> str:
    if line.held:
        return HELD
    if line.status != status:
        return f"It is {line.status} now."
    if not line.covered:
        return NOT_COVERED
    return "" if line.here else ELSEWHERE


def fresh(line: Line, at: datetime) -> bool:
    """Whether the newest trace is agreed, still valid, and made shortly before departure."""
    if line.traced_at is None or line.trace_ends is None:
        return False
    return line.agreed and line.traced_at >= at - RETRACE_WITHIN and line.trace_ends >= at


def stale(lines: Sequence[Line], at: datetime) -> tuple[int, ...]:
    """The removals among them that have no trace to stand on."""
    return tuple(line.removal for line in lines if not fresh(line, at))


def referral(lines: Sequence[Line], *, at: datetime) -> Departure:
    """The guard of a referral: it waits while anything of it is held or has no fresh trace."""
    open_ = [line for line in lines if line.status == removal_path.TRACED]
    stay = tuple(line.removal for line in open_)
    if not open_:
        return Departure(NOTHING_LEFT)
    if any(line.held for line in open_):
        return Departure(WAIT, dropped={HELD: stay})
    if stale(open_, at):
        return Departure(WAIT, waiting=stay)
    return Departure(GO, stay)


def reminder(lines: Sequence[Line], *, frozen: bool, at: datetime) -> Departure:
    """The guard of a reminder and of a rung: what is still the host's to do, not held and freshly traced, goes.

    `frozen`: nothing may drop out of its bytes. With something held in them it ends; with something stale it waits.
    """
    late = [line for line in lines if line.status in LATE]
    free = [line for line in late if not line.held]
    held = tuple(line.removal for line in late if line.held)
    if not free or (frozen and held):
        return Departure(NOTHING_LEFT, dropped={HELD: held} if held else {})
    waiting = stale(free, at)
    if len(waiting) == len(free) or (frozen and waiting):
        return Departure(WAIT, waiting=waiting)
    return Departure(GO, tuple(line.removal for line in free if line.removal not in waiting), waiting)
