"""Every letter that leaves the house is in a list here, and what goes to hosts speaks every language a notice does."""

import ast
import importlib
from pathlib import Path

from openhotline.rules import told
from tests.rules.test_told import MADE

ROOT = Path(__file__).resolve().parents[2] / "openhotline"

# Their words stand in `policy/texts`, in every language; the code holds none. What makes each letter here:
IN_EVERY_LANGUAGE = {
    "notice": "rules/notice",
    "host-alert": "rules/alert",
    "domain-alert": "rules/alert",
    "domain-alert-over": "domain_over",
    "reminder": "reminder",
    "host-moved": "moved",
    "alert-moved": "moved",
    "host-repealed": "withdrawn",
    "alert-repealed": "withdrawn",
    "host-answer": "answer",
    "appeal-answer": "appeal_received, appeal_decided",
    "reporter-answer": "reported",
}
# In the house's own language alone, and why.
IN_ONE = {
    "our own desk and managers": {
        "alarm",
        "alarm-managers",
        "appeal-late",
        "differences-untaken",
        "domain-alert-returned",
        "domain-alerts-waiting",
        "hold-unheard",
        "ladder",
        "letters-stuck",
        "moved-often",
        "request-late",
    },
    "police and partner hotlines, with whom the house has agreed on a language": {
        "agreement-*",
        "exchange-repealed",
        "hold-review",
        "police-deputy",
        "police-escalation",
        "police-managers",
        "police-reminder",
        "police-*",
        "referral",
        "referral-escalation",
        "referral-moved",
        "referral-query",
        "referral-repealed",
    },
    "policy words its rungs (`ladder.toml`), and the rest follows them": {"ladder-*", "rung-repealed"},
    "no mail: a machine's form": {"hook", "exchange-word", "trace"},
}
# Where the kind is a variable: what these files write goes to the police or to managers, by their own literals.
VARIABLE = {"consult.py", "escalate.py", "requests.py", "tell.py"}
WRITERS = {"queue.put", "queue.put_many", "tell.desk", "desk", "_say_moved", "_letter"}


def kinds_of(node: ast.expr, constants: dict[str, str]) -> set[str]:
    """The kinds of letter an expression can name; what is filled in is "*"."""
    match node:
        case ast.Constant(value=str(text)):
            return {text}
        case ast.JoinedStr(values=parts):
            return {"".join(one.value if isinstance(one, ast.Constant) else "*" for one in parts)}
        case ast.IfExp(body=left, orelse=right):
            return kinds_of(left, constants) | kinds_of(right, constants)
        case ast.Name(id=name) if name in constants:
            return {constants[name]}
        case _:
            return set()


def letters() -> tuple[dict[str, list[ast.Call]], set[str]]:
    """(kind -> the calls that put such a letter into the box, the files in which a kind is a variable)."""
    found: dict[str, list[ast.Call]] = {}
    variable: set[str] = set()
    for file in sorted(ROOT.rglob("*.py")):
        if file.parent.name in ("outbox", "simulation"):
            continue
        tree = ast.parse(file.read_text())
        if not any(ast.unparse(one.func) in WRITERS for one in ast.walk(tree) if isinstance(one, ast.Call)):
            continue
        module = ".".join(file.relative_to(ROOT.parent).with_suffix("").parts)
        known = vars(importlib.import_module(module))
        constants = {name: value for name, value in known.items() if isinstance(value, str)}
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or ast.unparse(node.func) not in WRITERS:
                continue
            kinds = set().union(*(kinds_of(one, constants) for one in node.args[:2]))
            for kind in kinds:
                found.setdefault(kind, []).append(node)
            if not kinds:
                variable.add(file.name)
    return {kind: calls for kind, calls in found.items() if " " not in kind}, variable


def test_every_letter_is_listed_with_its_languages() -> None:
    listed = set(IN_EVERY_LANGUAGE).union(*IN_ONE.values())
    found, variable = letters()
    assert set(found) == listed
    assert variable == VARIABLE


def test_letters_to_hosts_hold_no_words_in_the_code() -> None:
    for kind, calls in letters()[0].items():
        if kind not in IN_EVERY_LANGUAGE:
            continue
        for call in calls:
            for given in call.keywords:
                if given.arg in ("subject", "text", "said"):
                    literal = [one for one in ast.walk(given.value) if isinstance(one, ast.JoinedStr)]
                    assert not literal, f"{kind}: its {given.arg} belongs into policy/texts"


def test_every_letter_in_every_language_names_what_makes_it() -> None:
    makers = {name for value in IN_EVERY_LANGUAGE.values() for name in value.split(", ") if "/" not in name}
    assert all(callable(getattr(told, name)) for name in makers)
    assert makers <= set(MADE)
