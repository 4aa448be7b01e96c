"""Only `steps/advance.py` writes a status. Every other place that tries is found here, with its line."""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2] / "openhotline"
WRITER = ROOT / "steps" / "advance.py"
MOVED = {"Item", "Removal", "Report"}


def offences(source: str, name: str) -> list[str]:
    """Lines that assign `.status`, pass `status=` to update/create of a moved model, or bulk-update it."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Assign | ast.AugAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found += [
                f"{name}:{node.lineno} assigns .status"
                for target in targets
                if isinstance(target, ast.Attribute) and target.attr == "status"
            ]
        if not isinstance(node, ast.Call):
            continue
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        words = {keyword.arg for keyword in node.keywords}
        if "status" in words and called in {"update", "create", "update_or_create", "get_or_create", *MOVED}:
            found.append(f"{name}:{node.lineno} passes status= to {called}()")
        if called == "bulk_update" and any(
            isinstance(text, ast.Constant) and text.value == "status"
            for arg in node.args
            for text in ast.walk(arg)
        ):
            found.append(f"{name}:{node.lineno} bulk-updates status")
        if called in {"execute", "executemany"} and any(
            isinstance(text, ast.Constant)
            and isinstance(text.value, str)
            and "set status" in text.value.lower()
            for arg in node.args
            for text in ast.walk(arg)
        ):
            found.append(f"{name}:{node.lineno} writes status in SQL")
    return found


def test_one_writer_of_status():
    found = []
    for file in sorted(ROOT.rglob("*.py")):
        if (
            file == WRITER
            or "migrations" in file.parts
            or "world" in file.parts
            or "connectors" in file.parts
        ):
            continue
        found += offences(file.read_text(), str(file.relative_to(ROOT)))
    assert found == [], "Only steps/advance.py moves things. Use advance() or begin()."


def test_the_check_sees_every_way_of_writing():
    planted = """
removal.status = "noticed"
Removal.objects.filter(pk=1).update(status="noticed")
Item(status="graded")
Item.objects.bulk_update(rows, ["status"])
cursor.execute("UPDATE records_item SET status = 'graded'")
"""
    assert len(offences(planted, "planted")) == 5
