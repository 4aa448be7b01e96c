"""`openhotline demo`: make a fresh demo house, start the world, play the day, leave it to people (or print).

The world is started first, because it alone knows where it listens; the house is then told by its
environment, as any house is.
"""

import base64
import json
import os
import shutil
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from openhotline.clock import WorldClock
from openhotline.rules.refusals import Refused
from openhotline.settings import DEMO_MARK

if TYPE_CHECKING:
    from openhotline.demo.cast import SignIns
    from openhotline.demo.day import ScriptedDay
    from openhotline.jobs.house import Person
    from openhotline.jobs.supervise import Supervisor
    from openhotline.settings import Settings

READY_WITHIN = 60.0
console = Console()
quiet = Console(stderr=True)


def serve(*, bundle: int, seed: int) -> int:
    """Serve a demo house, play the day, print where to go, and run until Ctrl-C."""
    home = Path(os.environ.get("OPENHOTLINE_DATA_DIR") or Path.cwd() / ".run" / "demo")
    began = time.monotonic()
    with open_house(home, bundle=bundle, seed=seed) as (settings, signins, supervisor):
        _say_where(settings, time.monotonic() - began)
        _say_who(settings, signins)
        day = scripted_day(settings, bundle=bundle, seed=seed)
        _play(day)
        _say_what(day)
        from openhotline.demo import morning  # it needs Django, which only now knows its house

        waiting = morning.play(day)
        console.print(f"\nThe next morning: {waiting} new addresses wait at every station of the walk.")
        _run_on(day.clock)
        if day.engine.filer:
            day.engine.filer.close()  # from here on the worker reads the spool
        supervisor.start_worker()
        console.print("It is yours now. Stop with Ctrl-C.\n", highlight=False)
        supervisor.run_forever()
    console.print("Closed. Everything of this demo lies in", str(home), highlight=False)
    return 0


def once(*, bundle: int, seed: int, as_json: bool) -> int:
    """Play the day in a fresh temporary house. Returns 0 only if every truth of the world was met."""
    home = Path(tempfile.mkdtemp(prefix="openhotline-"))
    home.chmod(0o755)
    try:
        settings, _ = _move_in(home, seed=seed, bundle=bundle, ports=False)
        with _world_and_prober(settings, seed=seed, bundle=bundle):
            day = scripted_day(settings, bundle=bundle, seed=seed)
            _play(day, show=not as_json)
        result = report(day)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    if as_json:
        sys.stdout.write(json.dumps(result, sort_keys=True) + "\n")
    else:
        _say_result(result)
    return 0 if result["ok"] else 1


def report(day: "ScriptedDay") -> dict[str, Any]:
    """The day's result: outcomes per removal, letters by state, legs, ledger verdict, and whether all was met."""
    from openhotline.demo.day import legs
    from openhotline.ledger.verify import verify
    from openhotline.outbox.models import Letter

    outcomes = day.outcomes()
    verdict = verify()
    letters = Counter(Letter.objects.exclude(transport="prober").values_list("state", flat=True))
    # A bundle that was held and let go again leaves a withdrawn draft; a bounced letter stays failed.
    unsettled = {
        state: count for state, count in letters.items() if state in ("sending", "in doubt", "pending")
    }
    missing = len(day.scenario.sites) - len(outcomes)
    met = all(outcome.met for outcome in outcomes) and not missing
    return {
        "ok": met
        and verdict.ok
        and day.alarms_met()
        and not unsettled.get("sending")
        and not unsettled.get("in doubt"),
        "outcomes": [
            {"reference": o.ref, "part": o.part, "truth": o.truth, "found": o.found, "met": o.met}
            for o in outcomes
        ],
        "outcomes_met": sum(outcome.met for outcome in outcomes),
        "outcomes_missing": missing,
        "letters": dict(sorted(letters.items())),
        "legs": legs(),
        "ledger": {
            "ok": verdict.ok,
            "entries": verdict.entries,
            "root": verdict.root,
            "first_bad": verdict.first_bad,
        },
    }


# --- what a test of the whole house uses too ---------------------------------------------------------


@contextmanager
def open_house(home: Path, *, bundle: int, seed: int) -> Iterator[tuple["Settings", "SignIns", "Supervisor"]]:
    """A fresh demo house at `home`: world, prober and every door run, nothing has happened in it yet.

    The clock stands at the start of the scenario and no worker turns: `scripted_day` does, or the caller's
    `supervisor.start_worker()`. Everything is stopped at the end. Raises Refused where `home` holds
    something that is not a demo.
    """
    _fresh(home)
    settings, signins = _move_in(home, seed=seed, bundle=bundle, ports=True)
    from openhotline.jobs.supervise import Supervisor

    supervisor = Supervisor(
        settings,
        with_world=True,
        with_worker=False,
        world_arguments=_world_arguments(settings, seed=seed, bundle=bundle),
    )
    supervisor.start()
    try:
        supervisor.wait_until_ready(READY_WITHIN)
        yield settings, signins, supervisor
    finally:
        supervisor.stop()


def scripted_day(settings: "Settings", *, bundle: int, seed: int) -> "ScriptedDay":
    """The day of an open house, ready to be played: as a whole, or only its machine and its clock."""
    from openhotline.demo.day import ScriptedDay
    from openhotline.jobs import worker
    from openhotline.world import day as days

    tokens = settings.keys / "partners.json"
    tokens.touch(mode=0o600)
    world = json.loads((settings.data / "run" / "world.json").read_text())
    tokens.write_text(json.dumps({"hotline-nl": world["partner"]["token"]}))
    engine = worker.engine_of(settings)
    engine.strict = True
    worker.wait_for_prober(engine, READY_WITHIN)
    clock = settings.clock()
    assert isinstance(clock, WorldClock)
    return ScriptedDay(settings, engine, clock, days.day(seed, bundle))


# --- making the house -----------------------------------------------------------------------------


def _fresh(home: Path) -> None:
    """Throw the last demo away. Never anything that is not a demo."""
    if not home.exists():
        return
    if any(home.iterdir()) and not (home / DEMO_MARK).exists():
        raise Refused(
            f"{home} holds something that is not a demo house. Choose another OPENHOTLINE_DATA_DIR.",
            code="not-a-demo",
        )
    for entry in home.iterdir():
        if entry.name == "templates":
            continue
        if entry.is_dir():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def _move_in(home: Path, *, seed: int, bundle: int, ports: bool) -> tuple["Settings", "SignIns"]:
    """Make the house: environment, places, clock, database, people. Returns its settings and sign-ins."""
    home.mkdir(parents=True, exist_ok=True)
    (home / DEMO_MARK).touch()
    os.environ |= {
        "OPENHOTLINE_KIND": "demo",
        "OPENHOTLINE_DATA_DIR": str(home),
        "OPENHOTLINE_EXIT": "world",
        "OPENHOTLINE_DOOR": "worker",
        "OPENHOTLINE_SMTP_PORT": str(_free_port()),
    }
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "openhotline.django_settings")
    if ports:
        for name, wish in (("PUBLIC", 8100), ("DESK", 8101), ("PORTAL", 8102)):
            os.environ.setdefault(f"OPENHOTLINE_{name}_PORT", str(_free_port(wish)))
    from openhotline import settings as settings_room

    settings_room.load.cache_clear()
    settings = settings_room.load()
    from openhotline.world.day import START

    WorldClock(settings.clock_file).set(START)
    _keys_first(settings)
    import django

    django.setup()
    from openhotline.demo import cast
    from openhotline.jobs import house
    from openhotline.records.models import Partner

    _database(home, settings)
    house.settle(settings, at=START)
    house.refuse_unsafe(settings)
    signins = cast.move_in(START)
    Partner.objects.filter(key="hotline-nl").update(url=f"http://127.0.0.1:{_partner_port()}")
    return settings, signins


def _keys_first(settings: "Settings") -> None:
    """Keys have to be there before Django starts: every process is handed them as it starts."""
    import secrets

    settings.keys.mkdir(mode=0o700, exist_ok=True)
    key = settings.keys / "site.key"
    key.touch(mode=0o600)
    key.write_bytes(secrets.token_bytes(32))
    (settings.keys / "django.secret").touch(mode=0o600)
    (settings.keys / "django.secret").write_text(secrets.token_urlsafe(48))


def _partner_port() -> int:
    return int(os.environ.setdefault("OPENHOTLINE_DEMO_PARTNER_PORT", str(_free_port())))


def _database(home: Path, settings: "Settings") -> None:
    """Migrate; on SQLite a migrated empty database is kept as a template, so that a warm start is quick."""
    from openhotline.jobs import house

    house.make_places(settings)
    if settings.postgres:
        house.migrate()
        return
    from hashlib import sha256

    from django.apps import apps

    found = sha256()
    for config in sorted(apps.get_app_configs(), key=lambda config: config.label):
        for file in sorted(Path(config.path).glob("migrations/*.py")):
            found.update(
                file.name.encode() + file.read_bytes() if "openhotline" in config.name else file.name.encode()
            )
    template = home / "templates" / f"{found.hexdigest()[:16]}.sqlite3"
    target = home / "house.sqlite3"
    if template.exists():
        shutil.copyfile(template, target)
        return
    house.migrate()
    from django.db import connection

    template.parent.mkdir(exist_ok=True)
    for old in template.parent.iterdir():
        old.unlink()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM INTO %s", [str(template)])


def _free_port(wish: int = 0) -> int:
    for port in (wish, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise Refused("No free port on this machine.", code="port")


def _world_arguments(settings: "Settings", *, seed: int, bundle: int) -> tuple[str, ...]:
    return (
        "--seed",
        str(seed),
        "--bundle",
        str(bundle),
        "--smtp-port",
        str(settings.smtp_port),
        "--partner-port",
        str(_partner_port()),
    )


@contextmanager
def _world_and_prober(settings: "Settings", *, seed: int, bundle: int) -> Iterator["Supervisor"]:
    """The world and the prober only: what a day without pages needs."""
    from openhotline.jobs.supervise import Supervisor

    supervisor = Supervisor(
        settings,
        with_world=True,
        with_worker=False,
        doors=(),
        world_arguments=_world_arguments(settings, seed=seed, bundle=bundle),
    )
    supervisor.start()
    try:
        yield supervisor
    finally:
        supervisor.stop()


# --- playing --------------------------------------------------------------------------------------


def _play(day: "ScriptedDay", *, show: bool = True) -> None:
    """Play the day with a bar on a terminal, and with one line a scene where nobody watches one."""
    with Progress(
        TextColumn("[progress.description]{task.description:42}"),
        BarColumn(),
        TextColumn("{task.fields[clock]}"),
        TimeElapsedColumn(),
        console=quiet,
        disable=not (show and quiet.is_terminal),
    ) as bar:
        task = bar.add_task("The day begins", total=len(day.SCENES), clock="")
        done = -1

        def tell(name: str) -> None:
            nonlocal done
            done += 1
            clock = f"{day.now:%d %b %H:%M}"
            bar.update(task, completed=done, description=name.capitalize(), clock=clock)
            if show and not quiet.is_terminal:
                quiet.print(
                    f"{clock}  {name.capitalize()} ({done + 1} of {len(day.SCENES)})", highlight=False
                )

        day.tell = tell
        day.play()
        bar.update(
            task, completed=len(day.SCENES), description="The day is played", clock=f"{day.now:%d %b %H:%M}"
        )


def _run_on(clock: WorldClock) -> None:
    """From here the clock runs at wall speed, for people."""
    clock.set(clock.now(), rate=1.0)


# --- telling --------------------------------------------------------------------------------------


def _say_where(settings: "Settings", seconds: float) -> None:
    console.print(
        f"\nOpen after {seconds:.1f} s. Nothing here is real.\n"
        f"  report a page      {settings.public_url}/report\n"
        f"  analysts' desk     {settings.desk_url}/\n"
        f"  police, partners   {settings.portal_url}/\n",
        highlight=False,
    )


def _say_what(day: "ScriptedDay") -> None:
    outcomes = day.outcomes()
    counts = Counter(outcome.found for outcome in outcomes)
    console.print(
        f"{len(outcomes)} addresses; {sum(outcome.met for outcome in outcomes)} ended as the world says:"
    )
    for found, count in counts.most_common():
        console.print(f"  {count:>5}  {found}", highlight=False)


def _say_who(settings: "Settings", signins: "SignIns") -> None:
    import django.core.cache  # noqa: F401  allauth remembers used codes there
    from rich.table import Table

    table = Table("User name", "Who", "Door", title="\nDemo sign-ins of this house", title_justify="left")
    for person in signins.people:
        door = settings.portal_url if person.role in ("officer", "host", "partner") else settings.desk_url
        table.add_row(person.username, _who(person), door)
    console.print(table)
    console.print(f"Password for all of them: {signins.password}", highlight=False)
    console.print(f"Second factor (authenticator app): {signins.totp_secret}", highlight=False)
    console.print("Or see the code of this moment:    ./run exec openhotline demo-code", highlight=False)
    console.print(
        "The day is played first. Look on meanwhile; press buttons when it says that the house is yours.\n",
        highlight=False,
    )
    file = settings.keys / "demo-second-factor"
    file.touch(mode=0o600)
    file.write_text(signins.totp_secret)


def _who(person: "Person") -> str:
    where = person.unit or person.host or person.partner
    name = "" if person.pseudonym == person.role else f" {person.pseudonym}"
    return f"{person.role}{name}{f', of {where}' if where else ''}"


def code(home: Path) -> str:
    """The second-factor code of this moment in the demo house at `home` (RFC 6238). Raises Refused."""
    file = home / "keys" / "demo-second-factor"
    if not file.exists():
        raise Refused("No demo is running here. Start one: ./run demo", code="no-demo")
    # Not allauth's own: it wants the whole house set up, and this command only reads a file.
    key = base64.b32decode(file.read_text(), casefold=True)
    totp = TOTP(key, 6, SHA1(), 30, enforce_key_length=False)  # noqa: S303 - what authenticator apps speak
    return totp.generate(int(time.time())).decode()


def _say_result(result: dict[str, Any]) -> None:
    for outcome in result["outcomes"]:
        if not outcome["met"]:
            console.print(
                f"  {outcome['reference']} ({outcome['part']}): {outcome['found']}, not {outcome['truth']}",
                highlight=False,
            )
    console.print(
        f"{result['outcomes_met']} of {len(result['outcomes'])} ended as the world says. "
        f"Letters: {result['letters']}. Ledger: {'whole' if result['ledger']['ok'] else 'NOT whole'}, "
        f"{result['ledger']['entries']} entries.",
        highlight=False,
    )
