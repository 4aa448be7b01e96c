"""The self-test at the start: what must be out of reach is tried for, through every exit, for real.

True here: below the deny table, with sockets: this machine (a listener of our own proves it), the cloud's
metadata address and the house's database. Reaching any of them means that only the table stands between a
hostile address and the house; then the prober does not start, unless the operator said that it may. Not
here: the table (`deny.py`), the wall itself (docs/RUNBOOK.md).
"""

import asyncio
import contextlib
import socket
from collections.abc import Iterator

from openhotline.connectors.probe.config import ProbeConfig
from openhotline.connectors.probe.deny import Denied, vet
from openhotline.connectors.probe.exits import Exits, NoWay

BEATS, BEAT_S = 15, 0.1  # a try is waited for so many turns of the loop: on a busy machine that is longer
# Shapes of this machine that a careless table lets through.
SHAPES = ("127.0.0.1", "::1", "169.254.169.254", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::")


def table_refuses(config: ProbeConfig) -> tuple[str, ...]:
    """The shapes that the table refuses; all of SHAPES if it is sound. The database counts as one."""
    refused = []
    for literal in (*SHAPES, *(host for host, _ in config.never)):
        try:
            vet([literal], lift_documentation=config.lift_documentation, own_ranges=config.own_ranges)
        except Denied:
            refused.append(literal)
    return tuple(refused)


async def reached(config: ProbeConfig, exits: Exits) -> tuple[str, ...]:
    """Each address that was reached although it never may be, with its exit, as words."""
    with _listeners() as here:
        tries = [
            _try(config, exits, vantage, literal, port)
            for vantage in config.vantages
            for literal, port in dict.fromkeys((*here, *config.never))
        ]
        return tuple(found for found in await asyncio.gather(*tries) if found)


@contextlib.contextmanager
def _listeners() -> Iterator[list[tuple[str, int]]]:
    """Sockets of our own on this machine: a refused connection proves nothing, one of these would."""
    with contextlib.ExitStack() as open_:
        found = []
        for family, literal in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
            with contextlib.suppress(OSError):  # a machine without IPv6
                listening = open_.enter_context(socket.socket(family, socket.SOCK_STREAM))
                listening.bind((literal, 0))
                listening.listen(16)
                found.append((literal, int(listening.getsockname()[1])))
        yield found


async def _try(config: ProbeConfig, exits: Exits, vantage: str, literal: str, port: int) -> str:
    knock = asyncio.ensure_future(exits.knock(vantage, literal, port))
    for _ in range(BEATS):
        if not knock.done():
            await asyncio.wait({knock}, timeout=BEAT_S)
    if not knock.done():
        knock.cancel()
        await asyncio.wait({knock})
    try:
        if knock.cancelled():
            return ""
        knock.result().close()
    except NoWay:
        return ""
    return f"{literal} through {vantage} ({config.vantages[vantage][0]})"


def sentence(found: tuple[str, ...]) -> str:
    """Why it does not start, and what to do."""
    return (
        f"It reached what it never may: {'; '.join(found)}. Only the deny table would stand between a hostile "
        "address and this house. Build the wall of docs/RUNBOOK.md (The prober's wall), or, if you accept that, "
        "set OPENHOTLINE_WALL=none."
    )
