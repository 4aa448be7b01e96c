"""One turn of the machine: read the spool, trace, look, send, sweep, sequence. And when to turn next.

Our own rows are the truth of what is to be done; a turn takes what is due in batches, under leases,
so that a worker that dies loses nothing. One worker reads a house's spool. What is not here: any rule.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Min

from openhotline.connectors.probe.client import Prober, ProberUnreachable
from openhotline.jobs import dispatch, doubt, exchange, poll, reconcile
from openhotline.jobs.mailroom import Mailroom
from openhotline.jobs.post import Post
from openhotline.jobs.spooled import Filer
from openhotline.jobs.sweep import put_in_order, sweep
from openhotline.outbox.models import IN_DOUBT, PENDING, SENDING, Letter
from openhotline.policy import Policy
from openhotline.records.models import Consultation, Hold, Item, Likeness, Removal
from openhotline.rules import item_path, removal_path
from openhotline.rules.letter_path import ASK_EVERY
from openhotline.rules.refusals import Refused
from openhotline.steps import due, likeness

log = logging.getLogger("openhotline.worker")
SWEEP_EVERY = timedelta(
    seconds=2
)  # house time: how soon an act of a person is taken up where nothing else stirs


@dataclass
class Engine:
    """What a worker needs to turn: its prober, its post, its spool."""

    policy: Policy
    prober: Prober
    post: Post
    vantages: tuple[str, ...]
    onions: tuple[str, ...] = ()  # the vantage points for onion addresses
    filer: Filer | None = None
    check_rate: float = poll.RATE  # looks a second for the whole house
    mailroom: Mailroom | None = None
    strict: bool = False  # tests and the demo want to see every fault
    faults: list[str] = field(default_factory=list)
    compared_at: datetime | None = None
    reconciled_at: datetime | None = None
    _swept_at: datetime | None = None
    _stirred: bool = True  # something was done since the last sweep began

    def turn(self, at: datetime) -> int:
        """Do everything that is due at `at`, once. Returns how much was done.

        A part that cannot work just now (the prober is away) is logged and does not stop the others.
        """
        done = 0
        for name, part in self.parts(at):
            try:
                count = part()
                done += count
                self._stirred |= count > 0
            except (ProberUnreachable, Refused) as fault:
                # Refused: somebody moved it between our reading and our writing; the next turn sees it as it is.
                self._fault(name, fault.sentence)
            except Exception:
                if self.strict:
                    raise
                # One bad row must not stop the house: the other parts go on, and the fault is in the log.
                log.exception("%s: this part failed; the others go on.", name)
        return done

    def parts(self, at: datetime) -> tuple[tuple[str, Callable[[], int]], ...]:
        """What a turn at `at` consists of, in its order."""
        return (
            # A child may be at risk: nothing stands before this letter.
            ("alarms", lambda: dispatch.letters(self.post, policy=self.policy, at=at, kinds=["alarm"])),
            ("spool", lambda: self.filer.file(policy=self.policy, at=at) if self.filer else 0),
            (
                "mail",
                lambda: (
                    self.mailroom.read(self.post, policy=self.policy, at=at, strict=self.strict)
                    if self.mailroom
                    else 0
                ),
            ),
            ("traces", lambda: dispatch.traces(self.prober, policy=self.policy, at=self.post.moment(at))),
            (
                "traces before departure",
                lambda: dispatch.retrace_before_departure(self.prober, policy=self.policy, at=at),
            ),
            (
                "first sights",
                lambda: poll.first_sights(self.prober, vantages=self.vantages, onions=self.onions, at=at),
            ),
            (
                "checks",
                lambda: poll.checks(
                    self.prober,
                    vantages=self.vantages,
                    onions=self.onions,
                    policy=self.policy,
                    at=self.post.moment(at),
                    rate=self.check_rate,
                ),
            ),
            ("sweeps", lambda: self._sweep(at)),
            ("letters", lambda: dispatch.letters(self.post, policy=self.policy, at=at)),
            ("partners", lambda: dispatch.partners(self.post, policy=self.policy, at=at)),
            ("hosts' programs", lambda: dispatch.hooks(self.post, policy=self.policy, at=at)),
            ("the exchange", lambda: exchange.turn(self.post, policy=self.policy, at=at)),
            ("letters in doubt", lambda: doubt.settle(self.post, policy=self.policy, at=at)),
            ("comparison", lambda: self._compare(at)),
            ("ledger", lambda: put_in_order() and 0),
        )

    def _sweep(self, at: datetime) -> int:
        """A sweep asks some thirty questions of the database; a worker that turns for nothing need not ask them."""
        last = self._swept_at
        if not self._stirred and last is not None and last <= at < last + SWEEP_EVERY:
            return 0
        self._swept_at, self._stirred = at, False
        return sweep(policy=self.policy, at=at, strict=self.strict)

    def _compare(self, at: datetime) -> int:
        """The hour's comparison with relay and partners, and the day's with partners. It finds and does nothing, so it counts as nothing."""
        if self.compared_at is None or not self.compared_at <= at < self.compared_at + reconcile.EVERY:
            self.compared_at = at
            reconcile.compare(self.post, at=at)
        if self.reconciled_at is None or not self.reconciled_at <= at < self.reconciled_at + reconcile.DAILY:
            self.reconciled_at = at
            reconcile.daily(self.post, policy=self.policy, at=at)
        return 0

    def _fault(self, name: str, sentence: str) -> None:
        if sentence not in self.faults:
            self.faults.append(sentence)
        log.warning("%s: %s", name, sentence)

    def settle(self, at: datetime, *, most: int = 1000) -> int:
        """Turn until nothing is due at `at`. Returns how much was done."""
        total = 0
        self._stirred = True  # people may have acted at this very moment
        for _ in range(most):
            done = self.turn(at)
            if not done:
                return total
            total += done
        raise RuntimeError("The machine did not come to rest: something stays due for ever.")


def _asked_again(after: datetime) -> datetime | None:
    """When a partner is asked again about a letter in doubt."""
    last = Letter.objects.filter(
        state=IN_DOUBT, transport__in=["partner", "exchange", "hook"], asked_at__gt=after - ASK_EVERY
    )
    moment = last.aggregate(t=Min("asked_at"))["t"]
    return moment + ASK_EVERY if moment else None


def next_deadline(after: datetime) -> datetime | None:
    """The next moment at which something is due, later than `after`. For the world's clock, which jumps."""
    moments = [
        due.next_turn(after),
        Likeness.objects.filter(at=None, tries__lt=likeness.TRIES, wanted_at__gt=after).aggregate(
            t=Min("wanted_at")
        )["t"],
        Removal.objects.filter(
            next_check_at__gt=after, status__in=[*removal_path.STILL_OPEN, *removal_path.WATCHED]
        ).aggregate(t=Min("next_check_at"))["t"],
        Removal.objects.filter(due_at__gt=after).aggregate(t=Min("due_at"))["t"],
        Item.objects.filter(due_at__gt=after, status__in=item_path.OPEN).aggregate(t=Min("due_at"))["t"],
        Item.objects.filter(locked_until__gt=after).aggregate(t=Min("locked_until"))["t"],
        Hold.objects.filter(released_at=None, until__gt=after).aggregate(t=Min("until"))["t"],
        Letter.objects.filter(state=PENDING, due_at__gt=after).aggregate(t=Min("due_at"))["t"],
        Letter.objects.filter(state=SENDING, lease_until__gt=after).aggregate(t=Min("lease_until"))["t"],
        _asked_again(after),
        Consultation.objects.filter(answered_at=None, due_at__gt=after).aggregate(t=Min("due_at"))["t"],
    ]
    return min((moment for moment in moments if moment is not None), default=None)
