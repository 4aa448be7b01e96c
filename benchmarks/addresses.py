"""The canonicaliser: addresses a second on one core, with the full rule set.

Each address is read from the text: WHATWG form, key, digest, registrable name. Three mixes: new plain addresses
(cold caches, 60,000 sites); the partner's file of import_.py (a third repeated, in other spellings); and awkward
ones (refanged, bare, userinfo, IDNA, onion, Message-IDs, file digests, nonsense).

    ./run exec python benchmarks/addresses.py [--quick]
"""

import subprocess
import sys
import time
from collections.abc import Callable

from benchmarks import common, made

COUNT, QUICK_COUNT = 300_000, 3_000
RUNS = 3
TARGET = 60_000  # addresses a second on one core


def _awkward(number: int) -> str:
    site = f"site{number % 5000}"
    return (
        f"hxxp://{site}[.]example/{number}",
        f"{site}.example.net/view/{number}",
        f"https://user:word@{site}.example.org:8443/a/{number}#top",
        f"http://b\u00fccher{number % 5000}.example/{number}",
        f"http://{'abcdefghij234567' * 3}abcdefgh.onion/{number}",
        f"<part{number}@news.example>",
        f"{number:064x}",
        f"somebody in a chat told me, number {number}",
    )[number % 8]


def main() -> None:
    """Each mix in a process of its own, so that caches are cold."""
    if "--inside" in sys.argv:
        which, count = sys.argv[-2:]
        print(inside(which, int(count)))
        return
    quick = common.quick()
    count, runs = (QUICK_COUNT, 1) if quick else (COUNT, RUNS)
    machine = common.machine()
    found: dict[str, list[float]] = {name: [] for name in MIXES}
    for _ in range(runs):
        for name, rates in found.items():
            said = subprocess.run(
                [sys.executable, __file__, "--inside", name, str(count)],
                check=True,
                capture_output=True,
                text=True,
            )
            rates.append(float(said.stdout))
    middle = {name: round(common.median(rates)) for name, rates in found.items()}
    common.table(
        f"{count:,} addresses, one core, per second of CPU, median of {runs} ({machine['cpu']}, load {machine['load']})",
        [(name, f"{rate:,}") for name, rate in middle.items()],
    )
    print(f"  wanted: {TARGET:,}")
    common.write("addresses", {"addresses": count, "per_second": middle, "wanted": TARGET}, quick=quick)


def inside(which: str, count: int) -> float:
    """Addresses a second of CPU time."""
    from openhotline.rules import urls

    texts = MIXES[which](count)
    urls.registrable_of("warm.example")  # the list of public suffixes is read once in a process's life
    begin = time.process_time()
    for start in range(0, count, 5_000):
        urls.read_many(texts[start : start + 5_000])
    return count / (time.process_time() - begin)


MIXES: dict[str, Callable[[int], list[str]]] = {
    "new": lambda count: [made.address(number) for number in range(count)],
    "partner file": lambda count: [text for text, _ in made.lines(count)],
    "awkward": lambda count: [_awkward(number) for number in range(count)],
}


if __name__ == "__main__":
    main()
