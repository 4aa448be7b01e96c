"""A CDN that takes us for a trusted notifier names the server behind its edge; its reply joins the trace."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from openhotline.jobs import disclosures
from openhotline.policy import trace_weights
from openhotline.records.models import Item
from openhotline.rules import methods
from openhotline.rules.facts import MethodAnswer, TraceFacts
from openhotline.rules.trace_vote import vote
from openhotline.settings import Settings
from openhotline.world import places
from openhotline.world.serve import World

HIDDEN = "http://hidden.example.org/x"
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SIGN = MethodAnswer(
    methods.PROXY, True, answer="World Edge (address range)", layer="edge", names=("World Edge",)
)
ITEM = Item(ref="26-00001-K", canonical=HIDDEN)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(tmp_path / "house", bundle=0) as world:
        world.script("add", address=HIDDEN, ip=places.EDGE.address(4), origin=places.POLDER.address(5))
        yield world


def settings(world: World) -> Settings:
    return Settings(data_dir=world.data_dir, exit="world", kind="test")


def ask(world: World, *answers: MethodAnswer) -> tuple[MethodAnswer, ...]:
    facts = TraceFacts(HIDDEN, "hidden.example.org", NOON, answers)
    (found,) = disclosures.added([ITEM], [facts], disclosures.known(settings(world)), at=NOON)
    return found.answers


def test_the_origin_is_named_and_says_who_named_it(world: World) -> None:
    _, told = ask(world, SIGN)
    assert (told.method, told.ok, told.layer) == (methods.DISCLOSED, True, "origin")
    assert (told.country, told.operator, told.addresses) == (
        "NL",
        "Polder Cloud",
        (places.POLDER.address(5),),
    )
    assert told.disclosed_by == "World Edge, in answer to 26-00001-K" and told.raw
    facts = TraceFacts(HIDDEN, "hidden.example.org", NOON, (SIGN, told))
    assert vote(facts, rules_version="t", weights=trace_weights()).country in ("NL", "")


def test_a_cdn_is_asked_only_where_its_own_signs_were_met(world: World) -> None:
    plain = MethodAnswer(methods.PROXY, True, why="No sign of a proxy, which proves nothing.")
    other = MethodAnswer(methods.PROXY, True, answer="Another", layer="edge", names=("Another",))
    for answer in (plain, other):
        assert ask(world, answer) == (answer,)
    assert world.internet.cdn.asked == []


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("later", "503"),
        ("refuse", "403"),
        ("nothing", "not behind our edge"),
        ("malformed", "cannot be read"),
    ],
)
def test_a_reply_that_is_none_is_a_sentence(world: World, word: str, said: str) -> None:
    world.script("switch", area="cdn", key="hidden.example.org", word=word)
    _, told = ask(world, SIGN)
    assert not told.ok and said in told.why and not told.country


def test_a_wrong_token_or_a_cdn_that_is_away_is_a_sentence(world: World, tmp_path: Path) -> None:
    keys = tmp_path / "other" / "keys"
    keys.mkdir(parents=True)
    house = Settings(data_dir=tmp_path / "other", kind="test")
    assert disclosures.known(house) == {}
    (keys / disclosures.FILE).write_text("{")
    assert disclosures.known(house) == {}
    for url, said in ((world.card["cdn"]["url"], "401"), ("http://127.0.0.1:9", "could not be asked")):
        (keys / disclosures.FILE).write_text(json.dumps([{"name": "World Edge", "url": url, "token": "x"}]))
        facts = TraceFacts(HIDDEN, "hidden.example.org", NOON, (SIGN,))
        (found,) = disclosures.added([ITEM], [facts], disclosures.known(house), at=NOON)
        assert not found.answers[-1].ok and said in found.answers[-1].why


class Asked:
    """A prober that says one thing about every literal."""

    def __init__(self) -> None:
        self.jobs: list = []

    def trace(self, jobs: list) -> list[TraceFacts]:
        self.jobs += jobs
        answers = (
            MethodAnswer("dns", True, addresses=("198.51.100.9",)),
            MethodAnswer("rdap", True, country="NL", operator="Polder", addresses=("198.51.100.9",)),
            MethodAnswer("rdap-as", True, country="NL", operator="Polder", asn=64506),
            MethodAnswer("location", True, country="NL", source_age_s=86_400),
            MethodAnswer("proxy", True, why="No sign."),
        )
        return [TraceFacts(job.canonical, job.host, job.at, answers) for job in jobs]


def test_a_disclosed_address_is_traced_by_itself_and_weighed_as_the_origin() -> None:
    from openhotline import policy
    from openhotline.rules.trace_vote import vote

    prober = Asked()
    edge = (
        MethodAnswer("rdap", True, country="US", operator="Front"),
        MethodAnswer("proxy", True, answer="Front", layer="edge"),
    )
    told = MethodAnswer(
        "disclosed", True, country="NL", addresses=("198.51.100.9",), disclosed_by="Front", layer="origin"
    )
    plain = TraceFacts("http://b.example/", "b.example", NOON, edge)
    facts = TraceFacts("http://a.example/", "a.example", NOON, (*edge, told))
    one, other = disclosures.behind([facts, plain], prober, at=NOON)  # type: ignore[arg-type]
    assert [(job.host, job.contact) for job in prober.jobs] == [("198.51.100.9", False)], "nothing touches it"
    assert other == plain
    result = vote(one, rules_version="t", weights=policy.trace_weights())
    assert (result.verdict, result.country, result.host) == ("agreed", "NL", "Polder")
    assert result.disclosed_by == "Front"
    assert result.edge is not None
    assert disclosures.behind([plain], prober, at=NOON) == [plain]  # type: ignore[arg-type]
