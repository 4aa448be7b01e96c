"""Keeps one fresh demo house for a browser test: a process of its own, told by lines what to do.

True here: world, prober and the three doors run as they do for people; the day is not played. The machine
turns only when it is told, and the world's clock moves only then, so nothing has to be waited for. What is
not here: anything a person does; that is the browser's.
"""

import json
import os
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

SEED, BUNDLE = 7, 0


def main(home: Path) -> None:
    """Open the house, say where it is, then turn the machine for every line that comes; end with the lines."""
    # The world and the doors talk on the same stdout: what is said to the test has one of its own.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)

    def say(**words: Any) -> None:
        answers.write(json.dumps(words) + "\n")

    from openhotline.demo.run import open_house, scripted_day

    with open_house(home, bundle=BUNDLE, seed=SEED) as (settings, signins, _):
        day = scripted_day(settings, bundle=BUNDLE, seed=SEED)
        world = json.loads((settings.data / "run" / "world.json").read_text())
        say(
            public=settings.public_url,
            desk=settings.desk_url,
            portal=settings.portal_url,
            password=signins.password,
            totp_secret=signins.totp_secret,
            world=world,
        )
        for line in sys.stdin:
            wanted = json.loads(line)
            began = time.monotonic()
            day.until(day.now + timedelta(minutes=wanted["minutes"]))
            say(at=day.now.isoformat(), took=time.monotonic() - began)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
