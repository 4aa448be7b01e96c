"""`outbox list`: what waits to leave the house, what may have arrived, and where outbox and other side differ."""

import typer
from rich.table import Table

from openhotline.commands import common
from openhotline.commands.faults import Misused
from openhotline.rules.letter_path import STATES


def register(app: typer.Typer) -> None:
    """Add the verbs of this file."""
    outbox = typer.Typer(help="Letters that leave the house.", no_args_is_help=True)
    outbox.command("list")(listed)
    app.add_typer(outbox, name="outbox")


def listed(
    state: str = typer.Option("", help="Only letters in this state; default: all that are not settled."),
    limit: int = typer.Option(200, min=1, max=common.MANY, help="How many."),
    as_json: bool = typer.Option(False, "--json", help="Keys: counts, letters, differences."),
) -> None:
    """Letters that wait, are being handed over, are in doubt or need a person; and open differences."""
    if state and state not in STATES:
        raise Misused(f"“{state}” is not a state of a letter. One of: {', '.join(STATES)}.", code="state")
    common.open_house()
    from openhotline.jobs import reconcile

    value = reconcile.listed(state=state, limit=limit)
    if as_json:
        common.say(value, as_json=True)
        return
    table = Table("Letter", "To", "State", "Tries", "Why", title="Outbox")
    for row in value["letters"]:  # type: ignore[attr-defined]
        table.add_row(
            f"{row['kind']} {row['number']}", row["recipient"], row["state"], str(row["attempts"]), row["why"]
        )
    common.console.print(table)
    for row in value["differences"]:  # type: ignore[attr-defined]
        common.console.print(f"{row['side']}: {row['what']}: {row['key']} ({row['owner']})", highlight=False)
