"""`openhotline probe`: what the prober would do about an address, or the sentence why it refuses."""

import typer

from openhotline.commands import common


def register(app: typer.Typer) -> None:
    """Add the verbs of this file."""
    app.command("probe")(probe)


def probe(
    address: str = typer.Argument(..., metavar="ADDRESS", help="One http or https address."),
    vantage: str = typer.Option("", "--vantage", help="From this vantage point only; default: from each."),
    request: bool = typer.Option(
        False,
        "--request",
        help="Send the request too, as a check would, where an analyst has opened the item.",
    ),
    as_json: bool = typer.Option(False, "--json", help="Keys: address, outcome, why, vantages[]."),
) -> None:
    """Parse, look the name up, vet, connect, and say a word only with --request. Exit 0 reached, 3 refused, 4 failed."""
    from openhotline.jobs import probing
    from openhotline.settings import load

    settings = common.open_house() if request else load()
    told = probing.look(settings, address, vantage=vantage, request=request, at=settings.clock().now())
    words = [f"{told['outcome'].capitalize()}. {told['why']}"]
    words += [
        f"  {one['vantage']} ({one['exit']}): {one['outcome']}. {one['why']}" for one in told["vantages"]
    ]
    common.say(told, as_json=as_json, words="\n".join(words))
    raise typer.Exit(probing.EXIT_CODES[told["outcome"]])
