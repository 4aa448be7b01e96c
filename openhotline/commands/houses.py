"""`up`, `demo`, `owner`, `staff`, `partner`, `manage`: making a house, opening it, letting people in."""

import secrets
import sys
from pathlib import Path

import typer

from openhotline.commands import common
from openhotline.commands.faults import Misused
from openhotline.rules import words
from openhotline.rules.refusals import Refused


def register(app: typer.Typer) -> None:
    """Add the verbs of this file."""
    app.command("up")(up)
    app.command("demo")(demo)
    app.command("demo-code")(demo_code)
    app.command("worker")(worker)
    app.command("manage", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(manage)
    owner = typer.Typer(help="The person who set the house up.", no_args_is_help=True)
    owner.command("create")(owner_create)
    app.add_typer(owner, name="owner")
    staff = typer.Typer(help="People who sign in.", no_args_is_help=True)
    staff.command("add")(staff_add)
    app.add_typer(staff, name="staff")
    partner = typer.Typer(help="Partners and their tokens.", no_args_is_help=True)
    partner.command("token")(partner_token)
    partner.command("reach")(partner_reach)
    partner.command("reconcile")(partner_reconcile)
    app.add_typer(partner, name="partner")
    unit = typer.Typer(help="Police units.", no_args_is_help=True)
    unit.command("reach")(unit_reach)
    unit.command("token")(unit_token)
    app.add_typer(unit, name="unit")


def up(
    workers: int = typer.Option(1, min=1, max=64, help="Worker processes; more than one needs PostgreSQL."),
) -> None:
    """Open the house: prober, worker, public form, desk and portal, until stopped. First: openhotline owner create."""
    settings = common.open_house(door="worker", made=False)
    if settings.kind == "demo":
        raise Refused("A demo house is opened with: openhotline demo", code="demo-house")
    from openhotline.jobs import house
    from openhotline.jobs.supervise import Supervisor

    house.make_places(settings)
    with common.progress("The tables are made ready", None):
        house.migrate()
        house.settle(settings, at=settings.clock().now())
    house.refuse_unsafe(settings)
    supervisor = Supervisor(settings, with_world=False, with_worker=True, workers=workers)
    supervisor.start()
    supervisor.wait_until_ready(60)
    opened = "Open." if supervisor.prober_runs(15) else "Open, but for the prober."
    common.console.print(
        f"{opened}\n  report  {settings.public_url}\n  desk    {settings.desk_url}\n  portal  {settings.portal_url}",
        highlight=False,
    )
    supervisor.run_forever()


def demo(
    once: bool = typer.Option(
        False, "--once", help="Play the day in a fresh temporary house, print, and stop."
    ),
    as_json: bool = typer.Option(
        False, "--json", help="With --once: outcomes, letters, legs and verdict as JSON."
    ),
    bundle: int = typer.Option(
        433, min=0, max=common.MANY, help="Addresses on the one host that holds many."
    ),
    seed: int = typer.Option(1, min=0, max=common.MOST, help="The same seed plays the same day."),
) -> None:
    """A whole hotline beside a synthetic internet: served, then played through one day, then left to you."""
    from openhotline.demo import run

    if as_json and not once:
        raise Misused("--json belongs to --once.", code="usage")
    raise typer.Exit(
        run.once(bundle=bundle, seed=seed, as_json=as_json) if once else run.serve(bundle=bundle, seed=seed)
    )


def demo_code() -> None:
    """The second-factor code of this moment, for the people of a demo house. Real houses have no such file."""
    import os

    from openhotline.demo import run

    typer.echo(run.code(Path(os.environ.get("OPENHOTLINE_DATA_DIR") or Path.cwd() / ".run" / "demo")))


def worker() -> None:
    """Run the worker in the foreground (on many machines; `up` starts one by itself)."""
    settings = common.open_house(door="worker")
    from openhotline.jobs import worker as room

    room.run(settings)


def manage(context: typer.Context) -> None:
    """Django's own commands (migrate, makemigrations, shell ...)."""
    common.open_house(made=False)
    from django.core.management import execute_from_command_line

    execute_from_command_line(["openhotline manage", *context.args])


def owner_create(username: str = typer.Option(..., prompt=True)) -> None:
    """Make the first account. There is no default password anywhere."""
    settings = common.open_house(made=False)
    from openhotline.jobs import house

    house.make_places(settings)
    house.migrate()
    house.settle(settings, at=settings.clock().now())
    from openhotline.records.models import User

    if User.objects.filter(role=words.OWNER, is_active=True).exists():
        raise Refused(
            "This house has an owner already. Add another: openhotline staff add NAME --role owner --pseudonym P2",
            code="owner",
        )
    _make(settings, house.Person(username, words.OWNER, "owner"))


def staff_add(
    username: str = typer.Argument(...),
    role: str = typer.Option(..., help=f"One of {', '.join(words.STAFF_ROLES)}, officer, host, partner."),
    pseudonym: str = typer.Option(..., help="What others see, for example A07."),
    unit: str = typer.Option("", help="Key of the police unit, for an officer."),
    host: str = typer.Option("", help="Key of the host, for a host's desk."),
    partner: str = typer.Option("", help="Key of the partner, for a partner's desk."),
) -> None:
    """Make an account for somebody. Their password and second factor are shown once."""
    settings = common.open_house()
    from openhotline.jobs import house

    if role not in (*words.STAFF_ROLES, words.OFFICER, words.HOST, words.PARTNER):
        raise Misused(f"“{role}” is not a role people sign in with.", code="role")
    _make(settings, house.Person(username, role, pseudonym, unit=unit, host=host, partner=partner))


def _make(settings: object, person: object) -> None:
    from allauth.mfa.totp.internal.auth import generate_totp_secret

    from openhotline.jobs import house
    from openhotline.records.models import User

    if User.objects.filter(username=person.username).exists():  # type: ignore[attr-defined]
        raise Refused("This username is taken. Choose another.", code="username")
    if sys.stdin.isatty():
        password = typer.prompt("Password (12 characters or more)", hide_input=True, confirmation_prompt=True)
        shown = ""
    else:
        password = secrets.token_urlsafe(18)
        shown = f"\n  password       {password}"
    if len(password) < 12:
        raise Refused("The password needs 12 characters or more.", code="password")
    secret = generate_totp_secret()
    user = house.make_person(person, password=password, demo=False, totp_secret=secret)  # type: ignore[arg-type]
    common.console.print(
        f"Made {user.username} ({user.role}, {user.pseudonym}).{shown}\n  second factor  {secret}\n"
        f"  otpauth://totp/OpenHotline:{user.username}?secret={secret}&issuer=OpenHotline\n"
        "Both are shown once. Put the second factor into an authenticator app now.",
        highlight=False,
        markup=False,
    )


def partner_token(
    key: str = typer.Argument(..., help="The partner's key; made if new."), name: str = typer.Option("")
) -> None:
    """Make an API token for a partner. It is shown once."""
    settings = common.open_house()
    from openhotline.jobs import house
    from openhotline.records.models import Partner

    partner = Partner.objects.filter(key=key).first()
    if partner is None:
        partner = Partner(key=key, name=name or key, kind="industry")
        partner.clean_fields(exclude={field.name for field in Partner._meta.fields} - {"key", "name"})
        partner.save(force_insert=True)
    typer.echo(house.make_token(partner, at=settings.clock().now()))


def partner_reach(
    key: str = typer.Argument(..., help="Key of a partner hotline the policy names, for example hotline-nl."),
    url: str = typer.Option(..., help="Base of its API, for example https://hotline.example."),
    token: str = typer.Option(
        ...,
        prompt=True,
        hide_input=True,
        help="The token it gave us, or our password at the exchange; kept in a file only the worker reads.",
    ),
    user: str = typer.Option(
        "", help="Our name at the exchange; then it is spoken to as the exchange wants."
    ),
    certificate: str = typer.Option("", help="PEM file with our certificate and key for the exchange."),
) -> None:
    """Write down how a partner hotline is reached."""
    settings = common.open_house()
    from openhotline.jobs import house

    partner = house.reach_partner(settings, key, url=url, token=token, user=user, certificate=certificate)
    over = " over the exchange" if partner.protocol == "exchange" else ""
    common.console.print(f"{key} is reached at {url}{over}.", highlight=False)


def partner_reconcile(
    as_json: bool = typer.Option(False, "--json", help="Keys: at, partners, differences."),
) -> None:
    """Compare with every partner hotline what we sent, what they have and what they say they did. It only finds."""
    settings = common.open_house()
    from openhotline.jobs import reconcile, worker

    engine, at = worker.engine_of(settings, spool=False), settings.clock().now()
    with common.progress("Comparing", None, show=not as_json):
        value = reconcile.told(reconcile.daily(engine.post, policy=engine.policy, at=at), at=at)
    if as_json:
        common.say(value, as_json=True)
        return
    for one in value["partners"]:  # type: ignore[attr-defined]
        common.console.print(
            f"{one['key']}: asked about {one['asked']}, answered {one['answered']},"
            f" {one['differences']} differences open. {one['why']}",
            highlight=False,
        )
    for row in value["differences"]:  # type: ignore[attr-defined]
        whose = row["taken_by"] or f"for the {row['owner']}, not taken"
        common.console.print(f"{row['side']}: {row['what']}: {row['key']} ({whose})", highlight=False)


def unit_token(
    username: str = typer.Argument(..., help="The officer in whose name the unit's program answers."),
    revoke: bool = typer.Option(False, "--revoke", help="Revoke all of this officer's tokens instead."),
) -> None:
    """Make an API token for an officer. It is shown once."""
    settings = common.open_house()
    from openhotline.jobs import house

    at = settings.clock().now()
    if revoke:
        typer.echo(f"Revoked: {house.revoke_officer_tokens(username, at=at)}.")
        return
    typer.echo(house.make_officer_token(username, at=at))


def unit_reach(
    key: str = typer.Argument(..., help="Key of a unit the policy names, for example NU."),
    mail: str = typer.Option(..., help="Where questions go."),
    phone: str = typer.Option(..., help="The duty desk."),
) -> None:
    """Propose how a police unit is reached. Somebody at the desk agrees; then letters that waited for it leave."""
    settings = common.open_house()
    from openhotline.jobs import house

    house.propose_reach(settings, key, mail=mail, phone=phone, at=settings.clock().now())
    common.console.print(
        f"Proposed: {key} is reached at {mail}, {phone}. Nothing has changed yet: "
        "a liaison, lead or manager agrees at the desk, Police, Units and routing.",
        highlight=False,
    )
