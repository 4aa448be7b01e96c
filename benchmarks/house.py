"""The house that benchmarks of size work on: filed by the real import, then grown.

True here: one house for one size, on a PostgreSQL that is given. Not here: what is in it (`made`, `grown`) and what is
measured.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import common, made
from openhotline.crashtest import postgres

OPEN, MILLION, QUICK = 100_000, 1_000_000, 500


@contextmanager
def grown(server: postgres.Server, count: int) -> Iterator[tuple[dict[str, str], int]]:
    """The environment of a house's processes, and how many items wait in its queue."""
    with tempfile.TemporaryDirectory(prefix="openhotline-bench-") as place:
        folder = Path(place)
        file = folder / "partner.csv"
        items = made.write_csv(file, count * 10 // 7)
        env = common.make_house(folder / "house", server.new_database())
        common.run(common.openhotline("report", "import", file, "--json"), env=env)
        common.run(common.openhotline("ledger", "sequence"), env=env)
        ask(__file__, "--grow", items, env=env)
        yield env, items


def ask(program: str, what: str, *more: object, env: dict[str, str]) -> Any:
    """What a program of ours says, as JSON in its last line, in a process of that house."""
    said = subprocess.run(
        [sys.executable, str(Path(program).resolve()), what, *map(str, more)],
        env=env | {"PYTHONPATH": str(common.ROOT)}, cwd=common.ROOT, stdout=subprocess.PIPE, check=True, text=True,
    )  # fmt: skip
    return json.loads(said.stdout.splitlines()[-1])


def _grow(count: int) -> None:
    import django

    django.setup()
    from benchmarks import grown as filler

    filler.grow(count, at=datetime.now(UTC).replace(microsecond=0))
    print("null")


if __name__ == "__main__":
    _grow(int(sys.argv[-1]))
