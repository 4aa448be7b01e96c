"""The printed way to a second-factor code works in a shell that knows nothing of Django."""

import subprocess
import sys
import time
from pathlib import Path

from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value

ROOT = Path(__file__).resolve().parents[2]
SECRET = "GEZDGNBVGY3TQOJQ"


def _ask(home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "openhotline.cli", "demo-code"],
        env={"PATH": "/usr/bin:/bin", "OPENHOTLINE_DATA_DIR": str(home)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_code_is_one_that_signing_in_accepts(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "demo-second-factor").write_text(SECRET)
    before = int(time.time()) // 30
    done = _ask(tmp_path)
    after = int(time.time()) // 30
    wanted = {str(format_hotp_value(hotp_value(SECRET, step))) for step in range(before, after + 1)}
    assert done.stdout.strip() in wanted, done.stderr


def test_without_a_demo_it_says_how_to_start_one(tmp_path: Path) -> None:
    done = _ask(tmp_path)
    assert done.returncode != 0
    assert "./run demo" in done.stdout + done.stderr
