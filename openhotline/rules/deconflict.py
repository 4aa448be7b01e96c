"""De-confliction without disclosure: what is digested, how, and how a list of digests is read.

A unit computes HMAC-SHA-256 under a key of its own over `kind:value`, in UTF-8. Values are the key of an address as
`openhotline address` prints it, a registrable domain, or an account as `name@domain`. Who holds no key learns nothing
from a digest; what a key holder could guess stands in the officer's guide. What is not here: comparing
(`steps/deconflict.py`, by the matcher alone).
"""

import hmac
import re
from collections.abc import Iterable
from urllib.parse import unquote, urlsplit

from openhotline.rules.refusals import Refused
from openhotline.rules.urls import Address

ADDRESS, DOMAIN, ACCOUNT = "address", "domain", "account"
KINDS = (ADDRESS, DOMAIN, ACCOUNT)
MOST = 150_000  # digests in one upload: lines of 66 bytes, within the 10 MB that a page takes

_HEX = re.compile(r"[0-9a-f]{64}")
_NAMED = {"u", "user", "users", "profile", "profiles", "member", "members"}


def digest(key: bytes, kind: str, value: str) -> bytes:
    """The 32 bytes a unit uploads for one value."""
    return hmac.digest(key, f"{kind}:{value}".encode("utf-8", "replace"), "sha256")


def values(address: Address) -> tuple[tuple[str, str], ...]:
    """Everything of one address that may be digested: (kind, value), each once."""
    found = [(ADDRESS, address.key)] if address.key else []
    if address.registrable:
        found.append((DOMAIN, address.registrable))
        found += [(ACCOUNT, f"{name}@{address.registrable}") for name in _names(address.canonical)]
    return tuple(dict.fromkeys(found))


def _names(canonical: str) -> Iterable[str]:
    """Account names in a path: `/~name`, `/@name`, `/u/name`, `/user/name`, `/profile/name`."""
    try:
        parts = [unquote(part) for part in urlsplit(canonical).path.split("/") if part]
    except ValueError:
        return
    for number, part in enumerate(parts):
        if part[:1] in "~@" and len(part) > 1:
            yield part[1:].casefold()
        elif part.casefold() in _NAMED and number + 1 < len(parts):
            yield parts[number + 1].lstrip("~@").casefold()


def read_key(text: str) -> bytes:
    """A key as 64 hex digits. Raises Refused for anything else, and for one that is plainly no secret."""
    plain = text.strip().lower()
    if _HEX.fullmatch(plain) is None:
        raise Refused(
            "A key is 64 hex digits: 32 random bytes. Make a new one, and hand it in once.", code="key"
        )
    if len(set(bytes.fromhex(plain))) < 8:
        raise Refused("This key is not random. Make one with a random number generator.", code="key")
    return bytes.fromhex(plain)


def read_digests(text: str) -> list[bytes]:
    """Digests, one of 64 hex digits a line, each kept once. Raises Refused naming the first line that is none."""
    found: dict[bytes, None] = {}
    for number, line in enumerate(text.splitlines(), 1):
        plain = line.strip().lower()
        if not plain:
            continue
        if _HEX.fullmatch(plain) is None:
            raise Refused(
                f"Line {number} is no digest. Send 64 hex digits a line, and never an address.", code="digest"
            )
        found[bytes.fromhex(plain)] = None
        if len(found) > MOST:
            raise Refused(
                f"One upload holds at most {MOST:,} digests. Send the rest as another.", code="too-large"
            )
    if not found:
        raise Refused("There is no digest in this. Send 64 hex digits a line.", code="empty")
    return list(found)
