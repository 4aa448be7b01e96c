"""At least 95 of a hundred mutants of the rules are noticed by the rules' own tests."""

import ast

import pytest

from tests.mutation.changes import mutants
from tests.mutation.run import everything, names


@pytest.mark.once
@pytest.mark.release
def test_a_change_of_a_rule_is_noticed() -> None:
    found = everything(names(), None)
    alive = [f"{rule}: {name}" for rule, one in found["rules"].items() for name in one["alive"]]
    assert found["share"] >= 0.95, "\n".join(alive)


def test_a_mutant_is_one_change_at_a_known_place() -> None:
    found = list(mutants("departure"))
    assert len({one.name for one in found}) == len(found)
    (guard,) = [one for one in found if one.name == "_why_not: if line.held: ... -> left out"]
    assert guard.function == ("_why_not",)
    assert "if line.held:\n        return HELD" not in ast.unparse(guard.tree()).partition("def fresh")[0]
