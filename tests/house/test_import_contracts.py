"""The floors of the house are held by import-linter, and each contract catches a planted breach."""

import ast
import shutil
import subprocess
import sys
from configparser import ConfigParser
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PREFIX = "importlinter:contract:"
LINT = (sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()")


@dataclass(frozen=True, slots=True)
class Breach:
    """An import that must not be: one line at the end of one file of a copied house."""

    contract: str
    file: str  # below openhotline/
    line: str


BREACHES = (
    Breach("floors", "rules/planted.py", "import openhotline.ledger"),
    Breach("floors", "ledger/planted.py", "import openhotline.records"),
    Breach("floors", "outbox/planted.py", "import openhotline.records"),
    Breach("floors", "records/planted.py", "import openhotline.steps"),
    Breach("floors", "steps/planted.py", "import openhotline.statistics"),
    Breach("floors", "steps/planted.py", "import openhotline.jobs"),
    Breach("floors", "attic/__init__.py", "# a room that is on no floor"),
    Breach("rules-are-pure", "rules/planted.py", "from django.db import models"),
    Breach("rules-are-pure", "rules/planted.py", "import sqlite3"),
    Breach("rules-are-pure", "rules/planted.py", "def f():\n    import socket"),
    Breach("time-is-handed-down", "steps/planted.py", "from openhotline.clock import SystemClock"),
    Breach("connectors-know-rules-only", "connectors/dns/planted.py", "import openhotline.settings"),
    Breach("connectors-know-rules-only", "connectors/mail/planted.py", "import openhotline.world"),
    Breach("connectors-apart", "connectors/dns/planted.py", "import openhotline.connectors.rdap"),
    Breach("only-jobs-call-out", "steps/planted.py", "import openhotline.connectors.mail"),
    Breach("only-jobs-call-out", "management/planted.py", "import openhotline.connectors.probe"),
    Breach("doors-do-not-wait", "web/planted.py", "import openhotline.jobs"),
    Breach("doors-do-not-wait", "api/planted.py", "import openhotline.connectors.dns"),
    Breach("jobs-know-no-door", "jobs/planted.py", "import openhotline.web"),
    Breach("world-stays-outside", "jobs/planted.py", "import openhotline.world"),
    Breach("world-knows-no-case", "world/planted.py", "import openhotline.records"),
    Breach("no-knots", "policy/__init__.py", "import openhotline.world"),
)


def contracts() -> list[str]:
    file = ConfigParser()
    file.read(ROOT / ".importlinter")
    return [name.removeprefix(PREFIX) for name in file.sections() if name.startswith(PREFIX)]


def lint(root: Path, *options: str) -> subprocess.CompletedProcess[str]:
    # Isolated from this clone, or the copy's package would be found here instead of there.
    return subprocess.run(
        [*LINT, "--no-cache", "--no-logo", *options],
        cwd=root, env={"PYTHONPATH": str(root), "PATH": "/usr/bin:/bin", "COLUMNS": "200"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def copied_house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("copy")
    shutil.copy(ROOT / ".importlinter", root)
    only_python = shutil.ignore_patterns("__pycache__", "static", "templates")
    shutil.copytree(ROOT / "openhotline", root / "openhotline", ignore=only_python)
    return root


def test_the_house_keeps_its_contracts() -> None:
    said = lint(ROOT)
    assert said.returncode == 0, said.stdout + said.stderr
    assert "0 broken" in said.stdout


def test_every_contract_has_a_planted_breach() -> None:
    assert {breach.contract for breach in BREACHES} == set(contracts())


@pytest.mark.parametrize(
    "breach", BREACHES, ids=lambda breach: f"{breach.contract}: {breach.file}: {breach.line}"
)
def test_a_planted_breach_is_caught(copied_house: Path, breach: Breach) -> None:
    file = copied_house / "openhotline" / breach.file
    before = file.read_text() if file.exists() else None
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"{before or ''}\n{breach.line}\n")
    # The knot needs two ends: what the planted line points to points back.
    back = copied_house / "openhotline" / "world" / "planted_back.py"
    if breach.contract == "no-knots":
        back.write_text("import openhotline.policy\n")
    try:
        said = lint(copied_house, "--contract", breach.contract)
    finally:
        back.unlink(missing_ok=True)
        file.unlink() if before is None else file.write_text(before)
        if before is None and not any(file.parent.iterdir()):
            file.parent.rmdir()
    assert said.returncode == 1, said.stdout + said.stderr
    # Caught for this very line, not for anything else that may be amiss.
    place = "openhotline." + breach.file.removesuffix("/__init__.py").removesuffix(".py").replace("/", ".")
    where = place.removeprefix("openhotline.") if breach.contract == "no-knots" else place
    assert where in said.stdout, said.stdout + said.stderr
    assert "BROKEN" in said.stdout or "not listed as layers" in said.stdout, said.stdout + said.stderr


THIRD_PARTIES_OF_RULES = {"can_ada", "publicsuffixlist"}


def imports_of(file: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: rooms are named in full"
            names.add(node.module or "")
    return names


def test_rules_stand_on_the_standard_library_and_two_packages_only() -> None:
    for file in sorted((ROOT / "openhotline" / "rules").rglob("*.py")):
        for name in imports_of(file):
            top = name.partition(".")[0]
            allowed = top in sys.stdlib_module_names or top in THIRD_PARTIES_OF_RULES
            assert allowed or name.startswith("openhotline.rules"), f"{file.name} imports {name}"
            assert name != "urllib.request", f"{file.name} fetches"


def test_rules_open_no_file_and_read_no_clock() -> None:
    forbidden = {"open", "print", "input", "now", "utcnow", "today"}
    for file in sorted((ROOT / "openhotline" / "rules").rglob("*.py")):
        if file.name == "diagrams.py":  # the one program among the rules: it prints the paths into docs/
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call):
                called = (
                    node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                )
                assert called not in forbidden, f"{file.name}:{node.lineno} calls {called}"
