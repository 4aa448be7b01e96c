"""The supervisor: starts a house, brings back who falls, stops in order, and leaves nobody behind."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from openhotline.jobs import exits
from openhotline.jobs.exits import probe_config
from openhotline.jobs.supervise import NOT_VERIFIED, Child, Supervisor
from openhotline.rules.refusals import Refused
from openhotline.settings import Settings
from tests.houses import free_ports

ROOT = Path(__file__).resolve().parents[2]
SLEEPER = ("-c", "import time; time.sleep(600)")
DEAF = (
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(600)",
)
FALLING = ("-c", "import sys; sys.stderr.write('There is no wall.\\n'); sys.exit(3)")


def settings_of(folder: Path, **more: object) -> Settings:
    return Settings(kind="test", data_dir=folder, **more)  # type: ignore[arg-type]


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    said: list[str] = []
    made = Supervisor(settings_of(tmp_path), with_world=False, with_worker=False, doors=(), say=said.append)
    made.said = said  # type: ignore[attr-defined]
    (tmp_path / "run").mkdir()
    yield made
    made.stop()


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def gone_within(pid: int, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while alive(pid) and time.monotonic() < end:
        time.sleep(0.02)
    return not alive(pid)


def test_a_child_that_falls_is_started_again_and_a_sentence_says_so(supervisor: Supervisor) -> None:
    supervisor._launch(Child("worker", SLEEPER, {}))
    first = supervisor.children["worker"].process
    assert first is not None
    first.kill()
    first.wait()
    supervisor.look_after()
    supervisor.look_after()
    second = supervisor.children["worker"].process
    assert second is not None and second.pid != first.pid and second.poll() is None
    assert supervisor.said == ["The worker was ended by SIGKILL; starting it again now."]  # type: ignore[attr-defined]


def test_who_keeps_falling_is_given_longer_and_longer_pauses_and_says_why_once(
    supervisor: Supervisor,
) -> None:
    supervisor._launch(Child("prober", FALLING, {}))
    end = time.monotonic() + 10
    child = supervisor.children["prober"]
    while child.falls < 3 and time.monotonic() < end:
        supervisor.look_after()
        time.sleep(0.05)
    assert (child.falls, child.process) == (3, None) and child.again_at - time.monotonic() > 1
    assert supervisor.said == [  # type: ignore[attr-defined]
        "There is no wall.",
        "The prober ended with code 3; starting it again now. Until it runs nothing is traced or checked, so no notice "
        "leaves and no case closes; reports are kept.",
        "The prober ended with code 3 again. It is tried at least every 30 seconds; the next sentence comes when "
        "something changes.",
    ]


def test_stopping_is_in_order_and_ends_even_a_child_that_does_not_listen(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("openhotline.jobs.supervise.STOP_PATIENCE", 0.5)
    order: list[str] = []
    real = supervisor._end

    def noting(children: list[Child]) -> None:
        order.extend(child.name for child in children)
        real(children)

    monkeypatch.setattr(supervisor, "_end", noting)
    for name in ("world", "prober", "worker", "desk"):
        supervisor._launch(Child(name, DEAF, {}))
    pids = [child.process.pid for child in supervisor.children.values() if child.process]
    time.sleep(0.3)
    supervisor.stop()
    assert order == ["desk", "worker", "prober", "world"]
    assert not any(alive(pid) for pid in pids)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_children_end_with_their_parent(tmp_path: Path, number: signal.Signals) -> None:
    (tmp_path / "run").mkdir()
    program = (
        "import sys; from pathlib import Path\n"
        "from openhotline.settings import Settings\n"
        "from openhotline.jobs.supervise import Child, Supervisor\n"
        "s = Supervisor(Settings(kind='test', data_dir=Path(sys.argv[1])), with_world=False, with_worker=False, doors=())\n"
        "s._launch(Child('worker', ('-c', 'import time; time.sleep(600)'), {}))\n"
        "print(s.children['worker'].process.pid, flush=True)\n"
        "s.run_forever()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert alive(child)
        time.sleep(0.3)
        parent.send_signal(number)
        parent.wait(15)
    assert gone_within(child, 5)


@pytest.mark.skipif(os.getuid() != 0, reason="only root has privileges to give up")
def test_a_prober_that_gave_up_root_still_ends_with_its_parent(tmp_path: Path) -> None:
    """The kernel forgets the wish with the change of user; the prober remembers it."""
    place = Path(tempfile.mkdtemp(prefix="openhotline-prober-"))
    program = (
        "import sys; from pathlib import Path\n"
        "from openhotline.settings import Settings\n"
        "from openhotline.jobs.supervise import Supervisor\n"
        "s = Supervisor(Settings(kind='test', data_dir=Path(sys.argv[1])), with_world=False, with_worker=False, doors=())\n"
        "s.start()\n"
        "print(s.children['prober'].process.pid, flush=True)\n"
        "s.run_forever()\n"
    )
    try:
        with subprocess.Popen(
            [sys.executable, "-c", program, str(place)], stdout=subprocess.PIPE, text=True, cwd=ROOT
        ) as parent:
            assert parent.stdout is not None
            prober, end = int(parent.stdout.readline()), time.monotonic() + 20
            while uid_of(prober) == 0:
                assert time.monotonic() < end and alive(prober)
                time.sleep(0.02)
            time.sleep(0.2)
            parent.kill()
            parent.wait(15)
        assert gone_within(prober, 5)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def uid_of(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("Uid:")))


def test_what_a_killed_supervisor_left_behind_is_ended_at_the_next_start(supervisor: Supervisor) -> None:
    with subprocess.Popen([sys.executable, *SLEEPER], start_new_session=True) as leftover:
        birth = Path(f"/proc/{leftover.pid}/stat").read_text().rpartition(")")[2].split()[19]
        record = supervisor.data / "run" / "children.json"
        record.write_text(json.dumps({leftover.pid: birth, os.getpid(): "1"}))
        supervisor._end_leftovers()
        assert leftover.wait(5) == -signal.SIGKILL


def test_a_house_is_opened_once_only(tmp_path: Path) -> None:
    first = Supervisor(settings_of(tmp_path), with_world=False, with_worker=False, doors=())
    second = Supervisor(settings_of(tmp_path), with_world=False, with_worker=False, doors=())
    (tmp_path / "run").mkdir()
    first._take_house(tmp_path / "run")
    with pytest.raises(Refused, match="open already"):
        second.start()
    first.stop()
    second._take_house(tmp_path / "run")
    second.stop()


def test_a_house_that_was_not_found_whole_after_a_restore_stays_shut(tmp_path: Path) -> None:
    (tmp_path / NOT_VERIFIED).touch()
    with pytest.raises(Refused, match="stays shut"):
        Supervisor(settings_of(tmp_path), with_world=False, with_worker=True).start()


def test_the_prober_learns_nothing_of_the_house(supervisor: Supervisor) -> None:
    supervisor.start_prober()
    process = supervisor.children["prober"].process
    assert process is not None
    known = Path(f"/proc/{process.pid}/environ").read_bytes()
    assert b"OPENHOTLINE" not in known and b"postgres" not in known
    told = json.loads((supervisor.data / "run" / "prober.json").read_text())
    assert told["vantages"] == {"direct": ["direct"]} and not told["lift_documentation"]
    assert "keys" not in json.dumps(told)


def test_a_door_is_told_which_door_it_is_and_where_the_house_lies(tmp_path: Path) -> None:
    supervisor = Supervisor(settings_of(tmp_path), with_world=False, with_worker=False)
    door = supervisor._door("portal")
    assert door.environment["OPENHOTLINE_DOOR"] == "portal"
    assert door.environment["OPENHOTLINE_DATA_DIR"] == str(tmp_path)
    assert "--access-logfile" not in door.command, "no access log: nobody writes down who came"


def test_the_world_s_card_becomes_the_prober_s_exits(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    card = {
        "resolver": {"address": "192.0.2.53", "port": 53, "transport": "tcp"},
        "rdap": "http://rdap.test",
        "canary": "http://canary.test/",
        "mmdb": {"origin": "/x/origin.mmdb", "location": "/x/location.mmdb"},
    }
    (tmp_path / "run" / "world.json").write_text(json.dumps(card))
    config = probe_config(settings_of(tmp_path, exit="world"))
    assert {name: tuple(config.vantages[name].written) for name in config.ordinary} == {
        "north": ("socks5-unix", str(tmp_path / "run" / "world-exit.sock")),
        "south": ("socks5-unix", str(tmp_path / "run" / "world-exit-south.sock")),
        "west": ("connect-unix", str(tmp_path / "run" / "world-exit-west.sock")),
    }
    assert config.onion == tuple(exits.WORLD_ONIONS) and "west" in config.vantages
    assert config.lift_documentation and config.rdap_base == "http://rdap.test"
    assert config.resolvers == (exits.Resolver("192.0.2.53", 53, "tcp"),)
    assert {file.kind for file in config.mmdb} == {"origin", "location"}


def test_resolvers_and_files_are_read_as_an_operator_writes_them(tmp_path: Path) -> None:
    assert exits.resolvers("192.0.2.53, [2001:db8::53]:5353,2001:db8::1") == (
        exits.Resolver("192.0.2.53", 53),
        exits.Resolver("2001:db8::53", 5353),
        exits.Resolver("2001:db8::1", 53),
    )
    assert [file.kind for file in exits.mmdb_files("/a/asn.mmdb:/a/country.mmdb:origin=/b/x.mmdb")] == [
        "origin",
        "location",
        "origin",
    ]
    with pytest.raises(Refused, match="The prober cannot be set up"):
        probe_config(settings_of(tmp_path, resolvers="name.example"))


def test_the_whole_house_opens_falls_and_closes(house_env: dict[str, str], tmp_path: Path) -> None:
    """`openhotline up` as an operator starts it: pages answer, a killed door comes back, Ctrl-C ends all."""
    (relay,) = free_ports(1)
    env = {**house_env, "OPENHOTLINE_SMTP_PORT": str(relay), "PYTHONPATH": str(ROOT)}
    env["OPENHOTLINE_WALL"] = "none"  # a test's machine has no wall, and this is not about it
    with (
        (tmp_path / "said").open("wb") as said,
        subprocess.Popen(
            [sys.executable, "-m", "openhotline.cli", "up"], env=env, cwd=tmp_path, stdout=said, stderr=said
        ) as up,
    ):
        words = lambda: (tmp_path / "said").read_text()  # noqa: E731
        try:
            end = time.monotonic() + 90
            while "Open." not in words():
                assert up.poll() is None and time.monotonic() < end, words()
                time.sleep(0.05)
            for port in ("PUBLIC", "DESK", "PORTAL"):
                assert get(int(env[f"OPENHOTLINE_{port}_PORT"])) == 200
            children = json.loads((Path(env["OPENHOTLINE_DATA_DIR"]) / "run" / "children.json").read_text())
            assert len(children) == 6
            os.kill(int(next(iter(children))), signal.SIGKILL)  # the public door
            end = time.monotonic() + 30
            while "The public was ended by SIGKILL" not in words() or not answers(env):
                assert time.monotonic() < end, words()
                time.sleep(0.05)
        finally:
            up.send_signal(signal.SIGINT)
            up.wait(45)
    assert not any(alive(int(pid)) for pid in children)


def answers(env: dict[str, str]) -> bool:
    try:
        return get(int(env["OPENHOTLINE_PUBLIC_PORT"])) == 200
    except OSError:
        return False


def get(port: int) -> int:
    import http.client

    line = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        line.request("GET", "/livez")
        return line.getresponse().status
    except http.client.HTTPException as fault:
        raise OSError(str(fault)) from fault
    finally:
        line.close()
