"""The papers tell the truth: commands print the keys that are promised, and every path and link leads somewhere.

What is not here: whether a sentence is right; a reader sees that. Commands are run as processes, in a small
fresh house (tests/houses.py); `address` needs none.
"""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
CLI = DOCS / "cli.md"
PAPERS = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])

_STABLE = re.compile(r"^### `openhotline (?P<command>[^`]*)`$", re.MULTILINE)
_KEY = re.compile(r"`([\w.*\[\]]+)`")
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)")
_HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*$", re.MULTILINE)
_CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)


# --- what cli.md promises ---------------------------------------------------------------------------


def promised() -> dict[str, set[str]]:
    """The stable commands of cli.md with their keys: {"ledger verify": {"ok", "entries", ...}}."""
    text = CLI.read_text("utf-8")
    found = {}
    headings = list(_STABLE.finditer(text))
    for number, heading in enumerate(headings):
        end = headings[number + 1].start() if number + 1 < len(headings) else len(text)
        section = re.split(r"^## ", text[heading.end() : end], maxsplit=1, flags=re.MULTILINE)[0]
        words = [word for word in heading["command"].split() if word[0].islower()]
        command = " ".join([*words, *(["--once"] if "--once" in heading["command"] else [])])
        found[command] = {key for row in section.splitlines() for key in _of_row(row)}
    return found


def _of_row(row: str) -> Iterator[str]:
    """The keys in the first cell of a table's row; "`t0` to `t8`" are nine."""
    if not row.startswith("| `"):
        return
    keys = _KEY.findall(row.split("|")[1])
    if len(keys) == 2 and " to " in row.split("|")[1]:
        (stem, first), (_, last) = ((key[:-1], int(key[-1])) for key in keys)
        yield from (f"{stem}{number}" for number in range(first, last + 1))
        return
    yield from keys


def keys_of(value: object, known: set[str], front: str = "") -> set[str]:
    """Every key of a printed value in the words of cli.md: `checks[].name`, `ledger.ok`, `letters.*`."""
    if isinstance(value, list):
        assert value, f"{front} is empty, so its keys cannot be compared"
        return set().union(*(keys_of(one, known, f"{front}[]") for one in value))
    if not isinstance(value, dict):
        return {front}
    dot = f"{front}." if front else ""
    if f"{dot}*" in known:
        assert all(isinstance(one, int) for one in value.values())
        return {f"{dot}*"}
    return set().union(*(keys_of(one, known, f"{dot}{name}") for name, one in value.items()))


def run(*words: str, env: dict[str, str], given: str = "", codes: tuple[int, ...] = (0,)) -> str:
    """Standard output of the one command."""
    done = subprocess.run(
        [sys.executable, "-m", "openhotline.cli", *words],
        cwd=ROOT,
        env={**env, "PYTHONWARNINGS": "ignore"},
        input=given,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode in codes, f"{words}: exit {done.returncode}\n{done.stderr[-2000:]}"
    return done.stdout


@pytest.fixture
def settled(house_env: dict[str, str]) -> dict[str, str]:
    """A small house: its places, keys, tables and policy."""
    run("owner", "create", "--username", "owner", env=house_env)
    return house_env


def without_a_house() -> dict[str, str]:
    return {
        name: value for name, value in os.environ.items() if not name.startswith(("OPENHOTLINE_", "DJANGO_"))
    }


def test_the_page_promises_exactly_these_commands() -> None:
    assert set(promised()) == {
        "demo --once",
        "report import",
        "address",
        "probe",
        "trace",
        "refresh registries",
        "check",
        "ledger verify",
        "doctor",
        "outbox list",
        "partner reconcile",
        "simulate",
        "crashtest",
        "world score",
    }
    assert promised()["report import"] == {"reports", "items_new", "joined", "incomplete", "rejected"}
    assert {"legs[].t0", "legs[].t4", "legs[].t8"} <= promised()["demo --once"]


def test_address_prints_what_is_promised_one_object_a_line() -> None:
    known = promised()["address"]
    given = "hxxps://Example[.]org/a?b=1#c\njavascript:alert(1)\nnews:x@example.net\n\nhttp://[::1\nhttp://ex\u0430mple.org/\n"
    lines = run("address", "-", "--json", env=without_a_house(), given=given).splitlines()
    read = [json.loads(line) for line in lines]
    assert [one["reported"] for one in read] == given.splitlines(), "one line out for each line in"
    for one in read[:-1]:
        assert set(one) == known
        assert bool(one["why"]) is not one["ok"]
    assert read[-1]["ok"] and "mixes alphabets" in read[-1]["why"]
    assert read[0]["canonical"] == "https://example.org/a?b=1#c"
    assert read[0]["key"] == "http://example.org/a?b=1"
    (alone,) = run("address", "example.org", "--json", env=without_a_house()).splitlines()
    assert json.loads(alone)["key"] == "http://example.org/"


def test_world_score_prints_what_is_promised() -> None:
    known = promised()["world score"]
    said = json.loads(run("world", "score", "--sites", "60", "--json", env=without_a_house()))
    plain = {"majority", "single_source", "reliability", "by_lie"}
    assert set(said) - plain == {key for key in known if "." not in key}
    assert {f"reliability[].{key}" for row in said["reliability"] for key in row} <= known
    assert {f"by_lie.*.{key}" for row in said["by_lie"].values() for key in row} <= known


def test_probe_prints_what_is_promised_and_its_exit_code_says_how_it_ended(tmp_path: Path) -> None:
    known = promised()["probe"]
    env = {**without_a_house(), "OPENHOTLINE_DATA_DIR": str(tmp_path)}
    for address in (
        "http://127.0.0.1:80/a",
        "http://[::ffff:10.0.0.1]/",
        "ftp://example.org/",
        "http://a:b@c.example/",
    ):
        said = json.loads(run("probe", address, "--json", env=env, codes=(3,)))
        (place,) = said.pop("vantages")
        assert {*said, *(f"vantages[].{key}" for key in place)} == known
        assert said["outcome"] == place["outcome"] == "refused" and said["why"] == place["why"] != ""


def test_trace_and_refresh_print_what_is_promised(settled: dict[str, str]) -> None:
    from openhotline.jobs.exits import probe_config
    from openhotline.settings import Settings
    from openhotline.world.serve import World

    known = promised()
    data = Path(settled["OPENHOTLINE_DATA_DIR"])
    env = {**settled, "OPENHOTLINE_EXIT": "world"}
    with World(data, bundle=0):
        config = probe_config(Settings(data_dir=data, exit="world", kind="test"))
        (data / "probe.json").write_text(config.to_json(), "utf-8")
        command = [sys.executable, "-m", "openhotline.connectors.probe"]
        command += ["--socket", str(data / "run" / "prober.sock"), "--config", str(data / "probe.json")]
        with subprocess.Popen(command) as prober:
            try:
                for _ in range(400):
                    if (data / "run" / "prober.sock").exists():
                        break
                    time.sleep(0.05)
                lists = json.loads(run("refresh", "registries", "--json", env=env))
                assert keys_of(lists, known["refresh registries"]) == known["refresh registries"]
                assert [one["ok"] for one in lists["lists"]] == [True] * 4
                address = "http://img.example.net/set/one"
                said = json.loads(run("trace", address, "--explain", "--json", env=env))
                keys = {*said} - {"methods", "layers"}
                keys |= {f"methods[].{key}" for one in said["methods"] for key in one}
                keys |= {f"layers[].{key}" for one in said["layers"] for key in one if key != "named"}
                keys |= {
                    f"layers[].named[].{key}"
                    for one in said["layers"]
                    for named in one["named"]
                    for key in named
                }
                assert keys == known["trace"]
                assert (said["country"], said["contact"]) == ("GB", False)
                told = run("trace", address, "--explain", env=env)
                assert "North Rack" in told and "an analyst must open the item" in told
                given = "192.0.2.68\n2001:db8:7::5\n203.0.113.200\n"
                rows = run("networks", "-", "--json", env=env, given=given).splitlines()
                assert [json.loads(row)["asn"] for row in rows] == [64500, 64506, 0]
                assert [json.loads(row)["country"] for row in rows] == ["GB", "NL", ""]
            finally:
                prober.terminate()


def test_import_verify_and_doctor_print_what_is_promised(settled: dict[str, str], tmp_path: Path) -> None:
    known = promised()
    file = tmp_path / "partner.csv"
    rows = [
        "url,source,note",
        "https://example.org/a,hotline,",
        "hxxp://EXAMPLE[.]org/a,,",
        "no address at all,,",
        ",,",
    ]
    file.write_text("\n".join(rows) + "\n", "utf-8")
    filed = json.loads(run("report", "import", str(file), "--json", env=settled))
    assert filed == {"reports": 3, "items_new": 1, "joined": 1, "incomplete": 1, "rejected": 1}
    assert set(filed) == known["report import"]

    run("ledger", "sequence", env=settled)
    verdict = json.loads(run("ledger", "verify", "--json", env=settled))
    assert set(verdict) == known["ledger verify"]
    assert verdict["ok"] is True
    assert verdict["first_bad"] is None
    assert verdict["entries"] > 0
    assert re.fullmatch("[0-9a-f]{64}", verdict["root"])

    looked = json.loads(run("doctor", "--json", env=settled, codes=(0, 1)))
    assert keys_of(looked, known["doctor"]) == known["doctor"]
    assert {check["level"] for check in looked["checks"]} <= {"ok", "warning", "unsafe"}
    assert looked["ok"] is not any(check["level"] == "unsafe" for check in looked["checks"])


@pytest.mark.once
def test_the_day_prints_what_is_promised(house_env: dict[str, str]) -> None:
    known = promised()["demo --once"]
    env = {name: value for name, value in house_env.items() if not name.endswith(("_KIND", "_DATA_DIR"))}
    played = json.loads(run("demo", "--once", "--json", "--bundle", "5", env=env))
    assert keys_of(played, known) == known
    assert played["ok"] is True
    assert played["outcomes_missing"] == 0


def test_a_key_that_is_not_promised_is_seen() -> None:
    known = promised()["doctor"]
    check = {"name": "x", "ok": True, "level": "ok", "sentence": "x", "remedy": ""}
    assert keys_of({"ok": True, "checks": [check]}, known) == known
    assert keys_of({"ok": True, "checks": [{**check, "more": 1}]}, known) != known
    assert keys_of({"checks": [check]}, known) != known


# --- every command, every variable --------------------------------------------------------------------


def commands() -> dict[str, set[str]]:
    """Every command of the one command, with its long options."""
    from typer.main import get_command

    from openhotline.cli import app

    found: dict[str, set[str]] = {}

    def walk(group: object, words: tuple[str, ...]) -> None:
        for name, one in group.commands.items():  # type: ignore[attr-defined]
            if hasattr(one, "commands"):
                walk(one, (*words, name))
            else:
                found[" ".join((*words, name))] = {
                    option for given in one.params for option in given.opts if option.startswith("--")
                }

    walk(get_command(app), ())
    return found


def told(command: str, text: str) -> bool:
    return re.search(rf"`openhotline {re.escape(command)}(?![\w-])[^`]*`", text) is not None


def test_every_command_and_every_option_is_in_the_page() -> None:
    text = CLI.read_text("utf-8")
    assert [command for command in commands() if not told(command, text)] == []
    options = {option for given in commands().values() for option in given}
    assert sorted(option for option in options if f"{option}`" not in text and f"{option} " not in text) == []


def test_no_command_is_in_the_papers_that_is_not_there() -> None:
    known = set(commands())
    groups = {command.partition(" ")[0] for command in known}
    for paper in PAPERS:
        code = " ".join(_CODE.findall(paper.read_text("utf-8")))
        for found in re.findall(r"(?:^|[\s`])openhotline ([a-z][a-z-]*)(?: ([a-z][a-z-]*))?", code):
            first, second = found
            assert first in groups, f"{paper.name}: openhotline {first}"
            if first not in known:
                assert f"{first} {second}" in known, f"{paper.name}: openhotline {first} {second}"


def test_every_variable_of_the_environment_is_in_the_page_with_its_default() -> None:
    from openhotline.settings import Settings

    text = CLI.read_text("utf-8")
    for name, field in Settings.model_fields.items():
        row = re.search(rf"^\| `OPENHOTLINE_{name.upper()}` \| ([^|]*) \|", text, re.MULTILINE)
        assert row, f"OPENHOTLINE_{name.upper()} is not in docs/cli.md"
        if field.default_factory is None:
            assert row[1].strip("` ") == (str(field.default) or "empty"), name
    named = set(re.findall(r"^\| `OPENHOTLINE_(\w+)` \|", text, re.MULTILINE))
    assert named == {name.upper() for name in Settings.model_fields}


# --- links, paths, rooms -------------------------------------------------------------------------------


def anchors(text: str) -> set[str]:
    """The names by which headings can be linked to."""
    found = set()
    for heading in _HEADING.findall(text):
        plain = re.sub(r"[^\w\s-]", "", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)).strip().lower()
        found.add(re.sub(r"\s", "-", plain))
    return found


def broken(paper: Path, root: Path = ROOT) -> list[str]:
    """Relative links of a paper that lead to no file below `root`, or to no heading in it."""
    text = paper.read_text("utf-8")
    lost = []
    for link in _LINK.findall(_CODE.sub("", text)):
        if re.match(r"[a-z][a-z0-9+.-]*:", link):
            continue
        path, _, anchor = unquote(link).partition("#")
        target = (paper.parent / path).resolve() if path else paper
        there = target.exists() and target.is_relative_to(root)
        if there and anchor and target.suffix == ".md":
            there = anchor in anchors(target.read_text("utf-8"))
        if not there:
            lost.append(link)
    return lost


@pytest.mark.parametrize("paper", PAPERS, ids=lambda paper: paper.relative_to(ROOT).as_posix())
def test_every_link_leads_to_a_file(paper: Path) -> None:
    assert broken(paper) == []


def test_a_broken_link_is_seen(tmp_path: Path) -> None:
    paper = tmp_path / "paper.md"
    paper.write_text(
        "# One\n[a](#one) [b](nowhere.md) [c](#two) [d](https://example.org/) `[e](x.md)`\n", "utf-8"
    )
    assert broken(paper, tmp_path) == ["nowhere.md", "#two"]
    paper.write_text("[out](../../etc/hostname)\n", "utf-8")
    assert broken(paper, tmp_path) == ["../../etc/hostname"]


def test_the_diagrams_are_fresh() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "openhotline.rules.diagrams", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _rooms(text: str) -> set[str]:
    return set(re.findall(r"`openhotline/([a-z_]+)/?`", text))


def test_every_room_of_the_tour_is_there_and_every_room_is_in_the_tour() -> None:
    text = (DOCS / "ARCHITECTURE.md").read_text("utf-8")
    there = {file.parent.name for file in (ROOT / "openhotline").glob("*/__init__.py")}
    assert _rooms(text) <= there | {"policy"}
    assert [room for room in sorted(there) if f"{room}/" not in text] == []


def test_every_file_that_the_papers_name_is_there() -> None:
    """A path in code marks is a real one; a bare file name stands somewhere in the package or beside it."""
    known = {file.name for file in (ROOT / "openhotline").rglob("*") if file.is_file()}
    lost = []
    for paper in (DOCS / "ARCHITECTURE.md", *sorted((DOCS / "decisions").glob("*.md"))):
        text = paper.read_text("utf-8")
        for name in re.findall(r"`([\w./-]+\.(?:py|toml|txt|css|js))`", text):
            places = (ROOT, ROOT / "openhotline", ROOT / "openhotline" / "policy", DOCS)
            if not (any((place / name).exists() for place in places) or ("/" not in name and name in known)):
                lost.append(f"{paper.name}: {name}")
    assert lost == []


def test_decisions_are_numbered_without_gaps_and_say_what_they_must() -> None:
    pages = sorted((DOCS / "decisions").glob("*.md"))
    assert [page.name[:4] for page in pages] == [f"{number:04}" for number in range(1, len(pages) + 1)]
    for page in pages:
        text = page.read_text("utf-8")
        assert text.startswith(f"# {int(page.name[:4])}. "), page.name
        for part in ("## Context", "## Decision", "## Consequences"):
            assert part in text, f"{page.name} has no {part}"


def test_every_wanted_package_has_its_reason_and_licence() -> None:
    text = (DOCS / "decisions" / "0002-dependencies.md").read_text("utf-8")
    for name in ("installer", "run", "test"):
        for line in (ROOT / "requirements" / f"{name}.in").read_text("utf-8").splitlines():
            wanted = re.match(r"[a-z][a-z0-9-]*", line.strip())
            if wanted:
                assert re.search(rf"(?<![\w-]){re.escape(wanted[0])}(?![\w-])", text), wanted[0]


def test_every_status_and_answer_is_in_the_glossary() -> None:
    from openhotline.outbox.models import STATES
    from openhotline.rules import item_path, removal_path, report_path, words

    text = (DOCS / "GLOSSARY.md").read_text("utf-8").lower()
    paths = (report_path.PATH, item_path.PATH, removal_path.PATH)
    wanted = [status for path in paths for status in path.statuses()]
    wanted += [*STATES, *words.PHASES, *words.ROLES, *(answer.replace("-", " ") for answer in words.ANSWERS)]
    assert [word for word in wanted if word not in text] == []


def test_the_analysts_guide_knows_every_key_of_the_desk() -> None:
    from openhotline.web.desk.mine import KEYS

    text = (DOCS / "guides" / "analyst.md").read_text("utf-8")
    for keys, _, _ in KEYS:
        for key in keys.replace(" to ", " ").split():
            assert f"`{key}`" in text, key
