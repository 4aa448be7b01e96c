"""Environments of the peers that we compare with: each its own, made with pip on first use, kept in a cache.

True here: nothing of a peer is installed into the house's environment, and versions are pinned. Not here: how
a peer is driven (the benchmark that does it).
"""

import os
import subprocess
import sys
from pathlib import Path

from openhotline.crashtest import postgres

INTELMQ = ("intelmq==3.5.0", "redis", "psycopg2-binary")


def environment(name: str, requirements: tuple[str, ...]) -> Path:
    """The folder of a peer's own environment; made now where it does not exist."""
    # A peer that refuses to be root runs as an unprivileged id, which cannot enter root's home.
    home = (
        Path("/var/cache")
        if os.geteuid() == 0
        else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    )
    cache = home / "openhotline-peers" / name
    stamp = cache / "made-of"
    if stamp.exists() and stamp.read_text() == "\n".join(requirements):
        return cache
    print(f"Making the environment of {name} in {cache} ...", file=sys.stderr)
    base = Path(sys.base_prefix) / "bin" / "python3"
    subprocess.run([base if base.exists() else sys.executable, "-m", "venv", "--clear", cache], check=True)
    subprocess.run(
        [
            cache / "bin" / "python",
            "-m",
            "pip",
            "install",
            "-qq",
            "--disable-pip-version-check",
            *requirements,
        ],
        check=True,
    )
    stamp.write_text("\n".join(requirements))
    return cache


def unprivileged() -> list[str]:
    """What stands before a peer's command where we are root."""
    if os.geteuid() != 0:
        return []
    nobody = postgres.UNPRIVILEGED
    return ["setpriv", f"--reuid={nobody}", f"--regid={nobody}", "--clear-groups", "--"]


def version(folder: Path, package: str) -> str:
    """The version of a package in a peer's environment."""
    said = subprocess.run(
        [folder / "bin" / "python", "-c", f"from importlib.metadata import version; print(version({package!r}))"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    return said.stdout.strip()
