"""A letter with a page behind it that is no notice: up the ladder, to a host abroad, to who answers for a domain. Pure.

True here: each is written twice, whole and open. Whole it leaves sealed, with the link to its page. Open, where no key is
known, it names no address, no domain and no link: serial and code open the page. The page's own text is the whole one.
What is not here: what each says (`alert`, `ladder`), the check (`notice_lint`), who may be written to (steps).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from openhotline.rules.notice import NoticeAddress, Texts

HOST_ALERT, DOMAIN_ALERT, LADDER = "host-alert", "domain-alert", "ladder-"

# What may be said on such a page: of an answer's words those that fit. The first is the one press for all.
_UP = ("acted", "not-ours", "need-more", "appeal")
_SAID = {
    HOST_ALERT: ("removed", "acknowledged", "not-ours", "need-more", "appeal"),
    DOMAIN_ALERT: ("acted", "acknowledged", "not-ours", "need-more", "appeal"),
}


def has_page(kind: str) -> bool:
    """Whether a letter of this kind has such a page. What managers are told of the ladder has none."""
    return kind in _SAID or kind.startswith(LADDER)


def said(kind: str) -> tuple[str, ...]:
    """What may be said on the page of a letter of this kind."""
    return _SAID.get(kind, _UP)


def kept_back(addresses: Iterable[NoticeAddress]) -> tuple[str, ...]:
    """What of these addresses an open mail must not hold: each as seen, its host, where it opens from, its literals."""
    found: dict[str, None] = {}
    for one in addresses:
        host = one.canonical.partition("://")[2].partition("/")[0]
        for part in (one.canonical, host, one.referrer, *one.addresses.split(", ")):
            if part:
                found[part] = None
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Ways:
    """How the letter's page is reached, the letter checked and the house rung up."""

    code: str
    link: str  # opens the page by itself; in a sealed letter alone
    page: str  # where serial and code open it
    verify: str
    appeal: str
    phone: str


@dataclass(frozen=True, slots=True)
class PagedLetter:
    """Both forms of one letter, and what the check has to know of it. Frozen at departure."""

    serial: str
    subject: str
    whole: str
    open: str
    ways: Ways
    ground: str  # the law, as policy words it
    sent: datetime  # UTC
    texts: Texts
    kept_back: tuple[str, ...]  # exact addresses, their hosts, a domain: never in the open form
    named: tuple[str, ...]  # whom it is to, the house: names that may hold any word
    secrets: frozenset[str] = field(default=frozenset(), repr=False)  # as of a notice
