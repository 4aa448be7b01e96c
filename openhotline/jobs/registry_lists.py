"""The lists that say which registry answers for what (IANA's bootstrap, RFC 9224): fetched, kept, and how old.

True here: the prober fetches them, by its own vetted way out, and asks by them at once; the house keeps what
was sound in `registries/` of its data directory, for the prober's next start. A list that is not sound changes
nothing. No copy ships with the product. Not here: reading a list (`connectors/rdap`).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from openhotline.connectors.probe.client import Prober
from openhotline.connectors.probe.meaning import ListFacts, ListJob
from openhotline.connectors.rdap.client import KINDS

FOLDER = "registries"
NOTE = "fetched.json"


@dataclass(frozen=True, slots=True)
class Kept:
    """One list in the data directory."""

    kind: str
    published: str  # its own date
    fetched: datetime
    entries: int
    url: str


def files(data: Path) -> tuple[str, ...]:
    """The lists this house has, by path."""
    folder = (data / FOLDER).absolute()
    return tuple(str(folder / f"{kind}.json") for kind in KINDS if (folder / f"{kind}.json").is_file())


def refresh(prober: Prober, *, base: str, data: Path, at: datetime) -> list[ListFacts]:
    """Fetch all four from `base`. What came sound is kept; the rest is told. Raises ProberUnreachable, OSError."""
    jobs = [ListJob(kind, f"{base.rstrip('/')}/{kind}.json", at) for kind in KINDS]
    found = prober.lists(jobs)
    _keep([facts for facts in found if facts.ok], data)
    return found


def _keep(found: Sequence[ListFacts], data: Path) -> None:
    folder = data / FOLDER
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    notes = _notes(folder)
    for facts in found:
        _put(folder / f"{facts.kind}.json", facts.body)
        notes[facts.kind] = {
            "published": facts.published,
            "fetched": facts.at.isoformat(),
            "entries": facts.entries,
            "url": facts.url,
        }
    _put(folder / NOTE, json.dumps(notes, indent=1))


def kept(data: Path) -> list[Kept]:
    """What this house has and since when."""
    folder = data / FOLDER
    return [
        Kept(kind, note["published"], datetime.fromisoformat(note["fetched"]), note["entries"], note["url"])
        for kind, note in sorted(_notes(folder).items())
        if (folder / f"{kind}.json").is_file()
    ]


def _notes(folder: Path) -> dict[str, dict[str, Any]]:
    try:
        value = json.loads((folder / NOTE).read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _put(file: Path, text: str) -> None:
    new = file.with_suffix(".new")
    new.write_text(text, "utf-8")
    new.replace(file)
