"""Addresses to networks in batches: our table of an MMDB file beside pyasn, on the same networks and addresses.

Both are given the same texts (IPv4 literals) and answer with the announcing system and the prefix. What is timed is
CPU of the look-ups alone; how long each takes to load is printed beside. The two alternate, each run in a process of
its own, and their answers must be the same for every address.

    ./run exec python benchmarks/networks.py [--quick]
"""

import hashlib
import ipaddress
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import common, peers

NETWORKS, ADDRESSES, RUNS = 100_000, 1_000_000, 3
QUICK_NETWORKS, QUICK_ADDRESSES = 2_000, 20_000
TARGET = 2_000_000  # look-ups a second
PYASN = ("pyasn==1.6.2",)
# How often each length stands in a routing table, roughly: half of it are /24.
LENGTHS = (24,) * 12 + (23, 23, 22, 22, 22, 21, 20, 20, 19, 18, 17, 16, 15, 14)


def networks(count: int) -> dict[str, int]:
    """Prefixes, some inside others, and who announces each; the same every time."""
    chance, found = random.Random(7), {}
    while len(found) < count:
        length = chance.choice(LENGTHS)
        prefix = ipaddress.ip_network((chance.getrandbits(32), length), strict=False)
        found[str(prefix)] = chance.randrange(1, 400_000)
    return found


def addresses(count: int, known: list[str]) -> list[str]:
    """Three in four inside a network that is known, the others anywhere."""
    chance, texts = random.Random(11), []
    for number in range(count):
        if number % 4:
            prefix = ipaddress.ip_network(known[chance.randrange(len(known))])
            texts.append(str(prefix[chance.randrange(prefix.num_addresses)]))
        else:
            texts.append(str(ipaddress.IPv4Address(chance.getrandbits(32))))
    return texts


def make(folder: Path, count: int, asked: int) -> None:
    """The MMDB file, pyasn's file of the same networks, and the addresses."""
    from mmdb_writer import MMDBWriter
    from netaddr import IPSet

    known = networks(count)
    writer = MMDBWriter(ip_version=4, database_type="Benchmark-ASN")
    # A writer keeps what was put in last, so the longer prefixes go in after the shorter ones.
    for prefix in sorted(known, key=lambda text: int(text.partition("/")[2])):
        writer.insert_network(IPSet([prefix]), {"autonomous_system_number": known[prefix]})
    writer.to_db_file(str(folder / "origin.mmdb"))
    (folder / "origin.dat").write_text("".join(f"{prefix}\t{asn}\n" for prefix, asn in known.items()))
    (folder / "addresses.txt").write_text("\n".join(addresses(asked, list(known))))


def ours(folder: Path) -> dict[str, object]:
    """Our table: load, then one batch after the other."""
    from openhotline.connectors.geo.table import Table

    texts = (folder / "addresses.txt").read_text().splitlines()
    begin = time.process_time()
    table = Table(folder / "origin.mmdb")
    loaded = time.process_time() - begin
    systems: list[int] = []
    spent = 0.0
    for start in range(0, len(texts), 100_000):
        batch = texts[start : start + 100_000]
        begin = time.process_time()
        found = table.look_up(batch)
        some = table.asn[found.record].tolist()
        spent += time.process_time() - begin
        systems += some
    return {"load_s": loaded, "per_second": len(texts) / spent, "digest": digest(systems)}


def theirs(folder: Path) -> dict[str, object]:
    """pyasn: load, then every address."""
    import pyasn  # type: ignore[import-not-found]

    texts = (folder / "addresses.txt").read_text().splitlines()
    begin = time.process_time()
    table = pyasn.pyasn(str(folder / "origin.dat"))
    loaded = time.process_time() - begin
    look_up = table.lookup
    begin = time.process_time()
    systems = [look_up(text)[0] for text in texts]
    spent = time.process_time() - begin
    return {
        "load_s": loaded,
        "per_second": len(texts) / spent,
        "digest": digest([number or 0 for number in systems]),
    }


def digest(systems: list[int]) -> str:
    """One text for all answers."""
    return hashlib.sha256(" ".join(map(str, systems)).encode()).hexdigest()


def main() -> None:
    """Alternate, compare, print, keep."""
    if "--inside" in sys.argv:
        which, folder = sys.argv[-2:]
        print(json.dumps({"ours": ours, "pyasn": theirs}[which](Path(folder))))
        return
    quick = common.quick()
    count, asked, runs = (QUICK_NETWORKS, QUICK_ADDRESSES, 1) if quick else (NETWORKS, ADDRESSES, RUNS)
    machine = common.machine()
    pythons = {"ours": Path(sys.executable)}
    if not quick:  # the quick run is for the tests: it fetches nothing
        peer = peers.environment("pyasn", PYASN)
        pythons["pyasn"] = peer / "bin" / "python"
    found: dict[str, list[dict[str, float]]] = {name: [] for name in pythons}
    digests = set()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder, count, asked)
        for _ in range(runs):
            for which, python in pythons.items():
                script = _script(which) if which == "pyasn" else __file__
                said = subprocess.run(
                    [python, script, "--inside", which, name], check=True, capture_output=True, text=True
                )
                value = json.loads(said.stdout)
                digests.add(value.pop("digest"))
                found[which].append(value)
    if len(digests) != 1:
        raise SystemExit("The two do not answer the same.")
    rates = {which: common.median([one["per_second"] for one in some]) for which, some in found.items()}
    loads = {which: common.median([one["load_s"] for one in some]) for which, some in found.items()}
    common.table(
        f"{asked:,} addresses among {count:,} networks, look-ups per second of CPU, median of {runs} "
        f"({machine['cpu']}, load {machine['load']})",
        [(which, f"{rate:,.0f}", f"loaded in {loads[which]:.2f} s") for which, rate in rates.items()],
    )
    print(f"  wanted: {TARGET:,}; answers are the same")
    kept: dict[str, object] = {
        "networks": count,
        "addresses": asked,
        "per_second": {which: round(rate) for which, rate in rates.items()},
        "load_s": {which: round(seconds, 3) for which, seconds in loads.items()},
        "wanted": TARGET,
    }
    if "pyasn" in rates:
        kept["ratio"] = round(rates["ours"] / rates["pyasn"], 2)
        kept["peer"] = PYASN[0]
    common.write("networks", kept, quick=quick)


def _script(which: str) -> str:
    """A program for the peer's environment, which has nothing of the house: this file without what it imports."""
    text = Path(__file__).read_text("utf-8")
    text = text.replace("from benchmarks import common, peers\n", "")
    file = (
        Path(tempfile.gettempdir())
        / f"openhotline-{which}-{hashlib.sha256(text.encode()).hexdigest()[:12]}.py"
    )
    file.write_text(text, "utf-8")
    return str(file)


if __name__ == "__main__":
    main()
