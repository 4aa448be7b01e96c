"""The form as a person meets it: the address is safe after page 1, and every later page only adds."""

import errno
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test.client import MULTIPART_CONTENT

from openhotline.records.spool import OPENED, SENT, Spool, SpoolFull
from openhotline.web.public import drafts, drawer, forms
from tests.web.public_door import HOUR, NOW, PublicDoor, open_door

ADDRESS = "https://img.example.net/a/7f3c"


@pytest.fixture
def door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PublicDoor]:
    with open_door(tmp_path, monkeypatch) as opened:
        yield opened


def to_the_end(door: PublicDoor, follow: str = "code") -> str:
    """Walk to the check page; its address."""
    what = door.step("/report", url=ADDRESS)
    hear = door.step(what, kind="image", help="third picture down")
    return door.step(hear, follow=follow)


def test_four_pages_and_a_receipt(door: PublicDoor) -> None:
    check = to_the_end(door)
    page = door.get(check).content.decode()
    assert ADDRESS in page
    assert "Sexual images or videos of someone under 18" in page
    assert "third picture down" in page
    assert "A seven-word code" in page

    receipt = door.get(door.step(check)).content.decode()

    words = re.findall(r"<li><small>\d</small>([a-z-]+)</li>", receipt)
    assert len(words) == 7
    assert "Report sent, Tuesday 12 May 2026" in receipt
    [(_, opened), (kind, sent)] = door.filed()
    assert kind == SENT
    assert sent.report_id == opened.report_id
    assert (sent.lines, sent.seen, sent.help_text, sent.follow) == (
        (ADDRESS,),
        "image",
        "third picture down",
        "code",
    )
    assert sent.complete
    assert re.fullmatch("[0-9a-f]{64}", sent.receipt_hash)


def test_a_report_left_after_page_one_is_in_the_spool(door: PublicDoor) -> None:
    door.step("/report", url=f"{ADDRESS}\r\nhxxp://example[.]org/x\r\n\r\n")

    [(kind, report)] = door.filed()
    assert kind == OPENED
    assert report.lines == (ADDRESS, "hxxp://example[.]org/x")
    assert not report.complete
    assert report.follow == "none"


def test_the_hour_is_outside_and_the_minute_only_inside_the_seal(door: PublicDoor) -> None:
    door.step("/report", url=ADDRESS)
    [(_, report)] = door.filed()
    assert report.received_at == HOUR
    assert report.exact_at == NOW


def test_nothing_of_the_report_lies_readable_on_the_disk(door: PublicDoor) -> None:
    check = to_the_end(door, follow="mail")
    door.step(check, mail="name@example.org")
    for path in door.house.data_dir.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            for secret in (b"img.example.net", b"third picture", b"name@example.org"):
                assert secret not in data, path


def rows(folder: Path) -> list[tuple[bytes, bytes]]:
    """Name and sealed bytes of every draft and receipt that is kept."""
    with closing(sqlite3.connect(folder / drawer.FILE)) as file:
        return file.execute("SELECT name, sealed FROM draft").fetchall()


def test_the_disk_does_not_hold_the_key_to_a_draft(door: PublicDoor) -> None:
    what = door.step("/report", url=ADDRESS)
    token = what.split("/")[2]
    folder = door.house.data_dir / "drafts"
    assert len(rows(folder)) == 1
    for file in folder.iterdir():
        assert token.encode() not in file.read_bytes()
        assert file.stat().st_mode & 0o077 == 0, "nobody else reads it"
    assert drafts.load(folder, "A" * 43) is None
    assert drafts.load(folder, token) is not None


def test_a_draft_that_was_erased_is_not_on_the_disk_any_more(door: PublicDoor) -> None:
    door.step(to_the_end(door))
    folder = door.house.data_dir / "drafts"
    written = [sealed for _, sealed in rows(folder)]
    assert any(sealed in file.read_bytes() for sealed in written for file in folder.iterdir())
    assert drafts.sweep(folder, now=time.time() + drafts.WORDS_SECONDS + 1) == 1
    assert not any(sealed in file.read_bytes() for sealed in written for file in folder.iterdir())


def test_drafts_damaged_by_a_power_cut_are_begun_anew(door: PublicDoor) -> None:
    what = door.step("/report", url=ADDRESS)
    folder = door.house.data_dir / "drafts"
    drawer.drawer(folder).close()
    for file in folder.iterdir():
        file.write_bytes(b"\xff" * 8192)
    assert door.get(what).status_code == 410
    assert door.get(door.step("/report", url=ADDRESS)).status_code == 200
    assert len(door.filed()) == 2, "what page 1 brought lies in the spool, whatever became of the draft"


def test_email_is_a_fifth_page_and_is_asked_for_only_then(door: PublicDoor) -> None:
    mail = to_the_end(door, follow="mail")
    assert mail.endswith("/mail")
    assert "Page 4 of 5" in door.get(mail).content.decode()

    slip = door.press(mail, mail="name at example")
    assert slip.status_code == 422
    assert 'value="name at example"' in slip.content.decode(), "what was typed is kept"

    check = door.step(mail, mail=" name@example.org ")
    receipt = door.get(door.step(check)).content.decode()
    _, sent = door.filed()[-1]
    assert sent.mail == "name@example.org"
    assert sent.receipt_hash == ""
    assert "seven words" not in receipt
    assert "name@example.org" not in receipt


def test_choosing_otherwise_forgets_the_email(door: PublicDoor) -> None:
    mail = to_the_end(door, follow="mail")
    check = door.step(mail, mail="name@example.org")
    check = door.step(check.replace("/send", "/hear"), follow="none")
    door.step(check)
    _, sent = door.filed()[-1]
    assert (sent.follow, sent.mail) == ("none", "")


def test_changing_one_answer_leads_back_to_the_check_page(door: PublicDoor) -> None:
    check = to_the_end(door)
    assert door.step(check.replace("/send", "/where"), url="https://example.org/other") == check
    assert door.step(check.replace("/send", "/what"), kind="drawn") == check
    door.step(check)

    kinds = [(kind, report.lines) for kind, report in door.filed()]
    assert kinds == [
        (OPENED, (ADDRESS,)),
        (OPENED, ("https://example.org/other",)),
        (SENT, ("https://example.org/other",)),
    ]
    assert len({report.report_id for _, report in door.filed()}) == 1


def test_pressing_send_twice_sends_the_same_and_shows_the_same_words(door: PublicDoor) -> None:
    check = to_the_end(door)
    token = check.split("/")[2]
    draft = drafts.load(door.house.data_dir / "drafts", token)
    assert draft is not None
    receipt = door.step(check)
    drafts.save(door.house.data_dir / "drafts", {token: draft})  # the other press had read it already
    assert door.step(check) == receipt
    assert door.step(check) == receipt, "and a third, when the draft is gone, only shows the receipt"

    sent = [report for kind, report in door.filed() if kind == SENT]
    assert len(sent) == 2
    assert sent[0] == sent[1]


def test_the_words_can_be_saved_and_are_gone_after_a_quarter_of_an_hour(door: PublicDoor) -> None:
    receipt = door.step(to_the_end(door))
    saved = door.get(receipt.replace("/receipt", "/seven-words.txt"))
    assert saved["Content-Disposition"] == 'attachment; filename="seven-words.txt"'
    assert len(re.findall(r"^\d\. [a-z-]+$", saved.content.decode(), re.MULTILINE)) == 7
    assert "abuse" not in saved.content.decode(), "a file on a shared phone does not name the subject"
    assert door.get(receipt).status_code == 200, "a reload works"

    folder = door.house.data_dir / "drafts"
    assert len(rows(folder)) == 1, "what was typed is erased"
    assert drafts.sweep(folder, now=time.time() + drafts.WORDS_SECONDS - 60) == 0
    assert drafts.sweep(folder, now=time.time() + drafts.WORDS_SECONDS + 1) == 1

    gone = door.get(receipt)
    assert gone.status_code == 410
    assert "Nothing changes for it." in gone.content.decode()


def test_a_draft_is_swept_after_two_hours_and_the_page_says_what_is_kept(door: PublicDoor) -> None:
    what = door.step("/report", url=ADDRESS)
    folder = door.house.data_dir / "drafts"
    assert drafts.sweep(folder, now=time.time() + 3600) == 0
    assert drafts.sweep(folder, now=time.time() + drafts.DRAFT_SECONDS + 1) == 1

    gone = door.get(what)
    assert gone.status_code == 410
    assert "What you gave us on page 1 is kept." in gone.content.decode()


def test_an_empty_page_one_asks_gently_and_once(door: PublicDoor) -> None:
    asked = door.press("/report", url=" \r\n ")
    page = asked.content.decode()
    assert asked.status_code == 422
    assert "Paste the address that starts with http." in page
    assert 'href="/report/app"' in page
    assert door.filed() == []

    what = door.step("/report", url="", asked="1")
    hear = door.step(what, help="on a site with a blue fish")
    door.step(door.step(hear, follow="none"))
    [(kind, sent)] = door.filed()
    assert (kind, sent.lines, sent.help_text) == (SENT, (), "on a site with a blue fish")


def test_an_app_a_game_or_a_chat_becomes_a_line(door: PublicDoor) -> None:
    assert door.press("/report/app", place="").status_code == 422
    door.step("/report/app", place="A block game", who="player 17\r\nblue room")
    [(_, report)] = door.filed()
    assert report.lines == ("App, game or chat: A block game; Name or channel: player 17 blue room",)


@pytest.mark.parametrize(
    "odd",
    [
        "javascript:alert(1)",
        "not an address at all",
        "https://user:secret@example.org/",
        "https://xn--\u00e4\u00f6.example/\u202e\u0007\x0b\x1c",
        "https://example.org/" + "a" * 100_000,
        "<script>alert(1)</script>",
        "\x00",
    ],
)
def test_nothing_is_refused_for_being_odd(door: PublicDoor, odd: str) -> None:
    what = door.step("/report", url=odd)
    check = door.step(door.step(what), follow="code")
    page = door.get(check).content.decode()
    assert "<script" not in page
    assert len(page) < 30_000
    door.step(check)
    assert [report.lines for _, report in door.filed()] == [(odd,), (odd,)]


def test_bytes_that_are_no_text_are_kept_readable(door: PublicDoor) -> None:
    response = door.generic(
        "POST",
        "/report",
        b"url=https%3A%2F%2Fexample.org%2F%ff\xfe",
        content_type="application/x-www-form-urlencoded",
    )
    assert response.status_code == 303
    [(_, report)] = door.filed()
    assert report.lines == ("https://example.org/\\xff\\xfe",)


def test_ten_thousand_lines_are_kept_and_few_are_shown(door: PublicDoor) -> None:
    lines = tuple(f"https://example.org/{number}" for number in range(10_000))
    what = door.step("/report", url="\r\n".join(lines))
    check = door.step(door.step(what), follow="code")
    assert "and 9,995 more" in door.get(check).content.decode()
    assert door.filed()[0][1].lines == lines


@pytest.mark.parametrize("form", [MULTIPART_CONTENT, "application/x-www-form-urlencoded"])
def test_of_more_than_a_megabyte_the_front_is_kept_and_the_person_is_told(
    door: PublicDoor, form: str
) -> None:
    good, long = f"{ADDRESS}\r\nhttp://b.example.org/2", "http://c.example.org/" + "c" * 1_500_000
    given: Any = {"url": f"{good}\r\n{long}"}
    response = door.post(
        "/report", given if form == MULTIPART_CONTENT else urlencode(given), content_type=form
    )
    assert response.status_code == 303
    for path in (what := str(response["Location"]), check := door.step(door.step(what), follow="code")):
        assert "Only the first megabyte is part of this report." in door.get(path).content.decode()
    door.step(check)
    (_, opened), (_, sent) = door.filed()
    for report in (opened, sent):
        assert report.lines == (ADDRESS, "http://b.example.org/2"), "half an address is no address"
        assert long.startswith(report.raw)
        assert 1_000_000 < len(report.raw) < 1024 * 1024
        assert report.odd == forms.CUT


def test_one_address_longer_than_a_page_is_kept_as_far_as_the_page_reaches(door: PublicDoor) -> None:
    door.step("/report", url="http://c.example.org/" + "c" * 1_500_000)
    [(_, report)] = door.filed()
    assert (report.lines, report.odd, report.raw[:21]) == ((), forms.CUT, "http://c.example.org/")


def test_an_attached_file_is_never_read(door: PublicDoor, tmp_path: Path) -> None:
    attached = tmp_path / "note.bin"
    attached.write_bytes(b"not for us" * 1000)
    with attached.open("rb") as file:
        response = door.post("/report", {"url": ADDRESS, "file": file})
    assert response.status_code == 303
    attached.unlink()
    [(_, report)] = door.filed()
    assert report.lines == (ADDRESS,)
    assert report.files == ()


def test_a_full_disk_claims_nothing(door: PublicDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object) -> None:
        raise SpoolFull("The disk is full.")

    monkeypatch.setattr(Spool, "append", full)
    response = door.press("/report", url=ADDRESS)
    page = response.content.decode()
    assert response.status_code == 503
    assert "Nothing was sent." in page
    assert "we keep the address" not in page


def test_a_full_disk_after_page_one_says_that_page_one_is_kept(
    door: PublicDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(drafts, "_write", full)
    response = door.press("/report", url=ADDRESS)
    assert response.status_code == 503
    assert "We have what you gave us on page 1" in response.content.decode()
    assert len(door.filed()) == 1


def test_sending_on_a_full_disk_keeps_the_draft_for_another_try(
    door: PublicDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = to_the_end(door)
    with monkeypatch.context() as patch:
        patch.setattr(Spool, "append", lambda *args: (_ for _ in ()).throw(SpoolFull("full")))
        assert door.press(check).status_code == 503
    assert door.step(check).endswith("/receipt")


def test_a_get_changes_nothing(door: PublicDoor) -> None:
    check = to_the_end(door)
    before = len(door.filed())
    for name in ("where", "what", "hear", "mail", "send"):
        assert door.get(check.replace("/send", f"/{name}")).status_code == 200
        assert door.head(check.replace("/send", f"/{name}")).status_code == 200
    assert len(door.filed()) == before
