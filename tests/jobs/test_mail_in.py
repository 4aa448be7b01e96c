"""Mail that comes in: believed only where it can be shown, kept always, and never an instruction."""

import contextlib
import os
import smtplib
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from openhotline.connectors.mail import maildir
from openhotline.connectors.mail.client import UNKNOWN, Receipt, Relay
from openhotline.connectors.relaylog.client import RelayLog
from openhotline.jobs import dispatch
from openhotline.jobs.mailroom import Mailroom
from openhotline.jobs.post import Post
from openhotline.outbox.models import Letter
from openhotline.records import vault
from openhotline.records.models import (
    Contact,
    Delivery,
    HostAnswer,
    Item,
    Mail,
    Notice,
    NoticeMessage,
    Partner,
    Report,
)
from openhotline.rules import inbound as rule
from openhotline.rules import words
from openhotline.rules.refusals import NotPermitted, Refused
from openhotline.steps import alert, contact, doubt, escalate, mailbox, refer, returned
from tests.journeys.cast import CANAL_HOST, HOUSE, minutes

if TYPE_CHECKING:
    from tests.journeys.cast import Day
from tests.jobs.mail_in import (
    DOMAIN,
    ROOT,
    bounce_to,
    noticed,
    plain,
    referred,
    report,
    state_of,
    take,
    xarf_mail,
)

pytestmark = pytest.mark.django_db


NOWHERE = Post(Relay(host="127.0.0.1", port=9), HOUSE, partner_tokens=dict)


def a_log(folder: Path, letter: Letter, status: str) -> RelayLog:
    """What Postfix writes of a letter that it queued."""
    file = folder / "mail.log"
    head = "May 12 12:00:00 relay postfix"
    file.write_text(
        f"{head}/cleanup[1]: 4ABC: message-id=<{letter.key}@{DOMAIN}>\n"
        f"{head}/qmgr[1]: 4ABC: from=<x@{DOMAIN}>, size=9, nrcpt=1 (queue active)\n"
        f"{head}/smtp[1]: 4ABC: to=<{letter.recipient}>, relay=mx.example, dsn=5.1.1, status={status} (said)\n"
    )
    return RelayLog(file, DOMAIN)


def lands(house: "Day", folder: Path, raw: bytes, log: RelayLog | None) -> Mail:
    """One message by the Maildir, as the machine reads it beside its relay's log."""
    place = maildir.make(folder / "mail")
    (place / "new" / "1").write_bytes(raw)
    Mailroom(place, DOMAIN).read(replace(NOWHERE, log=log), policy=house.policy, at=house.now, strict=True)
    return Mail.objects.latest("pk")


@pytest.mark.parametrize("log", ["sent", None])
def test_a_bounce_that_its_recipient_may_have_written_moves_nothing(
    house: "Day", tmp_path: Path, log: str | None
) -> None:
    """It came to the letter's own address, which whoever has the letter can read off it."""
    notice, letter, removal = noticed(house)
    before = [row for row in state_of(house) if not isinstance(row, int)]
    kept = lands(
        house,
        tmp_path,
        report(bounce_to(letter), letter.recipient),
        a_log(tmp_path, letter, log) if log else None,
    )
    assert (kept.kind, kept.settled_at) == ("delivery", None)
    assert "nothing has moved" in kept.why
    assert "Ring them" in kept.why
    assert [row for row in state_of(house) if not isinstance(row, int)] == before
    # However many of them are one question to a person, and the host is reminded and overdue as if there were none.
    for number in range(3):
        take(house, report(bounce_to(letter), letter.recipient, status=f"5.0.{number}"))
    assert Mail.objects.filter(settled_at=None).count() == 1
    for moment in (notice.due_at, notice.ladder_at):
        house.now = moment
        escalate.host_clocks(policy=house.policy, at=house.now)
    assert Letter.objects.get(kind="reminder").recipient == letter.recipient
    assert house.fresh([removal])[0].status == "overdue"
    # They were rung and have it: that is all that is to be done.
    mailbox.settle(kept, note="Rang them, they have it.", by=house.who("P01"), at=house.now)
    assert Contact.objects.get(mail=letter.recipient).usable


@pytest.mark.parametrize("who", ["our relay's log", "a person"])
def test_a_bounce_that_is_borne_out_demotes_and_the_next_contact_is_written_to(
    house: "Day", tmp_path: Path, who: str
) -> None:
    notice, letter, removal = noticed(house)
    other = contact.propose(
        notice.host, "noc@north-rack.example", source="host-page", by=house.who("A07"), at=house.now
    )
    contact.verify(other, by=house.who("P01"), at=house.now)
    house.later(minutes(3))
    raw = report(bounce_to(letter), letter.recipient)
    if who == "a person":
        kept = take(house, raw)
        with pytest.raises(Refused, match="how you know"):
            returned.borne_out(kept, note=" ", by=house.who("P01"), at=house.now)
        with pytest.raises(NotPermitted):
            returned.borne_out(kept, note="x", by=house.people["officer NU"].actor(), at=house.now)
        returned.borne_out(kept, note="Rang them: no such mailbox.", by=house.who("P01"), at=house.now)
    else:
        kept = lands(house, tmp_path, raw, a_log(tmp_path, letter, "bounced"))
    kept.refresh_from_db()
    assert kept.settled_by == ("P01" if who == "a person" else "machine:worker")
    with pytest.raises(Refused, match="settled this already"):
        returned.borne_out(kept, note="Twice.", by=house.who("P01"), at=house.now)
    first = Contact.objects.get(mail=letter.recipient)
    assert (first.usable, first.bounces) == (False, 1)
    (back,) = house.fresh([removal])
    assert back.status == "cleared"
    assert back.t5_sent == removal.t5_sent
    assert Delivery.objects.get(letter=letter.key).state == "bounced"
    house.later(minutes(1))
    house.letters_leave()
    (again,) = house.fresh([removal])
    assert again.status == "noticed"
    assert Notice.objects.latest("pk").contact.mail == "noc@north-rack.example"
    # The same report again, or another one, is no second bounce and asks nobody again.
    take(house, raw)
    take(house, report(bounce_to(letter), letter.recipient, status="5.0.0"))
    first.refresh_from_db()
    assert first.bounces == 1
    assert not Mail.objects.filter(settled_at=None).exists()


def test_a_bounce_of_a_letter_in_doubt_waits_until_the_letter_is_settled(
    house: "Day", tmp_path: Path
) -> None:
    """The line broke after the relay had taken it; its report of non-delivery was faster than the asking."""
    removals = house.traced(house.graded(house.public_report("http://img.example.net/a")))
    house.contact_verified(removals)
    house.answered(house.asked(), words.GO_AHEAD)
    house.later(minutes(2))
    house.traced(house.again([removals[0].item]))

    class Breaking(Post):
        def hand_over(self, letter: Letter) -> Receipt:
            return Receipt(UNKNOWN, "The line broke after DATA.")

    post = Breaking(Relay(host="127.0.0.1", port=9), HOUSE, partner_tokens=dict)
    dispatch.letters(post, policy=house.policy, at=house.now, kinds=["notice"])
    letter = Letter.objects.get(kind="notice")
    assert letter.state == "in doubt"
    raw = report(bounce_to(letter), letter.recipient)
    kept = lands(house, tmp_path, raw, a_log(tmp_path, letter, "bounced"))
    with pytest.raises(Refused, match="in the outbox first"):
        returned.borne_out(kept, note="Rang them.", by=house.who("P01"), at=house.now)
    doubt.settle(letter, arrived=True, policy=house.policy, by=house.who("L01"), at=house.now)
    assert house.fresh(removals)[0].status == "noticed"
    returned.borne_out(kept, note="Rang them.", by=house.who("P01"), at=house.now)
    assert house.fresh(removals)[0].status == "cleared", "nobody was told"
    assert not Contact.objects.get(mail=letter.recipient).usable
    assert Letter.objects.filter(kind="notice", state="contact needed").count() == 1


def test_an_alert_abroad_that_bounces_late_goes_to_the_next_contact(house: "Day") -> None:
    Partner.objects.create(key="hotline-nl", name="partner", kind="hotline", country="NL")
    removals = house.traced(house.graded(house.public_report("http://dijk.example.net/n/1")), CANAL_HOST)
    house.contact_verified(removals)
    host = removals[0].host
    row = alert.register(host, why="their letter", by=house.who("A07"), at=house.now)
    alert.confirm(row, by=house.who("P01"), at=house.now)
    refer.refer_due(at=house.now)
    house.letters_leave()
    alert.hosts_due(at=house.now)
    house.letters_leave()
    (letter,) = house.letters(alert.KIND, "sent")
    kept = take(house, report(bounce_to(letter), letter.recipient))
    assert Contact.objects.get(mail=letter.recipient).usable, "its recipient may have written it"
    returned.borne_out(kept, note="Rang them.", by=house.who("P01"), at=house.now)
    assert alert.hosts_due(at=house.now) == 0, "nobody there can be written to"
    desk = contact.propose(
        host, "desk@canal-hosting.example", source="host-page", by=house.who("A07"), at=house.now
    )
    contact.verify(desk, by=house.who("P01"), at=house.now)
    assert alert.hosts_due(at=house.now) == 1
    assert house.letters(alert.KIND, "pending")[0].recipient == "desk@canal-hosting.example"


@pytest.mark.parametrize(
    ("action", "state"), [("delayed", "deferred"), ("delivered", "delivered"), ("relayed", "delivered")]
)
def test_what_is_no_bounce_is_a_word_about_the_way_and_moves_nothing(
    house: "Day", action: str, state: str
) -> None:
    _, letter, removal = noticed(house)
    take(house, report(bounce_to(letter), letter.recipient, action, "2.0.0"))
    assert Delivery.objects.get(letter=letter.key).state == state
    assert house.fresh([removal])[0].status == "noticed"
    assert Contact.objects.get(mail=letter.recipient).usable


def test_a_bounce_without_the_letters_own_address_is_only_kept(house: "Day") -> None:
    _, letter, _ = noticed(house)
    right = bounce_to(letter)
    before = state_of(house)
    for to in (
        f"hotline@{DOMAIN}",
        right.replace(right[28], "0" if right[28] != "0" else "1"),
        right.replace(DOMAIN, "x.example"),
    ):
        kept = take(house, report(to, letter.recipient))
        assert kept.kind == "unverified"
    assert state_of(house) == before


def test_a_reply_is_a_line_in_the_channel_whose_sender_is_not_verified(house: "Day") -> None:
    notice, letter, removal = noticed(house)
    kept = take(house, plain("All removed, please close.", In_Reply_To=f"<{letter.key}@{DOMAIN}>"))
    assert (kept.kind, kept.notice) == ("threaded", notice)
    assert kept.settled_at is None
    line = NoticeMessage.objects.get()
    assert (line.via, line.who) == ("mail", "mail")
    by_serial = take(house, plain("About it.", Subject=f"Your {notice.number.lower()}"))
    assert by_serial.notice == notice
    (now,) = house.fresh([removal])
    assert (now.status, now.t6_acknowledged) == ("noticed", None)
    assert not HostAnswer.objects.exists()


def test_a_reply_about_a_referral_or_an_alert_stands_with_it_and_moves_nothing(house: "Day") -> None:
    letter = referred(house)
    before = state_of(house)
    by_number = take(house, plain(f"We have passed on {letter.number}."))
    by_message = take(house, plain("Thank you.", In_Reply_To=f"<{letter.key}@{DOMAIN}>"))
    assert [(mail.kind, mail.about, mail.settled_at) for mail in (by_number, by_message)] == [
        ("threaded", letter.number, None)
    ] * 2
    assert take(house, plain("R-26-0999-X")).kind == "unverified", "no such referral"
    assert state_of(house) == before


def test_a_bounce_from_which_nothing_follows_waits_for_a_person(house: "Day") -> None:
    letter = referred(house)
    mail = take(house, report(bounce_to(letter), letter.recipient))
    assert (mail.kind, mail.about, mail.settled_at) == ("delivery", letter.number, None)
    assert "Nobody has it" in mail.why
    late = take(house, report(bounce_to(letter), letter.recipient, "delayed", "4.4.1"))
    assert late.settled_by == "machine:worker"


def test_a_report_by_mail_is_a_report_and_its_sender_stays_sealed(house: "Day") -> None:
    raw = plain(
        "Please look:\nhttp://img.example.net/m\n",
        To=f"report@{DOMAIN}",
        From="Somebody <somebody@elsewhere.example>",
    )
    kept = take(house, raw)
    again = take(house, raw)
    assert kept.pk == again.pk
    assert again.seen == 2
    assert (kept.kind, kept.sender) == ("report", "")
    assert Item.objects.get().canonical == "http://img.example.net/m"
    assert Report.objects.get().source == words.FROM_PUBLIC
    assert b"somebody" not in bytes(kept.sealed)
    assert b"somebody" in vault.open_("mail", bytes(kept.sealed))


def test_a_message_is_settled_by_a_person_with_a_word(house: "Day") -> None:
    kept = take(house, plain("Hello"))
    with pytest.raises(Refused, match="what you did"):
        mailbox.settle(kept, note=" ", by=house.who("A07"), at=house.now)
    mailbox.settle(kept, note="Advertising.", by=house.who("A07"), at=house.now)
    kept.refresh_from_db()
    assert (kept.settled_by, kept.note) == ("A07", "Advertising.")
    assert "Hello" in mailbox.whole(kept, by=house.who("A07"), at=house.now)


def test_a_report_in_xarf_is_filed_with_the_addresses_it_names(house: "Day") -> None:
    kept = take(house, xarf_mail(f"report@{DOMAIN}"))
    assert (kept.kind, kept.sender) == ("report", "")
    assert {item.canonical for item in Item.objects.all()} == {
        "http://img.example.net/x1",
        "http://img.example.net/x2",
    }


def test_the_listener_takes_our_mail_durably_and_nobody_elses(house: "Day", tmp_path: Path) -> None:
    place = tmp_path / "mail"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = (
        "-m",
        "openhotline.connectors.mail.listener",
        "--maildir",
        str(place),
        "--port",
        str(port),
        "--domain",
        DOMAIN,
    )
    process = subprocess.Popen([sys.executable, *command], env={"PATH": os.environ["PATH"]}, cwd=ROOT)
    try:
        end = time.monotonic() + 60
        while True:
            try:
                with socket.create_connection(("127.0.0.1", port), timeout=5):
                    break
            except OSError:
                assert time.monotonic() < end
                assert process.poll() is None
                time.sleep(0.1)
        with contextlib.closing(smtplib.SMTP("127.0.0.1", port, "localhost", timeout=20)) as client:
            raw = plain("http://img.example.net/l", To=f"report@{DOMAIN}")
            client.sendmail("a@elsewhere.example", [f"report@{DOMAIN}"], raw)
            assert [one.name for one in (place / "tmp").iterdir()] == []
            for wrong in ("x@elsewhere.example", f"nobody@{DOMAIN}", f"bounces+1.2@{DOMAIN}"):
                with pytest.raises(smtplib.SMTPRecipientsRefused):
                    client.sendmail("a@elsewhere.example", [wrong], plain())
            assert client.docmd("AUTH", "PLAIN AAAA")[0] >= 500
    finally:
        process.terminate()
        process.wait(20)
    room = Mailroom(place, DOMAIN)
    assert room.read(NOWHERE, policy=house.policy, at=house.now, strict=True) == 1
    assert room.read(NOWHERE, policy=house.policy, at=house.now, strict=True) == 0
    assert Mail.objects.get().kind == "report"
    assert len(list((place / "cur").iterdir())) == 1


def test_a_message_is_durable_before_it_is_there_and_stays_until_it_was_kept(
    house: "Day", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = maildir.make(tmp_path / "mail")
    (place / "tmp" / "half").write_bytes(b"cut off")
    name = maildir.deliver(place, plain())
    assert [one for one, _ in maildir.waiting(place)] == [name]
    room = Mailroom(place, DOMAIN)

    def fails(*_: object, **__: object) -> None:
        raise ValueError("a fault of ours")

    with monkeypatch.context() as patch:
        patch.setattr(mailbox, "receive", fails)
        assert room.read(NOWHERE, policy=house.policy, at=house.now) == 0
    assert (place / "held" / name).read_bytes() == plain()
    assert not Mail.objects.exists()


def test_the_bounce_address_is_of_one_letter_and_cannot_be_guessed() -> None:
    address = rule.bounce_address("ab" * 32, "token", "Hotline.Example")
    assert len(address.partition("@")[0]) <= 64
    found = rule.bounced_to(address.upper(), "hotline.example")
    assert found is not None
    assert rule.proves("token", found[1])
    assert not rule.proves("other", found[1])
    assert rule.bounced_to(address, "other.example") is None
    assert rule.bounced_to("hotline@hotline.example", "hotline.example") is None
