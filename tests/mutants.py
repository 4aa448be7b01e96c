"""Does any test notice? Changes one thing of a rule at a time and runs that rule's tests against it.

    python -m tests.mutants [NAME ...] [--json]      NAME: a file of openhotline/rules, without .py

True here: the source on the disk is never touched; each mutant lives in a process of its own, forked from one
that has loaded the test tools and none of the rules. A mutant is killed where its tests fail, or do not end
in time. `EQUIVALENT` names those that cannot be noticed, each with its reason. Not here: which tests belong
to a rule beyond its name (`MORE`).
"""

import argparse
import ast
import copy
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType

import hypothesis  # noqa: F401  loaded before the first fork
import pytest

ROOT = Path(__file__).resolve().parents[1]
RULES = ROOT / "openhotline" / "rules"
MORE: dict[str, tuple[str, ...]] = {
    "departure": ("tests/rules/test_departure.py",),
    "letter_path": ("tests/rules/test_letter_path.py",),
}
# "file:line-text-start:what" would move with every edit; a mutant is named by its function and its own words.
EQUIVALENT: dict[str, str] = {}
PATIENCE = 60.0  # processor seconds for one mutant

_COMPARE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult,
    ast.Mod: ast.Mult,
}


def changes(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """Every way in which one node may be wrong: a few words on it, and the node that stands there instead."""
    if isinstance(node, ast.Compare):
        for place, op in enumerate(node.ops):
            other = _COMPARE.get(type(op))
            if other is not None:
                made = copy.deepcopy(node)
                made.ops[place] = other()
                yield f"{ast.unparse(node)} -> {ast.unparse(made)}", made
    elif isinstance(node, ast.BoolOp):
        made_bool = copy.deepcopy(node)
        made_bool.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield f"{ast.unparse(node)} -> {ast.unparse(made_bool)}", made_bool
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield f"{ast.unparse(node)} -> {ast.unparse(node.operand)}", node.operand
    elif isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
        made_bin = copy.deepcopy(node)
        made_bin.op = _ARITHMETIC[type(node.op)]()
        yield f"{ast.unparse(node)} -> {ast.unparse(made_bin)}", made_bin
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield f"{node.value} -> {not node.value}", ast.Constant(not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int):
        yield f"{node.value} -> {node.value + 1}", ast.Constant(node.value + 1)
    elif isinstance(node, ast.If | ast.IfExp):
        made_if = copy.deepcopy(node)
        made_if.test = ast.UnaryOp(ast.Not(), node.test)
        yield f"if {ast.unparse(node.test)} -> if not", made_if
    elif isinstance(node, ast.Return) and ast.unparse(node) not in ("return", "return None"):
        yield f"{ast.unparse(node)} -> return None", ast.Return(ast.Constant(None))


class _Swap(ast.NodeTransformer):
    def __init__(self, target: int, made: ast.AST) -> None:
        self.target, self.made, self.at = target, made, -1

    def visit(self, node: ast.AST) -> ast.AST:
        self.at += 1
        return self.made if self.at == self.target else self.generic_visit(node)


def mutants(source: str) -> Iterator[tuple[int, str, str]]:
    """(line, what was changed, the whole mutated source) for each mutant of a file."""
    tree = ast.parse(source)
    order: list[ast.AST] = []

    class Walk(ast.NodeTransformer):
        def visit(self, node: ast.AST) -> ast.AST:
            order.append(node)
            return self.generic_visit(node)

    Walk().visit(tree)
    # A flag of a dataclass (frozen, slots) changes no rule.
    flags = {
        id(inner)
        for node in order
        for flag in getattr(node, "decorator_list", ())
        for inner in ast.walk(flag)
    }
    for place, node in enumerate(order):
        if id(node) in flags:
            continue
        for what, made in changes(node):
            fresh = _Swap(place, made).visit(ast.parse(source))
            yield getattr(node, "lineno", 0), what, ast.unparse(ast.fix_missing_locations(fresh))


class Planted(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module from a given source."""

    def __init__(self, name: str, source: str) -> None:
        self.name, self.source = name, source

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        return importlib.util.spec_from_loader(fullname, self) if fullname == self.name else None

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self.source, f"<mutant of {self.name}>", "exec"), module.__dict__)


def tests_of(name: str) -> list[str]:
    """The test files of a rule."""
    named = [f"tests/rules/test_{name}.py"] if (ROOT / f"tests/rules/test_{name}.py").exists() else []
    return sorted({*named, *MORE.get(name, ())})


def survives(name: str, source: str, tests: Sequence[str]) -> bool:
    """Whether the tests pass with this source in the place of the rule."""
    child = os.fork()
    if child == 0:
        try:
            os.chdir(ROOT)
            silent = os.open(os.devnull, os.O_WRONLY)
            os.dup2(silent, 1)
            os.dup2(silent, 2)
            signal.setitimer(signal.ITIMER_VIRTUAL, PATIENCE)  # ends the child by SIGVTALRM
            sys.meta_path.insert(0, Planted(f"openhotline.rules.{name}", source))
            os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
            options = ["-x", "-q", "--noconftest", "--assert=plain", "-p", "no:cacheprovider"]
            os._exit(int(pytest.main([*options, "-o", "addopts=", "-o", "filterwarnings=", *tests])))
        except BaseException:
            os._exit(99)
    _, status = os.waitpid(child, 0)
    return status == 0


def main() -> int:
    """Print every survivor, and how many were killed. Exit 0 where at least 95 of a hundred were."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    names = asked.names or sorted(file.stem for file in RULES.glob("*.py") if tests_of(file.stem))
    began, found = time.process_time(), []
    for name in names:
        source, tests = (RULES / f"{name}.py").read_text(), tests_of(name)
        if not tests:
            raise SystemExit(f"{name} has no tests of its own; name them in MORE.")
        if not survives(name, source, tests):
            raise SystemExit(f"The tests of {name} fail without any change.")
        total, alive = 0, []
        for line, what, mutated in mutants(source):
            if f"{name}: {what}" in EQUIVALENT:
                continue
            total += 1
            if survives(name, mutated, tests):
                alive.append(f"{name}.py:{line}: {what}")
        found.append({"rule": name, "mutants": total, "killed": total - len(alive), "alive": alive})
        if not asked.json:
            print(f"{name}: {total - len(alive)} of {total} killed", *alive, sep="\n  ", flush=True)
    total = sum(one["mutants"] for one in found)
    killed = sum(one["killed"] for one in found)
    if asked.json:
        print(json.dumps({"rules": found, "mutants": total, "killed": killed}))
    else:
        print(f"{killed} of {total} killed, in {time.process_time() - began:.0f} s of this process")
    return 0 if killed >= 0.95 * total else 1


if __name__ == "__main__":
    sys.exit(main())
