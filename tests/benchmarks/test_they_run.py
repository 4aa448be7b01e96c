"""Each benchmark runs, in little. No figure is looked at: a test that is timed fails on a busy machine."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = (
    "import_",
    "pages",
    "form",
    "bundle",
    "letters",
    "addresses",
    "ledger",
    "checks",
    "networks",
    "traces",
    "false_gone",
    "checks_memory",
    "accuracy",
    "pipeline",
    "start",
    "mutants",
)

pytestmark = [pytest.mark.release, pytest.mark.once]


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_quick_run_ends_well_and_keeps_nothing(name):
    if name == "pipeline" and not shutil.which("redis-server"):
        pytest.skip("The peer needs redis-server.")
    kept = {path: path.stat().st_mtime_ns for path in (ROOT / "benchmarks" / "results").glob("*.json")}
    env = {key: value for key, value in os.environ.items() if not key.startswith(("OPENHOTLINE_", "DJANGO_"))}
    ran = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / f"{name}.py", "--quick"],
        env={**env, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    assert "nothing is kept" in ran.stdout
    assert kept == {
        path: path.stat().st_mtime_ns for path in (ROOT / "benchmarks" / "results").glob("*.json")
    }
