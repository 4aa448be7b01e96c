"""`openhotline address`: what the house makes of an address. No house is needed."""

import json
import sys

import typer


def register(app: typer.Typer) -> None:
    """Add the verbs of this file."""
    app.command("address")(address)


def address(
    given: str = typer.Argument(
        "-", metavar="[ADDRESS|-]", help="One address, or - to read lines from standard input."
    ),
    as_json: bool = typer.Option(
        False, "--json", help="One JSON object for each line that came: reported, canonical, key, ok, why."
    ),
) -> None:
    """Show the canonical form and the key of an address, or why it cannot be read."""
    from openhotline.rules import urls
    from openhotline.rules.printable import readable

    if given == "-":
        lines = sys.stdin.buffer.read().decode("utf-8", "surrogateescape").split("\n")
        if not lines[-1]:
            lines.pop()  # what stands behind the last line's end is no line
        wanted = [line.rstrip("\r") for line in lines]
    else:
        wanted = [given]
    for read in urls.read_many(wanted):
        reported = readable(read.reported)  # a lone surrogate is no text for whoever reads the JSON
        if as_json:
            row = {
                "reported": reported,
                "canonical": read.canonical,
                "key": read.key,
                "ok": read.ok,
                "why": read.why or read.note,
            }
            text = json.dumps(row, ensure_ascii=False)
            sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace") + b"\n")
        elif read.ok:
            note = f"  note {read.note}\n" if read.note else ""
            sys.stdout.write(f"{urls.defang(read.canonical)}\n  key {read.key}\n{note}")
        else:
            sys.stdout.buffer.write(f"{reported}\n  {read.why}\n".encode("utf-8", "backslashreplace"))
