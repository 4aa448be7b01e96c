"""The house's own prober, as a process, sees of the world exactly what is true there."""

import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from openhotline.connectors.probe.client import Prober, ProberUnreachable
from openhotline.connectors.probe.config import Limits, MmdbFile, ProbeConfig, Resolver
from openhotline.connectors.probe.meaning import CheckJob, TraceJob
from openhotline.rules.facts import CheckFacts
from openhotline.world import onions, places
from openhotline.world.serve import World


@dataclass
class Town:
    world: World
    prober: Prober

    def look(self, address: str, vantage: str = "north", referrer: str = "") -> CheckFacts:
        now = self.world.clock.now()
        job = CheckJob(address, vantage, now, allow_path=True, referrer=referrer)
        return self.prober.check([job])[0]

    def later(self, **span: float) -> None:
        self.world.clock.jump(self.world.clock.now() + timedelta(**span))


# Long enough for what answers on a busy machine, short enough to wait for what never does.
LIMITS = Limits(connect_s=8, total_s=12, job_s=40, dns_s=8)


def config(world: World) -> ProbeConfig:
    """The prober's configuration, made of the world's card alone."""
    card = world.card
    return ProbeConfig(
        vantages={
            name: ("socks5-unix", path) for name, path in (card["exits"] | card["onion"]["exits"]).items()
        },
        onion=tuple(card["onion"]["exits"]),
        resolvers=tuple(Resolver(**one) for one in card["resolvers"]),
        rdap_base=card["rdap"],
        mmdb=tuple(MmdbFile(path, kind, "made up") for kind, path in card["mmdb"].items()),
        canary=card["canary"],
        limits=LIMITS,
        lift_documentation=True,
        polite=False,
        drop_to="nobody",
    )


@pytest.fixture(scope="module")
def town() -> Iterator[Town]:
    """One world and one prober for this file; time only goes on, so the tests stand in order of time."""
    with tempfile.TemporaryDirectory(prefix="oh-") as name, World(Path(name) / "house", bundle=433) as world:
        Path(name).chmod(0o755)
        run = world.data_dir / "run"
        (world.data_dir / "probe.json").write_text(config(world).to_json())
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


def test_every_trace_finds_what_is_true_by_every_method(town: Town) -> None:
    now = town.world.clock.now()
    sites = [site for site in town.world.truth()["sites"] if site["part"] != "bundle"]
    jobs = [TraceJob(canonical=site["address"], host=site["host"], at=now) for site in sites]
    for site, facts in zip(sites, town.prober.trace(jobs), strict=True):
        found = {answer.method: answer for answer in reversed(facts.answers)}
        dns, rdap, origin, location = (found[m] for m in ("dns", "rdap", "origin-network", "location"))
        true = site["now"]
        assert all(
            answer.ok
            for answer in facts.answers
            if answer.method not in ("certificate", "round-trip", "proxy")
        ), (site["address"], facts.answers)
        assert dns.addresses == tuple(filter(None, (true["ip"], true["ip6"])))
        assert (rdap.country, rdap.operator, list(rdap.abuse_mail)) == (
            true["country"],
            true["operator"],
            true["abuse"],
        )
        assert (origin.asn, origin.operator) == (true["asn"], true["operator"])
        assert location.country == true["country"]


def test_a_bundle_of_433_is_looked_at_from_both_vantage_points(town: Town) -> None:
    now = town.world.clock.now()
    jobs = [
        CheckJob(site.address, vantage, now, allow_path=True)
        for site in town.world.scenario.part("bundle")
        for vantage in ("north", "south")
    ]
    looks = town.prober.check(jobs)
    assert len(looks) == 866
    assert {(look.outcome, look.status, look.canary_up) for look in looks} == {("answered", 200, True)}
    assert {look.title[:8] for look in looks} == {"Page /a/"}


def test_what_the_prober_sends_tells_nobody_who_it_is(town: Town) -> None:
    town.look("http://img.example.net/set/one")
    seen = repr(town.world.requests()).lower()
    for word in ("hotline", "python", "curl", "x-notice"):
        assert word not in seen


def test_the_disguised_site_is_seen_with_its_referrer_only(town: Town) -> None:
    url, door = "http://shop.example.com/s/5", "http://door.example.com/list"
    assert town.look(url).status == 404
    assert town.look(url, referrer=door).status == 200


def test_our_own_outage_is_no_miss(town: Town) -> None:
    town.world.script("switch", area="line", word="down")
    town.later(minutes=5)
    look = town.look("http://img.example.net/set/one")
    assert (look.canary_up, look.status) == (False, 0)
    town.world.script("switch", area="line", word="normal")
    town.later(minutes=5)
    look = town.look("http://img.example.net/set/one")
    assert (look.canary_up, look.status) == (True, 200)


def test_each_way_to_fail_is_told_apart(town: Town) -> None:
    url = "http://img.example.net/set/two"
    for what, outcome, status in (
        ("gone", "answered", 404),
        ("outage", "answered", 503),
        ("silent", "timeout", 0),
        ("cut-off", "cut-off", 0),
    ):
        town.later(minutes=2)
        town.world.script(what, address=url)
        look = town.look(url)
        assert look.outcome == outcome, look
        assert look.status == status
    town.world.script("back", address=url)
    town.later(minutes=2)
    town.world.script("block", address=url, vantage="south")
    assert (town.look(url).status, town.look(url, "south").status) == (200, 403)
    town.world.script("no-name", address="http://six.example.org/v6/1")
    town.later(minutes=2)
    assert town.look("http://six.example.org/v6/1").outcome == "no-name"


def test_what_moves_is_seen_at_its_new_place(town: Town) -> None:
    url = "http://nomad.example.net/g/2"
    assert town.look(url).peer == "192.0.2.70"
    town.world.clock.jump(town.world.scenario.start + timedelta(hours=2))
    look = town.look(url)
    assert (look.status, look.peer) == (200, "198.51.100.20")
    (facts,) = town.prober.trace(
        [TraceJob(canonical=url, host="nomad.example.net", at=town.world.clock.now())]
    )
    assert {answer.country for answer in facts.answers if answer.country} == {"NL"}


def test_an_onion_is_looked_at_by_its_name_through_an_exit_that_carries_onions_and_no_other(
    town: Town,
) -> None:
    """Its name is told to that exit alone: no name server hears it, and the other exits send nothing."""
    internet, address = town.world.internet, onions.ADDRESS
    town.later(minutes=1)
    asked: list[str] = []
    internet.zones.literals = lambda host, at, _real=internet.zones.literals: (
        asked.append(host) or _real(host, at)
    )
    seen = [town.look(address, place) for place in places.ONIONS]
    assert [(one.outcome, one.status, one.title) for one in seen] == [("answered", 200, "Rooms")] * 2
    assert all(one.fingerprint and one.canary_up and one.peer == "" for one in seen)
    for place, exit_ in zip(places.ONIONS, internet.onion_exits, strict=True):
        assert exit_.vantage == place and {visit.target for visit in exit_.visits if visit.port == 80} >= {
            onions.NAME
        }
    assert not [host for host in asked if host.endswith("onion")]
    refused = town.look(address)
    assert refused.outcome == "blocked" and "OPENHOTLINE_ONION" in refused.why
    assert not [visit for exit_ in internet.exits for visit in exit_.visits if "onion" in visit.target]
    mistyped = town.look(f"http://{'a' * 56}.onion/", places.ONIONS[0])
    assert mistyped.outcome == "blocked" and "check digits" in mistyped.why
    internet.behaviours.set("onion", onions.NAME, "gone")
    town.later(minutes=1)
    assert town.look(address, places.ONIONS[0]).status == 404
    not_opened = CheckJob(address, places.ONIONS[0], town.world.clock.now())
    assert "leads to no address. No request was sent" in town.prober.check([not_opened])[0].why
