"""Whatever is wrong around a command, it says one sentence and what to do; a traceback is for developers."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from openhotline import cli
from openhotline.commands import common, faults
from openhotline.settings import DEMO_MARK, Settings

ROOT = Path(__file__).resolve().parents[2]


def _run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "openhotline.cli", *words],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("words", "environment", "named"),
    [
        (("queue",), {"OPENHOTLINE_KIND": "playground"}, "OPENHOTLINE_KIND"),
        (("ledger", "verify"), {"OPENHOTLINE_EXIT": "world"}, "OPENHOTLINE_EXIT"),
        (
            ("report", "add", "http://example.org/x"),
            {"OPENHOTLINE_DATABASE_URL": "mysql://user:hunter2@192.0.2.1/x"},
            "OPENHOTLINE_DATABASE_URL",
        ),
    ],
)
def test_unsafe_settings_are_one_sentence(
    words: tuple[str, ...], environment: dict[str, str], named: str, tmp_path: Path
) -> None:
    done = _run(*words, OPENHOTLINE_DATA_DIR=str(tmp_path), **environment)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert named in done.stderr
    assert "hunter2" not in done.stderr


def test_a_database_that_is_away_is_one_sentence(tmp_path: Path) -> None:
    done = _run(
        "queue",
        OPENHOTLINE_DATA_DIR=str(tmp_path),
        OPENHOTLINE_DATABASE_URL="postgresql://nobody@127.0.0.1:9/none",
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "The database cannot be reached" in done.stderr


def test_asked_for_json_the_refusal_is_json(tmp_path: Path) -> None:
    done = _run("ledger", "verify", "--json", OPENHOTLINE_DATA_DIR=str(tmp_path), OPENHOTLINE_KIND="x")
    said = json.loads(done.stdout)
    assert said["code"] == "settings"
    assert said["sentence"] in done.stderr


@pytest.mark.parametrize(
    ("there", "named"),
    [
        (None, "There is no house here yet"),
        (b"", "There is no house here yet"),
        (b"broken" * 999, "restore the newest backup"),
    ],
)
def test_where_no_log_can_be_read_the_verdict_is_incomplete_in_its_promised_shape(
    there: bytes | None, named: str, tmp_path: Path
) -> None:
    if there is not None:
        (tmp_path / "house.sqlite3").write_bytes(there)
    done = _run("ledger", "verify", "--json", OPENHOTLINE_DATA_DIR=str(tmp_path))
    assert done.returncode == 2
    empty = hashlib.sha256().hexdigest()  # RFC 6962, 2.1
    assert json.loads(done.stdout) == {"ok": False, "entries": 0, "root": empty, "first_bad": None}
    assert named in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == ([] if there is None else [tmp_path / "house.sqlite3"])


@pytest.mark.parametrize(
    ("words", "environment", "named"),
    [
        (("owner", "create", "--username", "o"), {"OPENHOTLINE_COUNTRY": "zz"}, "There is: gb"),
        (("owner", "create", "--username", "o"), {"OPENHOTLINE_DATA_DIR": __file__}, "Name another path"),
    ],
)
def test_a_country_without_policy_and_a_folder_that_is_none_are_one_sentence(
    words: tuple[str, ...], environment: dict[str, str], named: str, tmp_path: Path
) -> None:
    done = _run(*words, **{"OPENHOTLINE_DATA_DIR": str(tmp_path), **environment})
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert named in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_mistake_of_ours_is_said_as_one_and_shown_whole_only_when_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> None:
        faults.refusal_of(1 / 0)  # type: ignore[arg-type]

    monkeypatch.setattr(cli, "app", broken)
    monkeypatch.delenv(faults.WHOLE, raising=False)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 70
    assert "mistake in OpenHotline, not in what you gave: ZeroDivisionError" in capsys.readouterr().err
    monkeypatch.setenv(faults.WHOLE, "1")
    with pytest.raises(ZeroDivisionError):
        cli.main()


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("simulate", "--seeds", "1", "--level", "galaxy"), "house or letters"),
        (("crashtest", "--kills", "1", "--database", "mysql"), "sqlite or postgresql"),
        (("outbox", "list", "--state", "gone"), "One of: pending"),
        (("check", "--explain"), "Name the case"),
        (("report", "add", "http://example.org/", "--source", "moon"), "Choose one of"),
        (("staff", "add", "x", "--role", "king", "--pseudonym", "K1"), "not a role"),
    ],
)
def test_an_option_that_is_none_of_its_choices_is_one_sentence_and_exit_two(
    words: tuple[str, ...], named: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    as_json = words[0] not in ("staff",)
    monkeypatch.setattr("sys.argv", ["openhotline", *words, *(["--json"] if as_json else [])])
    monkeypatch.setattr(common, "open_house", lambda **_: None)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    said = capsys.readouterr()
    assert (ended.value.code, len(said.err.splitlines())) == (2, 1)
    assert named in said.err
    assert not as_json or json.loads(said.out)["sentence"] == said.err.strip()


def test_a_strangers_words_neither_vanish_nor_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    common.console.print("news:abc[@]news.example.org [bold]x[/bold] \x1b[2J\x9b31m", highlight=False)
    said = capsys.readouterr().out
    assert "abc[@]news.example.org [bold]x[/bold]" in said
    assert "\x1b" not in said
    assert "\x9b" not in said


def test_a_real_house_is_never_opened_as_a_demo(tmp_path: Path) -> None:
    made = _run("owner", "create", "--username", "owner", OPENHOTLINE_DATA_DIR=str(tmp_path))
    assert made.returncode == 0, made.stderr
    for words in (("report", "add", "http://example.org/x"), ("queue",), ("world", "serve")):
        done = _run(*words, OPENHOTLINE_DATA_DIR=str(tmp_path), OPENHOTLINE_KIND="demo")
        assert done.returncode == 1, words
        assert "real house" in done.stderr, words


def test_a_house_without_any_way_out_says_so_and_still_reads_its_files(tmp_path: Path) -> None:
    where = {"OPENHOTLINE_DATA_DIR": str(tmp_path), "OPENHOTLINE_EXIT": "none"}
    assert _run("owner", "create", "--username", "owner", **where).returncode == 0
    looked = _run("check", **where)
    assert looked.returncode == 1 and "needs at least one exit in OPENHOTLINE_EXITS" in looked.stderr
    where |= {"OPENHOTLINE_EXITS": "tor=socks5://127.0.0.1:9050", "OPENHOTLINE_ONION": "tor"}
    alone = _run("check", **where)
    assert alone.returncode == 1 and "every exit is for onion addresses alone" in alone.stderr
    named = _run("networks", "/dev/null", **where, OPENHOTLINE_MMDB="origin=/nowhere/a.mmdb")
    assert named.returncode == 1 and named.stderr.startswith("/nowhere/a.mmdb cannot be read"), named.stderr


def test_a_command_finds_a_demo_by_its_place_alone_and_never_takes_a_real_house_for_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("OPENHOTLINE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("OPENHOTLINE_DATA_DIR", str(tmp_path))
    assert (Settings().kind, Settings().exit) == ("production", "direct")
    (tmp_path / DEMO_MARK).touch()
    assert (Settings().kind, Settings().exit) == ("demo", "world")
    monkeypatch.setenv("OPENHOTLINE_KIND", "production")
    assert (Settings().kind, Settings().exit) == ("production", "direct"), "what is said aloud counts"
