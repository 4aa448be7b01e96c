"""Whatever is given to a command that cannot be right: one sentence, the right exit code, and nothing written."""

import json
import os
import sys
from collections.abc import Callable

import pytest
from django.contrib.auth.hashers import make_password

from openhotline import cli
from openhotline.jobs import house
from openhotline.ledger.models import Staged
from openhotline.records.models import Partner, Report, Unit, User

Run = Callable[..., tuple[int, str, str]]
LONG = "x" * 5000
NOT_TEXT = os.fsdecode(b"a\xff\xfe")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """The command as a person runs it: (exit code, standard output, standard error)."""

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["openhotline", *words])
        monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "openhotline.django_settings")
        monkeypatch.setenv("OPENHOTLINE_DOOR", "command")
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return int(ended.value.code or 0), said.out, said.err

    return run


@pytest.fixture
def unit(db: None) -> Unit:
    return Unit.objects.create(key="NU", name="National unit", level="national", agreement="authorise-first")


def account(*, pseudonym: str, username: str = "a", role: str = "analyst", **belongs: str) -> tuple[str, ...]:
    more = [word for name, value in belongs.items() for word in (f"--{name}", value)]
    return ("staff", "add", username, "--role", role, "--pseudonym", pseudonym, *more)


@pytest.mark.parametrize(
    ("words", "code", "named"),
    [
        (account(username="", pseudonym="A1"), 1, "username"),
        (account(username=LONG, pseudonym="A1"), 1, "username"),
        (account(username=NOT_TEXT, pseudonym="A1"), 1, "UTF-8"),
        (account(pseudonym="taken"), 1, "pseudonym"),
        (account(pseudonym=LONG), 1, "pseudonym"),
        (account(pseudonym="A1", role="officer", unit="NOPE"), 1, "Known: NU"),
        (account(pseudonym="A1", role="officer"), 1, "--unit"),
        (("owner", "create", "--username", "second"), 1, "has an owner already"),
        (("unit", "reach", "NU", "--mail", "not a mail", "--phone", "1"), 1, "no mail address"),
        (("unit", "reach", "NU", "--mail", "a@b.example", "--phone", LONG), 1, "at most 40"),
        (("partner", "token", ""), 1, "key:"),
        (("partner", "token", LONG), 1, "key:"),
        (("report", "import", __file__, "--partner", LONG), 1, "at most 40"),
        (("contact", "import", "/bin/sh"), 1, "UTF-8"),
        (("case", "show", NOT_TEXT), 1, "UTF-8"),
        (("queue", "--limit", "-1"), 2, "--limit"),
        (("queue", "--limit", "9" * 30), 2, "--limit"),
        (("agreement", "report", "99999"), 2, "year"),
        (("demo", "--once", "--bundle", "-1"), 2, "--bundle"),
        (("simulate", "--seeds", "-1"), 2, "--seeds"),
        (("crashtest", "--kills", "-1"), 2, "--kills"),
        (("world", "serve", "--smtp-port", "99999"), 2, "--smtp-port"),
    ],
)
def test_what_cannot_be_right_is_refused_in_words_and_writes_nothing(
    run: Run, unit: Unit, words: tuple[str, ...], code: int, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Making a house is `house`'s own test; here there is one.
    for step in ("make_places", "migrate", "settle"):
        monkeypatch.setattr(house, step, lambda *given, **more: None)
    User.objects.create(username="owner", role="owner", pseudonym="taken", password=make_password(None))

    def kept() -> list[object]:
        counts: list[object] = [kind.objects.count() for kind in (User, Partner, Report, Staged)]
        return [*counts, *Unit.objects.values_list("mail", "phone")]

    before = kept()
    ended, _, err = run(*words)
    assert ended == code, err
    assert named in err
    assert len(err) < 1_500
    assert kept() == before


@pytest.mark.django_db
def test_an_address_that_is_no_text_is_kept_as_a_report_and_never_refused(run: Run) -> None:
    code, out, err = run("report", "add", NOT_TEXT, "--note", NOT_TEXT, "--reference", LONG, "--json")
    assert code == 0, err
    assert json.loads(out)["incomplete"] == 1
