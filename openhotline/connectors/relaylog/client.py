"""Read the relay's log from the files the operator named, rotated ones first.

True here: what cannot be read says nothing, so nothing is concluded from it; `written` is when the newest
file was last written to. Not here: what the lines mean (`meaning`).
"""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from openhotline.connectors.relaylog.meaning import LogRead, read

ROTATED = (".2.gz", ".1.gz", ".2", ".1", ".0")


@dataclass(frozen=True, slots=True)
class RelayLog:
    """The log file of the relay, as the operator named it, and the domain of our Message-IDs."""

    file: Path
    domain: str

    @classmethod
    def nowhere(cls, domain: str) -> "RelayLog":
        """A log that is played by somebody else (`openhotline/simulation`) and read from no file."""
        return cls(Path(), domain)


def ask(log: RelayLog) -> tuple[LogRead, datetime | None]:
    """What the log says, and when it was last written to (None where it cannot be read)."""
    try:
        written = datetime.fromtimestamp(log.file.stat().st_mtime, UTC)
        return read(_lines(log.file), domain=log.domain), written
    except OSError:
        return LogRead(), None


def _lines(file: Path) -> Iterator[str]:
    older = [file.with_name(file.name + end) for end in ROTATED]
    for one in [*(path for path in older if path.exists()), file]:
        with gzip.open(one, "rb") if one.suffix == ".gz" else one.open("rb") as handle:
            for line in handle:
                # A line without its end is still being written.
                if line.endswith(b"\n"):
                    yield line.decode("utf-8", "replace")
