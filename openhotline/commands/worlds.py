"""`openhotline world serve`: the synthetic internet, in the foreground; and its score of the vote (`scores.py`)."""

import os
from pathlib import Path

import typer

from openhotline.commands import common, scores


def register(app: typer.Typer) -> None:
    """Add the verbs of this file."""
    group = typer.Typer(help="The synthetic internet on loopback.", no_args_is_help=True)
    group.command("serve")(serve)
    group.command("score")(scores.score)
    app.add_typer(group, name="world")


def serve(
    seed: int = typer.Option(1, min=0, max=common.MOST, help="The same seed plays the same day."),
    bundle: int = typer.Option(
        433, min=0, max=common.MANY, help="How many addresses one host holds on one day."
    ),
    smtp_port: int = typer.Option(0, min=0, max=65535, help="Port of the mail relay; 0: any free one."),
    partner_port: int = typer.Option(
        0, min=0, max=65535, help="Port of the partner hotline; 0: any free one."
    ),
    data_dir: Path = typer.Option(None, help="A demo house's data directory; default: OPENHOTLINE_DATA_DIR."),
) -> None:
    """Serve DNS, RDAP, web hosts, SMTP, a partner hotline and a police unit until stopped."""
    if data_dir is not None:
        os.environ["OPENHOTLINE_DATA_DIR"] = str(data_dir)
    settings = common.open_house(made=False)
    from openhotline.world import serve as room

    common.quiet.print("The world is starting. Nothing in it is real.", highlight=False)
    room.main(
        data_dir=settings.data,
        kind=settings.kind,
        seed=seed,
        bundle=bundle,
        smtp_port=smtp_port,
        partner_port=partner_port,
    )
