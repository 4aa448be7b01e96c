"""What goes to other companies and hotlines (`exchange.toml`, `filter_list.toml`).

What is not here: how one field is read (`policy/table.py`), and what follows from the values (`openhotline/rules`).
"""

import re
from itertools import pairwise

from openhotline.policy.table import Table
from openhotline.rules import words
from openhotline.rules.exchange import CodeRow, Codes
from openhotline.rules.filter_list import Terms


def exchange_codes(table: Table, digest: str) -> Codes:
    """`exchange.toml`: [field, code, our word, what it says, lost, ways]. One code leads to one word, one word to one code."""
    table.day("valid_from")
    rows: list[CodeRow] = []
    for given in table.table("codes").get("row", list):
        try:
            field, code, ours, says, *more = given
            lost, ways = (*more, "", "both")[:2] if len(more) != 1 else (more[0], "both")
            sound = all(isinstance(text, str) for text in (field, ours, says, lost)) and type(code) is int
        except (TypeError, ValueError):
            sound = False
        if not sound or len(more) > 2 or ways not in ("both", "out", "in"):
            raise table.fault("codes", f"has a row that cannot be read: {given!r}")
        rows.append(CodeRow(field, code, ours, says, lost, ways))
    for way in ("out", "in"):
        seen = [
            (row.field, row.ours if way == "out" else row.code) for row in rows if row.ways in ("both", way)
        ]
        twice = sorted({str(one) for one in seen if seen.count(one) > 1})
        if twice:
            raise table.fault("codes", f"says two things ({way}) about {', '.join(twice)}")
    paths = table.table("paths")
    return Codes(
        version=f"exchange-{table.text('version')}+{digest[:8]}"[:40],
        rows=tuple(rows),
        paths={
            name: paths.text(name, "") if name in ("ask", "list") else paths.text(name)
            for name in (
                *("login", "report", "one", "content", "queue", "taken"),
                *("grade", "act", "moved", "assigned", "ask", "list"),
            )
        },
    )


_CLOCK = re.compile(r"(\d\d):(\d\d)")


def filter_list(table: Table) -> Terms:
    """`[list]` of filter_list.toml."""
    inner = table.table("list")
    minutes = []
    for text in inner.texts("issues"):
        read = _CLOCK.fullmatch(text)
        if read is None or int(read[1]) > 23 or int(read[2]) > 59:
            raise inner.fault("issues", f"holds “{text}”; write times such as 12:00")
        minutes.append(int(read[1]) * 60 + int(read[2]))
    if not minutes or any(later <= earlier for earlier, later in pairwise(minutes)):
        raise inner.fault("issues", "should be times of the day, each later than the one before")
    classes = inner.texts("classes", words.CLASSES)
    if not classes:
        raise inner.fault("classes", "is empty")
    return Terms(
        issues=tuple(minutes),
        zone=inner.zone("zone"),
        classes=classes,
        seen=inner.span("seen"),
        licence=inner.span("licence"),
        copy=inner.span("copy"),
    )
