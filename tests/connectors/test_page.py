"""A page gives a title and a fingerprint, in linear time, and gives nothing if it is no text."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openhotline.connectors.probe.page import Page, read_page

KIND = "text/html; charset=utf-8"


def test_a_title_is_found_and_folded() -> None:
    title = read_page(b"<html><TITLE lang=x>\n Holiday &amp; \n pictures </title>", KIND, complete=True).title
    assert title == "Holiday & pictures"


def test_scripts_comments_and_spaces_do_not_change_the_fingerprint() -> None:
    one = read_page(b"<p>Hello  world</p><script>var a=1</script><!-- 1 -->", KIND, complete=True).fingerprint
    two = read_page(
        b"<div>\nHello world<script>var a=2</script><!-- 2 --></div>", KIND, complete=True
    ).fingerprint
    other = read_page(b"<p>Hello moon</p>", KIND, complete=True).fingerprint
    assert one == two != other
    assert len(one) == 64


def test_an_incomplete_page_has_no_fingerprint() -> None:
    page = read_page(b"<title>x</title>half", KIND, complete=False)
    assert (page.title, page.fingerprint, page.simhash) == ("x", "", "")


@pytest.mark.parametrize(
    "body", [b"\xff\xd8\xff\xe0\x00\x10JFIF", b"<title>x</title>\x00", b"GIF89a\x01\x00"]
)
def test_bytes_that_are_no_text_give_nothing(body: bytes) -> None:
    assert read_page(body, KIND, complete=True) == Page()


@pytest.mark.parametrize(
    "piece", [b"<script>", b"<title", b"<!--", b"<", b"</", b"<style >", b"&#9", b"<title>"]
)
def test_a_quarter_of_a_megabyte_of_open_tags_costs_little(piece: bytes) -> None:
    body = (piece * 262_144)[:262_144]
    started = time.process_time()
    read_page(body, KIND, complete=True)
    assert time.process_time() - started < 2


def test_a_numeric_reference_of_thousands_of_digits_is_only_text() -> None:
    assert read_page(b"<title>&#" + b"9" * 9000 + b";</title>", KIND, complete=True).title.startswith("&#999")


@given(st.binary(max_size=400), st.text(max_size=40))
def test_nothing_raises(body: bytes, charset: str) -> None:
    read_page(b"<title>" + body, f"text/html; charset={charset}", complete=True)


@pytest.mark.parametrize(
    "charset", ["punycode", "idna", "unicode_escape", "utf-7", "undefined", "zlib", "no-such"]
)
def test_a_character_set_that_no_browser_knows_is_read_as_utf_8(charset: str) -> None:
    """Python knows some that take a minute for a page; in that time nobody else's would have been looked at."""
    began = time.monotonic()
    page = read_page(
        b"<title>caf\xc3\xa9</title>-" + b"a" * 250_000, f"text/html; charset={charset}", complete=True
    )
    assert page.title == "café" and time.monotonic() - began < 2
    for known in ("ISO-8859-1", "latin1", "windows-1251", "Shift_JIS", "gb18030", "EUC-KR", "koi8-r", "big5"):
        title = read_page(
            "<title>Ж</title>".encode(known, "ignore"), f"text/html; charset={known}", complete=True
        )
        assert title.title in ("Ж", "")
