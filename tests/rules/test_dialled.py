"""User names and passwords in an address are kept as evidence and never sent."""

import pytest

from openhotline.rules.urls import dialled, read


@pytest.mark.parametrize(
    ("reported", "asked"),
    [
        ("http://user:secret@img.example.net/a@b", "http://img.example.net/a@b"),
        ("http://user@img.example.net", "http://img.example.net/"),
        ("http://img.example.net/a@b", "http://img.example.net/a@b"),
        ("news:part1@news.example", "news:part1@news.example"),
    ],
)
def test_the_prober_is_never_handed_a_password(reported: str, asked: str) -> None:
    assert dialled(read(reported).canonical) == asked
