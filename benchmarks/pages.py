"""Desk pages of a large house: milliseconds a page takes on the server, 95 of 100 requests below.

A house with 100,000 open items on PostgreSQL (`--million`: 1,000,000), filed by the real import, and one analyst
signed in. Pages come from the desk's own Django, middleware and templates included, without a network between.
What is looked at: every saved view of the queue, a page deep inside the first one, what is drawn next, and
searches by reference, by address in another spelling, by host, and for what is not there. Each request is another
one: other items, other hosts. The first of each kind is not counted.

    ./run exec python benchmarks/pages.py [--million] [--quick]
"""

import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import common, made

OPEN, MILLION, QUICK = 100_000, 1_000_000, 500
TURNS, QUICK_TURNS = 60, 3
WANTED = {"queue": 400.0, "search": 300.0, "next": 200.0}  # ms, 95 of 100 (ux.md U11, U19)


def main() -> None:
    """File the items, then ask for pages in a process that is the desk."""
    if "--desk" in sys.argv:
        print(json.dumps(desk(int(sys.argv[-2]), int(sys.argv[-1]))))
        return
    quick = common.quick()
    count = QUICK if quick else MILLION if "--million" in sys.argv else OPEN
    machine = common.machine()
    with (
        tempfile.TemporaryDirectory(prefix="openhotline-bench-") as place,
        common.postgresql() as (server, _),
    ):
        folder = Path(place)
        file = folder / "partner.csv"
        items = made.write_csv(file, count * 10 // 7)
        url = server.new_database()
        env = common.make_house(folder / "house", url)
        common.run(common.openhotline("report", "import", file, "--json"), env=env)
        common.run(common.openhotline("ledger", "sequence"), env=env)
        turns = QUICK_TURNS if quick else TURNS
        said = subprocess.run(
            [sys.executable, str(Path(__file__).resolve()), "--desk", str(items), str(turns)],
            env=env | {"OPENHOTLINE_DOOR": "desk", "PYTHONPATH": str(common.ROOT)},
            cwd=common.ROOT, stdout=subprocess.PIPE, check=True, text=True,
        )  # fmt: skip
        found: dict[str, dict[str, float]] = json.loads(said.stdout.splitlines()[-1])
        settings = common.settings_of(server.url())
    common.table(
        f"Desk pages, {items:,} open items, {turns} requests of each ({machine['cpu']}, load {machine['load']})",
        [
            ("", "ms median", "ms 95 of 100", "ms CPU (desk)", "wanted"),
            *((name, one["median"], one["p95"], one["cpu"], WANTED[name.partition(" ")[0]]) for name, one in found.items()),
        ],
    )  # fmt: skip
    print(f"  {settings}")
    common.write(
        "pages_million" if count == MILLION else "pages",
        {"open_items": items, "requests": turns, "postgresql": settings, "wanted_ms": WANTED, "pages": found},
        quick=quick,
    )


def desk(items: int, turns: int) -> dict[str, dict[str, float]]:
    """This process becomes the desk and looks at its own pages."""
    import django

    django.setup()
    from django.conf import settings
    from django.test import Client

    from openhotline.commands import common as commands
    from openhotline.records.models import Item, User
    from openhotline.rules import words
    from openhotline.web.desk import views

    commands.open_house(door="desk")
    Path(settings.STATIC_ROOT).mkdir(exist_ok=True)
    user = User.objects.create(username="A07", pseudonym="A07", role=words.ANALYST)
    client = Client(HTTP_HOST="127.0.0.1")
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    session = client.session
    session["second_factor"] = True
    session.save()

    luck = random.Random(11)

    def see(path: str, **fields: str) -> None:
        response = client.post(path, fields) if fields else client.get(path)
        if response.status_code not in (200, 303):
            raise RuntimeError(f"{path} {fields} answered {response.status_code}.")

    def reference() -> str:
        return Item.objects.values_list("ref", flat=True).get(pk=luck.randint(1, items))

    def deep() -> str:
        at = Item.objects.values_list("due_at", "pk").get(pk=luck.randint(1, items))
        return f"/?view=open&after={at[0].isoformat().replace('+', '%2B')}~{at[1]}"

    def host() -> str:
        return made.address(luck.randrange(items))[7:].partition("/")[0]

    kinds: dict[str, Callable[[], tuple[str, dict[str, str]]]] = {
        **{
            f"queue {view.name.lower()}": (lambda key=view.key: (f"/?view={key}", {})) for view in views.VIEWS
        },
        "queue a page deep inside": lambda: (deep(), {}),
        "queue counts taken anew": lambda: ("/counts", {}),
        "next item with its pane": lambda: (f"/?view=open&at={reference()}", {}),
        "search by reference": lambda: ("/search", {"q": reference()}),
        "search by address": lambda: ("/search", {"q": made.again(luck.randrange(items), 2)}),
        "search by host": lambda: ("/search", {"q": host()}),
        "search in vain": lambda: ("/search", {"q": f"nothing{luck.randrange(10**9)}.example.org"}),
    }
    found = {}
    for name, ask in kinds.items():
        took, spent = [], 0.0
        for turn in range(turns + 1):
            if name == "queue counts taken anew":
                views._kept.update(at=-1e9)
            path, fields = ask()
            begin, cpu = time.perf_counter(), time.process_time()
            see(path, **fields)
            if turn:
                took.append(1000 * (time.perf_counter() - begin))
                spent += 1000 * (time.process_time() - cpu)
        took.sort()
        found[name] = {
            "median": round(common.median(took), 1),
            "p95": round(took[min(len(took) - 1, int(0.95 * len(took)))], 1),
            "cpu": round(spent / turns, 1),
        }
    return found


if __name__ == "__main__":
    main()
