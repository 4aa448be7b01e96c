"""`check`: run the looks that are due, or explain what the looks at one case amount to."""

from typing import Any

import typer
from rich.table import Table

from openhotline.commands import common
from openhotline.commands.faults import Misused
from openhotline.rules.refusals import Refused


def register(app: typer.Typer) -> None:
    """Add the verb of this file."""
    app.command("check")(check)


def check(
    ref: str = typer.Argument("", help="A case to explain, for example 26-04417-K. Without one: look now."),
    explain: bool = typer.Option(False, "--explain", help="Tell what each look meant, and what is missing."),
    as_json: bool = typer.Option(False, "--json"),
) -> None:
    """Run every look that is due, or explain the looks at one case."""
    if ref:
        _explain(ref, as_json=as_json)
        return
    if explain:
        raise Misused("Name the case to explain: openhotline check 26-04417-K --explain.", code="no-case")
    settings = common.open_house(door="worker")
    from openhotline.jobs import poll, worker

    engine = worker.engine_of(settings, spool=False)
    with common.progress("Looking", None, show=not as_json):
        done = poll.now(
            engine.prober,
            vantages=engine.vantages,
            onions=engine.onions,
            policy=engine.policy,
            at=settings.clock().now(),
            rate=settings.requests_per_second,
        )
    common.say({"looked_at": done}, as_json=as_json, words=f"Looked at {done}.")


def _explain(ref: str, *, as_json: bool) -> None:
    """The looks at the newest hosting episode of a case, per place, the verdict and what comes next."""
    settings = common.open_house()
    from openhotline.records.models import Check, Item
    from openhotline.rules import removal_path
    from openhotline.steps import looked

    item = Item.objects.filter(ref=common.reference(ref)).first()
    if item is None:
        raise Refused(f"There is no case {ref[:40]}. Check the letter at its end.", code="no-case")
    episodes = list(item.removals.select_related("item__likeness").order_by("-episode"))
    going_on = [one for one in episodes if one.status in removal_path.STILL_OPEN]
    removal = next(iter([*going_on, *episodes]), None)
    if removal is None:
        raise Refused(f"{item.ref} has not been traced yet, so nobody has looked.", code="no-removal")
    told = looked.explain(
        removal, Check.objects.all(), at=settings.clock().now(), policy=common.policy_of(settings)
    )
    if as_json:
        common.say(plain(told), as_json=True)
        return
    say = common.console.print
    say(f"{item.ref}, episode {removal.episode}: {removal.status}", highlight=False, markup=False)
    say(f"Verdict: {told.verdict.kind}. {told.verdict.why}", highlight=False, markup=False)
    for what in told.missing:
        say(f"Missing for “gone”: {what}.", highlight=False, markup=False)
    when = f"{told.next_at:%d %b %Y %H:%M:%S} UTC" if told.next_at else "none"
    say(f"Next look: {when}", highlight=False)
    for place in told.places:
        table = Table("Time, UTC", "Round", "Found", "Why", "Path", "Our line", "Counts", title=place.name)
        for seen in place.looks[:20]:
            look = seen.look
            table.add_row(
                f"{look.at:%d %b %H:%M:%S}",
                str(look.step),
                seen.words,
                look.why,
                look.path_variant,
                "up" if look.canary_up else "down",
                "yes" if seen.counts else "",
            )
        common.console.print(table)


def plain(told: Any) -> dict[str, object]:
    """An `Explained` as JSON. Its keys are in docs/cli.md."""
    return {
        "reference": told.removal.item.ref,
        "episode": told.removal.episode,
        "status": told.removal.status,
        "verdict": told.verdict.kind,
        "why": told.verdict.why,
        "rounds": told.rounds,
        "rounds_counted": told.verdict.counted,
        "first_miss_at": told.verdict.first_miss_at.isoformat() if told.verdict.first_miss_at else None,
        "missing": list(told.missing),
        "next_look_at": told.next_at.isoformat() if told.next_at else None,
        "first_sight": told.likeness,
        "places": [
            {
                "vantage": place.name,
                "looks": [
                    {
                        "at": seen.look.at.isoformat(),
                        "round": seen.look.step,
                        "meaning": seen.look.meaning,
                        "sign": seen.look.sign,
                        "why": seen.look.why,
                        "outcome": seen.look.outcome,
                        "status": seen.look.status,
                        "path": seen.look.path_variant,
                        "line_proved": seen.look.canary_up,
                        "counts": seen.counts,
                    }
                    for seen in place.looks
                ],
            }
            for place in told.places
        ],
    }
