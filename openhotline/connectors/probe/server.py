"""The prober process: jobs in, facts out, one JSON object a line, on a Unix socket.

True here: no database, no key, no framework; as root it makes its socket and then becomes an unprivileged
user before it reads the first job. It proves at its start that this machine, the cloud's metadata and the
house's database are out of reach (`wall.py`). A job's time runs from when work on it begins, not from when
it arrived. A process that is stuck, or that grows beyond its bound, ends. Not here: scheduling, retries,
what facts mean.
"""

import asyncio
import contextlib
import ctypes
import dataclasses
import gc
import logging
import os
import pwd
import resource
import signal
import socket
import stat
import threading
from pathlib import Path

from openhotline.connectors.geo.client import Atlas
from openhotline.connectors.moment import Moment
from openhotline.connectors.probe import dry, wall
from openhotline.connectors.probe.apart import Address, take_apart
from openhotline.connectors.probe.check import Checker
from openhotline.connectors.probe.config import ProbeConfig
from openhotline.connectors.probe.exits import Exits
from openhotline.connectors.probe.fetch import Fetcher
from openhotline.connectors.probe.meaning import (
    CheckJob,
    Hello,
    ListFacts,
    ListJob,
    ProbeFacts,
    ProbeJob,
    TraceJob,
    job_of,
    line,
    read_line,
)
from openhotline.connectors.probe.names import Names
from openhotline.connectors.probe.trace import Tracer
from openhotline.connectors.probe.turns import Spell, Turns
from openhotline.connectors.probe.walk import Walker
from openhotline.connectors.probe.ways import ON_A_SOCKET, Way
from openhotline.connectors.rdap.client import Registries
from openhotline.rules.facts import CheckFacts, MethodAnswer, TraceFacts

LINE_BYTES = 1024 * 1024
_A_LOOK = (
    256 * 1024
)  # what one look takes that is as it should be: its sockets, TLS both to an exit and a site
_IN_HAND = 2000  # jobs of one conversation that are taken before any is answered
_SEARCHED = (50_000, 20, 50)  # objects, and rounds, before the collector looks for cycles
Job = TraceJob | CheckJob | ProbeJob | ListJob
Facts = TraceFacts | CheckFacts | ProbeFacts | ListFacts
_PR_SET_PDEATHSIG, _PR_GET_PDEATHSIG = 1, 2
log = logging.getLogger(__name__)


def serve(socket_path: str | Path, config: ProbeConfig) -> None:
    """Serve until SIGTERM or SIGINT. Raises ValueError if the self-test fails, OSError if the socket
    cannot be made."""
    denies = wall.table_refuses(config)
    if not set(denies) >= set(wall.SHAPES):
        raise ValueError("The deny table does not refuse this machine itself; the prober does not start.")
    path = Path(os.path.abspath(socket_path))  # noqa: PTH100 - the string, unresolved
    path.parent.mkdir(parents=True, exist_ok=True)
    os.chdir(path.parent)
    listening = _listen(path.name)
    atlas = Atlas.load(config.mmdb)  # opened while we may still read them
    registries = Registries.load(config.rdap_base, config.rdap_bootstrap)
    dropped = _drop(config)
    _limit_resources(config)
    hello = Hello(
        pid=os.getpid(),
        dropped=dropped,
        uid=os.getuid(),
        vantages=tuple(config.vantages),
        lift_documentation=config.lift_documentation,
        polite=config.polite,
        denies=denies,
        notes=atlas.notes,
    )
    try:
        asyncio.run(_serve(listening, config, atlas, registries, hello, str(path.parent)))
    finally:
        atlas.close()
        with contextlib.suppress(OSError):
            Path(path.name).unlink()


def _listen(name: str) -> socket.socket:
    with contextlib.suppress(FileNotFoundError):
        if stat.S_ISSOCK(Path(name).lstat().st_mode):
            Path(name).unlink()
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0o177)
    try:
        listening.bind(name)
    finally:
        os.umask(mask)
    listening.listen(64)
    return listening


def _drop(config: ProbeConfig) -> bool:
    """Give up root. The run directory becomes passable (not listable) for the new group, and the exits
    in it usable; nothing above the run directory is opened, we already stand inside it."""
    if os.getuid() != 0:
        return False
    user = pwd.getpwnam(config.drop_to)
    mode = stat.S_IMODE(Path().stat().st_mode)
    if not mode & (stat.S_IXOTH | stat.S_ISVTX):  # a shared directory such as /tmp is left as it is
        os.chown(".", -1, user.pw_gid)
        Path().chmod(mode | stat.S_IXGRP)
    for way in config.vantages.values():
        exit_ = Way(*way)
        if exit_.kind in ON_A_SOCKET and Path(exit_.at).exists():
            os.chown(exit_.at, -1, user.pw_gid)
            Path(exit_.at).chmod(0o660)
    libc, wish = ctypes.CDLL(None), ctypes.c_int()
    libc.prctl(_PR_GET_PDEATHSIG, ctypes.byref(wish))
    os.setgroups([])
    os.setresgid(user.pw_gid, user.pw_gid, user.pw_gid)
    os.setresuid(user.pw_uid, user.pw_uid, user.pw_uid)
    # The kernel forgets it with the change of user: whoever started us may have wished that we end with it.
    libc.prctl(_PR_SET_PDEATHSIG, wish)
    return True


def _limit_resources(config: ProbeConfig) -> None:
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 8192) if most > 0 else 8192, most))


async def _serve(
    listening: socket.socket,
    config: ProbeConfig,
    atlas: Atlas,
    registries: Registries,
    hello: Hello,
    here: str,
) -> None:
    exits = Exits(config, here)
    found = await wall.reached(config, exits)
    if found and config.wall:
        listening.close()
        raise ValueError(wall.sentence(found))
    hello = dataclasses.replace(hello, reached=found)
    names = Names(config, exits)
    fetcher, turns = Fetcher(), Turns(config.limits, polite=config.polite)
    walker = Walker(config, exits, names, fetcher, turns)
    desk = _Desk(config, hello, walker, Tracer(config, names, walker, atlas, registries), turns)
    # What stands now stays; what looks leave behind is mostly no cycle and needs no search every few hundred objects.
    gc.freeze()
    gc.set_threshold(*_SEARCHED)
    _bound_memory(config.limits.memory + config.limits.in_flight * _A_LOOK)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(ValueError, RuntimeError):  # not in the main thread: a test's prober
            loop.add_signal_handler(number, stop.set)
    pulse = asyncio.create_task(_pulse(config.limits.job_s))
    server = await asyncio.start_unix_server(desk.talk, sock=listening, limit=LINE_BYTES)
    try:
        await stop.wait()
    finally:
        pulse.cancel()
        server.close()
        others = [t for t in asyncio.all_tasks() if t is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        names.close()
        fetcher.close()


def _bound_memory(above: int) -> None:
    """From here on the process may grow by so much and no more: what asks for more gets an error, not the
    machine's memory. What looks take that are as they should be comes on top of the bound for hostile ones."""
    if threading.current_thread() is not threading.main_thread():
        return  # a test's prober; the bound would be the test's
    pages = Path("/proc/self/statm").read_text().split()
    held = int(pages[5]) * resource.getpagesize()
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    with contextlib.suppress(ValueError):
        resource.setrlimit(resource.RLIMIT_DATA, (held + above, most))


async def _pulse(job_s: float) -> None:
    """While the loop turns it puts the kernel's alarm off. Stuck for as long as a job may take, the process
    is killed by it, and its supervisor starts another."""
    if threading.current_thread() is not threading.main_thread():
        return  # a test's prober; the alarm would end the test
    try:
        while True:
            signal.alarm(max(2, int(job_s) + 1))
            await asyncio.sleep(1.0)
    finally:
        signal.alarm(0)


class _Out:
    """What goes back to a worker: all that is ready in one turn of the loop leaves together."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer, self._ready = writer, bytearray()

    def write(self, said: bytes) -> None:
        """Send one line, with whatever else is said before the loop turns."""
        if not self._ready:
            asyncio.get_running_loop().call_soon(self._send)
        self._ready += said

    def _send(self) -> None:
        said, self._ready = bytes(self._ready), bytearray()
        self._writer.write(said)


class _Desk:
    """One conversation per connection; jobs of one connection run side by side."""

    def __init__(
        self, config: ProbeConfig, hello: Hello, walker: Walker, tracer: Tracer, turns: Turns
    ) -> None:
        self.config, self.hello, self.walker, self.tracer, self.turns = config, hello, walker, tracer, turns
        self.checker = Checker(config, walker.names, walker)
        # Looks and traces do not wait for each other: a queue of one is no reason to be late with the other.
        self._slots = {kind: asyncio.Semaphore(config.limits.in_flight) for kind in (True, False)}

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Until the worker hangs up; then what it asked for and did not wait for is dropped."""
        tasks: set[asyncio.Task[None]] = set()
        out = _Out(writer)
        room = asyncio.Semaphore(_IN_HAND)  # what waits beyond that waits with the worker

        def done(task: asyncio.Task[None]) -> None:
            tasks.discard(task)
            room.release()

        try:
            while data := await reader.readline():
                await room.acquire()
                task = asyncio.create_task(self._answer(data, out))
                tasks.add(task)
                task.add_done_callback(done)
        except (ValueError, ConnectionError):  # a line longer than any job, or the worker went away
            pass
        finally:
            for task in tasks:
                task.cancel()
            writer.close()

    async def _answer(self, data: bytes, writer: "_Out") -> None:
        number = 0
        try:
            kind, number, value = read_line(data)
            if kind == "hello":
                writer.write(line("hello", number, self.hello))
                return
            job = job_of(kind, value)
        except ValueError as fault:
            writer.write(line("error", number, str(fault)))
            return
        writer.write(line(kind, number, await self._in_turn(job)))

    async def _in_turn(self, job: Job) -> Facts:
        """Stand in line, then work. Only the work is timed: a full house makes nobody's server late."""
        given = Moment.of(job.at)
        if isinstance(job, TraceJob | ListJob):
            async with self._slots[True]:
                return await self._do(job, given)
        address = take_apart(job.canonical if isinstance(job, CheckJob) else job.address, self.config.ports)
        host = "" if isinstance(address, str) else address.host
        if isinstance(job, CheckJob) and job.server:
            host = job.server.partition(":")[0]
        async with self.turns.line(host, job.vantage), self._slots[False]:
            return await self._do(job, given, address)

    async def _do(self, job: Job, given: Moment, address: Address | str = "") -> Facts:
        """The facts, whatever happens: a job that hangs or meets a fault of ours is a failed look."""
        try:
            async with Spell(self.config.limits.job_s):
                if isinstance(job, TraceJob):
                    return await self.tracer.trace(job, given)
                if isinstance(job, ProbeJob):
                    return await dry.probe(job, self.config, self.walker)
                if isinstance(job, ListJob):
                    return await self.tracer.registers.refresh(job)
                return await self.checker.check(job, address)
        except TimeoutError:
            why, outcome = "The look took longer than it may and was given up.", "timeout"
        except Exception as fault:
            log.exception("a job met a fault of the prober's own")
            why, outcome = f"The prober itself failed ({type(fault).__name__}).", "error"
        if isinstance(job, ListJob):
            return ListFacts(job.kind, job.url, job.at, ok=False, why=why)
        if isinstance(job, TraceJob):
            failed = given.stamped(MethodAnswer("dns", ok=False, why=why))
            return TraceFacts(job.canonical, job.host, job.at, (failed,))
        if isinstance(job, ProbeJob):
            return ProbeFacts(job.address, job.vantage, job.at, dry.FAILED, why)
        facts = CheckFacts(job.canonical, job.vantage, job.at, outcome, why=why, canary_up=False)
        return dataclasses.replace(facts, path_variant=job.variant)
