"""After the day a newcomer finds work at every station of the walk, real in the world and open in the house."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# A process of its own: a demo house settles its surroundings before Django starts.
PLAY = """
import json, sys
from collections import Counter
from pathlib import Path
from openhotline.demo import run

settings, _ = run._move_in(Path(sys.argv[1]), seed=3, bundle=0, ports=False)
with run._world_and_prober(settings, seed=3, bundle=0):
    day = run.scripted_day(settings, bundle=0, seed=3)
    from openhotline.demo import morning
    from openhotline.ledger.verify import verify
    from openhotline.records.models import Contact, Hold, Item, Removal, Report
    from openhotline.steps import notify

    count = morning.play(day)
    # The worker of the demo, another reader, takes over the spool once the day lets go of it.
    from openhotline.jobs.spooled import Filer
    worker = Filer(settings)
    shut = worker._mine()
    day.engine.filer.close()
    print(json.dumps({
        "spool": [shut, worker._mine()],
        "count": count,
        "items": Counter(Item.objects.values_list("status", flat=True)),
        "removals": Counter(Removal.objects.values_list("status", flat=True)),
        "reports": Counter(Report.objects.values_list("status", flat=True)),
        "holds": Hold.objects.filter(released_at=None).count(),
        "ledger": verify().ok,
        "of the day": len(day.outcomes()) + len(day._items(lambda site: True)),
    }))
"""


@pytest.mark.once
def test_the_morning_leaves_work_at_every_station(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-c", PLAY, str(tmp_path / "house")],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["spool"] == [False, True]
    assert found["of the day"] == 0  # what others report while a day is played is none of its addresses
    assert found["items"] == {"received": 4, "graded once": 2, "disputed": 1, "graded": 14}
    # Cleared: a host met for the first time, its contact waits for a second person. Traced: a partner abroad whose
    # interface nobody has entered yet.
    assert found["removals"] == {
        "asked": 7,
        "cleared": 1,
        "held": 1,
        "noticed": 3,
        "referred": 1,
        "traced": 1,
    }
    assert found["holds"] == 1
    assert found["reports"]["incomplete"] == 1
    assert sum(found["reports"].values()) == found["count"] + 2
    assert found["ledger"] is True
