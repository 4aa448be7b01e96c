"""What a backup says of itself: what it is, what belongs to it, the ledger's head, and who made it.

True here: every byte of a backup is covered by a digest in the manifest, and the manifest by a MAC under a
key of the house. The manifest is not sealed: it names no case and no person. Not here: copying, sealing.
"""

import hmac
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from openhotline.jobs.recovery import Sealed
from openhotline.rules.refusals import Refused

FORM = 1
MANIFEST, MAC = "manifest.json", "manifest.mac"
PREFIX = "openhotline-"
DATABASE_FILE, FILES_FILE = "database.age", "files.tar.age"

Told = Callable[[str, int, int], None]  # what is being done, how far, of how much


@dataclass(frozen=True, slots=True)
class LedgerHead:
    """What verification said of the copy. `staged`: how many of the entries waited for their place in that moment."""

    exit_code: int
    entries: int
    root: str
    staged: int
    first_bad: int | None
    why: str

    @property
    def ok(self) -> bool:
        """Whole, those included that were still to be put in order, as in any house that is at work."""
        return self.exit_code == 0


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup is, and the digest of all that belongs to it."""

    form: int
    software: str
    made_at: str
    kind: str
    name: str
    database: str  # sqlite, postgresql
    migrations: tuple[tuple[str, str], ...]
    ledger: LedgerHead
    recipient: str
    files: tuple[Sealed, ...]

    def to_json(self) -> bytes:
        """The bytes that the MAC covers."""
        return json.dumps(asdict(self), indent=1, sort_keys=True).encode() + b"\n"

    @classmethod
    def from_json(cls, data: bytes) -> "Manifest":
        """Read `to_json` back. Raises ValueError on anything else."""
        try:
            value = json.loads(data)
            value["ledger"] = LedgerHead(**value["ledger"])
            value["files"] = tuple(Sealed(**file) for file in value["files"])
            value["migrations"] = tuple((str(app), str(name)) for app, name in value["migrations"])
            return cls(**value)
        except (TypeError, KeyError, AttributeError) as fault:
            raise ValueError(f"not a manifest: {fault}") from None


def quiet(what: str, done: int, total: int) -> None:
    """Tell nobody."""


def towards(told: Told, what: str, total: int) -> Callable[[int], None]:
    """`told` for one thing of a known size: only how far it is remains to be said."""
    return lambda done: told(what, done, total)


def mac_of(manifest: bytes, site_key: bytes) -> str:
    """HMAC-SHA-256 of a manifest under a key of the house: only this house can have made it."""
    key = HKDF(SHA256(), 32, None, b"openhotline/backup/manifest/v1").derive(site_key)
    return hmac.digest(key, manifest, "sha256").hex()


def head_of(text: str, fault: str) -> LedgerHead:
    """The verdict from one line of JSON (`jobs/verdict`). Raises Refused where there is none."""
    try:
        return LedgerHead(**json.loads(text))
    except (ValueError, TypeError):
        last = fault.strip().splitlines()[-1:] or ["it said nothing"]
        raise Refused(
            f"The ledger of the copy could not be verified: {last[0]}", code="not-verified"
        ) from None
