"""Hand jobs to the prober and get facts back, in the order of the jobs. Used by `jobs/` only.

True here: every call opens its own connection, so a prober that was restarted meanwhile is simply the
next one. If it cannot be reached or dies with jobs in hand, `ProberUnreachable` says so and no fact of
that call is given out. Not here: asking again.
"""

import json
import selectors
import socket
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from openhotline.connectors.probe.meaning import (
    CheckJob,
    Hello,
    TraceJob,
    check_facts_of,
    hello_of,
    line,
    trace_facts_of,
)
from openhotline.rules.facts import CheckFacts, TraceFacts


class ProberUnreachable(Exception):
    """The prober is not there, or went away. `sentence` says what to do."""

    def __init__(self, why: str) -> None:
        self.sentence = (
            f"The prober cannot be reached ({why}). Nothing was looked at; it will be tried again. "
            "If this goes on, restart it with `openhotline up`."
        )
        super().__init__(self.sentence)


class Prober:
    """A prober's socket. `timeout` in seconds is how long one whole call may take."""

    def __init__(self, socket_path: str | Path, timeout: float = 120.0) -> None:
        self.socket_path = str(socket_path)
        self.timeout = timeout

    def hello(self) -> Hello:
        """What the prober says of itself. Raises `ProberUnreachable`."""
        return hello_of(self._talk([("hello", None)])[0])

    def trace(self, jobs: Sequence[TraceJob]) -> list[TraceFacts]:
        """One TraceFacts per job, in order. Raises `ProberUnreachable`."""
        return [trace_facts_of(v) for v in self._talk([("trace", job) for job in jobs])]

    def check(self, jobs: Sequence[CheckJob]) -> list[CheckFacts]:
        """One CheckFacts per job, in order. Raises `ProberUnreachable`."""
        return [check_facts_of(v) for v in self._talk([("check", job) for job in jobs])]

    def _talk(self, messages: list[tuple[str, Any]]) -> list[Any]:
        if not messages:
            return []
        end = time.monotonic() + self.timeout
        out = memoryview(b"".join(line(kind, i, value) for i, (kind, value) in enumerate(messages)))
        answers: dict[int, Any] = {}
        pending = b""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock, selectors.DefaultSelector() as ready:
            try:
                sock.settimeout(self.timeout)
                sock.connect(self.socket_path)
                sock.setblocking(False)
                ready.register(sock, selectors.EVENT_READ | selectors.EVENT_WRITE)
                while len(answers) < len(messages):
                    events = ready.select(max(0.0, end - time.monotonic()))
                    if not events:
                        raise ProberUnreachable("it did not answer in time")
                    if events[0][1] & selectors.EVENT_WRITE and out:
                        out = out[sock.send(out[:65536]) :]
                        if not out:
                            ready.modify(sock, selectors.EVENT_READ)
                    if events[0][1] & selectors.EVENT_READ:
                        piece = sock.recv(1 << 18)
                        if not piece:
                            raise ProberUnreachable("it went away with jobs in hand")
                        *lines, pending = (pending + piece).split(b"\n")
                        for text in lines:
                            number, value = _message(text)
                            answers[number] = value
            except OSError as fault:
                raise ProberUnreachable(fault.strerror or str(fault)) from None
        return [answers[i] for i in range(len(messages))]


def _message(text: bytes) -> tuple[int, Any]:
    body = json.loads(text)
    if body["kind"] == "error":
        raise ValueError(f"The prober did not understand a job: {body['value']}.")
    return body["id"], body["value"]
