"""`doctor`, `backup`, `restore`, `keys`: is the house safe, and would it come back?"""

import os
import sys
from pathlib import Path
from typing import Any

import typer

from openhotline.commands import common
from openhotline.rules.refusals import Refused

_FIRST_LINE_OF = typer.Option(
    None, "--passphrase-file", help="File whose first line is the passphrase; - reads standard input."
)


def register(app: typer.Typer) -> None:
    """Add the verbs of this file."""
    app.command("doctor")(doctor)
    app.command("backup")(backup)
    app.command("restore")(restore)
    keys = typer.Typer(help="The recovery key, and the house's own keys.", no_args_is_help=True)
    keys.command("recovery")(recovery_key)
    keys.command("backup")(keys_backup)
    app.add_typer(keys, name="keys")


def doctor(
    as_json: bool = typer.Option(
        False, "--json", help="Keys: ok, checks (name, ok, level, sentence, remedy)."
    ),
) -> None:
    """Look the house over. Exit 0: nothing unsafe (warnings may be there); 1: something is unsafe."""
    from openhotline.jobs import doctor as room

    findings = []
    for finding in room.examine():
        findings.append(finding)
        if not as_json:
            colour = {"ok": "green", "warning": "yellow", "unsafe": "bold red"}[finding.level]
            common.console.print(f"{finding.level:8} ", style=colour, end="", highlight=False)
            common.console.print(f"{finding.name:16} ", end="", highlight=False)
            common.console.print(finding.sentence, highlight=False, soft_wrap=True)
            if finding.remedy:
                common.console.print(f"{'':25} → {finding.remedy}", highlight=False, soft_wrap=True)
    code = room.verdict(findings)
    if as_json:
        checks = [
            {"name": f.name, "ok": f.ok, "level": f.level, "sentence": f.sentence, "remedy": f.remedy}
            for f in findings
        ]
        common.say({"ok": code == 0, "checks": checks}, as_json=True)
    raise typer.Exit(code)


def backup(
    to: Path = typer.Option(
        ..., "--to", help="Folder for backups, away from the house; a new folder is made in it."
    ),
    to_key: str = typer.Option(
        "", "--to-key", help="Public key (age1...) or a file holding one; default: the recovery key."
    ),
    as_json: bool = typer.Option(False, "--json", help="Keys: folder, entries, root, ledger_ok, bytes."),
) -> None:
    """Copy the house while it runs, sealed to its recovery key. The keys are not in it: openhotline keys backup."""
    settings = common.open_house()
    from openhotline.jobs import backup as room
    from openhotline.jobs import recovery

    recipient = recovery.recipient_of(settings.keys, to_key)
    with common.bars(show=not as_json) as told:
        folder, manifest = room.make(settings, to=to, recipient=recipient, at=_machine_time(), told=told)
    size = sum(file.sealed_size for file in manifest.files)
    whole = manifest.ledger.ok
    words = f"Made {folder}: {size / 1e6:,.1f} MB, {manifest.ledger.entries:,} ledger entries, root {manifest.ledger.root}."
    if not whole:
        words += "\nThe ledger in it is NOT whole. Run: openhotline ledger verify"
    value = {
        "folder": str(folder),
        "entries": manifest.ledger.entries,
        "root": manifest.ledger.root,
        "ledger_ok": whole,
        "bytes": size,
    }
    common.say(value, as_json=as_json, words=words)
    raise typer.Exit(0 if whole else 1)


def restore(
    folder: Path = typer.Argument(
        ..., metavar="DIR", help="A backup, or the folder it lies in (the newest is taken)."
    ),
    verify: bool = typer.Option(
        False, "--verify", help="Must be given: a restore that is not verified is none."
    ),
    recovery: Path = typer.Option(..., "--recovery", help="The recovery key's file."),
    keys: Path = typer.Option(
        None, "--keys", help="The keys backup; not needed where the keys lie in the house already."
    ),
    passphrase_file: str = _FIRST_LINE_OF,
    as_json: bool = typer.Option(False, "--json", help="Keys: ok, folder, made_at, entries, root, in_doubt."),
) -> None:
    """Put a house back, into an empty place only, and prove it whole. It stays shut until it is."""
    if not verify:
        raise Refused("Add --verify: a house that was not verified after a restore stays shut.", code="usage")
    settings = common.open_house(made=False)
    from openhotline.jobs import restore as room

    with common.bars(show=not as_json) as told:
        done = room.restore(
            settings,
            folder,
            recovery_file=recovery,
            passphrase=lambda: passphrase(passphrase_file, again=False),
            keys_file=keys,
            by=common.command_line(),
            told=told,
        )
    value = {
        "ok": True,
        "folder": str(done.folder),
        "made_at": done.made_at,
        "entries": done.entries,
        "root": done.root,
        "in_doubt": done.in_doubt,
    }
    words = f"Whole. Restored {done.folder.name}: {done.entries:,} ledger entries, root {done.root}."
    if done.in_doubt:
        words += f"\n{done.in_doubt} letters may have left since then and are in doubt; see the runbook."
    common.say(value, as_json=as_json, words=words)


def recovery_key(
    to: Path = typer.Option(..., "--to", help="File for the secret half, on a stick that you lock away."),
    again: bool = typer.Option(
        False, "--again", help="Make another; older backups still need the older one."
    ),
    passphrase_file: str = _FIRST_LINE_OF,
) -> None:
    """Make the recovery key that opens backups. Its secret half never stays in the house."""
    settings = common.open_house(made=False)
    from openhotline.jobs import house
    from openhotline.jobs import recovery as room

    house.make_places(settings)
    public = room.create(settings.keys, to, passphrase(passphrase_file, again=True), again=again)
    common.console.print(
        f"The secret half is in {to}, under your passphrase. Lock both away, in two places; nobody can make them "
        f"again.\nBackups are sealed to {public}.",
        highlight=False,
        soft_wrap=True,
    )


def keys_backup(
    to: Path = typer.Option(
        ..., "--to", help="Folder for the keys backup; keep it apart from the data backups."
    ),
    to_key: str = typer.Option(
        "", "--to-key", help="Public key (age1...) or a file holding one; default: the recovery key."
    ),
) -> None:
    """Seal the house's own keys (site, intake, receipts, sign-in) into one file."""
    settings = common.open_house()
    from openhotline.jobs import recovery as room

    made = room.backup_keys(
        settings.keys, to, recipient=room.recipient_of(settings.keys, to_key), at=_machine_time()
    )
    common.console.print(
        f"Made {made}. Keep it apart from the data backups.", highlight=False, soft_wrap=True
    )


def passphrase(source: str | None, *, again: bool) -> str:
    """The recovery passphrase: asked for, or the first line of a file. Never an argument: others could see it."""
    if source:
        try:
            text = sys.stdin.readline() if source == "-" else Path(source).read_text("utf-8")
        except OSError as fault:
            raise Refused(f"{source} cannot be read ({fault.strerror}).", code="passphrase") from None
        return text.splitlines()[0] if text.strip() else ""
    if not os.isatty(0):
        raise Refused(
            "The passphrase is needed: add --passphrase-file FILE (or - for standard input).",
            code="passphrase",
        )
    return str(typer.prompt("Recovery passphrase", hide_input=True, confirmation_prompt=again))


def _machine_time() -> Any:
    """A backup is named by the machine's own clock, whatever clock the house runs on."""
    from openhotline.clock import SystemClock

    return SystemClock().now()
