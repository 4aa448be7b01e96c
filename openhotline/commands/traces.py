"""`openhotline trace`, `networks` and `refresh registries`: where is it held, and by which registries we ask."""

import json
import sys
from typing import Any

import typer

from openhotline.commands import common
from openhotline.rules import printable
from openhotline.rules.refusals import Refused


def register(app: typer.Typer) -> None:
    """Add the verbs of this file."""
    app.command("trace")(trace)
    app.command("networks")(networks)
    refresh = typer.Typer(help="Fetch anew what ages.", no_args_is_help=True)
    refresh.callback()(_refresh)
    refresh.command("registries")(registries)
    app.add_typer(refresh, name="refresh")


def _refresh() -> None:
    """Fetch anew what ages."""


def trace(
    address: str = typer.Argument(
        ..., help="A web address, a host, an IP literal, an onion or a Message-ID."
    ),
    explain: bool = typer.Option(False, "--explain", help="Every method's answer and what it weighed."),
    raw: bool = typer.Option(False, "--raw", help="With --json: every answer verbatim."),
    as_json: bool = typer.Option(False, "--json", help="One object; see docs/cli.md."),
) -> None:
    """Where an address is held, by every method, now. Nothing is stored; the prober must run."""
    settings = common.open_house()
    from openhotline.jobs import tracing

    with common.progress("Asking", None, show=not as_json):
        found = tracing.now(address, settings, policy=common.policy_of(settings), at=settings.clock().now())
    value = shown(found, raw=raw)
    if as_json:
        common.say(value, as_json=True)
        return
    for line in _words(value, explain=explain):
        sys.stdout.write(line + "\n")


def shown(found: Any, *, raw: bool) -> dict[str, Any]:
    """A trace as plain values."""
    from openhotline.rules.trace_reasons import ordered

    facts, vote = found.facts, found.vote
    return {
        "address": facts.canonical,
        "host": facts.host,
        "at": facts.at.isoformat(),
        "contact": found.contact,
        "verdict": vote.verdict,
        "score": vote.score,
        "country": vote.country,
        "operator": vote.operator,
        "asn": vote.asn,
        "network": vote.network,
        "addresses": list(vote.addresses),
        "why": vote.why,
        "rules": vote.rules_version,
        "weights": vote.weights_version,
        "layers": [
            {
                "layer": layer.layer,
                "asn": layer.asn,
                "network": layer.network,
                "addresses": list(layer.addresses),
                "disclosed_by": layer.disclosed_by,
                "named": [one._asdict() for one in layer.named],
            }
            for layer in vote.layers
        ],
        # The vote gives one reason for each answer, in the order of the table.
        "methods": [
            {**_method(answer, raw=raw), "agrees": reason.agrees, "reason": reason.why}
            for answer, reason in zip(ordered(facts.answers), vote.reasons, strict=True)
        ],
    }


def _method(answer: Any, *, raw: bool) -> dict[str, Any]:
    value = {
        "method": answer.method,
        "ok": answer.ok,
        "answer": answer.answer,
        "why": answer.why,
        "country": answer.country,
        "operator": answer.operator,
        "asn": answer.asn,
        "network": answer.network,
        "addresses": list(answer.addresses),
        "names": list(answer.names),
        "abuse_mail": list(answer.abuse_mail),
        "impossible": list(answer.impossible),
        "unlikely": list(answer.unlikely),
        "layer": answer.layer,
        "disclosed_by": answer.disclosed_by,
        "source": answer.source,
        "source_age_s": answer.source_age_s,
        "changed_s": answer.changed_s,
        "licence": answer.licence,
        "tool": answer.tool,
        "vantage": answer.vantage,
        "seconds": answer.seconds,
        "at": answer.at,
    }
    return {**value, "raw": answer.raw} if raw else value


def _words(value: dict[str, Any], *, explain: bool) -> list[str]:
    where = ", ".join(filter(None, (value["operator"], value["network"], ", ".join(value["addresses"][:4]))))
    lines = [f"{value['verdict']} · {value['country'] or 'no country'} · score {value['score']:.2f}"]
    lines += [f"  {value['why']}"] if value["why"] else []
    lines += [f"  {where}"] if where else []
    if not explain:
        return [printable.shown(line) for line in lines]
    lines.append("")
    for one in value["methods"]:
        mark = "ok    " if one["ok"] else "failed"
        lines.append(f"{one['method']:<15} {mark} {one['answer'] or '-'}")
        old = printable.days_old(one["source_age_s"])
        about = "; ".join(
            filter(
                None,
                (
                    ", ".join(filter(None, (one["source"], old))) if one["source"] else "",
                    one["licence"],
                    f"from {one['vantage']}" if one["vantage"] else "",
                    one["tool"],
                ),
            )
        )
        weighed = one["reason"] if one["agrees"] == "-" else f"{one['agrees']}: {one['reason']}"
        said = dict.fromkeys((one["why"], weighed, about))
        lines += [f"                       {text}" for text in said if text]
    for layer in value["layers"]:
        lines += [
            f"{layer['layer']:<7} {one['what']:<9} {one['verdict']} {one['value'] or '-'} {one['score']:.2f}  {one['why']}"
            for one in layer["named"]
        ]
    return [printable.shown(line) for line in lines]


def networks(
    given: str = typer.Argument(
        "-", metavar="[FILE|-]", help="A file of IP literals, one a line; - reads standard input."
    ),
    as_json: bool = typer.Option(False, "--json", help="One object a line: address, network, asn, country."),
) -> None:
    """Network, autonomous system and country of very many addresses at once, by the house's MMDB files."""
    settings = common.open_house()
    from openhotline.jobs import tracing

    try:
        with open(given, encoding="utf-8", errors="replace") if given != "-" else sys.stdin as lines:  # noqa: PTH123
            wanted = [line.strip() for line in lines if line.strip()]
    except OSError as fault:
        raise Refused(f"{given} cannot be read ({fault.strerror}).", code="file") from None
    for one in tracing.networks(wanted, settings):
        row = {"address": one.address, "network": one.network, "asn": one.asn, "country": one.country}
        text = json.dumps(row) if as_json else f"{one.address}\t{one.network}\tAS{one.asn}\t{one.country}"
        sys.stdout.write(text + "\n")


def registries(
    as_json: bool = typer.Option(
        False, "--json", help="One object with a list: kind, ok, published, entries, why."
    ),
) -> None:
    """Fetch IANA's lists of who answers for which address, name and system. The prober must run."""
    settings = common.open_house()
    from openhotline.jobs import tracing

    with common.progress("Fetching", None, show=not as_json):
        found = tracing.refresh(settings, at=settings.clock().now())
    rows = [
        {
            "kind": f.kind,
            "ok": f.ok,
            "published": f.published,
            "entries": f.entries,
            "url": f.url,
            "why": f.why,
        }
        for f in found
    ]
    if as_json:
        common.say({"ok": all(f.ok for f in found), "lists": rows}, as_json=True)
    for row in rows if not as_json else ():
        told = f"{row['entries']} entries, published {row['published']}" if row["ok"] else str(row["why"])
        sys.stdout.write(f"{row['kind']:<5} {told}\n")
    if not all(f.ok for f in found):
        raise typer.Exit(1)
