"""`queue`, `case show`, `police`, `notice`: the desk's lists and one case's story, as text."""

import typer
from rich.table import Table

from openhotline.commands import common
from openhotline.rules.refusals import Refused


def register(app: typer.Typer) -> None:
    """Add the verbs of this file."""
    app.command("queue")(queue)
    case = typer.Typer(help="One case.", no_args_is_help=True)
    case.command("show")(show)
    app.add_typer(case, name="case")
    police = typer.Typer(help="Questions to the police.", no_args_is_help=True)
    police.command("list")(police_list)
    police.command("ask")(police_ask)
    app.add_typer(police, name="police")
    notice = typer.Typer(help="Notices to hosts.", no_args_is_help=True)
    notice.command("list")(notice_list)
    notice.command("show")(notice_show)
    app.add_typer(notice, name="notice")


def queue(
    limit: int = typer.Option(25, min=1, max=common.MANY, help="How many."),
    as_json: bool = typer.Option(False, "--json"),
) -> None:
    """Open items, least time left first."""
    settings = common.open_house()
    from openhotline.records.models import Item
    from openhotline.rules import item_path
    from openhotline.rules.urls import defang

    now = settings.clock().now()
    rows = list(Item.objects.filter(status__in=item_path.OPEN).order_by("due_at", "id")[:limit])
    if as_json:
        listed = [
            {
                "reference": row.ref,
                "status": row.status,
                "due_at": row.due_at.isoformat() if row.due_at else None,
            }
            for row in rows
        ]
        common.say(
            {"open": Item.objects.filter(status__in=item_path.OPEN).count(), "items": listed}, as_json=True
        )
        return
    table = Table("Reference", "Address", "Status", "Time left", title="Queue")
    for row in rows:
        table.add_row(row.ref, defang(row.canonical)[:70], row.status, left(row.due_at, now))
    common.console.print(table)


def left(due: object, now: object) -> str:
    """ "41 min left", "ended 6 min ago": never accusing."""
    from datetime import datetime

    if not isinstance(due, datetime) or not isinstance(now, datetime):
        return "no clock"
    minutes = int((due - now).total_seconds() // 60)
    size = abs(minutes)
    words = f"{size} min" if size < 120 else (f"{size // 60} h" if size < 2880 else f"{size // 1440} days")
    return f"{words} left" if minutes >= 0 else f"ended {words} ago"


def show(ref: str = typer.Argument(..., help="The item's reference, for example 26-04417-K.")) -> None:
    """The whole story of a case, as text."""
    common.open_house()
    from openhotline.ledger.verify import entries_of
    from openhotline.records.models import Item
    from openhotline.rules.urls import defang

    item = Item.objects.filter(ref=common.reference(ref)).first()
    if item is None:
        raise Refused(f"There is no case {ref[:40]}. Check the letter at its end.", code="no-case")
    say = common.console.print
    say(f"{item.ref}  {item.status}", style="bold", highlight=False)
    say(
        f"{defang(item.canonical)}  ({item.kind}, reported {item.reports} times)",
        highlight=False,
    )
    if item.cls:
        say(
            f"{item.cls}, category {item.category or 'none'}, youngest {item.age_band or 'unclear'}",
            highlight=False,
        )
    for removal in item.removals.select_related("host").order_by("episode"):
        host = removal.host.name if removal.host else "unknown host"
        if removal.server:
            host = f"{host} (news server {removal.server})"
        say(
            f"\nRemoval {removal.episode}: {removal.status}, {host}, {'in front: ' if removal.edge else ''}{removal.country}",
            highlight=False,
        )
        for leg in removal.LEGS:
            moment = getattr(removal, leg)
            if moment:
                number, _, name = leg.partition("_")
                say(
                    f"  {number.upper()} {name.replace('_', ' '):13} {moment:%d %b %Y %H:%M:%S} UTC",
                    highlight=False,
                )
        for line in removal.consultation_lines.select_related("consultation__unit"):
            asked = line.consultation
            say(f"  {'asked' if asked.asks else 'told'} {asked.unit.name}: {asked.number}", highlight=False)
        for answered in removal.answer_lines.select_related("answer"):
            say(
                f"  answer: {answered.answer.kind} at {answered.answer.at:%H:%M} UTC"
                f"{', taken back' if answered.answer.undone_at else ''}",
                highlight=False,
            )
        for noticed in removal.notice_lines.select_related("notice"):
            state = f"sent {noticed.notice.sent_at:%H:%M} UTC" if noticed.notice.sent_at else "not sent"
            say(f"  notice {noticed.notice.number}: {noticed.dropped or state}", highlight=False)
        for referred in removal.referral_lines.select_related("referral"):
            say(
                f"  referral {referred.referral.number} to {referred.referral.country} by {referred.referral.via}",
                highlight=False,
            )
    say("\nLedger", style="bold")
    for entry in entries_of(item.ref):
        say(
            f"  {entry.entry['case_n']:>4}  {entry.entry['at']}  {entry.entry['who']:16} {entry.entry['act']}",
            highlight=False,
        )


def police_list(as_json: bool = typer.Option(False, "--json")) -> None:
    """Questions that wait for an answer."""
    settings = common.open_house()
    from openhotline.records.models import Consultation

    now = settings.clock().now()
    rows = list(
        Consultation.objects.filter(asks=True, answered_at=None)
        .select_related("unit", "host")
        .order_by("due_at")
    )
    if as_json:
        common.say(
            {
                "waiting": [
                    {
                        "number": row.number,
                        "unit": row.unit.key,
                        "due_at": row.due_at.isoformat(),
                        "silent": row.rung_at is not None,
                    }
                    for row in rows
                ]
            },
            as_json=True,
        )
        return
    table = Table("Number", "Unit", "Host", "Removals", "Time left", title="Waiting for the police")
    for row in rows:
        host = row.host.name if row.host else ""
        table.add_row(row.number, row.unit.name, host, str(row.lines.count()), left(row.due_at, now))
    common.console.print(table)


def police_ask() -> None:
    """Ask about every bundle that is ripe, now."""
    settings = common.open_house()
    from openhotline.steps import consult

    asked = consult.ask_due(policy=common.policy_of(settings), at=settings.clock().now())
    common.console.print(
        f"Asked: {', '.join(row.number for row in asked) or 'nothing was ripe'}.", highlight=False
    )


def notice_list(as_json: bool = typer.Option(False, "--json")) -> None:
    """Notices that are not done."""
    settings = common.open_house()
    from openhotline.outbox.models import Letter
    from openhotline.records.models import Notice

    now = settings.clock().now()
    rows = list(Notice.objects.filter(withdrawn_at=None).select_related("host").order_by("-drafted_at")[:200])
    states = dict(
        Letter.objects.filter(kind="notice", number__in=[row.number for row in rows]).values_list(
            "number", "state"
        )
    )
    if as_json:
        common.say(
            {
                "notices": [
                    {"number": row.number, "host": row.host.name, "letter": states.get(row.number, "")}
                    for row in rows
                ]
            },
            as_json=True,
        )
        return
    table = Table("Number", "Host", "Addresses", "Letter", "Host's time", title="Notices")
    for row in rows:
        count = str(row.lines.filter(dropped="").count())
        table.add_row(row.number, row.host.name, count, states.get(row.number, ""), left(row.due_at, now))
    common.console.print(table)


def notice_show(number: str = typer.Argument(..., help="The serial, for example N-26-0311-M.")) -> None:
    """A notice as it was sent, byte for byte."""
    common.open_house()
    from openhotline.outbox.models import Letter

    letter = Letter.objects.filter(kind="notice", number=common.reference(number)).order_by("pk").last()
    if letter is None:
        raise Refused(f"There is no notice {number}.", code="no-notice")
    if letter.body is None:
        common.console.print(f"Not sent yet: {letter.state}. {letter.why}", highlight=False)
        return
    typer.echo(bytes(letter.body).decode("utf-8", "replace"))
