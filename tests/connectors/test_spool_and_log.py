"""The spool folder takes a letter once whatever breaks; the relay's log is believed only for what it says."""

import functools
import gzip
import os
from pathlib import Path

import pytest

from openhotline.connectors.receipt import ACCEPTED, REFUSED, TEMPORARY
from openhotline.connectors.relaylog.client import RelayLog, ask
from openhotline.connectors.relaylog.fake import FakeLog
from openhotline.connectors.spool import client
from openhotline.connectors.spool.client import Spool, send
from openhotline.connectors.spool.fake import FakePickup

KEY, OTHER = "a" * 64, "b" * 64
LETTER = b"From: a@hotline.example\r\nTo: b@host.example\r\n\r\nhello\r\n"


def test_the_same_letter_handed_over_again_is_one_letter(tmp_path: Path) -> None:
    spool, pickup = Spool(tmp_path), FakePickup(tmp_path)
    assert [send(LETTER, spool, key=KEY).outcome for _ in range(3)] == [ACCEPTED] * 3
    assert pickup.pick_up() == 1
    assert send(LETTER, spool, key=KEY).outcome == ACCEPTED
    assert pickup.pick_up() == 0, "what was picked up is never there again"
    assert send(LETTER, spool, key=OTHER).outcome == ACCEPTED
    assert pickup.pick_up() == 1
    assert pickup.taken == [(KEY, LETTER), (OTHER, LETTER)]


def test_a_crash_at_every_call_leaves_one_letter_after_the_next_try(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ended before and after each link, sync and unlink; then handed over again; with and without a pick-up."""
    real = {"link": os.link, "fsync": os.fsync, "open": os.open}

    class Killed(BaseException):
        pass

    class Calls:
        """Counts the calls and the returns of what `client` asks of the system; ends at one of them."""

        def __init__(self, end: int) -> None:
            self.end, self.count = end, 0

        def pass_through(self, name: str, *given: object, **more: object) -> object:
            self.tick()
            done = real[name](*given, **more)  # type: ignore[operator]
            self.tick()
            return done

        def tick(self) -> None:
            self.count += 1
            if self.count == self.end:
                raise Killed

    points = 0
    for picked_between in (True, False):
        for end in range(1, 60):
            folder = tmp_path / f"{picked_between}-{end}"
            folder.mkdir()
            pickup, calls = FakePickup(folder), Calls(end)
            with monkeypatch.context() as patch:
                for name in real:
                    patch.setattr(client.os, name, functools.partial(calls.pass_through, name))
                try:
                    send(LETTER, Spool(folder), key=KEY)
                    ended = False
                except Killed:
                    ended = True
            if picked_between:
                pickup.pick_up()
            known = client.ask(Spool(folder), key=KEY)
            assert (known == "taken") is bool(pickup.taken or (folder / "new" / f"{KEY}.eml").exists())
            assert send(LETTER, Spool(folder), key=KEY).outcome == ACCEPTED
            pickup.pick_up()
            assert [key for key, _ in pickup.taken] == [KEY], (end, picked_between)
            if not ended:
                break
            points += 1
    assert points >= 20, "both links, three syncs and their returns were points of death"


def test_another_letter_under_a_known_key_is_refused_and_a_full_disk_is_not_now(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    send(LETTER, spool, key=KEY)
    assert send(LETTER + b"x", spool, key=KEY).outcome == REFUSED
    assert send(LETTER, Spool(tmp_path / "nowhere"), key=KEY).outcome == TEMPORARY
    with pytest.raises(ValueError, match="64 hexadecimal"):
        send(LETTER, spool, key="../etc")


@pytest.mark.parametrize("kind", ["postfix", "exim"])
@pytest.mark.parametrize("status", ["sent", "bounced", "deferred"])
def test_a_log_names_what_was_queued_and_what_became_of_it(tmp_path: Path, kind: str, status: str) -> None:
    log = FakeLog(tmp_path / "mail.log", kind=kind)
    queue = log.taken(KEY, status)
    read, written = ask(RelayLog(log.file, "hotline.example"))
    assert written is not None
    assert (read.taken[KEY].queue, read.taken[KEY].status) == (queue, status)
    assert ask(RelayLog(log.file, "other.example"))[0].taken == {}


def test_a_message_id_alone_is_not_a_letter_that_was_taken(tmp_path: Path) -> None:
    log = FakeLog(tmp_path / "mail.log")
    log.named(KEY)
    assert ask(RelayLog(log.file, "hotline.example"))[0].taken == {}


def test_rotated_and_half_written_lines(tmp_path: Path) -> None:
    log = FakeLog(tmp_path / "mail.log")
    log.taken(KEY)
    (tmp_path / "mail.log.2.gz").write_bytes(gzip.compress(log.file.read_bytes()))
    log.file.unlink()
    log.taken(OTHER)
    text = log.file.read_text()
    read, _ = ask(RelayLog(log.file, "hotline.example"))
    assert list(read.taken) == [KEY, OTHER]
    queued = text.index("(queue active)")
    log.file.write_text(text[:queued])
    assert list(ask(RelayLog(log.file, "hotline.example"))[0].taken) == [KEY]
    assert ask(RelayLog(tmp_path / "none", "hotline.example")) == (type(read)(), None)
