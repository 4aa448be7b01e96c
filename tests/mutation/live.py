"""One mutant in a running process: its function's code is exchanged, and what was remembered is forgotten.

True here: everybody who holds the function runs the changed code. Not here: what is worked out when the file
is read (tables, defaults, flags): raises NotPlanted, and `fresh` takes it.
"""

import functools
import importlib
import sys
from collections.abc import Iterator
from types import CodeType, FunctionType

from tests.mutation.changes import RULES, Mutant
from tests.mutation.session import NotPlanted


def plant(mutant: Mutant) -> None:
    """Change the rule in this process. Raises NotPlanted."""
    if not mutant.function:
        raise NotPlanted
    module = importlib.import_module(f"openhotline.rules.{mutant.rule}")
    code = compile(mutant.tree(), str(RULES / f"{mutant.rule}.py"), "exec")
    made = [
        one
        for one in _codes(code)
        if (one.co_name, one.co_firstlineno) == (mutant.function[-1], mutant.first)
    ]
    found = _function(module, mutant.function)
    if len(made) != 1 or found.__code__.co_firstlineno != mutant.first:
        raise NotPlanted
    found.__code__ = made[0]
    _forget()


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for one in code.co_consts:
        if isinstance(one, CodeType):
            yield from _codes(one)


def _function(holder: object, place: tuple[str, ...]) -> FunctionType:
    for name in place:
        holder = vars(holder)[name]
    if isinstance(holder, property):
        holder = holder.fget
    if isinstance(holder, staticmethod | classmethod):
        holder = holder.__func__
    if isinstance(holder, functools.cached_property):
        holder = holder.func
    while hasattr(holder, "__wrapped__"):
        holder = holder.__wrapped__
    if not isinstance(holder, FunctionType):
        raise NotPlanted
    return holder


def _forget() -> None:
    """Empty every lru_cache of the product: what was remembered came from the rule as it is."""
    for name, module in list(sys.modules.items()):
        if name.startswith("openhotline."):
            for value in list(vars(module).values()):
                if hasattr(value, "cache_clear"):
                    value.cache_clear()
