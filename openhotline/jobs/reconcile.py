"""Does the outbox agree with the relay's log and with what partners say they have? Every hour in short, every day in full.

True here: a difference is a row with an owner (`steps/difference`). A comparison ends only differences it looked for: what
the hour asked about, and once a day everything of the last thirty days, what partners say they did, and what they have that
we never sent. Nothing is sent, settled or moved: this only finds. Not here: delivery reports that come back as mail.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from django.db.models import Exists, OuterRef

from openhotline import policy as policies
from openhotline.connectors.iccam import client as iccam
from openhotline.connectors.relaylog.meaning import Seen
from openhotline.jobs import exchange
from openhotline.jobs.post import EXCHANGE, HTTP, SMTP, Known, Post
from openhotline.outbox.entries import TO_FORGET
from openhotline.outbox.models import FAILED, IN_DOUBT, SENDING, SENT, Difference, Letter
from openhotline.policy import Policy
from openhotline.records.models import Check, Partner, PartnerMessage, ReferralAction, ReferralLine
from openhotline.rules import abroad, removal_path
from openhotline.steps import difference
from openhotline.steps.difference import RELAY_LOG, Found
from openhotline.steps.exchange_back import KIND

__all__ = ["DAILY", "EVERY", "Seen", "compare", "daily", "listed"]

EVERY = timedelta(hours=1)
DAILY = timedelta(days=1)
BACK = timedelta(days=2)  # letters sent in this time are compared by the hour
FAR_BACK = timedelta(days=30)  # and in this by the day
MOST = 500  # letters a partner is asked about in one comparison
SILENT = 3  # questions in a row that a partner leaves open, until it is left alone
SETTLING = timedelta(days=2)  # how long the two sides may take to see the same

NOT_OURS = "taken, unknown to the outbox"
NOT_SENT = "taken, not sent in the outbox"
NOT_THERE = "sent, not found there"
BOUNCED = "bounced afterwards"
OTHER_NUMBER = "another reference"
TWICE = "taken twice"
SAID_GONE = "said removed there, seen up here"
GONE_HERE = "gone here, open there"
NOT_CONFIRMED = "filed here, not known there"
WORD_REFUSED = "our word refused there"
_LETTERS = (NOT_THERE, OTHER_NUMBER)  # found by asking about one letter
_LISTS = (NOT_OURS, NOT_SENT, TWICE)  # found only where a partner lists what it has
_STATES = (SAID_GONE, GONE_HERE, NOT_CONFIRMED, WORD_REFUSED)  # found in our own records of what it said


def compare(post: Post, *, at: datetime) -> int:
    """The hour's comparison. Returns how many differences are open after it."""
    found: set[Found] = set()
    log = post.read_log()
    if log is not None:
        found |= {(RELAY_LOG, what, key) for what, key in _with_log(log.taken, at)}
    asked: set[tuple[str, str]] = set()
    for side, what, key in _with_partners(post, since=at - BACK):
        asked.add((side, key))
        if what:
            found.add((side, what, key))
    return difference.file(
        found,
        lambda row: (
            log is not None
            if row.side == RELAY_LOG
            else row.what in _LETTERS and (row.side, row.key) in asked
        ),
        at=at,
    )


@dataclass
class Compared:
    """One partner in the day's comparison. `why`: what could not be compared, and why, "" if nothing."""

    partner: Partner
    asked: int = 0
    answered: int = 0
    listed: bool = False
    why: str = ""
    found: set[Found] = field(default_factory=set)


def daily(post: Post, *, policy: Policy, at: datetime) -> list[Compared]:
    """The day's comparison with every partner hotline that is reached: what they lost or dated back is fetched first."""
    every = []
    for partner in Partner.objects.filter(kind="hotline").exclude(url="").order_by("pk"):
        one = Compared(partner)
        side = _side(partner.key)
        if partner.protocol == EXCHANGE:
            exchange.read(partner, post, policy=policy, at=at, back=FAR_BACK)
            exchange.answers(partner, post, policy=policy, at=at, every=timedelta(0))
            partner.refresh_from_db()
            one.why = partner.read_why
        asked: set[tuple[str, str]] = set()
        mine = Letter.objects.filter(recipient=partner.key, way__in=[HTTP, EXCHANGE], state=SENT).exclude(
            kind=KIND
        )
        one.asked = mine.filter(sent_at__gt=at - FAR_BACK)[:MOST].count()
        for where, what, key in _with_partners(post, since=at - FAR_BACK, to=partner.key):
            asked.add((where, key))
            if what:
                one.found.add((where, what, key))
        one.answered = len(asked)
        if one.answered < one.asked and not one.why:
            one.why = "It gave no answer about some of what we sent; they are asked about again tomorrow."
        one.found |= {(side, what, key) for what, key in _with_list(one, post, at)}
        one.found |= {(side, what, key) for what, key in _with_what_was_said(partner, at)}
        whats = (*_STATES, *(_LISTS if one.listed else ()))
        difference.file(
            one.found,
            partial(_covers, side=side, whats=whats, asked=asked),
            at=at,
        )
        every.append(one)
    return every


def _covers(row: Difference, *, side: str, whats: Sequence[str], asked: set[tuple[str, str]]) -> bool:
    return row.side == side and (row.what in whats or (row.side, row.key) in asked)


def _side(key: str) -> str:
    return f"partner:{key}"[:64]


def _with_log(taken: dict[str, Seen], at: datetime) -> Iterator[tuple[str, str]]:
    """(what, key) for each difference with the relay's log."""
    states: dict[str, str] = {}
    keys = list(taken)
    for start in range(0, len(keys), 900):
        states |= dict(Letter.objects.filter(key__in=keys[start : start + 900]).values_list("key", "state"))
    for key, seen in taken.items():
        if key not in states:
            yield NOT_OURS, key
        elif states[key] not in (SENT, SENDING, IN_DOUBT):
            yield NOT_SENT, key
        elif seen.status == "bounced" and states[key] == SENT:
            yield BOUNCED, key
    sent = Letter.objects.filter(way=SMTP, state=SENT, sent_at__gt=at - BACK).order_by("sent_at")
    inside = [(key, key in taken) for key in sent.values_list("key", flat=True)]
    known = [place for place, (_, there) in enumerate(inside) if there]
    # Only between two letters that it names is it known that the log was kept.
    for key, there in inside[known[0] : known[-1]] if known else []:
        if not there:
            yield NOT_THERE, key


def _with_partners(post: Post, *, since: datetime, to: str = "") -> Iterator[Found]:
    """(side, what, key) per letter a partner was asked about and answered; what is "" where both agree."""
    rows = Letter.objects.filter(way__in=[HTTP, EXCHANGE], state=SENT, sent_at__gt=since).exclude(kind=KIND)
    if to:
        rows = rows.filter(recipient=to)
    for letter, known in _asked(post, list(rows.order_by("-sent_at")[:MOST])):
        side = _side(letter.recipient)
        if known.said == "not taken":
            yield side, NOT_THERE, letter.key
        elif known.said == "taken":
            other = bool(known.reference and letter.receipt and known.reference != letter.receipt)
            yield side, OTHER_NUMBER if other else "", letter.key


def _asked(post: Post, letters: Sequence[Letter]) -> Iterator[tuple[Letter, Known]]:
    """What each partner says about its letters: by its list where it gives one, else one by one while it answers."""
    groups: dict[tuple[str, str], list[Letter]] = defaultdict(list)
    for letter in letters:
        groups[letter.recipient, letter.way].append(letter)
    for (recipient, way), group in groups.items():
        oldest = min((letter.sent_at for letter in group if letter.sent_at), default=None)
        rows = None
        if way == EXCHANGE and oldest is not None:
            since = oldest - SETTLING  # its clock and ours need not agree
            rows = iccam.sent(post.exchange(recipient), policies.exchange_codes(), since=since)
        if rows is not None:
            theirs: dict[str, str] = {}
            for number, ours in rows:
                theirs.setdefault(ours, number)
            for letter in group:
                there = letter.number in theirs
                yield letter, Known("taken" if there else "not taken", theirs.get(letter.number, ""))
            continue
        silent = 0
        for letter in group:
            known = post.ask(letter)
            silent = silent + 1 if known.said == "unknown" else 0
            yield letter, known
            if silent >= SILENT:
                break  # each question may take as long as the line lets it: the worker has other things to do


def _with_list(one: Compared, post: Post, at: datetime) -> Iterator[tuple[str, str]]:
    """(what, key) where what a partner lists as ours is not what we sent. The key is our number, or theirs if none."""
    if one.partner.protocol != EXCHANGE:
        return
    rows = iccam.sent(post.exchange(one.partner.key), policies.exchange_codes(), since=at - FAR_BACK)
    if rows is None:
        return
    one.listed = True
    states = dict(
        Letter.objects.filter(
            kind="referral", recipient=one.partner.key, number__in=[ours for _, ours in rows]
        ).values_list("number", "state")
    )
    seen: dict[str, set[str]] = {}
    for theirs, ours in rows:
        seen.setdefault(ours, set()).add(theirs)
    for ours, theirs_ in seen.items():
        if ours not in states:
            yield from ((NOT_OURS, f"{ours or 'no number'} ({theirs})"[:64]) for theirs in sorted(theirs_))
        elif states[ours] not in (SENT, SENDING, IN_DOUBT):
            yield NOT_SENT, ours[:64]
        if ours in states and len(theirs_) > 1:
            yield TWICE, ours[:64]


def _with_what_was_said(partner: Partner, at: datetime) -> Iterator[tuple[str, str]]:
    """(what, key) where what a partner said it did is not what we see. The key is our number and the item's reference."""
    lines = ReferralLine.objects.filter(referral__partner=partner, referral__sent_at__gt=at - FAR_BACK)
    said = ReferralAction.objects.filter(line=OuterRef("pk"))
    up = Check.objects.filter(removal=OuterRef("removal"), meaning="up")
    removed = said.filter(action=abroad.REMOVED, done_at__lte=at - SETTLING)
    gone = lines.filter(Exists(removed), removal__status__in=removal_path.ABROAD)
    for line in gone.filter(Exists(up.filter(at__gt=at - SETTLING))).select_related(
        "referral", "removal__item"
    ):
        yield SAID_GONE, f"{line.referral.number} {line.removal.item.ref}"[:64]
    if partner.protocol != EXCHANGE:
        return  # it need not say what it did
    open_there = lines.filter(
        ~Exists(said.filter(action__in=abroad.FINAL)),
        removal__status__in=[removal_path.REMOVED, removal_path.CLOSED],
        removal__t8_gone__lte=at - SETTLING,
    )
    for line in open_there.select_related("referral", "removal__item"):
        yield GONE_HERE, f"{line.referral.number} {line.removal.item.ref}"[:64]
    late = PartnerMessage.objects.filter(
        partner=partner, report__isnull=False, confirmed_at=None, at__lte=at - DAILY
    )
    for theirs in late.values_list("their_id", flat=True):
        yield NOT_CONFIRMED, theirs
    refused = Letter.objects.filter(kind=KIND, recipient=partner.key, state=FAILED)
    for number in refused.values_list("number", flat=True):
        yield WORD_REFUSED, number[:64]


def listed(*, state: str = "", limit: int = 200) -> dict[str, object]:
    """The outbox as `openhotline outbox list --json` prints it."""
    from django.db.models import Count

    rows = Letter.objects.exclude(transport="prober")
    counts = dict(rows.values_list("state").annotate(n=Count("pk")))
    chosen = rows.filter(state=state) if state else rows.exclude(state__in=[SENT, "withdrawn"])
    return {
        "counts": counts,
        "letters": [
            {
                "key": row.key,
                "kind": row.kind,
                "number": row.number,
                "recipient": "" if row.kind in TO_FORGET else row.recipient,
                "transport": row.transport,
                "way": row.way,
                "state": row.state,
                "attempts": row.attempts,
                "put_at": row.put_at.isoformat(),
                "due_at": row.due_at.isoformat(),
                "sent_at": row.sent_at.isoformat() if row.sent_at else None,
                "asked_at": row.asked_at.isoformat() if row.asked_at else None,
                "digest": row.digest,
                "receipt": row.receipt,
                "why": row.why,
            }
            for row in chosen.defer("body", "text").order_by("due_at", "pk")[:limit]
        ],
        "differences": [
            {
                "side": row.side,
                "what": row.what,
                "key": row.key,
                "owner": row.owner,
                "taken_by": row.taken_by,
                "at": row.at.isoformat(),
            }
            for row in Difference.objects.filter(settled_at=None).order_by("at", "pk")[:limit]
        ],
    }


def told(every: Sequence[Compared], *, at: datetime) -> dict[str, object]:
    """The day's comparison as `openhotline partner reconcile --json` prints it."""
    sides = [_side(one.partner.key) for one in every]
    open_ = list(Difference.objects.filter(settled_at=None, side__in=sides).order_by("at", "pk"))
    return {
        "at": at.isoformat(),
        "partners": [
            {
                "key": one.partner.key,
                "protocol": one.partner.protocol,
                "asked": one.asked,
                "answered": one.answered,
                "listed": one.listed,
                "why": one.why,
                "differences": sum(row.side == _side(one.partner.key) for row in open_),
            }
            for one in every
        ],
        "differences": [
            {
                "side": row.side,
                "what": row.what,
                "key": row.key,
                "owner": row.owner,
                "taken_by": row.taken_by,
                "at": row.at.isoformat(),
            }
            for row in open_
        ],
    }
