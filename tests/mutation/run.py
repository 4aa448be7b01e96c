"""`python -m tests.mutation [RULE ...] [--json]`: how many mutants of the rules are killed, and which live on.

Three walks, each in two processes: which test runs which line of which rule; every mutant of a function, each
against the tests that run its line; every mutant of what is fixed at import, each in a new process.
The source on the disk is never touched. Exit 0 where at least 95 of a hundred were killed.
"""

import argparse
import json
import pickle
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections import Counter, defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from hashlib import sha256
from pathlib import Path

from tests.mutation import fresh, live
from tests.mutation.changes import ROOT, RULES, Mutant, mutants
from tests.mutation.session import WHERE, NotPlanted, Seen, Session

EQUIVALENT = Path(__file__).with_name("equivalent.toml")
PARTS = 2
BUDGET = 2.0  # seconds of the processor that the tests asked about one mutant may cost together


def main() -> int:
    """Run everything, or these rules; print the survivors."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation")
    parser.add_argument("rules", nargs="*", metavar="RULE")
    parser.add_argument("--json", action="store_true")
    parser.add_argument(
        "--kept", type=Path, help="a folder that keeps what was killed: a next run tries only what lived"
    )
    parser.add_argument("--part", nargs=3, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    rules = asked.rules or names()
    if asked.part:
        walk, number, folder = asked.part
        PARTS_OF[walk](rules, int(number), Path(folder))
        return 0
    began = time.monotonic()
    found = everything(rules, asked.kept)
    found["seconds"] = round(time.monotonic() - began)
    if asked.json:
        print(json.dumps(found, indent=1))
    else:
        for name, one in found["rules"].items():
            print(f"{name}: {one['killed']} of {one['mutants']} killed", *one["alive"], sep="\n  ")
        print(f"{found['killed']} of {found['mutants']} killed, in {found['seconds']} s.")
    return 0 if found["killed"] >= 0.95 * found["mutants"] else 1


def names() -> list[str]:
    """Every rule: a file of `openhotline/rules`, without .py."""
    return sorted(file.stem for file in RULES.glob("*.py") if file.stem != "__init__")


def everything(rules: Sequence[str], kept: Path | None) -> dict[str, object]:
    """{"mutants", "killed", "share", "equivalent", "rules": {rule: {"mutants", "killed", "alive": [name]}}}.

    `kept`: a folder of an earlier run. What it killed stays killed, as long as the rule's file has not changed since.
    """
    folder = kept or Path(tempfile.mkdtemp(prefix="openhotline-mutation-"))
    try:
        folder.mkdir(exist_ok=True)
        for walk in ("cover", "kill", "fresh"):
            _walk(walk, rules, folder)
        verdicts = _told(folder)
    finally:
        if kept is None:
            shutil.rmtree(folder)
    reasons = tomllib.loads(EQUIVALENT.read_text(encoding="utf-8"))
    table: dict[str, dict[str, object]] = {}
    same = Counter()
    for rule in rules:
        known = reasons.get(rule, {})
        mine = {name: said for (of, name), said in verdicts.items() if of == rule}
        wrong = [name for name in known if mine.get(name, "gone")]
        if wrong:
            raise SystemExit(f"equivalent.toml names what a test notices or nobody made: {rule}: {wrong}")
        alive = [name for name, said in mine.items() if not said and name not in known]
        same[rule] = len(known)
        table[rule] = {
            "mutants": len(mine) - len(known),
            "killed": len(mine) - len(known) - len(alive),
            "alive": alive,
        }
    total = sum(one["mutants"] for one in table.values())  # type: ignore[misc]
    killed = sum(one["killed"] for one in table.values())  # type: ignore[misc]
    share = round(killed / total, 4) if total else 1.0
    return {
        "mutants": total,
        "killed": killed,
        "share": share,
        "equivalent": sum(same.values()),
        "rules": table,
    }


def _walk(walk: str, rules: Sequence[str], folder: Path) -> None:
    def one(number: int) -> None:
        (folder / f"{walk}.{number}").unlink(missing_ok=True)
        words = [sys.executable, "-m", "tests.mutation", *rules, "--part", walk, str(number), str(folder)]
        done = subprocess.run(
            words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        if not (folder / f"{walk}.{number}").exists():
            raise SystemExit(f"The walk '{walk}' ended early:\n{done.stdout[-4000:]}")

    with ThreadPoolExecutor(PARTS) as pool:
        list(pool.map(one, range(PARTS)))


def cover_part(rules: Sequence[str], number: int, folder: Path) -> None:
    """Which test runs which line, for every PARTS-th test file."""
    files = [file for place in WHERE for file in _test_files(place)]
    Session(lambda session: session.cover(folder / f"cover.{number}"), traced=True).collect(
        files[number::PARTS]
    )


def _test_files(place: str) -> list[str]:
    path = ROOT / place
    found = [path] if path.is_file() else sorted(path.rglob("test_*.py"))
    return [str(file.relative_to(ROOT)) for file in found]


def kill_part(rules: Sequence[str], number: int, folder: Path) -> None:
    """Every PARTS-th mutant: {(rule, name): "" where it lives, or what killed it}."""
    seen: dict[str, Seen] = {}
    imported: dict[str, frozenset[int]] = defaultdict(frozenset)
    for part in range(PARTS):
        lines, more = pickle.loads((folder / f"cover.{part}").read_bytes())
        seen |= more
        for rule, found in lines.items():
            imported[rule] |= found
    before = _told(folder)
    wanted = [one for rule in rules for one in mutants(rule) if not before.get((rule, one.name))]
    mine = wanted[number::PARTS]
    later = [one for one in mine if not one.function or one.lines & imported[one.rule]]

    def act(session: Session) -> None:
        asked = sorted({name for rule in rules for name in chosen(rule, frozenset(range(10_000)), seen)})
        if wrong := session.fails(asked, lambda: None, seconds=BUDGET * len(rules)):
            raise SystemExit(f"Without any change there fails: {wrong}")
        for mutant in mine:
            if mutant in later:
                continue
            names = chosen(mutant.rule, mutant.lines, seen)
            try:
                said = (
                    session.fails(
                        names, partial(live.plant, mutant), seconds=sum(seen[name].seconds for name in names)
                    )
                    if names
                    else ""
                )
            except NotPlanted:
                later.append(mutant)
            else:
                _tell(folder, number, mutant, said)

    files = sorted({_file(name) for name, one in seen.items() if one.lines.keys() & set(rules)})
    Session(act).collect(files)
    (folder / f"kill.{number}").write_bytes(pickle.dumps({(one.rule, one.name) for one in later}))


def fresh_part(rules: Sequence[str], number: int, folder: Path) -> None:
    """Every PARTS-th mutant that `kill_part` could not bring into a running process."""
    seen: dict[str, Seen] = {}
    later: set[tuple[str, str]] = set()
    for part in range(PARTS):
        seen |= pickle.loads((folder / f"cover.{part}").read_bytes())[1]
        later |= pickle.loads((folder / f"kill.{part}").read_bytes())
    fresh.make_ready()
    for rule in rules:
        files = _readers(rule, seen)
        mine = [one for one in mutants(rule) if (rule, one.name) in later][number::PARTS]
        if mine and fresh.fails(None, files):
            raise SystemExit(f"Without any change of {rule} there fails one of {files}")
        for mutant in mine:
            _tell(folder, number, mutant, fresh.fails(mutant, files))
    (folder / f"fresh.{number}").touch()


def _readers(rule: str, seen: dict[str, Seen]) -> list[str]:
    """The test files that need no Django and have to do with a rule: by a line they run, or by its name."""
    running = {_file(name) for name, one in seen.items() if one.lines.get(rule)}
    named = [
        file for file in _test_files("tests/rules") if re.search(rf"\b{rule}\b", (ROOT / file).read_text())
    ]
    return sorted({*named, *fresh.ALWAYS, *(file for file in running if file.startswith("tests/rules/"))})


def _file(name: str) -> str:
    return name.partition("::")[0]


def _tell(folder: Path, number: int, mutant: Mutant, verdict: str) -> None:
    with (folder / f"told.{number}").open("a", encoding="utf-8") as out:
        out.write(json.dumps([mutant.rule, _digest(mutant.rule), mutant.name, verdict]) + "\n")


def _told(folder: Path) -> dict[tuple[str, str], str]:
    """{(rule, name): what killed it, "" where it lives}; a kill outlasts a later try."""
    verdicts: dict[tuple[str, str], str] = {}
    for file in sorted(folder.glob("told.*")):
        for line in file.read_text(encoding="utf-8").splitlines():
            rule, digest, name, verdict = json.loads(line)
            if digest == _digest(rule):
                verdicts[rule, name] = verdicts.get((rule, name)) or verdict
    return verdicts


@cache
def _digest(rule: str) -> str:
    file = RULES / f"{rule}.py"
    return sha256(file.read_bytes()).hexdigest() if file.exists() else ""


def chosen(rule: str, lines: frozenset[int], seen: dict[str, Seen]) -> list[str]:
    """The tests that run one of these lines: a rule's own first, then the quickest, as far as BUDGET goes."""
    asked = [
        (not name.startswith("tests/rules/"), one.seconds, name)
        for name, one in seen.items()
        if one.lines.get(rule, frozenset()) & lines
    ]
    spent, names = 0.0, []
    for _, seconds, name in sorted(asked):
        spent += seconds
        if spent > BUDGET and names:
            break
        names.append(name)
    return names


PARTS_OF = {"cover": cover_part, "kill": kill_part, "fresh": fresh_part}
