"""The world starts, tells where it is, keeps what happened, stops cleanly, and never serves a real house."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest

from openhotline.clock import WorldClock
from openhotline.rules import urls
from openhotline.rules.refusals import Refused
from openhotline.world import scenario
from openhotline.world.day import START, day
from openhotline.world.scenario import Event, faults
from openhotline.world.serve import World, main, read_card
from tests.world.calls import get
from tests.world.letters import send, up

ONE = "http://img.example.net/set/one"
PROGRAM = (
    "from pathlib import Path; import sys; from openhotline.world.serve import main; "
    "main(data_dir=Path(sys.argv[1]), kind=sys.argv[2], seed=3, bundle=2)"
)


def test_a_real_house_gets_a_refusal(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="this is a real one"):
        main(data_dir=tmp_path, kind="production")
    with pytest.raises(Refused, match="this is a real one"):
        World(tmp_path, kind="production")
    assert list(tmp_path.iterdir()) == []


def test_it_runs_in_the_foreground_until_it_is_told_to_stop(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", "-c", PROGRAM, str(tmp_path), "demo"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = json.loads(process.stdout.readline())
        assert line["ready"] is True
        assert line["sites"] == len(day(3, 2).sites)
        assert "token" not in json.dumps(line)
        assert get(Path(line["exits"]["north"]), ONE, "192.0.2.68").status == 200
        card = read_card(tmp_path)
        assert card["pid"] == process.pid
        assert (tmp_path / "run" / "world.json").stat().st_mode & 0o777 == 0o600
        os.kill(process.pid, signal.SIGTERM)
        out, err = process.communicate(timeout=10)
        assert (process.returncode, out, err) == (0, "", "")
    assert list((tmp_path / "run").iterdir()) == []
    with pytest.raises(Refused, match="openhotline world serve"):
        read_card(tmp_path)


def test_what_has_happened_is_still_so_after_a_restart(tmp_path: Path) -> None:
    with World(tmp_path, bundle=0, lasting=True) as world:
        send(world, "abuse@northrack.example", serial="N-26-0001-A", addresses=[ONE])
        world.script("add", address="http://new.example.org/a", ip="192.0.2.69", remove_after_s=60)
        world.script("move", address="http://img.example.net/set/two", ip="198.51.100.30")
        world.clock.jump(world.clock.now() + timedelta(minutes=41))
        before, mail, token = world.truth(), world.mail(), world.card["partner"]["token"]
        assert up(world, ONE) == ["gone"]
    for file in (tmp_path / "world").glob("journal-*"):
        with file.open("a") as torn:
            torn.write('{"kind":"eve')  # as a machine leaves it that lost its power
    with World(tmp_path, bundle=0, lasting=True) as world:
        assert world.truth() == before
        assert world.mail() == mail
        assert world.card["partner"]["token"] == token
        send(world, "abuse@northrack.example", serial="N-26-0001-A", addresses=[ONE])
        assert (world.mail()[-1]["repeat"], world.mail()[-1]["reacted"]) == (True, 0)
    with World(tmp_path, bundle=1, lasting=True) as another:
        assert up(another, ONE) == ["up"]


def test_the_control_desk_asks_for_its_token_and_says_what_is_true(world: World) -> None:
    control = world.card["control"]
    headers = {"Authorization": f"Bearer {control['token']}"}

    def call(method: str, path: str, **named: object) -> httpx2.Response:
        return httpx2.request(method, control["url"] + path, trust_env=False, **named)  # type: ignore[arg-type]

    for path in ("/truth", "/mail", "/state", "/mail/1"):
        assert call("GET", path).status_code == 401
    assert call("POST", "/script", json={"do": "gone", "address": ONE}).status_code == 401
    truth = call("GET", "/truth", headers=headers).json()
    assert truth == world.truth()
    assert {site["address"] for site in truth["sites"]} == {site.address for site in world.scenario.sites}
    assert call("POST", "/script", headers=headers, json={"do": "gone", "address": ONE}).json()["ok"] is True
    assert up(world, ONE) == ["gone"]
    for body in (b"{", b"[]", b'{"do": 5}', b'{"do": "explode"}'):
        answer = call("POST", "/script", headers=headers, content=body)
        assert (answer.status_code, bool(answer.json()["sentence"])) == (422, True)
    send(world, "abuse@northrack.example", serial="N-26-0001-A", addresses=[ONE])
    assert [
        letter["serial"] for letter in call("GET", "/mail?to=northrack.example", headers=headers).json()
    ] == ["N-26-0001-A"]
    assert b"X-Notice: N-26-0001-A" in call("GET", "/mail/1", headers=headers).content
    assert call("GET", "/mail/9", headers=headers).status_code == 422
    assert call("GET", "/state", headers=headers).json()["next"] == "2026-05-12T07:40:00+00:00"


def test_the_world_reads_the_clock_of_the_house(tmp_path: Path) -> None:
    (tmp_path / "house").mkdir()
    clock = WorldClock(tmp_path / "house" / "clock")
    clock.set(START + timedelta(hours=5))
    with World(tmp_path / "house", bundle=0) as world:
        assert world.truth()["at"] == "2026-05-12T12:00:00+00:00"
        assert up(world, "http://brief.example.org/p/7") == ["gone"]


def test_the_day_is_sound_and_asks_for_every_outcome() -> None:
    played = day()
    assert faults(played) == []
    assert len(played.part("bundle")) == 433
    assert {site.truth for site in played.sites} == set(scenario.OUTCOMES) - {scenario.GONE_BEFORE_NOTICE} | {
        scenario.GONE_BEFORE_NOTICE
    }
    assert day() == played
    assert day(2).part("bundle") != played.part("bundle")
    assert day(2).part("home") == played.part("home")


def test_every_address_is_written_as_the_house_would_write_it() -> None:
    for site in day().sites:
        read = urls.read(site.address)
        assert (read.ok, read.canonical) == (True, site.address)


def test_an_unsound_scenario_is_told_so(tmp_path: Path) -> None:
    first = day(bundle=0).sites[0]
    for wrong, sentence in (
        (replace(first, address="http://real.invalid/a"), "reserved name"),
        (replace(first, ip="10.0.0.1"), "no network"),
        (replace(first, ip=""), "held nowhere"),
        (replace(first, truth="lost"), "no outcome"),
        (replace(first, events=(Event(timedelta(0), "move", ip="203.0.113.200"),)), "no network"),
    ):
        with (
            pytest.raises(ValueError, match=sentence),
            World(tmp_path, replace(day(bundle=0), sites=(wrong,))),
        ):
            pass
    with (
        pytest.raises(ValueError, match="twice"),
        World(tmp_path, replace(day(bundle=0), sites=(first, first))),
    ):
        pass
