"""Payloads: what an entry only commits to, sealed so that it can be destroyed later.

`commit` = SHA-256("openhotline/payload/v1" || salt || bytes). The 32-byte salt keeps anyone from guessing an
address and comparing digests. Salt and bytes are stored together under AES-256-GCM, bound to their entry:
deleting that one row destroys both, and the entry still proves that something stood there.
What is not here: the table, and who may open what.
"""

import json
from hashlib import sha256
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

NONCE, SALT = 12, 32  # bytes
_DOMAIN = b"openhotline/payload/v1"
_KEY = b"openhotline/ledger/payload/v1"

# ASCII only, so that every string a reporter can send (half surrogates, any normal form) is kept as it was.
to_bytes = json.JSONEncoder(ensure_ascii=True, sort_keys=True, separators=(",", ":"), allow_nan=False).encode


class Unopened(Exception):
    """A sealed payload does not open: another key, another entry's payload, or altered bytes."""


class Sealer:
    """Seals and opens payloads under the site key's ledger key (HKDF-SHA-256). One per process."""

    def __init__(self, site_key: bytes) -> None:
        if len(site_key) != 32:
            raise ValueError("The site key has 32 bytes.")
        self._cipher = AESGCM(HKDF(SHA256(), 32, None, _KEY).derive(site_key))

    def seal(self, eid: bytes, nonce: bytes, salt: bytes, data: bytes) -> bytes:
        """Seal salt and payload bytes for the entry `eid` (16 bytes). A nonce is used once."""
        return nonce + self._cipher.encrypt(nonce, salt + data, eid)

    def open(self, eid: UUID, sealed: bytes) -> tuple[bytes, bytes]:
        """(salt, payload bytes). Raises Unopened."""
        try:
            plain = self._cipher.decrypt(sealed[:NONCE], sealed[NONCE:], eid.bytes)
        except (InvalidTag, ValueError):
            raise Unopened from None
        return plain[:SALT], plain[SALT:]


def commitment(salt: bytes, data: bytes) -> str:
    """The digest an entry carries for its payload, 64 hex digits."""
    return sha256(_DOMAIN + salt + data).hexdigest()
