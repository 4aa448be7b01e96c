"""A trace by the prober as a process: one answer of every method, and what fails fails alone."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from openhotline.connectors.probe.meaning import TraceJob
from openhotline.rules.facts import MethodAnswer, TraceFacts, written
from tests.connectors.small_world import REGISTRY, RESOLVER, RESOLVER_2, SITE
from tests.connectors.town import JPEG, Town, cut, hang

EVIDENCE = ("dns", "rdap", "origin-network", "location")


def by_method(facts: TraceFacts) -> dict[str, MethodAnswer]:
    """The last answer of each method."""
    return {answer.method: answer for answer in facts.answers}


def test_a_trace_gives_an_answer_of_every_method_that_sends_nothing_to_the_server(place: Town) -> None:
    (facts,) = place.prober.trace([TraceJob("http://site.example.org/a", "site.example.org", place.at)])
    found = by_method(facts)
    dns, rdap, origin, location = (found[method] for method in EVIDENCE)
    assert list(dict.fromkeys(a.method for a in facts.answers)) == [
        "dns", "name-servers", "rdap", "rdap-as", "rdap-domain", "origin-network", "location", "proxy",
        "certificate", "round-trip",
    ]  # fmt: skip
    assert all(found[method].ok for method in EVIDENCE), facts.answers
    assert facts.at == place.at
    came = [datetime.fromisoformat(answer.at) for answer in facts.answers]
    assert min(came) >= place.at and came[0] < datetime.fromisoformat(rdap.at), (
        "each answer has its own time: names come before what is asked about them"
    )
    looked = place.at - timedelta(hours=1)
    job = TraceJob("http://site.example.org/a", "site.example.org", place.at, headers=(), headers_at=looked)
    (again,) = place.prober.trace([job])
    assert by_method(again)["rdap"].at == rdap.at, "an answer that is shared keeps the time it was got"
    assert by_method(again)["proxy"].at == written(looked), "signs are as old as the look that saw them"
    assert dns.addresses == (SITE,) and found["name-servers"].names == ("ns1.example.org",)
    for method in ("certificate", "round-trip"):
        assert not found[method].ok and "an analyst must open the item" in found[method].why
    assert (
        rdap.abuse_mail == ("abuse@host.example",) and rdap.country == "GB" and rdap.network == "192.0.2.0/24"
    )
    assert origin.asn == 64500 and location.country == "GB" and location.source_age_s is not None
    assert (SITE, 80) not in place.world.asked, "a trace never touches the reported server"


def test_a_name_that_does_not_exist_is_an_answer(place: Town) -> None:
    (facts,) = place.prober.trace([TraceJob("http://no.example.org/", "no.example.org", place.at)])
    assert facts.answers[0].ok and facts.answers[0].answer == "NXDOMAIN"
    assert [by_method(facts)[method].ok for method in EVIDENCE] == [True, False, False, False]


def half(place: Town) -> Any:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{"name": "EX'
        )

    return handle


def nonsense(place: Town) -> Any:
    return place.world.registry(b"<html>no</html>")


def wrong_kind(place: Town) -> Any:
    return place.world.registry(JPEG, "image/jpeg")


def gone_registry(place: Town) -> Any:
    return place.world.page(b"{}", "HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\n")


@pytest.mark.parametrize("how", [hang, cut, half, nonsense, wrong_kind, gone_registry])
def test_a_registry_that_fails_fails_alone(hurried: Town, how: Callable[[Town], Any]) -> None:
    place = hurried
    place.world.hosts[(REGISTRY, 80)] = how(place)
    (facts,) = place.prober.trace([TraceJob("http://site.example.org/", "site.example.org", place.at)])
    found = by_method(facts)
    assert [found[method].ok for method in EVIDENCE] == [True, False, True, True]
    assert found["rdap"].why
    if how in (half, nonsense):
        assert found["rdap"].raw, "the raw answer is kept"
    assert "JFIF" not in found["rdap"].raw


@pytest.mark.parametrize("how", [hang, cut])
def test_name_servers_that_fail_are_a_sentence(hurried: Town, how: Callable[[Town], Any]) -> None:
    place = hurried
    place.world.hosts |= dict.fromkeys(((RESOLVER, 53), (RESOLVER_2, 53)), how(place))
    place.world.hang_up(RESOLVER, RESOLVER_2)
    (facts,) = place.prober.trace([TraceJob("http://site.example.org/", "site.example.org", place.at)])
    assert [by_method(facts)[method].ok for method in EVIDENCE] == [False] * 4
    assert "did not answer" in facts.answers[0].why or "cut" in facts.answers[0].why
