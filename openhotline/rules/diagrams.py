"""The path diagrams in `docs/paths.md`, printed from the tables.

`python -m openhotline.rules.diagrams` writes them, `--check` says whether the file is fresh.
"""

from __future__ import annotations

from openhotline.rules import item_path, removal_path, report_path
from openhotline.rules.path import NOTHING, Path


def _name(status: str) -> str:
    if status == NOTHING:
        return "[*]"
    return "".join(letter if letter.isalnum() else "_" for letter in status)


def mermaid(path: Path) -> str:
    """One path as a Mermaid state diagram."""
    lines = ["```mermaid", "stateDiagram-v2"]
    lines += [f'  state "{status}" as {_name(status)}' for status in path.statuses()]
    for line in path.steps:
        for source in line.sources:
            for outcome, target in line.outcomes.items():
                label = line.verb.replace("_", " ") + (
                    "" if len(line.outcomes) == 1 else f": {outcome.replace('_', ' ')}"
                )
                lines.append(f"  {_name(source)} --> {_name(target)}: {label}")
    return "\n".join([*lines, "```"])


def table(path: Path) -> str:
    """One path as a table: the same, for those who would rather read."""
    rows = ["| Step | From | To | Who | Rows |", "|---|---|---|---|---|"]
    for line in path.steps:
        sources = ", ".join(source or "(new)" for source in line.sources)
        targets = "; ".join(
            f"{outcome.replace('_', ' ')} → {target}" for outcome, target in line.outcomes.items()
        )
        rows.append(
            f"| {line.verb.replace('_', ' ')} | {sources} | {targets} | {', '.join(line.by)} | {', '.join(line.rows) or '–'} |"
        )
    return "\n".join(rows)


def document() -> str:
    """The whole of docs/paths.md."""
    parts = [
        "# The paths",
        "",
        "Printed from `openhotline/rules/*_path.py` by `python -m openhotline.rules.diagrams`. Do not edit.",
        "Rows are the state transitions of the domain's table; those not carried yet are listed at the end.",
    ]
    for path in (report_path.PATH, item_path.PATH, removal_path.PATH):
        parts += ["", f"## {path.name.capitalize()}", "", mermaid(path), "", table(path)]
    parts += ["", "## Still to come", ""]
    parts += [f"- Row {row}: {what}" for row, what in removal_path.STILL_TO_COME.items()]
    return "\n".join(parts) + "\n"


def main() -> int:
    """Write or check docs/paths.md beside the package. Returns the exit code."""
    import pathlib
    import sys

    file = pathlib.Path(__file__).resolve().parents[2] / "docs" / "paths.md"
    if "--check" in sys.argv:
        if file.exists() and file.read_text() == document():
            return 0
        sys.stderr.write("docs/paths.md is stale. Run: ./run exec python -m openhotline.rules.diagrams\n")
        return 1
    file.write_text(document())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
