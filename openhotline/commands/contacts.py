"""`openhotline contact list|import`: how hosts are reached, and the operator's own register of abuse contacts.

True here: a register is a source like any other. What it names is found, and waits for two people. What is
not here: verifying (that is a person's press at the desk).
"""

import csv
from pathlib import Path

import typer

from openhotline.commands import common
from openhotline.rules.refusals import Refused

_LARGEST_ASN = 2**32 - 1  # RFC 6793
COLUMNS = ("asn", "operator", "country", "mail")


def register(app: typer.Typer) -> None:
    """Add the verbs of this file."""
    group = typer.Typer(help="How hosts are reached.", no_args_is_help=True)
    group.command("list")(list_)
    group.command("import")(import_)
    app.add_typer(group, name="contact")


def list_(
    host: str = typer.Option("", help="Part of a host's name."), as_json: bool = typer.Option(False, "--json")
) -> None:
    """Every contact with its source, who stands for it, its successes and its bounces."""
    common.open_house()
    from openhotline.records.models import Contact
    from openhotline.rules import contacts as rule

    rows = Contact.objects.select_related("host").filter(host__name__icontains=host)
    found = [
        {
            "host": row.host.name,
            "asn": row.host.asn,
            "mail": row.mail,
            "source": row.source,
            "used": rule.may_be_used(row.known()),
            "proposed_by": row.proposed_by,
            "verified_by": row.verified_by,
            "first_success": row.first_success.isoformat() if row.first_success else "",
            "last_success": row.last_success.isoformat() if row.last_success else "",
            "bounces": row.bounces,
        }
        for row in rows.order_by("host__name", "pk")
    ]
    lines = [
        f"{one['host']}  {one['mail']}  {one['source']}  {'used' if one['used'] else 'not used'}"
        for one in found
    ]
    common.say({"contacts": found}, as_json=as_json, words="\n".join(lines) or "No contact is known.")


def import_(
    file: Path = typer.Argument(..., exists=True, dir_okay=False, help="CSV: asn,operator,country,mail"),
    as_json: bool = typer.Option(False, "--json"),
) -> None:
    """Read the operator's own register. Its contacts wait for one person to propose and another to verify them."""
    settings = common.open_house()
    from openhotline.records.models import Contact, Host
    from openhotline.rules.contacts import REGISTER
    from openhotline.steps import contact

    at = settings.clock().now()
    with file.open(newline="", encoding="utf-8-sig") as lines:
        # A database holds no NUL; what stands beside it is kept.
        rows = list(csv.DictReader(line.replace("\x00", "\N{REPLACEMENT CHARACTER}") for line in lines))
    if not rows or not set(COLUMNS) <= set(rows[0]):
        raise Refused(f"The first line must name {', '.join(COLUMNS)}.", code="columns")
    named, unread = [], 0
    for row in rows:
        asn, operator = (row["asn"] or "").strip().upper().removeprefix("AS"), (row["operator"] or "").strip()
        if (
            not asn.isdecimal()
            or len(asn) > 10
            or int(asn) > _LARGEST_ASN
            or not operator
            or "@" not in (row["mail"] or "")
        ):
            unread += 1
            continue
        key = f"AS{int(asn)}:{operator.casefold()}"[:200]
        host, _ = Host.objects.get_or_create(
            key=key,
            defaults={
                "name": operator,
                "asn": int(asn),
                "country": (row["country"] or "").strip().upper()[:2],
                "first_seen": at,
            },
        )
        named.append((host, row["mail"], REGISTER))
    before = Contact.objects.count()
    contact.found(named, by=common.command_line(), at=at)
    new = Contact.objects.count() - before
    words = (
        f"{new} new, {len(named)} read, {unread} not readable. Two people stand for each before it is used."
    )
    common.say({"new": new, "read": len(named), "not_readable": unread}, as_json=as_json, words=words)
