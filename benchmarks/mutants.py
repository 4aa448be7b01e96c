"""Of the mutants of `openhotline/rules/`, how many do the rules' own tests notice? (`tests/mutation`)

Not a timed figure: it is the same on any machine. `--quick` takes two rules.

    ./run exec python benchmarks/mutants.py [--quick]
"""

import time

from benchmarks import common
from tests.mutation.run import everything, names

QUICK = ("departure", "permits")


def main() -> None:
    """Run, print, keep."""
    quick, began = common.quick(), time.monotonic()
    machine = common.machine()
    found = everything(QUICK if quick else names(), None)
    rules = found["rules"].items()
    common.table(
        f"{found['killed']:,} of {found['mutants']:,} mutants killed, {found['equivalent']} more named as equivalent",
        [("rule", "mutants", "killed"), *((rule, one["mutants"], one["killed"]) for rule, one in rules)],
    )
    found |= {"seconds": round(time.monotonic() - began), "machine": machine}
    common.write("mutants", found, quick=quick)


if __name__ == "__main__":
    main()
