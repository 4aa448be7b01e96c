"""`openhotline ledger verify|sequence`: is the record whole?"""

import sys

import typer
from django.db import DatabaseError

from openhotline.commands import common, faults
from openhotline.rules.refusals import Refused


def register(app: typer.Typer) -> None:
    """Add the verbs of this file."""
    group = typer.Typer(help="The tamper-evident log.", no_args_is_help=True)
    group.command("verify")(verify)
    group.command("sequence")(sequence)
    app.add_typer(group, name="ledger")


def verify(as_json: bool = typer.Option(False, "--json", help="Keys: ok, entries, root, first_bad.")) -> None:
    """Recompute the root from the first entry, writing nothing. Exit 0 whole, 1 tampered, 2 incomplete or not there.

    Entries that were written a moment ago and wait for their place are read behind the others.
    """
    lacking = ""
    try:
        common.open_house()
    except (Refused, DatabaseError) as fault:
        refusal = faults.refusal_of(fault)
        if refusal.code not in ("no-house", "database"):
            raise
        lacking = refusal.sentence
        sys.stderr.write(f"{lacking}\n")
    from openhotline.ledger import verify as room

    if lacking:
        verdict = room.absent(lacking)
    else:
        with common.progress("Verifying", None, show=not as_json) as bar:
            verdict = room.verify(progress=bar)
    common.say(
        {"ok": verdict.ok, "entries": verdict.entries, "root": verdict.root, "first_bad": verdict.first_bad},
        as_json=as_json,
        words=(
            f"{'Whole' if verdict.ok else 'NOT whole'}: {verdict.entries:,} entries. {verdict.why}\n"
            f"root {verdict.root}\n{verdict.note}"
        ),
    )
    raise typer.Exit(verdict.exit_code)


def sequence() -> None:
    """Put staged entries in order now; the worker does this all the time."""
    common.open_house()
    common.console.print(f"{_put_in_order():,} entries put in order.", highlight=False)


def _put_in_order() -> int:
    """Give every staged entry its place. Returns how many were given one."""
    from openhotline.ledger.record import sequence as put_in_order

    total = 0
    with common.progress("Placing", None) as bar:
        while done := put_in_order():
            total += done
            bar(total)
    return total
