"""One mutant of what is fixed when a file is read: each try reads the product anew, in a process of its own.

Not here: changes inside functions (`live`).
"""

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import signal
import sys
from collections.abc import Sequence
from types import ModuleType

import pytest

from tests.mutation.changes import ROOT, Mutant
from tests.mutation.session import OPTIONS, TIMED, same_examples

ALWAYS = ("tests/house/test_rows.py", "tests/rules/test_paths.py")  # the tables, read as a whole


class Planted(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one rule from a changed tree."""

    def __init__(self, mutant: Mutant) -> None:
        self.name, self.tree = f"openhotline.rules.{mutant.rule}", mutant.tree()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        return importlib.util.spec_from_loader(fullname, self) if fullname == self.name else None

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self.tree, f"<mutant of {self.name}>", "exec"), module.__dict__)


def make_ready() -> None:
    """Load, before the first fork, what each try would load again."""
    for name in ("hypothesis.strategies", "can_ada", "publicsuffixlist"):
        importlib.import_module(name)


def fails(mutant: Mutant | None, files: Sequence[str]) -> str:
    """Whether these test files fail with the mutant in the rule's place: "" or "fails"."""
    child = os.fork()
    if child == 0:
        try:
            os.chdir(ROOT)
            silent = os.open(os.devnull, os.O_WRONLY)
            os.dup2(silent, 1)
            os.dup2(silent, 2)
            signal.setitimer(signal.ITIMER_VIRTUAL, 90)  # ends the child
            if mutant:
                sys.meta_path.insert(0, Planted(mutant))
            os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
            same_examples()
            untimed = " and ".join(f"not {one}" for one in TIMED)
            os._exit(int(pytest.main([*OPTIONS, "-x", "-k", untimed, *files])))
        except BaseException:
            os._exit(99)
    _, status = os.waitpid(child, 0)
    return "fails" if status else ""
