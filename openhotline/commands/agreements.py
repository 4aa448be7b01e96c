"""`agreement show`, `agreement report`: what was agreed with police, and how both sides kept it; and `matcher`."""

from dataclasses import asdict

import typer
from rich.table import Table
from rich.text import Text

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
    from openhotline.records.agreements import house_agreements
    from openhotline.rules.agreement_words import lines

    agreements = house_agreements(policy=common.policy_of(settings))
    shown = agreements.history(key) if key else agreements.versions
    today = agreements.day(settings.clock().now())
    if as_json:
        listed = [
            {
                "key": one.key,
                "name": one.name,
                "version": one.version,
                "in_force": one.in_force(today),
                "from": one.valid_from.isoformat(),
                "until": one.valid_until.isoformat() if one.valid_until else None,
                "terms": dict(lines(one)),
            }
            for one in shown
        ]
        common.say({"agreements": listed}, as_json=True)
        return
    for one in shown:
        now = "in force today" if one.in_force(today) else "not in force today"
        table = Table("", "", title=f"{one.name} ({one.version}, {now})", show_header=False)
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

    at, policy = settings.clock().now(), common.policy_of(settings)
    shown = year or policy.agreements.day(at).year
    kept = agreements.report(shown, policy=policy, at=at)
    in_force = agreements.in_force(shown, policy=policy)
    if as_json:
        versions = [
            asdict(one) | {"since": one.since.isoformat(), "until": one.until and one.until.isoformat()}
            for one in in_force
        ]
        report = {"year": shown, "in_force": versions, "agreements": [asdict(one) for one in kept]}
        common.say(report, as_json=True)
        return
    table = Table("Version", "From", "Until", "Questions", "Agreed to by", title=f"In force in {shown}")
    for version in in_force:
        until = version.until.isoformat() if version.until else ""
        table.add_row(
            version.version,
            version.since.isoformat(),
            until,
            f"{version.questions:,}",
            version.agreed_by or "the policy's file",
        )
    common.console.print(table)
    for one in kept:
        table = Table("", "", title=f"{one.name} ({one.version}), {one.year}", show_header=False)
        for side in agreements.sides(one):
            table.add_row(Text(side.finding, style="bold"))
            for heading, value in side.rows:
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
