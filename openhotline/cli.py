"""The one command. Each group of verbs is a file in `commands/`; the work is done in the rooms below.

Refusals end with exit code 1 and the sentence on stderr (and `{"code", "sentence"}` on stdout with --json).
"""

import json
import sys
from typing import NoReturn

import typer
from django.db.utils import OperationalError

from openhotline import __version__
from openhotline.commands import (
    addresses,
    agreements,
    cases,
    checks,
    contacts,
    houses,
    ledgers,
    letters,
    probing,
    proofs,
    reports,
    safety,
    traces,
    worlds,
)
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


for module in (
    agreements,
    houses,
    reports,
    addresses,
    cases,
    checks,
    contacts,
    traces,
    probing,
    letters,
    proofs,
    ledgers,
    worlds,
    safety,
):
    module.register(app)


def main() -> None:
    """Run the command; a refusal is a sentence, never a traceback."""
    try:
        app()
    except Refused as refusal:
        _refuse(refusal)
    except OperationalError as fault:
        _refuse(
            Refused(
                f"The database cannot be reached: {str(fault).strip().splitlines()[0]}. {_REACH}",
                code="database",
            )
        )
    except KeyboardInterrupt:
        raise SystemExit(130) from None


_REACH = "See that it runs, and that OPENHOTLINE_DATABASE_URL names it."


def _refuse(refusal: Refused) -> NoReturn:
    """The sentence on stderr; asked for JSON, also as `{"code", "sentence"}` where the answer would have been."""
    if "--json" in sys.argv[1:]:
        sys.stdout.write(
            json.dumps({"code": refusal.code, "sentence": refusal.sentence}, ensure_ascii=False) + "\n"
        )
    sys.stderr.write(f"{refusal.sentence}\n")
    raise SystemExit(1)


if __name__ == "__main__":
    main()
