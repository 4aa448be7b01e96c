"""A backup as it lies before us: found, understood, and compared with what it promises. Nothing is opened here.

True here: after these looks every sealed byte is the one the manifest names, and only this house can have
made the manifest. Not here: opening it and putting it in place (`restore`).
"""

import hmac
from pathlib import Path

from openhotline.jobs import recovery
from openhotline.jobs.manifest import FORM, MAC, MANIFEST, PREFIX, Manifest, Told, mac_of, towards
from openhotline.rules.refusals import Refused


def find(place: Path) -> Path:
    """The backup in `place`: the folder itself, or the newest one in it. Raises Refused where there is none."""
    if (place / MANIFEST).is_file():
        return place
    found = (
        sorted(path for path in place.glob(f"{PREFIX}*") if (path / MANIFEST).is_file())
        if place.is_dir()
        else []
    )
    if not found:
        raise Refused(f"There is no backup in {place}.", code="no-backup")
    return found[-1]


def read(file: Path) -> bytes:
    """The bytes of a file of the backup. Raises Refused where it cannot be read."""
    try:
        return file.read_bytes()
    except OSError as fault:
        raise Refused(
            f"{file} cannot be read ({fault.strerror}). Use another backup.", code="damaged"
        ) from None


def understood(data: bytes) -> Manifest:
    """The manifest, if this release understands it and the ledger was whole when it was made."""
    try:
        manifest = Manifest.from_json(data)
    except ValueError:
        raise Refused("The manifest is damaged. Use another backup.", code="damaged") from None
    if manifest.form > FORM:
        raise Refused(
            f"This backup was made by release {manifest.software}, which is newer. Restore it with that release.",
            code="other-release",
        )
    if not manifest.ledger.ok:
        raise Refused(
            "The ledger was not whole already when this backup was made, so nothing can vouch for it. "
            "Use an older backup, and keep this one for whoever looks into it.",
            code="not-verified",
        )
    return manifest


def compare_sealed(folder: Path, manifest: Manifest, told: Told) -> None:
    """Every file there, every sealed digest as promised: before any key is needed."""
    for file in manifest.files:
        path = folder / file.name
        if Path(file.name).name != file.name or not path.is_file():
            raise Refused(f"The backup lacks {file.name}. Use another backup.", code="damaged")
        step = towards(told, f"Comparing {file.name}", file.sealed_size)
        found = recovery.digest_of(path, step)
        if found != (file.sealed_size, file.sealed_sha256):
            raise Refused(
                f"{file.name} is damaged: its digest is not the one in the manifest. Nothing was changed; "
                "use another backup.",
                code="damaged",
            )


def compare_mac(folder: Path, data: bytes, keys: Path) -> None:
    """Only this house can have made the manifest. Raises Refused."""
    said = read(folder / MAC).decode("ascii", "replace").strip()
    if not hmac.compare_digest(said, mac_of(data, (keys / "site.key").read_bytes())):
        raise Refused(
            "This house did not make that manifest, or it was changed since: its seal does not fit the keys. "
            "Use the keys backup of the same house, or another backup.",
            code="damaged",
        )
