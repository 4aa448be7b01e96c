"""What commands share: opening the house, saying things as JSON or in words, showing progress."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text

from openhotline.commands import faults
from openhotline.rules import references
from openhotline.rules.printable import shown
from openhotline.rules.refusals import Refused
from openhotline.rules.words import MACHINE, Actor


class _PlainConsole(Console):
    """A console that shows text as text: a stranger's words are never markup, and never steer the terminal."""

    def render_str(self, text: str, **options: Any) -> Text:
        """Text without markup, its control characters made visible."""
        return super().render_str(shown(text), **{**options, "markup": False})


# The largest numbers options take: a seed fits a signed 64-bit column, a count fits a day's patience.
MOST = 2**63 - 1
MANY = 1_000_000

console = _PlainConsole(markup=False)
quiet = Console(stderr=True)


def open_house(*, door: str = "command", made: bool = True) -> Any:
    """Start Django on the house the environment names. Returns its settings.

    Raises Refused where `made` is asked for and no house was made here, and where a real house would be opened as a
    demo. Nothing is made by asking.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "openhotline.django_settings")
    os.environ.setdefault("OPENHOTLINE_DOOR", door)
    import django

    django.setup()
    from openhotline.settings import load

    settings = load()
    if _kind_of_house(made=made) == "production" and settings.kind != "production":
        # Its clock and exit stay the world's own.
        raise Refused("This is a real house; it is never opened as a demo.", code="real-house")
    return settings


def _kind_of_house(*, made: bool) -> str:
    """What the house was made as; "" where it was not made, or (unless it must be) cannot be asked."""
    from django.db import DatabaseError, connection

    from openhotline.records.models import House

    name = str(connection.settings_dict["NAME"])
    if connection.vendor == "sqlite" and ":memory:" not in name and not Path(name).exists():
        if made:
            raise faults.NO_HOUSE
        return ""
    try:
        return House.objects.filter(pk=1).values_list("kind", flat=True).first() or ""
    except DatabaseError:
        if made:
            raise
        return ""


def policy_of(settings: Any) -> Any:
    """The dated policy of the house's country."""
    from openhotline import policy

    return policy.load(settings.country)


def say(value: dict[str, Any], *, as_json: bool, words: str = "") -> None:
    """One result: JSON on one line, or words."""
    if as_json:
        sys.stdout.write(json.dumps(value, ensure_ascii=False, sort_keys=True) + "\n")
    else:
        console.print(words or value, highlight=False)


def command_line() -> Actor:
    """Whoever runs a command on the house's own machine."""
    return Actor(MACHINE, "machine:command", auth="command")


def reference(typed: str) -> str:
    """The proper spelling of a reference, as the desk's search reads it; what is none comes back as it was typed."""
    read = references.parse(typed)
    return read.text if read else typed.strip()


@contextmanager
def progress(title: str, total: int | None, *, show: bool = True) -> Iterator[Callable[[int], None]]:
    """A bar on stderr for anything that takes over two seconds: count, rate, time left."""
    with bars(show=show) as told:
        told(title, 0, total or 0)
        yield lambda done: told(title, done, total or 0)


@contextmanager
def bars(*, show: bool) -> Iterator[Callable[[str, int, int], None]]:
    """A bar on stderr for each of several things done one after the other, told (what, done, total; 0: unknown).

    Nothing where nobody looks on.
    """
    with Progress(
        TextColumn("[progress.description]{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=quiet,
        disable=not show or not quiet.is_terminal,
        transient=True,
    ) as progress:
        tasks: dict[str, TaskID] = {}

        def told(what: str, done: int, total: int) -> None:
            if what not in tasks:
                for task in tasks.values():
                    progress.update(task, visible=False)
                tasks[what] = progress.add_task(what, total=total or None)
            progress.update(tasks[what], completed=done)

        yield told
