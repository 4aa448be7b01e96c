"""`openhotline doctor`: looks at a house from its own machine and says what it sees, one sentence a look.

True here: every look ends in a finding, whatever happens; nothing is changed (what is tried is rolled
back). Not here: the looks at the machine (`doctor_machine`) and at the records (`doctor_records`).
"""

import os
from collections.abc import Callable, Iterator

from openhotline.jobs import doctor_machine
from openhotline.jobs.findings import UNSAFE, Finding, fine, unsafe, warning
from openhotline.rules.refusals import Refused
from openhotline.settings import Settings, load

Look = Callable[[Settings], Finding]

ON_THE_MACHINE: tuple[tuple[str, Look], ...] = (
    ("settings", doctor_machine.settings_fit),
    ("restore", doctor_machine.restored_whole),
    ("keys", doctor_machine.keys_kept),
    ("recovery key", doctor_machine.recovery_key),
    ("disk", doctor_machine.disk),
    ("spool", doctor_machine.spool),
    ("spool leftovers", doctor_machine.spool_leftovers),
    ("clock", doctor_machine.clock),
    ("prober", doctor_machine.prober),
    ("vantage points", doctor_machine.lines_out),
    ("mmdb", doctor_machine.mmdb),
    ("registries", doctor_machine.registries),
    ("backup", doctor_machine.backup),
)


def examine() -> Iterator[Finding]:
    """Every finding, one after the other. Never raises."""
    try:
        settings = load()
    except Refused as refusal:
        yield unsafe(
            "settings", refusal.sentence, "Mend the environment variable it names, then run doctor again."
        )
        return
    for name, look in ON_THE_MACHINE:
        yield _safely(name, look, settings)
    try:
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "openhotline.django_settings")
        import django

        django.setup()
        from openhotline.jobs import doctor_records

        database = doctor_records.reachable(settings)
    except Exception as fault:
        yield unsafe("database", f"The database cannot be looked at: {_short(fault)}.", _REACH)
        return
    yield database
    if not database.ok:
        return
    for name, look in doctor_records.LOOKS:
        yield _safely(name, look, settings)


_REACH = "See that the database runs, and that OPENHOTLINE_DATABASE_URL and OPENHOTLINE_DATA_DIR name the right house."


def _safely(name: str, look: Look, settings: Settings) -> Finding:
    try:
        return look(settings)
    except Exception as fault:  # a doctor that falls over helps nobody
        return warning(
            name, f"This could not be looked at: {_short(fault)}.", "Mend what the other findings name first."
        )


def _short(fault: Exception) -> str:
    text = str(fault).strip().splitlines()
    return (text[0] if text else type(fault).__name__)[:300].rstrip(".")


def verdict(findings: list[Finding]) -> int:
    """The exit code: 1 where anything is unsafe, else 0."""
    return int(any(finding.level == UNSAFE for finding in findings))


__all__ = ["examine", "fine", "verdict"]
