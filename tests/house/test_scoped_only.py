"""No page and no endpoint reaches the database past `web/scoped.py`.

Read from the source, so a page that nobody has tested yet is covered too. A breach is planted to see it caught.
"""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2] / "openhotline"
ROOMS = ("web", "api")
MANAGERS = {"objects", "_default_manager", "_base_manager"}
SHORTCUTS = {"get_object_or_404", "get_list_or_404", "aget_object_or_404"}
RAW = {"connection", "connections"}

# Each exception says why it is one.
MANAGERS_ALLOWED = {
    "web/scoped.py": "it is the one way",
    "web/bearers.py": "it is the one way for whoever holds a secret instead of an account",
    "web/public/phases.py": "the public door knows no people: one look-up by keyed hash, five words out",
}
RAW_ALLOWED = {
    "web/beside.py": "ends the connections of its own thread and asks nothing",
    "web/health.py": "asks whether the database is durable and reads no case",
    "web/public/box.py": "asks whether the database answers and reads no case",
}


def breaches(source: str, name: str) -> list[str]:
    """Every line of `source` that takes rows some other way."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr in MANAGERS and name not in MANAGERS_ALLOWED:
            found.append(f"{name}:{node.lineno} .{node.attr}")
        if isinstance(node, ast.Name | ast.alias):
            word = node.id if isinstance(node, ast.Name) else node.name
            if word in SHORTCUTS and name not in MANAGERS_ALLOWED:
                found.append(f"{name}:{getattr(node, 'lineno', 0)} {word}")
            if word in RAW and name not in RAW_ALLOWED:
                found.append(f"{name}:{getattr(node, 'lineno', 0)} {word}")
        if (
            isinstance(node, ast.Attribute)
            and node.attr in ("raw", "extra")
            and isinstance(node.ctx, ast.Load)
        ):
            found.append(f"{name}:{node.lineno} .{node.attr}")
    return found


def files() -> list[Path]:
    return sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))


def test_every_queryset_of_a_door_comes_from_scoped() -> None:
    assert len(files()) > 20
    found = [
        breach for path in files() for breach in breaches(path.read_text(), path.relative_to(ROOT).as_posix())
    ]
    assert not found, "Use openhotline.web.scoped.Scoped:\n" + "\n".join(found)


def test_the_exceptions_still_exist() -> None:
    for name in {**MANAGERS_ALLOWED, **RAW_ALLOWED}:
        assert (ROOT / name).exists(), f"{name} is gone; take it off the list."


@pytest.mark.parametrize(
    "planted",
    [
        "Item.objects.all()",
        "records.models.Item.objects.filter(pk=1)",
        "Item._default_manager.get(pk=1)",
        "manager = Item.objects",
        "getattr\nget_object_or_404(Item, pk=1)",
        "from django.shortcuts import get_object_or_404",
        "from django.db import connection",
        "rows.raw('select 1')",
    ],
)
def test_a_planted_breach_is_caught(planted: str) -> None:
    assert breaches(planted, "web/desk/planted.py")


def test_nothing_is_caught_in_what_is_allowed() -> None:
    assert not breaches("Scoped(request.user).items().filter(pk=1)", "web/desk/page.py")
