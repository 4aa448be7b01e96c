"""Only where two people change them are units, their table and their keys written; every other place is found here."""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2] / "openhotline"
WRITERS = {"create", "update", "update_or_create", "get_or_create", "bulk_create", "bulk_update", "delete"}
MODELS = {"Unit", "RouteRule", "UnitKey"}
MAY = {
    "steps/units.py",  # proposed by one, confirmed by another; the policy's first table, where there is none yet
    "steps/public_key.py",  # brought by one, its fingerprint compared by another
    "jobs/house.py",  # the policy's units, without any address, where the house has none of that key
}
# Houses that are made up whole, and thrown away.
MADE_UP = {"crashtest", "simulation"}


def writes(source: str) -> list[int]:
    """Lines that write one of the models, by its manager or by saving a row named after it."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        names = {one.id for one in ast.walk(node.func.value) if isinstance(one, ast.Name)}
        attributes = {one.attr for one in ast.walk(node.func.value) if isinstance(one, ast.Attribute)}
        by_manager = node.func.attr in WRITERS and names & MODELS and "objects" in attributes
        if by_manager or (
            node.func.attr == "save" and {name.casefold() for name in names} & {"unit", "owner"}
        ):
            found.append(node.lineno)
    return found


def test_units_are_written_where_two_people_change_them() -> None:
    found = [
        f"{file.relative_to(ROOT)}:{line}"
        for file in sorted(ROOT.rglob("*.py"))
        if str(file.relative_to(ROOT)) not in MAY
        and not {"migrations", *MADE_UP} & set(file.relative_to(ROOT).parts)
        for line in writes(file.read_text())
    ]
    assert found == [], "Propose it: steps/units.py and steps/public_key.py have two people agree."


def test_the_check_sees_the_ways_there_are() -> None:
    for line in (
        'Unit.objects.filter(key="NU").update(mail="x")',
        "RouteRule.objects.all().delete()",
        "Unit.objects.create()",
        "unit.save()",
    ):
        assert writes(line) == [1], line
    assert writes('Unit.objects.filter(key="NU").first()') == []
