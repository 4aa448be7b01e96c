"""The filter list: its form, when it is made up, and what of an address goes into it.

A row is three salted hashes of one address: of its host, its folder and the whole of it. The first two tell a filter
where to look closer and block nothing; only the whole address does. Each recipient has a salt of its own, so that no
two copies share a row. Marker rows are addresses under reserved names that nothing else holds: one that turns up says
whose copy it came from. What is not here: what may be on the list (`steps/filter_list`) and who gets it
(`steps/list_agreement`).
"""

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from hashlib import sha256

FORM = "openhotline-filter-list/1"
HASHES, PLAIN = "hashes", "plain"
FORMS = (HASHES, PLAIN)
HOST, FOLDER, ADDRESS = "host", "folder", "address"
MARKERS = 3  # rows in each copy that belong to it alone
SALT_BYTES = 32
TRACED_AHEAD = timedelta(
    minutes=30
)  # what is on the list is traced again this long before its trace runs out

_PORT = re.compile(r":\d+$")


@dataclass(frozen=True, slots=True)
class Terms:
    """What policy says of the list (`filter_list.toml`)."""

    issues: tuple[int, ...]  # minutes of the local day at which it is made up, rising
    zone: tzinfo
    classes: tuple[str, ...]
    seen: timedelta  # our own checks have seen it within this
    licence: timedelta  # how long a granted licence waits for its one download
    copy: timedelta  # how long a copy may be used


def latest_issue(at: datetime, terms: Terms) -> datetime:
    """The last moment, in UTC and not after `at`, at which the list was to be made up."""
    today = at.astimezone(terms.zone).date()
    return max(
        moment
        for day in (today - timedelta(days=1), today)
        for minute in terms.issues
        if (moment := _moment(day, minute, terms.zone)) <= at
    )


def _moment(day: date, minute: int, zone: tzinfo) -> datetime:
    return datetime.combine(day, time(minute // 60, minute % 60), tzinfo=zone).astimezone(UTC)


def values(key: str) -> dict[str, str]:
    """What is hashed of an address key (`rules/urls`): its host, its folder, the whole without the scheme."""
    whole = key.partition("://")[2]
    path = whole.partition("?")[0].partition("#")[0]
    return {
        HOST: _PORT.sub("", path.partition("/")[0]),
        FOLDER: path.rpartition("/")[0] + "/",
        ADDRESS: whole,
    }


def salted(salt: bytes, level: str, value: str) -> str:
    """HMAC-SHA-256 under the recipient's salt of `level:value`, hex."""
    return hmac.digest(salt, f"{level}:{value}".encode("utf-8", "surrogatepass"), "sha256").hex()


def row(key: str, *, form: str, salt: bytes) -> Mapping[str, str]:
    """One row of the list in a recipient's form."""
    said = values(key)
    return said if form == PLAIN else {level: salted(salt, level, value) for level, value in said.items()}


def marker(secret: bytes) -> str:
    """The address key of a marker row: a reserved name nobody can guess."""
    digits = sha256(secret).hexdigest()
    return f"http://{digits[:10]}.example/{digits[10:14]}/{digits[14:24]}"
