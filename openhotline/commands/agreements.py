"""`agreement show`, `agreement report`: what was agreed with police, and how both sides kept it; and `matcher`."""

from dataclasses import asdict

import typer
from rich.table import Table

from openhotline.commands import common


def register(app: typer.Typer) -> None:
    """Add the verbs of this file."""
    agreement = typer.Typer(help="Agreements with police.", no_args_is_help=True)
    agreement.command("show")(show)
    agreement.command("report")(report)
    app.add_typer(agreement, name="agreement")
    app.command("matcher")(matcher)


def show(
    key: str = typer.Argument("", help="An agreement's key, for example authorise-first; all if left out."),
    as_json: bool = typer.Option(False, "--json"),
) -> None:
    """Every version of an agreement, in words."""
    settings = common.open_house()
    from openhotline.rules.agreement_words import lines

    policy = common.policy_of(settings)
    if key:
        policy.agreement(key)
    shown = [one for one in policy.agreements if not key or one.key == key]
    if as_json:
        listed = [
            {"key": one.key, "name": one.name, "version": one.version, "terms": dict(lines(one))}
            for one in shown
        ]
        common.say({"agreements": listed}, as_json=True)
        return
    for one in shown:
        table = Table("", "", title=f"{one.name} ({one.version})", show_header=False)
        for heading, sentence in lines(one):
            table.add_row(heading, sentence)
        common.console.print(table)


def report(
    year: int | None = typer.Argument(
        None, min=1990, max=2200, help="The year; the one that runs if left out."
    ),
    as_json: bool = typer.Option(False, "--json"),
) -> None:
    """How each agreement was kept in a year, by both sides."""
    settings = common.open_house()
    from openhotline.statistics import agreements

    at = settings.clock().now()
    kept = agreements.report(year or at.year, policy=common.policy_of(settings), at=at)
    if as_json:
        common.say({"year": year or at.year, "agreements": [asdict(one) for one in kept]}, as_json=True)
        return
    for one in kept:
        table = Table("", "", title=f"{one.name} ({one.version}), {one.year}", show_header=False)
        for heading, value in agreements.rows(one):
            table.add_row(heading, value)
        common.console.print(table)
    if not kept:
        common.console.print("No question was put under any agreement in that year.")


def matcher(once: bool = typer.Option(False, "--once", help="One round, then stop.")) -> None:
    """Compare what units digested with what the house knows. A process of its own: it alone reads matcher.key."""
    import signal
    import threading

    settings = common.open_house(door="worker")
    from openhotline.jobs import matcher as job

    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    compared = job.run(settings, once=once, stop=stop)
    common.console.print(f"Compared {compared}.", highlight=False)
