"""Only `steps/advance.py` writes a status. Every other place that tries is found here, with its line.

Looked at is the text of the code: an assignment, the arguments of whatever writes rows, and statements in SQL however
they are put together. Names are followed to what the same file gives them.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2] / "openhotline"
WRITER = ROOT / "steps" / "advance.py"
# Statements are put together there from names handed in: who hands a status to the first is found by that call;
# the second tries the ledger's triggers, and rolls back.
COMPOSERS = {"records/bulk.py", "jobs/doctor_records.py"}
MOVED = {"Item", "Removal", "Report"}
# Who takes values by name, and whose second argument (or which named one) is a list of columns.
BY_NAME = {"update", "create", "update_or_create", "get_or_create"}
BY_NAME |= {f"a{name}" for name in BY_NAME}
BY_COLUMNS = {"bulk_update", "abulk_update", "insert", "change"}
COLUMNS = {"fields", "columns", "update_fields", "defaults", "create_defaults"}
UNKNOWN = "\0"  # stands in a statement for what only the running program knows
WRITES = re.compile(
    rf"\bupdate\b.*\bset\b.*(\bstatus\b[^,]*=|{UNKNOWN})|\binsert\s+into\s+\"?records_(item|removal|report)\b",
    re.DOTALL,
)


class _File:
    """One file: what its names stand for, and which of them are the moved models."""

    def __init__(self, source: str) -> None:
        self.tree = ast.parse(source)
        self.given: dict[str, list[ast.expr]] = {}
        self.models = set(MOVED)
        for node in ast.walk(self.tree):
            if isinstance(node, ast.ImportFrom):
                self.models |= {one.asname for one in node.names if one.name in MOVED and one.asname}
            for target in targets_of(node):
                value = getattr(node, "value", None)
                if isinstance(target, ast.Name) and isinstance(value, ast.expr):
                    self.given.setdefault(target.id, []).append(value)
                    fetched = isinstance(value, ast.Call) and called(value) == "get_model"
                    if fetched and any(text in MOVED for text in texts(value)):
                        self.models.add(target.id)
                # values["status"] = ... says as much of the name `values` as a literal would.
                if isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name):
                    self.given.setdefault(target.value.id, []).append(target.slice)

    def speaks_of_status(self, value: ast.expr, depth: int = 3) -> bool:
        """Whether a list of columns, or a dict of values, names the status."""
        if isinstance(value, ast.Dict):
            parts = [key for key in value.keys if key is not None]
            parts += [one for key, one in zip(value.keys, value.values, strict=True) if key is None]
        elif isinstance(value, ast.Call) and called(value) == "dict":
            if any(word.arg == "status" for word in value.keywords):
                return True
            parts = value.args
        elif isinstance(value, ast.Name):
            parts = self.given.get(value.id, []) if depth else []
        elif isinstance(value, ast.Constant):
            return value.value == "status"
        else:
            parts = [part for part in ast.iter_child_nodes(value) if isinstance(part, ast.expr)]
        return any(self.speaks_of_status(part, depth - isinstance(value, ast.Name)) for part in parts)


def targets_of(node: ast.AST) -> list[ast.expr]:
    if isinstance(node, ast.Assign):
        return [
            one
            for target in node.targets
            for one in (target.elts if isinstance(target, ast.Tuple | ast.List) else [target])
        ]
    if isinstance(node, ast.AugAssign | ast.AnnAssign | ast.NamedExpr | ast.For):
        return [node.target]
    return []


def called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def texts(node: ast.AST) -> Iterator[str]:
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield part.value


def statement(node: ast.expr) -> str:
    """A text as far as the file tells it, `UNKNOWN` for the rest."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else UNKNOWN
    if isinstance(node, ast.JoinedStr):
        return "".join(map(statement, node.values))
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return statement(node.left) + statement(node.right)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
        return re.sub(r"%[sd]", UNKNOWN, statement(node.left))
    if isinstance(node, ast.Call) and called(node) == "format" and isinstance(node.func, ast.Attribute):
        return re.sub(r"\{\w*\}", UNKNOWN, statement(node.func.value))
    return UNKNOWN


def offences(source: str, name: str) -> list[str]:
    """Lines that write a status, each once."""
    file, found = _File(source), {}
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(file.tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(file.tree):
        how = _assigns(node)
        if isinstance(node, ast.Call):
            how = how or _passes(node, file)
        plain = isinstance(node, ast.expr) and id(node) not in docstrings and name not in COMPOSERS
        if plain and not how and WRITES.search(statement(node).lower()):
            how = "writes status in SQL, or columns that nobody can tell"
        if how:
            found[node.lineno] = f"{name}:{node.lineno} {how}"
    return list(found.values())


def _assigns(node: ast.AST) -> str:
    for target in targets_of(node):
        if isinstance(target, ast.Attribute) and target.attr == "status":
            return "assigns .status"
        if isinstance(target, ast.Subscript) and "status" in texts(target.slice):
            inner = target.value
            if (isinstance(inner, ast.Attribute) and inner.attr == "__dict__") or (
                isinstance(inner, ast.Call) and called(inner) == "vars"
            ):
                return "assigns status behind the object's back"
    return ""


def _passes(node: ast.Call, file: _File) -> str:
    name = called(node)
    if name in {"setattr", "__setattr__"}:
        attribute = node.args[-2] if len(node.args) > 1 else None
        if not isinstance(attribute, ast.Constant) or attribute.value == "status":
            return "sets an attribute that is the status, or that nobody can tell"
    if name in BY_NAME or name in file.models:
        for word in node.keywords:
            if word.arg == "status" or (word.arg is None and file.speaks_of_status(word.value)):
                return f"passes a status to {name}()"
    # A check has a status too, the server's: what names another model outright moves nothing.
    other = (
        name in {"insert", "change"}
        and isinstance(node.args[0], ast.Name)
        and node.args[0].id[:1].isupper()
        and node.args[0].id not in file.models
    )
    columns = node.args[1:2] if name in BY_COLUMNS and not other else []
    if name in BY_COLUMNS | BY_NAME | {"bulk_create", "abulk_create"}:
        columns = [*columns, *(word.value for word in node.keywords if word.arg in COLUMNS)]
    if any(map(file.speaks_of_status, columns)):
        return f"names the status to {name}()"
    return ""


def test_one_writer_of_status() -> None:
    found = []
    for file in sorted(ROOT.rglob("*.py")):
        if file == WRITER or {"migrations", "world", "connectors"} & set(file.relative_to(ROOT).parts):
            continue
        found += offences(file.read_text(), str(file.relative_to(ROOT)))
    assert found == [], "Only steps/advance.py moves things. Use advance() or begin()."


PLANTED = """\
removal.status = "noticed"
removal.status, removal.due_at = "noticed", None
removal.__dict__["status"] = "noticed"
vars(removal)["status"] = "noticed"
setattr(removal, "status", "noticed")
setattr(removal, name, "noticed")
object.__setattr__(removal, "status", "noticed")
Removal.objects.filter(pk=1).update(status="noticed")
Removal.objects.filter(pk=1).update(**{"status": "noticed"})
Removal.objects.filter(pk=1).update(**dict(status="noticed"))
Removal.objects.filter(pk=1).update(**{**values})
await Removal.objects.aupdate(status="noticed")
Item(status="graded")
Thing(status="graded")
models.Item(status="graded")
Fetched(status="graded")
Item(**values)
Item.objects.get_or_create(pk=1, defaults={"status": "graded"})
Item.objects.bulk_update(rows, ["status"])
Item.objects.bulk_update(rows, fields=MANY)
Item.objects.bulk_create(rows, update_conflicts=True, update_fields=["status"])
bulk.change(Item, ("due_at", "status"), rows)
bulk.change(model, ("due_at", "status"), rows)
bulk.insert(Item, (*MANY, "ref"), rows)
cursor.execute("UPDATE records_item SET status = 'graded'")
cursor.execute(f"UPDATE {table} SET status = %s", [status])
cursor.execute("UPDATE records_item SET " + column + " = 'graded'")
cursor.execute("UPDATE records_item SET %s = 'graded'" % column)
cursor.execute("UPDATE {} SET {} = 'graded'".format(table, column))
cursor.execute("INSERT INTO records_item (ref, status) VALUES ('x', 'graded')")
"""
KNOWN = """
from openhotline.records.models import Item as Thing
Fetched = apps.get_model("records", "Item")
values = {}
values["status"] = "noticed"
FEW = ("due_at", "status")
MANY = [*FEW, "ref"]
"""
INNOCENT = """
def told(rows):
    "UPDATE nothing: SET status = 'x' stands in a docstring only."
    states = dict(Removal.objects.values_list("pk", "status"))
    Removal.objects.filter(status="noticed").update(due_at=None)
    bulk.insert(Check, ("meaning", "status"), rows)
    Letter.objects.bulk_update(rows, ["state"])
    cursor.execute("UPDATE records_counter SET n = n + 1 WHERE name = 'status'")
    return render(request, "x.html", {"status": states}, status=200)
"""


def test_the_check_sees_every_way_of_writing() -> None:
    for line in PLANTED.splitlines():
        assert len(offences(f"{KNOWN}{line}", "planted")) == 1, line
    assert offences(INNOCENT, "innocent") == []
