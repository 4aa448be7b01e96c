"""The public form through gunicorn: submissions a second, and CPU of each.

* page 1: one POST of an address: read, sealed (age), in the spool with fdatasync before the answer, a draft opened
  and sealed, 303. (The seven words are made; the canonical form is the worker's,
  0.01 ms, see addresses.py.)
* journey: the whole form as a person walks it: 4 pages sent and 4 shown, the receipt with its seven words.
* peer: plain Django + gunicorn, one POST = one row committed to PostgreSQL (peer_django.py).

The house as its supervisor starts it (gunicorn's event loop, 1 process, Django in 8 threads), the peer with gunicorn's
threads (1 process, 8 threads); connections stay open. For single posts the clients are sockets in one
loop, which does little more than write and read bytes; for the journey they are threads, each a browser. The public form of a house writes to its spool, never to its
database, so there is one figure whatever the database is. De-duplication happens later and is measured in
import_.py. House and peer alternate in one run.

    ./run exec python benchmarks/form.py [--quick]
"""

import http.client
import multiprocessing
import multiprocessing.connection
import selectors
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast
from urllib.parse import urlencode

import psycopg

from benchmarks import common, made
from openhotline.jobs.supervise import SERVER
from openhotline.web.threads import THREADS
from tests import houses

Visit = Callable[[int, float], int]  # to a port, until a moment: how many were sent
CLIENTS = 16
SECONDS, QUICK_SECONDS = 10.0, 1.0
RUNS = 3
_TABLE = "CREATE TABLE form_row (id bigserial PRIMARY KEY, url text, note text, received_at timestamptz DEFAULT now())"
_PEER = (
    "-m", "gunicorn", "benchmarks.peer_django:application", "--worker-class", "gthread", "--workers", "1",
    "--threads", str(THREADS), "--log-level", "warning", "--no-control-socket",
)  # fmt: skip
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True, slots=True)
class Figure:
    """Submissions a second, and milliseconds of CPU of each (server; with PostgreSQL where it works)."""

    rate: float
    cpu_ms: float


def main() -> None:
    """Each in turn, three times."""
    quick = common.quick()
    seconds, runs = (QUICK_SECONDS, 1) if quick else (SECONDS, RUNS)
    machine = common.machine()
    found: dict[str, list[Figure]] = {"page 1": [], "journey": [], "peer": []}
    with (
        tempfile.TemporaryDirectory(prefix="openhotline-bench-") as place,
        common.postgresql() as (server, pid),
    ):
        folder = Path(place)
        env = common.make_house(folder / "house") | {"OPENHOTLINE_DOOR": "public"}
        url = server.new_database()
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(_TABLE)
        fsyncs = []
        with (
            _gunicorn(SERVER, env) as (ours, house),
            _gunicorn(_PEER, {**env, "PEER_DATABASE": url}) as (peer, other),
        ):
            for _ in range(runs):
                fsyncs.append(common.fsync_rate(folder))
                found["page 1"].append(_measure(_page_one, house, [ours], seconds))
                found["peer"].append(_measure(_peer, other, [peer, pid], seconds))
                found["journey"].append(_measure(_journey, house, [ours], seconds))
        settings = common.settings_of(server.url())
    fsync = common.median(fsyncs)
    rate = {name: common.median([one.rate for one in figures]) for name, figures in found.items()}
    cost = {name: common.median([one.cpu_ms for one in figures]) for name, figures in found.items()}
    floor = min(150.0, 0.6 * fsync)
    common.table(
        f"Form, {CLIENTS} connections, {seconds:.0f} s each, median of {runs} ({machine['cpu']}, load {machine['load']})",
        [
            ("", "submissions/s", "ms CPU each"),
            *((name, round(rate[name], 1), round(cost[name], 3)) for name in found),
            (
                "page 1 : peer",
                round(rate["page 1"] / rate["peer"], 2),
                round(cost["page 1"] / cost["peer"], 2),
            ),
        ],
    )
    print(f"  bare fsync/s {fsync:,.0f}: at least {floor:.0f}/s wanted; {settings}")
    common.write(
        "form",
        {
            "clients": CLIENTS, "threads": THREADS, "fsync_per_second": round(fsync), "wanted_per_second": round(floor),
            "postgresql": settings, "submissions_per_second": {k: round(v, 1) for k, v in rate.items()},
            "ms_cpu_per_submission": {k: round(v, 3) for k, v in cost.items()},
            "ratio_to_peer": round(rate["page 1"] / rate["peer"], 2),
            "runs": {name: [[round(one.rate, 1), round(one.cpu_ms, 3)] for one in figures] for name, figures in found.items()},
        },
        quick=quick,
    )  # fmt: skip


@contextmanager
def _gunicorn(server: tuple[str, ...], env: dict[str, str]) -> Iterator[tuple[int, int]]:
    """A running server: its process id and port."""
    (port,) = houses.free_ports(1)
    command = [
        sys.executable, *server, "--bind", f"127.0.0.1:{port}", "--keep-alive", "75", "--worker-tmp-dir", "/dev/shm",
    ]  # fmt: skip
    process = subprocess.Popen(command, env=env, cwd=common.ROOT, stdin=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 60
        while True:
            try:
                http.client.HTTPConnection("127.0.0.1", port, timeout=5).connect()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > end:
                    raise RuntimeError(f"{server[2]} did not start.") from None
                time.sleep(0.1)
        yield process.pid, port
    finally:
        process.terminate()
        process.wait(20)


def _measure(visit: Visit, port: int, pids: list[int], seconds: float) -> Figure:
    """Clients in a process of their own; a short warm-up is not counted."""
    _clients(visit, port, min(1.0, seconds))
    before = sum(map(common.cpu, pids))
    count, took = _clients(visit, port, seconds)
    spent = sum(map(common.cpu, pids)) - before
    return Figure(count / took, 1000 * spent / max(count, 1))


def _clients(visit: Visit, port: int, seconds: float) -> tuple[int, float]:
    context = multiprocessing.get_context("fork")
    pipe, far = context.Pipe()
    child = context.Process(target=_sent, args=(visit, port, seconds, far))
    child.start()
    try:
        if not pipe.poll(seconds + 60):
            raise RuntimeError("The clients did not come back.")
        said = pipe.recv()
    finally:
        child.join(10)
        if child.is_alive():
            child.kill()
    if isinstance(said, str):
        raise RuntimeError(said)
    return int(said[0]), float(said[1])


def _sent(visit: Visit, port: int, seconds: float, far: "multiprocessing.connection.Connection") -> None:
    begin = time.monotonic()
    try:
        count = visit(port, begin + seconds)
    except Exception as fault:
        far.send(repr(fault))
    else:
        far.send((count, time.monotonic() - begin))


def _page_one(port: int, until: float) -> int:
    return _posts(port, until, "/report", {})


def _peer(port: int, until: float) -> int:
    return _posts(port, until, "/", {"help": "third picture in the second row"})


def _posts(port: int, until: float, where: str, more: dict[str, str]) -> int:
    """Single posts from all connections, each answered before the next leaves on the same one; how many."""
    count, number, waits = 0, 0, selectors.DefaultSelector()
    head = f"POST {where} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {_FORM['Content-Type']}\r\nContent-Length: "
    lines = [socket.create_connection(("127.0.0.1", port), timeout=30) for _ in range(CLIENTS)]
    for line in lines:
        waits.register(line, selectors.EVENT_READ)

    def post(line: socket.socket) -> None:
        nonlocal number
        number += 1
        body = urlencode({"url": made.address(number), **more})
        line.sendall(f"{head}{len(body)}\r\n\r\n{body}".encode())

    for line in lines:
        post(line)
    while lines:
        for key, _ in waits.select(30):
            line = cast(socket.socket, key.fileobj)
            said = line.recv(65536)
            if not said.startswith(b"HTTP/1.1 303") or not said.endswith(b"\r\n\r\n"):
                raise RuntimeError(f"{where} answered {said[:300]!r}")
            count += 1
            if time.monotonic() < until:
                post(line)
            else:
                waits.unregister(line)
                lines.remove(line)
                line.close()
    return count


def _journey(port: int, until: float) -> int:
    """The whole form, again and again, by as many people at once; how often."""
    counts, faults = [0] * CLIENTS, []

    def one(place: int) -> None:
        visitor = Visitor(port, place)
        try:
            while time.monotonic() < until:
                visitor.walk()
                counts[place] += 1
        except Exception as fault:
            faults.append(fault)

    threads = [threading.Thread(target=one, args=(place,)) for place in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]
    return sum(counts)


class Visitor:
    """One browser with one open connection, never typing the same address twice."""

    def __init__(self, port: int, place: int) -> None:
        self._wire = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self._number = place * 10_000_000

    def press(self, where: str, **fields: str) -> str:
        """Send a page; the address that follows."""
        self._wire.request("POST", where, urlencode(fields), _FORM)
        answer = self._wire.getresponse()
        body = answer.read()
        if answer.status != 303:
            raise RuntimeError(f"{where} answered {answer.status}: {body[:300]!r}")
        return answer.headers["Location"] or ""

    def see(self, where: str) -> bytes:
        """Look at a page."""
        self._wire.request("GET", where)
        answer = self._wire.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{where} answered {answer.status}.")
        return body

    def walk(self) -> None:
        """The whole form, with an address nobody typed before."""
        self._number += 1
        where = "/report"
        self.see(where)
        for fields in (
            {"url": made.address(self._number)},
            {"kind": "image", "help": "third picture in the second row"},
            {"follow": "code"},
            {},
        ):
            where = self.press(where, **fields)
            page = self.see(where)
        assert where.endswith("/receipt"), where
        assert b"<li" in page


if __name__ == "__main__":
    main()
