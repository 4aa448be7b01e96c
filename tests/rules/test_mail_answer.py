"""What a unit's signed mail proposes: by its first line, with a time that has a zone, and nothing quoted."""

from datetime import UTC, datetime

import pytest

from openhotline.rules import words
from openhotline.rules.agreement import HOLD_REASONS
from openhotline.rules.mail_answer import SAYS, MailAnswer, read
from openhotline.rules.refusals import Refused

SIX = datetime(2026, 5, 12, 18, 0, tzinfo=UTC)


def test_the_first_line_says_what_is_meant() -> None:
    for said, kind in SAYS.items():
        waits = kind in ("hold", "refuse")
        assert read(f"\n  {said.upper()}.\nregards") == MailAnswer(kind, reason="other" if waits else "")
    for zone in ("UTC", "utc", "Z", "z", "+00:00"):
        assert read(f"Hold  until 2026-05-12 18:00 {zone}").until == SIX
    for moment in ("2026-05-12T20:00+02:00", "2026-05-12 16:30 -01:30"):
        answer = read(f"go ahead after {moment}")
        assert (answer.kind, answer.until, answer.reason) == (words.GO_AHEAD_AFTER, SIX, "other")
        assert answer.until is not None and answer.until.tzinfo is UTC


def test_lines_below_name_reason_reference_and_officer() -> None:
    said = "hold\nReason: Covert work.\nREFERENCE :  OP 7\nofficer: N-2\nsome: thing\nofficer:\n> reference: quoted\n"
    assert read(said) == MailAnswer("hold", None, "covert work", "OP 7", "N-2")
    assert read(f"go ahead\nreason: {HOLD_REASONS[0]}").reason == "", "a go-ahead waits for nothing"
    long = read(f"hold\nreference: {'r' * 300}\nofficer: {'o' * 300}")
    assert (len(long.reference), len(long.officer)) == (200, 80)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "words"), ("please\nhold", "words"), ("> go ahead", "words"), ("  > go ahead\nno idea", "words"),
        ("hold until 2026-05-12 18:00", "words"), ("hold until tomorrow", "words"), ("go ahead!", "words"),
        ("hold\nreason: a whim", "reason"), ("go ahead\nreason: a whim", "reason"),
        ("hold until 2026-02-30 18:00 UTC", "until"), ("hold until 0001-01-01 00:00 +23:00", "until"),
    ],
)  # fmt: skip
def test_anything_else_is_refused_with_what_it_should_have_said(text: str, code: str) -> None:
    with pytest.raises(Refused) as refused:
        read(text)
    assert refused.value.code == code


def test_what_is_quoted_above_is_nobodys_word() -> None:
    assert read("> hold\n go ahead").kind == words.GO_AHEAD
