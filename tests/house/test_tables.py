"""On a phone a table of desk or portal is one card a row: each cell carries the name of its column, and the right one."""

import re
from pathlib import Path

import pytest

from openhotline import web

TEMPLATES = Path(web.__file__).parent / "templates"
TABLE = re.compile(r'<table class="(table[^"]*)".*?</table>', re.DOTALL)
# The trace's own table stacks by another rule of the same sheet; no other page brings one.
STACKS = ["desk/case_trace.html"]


def tables() -> list[tuple[str, str, str]]:
    """(template, classes, markup) of every table, with what it includes for its rows put in."""
    found = []
    for file in sorted(TEMPLATES.rglob("*.html")):
        for table in TABLE.finditer(file.read_text()):
            rows = re.sub(
                r'{% include "(portal/[a-z_]+\.html)" %}',
                lambda part: (TEMPLATES / part[1]).read_text(),
                table[0],
            )
            found.append((str(file.relative_to(TEMPLATES)), table[1], rows))
    return found


@pytest.mark.parametrize(("template", "classes", "markup"), tables())
def test_each_cell_says_which_column_it_is_of(template: str, classes: str, markup: str) -> None:
    if template in STACKS and "table--stack" in classes:
        return
    assert "table--cards" in classes.split()
    names = re.findall(r"<th\b[^>]*>(.*?)</th>", markup)
    rows = [row for row in re.findall(r"<tr\b[^>]*>(.*?)</tr>", markup, re.DOTALL) if "<th" not in row]
    rows = [row for row in rows if "colspan" not in row]
    assert rows
    for row in rows:
        cells = re.findall(r"<td\b([^>]*)>", row)
        labels = [re.search(r'data-l="([^"]*)"', cell) for cell in cells]
        assert [label[1] if label else "" for label in labels] == names
