"""The prober traces in the synthetic internet: every method finds what is true, and every liar is seen or survived."""

import contextlib
import dataclasses
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from openhotline.connectors.probe.client import Prober, ProberUnreachable
from openhotline.connectors.probe.config import Limits
from openhotline.connectors.probe.meaning import CheckJob, ListJob, TraceJob
from openhotline.jobs.exits import probe_config
from openhotline.rules import methods, signs
from openhotline.rules.facts import CheckFacts, MethodAnswer
from openhotline.settings import Settings
from openhotline.world import places
from openhotline.world.serve import World

ONE = "http://img.example.net/set/one"


@dataclass
class Town:
    world: World
    prober: Prober

    def at(self) -> datetime:
        """A house moment of its own, so that nothing kept answers."""
        self.world.clock.jump(self.world.clock.now() + timedelta(seconds=1))
        return self.world.clock.now()

    def trace(
        self, address: str = ONE, *, host: str = "", contact: bool = False
    ) -> dict[str, list[MethodAnswer]]:
        """Every answer, by method."""
        host = host or address.split("/")[2]
        (facts,) = self.prober.trace([TraceJob(address, host, self.at(), contact)])
        found: dict[str, list[MethodAnswer]] = {}
        for answer in facts.answers:
            found.setdefault(answer.method, []).append(answer)
        return found

    @contextlib.contextmanager
    def told(self, area: str, key: str, word: str) -> Iterator[None]:
        self.world.script("switch", area=area, key=key, word=word)
        try:
            yield
        finally:
            self.world.script("switch", area=area, key=key, word="normal")


@pytest.fixture(scope="module")
def town() -> Iterator[Town]:
    with tempfile.TemporaryDirectory(prefix="oh-") as name, World(Path(name) / "house", bundle=0) as world:
        Path(name).chmod(0o755)
        data = world.data_dir
        config = probe_config(Settings(data_dir=data, exit="world", kind="test"))
        # Long enough for what answers on a busy machine, short enough to wait for what never does.
        limits = Limits(connect_s=4, total_s=8, job_s=40, dns_s=4, tls_s=4, first_byte_s=8)
        (data / "probe.json").write_text(dataclasses.replace(config, limits=limits).to_json())
        command = [sys.executable, "-m", "openhotline.connectors.probe"]
        command += ["--socket", str(data / "run" / "prober.sock"), "--config", str(data / "probe.json")]
        with subprocess.Popen(command) as process:
            try:
                prober = Prober(data / "run" / "prober.sock", timeout=60)
                for _ in range(400):
                    with contextlib.suppress(ProberUnreachable):
                        prober.hello()
                        break
                    time.sleep(0.05)
                yield Town(world, prober)
            finally:
                process.terminate()
                process.wait(10)


def test_every_method_finds_what_is_true_of_every_site(town: Town) -> None:
    at = town.at()
    sites = town.world.truth()["sites"]
    jobs = [TraceJob(site["address"], site["host"], at, contact=True) for site in sites]
    for site, facts in zip(sites, town.prober.trace(jobs), strict=True):
        true = site["now"]
        by: dict[str, list[MethodAnswer]] = {}
        for answer in facts.answers:
            by.setdefault(answer.method, []).append(answer)
            assert answer.tool or not answer.ok, answer
        assert [a.source for a in by[methods.DNS]] == ["192.0.2.53:53", "192.0.2.54:53"]
        for answer in by[methods.DNS]:
            assert set(answer.addresses) == set(filter(None, (true["ip"], true["ip6"])))
        assert by[methods.NAME_SERVERS][0].names == ("ns1.registry.example", "ns2.registry.example")
        for answer in by[methods.RDAP]:
            assert (answer.country, answer.operator) == (true["country"], true["operator"]), answer
            assert list(answer.abuse_mail) == true["abuse"] and "Terms" in answer.licence
        assert {(a.asn, a.operator) for a in by[methods.RDAP_AS]} == {(true["asn"], true["operator"])}
        assert by[methods.RDAP_DOMAIN][0].ok and "World Registrar" in by[methods.RDAP_DOMAIN][0].answer
        assert by[methods.ORIGIN_NETWORK][0].asn == true["asn"]
        (location,) = by[methods.LOCATION]
        assert location.country == true["country"] and location.source_age_s and "made up" in location.licence
        (certificate,) = by[methods.CERTIFICATE]
        assert certificate.ok and site["host"] in certificate.names, certificate
        trips = by[methods.ROUND_TRIP]
        assert [trip.vantage for trip in trips] == ["north", "south", "west"] and all(
            trip.ok for trip in trips
        )
        assert all(true["country"] not in trip.impossible for trip in trips)
        assert not by[methods.PROXY][0].layer
        assert methods.WHOIS not in by, "WHOIS is asked only where RDAP gave nothing"


def test_the_speed_of_light_rules_countries_out(town: Town) -> None:
    # What delays a connection only widens the circle, so a busy machine may rule out less, never too much.
    trips = [trip for _ in range(3) for trip in town.trace(contact=True)[methods.ROUND_TRIP]]
    assert any({"NZ", "AU", "CL"} <= set(trip.impossible) for trip in trips if trip.vantage != "west")
    assert all("GB" not in trip.impossible for trip in trips)
    assert {trip.impossible for trip in trips if trip.vantage == "west"} == {()}
    assert "not configured" in next(trip.why for trip in trips if trip.vantage == "west")


def test_nothing_is_sent_to_the_server_before_an_analyst_opened_the_item(town: Town) -> None:
    town.at()
    started = town.world.clock.now()
    found = town.trace(contact=False)
    visited = {visit["target"] for visit in town.world.visits() if visit["at"] > started}
    assert visited and all(places.REGISTRY.holds(literal) for literal in visited), visited
    for method in (methods.CERTIFICATE, methods.ROUND_TRIP):
        assert [a.ok for a in found[method]] == [False] and "must open the item" in found[method][0].why
    requests = len(town.world.requests())
    assert all(a.ok for a in town.trace(contact=True)[methods.CERTIFICATE])
    assert len(town.world.requests()) == requests, "a handshake is not a request"


def test_a_resolver_that_lies_is_seen(town: Town) -> None:
    with town.told("dns", "img.example.net@192.0.2.54", "lie"):
        one, other = town.trace()[methods.DNS]
    assert one.addresses == ("192.0.2.68",) and other.addresses != one.addresses
    assert one.ok and other.ok and all("Another resolver" in a.why for a in (one, other))


def test_a_name_leads_nowhere_only_if_every_resolver_says_so(town: Town) -> None:
    """A resolver that filters says of just such names that they do not exist; no miss may rest on it."""

    def look() -> CheckFacts:
        return town.prober.check([CheckJob(ONE, "north", town.at(), allow_path=True)])[0]

    with town.told("dns", "img.example.net@192.0.2.53", "nxdomain"):
        assert look().status == 200, "the other resolver knows where it leads"
        with town.told("dns", "img.example.net@192.0.2.54", "servfail"):
            seen = look()
            assert seen.outcome == "error" and "does not say so" in seen.why
        with town.told("dns", "img.example.net@192.0.2.54", "nxdomain"):
            assert look().outcome == "no-name"


@pytest.mark.parametrize("word", ["servfail", "cut-off", "malformed", "loop"])
def test_a_name_server_that_fails_is_a_sentence_and_the_other_answers(town: Town, word: str) -> None:
    with town.told("dns", "img.example.net@192.0.2.53", word):
        found = town.trace()
    one, other = found[methods.DNS]
    assert not one.ok and one.why.endswith(".") and other.ok
    assert one.raw or word == "cut-off"
    assert found[methods.RDAP][0].ok


def test_a_name_server_that_names_thousands_is_cut_short(town: Town) -> None:
    with town.told("dns", "img.example.net", "huge"):
        found = town.trace()
    assert all(len(a.addresses) <= 16 for a in found[methods.DNS])
    assert len(found[methods.RDAP]) == 1, "one address for each network is asked about"


def test_where_rdap_gives_nothing_whois_does(town: Town) -> None:
    for key, address in (("north-rack", ONE), ("quay-data", "http://up.example.com/x"), ("mute-hosting", "")):
        network = next(n for n in places.NETWORKS if n.key == key)
        address = address or f"http://{network.address(5)}/"
        with town.told("rdap", key, "error"):
            found = town.trace(address)
        assert not found[methods.RDAP][0].ok and "500" in found[methods.RDAP][0].why
        whois = found[methods.WHOIS][0]
        assert whois.ok, whois
        assert (whois.operator, whois.country, whois.abuse_mail) == (
            network.operator, network.country, network.abuse)  # fmt: skip
        assert whois.network == network.prefix and "% whois.registry.example" in whois.raw


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("cut-off", ""),
        ("malformed", "neither"),
        ("huge", "64 KiB"),
        ("loop", ""),
        ("nothing", "knows nothing"),
        ("timeout", "in time"),
    ],
)
def test_a_whois_server_that_fails_is_a_sentence(town: Town, word: str, said: str) -> None:
    with town.told("rdap", "north-rack", "malformed"), town.told("whois", "north-rack", word):
        found = town.trace()
    (rdap,), (whois, *_) = found[methods.RDAP], found[methods.WHOIS]
    assert not rdap.ok and rdap.raw
    assert whois.ok or (whois.why.endswith(".") and said in whois.why), whois
    assert whois.country in ("", "GB") and len(whois.raw) <= 64 * 1024
    assert found[methods.LOCATION][0].ok


def test_a_registry_that_asks_us_to_wait_is_left_alone_until_then(town: Town) -> None:
    with town.told("rdap", "north-rack", "rate-limit"):
        first = town.trace()[methods.RDAP][0]
    assert not first.ok and "asked again after" in first.why and first.raw, "its words are kept too"
    second = town.trace()[methods.RDAP][0]
    assert not second.ok and "asked us to wait until" in second.why
    town.world.clock.jump(town.world.clock.now() + timedelta(seconds=121))
    assert town.trace()[methods.RDAP][0].ok


@pytest.mark.parametrize(
    ("word", "ok", "said"),
    [
        ("redirect", True, ""),
        ("loop", False, "redirects"),
        ("huge", False, "512 KiB"),
        ("deep", False, "nested"),
        ("lie", False, "another network"),
        ("stale", True, ""),
    ],
)
def test_a_registry_that_sends_on_or_lies(town: Town, word: str, ok: bool, said: str) -> None:
    with town.told("rdap", "north-rack", word):
        (rdap,) = town.trace()[methods.RDAP]
    assert rdap.ok is ok and said in rdap.why, rdap
    if word == "redirect":
        assert "/moved/" in rdap.source
    if word == "stale":
        assert rdap.source_age_s and rdap.source_age_s > 10 * 365 * 86_400 and rdap.country == "XA"


@pytest.mark.parametrize(
    ("word", "ok", "said"),
    [
        ("self-signed", True, "itself"),
        ("expired", True, "expired"),
        ("other-name", True, "None of its names"),
        ("none", False, "cut the connection"),
        ("cut-off", False, "cut the connection"),
        ("malformed", False, "handshake failed"),
        ("timeout", False, "in time"),
    ],
)
def test_a_certificate_that_is_odd_or_absent(town: Town, word: str, ok: bool, said: str) -> None:
    with town.told("tls", "img.example.net", word):
        (certificate,) = town.trace(contact=True)[methods.CERTIFICATE]
    assert certificate.ok is ok and said in certificate.why, certificate
    assert certificate.raw or word in ("none", "timeout", "cut-off")


def test_a_huge_certificate_is_survived(town: Town) -> None:
    with town.told("tls", "img.example.net", "huge"):
        (certificate,) = town.trace(contact=True)[methods.CERTIFICATE]
    assert len(certificate.names) <= 100 and (certificate.ok or certificate.why.endswith("."))


def test_an_edge_is_called_an_edge(town: Town) -> None:
    town.world.script("add", address="http://cdn.example.org/x", ip=places.EDGE.address(3))
    (proxy,) = town.trace("http://cdn.example.org/x")[methods.PROXY]
    assert proxy.ok and proxy.layer == "edge" and proxy.answer == "World Edge (address range)"
    assert proxy.country == "" and proxy.network == places.EDGE.prefix
    (facts,) = town.prober.trace(
        [TraceJob(ONE, "img.example.net", town.at(), headers=(("Server", "cloudflare"), ("CF-RAY", "1-LHR")))]
    )
    told = next(a for a in facts.answers if a.method == methods.PROXY)
    assert told.layer == "edge" and told.names == ("Cloudflare",) and "headers" in told.answer


def test_onions_and_posts_take_their_short_walk(town: Town) -> None:
    label = "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd"
    found = town.trace(f"http://{label}.onion/")
    assert list(found) == [methods.ONION]
    assert found[methods.ONION][0].ok and "hides where" in found[methods.ONION][0].why
    wrong = town.trace(f"http://{'a' * 56}.onion/")[methods.ONION][0]
    assert not wrong.ok and wrong.why
    found = town.trace("news:part1of1.7K2@news.example", host=" ")
    assert list(found) == [methods.NEWS_SERVER] and len(found[methods.NEWS_SERVER]) == 4
    for answer in found[methods.NEWS_SERVER]:
        assert "injected by news.poldercloud.example" in answer.answer and "posting-host" in answer.raw
    for answer in town.trace("news:nothere@news.example", host=" ")[methods.NEWS_SERVER]:
        assert answer.ok and answer.answer == "not there"


def test_a_news_server_says_by_one_question_whether_it_has_a_post(town: Town) -> None:
    server = "news.northrack.example"

    def look(post: str = "part1of1.7K2@news.example", server: str = server) -> tuple[str, int, str]:
        job = CheckJob(f"news:{post}", "north", town.at(), allow_path=True, server=server)
        (facts,) = town.prober.check([job])
        assert facts.canary_up and not facts.headers and not facts.fingerprint
        return facts.outcome, facts.status, signs.read(facts).meaning

    assert look() == ("answered", 223, signs.UP)
    assert look("nothere@news.example") == ("answered", 430, signs.MISS)
    with town.told("news", server, "expired"):
        assert look() == ("answered", 430, signs.MISS)
        assert look(server="reader.northrack.example") == ("answered", 223, signs.UP)
    with town.told("news", server, "closed"):
        assert look() == ("answered", 502, signs.BLOCKED)
    assert look(server="nobody.northrack.example")[2] == signs.SILENT
    assert look(server="")[0] == "blocked"


def test_lists_of_registries_are_taken_over_while_it_runs(town: Town) -> None:
    base = town.world.card["registry_lists"]
    at = town.at()
    found = town.prober.lists(
        [ListJob(kind, f"{base}/{kind}.json", at) for kind in ("dns", "ipv4", "ipv6", "asn")]
    )
    assert all(facts.ok and facts.entries and facts.body for facts in found), found
    (wrong,) = town.prober.lists([ListJob("ipv4", f"{base}/asn.json", at)])
    assert not wrong.ok and "not sound" in wrong.why
    (missing,) = town.prober.lists([ListJob("ipv4", f"{base}/none.json", at)])
    assert not missing.ok and "400" in missing.why
    rdap = town.trace()[methods.RDAP][0]
    assert rdap.ok and f"registry lists of {at:%Y-%m-%d}" in rdap.tool
