"""The one command. Each group of verbs is a file in `commands/`; the work is done in the rooms below.

Refusals end with exit code 1 (2: an option cannot be read) and the sentence on stderr (and `{"code", "sentence"}` on stdout with --json).
"""

import io
import json
import sys
from typing import NoReturn

import typer

from openhotline import __version__
from openhotline.commands import (
    addresses,
    agreements,
    cases,
    checks,
    contacts,
    faults,
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


_LONGEST = 1_000


def main() -> None:
    """Run the command; whatever is wrong is a sentence, never a traceback (`commands/faults.py`)."""
    # A path or an argument may hold bytes that are no text; they are shown escaped, never a fault of printing.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except Exception as fault:
        refusal = faults.refusal_of(fault)
        if refusal.code == faults.OWN_MISTAKE and faults.shows_whole():
            raise
        _refuse(refusal)


def _refuse(refusal: Refused) -> NoReturn:
    """The sentence on stderr; asked for JSON, also as `{"code", "sentence"}` where the answer would have been.

    Ends with exit code 1; 2 where an option cannot be read; 70 (sysexits.h: internal software error) where the mistake
    is ours.
    """
    # A sentence may quote what was given, and that may be a book.
    sentence = refusal.sentence if len(refusal.sentence) <= _LONGEST else f"{refusal.sentence[:_LONGEST]} …"
    if "--json" in sys.argv[1:]:
        sys.stdout.write(json.dumps({"code": refusal.code, "sentence": sentence}, ensure_ascii=False) + "\n")
    sys.stderr.write(f"{sentence}\n")
    if isinstance(refusal, faults.Misused):
        raise SystemExit(faults.MISUSED)
    raise SystemExit(70 if refusal.code == faults.OWN_MISTAKE else 1)


if __name__ == "__main__":
    main()
