"""Reports are sealed at the public door to a key that the door itself cannot use to open them.

age (X25519) through pyrage. The house has one intake pair: the public form holds `intake.pub`, only the
worker holds `intake.key`. Beside them lies the pepper of the receipts, which both need. What is not
here: columns of the database (`vault`), captured evidence, and who may read which file on a real machine
(the installer gives `receipt.pepper` to the group that form and worker share).
"""

import os
import secrets
from functools import lru_cache
from pathlib import Path

import pyrage

from openhotline.rules.refusals import Refused

PUBLIC, SECRET, PEPPER = "intake.pub", "intake.key", "receipt.pepper"
MATCHER_PUBLIC, MATCHER_SECRET = "matcher.pub", "matcher.key"
PEPPER_BYTES = 32


class CannotOpen(ValueError):
    """These bytes were not sealed to this key, or were changed since."""


def create_intake_keys(keys_dir: Path) -> None:
    """Make what is missing of `intake.key` (0600), `intake.pub` (0644) and `receipt.pepper` (0600).

    Never replaces a file: a lost key is a pile of reports that nobody can open.
    """
    keys_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not (keys_dir / SECRET).exists():
        if (keys_dir / PUBLIC).exists():
            raise FileExistsError(
                f"{keys_dir} holds {PUBLIC} but not its secret half. Put {SECRET} back from the key backup, "
                f"or move {PUBLIC} away if no report was ever sealed to it."
            )
        _write_new(keys_dir / SECRET, str(pyrage.x25519.Identity.generate()).encode() + b"\n", 0o600)
    if not (keys_dir / PUBLIC).exists():
        public = pyrage.x25519.Identity.from_str((keys_dir / SECRET).read_text().strip()).to_public()
        _write_new(keys_dir / PUBLIC, str(public).encode() + b"\n", 0o644)
    if not (keys_dir / PEPPER).exists():
        _write_new(keys_dir / PEPPER, secrets.token_bytes(PEPPER_BYTES), 0o600)
    _sync_folder(keys_dir)


def create_matcher_keys(keys_dir: Path) -> None:
    """Make `matcher.key` (0600) and `matcher.pub` (0644) where they are missing. Never replaces a file."""
    if not (keys_dir / MATCHER_SECRET).exists() and not (keys_dir / MATCHER_PUBLIC).exists():
        _write_new(keys_dir / MATCHER_SECRET, str(pyrage.x25519.Identity.generate()).encode() + b"\n", 0o600)
    if not (keys_dir / MATCHER_PUBLIC).exists():
        public = pyrage.x25519.Identity.from_str(matcher_secret(keys_dir)).to_public()
        _write_new(keys_dir / MATCHER_PUBLIC, str(public).encode() + b"\n", 0o644)
    _sync_folder(keys_dir)


def matcher_public(keys_dir: Path) -> str:
    """The key to which units' keys and digests are sealed. Raises Refused where the house has none yet."""
    file = keys_dir / MATCHER_PUBLIC
    if not file.exists():
        raise Refused("This house has no matcher yet. Ask the hotline to set it up.", code="matcher")
    return file.read_text().strip()


def matcher_secret(keys_dir: Path) -> str:
    """The matcher's own key. Only its process may read the file."""
    return (keys_dir / MATCHER_SECRET).read_text().strip()


def public_key(keys_dir: Path) -> str:
    """The key reports are sealed to. Raises FileNotFoundError where the house has none yet."""
    return (keys_dir / PUBLIC).read_text().strip()


def secret_key(keys_dir: Path) -> str:
    """The key that opens reports. Only the worker can read the file."""
    return (keys_dir / SECRET).read_text().strip()


def pepper(keys_dir: Path) -> bytes:
    """The 32 bytes under which a receipt's words are hashed."""
    return (keys_dir / PEPPER).read_bytes()


def seal(plain: bytes, public: str) -> bytes:
    """Seal `plain` to `public` ("age1..."). About 0.1 ms."""
    return bytes(pyrage.encrypt(plain, [_recipient(public)]))


def open_(sealed: bytes, secret: str) -> bytes:
    """Open what `seal` made. Raises CannotOpen on anything else."""
    try:
        return bytes(pyrage.decrypt(bytes(sealed), [_identity(secret)]))
    except pyrage.DecryptError as fault:
        raise CannotOpen("This sealed report does not open with the house's intake key.") from fault


@lru_cache(maxsize=4)
def _recipient(public: str) -> "pyrage.x25519.Recipient":
    return pyrage.x25519.Recipient.from_str(public)


@lru_cache(maxsize=4)
def _identity(secret: str) -> "pyrage.x25519.Identity":
    return pyrage.x25519.Identity.from_str(secret)


def _write_new(path: Path, data: bytes, mode: int) -> None:
    """Write a file that did not exist, complete and on disk, or not at all."""
    temp = path.with_name(f".{path.name}.{os.getpid()}.new")
    descriptor = os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        os.fchmod(descriptor, mode)
        os.write(descriptor, data)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    try:
        os.link(temp, path)  # unlike a rename, fails where another process was quicker
    except FileExistsError:
        pass
    finally:
        temp.unlink()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
