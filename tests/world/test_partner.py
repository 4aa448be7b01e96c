"""The partner hotline takes each referral once, and what it took goes."""

import json
from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from openhotline.connectors.partner import client
from openhotline.connectors.partner.meaning import Referral, render
from openhotline.world.serve import World
from tests.world.letters import up

URL = "http://dijk.example.net/n/9"
WHEN = datetime(2026, 5, 12, 8, 0, tzinfo=UTC)


def referral(address: str = URL) -> bytes:
    return render(
        Referral(
            reference="R-26-0001-A",
            address=address,
            canonical=address,
            scheme="abc",
            content_class="child-sexual-abuse",
            category="A",
            age_band="pubescent",
            country="NL",
            hosting_address="198.51.100.10",
            operator="Polder Cloud",
            asn=64506,
            graded_at=WHEN,
            traced_at=WHEN,
        )
    )


def endpoint(world: World, timeout_s: float = 5.0) -> client.Endpoint:
    card = world.card["partner"]
    return client.Endpoint(card["url"], card["token"], timeout_s=timeout_s)


def call(world: World, path: str, *, token: str = "") -> httpx2.Response:
    card = world.card["partner"]
    headers = {"Authorization": f"Bearer {token or card['token']}"}
    return httpx2.get(card["url"] + path, headers=headers, trust_env=False)


def test_a_referral_is_taken_once_however_often_it_is_sent(world: World) -> None:
    first = client.send(referral(), endpoint(world), key="K1")
    world.clock.jump(world.clock.now() + timedelta(hours=7))
    again = client.send(referral(), endpoint(world), key="K1")
    other = client.send(referral("http://isle.example.org/q/1"), endpoint(world), key="K2")
    assert (first.outcome, first.code, first.reference) == ("accepted", 201, "NL-2026-00001")
    assert again.text == first.text
    assert other.reference == "NL-2026-00002"
    assert [r["reference"] for r in world.state()["referrals"]] == ["NL-2026-00001", "NL-2026-00002"]
    assert world.state()["referral_attempts"] == 3


def test_what_it_took_is_gone_six_hours_later_and_it_says_so(world: World) -> None:
    client.send(referral(), endpoint(world), key="K1")
    world.clock.jump(world.clock.now() + timedelta(hours=6, seconds=-1))
    assert up(world, URL) == ["up"]
    assert call(world, "/api/v1/referrals/K1").json()["status"] == "received"
    world.clock.jump(world.clock.now() + timedelta(seconds=1))
    assert up(world, URL) == ["gone"]
    answer = call(world, "/api/v1/referrals/K1").json()
    assert (answer["status"], answer["removed_at"]) == ("removed", world.clock.now().isoformat())


def test_what_is_held_in_another_country_it_cannot_remove(world: World) -> None:
    assert (
        client.send(referral("http://isle.example.org/q/1"), endpoint(world), key="K1").outcome == "accepted"
    )
    world.clock.jump(world.clock.now() + timedelta(days=30))
    assert up(world, "http://isle.example.org/q/1") == ["up"]


def test_a_key_is_not_lent_to_another_referral(world: World) -> None:
    client.send(referral(), endpoint(world), key="K1")
    refused = client.send(referral("http://isle.example.org/q/1"), endpoint(world), key="K1")
    assert (refused.outcome, refused.code) == ("refused", 422)


def test_a_stranger_and_a_muddle_are_told_so(world: World) -> None:
    base = world.card["partner"]["url"]
    right = {"Authorization": f"Bearer {world.card['partner']['token']}", "Idempotency-Key": "K9"}
    cases = [
        ({"Idempotency-Key": "K9", "Authorization": "Bearer wrong"}, referral(), 401),
        ({"Authorization": right["Authorization"]}, referral(), 400),
        (right, b"{", 400),
        (right, b"[1]", 422),
        (right, b'{"address": 5}', 422),
        (right, b"\xff\xfe", 400),
        (right, b'{"address": "' + b"x" * 400_000 + b'"}', 413),
    ]
    for headers, body, status in cases:
        answer = httpx2.post(f"{base}/api/v1/referrals", content=body, headers=headers, trust_env=False)
        assert answer.status_code == status, body[:40]
        assert answer.json()["sentence"]
    assert call(world, "/api/v1/referrals/K1", token="wrong").status_code == 401
    assert call(world, "/api/v1/referrals/unknown").status_code == 404
    assert world.state()["referrals"] == []


@pytest.mark.parametrize(
    ("word", "outcome", "kept"),
    [
        ("later", "temporary", 0),
        ("refuse", "refused", 0),
        ("timeout", "unknown", 0),
        ("cut-off", "unknown", 0),
        ("keep-and-cut-off", "unknown", 1),
    ],
)
def test_the_partner_can_fail_in_every_way_and_the_same_key_is_safe_afterwards(
    world: World, word: str, outcome: str, kept: int
) -> None:
    world.script("switch", area="partner", word=word)
    assert client.send(referral(), endpoint(world, timeout_s=0.5), key="K1").outcome == outcome
    assert len(world.state()["referrals"]) == kept
    world.script("switch", area="partner", word="normal")
    assert client.send(referral(), endpoint(world), key="K1").reference == "NL-2026-00001"
    assert len(world.state()["referrals"]) == 1


def test_its_page_shows_what_it_took_as_text_only(world: World) -> None:
    empty = httpx2.get(world.card["partner"]["url"], trust_env=False)
    assert "Nothing has arrived yet." in empty.text
    odd = json.loads(referral())
    odd["canonical"] = 'http://x.example/"><b>'
    client.send(json.dumps(odd).encode(), endpoint(world), key="K1")
    page = httpx2.get(world.card["partner"]["url"], trust_env=False)
    assert page.headers["content-type"].startswith("text/html")
    assert "NL-2026-00001" in page.text
    assert "<b>" not in page.text
    for word in ("<img", "src=", "href", "<script", "url("):
        assert word not in page.text.lower()
