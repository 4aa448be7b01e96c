"""Finds deadlines that passed and hands each to the step it belongs to. Moves nothing itself."""

import logging
from collections.abc import Callable
from datetime import datetime

from django.db import connection

from openhotline.ledger.record import sequence
from openhotline.outbox import settling
from openhotline.policy import Policy
from openhotline.rules.refusals import Refused
from openhotline.rules.words import MACHINE_WORKER
from openhotline.steps import (
    alarm,
    alert,
    answer,
    appeal,
    assess,
    check,
    close,
    consult,
    deconflict,
    difference,
    domain_alert,
    due,
    escalate,
    filter_list,
    ladder,
    origin,
    refer,
    requests,
    stuck,
)

log = logging.getLogger("openhotline.worker")
_LOCK = 0x7377656570  # "sweep"
Sweep = Callable[[Policy, datetime], int]

# In this order: what frees comes before what asks, what asks before what closes.
SWEEPS: tuple[tuple[str, Sweep], ...] = (
    ("letters left by a crash", lambda policy, at: settling.recover(at=at, by=MACHINE_WORKER)),
    ("locks that ran out", lambda policy, at: assess.free_locks(by=MACHINE_WORKER, at=at)),
    ("unreachable, to be tried again", lambda policy, at: assess.retry_unreachable(at=at, policy=policy)),
    ("holds that end", lambda policy, at: answer.release_due(at=at)),
    ("holds to review", lambda policy, at: escalate.hold_reviews(policy=policy, at=at) and 0),
    ("origins nobody named", lambda policy, at: origin.treat_as_edge(policy=policy, at=at)),
    ("traces that ran out", lambda policy, at: check.to_trace(policy=policy, at=at)),
    ("questions to the police", lambda policy, at: len(consult.ask_due(policy=policy, at=at))),
    ("go-aheads that ran out", lambda policy, at: len(consult.ask_expired(policy=policy, at=at))),
    ("referrals abroad", lambda policy, at: len(refer.refer_due(at=at))),
    ("hosts abroad to alert", lambda policy, at: alert.hosts_due(at=at)),
    ("domains to alert about", lambda policy, at: domain_alert.sweep(policy=policy, at=at)),
    ("addresses off the filter list", lambda policy, at: filter_list.take_off(policy=policy, at=at)),
    ("the filter list made up", lambda policy, at: filter_list.issue(policy=policy, at=at)),
    ("referrals to ask about", lambda policy, at: refer.partner_clocks(policy=policy, at=at)),
    ("alarms nobody acknowledged", lambda policy, at: alarm.overdue(policy=policy, at=at)),
    ("police silence", lambda policy, at: escalate.police_silence(policy=policy, at=at)),
    ("hosts past their time", lambda policy, at: escalate.host_clocks(policy=policy, at=at)),
    ("rungs of the ladder", lambda policy, at: ladder.climb(policy=policy, at=at)),
    ("appeals past their time", lambda policy, at: appeal.late(policy=policy, at=at)),
    ("turns of hosts long past", lambda policy, at: due.forget(at=at) and 0),
    ("checks police asked for", lambda policy, at: requests.report_checks(at=at)),
    ("requests past their time", lambda policy, at: requests.late(policy=policy, at=at)),
    ("digest keys whose year is over", lambda policy, at: deconflict.retire_due(at=at)),
    ("watches that are over", lambda policy, at: close.close_watched(policy=policy, at=at)),
    ("letters that wait for a person", lambda policy, at: stuck.untold(policy=policy, at=at)),
    ("differences nobody took", lambda policy, at: difference.untaken(policy=policy, at=at)),
    ("answers to reporters", lambda policy, at: close.answer_reports(at=at)),
    ("incomplete reports", lambda policy, at: close.close_incomplete(policy=policy, at=at)),
    ("contacts to forget", lambda policy, at: close.forget_contacts(at=at)),
    ("reports to anonymise", lambda policy, at: close.anonymise(policy=policy, at=at)),
)


def sweep(*, policy: Policy, at: datetime, strict: bool = False) -> int:
    """One round over everything that may be due. Returns how many things were done.

    One process sweeps at a time (PostgreSQL: an advisory lock); another that comes meanwhile does nothing.
    """
    if connection.vendor != "postgresql":
        return _each(policy, at, strict=strict)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK])
        if not cursor.fetchone()[0]:
            return 0
        try:
            return _each(policy, at, strict=strict)
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])


def _each(policy: Policy, at: datetime, *, strict: bool) -> int:
    """Every sweep in turn. One that fails is logged and does not starve those after it; `strict` raises."""
    done = 0
    for name, run in SWEEPS:
        try:
            done += run(policy, at)
        except Refused as fault:
            log.warning("%s: %s", name, fault.sentence)
        except Exception:
            if strict:
                raise
            log.exception("%s: this sweep failed; the others go on.", name)
    return done


def put_in_order(limit: int = 50_000) -> int:
    """Sequence the ledger's staged entries, unless another worker is at it. Returns how many."""
    return sequence(limit, wait=False)
