"""Pages of a large house: milliseconds a page takes on the server, 95 of 100 requests below.

A house with 100,000 open items on PostgreSQL (`--million`: 1,000,000) and as many graded ones on their way (`house.py`),
a liaison signed in at the desk, an officer at the portal, and two programs with tokens. Pages come from the doors' own
Django, middleware and templates included, without a network between. What is looked at: every saved view of the queue, a
page deep inside the first one, what is drawn next, searches, cases, lists and figures; the officer's inbox; the lists of
the interface. Each request is another one where there is another: other items, other hosts. The first of each kind is not
counted; "first" in a name says that the largest is asked for.

    ./run exec python benchmarks/pages.py [--million] [--quick]
"""

import json
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import common, house, made

TURNS, QUICK_TURNS = 60, 3
# ms, 95 of 100 (ux.md U11, U19)
WANTED = {"queue": 400.0, "search": 300.0, "next": 200.0}
LONGEST = 20.0  # seconds for one kind of page: what takes longer is asked for less often

Kinds = dict[str, Callable[[], tuple[str, dict[str, str]]]]


def main() -> None:
    """Make the house, then ask for pages in processes that are its doors."""
    for door, page in (("--desk", desk), ("--portal", portal)):
        if door in sys.argv:
            print(json.dumps(page(int(sys.argv[-2]), int(sys.argv[-1]))))
            return
    quick = common.quick()
    size = house.QUICK if quick else house.MILLION if "--million" in sys.argv else house.OPEN
    machine = common.machine()
    turns = QUICK_TURNS if quick else TURNS
    found: dict[str, dict[str, float]] = {}
    with common.postgresql() as (server, _), house.grown(server, size) as (env, items):
        for door in ("desk", "portal"):
            found |= house.ask(__file__, f"--{door}", items, turns, env=env | {"OPENHOTLINE_DOOR": door})
        settings = common.settings_of(server.url())
    common.table(
        f"Pages, {items:,} open items, {turns} requests of each ({machine['cpu']}, load {machine['load']})",
        [
            ("", "ms median", "ms 95 of 100", "ms CPU (door)", "wanted"),
            *(
                (name, one["median"], one["p95"], one["cpu"], WANTED.get(name.partition(" ")[0], ""))
                for name, one in found.items()
            ),
        ],
    )
    common.write(
        "pages_million" if size == house.MILLION else "pages",
        {"open_items": items, "requests": turns, "postgresql": settings, "wanted_ms": WANTED, "pages": found},
        quick=quick,
    )


def _door(name: str) -> None:
    """This process becomes a door of the house."""
    import django

    django.setup()
    from django.conf import settings

    from openhotline.commands import common as commands

    commands.open_house(door=name)
    Path(settings.STATIC_ROOT).mkdir(exist_ok=True)


def _signed_in(name: str) -> Any:
    """A browser of that person, second factor given."""
    from django.test import Client

    from openhotline.records.models import User

    client = Client(HTTP_HOST="127.0.0.1")
    client.force_login(User.objects.get(username=name), backend="django.contrib.auth.backends.ModelBackend")
    session = client.session
    session["second_factor"] = True
    session.save()
    return client


def desk(items: int, turns: int) -> dict[str, dict[str, float]]:
    """The desk looks at its own pages."""
    _door("desk")
    from openhotline.records.models import Consultation, Host, Item, Notice, Referral
    from openhotline.web.desk import views

    client, luck = _signed_in("L01"), random.Random(11)

    def reference(first: int = 1, last: int = items) -> str:
        return Item.objects.values_list("ref", flat=True).get(pk=luck.randint(first, last))

    def deep() -> str:
        at = Item.objects.values_list("due_at", "pk").get(pk=luck.randint(1, items))
        return f"/?view=open&after={at[0].isoformat().replace('+', '%2B')}~{at[1]}"

    def any_of(model: Any) -> str:
        rows = model.objects.filter(pk__gte=luck.randint(1, model.objects.latest("pk").pk))
        return str(rows.order_by("pk").values_list("number", flat=True).first())

    def host() -> str:
        return made.address(luck.randrange(items))[7:].partition("/")[0]

    hosts = Host.objects.count()
    kinds: Kinds = {
        **{
            f"queue {view.name.lower()}": (lambda key=view.key: (f"/?view={key}", {})) for view in views.VIEWS
        },
        "queue a page deep inside": lambda: (deep(), {}),
        "queue counts taken anew": lambda: ("/counts", {}),
        "next item with its pane": lambda: (f"/?view=open&at={reference()}", {}),
        "search by reference": lambda: ("/search", {"q": reference()}),
        "search by address": lambda: ("/search", {"q": made.again(luck.randrange(items), 2)}),
        "search by host": lambda: ("/search", {"q": host()}),
        "search by IP literal": lambda: ("/search", {"q": f"192.0.2.{luck.randint(1, 250)}"}),
        "search in vain": lambda: ("/search", {"q": f"nothing{luck.randrange(10**9)}.example.org"}),
        "search by IP in vain": lambda: ("/search", {"q": f"198.51.100.{luck.randint(1, 250)}"}),
        "case in the queue": lambda: (f"/case/{reference()}", {}),
        "case on its way": lambda: (f"/case/{reference(items + 1, 2 * items)}", {}),
        "police list": lambda: ("/police", {}),
        "police question": lambda: (f"/police/{any_of(Consultation)}", {}),
        "holds": lambda: ("/holds", {}),
        "police requests": lambda: ("/requests", {}),
        "alarms": lambda: ("/alarms", {}),
        "notices": lambda: ("/notices", {}),
        "notice": lambda: (f"/notices/{any_of(Notice)}", {}),
        "referrals": lambda: ("/referrals", {}),
        "referral": lambda: (f"/referrals/{any_of(Referral)}", {}),
        "partners": lambda: ("/partners", {}),
        "outbox": lambda: ("/outbox", {}),
        "outbox sent": lambda: ("/outbox?state=sent", {}),
        "contacts": lambda: ("/contacts", {}),
        "mailbox": lambda: ("/mailbox", {}),
        "incomplete reports": lambda: ("/incomplete", {}),
        "filter list": lambda: ("/filter-list", {}),
        "hosts": lambda: ("/hosts", {}),
        "host, the first": lambda: ("/hosts/1", {}),
        "host": lambda: (f"/hosts/{luck.randint(1, hosts)}", {}),
        "figures legs of 28 days": lambda: ("/legs?days=28", {}),
        "figures legs of a year": lambda: ("/legs?days=366", {}),
        "figures scorecard": lambda: ("/hosts/scorecard", {}),
        "units": lambda: ("/units", {}),
        "agreements": lambda: ("/agreements", {}),
        "appeals": lambda: ("/appeals", {}),
        "own day": lambda: ("/day", {}),
    }

    def before(name: str) -> None:
        if name == "queue counts taken anew":
            views.forget_counts()

    return _look(client, kinds, turns, before=before)


def portal(items: int, turns: int) -> dict[str, dict[str, float]]:
    """The portal looks at an officer's pages, and answers two programs."""
    _door("portal")
    from django.test import Client

    from openhotline.clock import SystemClock
    from openhotline.records.models import ApiToken, Consultation, OfficerToken, Partner, User
    from openhotline.web.bearers import digest

    luck, now = random.Random(12), SystemClock().now()
    OfficerToken.objects.get_or_create(
        digest=digest("officer"), defaults={"user": User.objects.get(username="P01"), "created_at": now}
    )
    ApiToken.objects.get_or_create(
        digest=digest("partner"),
        defaults={"partner": Partner.objects.get(key="partner-nl"), "created_at": now},
    )
    last = Consultation.objects.latest("pk").pk

    def question() -> str:
        rows = Consultation.objects.filter(pk__gte=luck.randint(1, last)).order_by("pk")
        return str(rows.values_list("number", flat=True).first())

    officer: Kinds = {
        "inbox": lambda: ("/", {}),
        "inbox, all lists": lambda: ("/lists", {}),
        "inbox, looked for by host": lambda: (f"/lists?q=Example+{luck.randint(1, 2000)}", {}),
        "inbox, one question": lambda: (f"/questions/{question()}", {}),
        "inbox, holds": lambda: ("/holds", {}),
        "inbox, requests": lambda: ("/requests", {}),
        "inbox, alarms": lambda: ("/alarms", {}),
    }
    found = _look(_signed_in("P01"), officer, turns)
    for token, kinds in (
        (
            "officer",
            {
                "interface: questions": lambda: ("/api/v1/police/questions", {}),
                "interface: questions, deep": lambda: ("/api/v1/police/questions?offset=5000", {}),
                "interface: requests": lambda: ("/api/v1/police/requests", {}),
            },
        ),
        (
            "partner",
            {
                "interface: referrals": lambda: ("/api/v1/referrals", {}),
                "interface: referrals, deep": lambda: ("/api/v1/referrals?offset=100000", {}),
            },
        ),
    ):
        client = Client(HTTP_HOST="127.0.0.1", HTTP_AUTHORIZATION=f"Bearer {token}")
        found |= _look(client, kinds, turns)  # type: ignore[arg-type]
    return found


def _look(
    client: Any, kinds: Kinds, turns: int, *, before: Callable[[str], None] = lambda name: None
) -> dict[str, dict[str, float]]:
    """Ask for each kind of page so often; ms of it, and of it CPU of this process."""
    found = {}
    for name, ask in kinds.items():
        took, spent, end = list[float](), 0.0, time.monotonic() + LONGEST
        for turn in range(turns + 1):
            before(name)
            path, fields = ask()
            begin, cpu = time.perf_counter(), time.process_time()
            response = client.post(path, fields) if fields else client.get(path)
            if response.status_code not in (200, 303):
                raise RuntimeError(
                    f"{path} {fields} answered {response.status_code}: {response.content[:300]!r}"
                )
            if turn:
                took.append(1000 * (time.perf_counter() - begin))
                spent += 1000 * (time.process_time() - cpu)
            if took and time.monotonic() > end:
                break
        took.sort()
        found[name] = {
            "median": round(common.median(took), 1),
            "p95": round(took[min(len(took) - 1, int(0.95 * len(took)))], 1),
            "cpu": round(spent / len(took), 1),
            "requests": len(took),
        }
    return found


if __name__ == "__main__":
    main()
