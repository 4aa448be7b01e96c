"""Many seeds in several processes, forked from one whose house is made: each has its own copy in memory.

True here: which process plays a seed changes nothing; a seed is played from the same morning. Not here: what a
seed is (`play`).
"""

import gc
import json
import os
import selectors
from collections.abc import Callable
from typing import BinaryIO

from openhotline.simulation.play import Simulation

Broken = dict[str, object]  # promise, seed, seen


def run(
    simulation: Simulation, first: int, count: int, told: Callable[[int], None], *, processes: int = 1
) -> list[Broken]:
    """Play `count` seeds from `first`; `told` hears how many are done. Returns the broken promises, by seed.

    Raises RuntimeError where a process ended early.
    """
    gc.freeze()  # the house and the programme stay; what a seed leaves behind is small
    children: list[int] = []
    with selectors.DefaultSelector() as waiting:
        for number in range(processes):
            reader, writer = os.pipe()
            child = os.fork()
            if child == 0:
                os.close(reader)
                _play(simulation, range(first + number, first + count, processes), writer)
            os.close(writer)
            children.append(child)
            waiting.register(os.fdopen(reader, "rb"), selectors.EVENT_READ)
        broken, done = _hear(waiting, told)
    failed = [child for child in children if os.waitpid(child, 0)[1]]
    if failed or done != count:
        raise RuntimeError(f"Only {done} of {count} seeds were played: a process ended early.")
    return sorted(broken, key=lambda one: (one["seed"], one["promise"]))


def _play(simulation: Simulation, seeds: range, writer: int) -> None:
    """A child's whole life: one line for each seed."""
    status = 1
    try:
        for seed in seeds:
            found = [
                {"promise": promise, "seed": seed, "seen": seen}
                for promise, seen in simulation.run(seed).items()
            ]
            os.write(writer, json.dumps(found).encode() + b"\n")
        status = 0
    finally:
        os._exit(status)


def _hear(waiting: selectors.BaseSelector, told: Callable[[int], None]) -> tuple[list[Broken], int]:
    broken: list[Broken] = []
    done = 0
    while waiting.get_map():
        for key, _ in waiting.select():
            pipe: BinaryIO = key.fileobj  # type: ignore[assignment]
            line = pipe.readline()
            if not line:
                waiting.unregister(pipe)
                pipe.close()
                continue
            broken += json.loads(line)
            done += 1
            told(done)
    return broken, done
