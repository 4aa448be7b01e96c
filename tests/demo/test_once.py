"""The scripted day against real servers, a real prober and a real database: every truth of the world is met."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.both
def test_the_day_ends_as_the_world_says(house_env: dict[str, str]) -> None:
    # A small bundle: the day of 433 is played by `./run demo` and measured in benchmarks/.
    done = subprocess.run(
        [sys.executable, "-m", "openhotline.cli", "demo", "--once", "--json", "--bundle", "12"],
        env=house_env,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    result = json.loads(done.stdout)
    assert set(result) == {"ok", "outcomes", "outcomes_met", "outcomes_missing", "letters", "legs", "ledger"}
    assert result["ok"] is True
    assert result["outcomes_met"] == len(result["outcomes"]) == 32
    assert [outcome for outcome in result["outcomes"] if not outcome["met"]] == []
    assert result["ledger"]["ok"] is True
    assert result["letters"]["failed"] == 1, "the one mailbox nobody reads"
    parts = {outcome["part"] for outcome in result["outcomes"]}
    assert {"reappears", "moves while asked", "vanishes", "mail bounces", "silent until the ladder"} <= parts
