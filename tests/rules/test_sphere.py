"""What a sphere is, and which domains are in it."""

import pytest

from openhotline.rules import sphere
from openhotline.rules.refusals import Refused


def test_endings_and_registered_domains_once_each_in_order() -> None:
    assert sphere.read(".NL, example.net\n example.net;.co.uk") == (".co.uk", ".nl", "example.net")
    assert sphere.read("  ") == ()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("www.example.net", "no domain that somebody registered"),
        ("co.uk", r"Write it as \.co\.uk"),
        ("nl", "no domain"),
        ("192.0.2.1", "no domain"),
        ("http://example.net/", "no domain"),
        (".", "no ending"),
        (".n l.", "no domain"),
        (".*", "no ending"),
    ],
)
def test_what_is_neither_is_refused_with_what_to_write(text: str, why: str) -> None:
    with pytest.raises(Refused, match=why):
        sphere.read(text)


def test_an_ending_covers_what_is_under_it_and_a_domain_itself_alone() -> None:
    named = frozenset(sphere.read(".nl .co.uk example.net"))
    for domain in ("dijk.nl", "shop.co.uk", "example.net"):
        assert sphere.covers(named, domain), domain
    for domain in ("example.org", "notexample.net", "shop.org.uk", "xnl", "nl"):
        assert not sphere.covers(named, domain), domain


def test_a_sphere_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sphere, "MOST", 2)
    assert sphere.read(".nl, .be .nl") == (".be", ".nl")
    with pytest.raises(Refused, match="at most 2"):
        sphere.read(".nl .be .de")


def test_a_strangers_words_are_cut_where_they_are_shown() -> None:
    for odd in ("." + "*" * 99, "*" * 99, "." + "-" * 99):
        with pytest.raises(Refused) as refused:
            sphere.read(odd)
        assert refused.value.sentence.startswith(f"“{odd[:80]}”")
