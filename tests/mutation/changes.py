"""Every way in which a rule may be wrong, one change at a time: the mutants of a file.

True here: a mutant is one comparison, boolean, number, sum, return or guard of a file of `openhotline/rules/`
that is not what was written. Line numbers stay those of the file. Not here: whether a test notices
(`live`, `fresh`). Left alone: texts (names and sentences: the words' own tests read them), annotations,
the flags of a dataclass, and the lines that only a command or a type checker runs.
"""

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "openhotline" / "rules"

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


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change. `name` outlives edits elsewhere in the file: function, words, and which of the like ones."""

    rule: str
    name: str
    lines: frozenset[int]  # of the statement's head; a test that runs none of them cannot notice
    function: tuple[str, ...]  # outermost function's dotted place: ("Path", "find"); () at the file's top
    first: int  # the line of that function, 0 at the top
    tree: Callable[[], ast.Module] = field(
        repr=False, compare=False
    )  # made anew: only what is tried is needed


def _ways(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """Every way in which one node may be wrong: a few words on it, and the node that stands there instead."""
    if isinstance(node, ast.Compare):
        for place, op in enumerate(node.ops):
            if type(op) in _COMPARE:
                made = copy.deepcopy(node)
                made.ops[place] = _COMPARE[type(op)]()
                yield f"{ast.unparse(node)} -> {ast.unparse(made)}", made
    elif isinstance(node, ast.BoolOp):
        other = copy.deepcopy(node)
        other.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield f"{ast.unparse(node)} -> {ast.unparse(other)}", other
        for place, part in enumerate(node.values):
            rest = [value for at, value in enumerate(node.values) if at != place]
            fewer = rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest)
            yield f"{ast.unparse(node)} -> without {ast.unparse(part)}", fewer
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield f"{ast.unparse(node)} -> {ast.unparse(node.operand)}", node.operand
    elif isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
        summed = copy.deepcopy(node)
        summed.op = _ARITHMETIC[type(node.op)]()
        yield f"{ast.unparse(node)} -> {ast.unparse(summed)}", summed
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield f"{node.value} -> {not node.value}", ast.Constant(not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        yield f"{node.value} -> {node.value + 1}", ast.Constant(node.value + 1)
    elif isinstance(node, ast.If | ast.IfExp):
        turned = copy.deepcopy(node)
        turned.test = ast.UnaryOp(ast.Not(), node.test)
        yield f"if {ast.unparse(node.test)} -> if not", turned
        if isinstance(node, ast.If) and not node.orelse:
            yield f"if {ast.unparse(node.test)}: ... -> left out", ast.Pass()
    elif isinstance(node, ast.comprehension):
        for place, part in enumerate(node.ifs):
            open_ = copy.deepcopy(node)
            del open_.ifs[place]
            yield f"for ... if {ast.unparse(part)} -> for every one", open_
    elif isinstance(node, ast.Return) and ast.unparse(node) not in ("return", "return None"):
        yield f"{ast.unparse(node)} -> return None", ast.Return(ast.Constant(None))


def _left_alone(tree: ast.Module) -> set[int]:
    """The nodes (by id) that are no rule."""
    alone: list[ast.AST] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            alone += node.decorator_list
        elif isinstance(node, ast.FunctionDef):
            alone += [node.returns] if node.returns else []
        elif isinstance(node, ast.arg | ast.AnnAssign):
            alone += [node.annotation] if node.annotation else []
        elif isinstance(node, ast.If) and ast.unparse(node.test) in (
            "TYPE_CHECKING",
            "__name__ == '__main__'",
        ):
            alone.append(node)
    return {id(inner) for top in alone for inner in ast.walk(top)}


class _Walk(ast.NodeVisitor):
    """Numbers every node in one fixed order, and knows the statement and the function around each."""

    def __init__(self) -> None:
        self.order: list[ast.AST] = []
        self.around: list[tuple[tuple[int, int], tuple[str, ...], int]] = []
        self._head, self._function, self._first = (0, 0), (), 0
        self._classes: tuple[str, ...] = ()

    def visit(self, node: ast.AST) -> None:
        kept = self._head, self._function, self._first, self._classes
        if isinstance(node, ast.stmt):
            body = getattr(node, "body", None)
            end = body[0].lineno - 1 if isinstance(body, list) and body else node.end_lineno or node.lineno
            self._head = node.lineno, max(end, node.lineno)
        self.order.append(node)
        self.around.append((self._head, self._function, self._first))
        if isinstance(node, ast.ClassDef) and not self._function:
            self._classes = (*self._classes, node.name)
        if isinstance(node, ast.FunctionDef) and not self._function:
            for part in (*node.decorator_list, node.args):
                self.visit(part)  # run when the file is read, not when the function is
            first = min([node.lineno, *(part.lineno for part in node.decorator_list)])
            self._function, self._first = (*self._classes, node.name), first
            for part in node.body:
                self.visit(part)
        else:
            self.generic_visit(node)
        self._head, self._function, self._first, self._classes = kept


class _Swap(ast.NodeTransformer):
    def __init__(self, target: ast.AST, made: ast.AST) -> None:
        self.target, self.made = target, made

    def visit(self, node: ast.AST) -> ast.AST:
        return self.made if node is self.target else self.generic_visit(node)


def mutants(rule: str) -> Iterator[Mutant]:
    """All mutants of `openhotline/rules/<rule>.py`, in the order of the file."""
    source = (RULES / f"{rule}.py").read_text(encoding="utf-8")
    tree = ast.parse(source)
    alone, walk = _left_alone(tree), _Walk()
    walk.visit(tree)
    names: dict[str, int] = {}
    for place, node in enumerate(walk.order):
        if id(node) in alone:
            continue
        (begin, end), function, first = walk.around[place]
        for what, made in _ways(node):
            title = f"{'.'.join(function) or 'top'}: {' '.join(what.split())}"
            names[title] = names.get(title, 0) + 1
            yield Mutant(
                rule,
                title if names[title] == 1 else f"{title} (no. {names[title]})",
                frozenset(range(begin, end + 1)),
                function,
                first,
                partial(_swapped, tree, place, made),
            )


def _swapped(tree: ast.Module, place: int, made: ast.AST) -> ast.Module:
    fresh, walk = copy.deepcopy(tree), _Walk()
    walk.visit(fresh)
    node = walk.order[place]
    return ast.fix_missing_locations(_Swap(node, ast.copy_location(made, node)).visit(fresh))
