"""Every disguise played over real HTTP by the world, seen by the house's own prober, read by the house's own rules."""

import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from openhotline import policy
from openhotline.connectors.probe.client import Prober, ProberUnreachable
from openhotline.connectors.probe.config import ProbeConfig
from openhotline.connectors.probe.meaning import CheckJob
from openhotline.rules import pace, signs
from openhotline.rules.facts import CheckFacts
from openhotline.rules.signs import Likeness
from openhotline.world.serve import World
from tests.world.test_with_the_prober import config

PLACES = ("north", "south")
# What the world plays -> what one look means, by which sign.
DISGUISES = {
    "taken-down": ("miss", "taken-down"),
    "soft-404": ("miss", "not-found"),
    "parked": ("miss", "parked"),
    "login": ("blocked", "login"),
    "robot-check": ("blocked", "robot-check"),
    "changed": ("changed", "text"),
    "outage": ("unclear", "status"),
    "gone": ("miss", "status"),
}


class Town:
    """A world and a prober beside it."""

    def __init__(self, world: World, prober: Prober) -> None:
        self.world, self.prober, self.number = world, prober, 0

    def site(self, **more: object) -> str:
        """A new page, up."""
        self.number += 1
        address = f"http://new{self.number}.example.org/p/{self.number}"
        self.world.script("add", address=address, ip="192.0.2.69", **more)
        return address

    def look(self, address: str, vantage: str = "north", **way: object) -> CheckFacts:
        job = CheckJob(address, vantage, self.world.clock.now(), allow_path=True, **way)  # type: ignore[arg-type]
        return self.prober.check([job])[0]

    def first(self, address: str, **way: object) -> Likeness:
        seen = self.look(address, **way)
        assert signs.read(seen).meaning == "up", seen
        return Likeness(
            seen.status,
            seen.content_type,
            seen.size,
            seen.location,
            seen.title,
            seen.fingerprint,
            seen.simhash,
            seen.words,
            seen.signs,
        )


@pytest.fixture(scope="module")
def town() -> Iterator[Town]:
    with tempfile.TemporaryDirectory(prefix="oh-") as name, World(Path(name) / "house", bundle=3) as world:
        Path(name).chmod(0o755)
        run = world.data_dir / "run"
        known: ProbeConfig = replace(config(world), signs=policy.sign_words())
        (world.data_dir / "probe.json").write_text(known.to_json())
        command = [sys.executable, "-m", "openhotline.connectors.probe"]
        command += ["--socket", str(run / "prober.sock"), "--config", str(world.data_dir / "probe.json")]
        with subprocess.Popen(command) as process:
            try:
                prober = Prober(run / "prober.sock", timeout=60)
                for _ in range(200):
                    with contextlib.suppress(ProberUnreachable):
                        prober.hello()
                        break
                    time.sleep(0.05)
                yield Town(world, prober)
            finally:
                process.terminate()
                process.wait(10)


@pytest.mark.parametrize("what", DISGUISES)
def test_each_is_told_by_its_sign_and_what_comes_back_is_up_again(town: Town, what: str) -> None:
    address = town.site()
    first = town.first(address)
    town.world.script(what, address=address)
    for place in PLACES:
        seen = town.look(address, place)
        reading = signs.read(seen, first)
        assert (reading.meaning, reading.sign) == DISGUISES[what], seen
        assert seen.canary_up
        assert seen.signs_version == policy.sign_words().version
    town.world.script("back", address=address)
    assert signs.read(town.look(address), first).sign == "same"


def test_a_re_encoded_copy_of_a_file_is_told_by_its_size_and_not_a_byte_is_kept(town: Town) -> None:
    address = town.site(file=True)
    first = town.first(address)
    assert (first.size, first.fingerprint, first.title) == (2200, "", "")
    town.world.script("changed", address=address)
    seen = town.look(address)
    assert signs.read(seen, first).sign == "size"
    assert (seen.size, seen.fingerprint) == (1980, "")


def test_cloaked_to_one_place_it_is_seen_from_the_other(town: Town) -> None:
    address = town.site()
    first = town.first(address)
    town.world.script("hide", address=address, vantage="south")
    assert [signs.read(town.look(address, place), first).meaning for place in PLACES] == ["up", "miss"]
    town.world.script("unhide", address=address, vantage="south")
    assert signs.read(town.look(address, "south"), first).meaning == "up"


def test_the_way_in_is_walked_and_a_direct_visit_shows_nothing(town: Town) -> None:
    by_page = town.site(referrer="http://door.example.com/list")
    first = town.first(by_page, referrer="http://door.example.com/list")
    assert signs.read(town.look(by_page), first).meaning == "miss"
    by_cookie = town.site(cookie="seen=1")
    seen = town.look(by_cookie, cookie="seen=1", steps=(town.site(),))
    assert (signs.read(seen).meaning, seen.path_variant) == ("up", "path")
    assert signs.read(town.look(by_cookie)).meaning == "miss"


def test_it_leads_to_another_site(town: Town) -> None:
    address, other = town.site(), "http://elsewhere.example.net/p/1"
    town.world.script("add", address=other, ip="192.0.2.69")
    town.world.script("changed", address=other)
    first = town.first(address)
    town.world.script("redirect", address=address, to=other)
    seen = town.look(address)
    assert signs.read(seen, first).sign == "final-address"
    assert seen.location == other


def test_a_host_that_says_too_often_says_until_when(town: Town) -> None:
    address = town.site()
    first = town.first(address)
    town.world.script("busy", address=address, status=900)
    seen = town.look(address)
    assert signs.read(seen, first).meaning == "blocked"
    figures, now = policy.load("gb").pace, town.world.clock.now()
    assert pace.retry_after(seen.status, dict(seen.headers), now, figures) == now + timedelta(seconds=900)


def test_our_own_line_down_proves_nothing(town: Town) -> None:
    address = town.site()
    first = town.first(address)
    town.world.script("switch", area="line", key="south", word="down")
    try:
        town.world.clock.jump(town.world.clock.now() + timedelta(minutes=5))
        seen = town.look(address, "south")
        assert not seen.canary_up
        assert signs.read(seen, first).meaning == "unclear"
        assert signs.read(town.look(address, "north"), first).meaning == "up"
    finally:
        town.world.script("switch", area="line", key="south", word="normal")
