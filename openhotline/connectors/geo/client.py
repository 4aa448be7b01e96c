"""Read MMDB files, with their age. Files are opened once, before the prober gives up its rights.

True here: an answer carries how old its file is at the time asked. Several addresses that disagree give
no country rather than one of them. Not here: fetching files; the operator supplies them.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import maxminddb

from openhotline.connectors.geo.meaning import country_of, network_of
from openhotline.rules.facts import MethodAnswer

ORIGIN, LOCATION = "origin-network", "location"
_MISSING = {
    ORIGIN: "No file of origin networks is installed.",
    LOCATION: "No file of countries is installed.",
}


@dataclass
class Atlas:
    """The open files: by kind, (reader, path, licence)."""

    origin: list[tuple[Any, str, str]]
    location: list[tuple[Any, str, str]]
    notes: tuple[str, ...] = ()  # files that could not be opened, in sentences

    @classmethod
    def load(cls, files: Iterable[Sequence[str]]) -> "Atlas":
        """Open (path, "origin" | "location", licence) files. A bad file is a note, not a fault."""
        atlas, notes = cls([], []), []
        for path, kind, licence in files:
            try:
                reader = maxminddb.open_database(path)
            except (OSError, ValueError, maxminddb.InvalidDatabaseError) as fault:
                notes.append(f"{path} cannot be read as MMDB: {fault}.")
                continue
            (atlas.origin if kind == "origin" else atlas.location).append((reader, path, licence))
        atlas.notes = tuple(notes)
        return atlas

    def about(self, addresses: Sequence[str], *, at: datetime) -> list[MethodAnswer]:
        """Both methods' answers about the addresses a name led to. Never raises."""
        return [
            self._method(ORIGIN, self.origin, addresses, at),
            self._method(LOCATION, self.location, addresses, at),
        ]

    def close(self) -> None:
        """Close the files."""
        for reader, _, _ in (*self.origin, *self.location):
            reader.close()

    def _method(
        self, method: str, files: list[tuple[Any, str, str]], addresses: Sequence[str], at: datetime
    ) -> MethodAnswer:
        started = time.monotonic()
        if not files:
            return MethodAnswer(method, ok=False, why=_MISSING[method])
        why = "The file does not know this address."
        for reader, path, licence in files:
            found = []
            for address in addresses:
                try:
                    record, prefix = reader.get_with_prefix_len(address)
                except (ValueError, maxminddb.InvalidDatabaseError) as fault:
                    why = f"The file could not be read: {fault}."
                    continue
                if record is not None:
                    found.append((record, address, prefix))
            answer = _read(method, found, f"{path} ({licence})" if licence else path)
            if answer is not None:
                age = max(0, int(at.timestamp() - reader.metadata().build_epoch))
                return _dated(answer, age, round(time.monotonic() - started, 4))
        return MethodAnswer(method, ok=False, why=why, source=files[0][1])


def _read(method: str, found: list[tuple[Any, str, int]], source: str) -> MethodAnswer | None:
    raw = "\n".join(f"{address}/{prefix} {record!r}" for record, address, prefix in found)[:32_768]
    addresses = tuple(address for _, address, _ in found)
    if method == LOCATION:
        countries = list(dict.fromkeys(filter(None, (country_of(r) for r, _, _ in found))))
        if not countries:
            return None
        why = "Its addresses are in different countries." if len(countries) > 1 else ""
        one = countries[0] if len(countries) == 1 else ""
        return MethodAnswer(
            method, True, why, ", ".join(countries), one, addresses=addresses, source=source, raw=raw
        )
    networks = list(dict.fromkeys(n for n in (network_of(r) for r, _, _ in found) if n[0] or n[1]))
    if not networks:
        return None
    countries = list(dict.fromkeys(filter(None, (country_of(r) for r, _, _ in found))))
    return MethodAnswer(
        method,
        True,
        "Its addresses belong to different networks." if len(networks) > 1 else "",
        "; ".join(f"AS{number} {name}".strip() for number, name in networks),
        countries[0] if len(countries) == 1 else "",
        addresses,
        networks[0][0],
        operator=networks[0][1],
        source=source,
        raw=raw,
    )


def _dated(answer: MethodAnswer, age_s: int, seconds: float) -> MethodAnswer:
    fields = {name: getattr(answer, name) for name in answer.__slots__}
    return MethodAnswer(**{**fields, "source_age_s": age_s, "seconds": seconds})
