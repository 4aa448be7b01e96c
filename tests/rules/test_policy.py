"""Policy files: whole, dated, pinned by a digest, and refused with a sentence where something is wrong."""

import shutil
from datetime import timedelta
from importlib.resources import files
from pathlib import Path

import pytest

from openhotline import policy
from openhotline.policy import PolicyFault, read_folder
from openhotline.rules import words

GB = policy.load("gb")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped files, to be damaged."""
    shutil.copytree(str(files("openhotline.policy") / "gb"), tmp_path / "gb")
    return tmp_path / "gb"


def test_the_version_names_country_release_and_content() -> None:
    assert GB.version == f"gb-2026.1+{GB.digest[:8]}"
    assert len(GB.version) <= 40
    assert len(GB.digest) == 64
    assert all(len(agreement.version) <= 40 for agreement in GB.agreements.versions)
    assert policy.load("gb") is GB


def test_one_changed_byte_is_another_policy(folder: Path) -> None:
    assert read_folder(folder, "gb").digest == GB.digest
    with (folder / "points.toml").open("a") as file:
        file.write("#\n")
    changed = read_folder(folder, "gb")
    assert changed.digest != GB.digest
    assert changed.version != GB.version


def test_the_shipped_clocks() -> None:
    clocks = GB.clocks
    assert clocks.assess_high == timedelta(hours=1)
    assert clocks.lock == timedelta(minutes=30)
    assert clocks.retry == (timedelta(hours=1), timedelta(days=1), timedelta(days=7))
    assert clocks.incomplete == timedelta(days=14)
    assert clocks.lead_decides == timedelta(hours=4)
    assert clocks.trace_valid == timedelta(hours=4)
    assert clocks.watch == tuple(timedelta(days=days) for days in (1, 3, 7, 30, 90))
    assert clocks.safeguarding == timedelta(minutes=15)
    assert clocks.looking_day == timedelta(minutes=240)
    assert clocks.appeal_acknowledge == timedelta(days=1)


def test_points_are_numbers_with_neutral_labels() -> None:
    assert "4.2-c" in GB.point_keys
    assert len(set(GB.point_keys)) == len(GB.point_keys)
    assert all(len(point.label) < 70 for point in GB.points)


def test_every_class_in_remit_today_has_a_ground_a_unit_and_an_agreement() -> None:
    assert "1978" in GB.ground(words.CHILD_SEXUAL_ABUSE)
    for row in GB.remit.rows:
        assert GB.ground(row.cls).endswith(".")
    for unit in GB.units:
        assert GB.unit(unit.key) is unit
        assert set(unit.classes) <= set(GB.agreements.history(unit.agreement)[0].classes)


def test_an_unknown_country_says_which_there_are() -> None:
    for name in ("xx", "", "../gb", "words"):
        with pytest.raises(PolicyFault, match=r"There is: gb|is missing"):
            policy.load(name)


@pytest.mark.parametrize(
    ("file", "old", "new", "sentence"),
    [
        (
            "remit",
            'class = "extreme"',
            'class = "nonsense"',
            r"gb/remit.toml: “row\[extreme\].class” is “nonsense”",
        ),
        ("remit", "from = 2010-04-06", 'from = "2010"', "should be a day"),
        ("remit", "until = 2011-05-01", "until = 1990-01-01", "ends before it starts"),
        ("remit", 'key = "extreme"', 'key = "csa"', "“csa” twice"),
        ("schemes", "until = 2014-04-01", "until = 2014-03-31", "gap or an overlap"),
        ("schemes", 'becomes = "C"', 'becomes = "D"', "without a place"),
        ("agreements", 'answer = "2h"', 'answer = "2 hours"', "write a duration"),
        ("agreements", 'escalate = "8h"', 'escalate = "1h"', "comes after the time to answer"),
        ("agreements", 'silence = "escalate"', 'silence = "golden"', "one of escalate, clear, hold"),
        ("agreements", 'calendar = "none"', 'calendar = "working days"', "names a calendar"),
        ("agreements", "preserve_days = 90", "preserve_days = true", "whole number"),
        ("routes", 'agreement = "authorise-first"', 'agreement = "handshake"', "does not exist"),
        ("routes", 'unit = "EU"', 'unit = "XX"', "is no unit"),
        ("routes", 'unit = "NU"\nwhy', 'unit = "NU"\nclasses = ["extreme"]\nwhy', "No rule in routes.toml"),
        ("routes", "asns = [64501]", 'asns = ["AS64501"]', "network numbers"),
        ("partners", 'country = "DE"', 'country = "NL"', "one country twice"),
        ("partners", 'country = "DE"', 'country = "Germany"', "two capital letters"),
        ("clocks", 'lock = "30m"', "", "“clocks.lock” is missing"),
        ("clocks", 'retry = ["1h", "1d", "7d"]', 'retry = ["1d", "1h"]', "longer than the one before"),
        ("points", 'category = "C" },', 'category = "Z" },', "which no scheme has"),
        ("policy", 'agreement = "authorise-first"', 'agreement = "none"', "default agreement"),
        ("policy", "valid_from = 2026-01-01", "", "“valid_from” is missing"),
        ("policy", 'version = "2026.1"', "version = [", "cannot be read as TOML"),
    ],
)
def test_a_fault_in_a_file_is_a_sentence(folder: Path, file: str, old: str, new: str, sentence: str) -> None:
    path = folder / f"{file}.toml"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")
    with pytest.raises(PolicyFault, match=sentence):
        read_folder(folder, "gb")


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / "clocks.toml").unlink()
    with pytest.raises(PolicyFault, match=r"gb/clocks.toml is missing"):
        read_folder(folder, "gb")
