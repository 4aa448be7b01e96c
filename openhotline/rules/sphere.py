"""The domains somebody answers for: whole endings (`.nl`, a registry's) and registered domains it named (a watch list).

True here: a sphere is read strictly; what is no ending and no registered domain is refused with a sentence. What is not
here: whose sphere it is (`steps/list_agreement`).
"""

import re
from collections.abc import Iterator

from openhotline.rules import urls
from openhotline.rules.refusals import Refused

MOST = 20_000
_ENDING = re.compile(r"(?:\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?){1,4}")


def read(text: str) -> tuple[str, ...]:
    """Endings and domains, sorted and once each, from text that parts them by spaces, commas or lines."""
    words = dict.fromkeys(text.replace(",", " ").replace(";", " ").lower().split())
    if len(words) > MOST:
        raise Refused(f"A sphere has at most {MOST:,} endings and domains.", code="sphere")
    return tuple(sorted({_ending(word) if word.startswith(".") else _domain(word) for word in words}))


def _ending(word: str) -> str:
    if not _ENDING.fullmatch(word):
        raise Refused(f"“{word[:80]}” is no ending. Write one as .nl", code="sphere")
    return word


def _domain(word: str) -> str:
    host = urls.read(f"http://{word}/").host
    if not host or "." not in host or urls.registrable_of(host) != host or host[-1].isdecimal():
        raise Refused(
            f"“{word[:80]}” is no domain that somebody registered. Write it as example.net, without what stands before it.",
            code="sphere",
        )
    if urls.registrable_of(f"www.{host}") != host:
        raise Refused(f"“{word[:80]}” is an ending. Write it as .{word[:80]}", code="sphere")
    return host


def covers(sphere: frozenset[str], domain: str) -> bool:
    """Whether a registered domain is in the sphere."""
    return domain in sphere or any(ending in sphere for ending in _endings(domain))


def _endings(domain: str) -> Iterator[str]:
    labels = domain.split(".")
    return ("." + ".".join(labels[start:]) for start in range(1, len(labels)))
