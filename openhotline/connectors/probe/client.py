"""Hand jobs to the prober and get facts back, in the order of the jobs. Used by `jobs/` only.

True here: every call opens its own connection, so a prober that was restarted meanwhile is simply the
next one. Looks that were finished when it died, or when the call's time was up, are given out; the others
come back as looks that were not made, which prove nothing. If none was finished `ProberUnreachable` says
so. Traces come whole or not at all. Not here: asking again.
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
    ListFacts,
    ListJob,
    ProbeFacts,
    ProbeJob,
    TraceJob,
    check_facts_of,
    hello_of,
    line,
    list_facts_of,
    probe_facts_of,
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
        return hello_of(self._all([("hello", None)])[0])

    def trace(self, jobs: Sequence[TraceJob]) -> list[TraceFacts]:
        """One TraceFacts per job, in order. Raises `ProberUnreachable`."""
        return [trace_facts_of(v) for v in self._all([("trace", job) for job in jobs])]

    def probe(self, jobs: Sequence[ProbeJob]) -> list[ProbeFacts]:
        """One ProbeFacts per job, in order. Raises `ProberUnreachable`."""
        return [probe_facts_of(v) for v in self._all([("probe", job) for job in jobs])]

    def check(self, jobs: Sequence[CheckJob]) -> list[CheckFacts]:
        """One CheckFacts per job, in order. Raises `ProberUnreachable` if not one was finished."""
        answers, why = self._talk([("check", job) for job in jobs])
        if why and not answers:
            raise ProberUnreachable(why)
        return [
            check_facts_of(answers[i]) if i in answers else _not_made(job, why) for i, job in enumerate(jobs)
        ]

    def lists(self, jobs: Sequence[ListJob]) -> list[ListFacts]:
        """Registry lists, fetched and taken over by the running prober. Raises `ProberUnreachable`."""
        return [list_facts_of(v) for v in self._all([("list", job) for job in jobs])]

    def _all(self, messages: list[tuple[str, Any]]) -> list[Any]:
        answers, why = self._talk(messages)
        if why:
            raise ProberUnreachable(why)
        return [answers[i] for i in range(len(messages))]

    def _talk(self, messages: list[tuple[str, Any]]) -> tuple[dict[int, Any], str]:
        """(answers by number, why some are missing or "")."""
        answers: dict[int, Any] = {}
        if not messages:
            return answers, ""
        end = time.monotonic() + self.timeout
        out = memoryview(b"".join(line(kind, i, value) for i, (kind, value) in enumerate(messages)))
        pending = b""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock, selectors.DefaultSelector() as ready:
            try:
                sock.settimeout(self.timeout)
                sock.connect(self.socket_path)
                sock.setblocking(False)
                ready.register(sock, selectors.EVENT_READ | selectors.EVENT_WRITE)
                while len(answers) < len(messages):
                    events = ready.select(max(0.0, end - time.monotonic()))
                    if not events or time.monotonic() > end:
                        return answers, "it did not answer in time"
                    if events[0][1] & selectors.EVENT_WRITE and out:
                        out = out[sock.send(out[:65536]) :]
                        if not out:
                            ready.modify(sock, selectors.EVENT_READ)
                    if events[0][1] & selectors.EVENT_READ:
                        piece = sock.recv(1 << 18)
                        if not piece:
                            return answers, "it went away with jobs in hand"
                        *lines, pending = (pending + piece).split(b"\n")
                        for text in lines:
                            number, value = _message(text)
                            answers[number] = value
            except OSError as fault:
                return answers, fault.strerror or str(fault)
        return answers, ""


def _not_made(job: CheckJob, why: str) -> CheckFacts:
    """A look that was not made. "blocked" is nobody's miss, and our own line was not proved."""
    return CheckFacts(
        canonical=job.canonical,
        vantage=job.vantage,
        at=job.at,
        outcome="blocked",
        path_variant=job.variant,
        canary_up=False,
        why=f"The prober had not finished this look ({why}). Nothing follows from it; it is looked at again.",
    )


def _message(text: bytes) -> tuple[int, Any]:
    body = json.loads(text)
    if body["kind"] == "error":
        raise ValueError(f"The prober did not understand a job: {body['value']}.")
    return body["id"], body["value"]
