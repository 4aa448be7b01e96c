"""Where the prober does not go: addresses, answers and redirects that lead inside, and how a redirect is read."""

import asyncio
import itertools
from datetime import timedelta

import pytest

from openhotline.connectors.probe.apart import Address, take_apart
from openhotline.connectors.probe.config import ProbeConfig
from openhotline.connectors.probe.dry import by_rule
from openhotline.connectors.probe.exits import Exits
from openhotline.connectors.probe.meaning import CheckJob, ProbeJob, TraceJob
from openhotline.connectors.probe.names import Names, Resolved
from tests.connectors.small_world import REGISTRY, RESOLVER, RESOLVER_2, SITE
from tests.connectors.town import CANARY, NOON, Town, moved


@pytest.mark.parametrize(
    "address",
    ["http://127.0.0.1/", "http://[::1]/", "http://2130706433/", "http://0x7f.1/", "http://①②⑦.⓪.⓪.①/",
     "http://169.254.169.254/latest/meta-data/", "http://[::ffff:10.0.0.1]/", "http://[64:ff9b::7f00:1]/",
     "http://10.0.0.1/", "http://site.example.org:22/", "http://user:pw@site.example.org/", "ftp://site.example.org/",
     "javascript:alert(1)", "file:///etc/passwd", "gopher://site.example.org/", "not an address", "", "http://",
     "http://x.onion/", "http://site.example.org/" + "a" * 200_000],
)  # fmt: skip
def test_an_address_the_house_does_not_follow_is_blocked_with_a_sentence(place: Town, address: str) -> None:
    facts = place.look(address)
    assert facts.outcome == "blocked" and facts.why.endswith((".", ":"))
    assert {host for host, _ in place.world.asked} <= {RESOLVER, CANARY}


@pytest.mark.parametrize(
    "answers",
    [["127.0.0.1"], [SITE, "127.0.0.1"], [SITE, "10.0.0.1"], ["169.254.169.254", SITE], [SITE, "::1"],
     [SITE, "::ffff:127.0.0.1"], [SITE, "64:ff9b::7f00:1"], [SITE, "2002:7f00:1::"], ["8.8.8.8", "fd00::1"]],
)  # fmt: skip
def test_one_private_answer_spoils_a_name(place: Town, answers: list[str]) -> None:
    place.world.zones["mixed.example.org"] = answers
    facts = place.look("http://mixed.example.org/")
    assert facts.outcome == "blocked" and "never connects" in facts.why
    (trace,) = place.prober.trace([TraceJob("http://mixed.example.org/", "mixed.example.org", place.at)])
    assert not trace.answers[0].ok and set(trace.answers[0].addresses) == set(answers)
    assert {host for host, _ in place.world.asked} <= {RESOLVER, RESOLVER_2, CANARY, REGISTRY}


def test_a_name_that_flips_between_look_and_contact_reaches_nothing_private(place: Town) -> None:
    flips = itertools.cycle([[SITE], ["127.0.0.1"]])
    place.world.zones["flip.example.org"] = lambda: next(flips)
    jobs = [
        CheckJob("http://flip.example.org/x", "north", place.at + timedelta(days=n), allow_path=True)
        for n in range(200)
    ]
    facts = place.prober.check(jobs)
    assert {f.outcome for f in facts} <= {"answered", "blocked"}
    assert {f.peer for f in facts} <= {"", SITE}
    assert {host for host, _ in place.world.asked} <= {RESOLVER, CANARY, SITE}


@pytest.mark.parametrize(
    "target",
    ["http://127.0.0.1/", "//[::1]/", "http://inside.example.org/", "http://0x7f.1/", "http:\\\\127.0.0.1/",
     "file:///etc/passwd", "gopher://127.0.0.1:25/", "http://site.example.org:6379/", "http://a:b@127.0.0.1/"],
)  # fmt: skip
def test_every_redirect_is_vetted_anew(place: Town, target: str) -> None:
    place.world.zones["inside.example.org"] = ["192.168.0.1"]
    place.world.hosts[(SITE, 80)] = moved(place, target)
    facts = place.look("http://site.example.org/")
    assert facts.outcome == "blocked" and facts.why and "parsed" not in facts.why
    assert {host for host, _ in place.world.asked} <= {RESOLVER, CANARY, SITE}


@pytest.mark.parametrize(
    ("reference", "joined"),
    [
        ("http://b.example/x", "http://b.example/x"),
        ("//b.example/x", "http://b.example/x"),
        ("\\\\b.example\\x", "http://b.example/x"),
        ("/x", "http://a.example/x"),
        ("\\x", "http://a.example/x"),
        ("x", "http://a.example/p/x"),
        ("../x?y", "http://a.example/x?y"),
        ("?y", "http://a.example/p/q?y"),
        ("#y", "http://a.example/p/q?r"),
        ("", "http://a.example/p/q?r"),
        ("http:x", "http://a.example/p/x"),
        ("http:/x", "http://a.example/x"),
        ("http:\\\\b.example", "http://b.example/"),
        ("https:b.example", "https://b.example/"),
        (" \t/x\n ", "http://a.example/x"),
        ("ht\ttp://b.example/", "http://b.example/"),
        ("@b.example", "http://a.example/p/@b.example"),
        (":80", "http://a.example/p/:80"),
        (".b.example", "http://a.example/p/.b.example"),
    ],
)
def test_a_relative_redirect_is_read_as_a_browser_reads_it(reference: str, joined: str) -> None:
    found = take_apart(reference, (80, 443), "http://a.example/p/q?r#s")
    assert isinstance(found, Address) and found.url == joined


def test_redirects_are_followed_five_deep_and_no_further(place: Town) -> None:
    for n in range(7):
        place.world.zones[f"r{n}.example.org"] = [f"192.0.2.{100 + n}"]
        place.world.hosts[(f"192.0.2.{100 + n}", 80)] = moved(place, f"http://r{n + 1}.example.org/")
    place.world.hosts[("192.0.2.106", 80)] = place.world.page(b"<title>End</title>")
    end = place.look("http://r1.example.org/")
    assert (end.outcome, end.status, end.title, end.location) == (
        "answered",
        200,
        "End",
        "http://r6.example.org/",
    )
    assert place.look("http://r0.example.org/").outcome == "error"
    assert place.look("http://r0.example.org/").why == "It redirects more than 5 times."


@pytest.mark.parametrize(
    ("address", "said"),
    [("http://site.example.org\\@other.example/", "backslash"), ("http://site.exa\tmple.org/", "control"),
     ("http://site.example.org/a b", "spaces"), ("http://m\u00fcnchen.xn--mnchen-3ya.example/", "mixes two"),
     ("http://[2001:db8::1%25eth0]/", "zone")],
)  # fmt: skip
def test_what_two_parsers_may_read_in_two_ways_is_not_followed(address: str, said: str) -> None:
    found = take_apart(address, (80, 443))
    assert isinstance(found, str) and said in found
    assert isinstance(take_apart("http://site.example.org/", (80, 443)), Address)


@pytest.mark.parametrize("address", ["http://ours.example.org/", "http://198.51.100.9/"])
def test_the_houses_own_ranges_are_not_visited_by_name_or_number(address: str) -> None:
    """With what the operator named, though the world's other documentation addresses are lifted."""
    config = ProbeConfig(
        {"north": ("socks5-unix", "/nowhere")}, lift_documentation=True, own_ranges=("198.51.100.0/24",)
    )
    names = Names(config, Exits(config))
    host = address.split("/")[2]
    found = names._judge(("192.0.2.1", "198.51.100.9"), (), Resolved(""))
    if host[0].isdigit():
        found = asyncio.run(names.resolve("north", host, NOON))
        dry = by_rule(ProbeJob(address, "north", NOON), config)
        assert dry is not None and "own ranges" in dry.why
    assert found.outcome == "blocked" and "own ranges" in found.why and not found.vetted
    assert names._judge(("192.0.2.1",), (), Resolved("")).vetted
