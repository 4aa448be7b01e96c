"""The paths are what their diagrams show, the diagrams are fresh, and nobody takes a step that is not theirs."""

import sys
from pathlib import Path as File

import pytest

from openhotline.rules import diagrams, permits, removal_path, words
from openhotline.rules.path import NOTHING, Path, step
from openhotline.rules.refusals import NotPermitted, Refused
from openhotline.rules.words import Actor

DOCS = File(__file__).resolve().parents[2] / "docs" / "paths.md"
DOOR = Path(
    "door",
    (
        step("open", [NOTHING, "shut"], by=["lead"], rows=[1, "R2"], opened="open"),
        step("lock_up", ["open", "shut"], by=["owner"], rows=[3], locked="locked", left_open="open"),
        step("lock_up", ["ajar"], by=["machine"], broken="gone"),
    ),
)


def test_the_printed_paths_are_those_of_the_tables() -> None:
    assert diagrams.document() == DOCS.read_text(encoding="utf-8")


def test_a_diagram_names_its_outcomes_where_there_are_several() -> None:
    assert diagrams.mermaid(DOOR).splitlines() == [
        "```mermaid",
        "stateDiagram-v2",
        '  state "shut" as shut',
        '  state "open" as open',
        '  state "locked" as locked',
        '  state "ajar" as ajar',
        '  state "gone" as gone',
        "  [*] --> open: open",
        "  shut --> open: open",
        "  open --> locked: lock up: locked",
        "  open --> open: lock up: left open",
        "  shut --> locked: lock up: locked",
        "  shut --> open: lock up: left open",
        "  ajar --> gone: lock up",
        "```",
    ]
    assert diagrams.table(DOOR).splitlines()[2:] == [
        "| open | (new), shut | opened → open | lead | 1, R2 |",
        "| lock up | open, shut | locked → locked; left open → open | owner | 3 |",
        "| lock up | ajar | broken → gone | machine | – |",
    ]


def test_a_stale_file_is_said_and_written_anew(
    tmp_path: File, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "docs").mkdir()
    beside = tmp_path / "openhotline" / "rules" / "diagrams.py"
    monkeypatch.setattr(File, "resolve", lambda self: beside)
    monkeypatch.setattr(sys, "argv", ["diagrams", "--check"])
    assert diagrams.main() == 1, "there is none"
    assert "stale" in capsys.readouterr().err
    monkeypatch.setattr(sys, "argv", ["diagrams"])
    assert diagrams.main() == 0
    assert (tmp_path / "docs" / "paths.md").read_text() == diagrams.document()
    monkeypatch.setattr(sys, "argv", ["diagrams", "--check"])
    assert diagrams.main() == 0
    (tmp_path / "docs" / "paths.md").write_text("old")
    assert diagrams.main() == 1


def test_a_step_leads_only_from_where_its_line_begins() -> None:
    assert DOOR.target("open", NOTHING, "opened") == "open"
    assert DOOR.target("lock_up", "shut", "left_open") == "open"
    assert DOOR.target("lock_up", "ajar", "broken") == "gone", "the second line of a verb"
    for verb, outcome, wanted in (
        ("knock", "opened", "no step 'knock'"),
        ("open", "broken", "outcome 'broken'"),
    ):
        with pytest.raises(KeyError, match=wanted):
            DOOR.target(verb, "shut", outcome)
    with pytest.raises(Refused) as refused:
        DOOR.target("lock_up", "ajar", "locked")
    assert refused.value.code == "not-from-here"
    assert "is “ajar”, and “lock_up” can be done only from: open, shut." in refused.value.sentence
    with pytest.raises(Refused, match=r"“new”.*only from: open, shut"):
        DOOR.target("lock_up", NOTHING, "locked")
    with pytest.raises(Refused, match="only from: new, shut"):
        DOOR.target("open", "open", "opened")


def test_a_path_knows_its_statuses_roles_and_rows() -> None:
    assert DOOR.statuses() == ("shut", "open", "locked", "ajar", "gone")
    assert DOOR.roles("lock_up") == {"owner", "machine"}
    assert DOOR.rows() == {"1", "R2", "3"}
    assert [line.by for line in DOOR.find("lock_up")] == [("owner",), ("machine",)]


def actor(role: str) -> Actor:
    return Actor(role, role)


def test_everybody_takes_their_own_steps_and_no_others() -> None:
    for verb in dict.fromkeys(line.verb for line in removal_path.PATH.steps):
        allowed = removal_path.PATH.roles(verb)
        for role in permits._NAMES:
            by = actor(role)
            assert permits.may(removal_path.PATH, verb, by) is (role in allowed)
            if role in allowed:
                permits.require(removal_path.PATH, verb, by)
                continue
            with pytest.raises(NotPermitted, match=r"is for .*Ask one of them"):
                permits.require(removal_path.PATH, verb, by)
    for act, roles in permits.ACTS.items():
        for role in permits._NAMES:
            by = actor(role)
            assert permits.may_act(act, by) is (role in roles)
            if role in roles:
                permits.require_act(act, by)
                continue
            with pytest.raises(NotPermitted, match="This is for "):
                permits.require_act(act, by)


def test_a_refusal_names_those_who_may() -> None:
    with pytest.raises(
        NotPermitted, match="“settle silence” is for the lead, the police liaison, a manager or the machine"
    ):
        permits.require(removal_path.PATH, "settle_silence", actor(words.OFFICER))
    with pytest.raises(NotPermitted, match=r"This is for a manager\. Ask"):
        permits.require_act("breach.settle", actor(words.LEAD))
