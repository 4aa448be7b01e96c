"""The set-up keeps its promises: pinned, hashed, no index address, clean output, honest about what lacks."""

import hashlib
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest
from django.db import connection

from tests import network
from tests.houses import fresh_house, this_pass
from tests.postgres import Launcher

ROOT = Path(__file__).resolve().parents[2]
RUN = ROOT / "run"
NAME = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^]]*])?\s*(?:==\s*([^\s;\\]+))?", re.MULTILINE)

installed = pytest.mark.skipif(
    not (ROOT / ".venv" / "openhotline.stamp").exists(), reason="this environment was not made by ./run"
)


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(file: str) -> dict[str, str]:
    text = (ROOT / "requirements" / file).read_text()
    return {normal(name): version for name, version in NAME.findall(text) if version}


def wanted(file: str) -> set[str]:
    text = (ROOT / "requirements" / file).read_text()
    return {normal(match[1]) for line in text.splitlines() if (match := NAME.match(line))}


@pytest.mark.parametrize("file", ["installer.txt", "run.txt", "test.txt"])
def test_every_requirement_is_pinned_and_hashed(file: str) -> None:
    text = (ROOT / "requirements" / file).read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    assert lines
    for line in lines:
        assert re.match(r"^[A-Za-z0-9._\[\],-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", line), line[:80]


def test_every_package_asked_for_is_in_the_hashed_list() -> None:
    assert wanted("installer.in") <= pins("installer.txt").keys()
    assert wanted("run.in") <= pins("run.txt").keys()
    assert wanted("test.in") <= pins("test.txt").keys()


def test_what_runs_in_the_tests_is_what_runs_in_a_hotline() -> None:
    run, test = pins("run.txt"), pins("test.txt")
    assert {name: test.get(name) for name in run} == run


def test_the_repository_names_no_package_index() -> None:
    hosts = [
        "pypi" + ".org",
        "python" + "hosted.org",
        "registry.npm" + "js.org",
        "index" + "-url ",
        "find" + "-links",
    ]
    ours = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.splitlines() or [str(path.relative_to(ROOT)) for path in (ROOT / "requirements").iterdir()]
    for name in ours:
        path = ROOT / name
        if not path.is_file() or path.suffix in {".png", ".woff2", ".ico"}:
            continue
        text = path.read_text(errors="replace").replace("--no-emit-index" + "-url ", "")
        assert not [host for host in hosts if host in text], name
        assert path.name != "uv.lock"


def test_the_licence_is_the_verbatim_text() -> None:
    digest = hashlib.sha256((ROOT / "LICENSE").read_bytes()).hexdigest()
    assert digest == "0d96a4ff68ad6d4b6f1f30f713b18d5184912ba8dd389f86aa7710db079abcb0"


def run(*arguments: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **({"PATH": path} if path else {})}
    return subprocess.run(
        ["/bin/bash", RUN, *arguments], env=environment, cwd="/", capture_output=True, text=True, check=False
    )


def test_help_names_every_command() -> None:
    said = run("help")
    assert said.returncode == 0
    for command in ("demo", "test", "check", "exec", "needs"):
        assert f"./run {command}" in said.stdout


def test_an_unknown_command_is_refused_with_a_sentence() -> None:
    said = run("dmeo")
    assert said.returncode == 2
    assert "./run knows no 'dmeo'." in said.stderr


@installed
def test_a_missing_browser_is_named_as_its_debian_package(tmp_path: Path) -> None:
    (tmp_path / "dirname").symlink_to("/usr/bin/dirname")
    said = run("needs", path=str(tmp_path))
    assert (said.returncode, said.stdout) == (0, "chromium\n")


@installed
def test_exec_keeps_output_exit_code_and_folder_of_the_command() -> None:
    said = run("exec", "python", "-c", "import os, sys; print(os.getcwd(), sys.prefix); sys.exit(7)")
    assert (said.returncode, said.stdout, said.stderr) == (7, f"/ {ROOT / '.venv'}\n", "")


@installed
def test_exec_says_when_there_is_no_such_command() -> None:
    said = run("exec", "no-such-command")
    assert said.returncode == 127
    assert "There is no command 'no-such-command' here." in said.stderr


@installed
def test_a_warm_start_costs_next_to_nothing() -> None:
    def once() -> float:
        before = time.monotonic()
        assert run("exec", "true").returncode == 0
        return time.monotonic() - before

    assert min(once() for _ in range(5)) < 0.25  # measured: 0.02 s


def test_a_call_to_the_outside_is_refused_and_remembered() -> None:
    with socket.socket() as outside, pytest.raises(network.OutsideTheMachine, match="this machine only"):
        outside.connect(("192.0.2.1", 80))
    with pytest.raises(network.OutsideTheMachine, match=r"look up 'www\.example\.org'"):
        socket.getaddrinfo("www.example.org", 80)
    with socket.socket(type=socket.SOCK_DGRAM) as outside, pytest.raises(network.OutsideTheMachine):
        outside.sendto(b"?", ("198.51.100.7", 53))
    assert len(network.ATTEMPTS) == 3
    network.ATTEMPTS.clear()


def test_loopback_and_unix_sockets_stay_open(tmp_path: Path) -> None:
    for family, address in ((socket.AF_INET, ("127.0.0.1", 0)), (socket.AF_UNIX, str(tmp_path / "s"))):
        with socket.socket(family) as server, socket.socket(family) as client:
            server.bind(address)
            server.listen()
            client.connect(server.getsockname())
    assert network.ATTEMPTS == []


def test_postgresql_is_durable_private_and_gone_afterwards() -> None:
    launcher = Launcher()
    with launcher as server:
        home, data = launcher.home, launcher.home / "data"
        assert stat.S_IMODE(data.stat().st_mode) == 0o700
        assert data.stat().st_uid != 0
        with psycopg.connect(server.new_database()) as session:
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                assert session.execute(f"SHOW {setting}").fetchone() == ("on",)
            assert session.info.server_version >= 180000
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(server.url().replace(server.password, "guess"))
    assert not home.exists()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(server.url(), connect_timeout=2)


def test_postgresql_dies_with_the_command_that_started_it() -> None:
    show = (
        "import os; print(os.environ['OPENHOTLINE_TEST_POSTGRES'], flush=True); import time; time.sleep(60)"
    )
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.postgres", "--", sys.executable, "-c", show],
        cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    assert child.stdout is not None
    url = child.stdout.readline().strip()
    with psycopg.connect(url) as session:
        (data,) = session.execute("SHOW data_directory").fetchone()
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    child.stdout.close()
    deadline = time.monotonic() + 10
    while (Path(data) / "postmaster.pid").exists():
        assert time.monotonic() < deadline, "The server outlived the command that started it."
        time.sleep(0.05)
    shutil.rmtree(Path(data).parent)  # nobody was left to do it
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url, connect_timeout=2)


def test_a_command_beside_postgresql_keeps_its_exit_code() -> None:
    said = subprocess.run(
        [sys.executable, "-m", "tests.postgres", "--", sys.executable, "-c", "raise SystemExit(9)"],
        cwd=ROOT, check=False,
    )  # fmt: skip
    assert said.returncode == 9


def test_a_fresh_house_shares_nothing_with_another(tmp_path: Path) -> None:
    one, other = (
        fresh_house(tmp_path / "one"),
        fresh_house(tmp_path / "other", kind="demo", database="postgresql"),
    )
    for name in ("OPENHOTLINE_DATA_DIR", "OPENHOTLINE_DATABASE_URL", "OPENHOTLINE_PUBLIC_PORT"):
        assert one[name] != other[name]
    assert (one["OPENHOTLINE_KIND"], other["OPENHOTLINE_KIND"]) == ("test", "demo")
    with psycopg.connect(other["OPENHOTLINE_DATABASE_URL"]) as session:
        tables = session.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
    assert tables == (0,)


@pytest.mark.django_db
def test_this_pass_runs_on_the_database_it_says_and_durably() -> None:
    assert connection.vendor == this_pass()
    asked = {"sqlite": "PRAGMA synchronous", "postgresql": "SHOW synchronous_commit"}[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(asked)
        assert cursor.fetchone() in ((2,), ("on",))  # 2 is FULL


@pytest.mark.browser
def test_chromium_starts_and_shows_a_page(chromium) -> None:
    page = chromium.new_page()
    page.set_content("<title>OpenHotline</title><p>stands</p>")
    assert page.title() == "OpenHotline"
    page.close()
