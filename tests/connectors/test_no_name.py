"""A name that leads nowhere is a miss, and three misses close an item: so nothing else may pass for that.

Each of these was once read as "the name has no address": half an answer, no answer at all, a chain of aliases, and what
a single resolver says. Where one resolver lies about an address, the other vantage point asks another one.
"""

import asyncio
import struct
from dataclasses import replace

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from openhotline.connectors.dns.meaning import read
from openhotline.connectors.probe.config import Resolver
from tests.connectors.eye import Answer, eye, meaning
from tests.connectors.small_world import RESOLVER, RESOLVER_2, SITE

NAME = "half.example.org"


def kind_of(query: dns.message.Message) -> str:
    return query.question[0].to_text().split()[-1]


def only_one_kind(rcode: dns.rcode.Rcode) -> Answer:
    """Of the address we want a fault is told, of the other kind that there is none."""

    def answer(query: dns.message.Message) -> dns.message.Message:
        reply = dns.message.make_response(query)
        if kind_of(query) == "A":
            reply.set_rcode(rcode)
        return reply

    return answer


def sends_the_question_back(query: dns.message.Message) -> dns.message.Message:
    return query


def cut_short(query: dns.message.Message) -> dns.message.Message:
    reply = dns.message.make_response(query)
    reply.flags |= dns.flags.TC
    return reply


def names_others(query: dns.message.Message) -> dns.message.Message:
    reply = dns.message.make_response(query)
    reply.authority.append(dns.rrset.from_text("example.org.", 60, "IN", "NS", "ns1.example.net."))
    return reply


@pytest.mark.parametrize(
    "answer",
    [only_one_kind(dns.rcode.SERVFAIL), only_one_kind(dns.rcode.REFUSED), sends_the_question_back, cut_short, names_others],
)  # fmt: skip
def test_half_an_answer_and_none_at_all_are_no_sign_of_absence(answer: Answer) -> None:
    with eye() as seen:
        ordinary = seen.world.answer
        seen.world.answer = lambda query: answer(query) if NAME in str(query) else ordinary(query)
        facts = seen.look(f"http://{NAME}/")
        assert (facts.outcome, meaning(facts)) == ("error", "unclear") and facts.why
        assert meaning(seen.look("http://no.example.org/")) == "miss", (
            "while a name that is gone is seen to be"
        )


def test_an_address_of_the_kind_that_one_resolver_cannot_tell_is_asked_of_the_next() -> None:
    with eye() as seen:
        ordinary, asked = seen.world.answer, []

        def first_fails(query: dns.message.Message) -> dns.message.Message:
            if NAME in str(query) and kind_of(query) == "A":
                asked.append(NAME)
                if len(asked) == 1:
                    return only_one_kind(dns.rcode.SERVFAIL)(query)
            return ordinary(query)

        seen.world.answer, seen.world.zones[NAME] = first_fails, [SITE]
        assert seen.look(f"http://{NAME}/").peer == SITE and len(asked) == 2


def test_aliases_told_one_by_one_end_after_eight_and_in_a_circle_at_once() -> None:
    """A circle of aliases was followed for ever, by a task that outlived the look: 10,000 questions in seconds."""
    with eye() as seen:
        seen.world.zones |= {f"c{n}.example.org": ("CNAME", f"c{n + 1}.example.org") for n in range(12)}
        seen.world.zones |= {"c12.example.org": [SITE], "c0.example.net": ("CNAME", "c1.example.net")}
        seen.world.zones["c1.example.net"] = ("CNAME", "c0.example.net")
        for name, most in (("c0.example.org", 18), ("c0.example.net", 4)):
            seen.world.questions.clear()
            facts = seen.look(f"http://{name}/")
            assert facts.outcome == "error" and "in a circle or more than 8 deep" in facts.why
            of_canary = 2
            assert len(seen.world.questions) <= most + of_canary
        assert seen.look("http://c8.example.org/").peer == SITE, "four are followed"


@pytest.mark.parametrize("resolvers", [(RESOLVER,), (RESOLVER, RESOLVER)])
def test_one_resolver_alone_cannot_say_that_a_name_is_gone(resolvers: tuple[str, ...]) -> None:
    with eye(resolvers=tuple(map(Resolver, resolvers))) as seen:
        facts = seen.look("http://no.example.org/")
        assert facts.outcome == "error" and "OPENHOTLINE_RESOLVERS" in facts.why and "filter" in facts.why
        assert seen.look().outcome == "answered"


def test_the_page_to_which_one_resolver_leads_is_missed_from_one_place_only() -> None:
    """A filtering resolver leads to a page of its own, which says 404. Both places asked it first; now each asks another."""
    wall = "192.0.2.90"
    with eye() as seen:
        north = seen.config.vantages["north"]
        seen.config = replace(seen.config, vantages={"north": north, "south": north})

        async def lies(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while True:
                (size,) = struct.unpack("!H", await reader.readexactly(2))
                query = dns.message.from_wire(await reader.readexactly(size))
                reply = seen.world.answer(query)
                if "site.example.org" in str(query) and kind_of(query) == "A":
                    reply.answer = [dns.rrset.from_text("site.example.org.", 60, "IN", "A", wall)]
                writer.write(struct.pack("!H", len(reply.to_wire())) + reply.to_wire())

        seen.world.hosts[(RESOLVER, 53)] = lies
        seen.world.hosts[(wall, 80)] = seen.world.page(b"", "HTTP/1.1 404 Not Found\r\n")
        assert meaning(seen.look(vantage="north")) == "miss"
        assert seen.look(vantage="south").peer == SITE
        del seen.world.hosts[(RESOLVER_2, 53)]
        assert seen.look(vantage="south").peer == wall, "whose own resolver is away asks the other one"


def test_a_message_that_is_no_answer_says_what_it_is() -> None:
    query = dns.message.make_query(NAME, "A")
    ends = {"back": sends_the_question_back, "short": cut_short, "others": names_others}
    for word, answer in ends.items():
        told = read(answer(query).to_wire(), NAME, "A")
        assert not told.ok and word in told.why and told.raw
