"""Posts in newsgroups: each news server that holds one is a removal of its own, and a provider gets one notice."""

import email
import email.policy
import json
import re

import pytest
from django.test import Client

from openhotline import policy as policies
from openhotline.connectors.iccam import wire
from openhotline.connectors.mail.client import Relay
from openhotline.connectors.mail.fake import FakeRelay
from openhotline.connectors.partner.fake import FakePartner
from openhotline.connectors.probe.fake import FakeProber, Truth
from openhotline.jobs import dispatch, poll
from openhotline.jobs import post as posting
from openhotline.jobs.post import Post
from openhotline.records import vault
from openhotline.records.models import Consultation, Host, Notice, Partner, ReceiptPhase, Removal
from openhotline.rules import removal_path, words
from openhotline.steps import close, consult, refer
from tests.journeys.cast import HOUSE, Day, minutes
from tests.web.portal_cast import set_clock, unlock

RACK, READER, QUAY, CANAL = (
    "news.rack.example",
    "reader.rack.example:563",
    "news.quay.example",
    "news.canal.example",
)
ONE, TWO, THREE = (f"news:{name}@made-up.example" for name in ("one", "two", "three"))


@pytest.fixture
def prober() -> FakeProber:
    """Four news servers of three providers. The first two posts are everywhere at home, the third only at Quay."""
    rack = Truth(operator="North Rack", abuse_mail=("abuse@rack.example",))
    fake = FakeProber(
        {
            RACK: rack,
            "reader.rack.example": rack,
            QUAY: Truth(
                ("192.0.2.180",), asn=64501, operator="Quay Data", abuse_mail=("abuse@quay.example",)
            ),
            CANAL: Truth(("198.51.100.20",), "NL", 64505, "Canal Hosting", "198.51.100.0/24"),
        }
    )
    fake.news = {RACK: {ONE, TWO}, READER: {ONE, TWO}, QUAY: {ONE, TWO, THREE}, CANAL: set()}
    return fake


def traced(house: Day, prober: FakeProber) -> None:
    house.later(minutes(1))  # an opinion can be taken back in its first half minute
    assert dispatch.traces(prober, policy=house.policy, at=house.now)


def leave(
    house: Day, prober: FakeProber, monkeypatch: pytest.MonkeyPatch
) -> list[email.message.EmailMessage]:
    """What may leave, leaves by the house's own way; the notices among it, read as the relay has them."""
    relay = FakeRelay()
    monkeypatch.setattr(posting, "send_mail", relay.send)
    house.minute_over()
    dispatch.retrace_before_departure(prober, policy=house.policy, at=house.now)
    post = Post(relay=Relay(host="127.0.0.1"), house=HOUSE, partner_tokens=dict)
    dispatch.letters(post, policy=house.policy, at=house.now, kinds=["notice"])
    return [email.message_from_bytes(frozen, policy=email.policy.default) for _, frozen in relay.taken]


def looked(house: Day, prober: FakeProber, *, rounds: int = 3) -> None:
    for _ in range(rounds):
        house.later(minutes(30))
        poll.checks(prober, vantages=("north", "south"), policy=house.policy, at=house.now)


def standing() -> dict[tuple[str, str], str]:
    """(post, news server) -> status of its newest episode."""
    rows = Removal.objects.order_by("episode").values_list("item__canonical", "server", "status")
    return {(post, server): status for post, server, status in rows}


@pytest.mark.urls("openhotline.web.portal.urls")
def test_each_news_server_is_asked_about_noticed_and_gone_by_itself(
    house: Day, prober: FakeProber, monkeypatch: pytest.MonkeyPatch, client: Client
) -> None:
    unlock()
    house.graded(house.public_report(ONE, TWO, THREE, receipt_hash="ab" * 32, follow="code"))
    traced(house, prober)
    places = {(post, server) for server, posts in prober.news.items() for post in posts}
    assert standing() == dict.fromkeys(places, removal_path.TRACED)
    assert len(places) == 7

    # The police: one question or word for each unit and provider, however many posts and servers.
    house.contact_verified(list(Removal.objects.select_related("host")))
    Host.objects.update(letter_form="report")  # both providers asked for it in the mail
    house.later(house.policy.clocks.bundle)
    asked = {one.host.name: one for one in consult.ask_due(policy=house.policy, at=house.now)}
    assert {name: one.lines.count() for name, one in asked.items()} == {"North Rack": 4, "Quay Data": 3}
    house.answered(asked["North Rack"], words.GO_AHEAD)

    # One notice for each provider; it names every Message-ID and the server that has it, in words and for programs.
    letters = {str(mail["To"]): mail for mail in leave(house, prober, monkeypatch)}
    assert set(letters) == {"abuse@rack.example", "abuse@quay.example"}
    text, *machine = letters["abuse@rack.example"].iter_parts()
    lines = text.get_content().splitlines()
    listed = [
        (line.split(". ")[1], lines[n + 2]) for n, line in enumerate(lines) if re.match(r"\d\. news:", line)
    ]
    assert [post for post, _ in listed] == [ONE, ONE, TWO, TWO]
    assert sorted(re.search(r"news server (\S+): ", how)[1] for _, how in listed) == sorted(
        [RACK, READER] * 2
    )
    reports = [json.loads(part.get_content()) for part in machine if "json" in part.get_content_type()]
    assert [(one["url"], one["source_identifier"]) for one in reports] == [
        (post, "192.0.2.10") for post, _ in listed
    ]
    assert {one["domain"] for one in reports} == {RACK, "reader.rack.example"}
    assert READER in reports[0]["description"] + reports[1]["description"]
    assert set(standing().values()) == {removal_path.NOTICED}

    # The same on the provider's page.
    notice = Notice.objects.get(host__name="North Rack", sent_at__isnull=False)
    secret = vault.token("notice-link", notice.number)
    set_clock(house)
    page = client.get(f"/n/{secret}").content.decode()
    assert [page.count(f"News server {server}<") for server in (RACK, READER, QUAY)] == [2, 2, 0]
    assert page.count("<code>news:") == 4

    # One server lets its posts go: that closes its episodes and no other, and nobody is told "removed" yet.
    prober.news[READER] = set()
    looked(house, prober)
    now = standing()
    assert {server for (_, server), status in now.items() if status == removal_path.REMOVED} == {READER}
    assert {now[post, server] for post, server in places if server != READER} <= {
        removal_path.NOTICED,
        removal_path.OVERDUE,
    }
    close.answer_reports(at=house.now)
    assert ReceiptPhase.objects.get(receipt_hash="ab" * 32).phase == words.IN_PROGRESS

    # When all have, the posts are gone, and the reporter's receipt says so.
    prober.news.update({RACK: set(), QUAY: set()})
    looked(house, prober)
    assert set(standing().values()) == {removal_path.REMOVED}
    close.answer_reports(at=house.now)
    assert ReceiptPhase.objects.get(receipt_hash="ab" * 32).phase == words.REMOVED_PHASE

    # One server has a post again: its own next episode, and only there.
    prober.news[QUAY] = {THREE}
    house.later(minutes(24 * 60))
    looked(house, prober)
    back = Removal.objects.get(status=removal_path.TRACED)
    assert (back.item.canonical, back.server, back.again) == (THREE, QUAY, True)


def test_a_post_nobody_holds_waits_as_unclear_until_a_server_has_it(house: Day, prober: FakeProber) -> None:
    held = {server: prober.news[server] - {ONE} for server in prober.news}
    prober.news = held
    (item,) = house.graded(house.public_report(ONE))
    traced(house, prober)
    assert standing() == {(ONE, ""): removal_path.UNCLEAR}
    looked(house, prober, rounds=1)
    assert not any(getattr(call, "vantage", "") for call in prober.calls), "there is no server to look at"

    # It reaches a server at home and one abroad: the waiting episode is the first's, the second's opens beside it.
    prober.news = {**held, QUAY: {ONE}, CANAL: {ONE}}
    dispatch._trace_now([item], prober, policy=house.policy, at=house.now)
    routes = dict(Removal.objects.filter(item=item).order_by("episode").values_list("server", "route"))
    assert routes == {QUAY: words.HOME, CANAL: words.ABROAD_HOTLINE}
    assert Consultation.objects.count() == 0

    # A server that stands somewhere else now has moved, and the other stays where it is.
    prober.truth[QUAY] = Truth(("198.51.100.21",), "NL", 64505, "Canal Hosting", "198.51.100.0/24")
    house.later(minutes(30))
    dispatch._trace_now([item], prober, policy=house.policy, at=house.now)
    episodes = list(
        Removal.objects.filter(item=item).order_by("episode").values_list("server", "status", "country")
    )
    assert episodes == [
        (QUAY, removal_path.MOVED, "GB"),
        (CANAL, removal_path.TRACED, "NL"),
        (QUAY, removal_path.TRACED, "NL"),
    ]


def test_a_referral_of_a_post_names_the_news_server_that_has_it(
    house: Day, prober: FakeProber, monkeypatch: pytest.MonkeyPatch
) -> None:
    Partner.objects.create(key="hotline-nl", name="p", kind="hotline", country="NL", url="http://nl.test")
    prober.news = {CANAL: {ONE}}
    house.graded(house.public_report(ONE))
    traced(house, prober)
    refer.refer_due(at=house.now)
    partner = FakePartner()
    monkeypatch.setattr(posting, "send_partner", partner.send)
    post = Post(relay=Relay(host="127.0.0.1"), house=HOUSE, partner_tokens=dict)
    assert dispatch.partners(post, policy=house.policy, at=house.now) == 1
    (said,) = (json.loads(frozen) for frozen in partner.taken.values())
    assert (said["address"], said["server"]) == (ONE, CANAL)
    codes = policies.exchange_codes()
    fields = {name: said[name] for name in ("address", "scheme", "content_class", "category", "age_band")}
    body, lost = wire.render(
        wire.Referral(
            number="R-1",
            kind=words.NEWSGROUP,
            country="NL",
            hosting_address=said["hosting_address"],
            operator=said["operator"],
            asn=said["asn"],
            analyst="A07",
            received_at=house.now,
            server=said["server"],
            **fields,
        ),
        codes,
    )
    assert f"held on the news server {CANAL}." in json.loads(body)["urls"][0]["memo"]
    assert "“newsgroup” has no code for content there; it is left out." in lost
