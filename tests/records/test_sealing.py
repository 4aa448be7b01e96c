"""What the public form seals, only the worker opens."""

import stat
from pathlib import Path

import pytest

from openhotline.records import sealing


def test_the_door_can_seal_and_not_open(tmp_path: Path) -> None:
    sealing.create_intake_keys(tmp_path)
    public, secret = sealing.public_key(tmp_path), sealing.secret_key(tmp_path)

    sealed = sealing.seal(b"a report", public)

    assert b"a report" not in sealed
    assert sealing.open_(sealed, secret) == b"a report"
    with pytest.raises(sealing.CannotOpen):
        sealing.open_(sealed[:-1] + bytes([sealed[-1] ^ 1]), secret)
    with pytest.raises(sealing.CannotOpen):
        sealing.open_(b"", secret)


def test_keys_are_private_and_never_replaced(tmp_path: Path) -> None:
    sealing.create_intake_keys(tmp_path)
    names = ("intake.key", "intake.pub", "receipt.pepper")
    before = {name: (tmp_path / name).read_bytes() for name in names}
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in names]

    sealing.create_intake_keys(tmp_path)

    assert modes == [0o600, 0o644, 0o600]
    assert {name: (tmp_path / name).read_bytes() for name in names} == before
    assert len(sealing.pepper(tmp_path)) == 32
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)


def test_a_lost_public_half_is_made_again_and_a_lost_secret_half_is_not(tmp_path: Path) -> None:
    sealing.create_intake_keys(tmp_path)
    public = sealing.public_key(tmp_path)
    (tmp_path / "intake.pub").unlink()
    sealing.create_intake_keys(tmp_path)
    assert sealing.public_key(tmp_path) == public

    (tmp_path / "intake.key").unlink()
    with pytest.raises(FileExistsError, match="key backup"):
        sealing.create_intake_keys(tmp_path)
