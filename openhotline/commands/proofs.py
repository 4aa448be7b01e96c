"""`crashtest`, `simulate`: the house's promises put to the test, on this machine and at any size."""

import logging
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import typer

from openhotline.commands import common
from openhotline.commands.faults import Misused


def register(app: typer.Typer) -> None:
    """Add the verbs of this file."""
    app.command("crashtest")(crashtest)
    app.command("simulate")(simulate)


def crashtest(
    kills: int = typer.Option(
        40, min=1, max=common.MANY, help="How many processes are killed, one after the other."
    ),
    database: str = typer.Option("sqlite", help="sqlite or postgresql."),
    seed: int = typer.Option(
        0, min=0, max=common.MOST, help="Who is killed and when; 0: any, and it is printed."
    ),
    as_json: bool = typer.Option(False, "--json", help="Keys: ok, broken, seed, kills, letters ..."),
) -> None:
    """Kill processes of a temporary house at random moments, under load. Exit 0 if every promise held."""
    from openhotline.crashtest import crowd

    if database not in crowd.DATABASES:
        raise Misused("Choose sqlite or postgresql.", code="database")
    with (
        tempfile.TemporaryDirectory(prefix="openhotline-crash-") as folder,
        common.progress("Killing", kills, show=not as_json) as told,
    ):
        found = crowd.run(kills, folder=Path(folder), database=database, seed=seed, told=told)
    words = (
        f"Seed {found['seed']}: {kills} killed, {found['acknowledged']} reports acknowledged and "
        f"{found['lost']} lost, {found['taken']} letters taken and {found['taken_twice']} twice, "
        f"{found['in_doubt']} in doubt, ledger of {found['ledger']['entries']} entries. "
        + (" ".join(found["broken"]) or "Every promise held.")
    )
    common.say(found, as_json=as_json, words=words)
    raise typer.Exit(0 if found["ok"] else 1)


def simulate(
    seeds: int = typer.Option(500, min=1, max=10**9, help="How many seeds are played."),
    seed: int = typer.Option(
        1, min=0, max=2**62, help="The first seed; with --seeds 1 exactly that one is played again."
    ),
    level: str = typer.Option(
        "house", help="house: the whole house on SQLite in memory; letters: rules and outbox alone."
    ),
    processes: int = typer.Option(1, min=1, max=256, help="house: how many processes share the seeds."),
    as_json: bool = typer.Option(
        False, "--json", help="Keys: ok, level, first_seed, seeds, seconds, broken (promise, seed, seen)."
    ),
) -> None:
    """Play a house over simulated time, network, partners and crashes. Exit 0 if no promise was broken."""
    if level not in ("house", "letters"):
        raise Misused("Choose the level house or letters.", code="level")
    began = time.monotonic()
    with common.progress("Seeds", seeds, show=not as_json) as told:
        broken = _letters(seed, seeds, told) if level == "letters" else _house(seed, seeds, told, processes)
    found = {
        "ok": not broken,
        "level": level,
        "first_seed": seed,
        "seeds": seeds,
        "seconds": round(time.monotonic() - began, 1),
        "broken": broken,
    }
    words = "\n".join(
        f"{one['promise']}: {one['seen']}  (again: openhotline simulate --level {level} --seeds 1 --seed {one['seed']})"
        for one in broken
    )
    common.say(found, as_json=as_json, words=words or f"{seeds} seeds from {seed}: every promise held.")
    raise typer.Exit(0 if not broken else 1)


def _letters(first: int, count: int, told: Callable[[int], None]) -> list[dict[str, object]]:
    from openhotline.simulation import duel

    broken: list[dict[str, object]] = []
    for start in range(first, first + count, 10_000):
        size = min(10_000, first + count - start)
        for promise, seeds in duel.play(start, size).items():
            broken += [{"promise": promise, "seed": one, "seen": "in memory"} for one in seeds]
        told(start + size - first)
    return broken[:100]


def _house(first: int, count: int, told: Callable[[int], None], processes: int) -> list[dict[str, object]]:
    with tempfile.TemporaryDirectory(prefix="openhotline-simulate-") as folder:
        for name in [name for name in os.environ if name.startswith("OPENHOTLINE_")]:
            del os.environ[name]
        os.environ |= {
            "OPENHOTLINE_KIND": "test",
            "OPENHOTLINE_DATA_DIR": folder,
            "OPENHOTLINE_DATABASE_URL": "sqlite:///:memory:",
        }
        settings = common.open_house(made=False)
        from openhotline.jobs import house
        from openhotline.simulation import many
        from openhotline.simulation.play import Simulation

        logging.disable(logging.CRITICAL)  # faults of a killed worker are the game
        house.make_places(settings)
        house.migrate()
        broken = many.run(Simulation(), first, count, told, processes=processes)
    return broken[:100]
