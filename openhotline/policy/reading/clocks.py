"""The hotline's own clocks (`clocks.toml`) and the rungs of the ladder (`ladder.toml`).

What is not here: how one field is read (`policy/table.py`), and what follows from the values (`openhotline/rules`).
"""

from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any

from openhotline.policy.table import Table
from openhotline.rules.ladder import STEPS, RungRow


@dataclass(frozen=True, slots=True)
class Clocks:
    """The hotline's own clocks (`clocks.toml`)."""

    assess_high: timedelta
    assess: timedelta
    lock: timedelta
    second_reader: timedelta
    lead_decides: timedelta
    incomplete: timedelta
    retry: tuple[timedelta, ...]
    trace_valid: timedelta
    origin: timedelta
    bundle: timedelta
    unavailable: tuple[timedelta, ...]  # re-checks after a partner says it is unavailable (row 37)
    watch: tuple[timedelta, ...]  # counted from the day it was gone
    partner_query: timedelta
    partner_escalate: timedelta
    partner_review: timedelta  # police abroad who acknowledged: then managers look at it
    safeguarding: timedelta
    host_query: timedelta
    appeal_acknowledge: timedelta
    appeal_result: timedelta
    reporter_contact: timedelta
    looking_day: timedelta
    request_check: timedelta  # what police ask of the hotline: the outcome report is due then
    request_preserve: timedelta
    request_statement: timedelta
    request_decision: timedelta
    request_note: timedelta
    difference: timedelta  # then a difference that nobody took is brought before managers
    letter_wait: timedelta  # then managers hear that a letter waits for a person
    domain_wait: timedelta  # then managers hear which domain alerts a hold or a question keeps back

    def request(self, kind: str) -> timedelta:
        """How long a request of police of this kind may take."""
        span: timedelta = getattr(self, f"request_{kind}")
        return span


def clocks(table: Table) -> Clocks:
    """`[clocks]` of clocks.toml."""
    inner = table.table("clocks")
    values: dict[str, Any] = {}
    for field in fields(Clocks):
        values[field.name] = (
            inner.spans(field.name)
            if field.name in ("retry", "watch", "unavailable")
            else inner.span(field.name)
        )
    return Clocks(**values)


def rung(row: Table) -> RungRow:
    """`[[rung]]` of ladder.toml."""
    return RungRow(
        key=row.one_of("key", STEPS),
        after=row.span("after"),
        words=row.text("words"),
        mail=row.text("mail", ""),
    )
