"""Whom it goes to (`routes.toml`, `partners.toml`).

What is not here: how one field is read (`policy/table.py`), and what follows from the values (`openhotline/rules`).
"""

from openhotline.policy.table import Table
from openhotline.rules import words
from openhotline.rules.routing import PartnerHotline, UnitRow, UnitRule


def unit(row: Table) -> UnitRow:
    """`[[unit]]` of routes.toml."""
    return UnitRow(
        row.text("key"),
        row.text("name"),
        row.one_of("level", ("national", "regional", "local", "special")),
        row.text("agreement"),
        row.texts("classes", words.CLASSES),
        row.texts("areas"),
    )


def unit_rule(row: Table) -> UnitRule:
    """`[[rule]]` of routes.toml."""
    asns = row.get("asns", list, [])
    if not all(isinstance(asn, int) and not isinstance(asn, bool) and 0 < asn < 2**32 for asn in asns):
        raise row.fault("asns", "should be a list of network numbers (AS numbers)")
    return UnitRule(
        row.text("unit"),
        row.texts("classes", words.CLASSES),
        tuple(asns),
        row.texts("operators"),
        row.text("why"),
        row.texts("areas"),
    )


def partner(row: Table) -> PartnerHotline:
    """`[[partner]]` of partners.toml."""
    return PartnerHotline(
        row.text("key"), row.country("country"), row.text("name"), row.texts("classes", words.CLASSES)
    )
