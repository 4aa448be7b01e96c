"""Whether two traces speak of one place: when content has moved, and when it only looks so.

True here: another country, another host or another network operator is another place. New addresses at the same
operator are not; nor is a new name of the organisation that holds the same network under the same number. What is not
here: what a move leads to (`steps/trace`).
"""

from typing import NamedTuple

from openhotline.rules.company_names import folded


class Place(NamedTuple):
    """Where something is held, as one trace tells it."""

    country: str
    asn: int
    host: str  # the name of the organisation that can remove it
    network: str
    addresses: frozenset[str]


def same(old: Place, new: Place) -> bool:
    """True if `new` is where `old` was."""
    if old.country != new.country or (old.asn and new.asn and old.asn != new.asn):
        return False
    return folded(old.host) == folded(new.host) or renamed(old, new)


def renamed(old: Place, new: Place) -> bool:
    """True if the host has another name now, and nothing else about the place is another."""
    if folded(old.host) == folded(new.host) or old.country != new.country:
        return False
    block = bool(old.network) and old.network == new.network
    return 0 != old.asn == new.asn and (block or bool(old.addresses & new.addresses))
