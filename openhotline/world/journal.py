"""What has happened in the synthetic internet so far, kept across a restart.

True here: one line of JSON per happening, appended and flushed; a torn last line is left out. Each kind is
read back by the room that wrote it. Not here: the switches of tests (`behaviour.py`), which a restart clears.
"""

import json
from pathlib import Path
from typing import Any


class Journal:
    """Happenings in order. Without a file it only remembers."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._lines: list[dict[str, Any]] = []
        if file is not None and file.exists():
            whole = file.read_bytes()
            end = whole.rfind(b"\n") + 1
            if end != len(whole):
                file.write_bytes(whole[:end])
            self._lines = [json.loads(line) for line in whole[:end].splitlines()]
        self._handle = file.open("a", encoding="utf-8") if file is not None else None
        if file is not None:
            file.chmod(0o600)

    def append(self, kind: str, **fields: Any) -> None:
        """Keep one happening; `fields` are what JSON can hold."""
        if self._handle is not None:
            self._handle.write(json.dumps({"kind": kind, **fields}, separators=(",", ":")) + "\n")
            self._handle.flush()

    def of(self, kind: str) -> list[dict[str, Any]]:
        """What was kept of one kind before this start, in order."""
        return [line for line in self._lines if line["kind"] == kind]

    def close(self) -> None:
        """Close the file."""
        if self._handle is not None:
            self._handle.close()
