"""Addresses for the benchmarks: as many as wanted, always the same, on names reserved for examples.

True here: of every ten lines three repeat an address that came before, most of them in another spelling
(https for http, capitals in the host, a port that needs no saying, a fragment). The rest are new.
"""

import csv
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

_WORDS = ("gallery", "thread", "view", "album", "img", "file", "board", "post", "media", "page")
_ENDINGS = (".example", ".example.net", ".example.org", ".example.com", ".test")
_START = datetime(2026, 1, 5, 6, 0, tzinfo=UTC)


def address(number: int) -> str:
    """The `number`-th address, about 60 characters long."""
    site = number * 2_654_435_761 % 60_000
    word = _WORDS[number % len(_WORDS)]
    return f"http://site{site:05}{_ENDINGS[site % 5]}/{word}/{number:07}/{word}-{number * 48_271 % 99_991:05}.html?id={number}"


def again(number: int, how: int) -> str:
    """The same address in one of five spellings."""
    text = address(number)
    host, slash, rest = text[7:].partition("/")
    return (
        text,
        f"https://{host}{slash}{rest}",
        f"http://{host.upper()}{slash}{rest}",
        f"http://{host}:80{slash}{rest}",
        f"{text}#part{number % 7}",
    )[how]


def lines(count: int, *, repeated: float = 0.3, seed: int = 7) -> Iterator[tuple[str, int]]:
    """`count` lines as (address, number of the address it means)."""
    luck = random.Random(seed)
    new = 0
    for _ in range(count):
        if new and luck.random() < repeated:
            old = int(luck.random() * new)
            yield again(old, int(luck.random() * 5)), old
        else:
            yield address(new), new
            new += 1


def write_csv(path: Path, count: int, *, repeated: float = 0.3) -> int:
    """A partner's file: address, reference, time received. Returns how many different addresses it holds."""
    different = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["address", "reference", "received_at"])
        for place, (text, number) in enumerate(lines(count, repeated=repeated)):
            different = max(different, number + 1)
            moment = _START + timedelta(seconds=place % 86_400)
            writer.writerow([text, f"PN-{place:08}", moment.isoformat()])
    return different
