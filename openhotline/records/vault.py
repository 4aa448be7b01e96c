"""Sealed columns: a reporter's words and e-mail, under a key of the house.

AES-256-GCM under keys derived from the site key (HKDF-SHA-256, one per purpose). The public door holds no
site key and cannot open these. What is not here: captured evidence (its own room, its own keys).
"""

import base64
import hmac
import os

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_site_key: bytes | None = None
_ciphers: dict[str, AESGCM] = {}


def configure(site_key: bytes) -> None:
    """Hand this process the site key (32 bytes). Called once at start."""
    global _site_key
    _site_key = site_key
    _ciphers.clear()


def _cipher(purpose: str) -> AESGCM:
    if _site_key is None:
        raise RuntimeError("This process holds no site key: it may not open or seal columns.")
    if purpose not in _ciphers:
        key = HKDF(SHA256(), 32, None, f"openhotline/vault/{purpose}/v1".encode()).derive(_site_key)
        _ciphers[purpose] = AESGCM(key)
    return _ciphers[purpose]


def seal(purpose: str, plain: bytes) -> bytes:
    """Seal `plain` for `purpose` ("report", "contact" ...): nonce and ciphertext."""
    nonce = os.urandom(12)
    return nonce + _cipher(purpose).encrypt(nonce, plain, purpose.encode())


def open_(purpose: str, sealed: bytes) -> bytes:
    """Open what `seal` made. Raises cryptography's InvalidTag on anything else."""
    data = bytes(sealed)
    return _cipher(purpose).decrypt(data[:12], data[12:], purpose.encode())


def token(purpose: str, subject: str) -> str:
    """A secret that belongs to `subject` and can be made again: HMAC-SHA-256, 43 URL-safe characters.

    Used for the signed link of a notice: only its digest is stored.
    """
    if _site_key is None:
        raise RuntimeError("This process holds no site key: it may not make links.")
    mac = hmac.digest(_site_key, f"openhotline/token/{purpose}/v1\x1f{subject}".encode(), "sha256")
    return base64.urlsafe_b64encode(mac).rstrip(b"=").decode()
