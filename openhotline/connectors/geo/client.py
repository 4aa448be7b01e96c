"""Read MMDB files, each for itself, with its age and licence. Opened once, before the prober gives up its rights.

True here: any number of files, one answer per file and kind; an answer carries how old its file is at the time
asked. Several addresses that disagree give no country rather than one of them; a file that is missing or too old
says so in every trace, and no country is ever made up. Not here: fetching files (the operator supplies them), very many
addresses at once (`table.py`).
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import PurePath
from typing import Any

import maxminddb

from openhotline.connectors.geo.meaning import country_of, network_of
from openhotline.rules import methods
from openhotline.rules.facts import AHEAD_S, MethodAnswer
from openhotline.rules.printable import printable

ORIGIN, LOCATION = methods.ORIGIN_NETWORK, methods.LOCATION
OLD_S = 60 * 86_400  # networks are sold and moved: past this age an answer says how old its file is
TOOL = f"maxminddb {version('maxminddb')}"
_MISSING = {
    ORIGIN: "No file of origin networks is installed.",
    LOCATION: "No file of countries is installed.",
}


@dataclass(frozen=True, slots=True)
class AtlasFile:
    """One open file: its reader, what it answers, and what is shown of it."""

    reader: Any
    method: str
    name: str
    built: int  # seconds since 1970, from its own metadata
    licence: str  # the operator's words, and what the file says of itself


@dataclass
class Atlas:
    """The open files of one prober."""

    files: list[AtlasFile]
    broken: tuple[MethodAnswer, ...] = ()  # what each file that could not be opened answers
    notes: tuple[str, ...] = ()  # the same for the operator, in sentences

    @classmethod
    def load(cls, files: Iterable[Sequence[str]]) -> "Atlas":
        """Open (path, "origin" | "location", licence) files. A bad file is a note, not a fault."""
        atlas, broken, notes = cls([]), [], []
        for path, kind, licence in files:
            method, name = ORIGIN if kind == "origin" else LOCATION, PurePath(path).name
            try:
                reader = maxminddb.open_database(path)
                about = reader.metadata()
            except (OSError, ValueError, maxminddb.InvalidDatabaseError) as fault:
                notes.append(f"{path} cannot be read as MMDB: {fault}.")
                gone = isinstance(fault, FileNotFoundError)
                why = f"{name} {'is not there' if gone else 'cannot be read as MMDB'}, so nothing is known from it."
                broken.append(
                    MethodAnswer(method, ok=False, why=why, source=name, licence=licence, tool=TOOL)
                )
                continue
            atlas.files.append(
                AtlasFile(
                    reader,
                    method,
                    f"{name} ({printable(str(about.database_type), 60)})",
                    int(about.build_epoch),
                    licence or "licence not given",
                )
            )
        atlas.broken, atlas.notes = tuple(broken), tuple(notes)
        return atlas

    def about(self, addresses: Sequence[str], *, at: datetime) -> list[MethodAnswer]:
        """Each file's answer about the addresses a name led to; per kind at least one. Never raises."""
        found: list[MethodAnswer] = []
        for method in (ORIGIN, LOCATION):
            files = [file for file in self.files if file.method == method]
            broken = [answer for answer in self.broken if answer.method == method]
            if not files and not broken:
                found.append(MethodAnswer(method, ok=False, why=_MISSING[method], tool=TOOL))
            found += [*(_ask(file, addresses, at) for file in files), *broken]
        return found

    def system(self, address: str) -> int:
        """The number of the autonomous system that announces a literal, by the first file that knows; or 0."""
        for file in self.files:
            if file.method == ORIGIN:
                try:
                    number, _ = network_of(file.reader.get(address))
                except (ValueError, maxminddb.InvalidDatabaseError):
                    continue
                if number:
                    return number
        return 0

    def close(self) -> None:
        """Close the files."""
        for file in self.files:
            file.reader.close()


def _ask(file: AtlasFile, addresses: Sequence[str], at: datetime) -> MethodAnswer:
    started = time.monotonic()
    why, found = "The file does not know this address.", []
    for address in addresses:
        try:
            record, prefix = file.reader.get_with_prefix_len(address)
        except (ValueError, maxminddb.InvalidDatabaseError) as fault:
            why = f"The file could not be read: {fault}."
            continue
        if record is not None:
            found.append((record, address, prefix))
    read = _read(file.method, found)
    age = int(at.timestamp() - file.built)
    notes = [read[0] if read else why]
    if age > OLD_S:
        notes.append(f"Its file is {age // 86_400} days old.")
    elif age < -AHEAD_S:
        notes.append("Its file says that it was made in the future, so how old it is nobody knows.")
    _, shown, country, asn, operator = read or ("", "", "", 0, "")
    return MethodAnswer(
        file.method,
        ok=read is not None,
        why=" ".join(filter(None, notes)),
        answer=shown,
        country=country,
        addresses=tuple(address for _, address, _ in found),
        asn=asn,
        operator=operator,
        source=file.name,
        source_age_s=age,
        seconds=round(time.monotonic() - started, 6),
        raw="\n".join(f"{address}/{prefix} {record!r}" for record, address, prefix in found)[:32_768],
        tool=TOOL,
        licence=file.licence,
    )


def _read(method: str, found: list[tuple[Any, str, int]]) -> tuple[str, str, str, int, str] | None:
    """(why, shown, country, system, operator), or None where the file names nothing."""
    countries = list(dict.fromkeys(filter(None, (country_of(record) for record, _, _ in found))))
    one = countries[0] if len(countries) == 1 else ""
    if method == LOCATION:
        if not countries:
            return None
        why = "Its addresses are in different countries." if len(countries) > 1 else ""
        return why, ", ".join(countries), one, 0, ""
    networks = list(dict.fromkeys(n for n in (network_of(record) for record, _, _ in found) if n[0] or n[1]))
    if not networks:
        return None
    why = "Its addresses belong to different networks." if len(networks) > 1 else ""
    shown = "; ".join(f"AS{number} {name}".strip() for number, name in networks)
    return why, shown, one, networks[0][0], networks[0][1]
