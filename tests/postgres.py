"""A real PostgreSQL for one run of a command.

    python -m tests.postgres [--version 18] -- CMD ...

runs CMD with OPENHOTLINE_TEST_POSTGRES naming the server, and ends with CMD's exit code. The server itself
is `openhotline/crashtest/postgres.py`.
"""

import argparse
import os
import signal
import subprocess
import sys
from types import FrameType

from openhotline.crashtest.postgres import Launcher, Server

__all__ = ["Launcher", "Server", "main"]


def main(arguments: list[str]) -> int:
    """Run a command beside a server; its exit code, or 128 + the signal that ended it."""
    parser = argparse.ArgumentParser(prog="python -m tests.postgres")
    parser.add_argument("--version", type=int, default=18)
    parser.add_argument("command", nargs="+")
    asked = parser.parse_args(arguments)

    def leave(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)
    with (
        Launcher(asked.version) as server,
        subprocess.Popen(
            asked.command, env={**os.environ, "OPENHOTLINE_TEST_POSTGRES": server.url()}
        ) as child,
    ):
        while True:
            try:
                code = child.wait()
                return code if code >= 0 else 128 - code
            except KeyboardInterrupt:
                continue  # the child got it too and says its own last words
            except SystemExit:
                child.terminate()  # tests/conftest.py makes this an orderly end
                child.wait()
                raise


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
