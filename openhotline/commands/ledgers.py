"""`openhotline ledger verify|sequence`: is the record whole?"""

import typer

from openhotline.commands import common


def register(app: typer.Typer) -> None:
    """Add the verbs of this file."""
    group = typer.Typer(help="The tamper-evident log.", no_args_is_help=True)
    group.command("verify")(verify)
    group.command("sequence")(sequence)
    app.add_typer(group, name="ledger")


def verify(as_json: bool = typer.Option(False, "--json", help="Keys: ok, entries, root, first_bad.")) -> None:
    """Recompute the root from the first entry. Exit 0 whole, 1 tampered, 2 incomplete.

    Entries that were written a moment ago and wait for their place are given it first, as the worker would.
    """
    common.open_house()
    from openhotline.ledger import verify as room
    from openhotline.ledger.record import sequence as put_in_order

    while put_in_order():
        pass
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
    from openhotline.ledger.record import sequence as put_in_order

    total = 0
    while done := put_in_order():
        total += done
    common.console.print(f"{total:,} entries put in order.", highlight=False)
