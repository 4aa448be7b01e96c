"""The server of every door: gunicorn's ASGI worker, which waits for a request only so long.

True here: a connection that has not said what it wants after `PATIENCE` is closed without a word; where more are open
than a door takes, the one that has kept silent longest goes first. (gunicorn closes a silent connection only after its
first answer, and counts connections without a limit.) Nothing of where one came from is looked at, kept or said. What is
not here: how long a body may take (`bodies`), and the proxy before the doors, which hands on whole requests only
(docs/RUNBOOK.md).
"""

import asyncio
import resource
from contextlib import suppress

from gunicorn.asgi.protocol import ASGIProtocol
from gunicorn.workers import gasgi

PATIENCE = 20.0  # seconds from the connection until the head of its first request is there
_OTHER_FILES = 256  # of the process: database, spool, templates


class Worker(gasgi.ASGIWorker):
    """`gunicorn --worker-class openhotline.web.server.Worker`. `--worker-connections` is the most it keeps open."""

    silent: dict["_Line", None]
    worker_connections: int

    def init_process(self) -> None:
        """Take as many files as there may be connections, as far as the machine allows; then serve."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = self.worker_connections + _OTHER_FILES
        if soft < wanted:
            soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
            with suppress(ValueError, OSError):
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        self.worker_connections = max(16, min(self.worker_connections, soft - _OTHER_FILES))
        self.silent = {}
        gasgi.ASGIProtocol = _Line  # the name by which the worker makes a protocol for each connection
        super().init_process()


class _Line(ASGIProtocol):
    """One connection."""

    worker: Worker
    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        silent = self.worker.silent
        silent[self] = None
        self._patience = self.worker.loop.call_later(PATIENCE, transport.abort)
        if self.worker.nr_conns > self.worker.worker_connections:
            longest = next(iter(silent))
            longest._spoke()
            longest.transport.abort()

    def _on_headers_complete(self) -> object:
        self._spoke()
        return super()._on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._spoke()
        super().connection_lost(exc)

    def _spoke(self) -> None:
        self.worker.silent.pop(self, None)
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
