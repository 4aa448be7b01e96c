"""Answers of the police by signed mail: proposals that a person confirms, and nothing else."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pysequoia
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from openhotline.connectors.mail import opaque
from openhotline.records.models import (
    Answer,
    ProposedAnswer,
    Removal,
)
from openhotline.rules import mail_answer, words
from openhotline.rules.refusals import NotPermitted, Refused
from openhotline.steps import consult, mailbox, public_key
from tests.connectors.test_keys import certificate
from tests.journeys.cast import minutes

if TYPE_CHECKING:
    from tests.journeys.cast import Day
from tests.jobs.mail_in import (
    DOMAIN,
    VECTORS,
    a_stranger,
    asked_of,
    closed,
    enveloped,
    opened,
    plain,
    signed_by,
    smime,
    state_of,
    take,
    unit_with_certificate,
    unit_with_key,
    wrapped,
)

pytestmark = pytest.mark.django_db


def test_a_signed_reply_of_the_unit_is_a_proposal_that_a_person_confirms(house: "Day") -> None:
    asked = asked_of(house)
    secret = unit_with_key(house, asked)
    kept = take(house, signed_by(secret, f"Go ahead.\r\nAbout {asked.number}."))
    assert kept.kind == "proposed", kept.why
    assert not Answer.objects.exists()
    row = ProposedAnswer.objects.get()
    with pytest.raises(NotPermitted):
        mailbox.confirm_answer(row, take=True, policy=house.policy, by=house.who("A07"), at=house.now)
    mailbox.confirm_answer(row, take=True, policy=house.policy, by=house.who("P01"), at=house.now)
    assert Answer.objects.get().kind == words.GO_AHEAD
    assert {one.status for one in Removal.objects.all()} == {"cleared"}
    with pytest.raises(Refused, match="settled"):
        mailbox.confirm_answer(row, take=True, policy=house.policy, by=house.who("P01"), at=house.now)


@pytest.mark.parametrize("curve", [False, True])
def test_an_smime_reply_proposes_a_hold_and_comes_only_once(house: "Day", curve: bool) -> None:
    asked = asked_of(house)
    private = (
        ec.generate_private_key(ec.SECP256R1())
        if curve
        else rsa.generate_private_key(public_exponent=65537, key_size=2048)
    )
    cert = unit_with_certificate(house, asked, private)
    until = house.now + minutes(180)
    text = f"Hold until {until:%Y-%m-%d %H:%M} UTC\r\nReason: covert work\r\nOfficer: NU-2\r\n{asked.number}"
    raw = smime(private, cert, text)
    kept = take(house, raw)
    assert kept.kind == "proposed", kept.why
    row = ProposedAnswer.objects.get()
    assert (row.until, row.reason) == (until.replace(second=0, microsecond=0), "covert work")
    again = take(house, raw.replace(b"Subject: Re", b"Subject: Fwd"))
    assert (again.kind, "come before" in again.why) == ("unverified", True)
    for wrong in (
        raw.replace(b"Hold until", b"Hold Until"),
        smime(
            private, certificate(private, days=20, since=3650)[1], f"Go ahead\r\n{asked.number}", Subject="2"
        ).replace(b"Go ahead", b"No interest"),
        smime(*a_stranger(), f"Go ahead\r\n{asked.number}"),
    ):
        odd = take(house, wrong)
        assert (odd.kind, "not with the verified key" in odd.why) == ("unverified", True)
    assert ProposedAnswer.objects.count() == 1
    mailbox.confirm_answer(row, take=True, policy=house.policy, by=house.who("P01"), at=house.now)
    given = Answer.objects.get()
    assert (given.kind, given.until, given.reason) == (words.HOLD, row.until, "covert work")
    assert given.by == house.people["officer NU"]
    assert {one.status for one in Removal.objects.all()} == {"held"}


def test_a_reply_closed_up_in_its_signature_is_opened_and_judged_like_one_in_clear_text(house: "Day") -> None:
    asked = asked_of(house)
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    cert = unit_with_certificate(house, asked, private)
    text = f"Go ahead\r\nOfficer: NU-2\r\n{asked.number}"
    before = state_of(house)
    good = opened(closed(private, cert, text))
    for raw, why in (
        (wrapped(good.replace(b"Go ahead", b"Go  head")), "not with the verified key"),
        (closed(*a_stranger(), text), "not with the verified key"),
        (closed(private, cert, "Go ahead", Subject=asked.number), "does not name"),
        (wrapped(good[:200], Subject=asked.number), "cannot be opened"),
        (wrapped(good + bytes(opaque.MAX_BYTES), Subject=asked.number), "cannot be opened"),
        (wrapped(enveloped(cert, text), "enveloped-data", Subject=asked.number), "sign without encrypting"),
        (wrapped(enveloped(cert, text), "signed-data", Subject="Re"), "no key that opens mail"),
        (wrapped(enveloped(cert, text), To=f"report@{DOMAIN}"), "no key that opens mail"),
    ):
        kept = take(house, raw)
        assert (kept.kind, kept.settled_at) == ("unverified", None), why
        assert why in kept.why
    assert state_of(house) == before
    # Relays and mail programs rename the type; what it is, its bytes say.
    kept = take(house, wrapped(good, Content_Type='application/octet-stream; name="smime.p7m"'))
    assert (kept.kind, kept.text.splitlines()[0]) == ("proposed", "Go ahead"), kept.why
    assert not Answer.objects.exists()
    again = take(house, wrapped(good, Subject="Fwd"))
    assert (again.kind, "come before" in again.why) == ("unverified", True)
    mailbox.confirm_answer(
        ProposedAnswer.objects.get(), take=True, policy=house.policy, by=house.who("P01"), at=house.now
    )
    assert Answer.objects.get().by == house.people["officer NU"]


def test_a_signed_reply_never_undoes_what_the_unit_has_answered_since(house: "Day") -> None:
    """A go-ahead signed at nine waits for its confirmation; at ten the unit holds, about the same in another question."""
    asked = asked_of(house)
    take(house, signed_by(unit_with_key(house, asked), f"Go ahead\r\n{asked.number}"))
    again = consult.ask_police(
        list(Removal.objects.select_related("item", "host")),
        unit=asked.unit,
        agreement=house.policy.agreements.standing(house.now),
        by=house.who("P01"),
        at=house.now,
        zone=house.policy.zone,
        passed_from=asked,
    )
    house.now = datetime.now(UTC) + minutes(60)
    house.answered(again, words.HOLD, review_at=house.now + minutes(60), reason="covert work")
    row = ProposedAnswer.objects.get()
    with pytest.raises(Refused, match="the later answer holds"):
        mailbox.confirm_answer(row, take=True, policy=house.policy, by=house.who("P01"), at=house.now)
    assert Removal.objects.get().status == "held" and row.settled_at is None
    mailbox.confirm_answer(row, take=False, policy=house.policy, by=house.who("P01"), at=house.now)


def test_a_signature_older_than_the_units_latest_answer_proposes_nothing(house: "Day") -> None:
    asked = asked_of(house)
    raw = signed_by(unit_with_key(house, asked), f"Go ahead\r\n{asked.number}")
    house.answered(asked, words.HOLD, review_at=house.now + minutes(60), reason="covert work")
    Answer.objects.update(at=datetime.now(UTC) + minutes(1))
    kept = take(house, raw)
    assert (kept.kind, "The later one holds" in kept.why) == ("unverified", True)


@pytest.mark.parametrize(("name", "unit"), [("ber", "unit"), ("pss", "unit"), ("closed", "closed")])
def test_a_signature_as_other_programs_write_it_is_read(house: "Day", name: str, unit: str) -> None:
    """Made by `openssl cms -sign`: with lengths of BER, as some mail programs leave them, with PSS padding, and closed up."""
    asked = asked_of(house)
    assert asked.number == "P-26-0001-E"
    row = public_key.propose(
        asked.unit, (VECTORS / f"{unit}.pem").read_text(), by=house.who("P01"), at=house.now
    )
    public_key.verify(row, row.fingerprint, by=house.who("A07"), at=house.now)
    kept = take(house, (VECTORS / f"{name}.eml").read_bytes())
    assert kept.kind == "proposed", kept.why


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("Hold until tomorrow", "must begin with"),
        ("Hold until 2026-05-12 18:00", "must begin with"),
        ("Hold until 2026-02-30 18:00 UTC", "no"),
        ("Hold\nReason: none of yours", "reason is none of"),
        ("> Go ahead", "must begin with"),
        ("", "must begin with"),
    ],
)
def test_what_a_signed_mail_says_by_halves_is_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        mail_answer.read(text)


def test_a_signed_reply_that_is_not_confirmed_is_none(house: "Day") -> None:
    asked = asked_of(house)
    take(house, signed_by(unit_with_key(house, asked), f"No interest\r\n{asked.number}"))
    mailbox.confirm_answer(
        ProposedAnswer.objects.get(), take=False, policy=house.policy, by=house.who("P01"), at=house.now
    )
    assert not Answer.objects.exists()


def test_what_is_signed_otherwise_is_shown_as_unverified(house: "Day") -> None:
    asked = asked_of(house)
    ours, stranger = unit_with_key(house, asked), pysequoia.Tsk.generate("Desk <desk@police.example>")
    good = signed_by(ours, f"Go ahead\r\n{asked.number}")
    before = state_of(house)
    for raw, why in (
        (signed_by(stranger, f"Go ahead\r\n{asked.number}"), "not with the verified key"),
        (good.replace(b"Go ahead", b"Go  head"), "not with the verified key"),
        (signed_by(ours, "Go ahead", Subject=f"{asked.number}"), "does not name"),
        (signed_by(ours, f"Perhaps\r\n{asked.number}"), "must begin"),
        (plain(f"Go ahead\n{asked.number}", From="desk@police.example"), "not signed"),
    ):
        kept = take(house, raw)
        assert (kept.kind, kept.unit) == ("unverified", asked.unit)
        assert why in kept.why
    assert state_of(house) == before
