"""A partner hotline for the crash test: writes down what it took, durably, before it says so.

    python -m openhotline.crashtest.partner PORT FOLDER SEED

True here: POST /api/v1/referrals honours the Idempotency-Key across its own death, GET .../KEY says whether it
has it; each new key is one line of `FOLDER/referred.log`. Between the line and the answer lie a few random
milliseconds, so that kills fall there. Not here: what becomes of a referral.
"""

import json
import os
import random
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock


class Hotline(ThreadingHTTPServer):
    """What it has taken, in the order of the log."""

    daemon_threads = True

    def __init__(self, port: int, folder: Path, seed: int) -> None:
        self.file, self.chance, self.lock = folder / "referred.log", random.Random(seed), Lock()
        self.file.touch()
        # A killed writer may have left half a line: it was never answered, so it counts as not taken.
        whole = self.file.read_bytes().rpartition(b"\n")
        if whole[2]:
            self.file.write_bytes(whole[0] + whole[1])
        self.taken = self.file.read_text().split()
        super().__init__(("127.0.0.1", port), Handler)

    def take(self, key: str) -> str:
        """Our reference for the key; on the disk before it is told."""
        with self.lock:
            if key not in self.taken:
                handle = os.open(self.file, os.O_WRONLY | os.O_APPEND)
                try:
                    os.write(handle, f"{key}\n".encode())
                    os.fsync(handle)
                finally:
                    os.close(handle)
                self.taken.append(key)
        time.sleep(self.chance.uniform(0, 0.03))
        return self.reference(key)

    def reference(self, key: str) -> str:
        """Our number for a key."""
        return f"NL-{self.taken.index(key) + 1:05d}"


class Handler(BaseHTTPRequestHandler):
    """Two verbs."""

    server: Hotline

    def do_POST(self) -> None:
        """Take a referral."""
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        key = self.headers.get("Idempotency-Key", "")
        self._say(201, {"reference": self.server.take(key), "key": key})

    def do_GET(self) -> None:
        """Is it there?"""
        key = self.path.rpartition("/")[2]
        if key in self.server.taken:
            self._say(200, {"reference": self.server.reference(key), "key": key})
        else:
            self._say(404, {"code": "unknown"})

    def _say(self, status: int, value: dict[str, str]) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    Hotline(int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])).serve_forever()
