"""A demo house that a browser test visits: where its doors are, and how its time passes."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class OpenHouse:
    """The doors of a house that is open, what its people sign in with, and its keeper."""

    public: str
    desk: str
    portal: str
    password: str
    totp_secret: str
    control: dict[str, str]
    keeper: "subprocess.Popen[str]"

    def later(self, **how_much: float) -> None:
        """Let the machine work while the world's clock goes on by `minutes=`, `hours=` or `days=`."""
        minutes = (
            how_much.get("minutes", 0) + 60 * how_much.get("hours", 0) + 24 * 60 * how_much.get("days", 0)
        )
        assert self.keeper.stdin and self.keeper.stdout
        self.keeper.stdin.write(json.dumps({"minutes": minutes}) + "\n")
        self.keeper.stdin.flush()
        assert self.keeper.stdout.readline(), "The house fell while its machine turned; its words are above."

    def mail(self, to: str) -> list[dict[str, Any]]:
        """The letters that really arrived in a mailbox of the world, oldest first."""
        request = urllib.request.Request(
            f"{self.control['url']}/mail?to={to}",
            headers={"Authorization": f"Bearer {self.control['token']}"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            found: list[dict[str, Any]] = json.load(answer)
        return found


@contextmanager
def open_house() -> Iterator[OpenHouse]:
    """Open a fresh house on the embedded database, with free ports; close it and throw it away at the end."""
    home = Path(tempfile.mkdtemp(prefix="openhotline-browser-"))
    home.chmod(0o755)  # the prober has to find its socket, and is nobody in particular
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("OPENHOTLINE_", "DJANGO_"))
    }
    keeper = subprocess.Popen(
        [sys.executable, "-m", "tests.browser.keeper", str(home)],
        cwd=ROOT,
        env={**environment, "OPENHOTLINE_DATABASE_URL": ""},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert keeper.stdin and keeper.stdout
        said = keeper.stdout.readline()
        assert said, "The house did not open; its own words are above."
        yield OpenHouse(**json.loads(said), keeper=keeper)
    finally:
        keeper.stdin.close()
        try:
            keeper.wait(30)
        except subprocess.TimeoutExpired:
            keeper.kill()  # its children end with it
            keeper.wait()
        keeper.stdout.close()
        shutil.rmtree(home, ignore_errors=True)
