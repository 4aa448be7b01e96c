"""Letters arrive over real SMTP, and whoever they are for reacts as the scenario says."""

import smtplib
from datetime import timedelta

import pytest

from openhotline.world.serve import World
from tests.world.letters import send, state, up

ONE, TWO = "http://img.example.net/set/one", "http://img.example.net/set/two"
NORTH = "abuse@northrack.example"
MINUTES = timedelta(minutes=1)


def later(world: World, minutes: float) -> None:
    world.clock.jump(world.clock.now() + minutes * MINUTES)


def test_a_plain_mail_client_is_served_and_a_dead_mailbox_bounces(world: World) -> None:
    with smtplib.SMTP(*world.smtp, local_hostname="localhost", timeout=5) as smtp:
        smtp.sendmail("a@hotline.example", ["noc@oldmill.example"], b"Subject: Hello\r\n\r\nText.\r\n")
        with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
            smtp.sendmail("a@hotline.example", ["abuse@oldmill.example"], b"Subject: Hello\r\n\r\nText.\r\n")
        assert refused.value.recipients["abuse@oldmill.example"][0] == 550
    (letter,) = world.mail()
    assert (letter["subject"], letter["recipients"]) == ("Hello", ["noc@oldmill.example"])
    assert [r["code"] for r in world.state()["refused"]] == [550]


def test_a_mailbox_outside_the_reserved_names_does_not_exist(world: World) -> None:
    receipt = send(world, "somebody@elsewhere.invalid")
    assert (receipt.outcome, receipt.code) == ("refused", 550)
    assert world.mail() == []


@pytest.mark.parametrize("machine_readable", [True, False])
def test_a_host_removes_what_a_notice_lists_forty_minutes_later(world: World, machine_readable: bool) -> None:
    receipt = send(
        world, NORTH, serial="N-26-0001-A", addresses=[ONE, TWO], machine_readable=machine_readable
    )
    assert receipt.outcome == "accepted"
    assert receipt.reference == "W000001"
    (letter,) = world.mail()
    assert (letter["stage"], letter["serial"], letter["reacted"]) == ("notice", "N-26-0001-A", 2)
    assert letter["addresses"] == [ONE, TWO]
    assert letter["xarf"] == (2 if machine_readable else 0)
    later(world, 39)
    assert up(world, ONE, TWO) == ["up", "up"]
    later(world, 1)
    assert up(world, ONE, TWO) == ["gone", "gone"]
    assert up(world, "http://img.example.net/view?id=17") == ["up"]


def test_the_same_notice_twice_is_seen_to_be_a_repeat_and_starts_nothing_anew(world: World) -> None:
    send(world, NORTH, serial="N-26-0001-A", addresses=[ONE])
    later(world, 30)
    send(world, NORTH, serial="N-26-0001-A", addresses=[ONE])
    assert [(letter["repeat"], letter["reacted"]) for letter in world.mail()] == [(False, 1), (True, 0)]
    later(world, 10)
    assert up(world, ONE) == ["gone"]


def test_a_notice_to_the_wrong_host_moves_nobody(world: World) -> None:
    send(world, "abuse@quaydata.example", serial="N-26-0002-B", addresses=[ONE])
    later(world, 600)
    assert world.mail()[0]["reacted"] == 0
    assert up(world, ONE) == ["up"]


def test_slow_hosting_does_nothing_until_it_is_reminded(world: World) -> None:
    url, desk = "http://slow.example.org/s/6", "abuse@slow.example"
    send(world, desk, serial="N-26-0003-C", addresses=[url])
    later(world, 240)
    assert up(world, url) == ["up"]
    send(world, desk, serial="N-26-0003-C", subject="Reminder: notice N-26-0003-C is not done yet", key="R1")
    assert [letter["stage"] for letter in world.mail()] == ["notice", "reminder"]
    later(world, 45)
    assert up(world, url) == ["gone"]


def test_mute_hosting_does_nothing_until_somebody_above_it_is_written_to(world: World) -> None:
    url, desk, serial = "http://mute.example.com/m/8", "abuse@mute.example", "N-26-0004-D"
    send(world, desk, serial=serial, addresses=[url])
    send(world, desk, serial=serial, key="R1")
    later(world, 24 * 60)
    assert up(world, url) == ["up"]
    send(world, "managers@hotline.example", subject=f"{serial}: not removed within a day", key="L1")
    assert world.mail()[-1]["stage"] == "ladder"
    later(world, 50)
    assert up(world, url) == ["gone"]


def test_what_was_removed_comes_back_after_three_days_and_goes_for_good_the_second_time(world: World) -> None:
    url = "http://again.example.com/x/4"
    send(world, NORTH, serial="N-26-0005-E", addresses=[url])
    later(world, 20)
    assert up(world, url) == ["gone"]
    later(world, 3 * 24 * 60)
    assert up(world, url) == ["up"]
    send(world, NORTH, serial="N-26-0006-F", addresses=[url])
    later(world, 15)
    assert up(world, url) == ["gone"]
    later(world, 90 * 24 * 60)
    assert up(world, url) == ["gone"]


def test_what_moves_after_the_notice_is_removed_by_the_police_of_the_new_country(world: World) -> None:
    url = "http://runner.example.org/a/3"
    send(world, NORTH, serial="N-26-0007-G", addresses=[url])
    later(world, 30)
    assert (state(world, url)["country"], state(world, url)["state"]) == ("XA", "up")
    subject = "R-26-0001-A: 2 hosted in XA, for the police there"
    send(world, "duty@national.police.example", subject=subject, key="P1")
    assert world.mail("police.example")[0]["stage"] == "referral-police"
    later(world, 2 * 24 * 60)
    assert up(world, url, "http://isle.example.org/q/1") == ["gone", "gone"]


def test_police_letters_are_kept_apart(world: World) -> None:
    send(world, "duty@national.police.example", subject="C-26-0001-A: 3 on one host")
    send(world, NORTH, serial="N-26-0008-H", addresses=[ONE])
    assert [letter["stage"] for letter in world.mail()] == ["police", "notice"]
    assert [letter["subject"] for letter in world.mail("police.example")] == ["C-26-0001-A: 3 on one host"]


@pytest.mark.parametrize(
    ("word", "outcome", "kept"),
    [
        ("bounce", "refused", 0),
        ("later", "temporary", 0),
        ("timeout", "temporary", 0),
        ("cut-off", "temporary", 0),
        ("timeout-content", "unknown", 1),
        ("cut-off-content", "unknown", 1),
    ],
)
def test_a_mail_server_can_fail_in_every_way(world: World, word: str, outcome: str, kept: int) -> None:
    world.script("switch", area="mail", key="northrack.example", word=word)
    receipt = send(world, NORTH, serial="N-26-0009-J", addresses=[ONE], timeout_s=0.5)
    assert receipt.outcome == outcome
    assert len(world.mail()) == kept
    world.script("switch", area="mail", key="northrack.example", word="normal")
    assert send(world, NORTH, serial="N-26-0009-J", addresses=[ONE]).outcome == "accepted"
    assert world.mail()[-1]["repeat"] is bool(kept)


def test_a_letter_of_rubbish_is_kept_and_harms_nothing(world: World) -> None:
    rubbish = (
        b"X-Notice: =?utf-8?q?=FF\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n"
        b"--x\r\nContent-Type: application/json\r\n\r\n[1,\r\n--x\r\nContent-Type: text/plain; charset=none\r\n\r\n\xff\xfe\r\n--x--\r\n"
    )
    with smtplib.SMTP(*world.smtp, local_hostname="localhost", timeout=5) as smtp:
        smtp.sendmail("a@hotline.example", [NORTH], rubbish)
    assert world.mail()[0]["addresses"] == []
    assert send(world, NORTH).outcome == "accepted"
