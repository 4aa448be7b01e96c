"""A public door as it stands in a house, asked over raw sockets: it keeps nothing of where somebody is, and waits for
nobody for ever."""

import os
import re
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from openhotline.jobs.supervise import SERVER
from openhotline.records import sealing
from tests.houses import free_ports

ROOT = Path(__file__).resolve().parents[2]
FROM = "127.98.76.54"  # where our reporter is
TOLD = "203.0.113.77"  # where a proxy says they are
LAUNCH = (
    "import sys; from gunicorn.app.wsgiapp import run; from openhotline.web import server;"
    "server.PATIENCE = 1.5; sys.exit(run())"
)
HEAD = f"Host: 127.0.0.1\r\nX-Forwarded-For: {TOLD}\r\nForwarded: for={TOLD}\r\nX-Real-IP: {TOLD}\r\n"
FORM = f"{HEAD}Content-Type: application/x-www-form-urlencoded\r\n"
BODY = "url=http%3A%2F%2Fexample.org%2Fa"


class Door:
    def __init__(self, folder: Path) -> None:
        (self.port,) = free_ports(1)
        self.data, self.said = folder / "house", folder / "said"
        (self.data / "static").mkdir(parents=True)
        sealing.create_intake_keys(self.data / "keys")
        rest = {name: value for name, value in os.environ.items() if not name.startswith("OPENHOTLINE_")}
        bound = f"127.0.0.1:{self.port}"
        with self.said.open("wb") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-c", LAUNCH, *SERVER[2:], "--worker-connections", "20", "--bind", bound],
                env={
                    **rest,
                    "PYTHONPATH": str(ROOT),
                    "OPENHOTLINE_KIND": "production",
                    "OPENHOTLINE_DOOR": "public",
                }
                | {"OPENHOTLINE_DATA_DIR": str(self.data)},
                cwd=self.data,
                stdout=subprocess.DEVNULL,
                stderr=said,
            )

    def line(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=20, source_address=(FROM, 0))

    def ask(self, request: str | bytes, *, cut: bool = False) -> str:
        """The answer's status, "" where there is none. `cut`: the line is torn instead of listened to."""
        with self.line() as line:
            line.sendall(request if isinstance(request, bytes) else request.encode())
            if cut:
                line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return ""
            found = re.match(rb"HTTP/1\.1 (\d+)", answer(line))
            return found[1].decode() if found else ""


def answer(line: socket.socket) -> bytes:
    try:
        return line.recv(65_536)
    except ConnectionResetError:
        return b""


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    door = Door(tmp_path_factory.mktemp("door"))
    try:
        end = time.monotonic() + 60
        while True:
            assert door.process.poll() is None and time.monotonic() < end, door.said.read_text()
            try:
                door.line().close()
                break
            except OSError:
                time.sleep(0.05)
        yield door
    finally:
        door.process.send_signal(signal.SIGTERM)
        door.process.wait(20)


def test_it_keeps_and_says_nothing_of_where_a_request_came_from(door: Door) -> None:
    """Good, bad and broken ones; then all that the door wrote is searched."""
    length = f"Content-Length: {len(BODY)}\r\n\r\n{BODY}"
    asked = {
        "a page": (f"GET /report HTTP/1.1\r\n{HEAD}\r\n", "200"),
        "a report": (f"POST /report HTTP/1.1\r\n{FORM}{length}", "303"),
        "no such page": (f"GET /nowhere?{FROM} HTTP/1.1\r\n{HEAD}\r\n", "404"),
        "another host": ("GET / HTTP/1.1\r\nHost: elsewhere.example\r\n\r\n", "400"),
        "another method": (f"DELETE /report HTTP/1.1\r\n{HEAD}\r\n", "405"),
        "no HTTP": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 20 + b"\r\n\r\n", "400"),
        "a proxy's line": (f"PROXY TCP4 {TOLD} 127.0.0.1 4711 80\r\nGET / HTTP/1.1\r\n{HEAD}\r\n", "400"),
        "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "400"),
        "two lengths": (f"POST /report HTTP/1.1\r\n{FORM}Content-Length: 3\r\n{length}", "400"),
        "no chunk": (f"POST /report HTTP/1.1\r\n{FORM}Transfer-Encoding: chunked\r\n\r\nzz\r\n", "400"),
        "a long line": (f"GET /{'a' * 9000} HTTP/1.1\r\n{HEAD}\r\n", "414"),
        "a web socket": (f"GET / HTTP/1.1\r\n{HEAD}Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n", "426"),
    }
    assert {name: door.ask(request) for name, (request, _) in asked.items()} == {
        name: status for name, (_, status) in asked.items()
    }
    door.ask(f"POST /report HTTP/1.1\r\n{FORM}Content-Length: 99\r\n\r\nurl=", cut=True)
    door.ask("GET /rep", cut=True)
    assert door.ask(f"GET /livez HTTP/1.1\r\n{HEAD}\r\n") == "200"
    written = [file for file in door.data.rglob("*") if file.is_file()]
    assert any("spool" in file.parts for file in written), "the report is there"
    assert door.said.read_text() == "", "nothing of all this is worth a word"
    kept = {file: file.read_bytes() for file in written}
    for place in (FROM, TOLD):
        for form in (place.encode(), socket.inet_aton(place)):
            assert not [file for file, data in kept.items() if form in data], place


def test_who_says_nothing_is_not_waited_for_and_keeps_nobody_out(door: Door) -> None:
    """A door that takes 20 at once, 60 who say nothing or half a word, and one reporter."""
    silent = [door.line() for _ in range(60)]
    for line in silent[::2]:
        with suppress(OSError):  # closed already
            line.sendall(b"GET /re")
    assert door.ask(f"GET /report HTTP/1.1\r\n{HEAD}\r\n") == "200"
    began = time.monotonic()
    assert {answer(line) for line in silent} == {b""}, "each is closed, without a word"
    assert time.monotonic() - began < 10
    for line in silent:
        line.close()
    slow = door.line()
    slow.sendall(b"GET /report HTTP/1.1\r\n")
    time.sleep(0.5)
    slow.sendall(f"{HEAD}\r\n".encode())
    assert b"200" in answer(slow)[:16], "who is only slow is answered"
    slow.close()
