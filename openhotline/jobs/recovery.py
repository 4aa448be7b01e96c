"""The recovery key: made once, kept off the machine. All that a backup holds is sealed to it.

age (X25519, and scrypt for the passphrase) in its standard file forms, so that `age -d` opens everything
here without this product. True here: the secret half is never kept in the house; the house's own keys are
backed up apart from its data. Not here: what is backed up, and the database.
"""

import hashlib
import io
import os
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import pyrage

from openhotline.rules.refusals import Refused

PUBLIC = "recovery.pub"
SECRET_START = "AGE-SECRET-KEY-1"  # noqa: S105  how age marks one, not a secret
SHORTEST = 12  # characters of a passphrase
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Sealed:
    """One sealed file of a backup: sizes in bytes, digests in hex, before and after sealing."""

    name: str
    size: int
    sha256: str
    sealed_size: int
    sealed_sha256: str


def create(keys_dir: Path, file: Path, passphrase: str, *, again: bool = False) -> str:
    """Make a recovery pair: the secret half into `file` under the passphrase, the public half into the house.

    Returns the public half ("age1..."). Raises Refused where there is one already (unless `again`), where
    the passphrase is short, or where `file` exists or lies inside the house.
    """
    if len(passphrase) < SHORTEST:
        raise Refused(
            f"The passphrase needs {SHORTEST} characters or more. Five random words are good.",
            code="passphrase",
        )
    if (keys_dir / PUBLIC).exists() and not again:
        raise Refused(
            "This house has a recovery key already. Make another with --again; backups made so far still open "
            "with the old one, so keep it as long as them.",
            code="recovery-exists",
        )
    if file.resolve().is_relative_to(keys_dir.resolve().parent):
        raise Refused(
            "Keep the recovery key away from the house: choose a place outside its data.", code="inside"
        )
    identity = pyrage.x25519.Identity.generate()
    public = str(identity.to_public())
    text = f"# OpenHotline recovery key. Opens backups sealed to:\n# {public}\n{identity}\n"
    write_new(file, bytes(pyrage.passphrase.encrypt(text.encode(), passphrase)))
    public_file = keys_dir / PUBLIC
    temporary = public_file.with_suffix(".new")
    temporary.unlink(missing_ok=True)
    write_new(temporary, f"{public}\n".encode(), mode=0o644)
    temporary.replace(public_file)
    sync_folder(keys_dir)
    return public


def recipient_of(keys_dir: Path, given: str = "") -> str:
    """The public key to seal to: `given` (age1... or a file that holds one), else the house's own."""
    if given.startswith("age1"):
        text = given
    else:
        file = Path(given) if given else keys_dir / PUBLIC
        if not file.exists():
            raise Refused(
                f"There is no file {file} with a public key."
                if given
                else "This house has no recovery key yet, so a backup could be opened by nobody or by everybody. "
                "Make one first: openhotline keys recovery --to FILE (on a stick that you lock away)",
                code="no-recovery-key",
            )
        lines = [line.strip() for line in file.read_text("utf-8", "replace").splitlines()]
        text = next((line for line in lines if line.startswith("age1")), "")
    try:
        return str(pyrage.x25519.Recipient.from_str(text))
    except pyrage.RecipientError:
        raise Refused("This is not an age public key; it should begin with age1.", code="not-a-key") from None


def open_identity(file: Path, passphrase: Callable[[], str]) -> "pyrage.x25519.Identity":
    """The secret half from its file. `passphrase` is asked only where the file is sealed with one."""
    if not file.exists():
        raise Refused(f"There is no recovery key at {file}.", code="no-recovery-key")
    data = file.read_bytes()
    try:
        plain = (
            data if SECRET_START.encode() in data else bytes(pyrage.passphrase.decrypt(data, passphrase()))
        )
        line = next(line for line in plain.decode().splitlines() if line.startswith(SECRET_START))
        return pyrage.x25519.Identity.from_str(line.strip())
    except (pyrage.DecryptError, pyrage.IdentityError, StopIteration, UnicodeDecodeError, OSError):
        raise Refused(
            "The recovery key does not open: the passphrase is wrong, or the file is not a recovery key.",
            code="recovery-key",
        ) from None


def backup_keys(keys_dir: Path, to: Path, *, recipient: str, at: datetime) -> Path:
    """Seal every key file of the house into one file in `to`. Returns it."""
    files = sorted(file for file in keys_dir.iterdir() if file.is_file() and not file.name.startswith("."))
    if not any(file.name == "site.key" for file in files):
        raise Refused(f"There are no keys in {keys_dir}. Is OPENHOTLINE_DATA_DIR right?", code="no-keys")
    to.mkdir(parents=True, exist_ok=True)
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as archive:
        for file in files:
            archive.add(file, arcname=file.name, recursive=False)
    sealed = bytes(pyrage.encrypt(whole.getvalue(), [pyrage.x25519.Recipient.from_str(recipient)]))
    made = to / f"openhotline-keys-{at:%Y%m%dT%H%M%SZ}.age"
    write_new(made, sealed)
    sync_folder(to)
    return made


def restore_keys(file: Path, identity: "pyrage.x25519.Identity", keys_dir: Path) -> list[str]:
    """Put the keys of a keys backup into an empty `keys_dir`. Returns their names."""
    if keys_dir.exists() and any(keys_dir.iterdir()):
        raise Refused(f"{keys_dir} holds keys already; they are never overwritten.", code="keys-exist")
    if not file.exists():
        raise Refused(f"There is no keys backup at {file}.", code="no-keys")
    try:
        plain = bytes(pyrage.decrypt(file.read_bytes(), [identity]))
    except (pyrage.DecryptError, OSError):
        raise Refused(
            "The keys backup does not open with this recovery key, or is damaged. Use the recovery key of its time, "
            "or another keys backup.",
            code="keys-damaged",
        ) from None
    keys_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    names = []
    with tarfile.open(fileobj=io.BytesIO(plain)) as archive:
        for member in archive.getmembers():
            if not member.isfile() or Path(member.name).name != member.name:
                raise Refused("The keys backup holds something that is not a key file.", code="keys-damaged")
            content = archive.extractfile(member)
            assert content is not None
            write_new(keys_dir / member.name, content.read(), mode=member.mode & 0o777)
            names.append(member.name)
    sync_folder(keys_dir)
    return names


class Hashing:
    """A file that counts and hashes what passes through it, and says how far it is."""

    def __init__(self, file: BinaryIO, told: Callable[[int], None] = lambda size: None) -> None:
        self.file, self.told = file, told
        self.size, self.digest = 0, hashlib.sha256()

    def read(self, count: int = -1) -> bytes:
        return self._saw(self.file.read(count))

    def write(self, data: bytes) -> int:
        self._saw(data)
        return self.file.write(data)

    def flush(self) -> None:
        self.file.flush()

    def _saw(self, data: bytes) -> bytes:
        self.digest.update(data)
        self.size += len(data)
        self.told(self.size)
        return data


def seal_file(
    plain: Path, sealed: Path, recipient: str, told: Callable[[int], None] = lambda size: None
) -> Sealed:
    """Seal one file to the public key, durably."""
    with plain.open("rb") as source, sealed.open("xb") as target:
        reader, writer = Hashing(source, told), Hashing(target)
        pyrage.encrypt_io(reader, writer, [pyrage.x25519.Recipient.from_str(recipient)])
        target.flush()
        os.fsync(target.fileno())
    return Sealed(sealed.name, reader.size, reader.digest.hexdigest(), writer.size, writer.digest.hexdigest())


def open_file(
    sealed: Path,
    plain: Path,
    identity: "pyrage.x25519.Identity",
    expected: Sealed,
    told: Callable[[int], None] = lambda size: None,
) -> None:
    """Open one sealed file into a new one, and compare it with what the manifest promises. Raises Refused."""
    try:
        with sealed.open("rb") as source, plain.open("xb") as target:
            writer = Hashing(target)
            pyrage.decrypt_io(Hashing(source, told), writer, [identity])
            target.flush()
            os.fsync(target.fileno())
    except (pyrage.DecryptError, OSError) as fault:
        raise Refused(
            f"{sealed.name} does not open with this recovery key, or is damaged ({fault}). Nothing was changed; "
            "use the recovery key of its time, or another backup.",
            code="damaged",
        ) from None
    if (writer.size, writer.digest.hexdigest()) != (expected.size, expected.sha256):
        raise Refused(
            f"{sealed.name} holds something else than its manifest says. Use another backup.", code="damaged"
        )


def digest_of(file: Path, told: Callable[[int], None] = lambda size: None) -> tuple[int, str]:
    """Size and SHA-256 of a file."""
    with file.open("rb") as source:
        reader = Hashing(source, told)
        while reader.read(_BLOCK):
            pass
    return reader.size, reader.digest.hexdigest()


def write_new(file: Path, data: bytes, *, mode: int = 0o600) -> None:
    """Write a file that must not exist, durably. Raises Refused where it does or cannot be written."""
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:
        raise Refused(
            f"{file} exists already and is not overwritten. Choose another place.", code="exists"
        ) from None
    except OSError as fault:
        raise Refused(
            f"{file} cannot be written ({fault.strerror}). Choose another place.", code="not-written"
        ) from None
    with os.fdopen(handle, "wb") as target:
        target.write(data)
        target.flush()
        os.fsync(target.fileno())


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
