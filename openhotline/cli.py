"""The one command. Each group of verbs is a file in `commands/`; the work is done in the rooms below.

Refusals end with exit code 1 and the sentence on stderr (or `{"code", "sentence"}` with --json).
"""

import sys

import typer

from openhotline import __version__
from openhotline.commands import addresses, cases, houses, ledgers, reports, safety, worlds
from openhotline.rules.refusals import Refused

app = typer.Typer(
    help="OpenHotline: the case platform of an internet hotline.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


@app.callback(invoke_without_command=True)
def root(version: bool = typer.Option(False, "--version", help="Print the version and stop.")) -> None:
    """OpenHotline: the case platform of an internet hotline."""
    if version:
        typer.echo(__version__)
        raise typer.Exit


for module in (houses, reports, addresses, cases, ledgers, worlds, safety):
    module.register(app)


def main() -> None:
    """Run the command; a refusal is a sentence, never a traceback."""
    try:
        app()
    except Refused as refusal:
        sys.stderr.write(f"{refusal.sentence}\n")
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()
