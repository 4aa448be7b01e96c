"""Keeps one fresh demo house for a browser test: a process of its own, told by lines what to do.

True here: world, prober and the three doors run as they do for people; the day is not played. The machine
turns only when it is told, and the world's clock moves only then, so nothing has to be waited for. What is
not here: anything a person does; that is the browser's.
"""

import json
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

SEED, BUNDLE = 7, 0


def say(**words: Any) -> None:
    """One line to whoever started us."""
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()


def main(home: Path) -> None:
    """Open the house, say where it is, let time pass for every line that comes; end when no line can come."""
    from openhotline.demo.run import open_house, scripted_day

    with open_house(home, bundle=BUNDLE, seed=SEED) as (settings, signins, _):
        day = scripted_day(settings, bundle=BUNDLE, seed=SEED)
        say(
            public=settings.public_url,
            desk=settings.desk_url,
            portal=settings.portal_url,
            password=signins.password,
            totp_secret=signins.totp_secret,
            control=json.loads((settings.data / "run" / "world.json").read_text())["control"],
        )
        for line in sys.stdin:
            day.until(day.now + timedelta(minutes=json.loads(line)["minutes"]))
            say(at=day.now.isoformat())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
