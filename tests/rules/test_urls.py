"""Addresses as people send them, and the one key that joins them."""

import json
import time
from base64 import b32encode
from hashlib import sha3_256
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from openhotline.rules import urls
from openhotline.rules.urls import apart, defang, read, read_file, read_many, split_lines
from openhotline.rules.words import ADDRESS, FILE, NEWSGROUP, ONION

VECTORS = json.loads((Path(__file__).parent / "vectors" / "addresses.json").read_text("utf-8"))


@pytest.mark.parametrize("case", VECTORS["read"], ids=lambda case: ascii(case["reported"])[:50])
def test_an_address_reads_to_its_canonical_form_and_key(case: dict[str, str]) -> None:
    address = read(case["reported"])
    assert (address.ok, address.canonical, address.key) == (True, case["canonical"], case["key"])
    assert address.kind == case.get("kind", ADDRESS)
    assert address.reported == case["reported"]
    assert address.why == ""


@pytest.mark.parametrize("case", VECTORS["refused"], ids=lambda case: ascii(case["reported"])[:50])
def test_what_cannot_be_read_is_kept_and_says_what_is_missing(case: dict[str, str]) -> None:
    address = read(case["reported"])
    assert not address.ok
    assert case["why"] in address.why
    assert address.why.endswith(".")
    assert address.reported == case["reported"]


@pytest.mark.parametrize("spellings", VECTORS["same"], ids=lambda spellings: ascii(spellings[0])[:50])
def test_every_spelling_of_one_address_has_one_key(spellings: list[str]) -> None:
    assert len({read(spelling).key for spelling in spellings}) == 1
    assert all(read(spelling).ok for spelling in spellings)


@pytest.mark.parametrize("pair", VECTORS["different"], ids=lambda pair: ascii(pair[0])[:50])
def test_addresses_that_may_differ_are_not_joined(pair: list[str]) -> None:
    one, other = pair
    assert read(one).ok and read(other).ok
    assert read(one).key_digest != read(other).key_digest


def test_what_is_dialled_keeps_the_scheme_and_fragment_as_reported() -> None:
    address = read("hxxps://User@IMG.example[.]net./a#top")
    assert address.canonical == "https://User@img.example.net./a#top"
    assert address.key == "http://img.example.net/a"
    assert address.note


def test_a_host_rule_keeps_the_fragment() -> None:
    kept = frozenset({"example.net"})
    assert read("http://app.example.net/#one").key == "http://app.example.net/"
    assert read("http://app.example.net/#one", keep_fragment_hosts=kept).key == "http://app.example.net/#one"
    assert read("http://example.org/#one", keep_fragment_hosts=kept).key == "http://example.org/"


def test_the_registrable_name_follows_the_public_suffix_list() -> None:
    assert read("http://a.b.example.co.uk/").registrable == "example.co.uk"
    assert read("http://192.0.2.7/x").registrable == "192.0.2.7"
    assert read("http://[2001:db8::7]/x").host == "2001:db8::7"


def test_onion_names_are_checked_by_their_length_and_check_digits() -> None:
    key = bytes(32)  # its check digits follow from the rule of v3 names; this name belongs to nobody
    name = (
        b32encode(key + sha3_256(b".onion checksum" + key + b"\x03").digest()[:2] + b"\x03").decode().lower()
    )
    good, wrong = read(f"http://{name}.onion/x"), read("http://" + "a" * 56 + ".onion/x")
    assert (good.kind, good.ok, good.note) == (ONION, True, "")
    assert (wrong.kind, wrong.ok) == (ONION, True)
    assert "check digits" in wrong.note
    assert read(f"http://sub.{name}.onion/").registrable == f"{name}.onion"
    old = read("http://" + "b" * 16 + ".onion/")
    assert old.ok and "old kind" in old.note


def test_a_name_that_mixes_alphabets_is_kept_with_a_note() -> None:
    mixed, plain = (
        read("http://ex\u0430mple.test/"),
        read("http://\u043f\u0440\u0438\u043c\u0435\u0440.test/"),
    )
    assert mixed.ok and "mixes alphabets" in mixed.note
    assert plain.ok and plain.note == ""


def test_files_without_address_are_told_by_their_digest() -> None:
    digest = "0f" * 32
    for text in (f"sha256:{digest}", digest.upper(), f"scan 4.bin SHA-256 {digest}", f"file:sha256:{digest}"):
        assert read(text).kind == FILE
        assert read(text).key == f"file:sha256:{digest}"
    assert read_file(f"scan.bin sha256:{digest}").ok
    assert not read_file("scan.bin").ok
    assert "digest" in read_file("scan.bin").why
    assert not read("sha256:" + "0f" * 20).ok


def test_a_hundred_thousand_characters_are_answered_with_a_sentence() -> None:
    address = read("http://example.test/" + "a" * 100_000)
    assert not address.ok
    assert "100,020 characters" in address.why
    assert read("http://example.test/" + "a" * 50_000).ok


def test_the_shown_form_is_no_link_and_reads_back() -> None:
    assert defang("https://img.example.net/a") == "hxxps://img.example[.]net/a"
    assert defang("http://192.0.2.7:8080/") == "hxxp://192.0.2[.]7:8080/"
    assert defang("news:a@b.test") == "news:a[at]b.test"
    for text in (
        "https://u:p@img.example.net:8443/a.b?c=d.e#!f",
        "http://[2001:db8::7]/a.jpg",
        "<a$1@b.test>",
    ):
        address = read(text)
        assert read(defang(address.canonical)).key == address.key


def test_pasted_text_is_cut_into_addresses_and_nothing_is_lost() -> None:
    pasted = (
        "http://a.test/1, http://b.test/2 ,hxxp://c[.]test/3\r\n\n"
        "first http://d.test/,x\n a.example, b.example/x c.example \n"
        "http://e.test/my file.jpg\n<a@b.test> <c@d.test>\nno address here, sorry\n"
    )
    assert split_lines(pasted) == (
        "http://a.test/1",
        "http://b.test/2",
        "hxxp://c[.]test/3",
        "first",
        "http://d.test/,x",
        "a.example",
        "b.example/x",
        "c.example",
        "http://e.test/my file.jpg",
        "<a@b.test>",
        "<c@d.test>",
        "no address here, sorry",
    )
    assert split_lines("") == ()


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("http://a.test/1 http://b.test/2", ("http://a.test/1", "http://b.test/2")),
        ("http://a.test/1,http://b.test/2;hxxp://c[.]test/3", ("http://a.test/1", "http://b.test/2", "hxxp://c[.]test/3")),
        ("http://a.test/1 and http://b.test/2", ("http://a.test/1", "http://b.test/2")),
        ("a.example, b.example/x", ("a.example", "b.example/x")),
        ("http://a.test/1\nseen on Monday", ("http://a.test/1", "seen on Monday")),
        # One address stays one, whatever stands in it or beside it.
        ("http://a.test/x,y;z|w?u=http://b.test/", None),
        ("http://a.test/my file.jpg", None),
        ("somebody told me, http://a.test/1", None),
        ("holiday.jpg, md5: d41d8cd98f00b204e9800998ecf8427e", None),
        (" ", None),
    ],
)  # fmt: skip
def test_several_addresses_on_one_line_are_told_apart(line: str, parts: tuple[str, ...] | None) -> None:
    assert apart(line) == (parts or (line,))


def test_marks_of_writing_direction_around_an_address_are_no_part_of_it() -> None:
    for mark in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u061c":
        assert read(f"{mark}http://a.test/1{mark}").canonical == "http://a.test/1"


def test_many_are_read_in_order_and_repeats_once() -> None:
    lines = ["http://a.test/", "nonsense", "http://a.test/", "<a@b.test>"]
    found = read_many(lines)
    assert [address.reported for address in found] == lines
    assert found[0] is found[2]
    assert [address.kind for address in found if address.ok] == [ADDRESS, ADDRESS, NEWSGROUP]


ODD = st.text(
    alphabet=st.one_of(
        st.characters(codec=None),
        st.sampled_from("htpxs:/.[]()<>@#?!%\\ \x00\t\n\u200b\ud800\u3002\uff0ewnews-dot0123456789"),
    ),
    max_size=80,
)
PLACED = st.builds(
    lambda scheme, host, path: scheme + host + path,
    st.sampled_from(["http://", "https://", "HXXP://", "hxxps[:]//", "", "//", "news:", "<"]),
    st.sampled_from(
        ["example.test", "Example[.]Test.", "u:p@example.test:443", "[2001:db8::1]", "192.0.2.1", "0xC0.2.1"]
    ),
    ODD,
)


@settings(max_examples=600)
@given(st.one_of(ODD, PLACED))
@example("http://\udcff.test/")
@example("\x00" * 40)
@example("javascript://example.test/%0aalert(1)")
@example("data:text/html,<b>")
@example("[[[")
@example("<" * 5000)
@example("http://" + "[.]" * 3000)
def test_whatever_is_sent_is_read_without_falling_over(text: str) -> None:
    address = read(text)
    assert address.reported == text
    assert address.ok == (not address.why)
    split_lines(text)
    read_file(text)
    if address.ok:
        assert len(address.key_digest) == 32
        assert address.key.isascii() and address.canonical.isascii()
        again = read(address.canonical)
        assert (again.ok, again.key, again.kind, again.canonical) == (
            True,
            address.key,
            address.kind,
            address.canonical,
        )
        if "[.]" not in address.canonical:
            assert read(defang(address.canonical)).key == address.key


@settings(max_examples=200)
@given(PLACED)
def test_a_web_key_is_http_without_userinfo_or_the_dot_at_the_end(text: str) -> None:
    address = read(text)
    if address.ok and address.kind == ADDRESS:
        assert address.key.startswith("http://")
        place = address.key[7:].split("/")[0]
        assert "@" not in place
        assert not address.host.endswith(".")


def test_no_text_takes_long() -> None:
    """Patterns that back-track without end would show here (each of these is one character class repeated)."""
    for text in (
        " " * 60_000 + "x",
        "a." * 30_000,
        "<" + "a" * 60_000,
        "a dot " * 10_000,
        "[dot" * 15_000,
        "http:" * 13_000,
    ):
        started = time.process_time()
        read(text)
        split_lines(text)
        assert time.process_time() - started < 2.0, ascii(text[:10])


def test_reading_is_fast_enough_for_a_bulk_import() -> None:
    """The figure itself is measured in benchmarks/; this catches a fall by an order of size."""
    lines = [f"https://w{i % 500}.example.net/p/{i}/img{i}.jpg?id={i}" for i in range(20_000)]
    urls.read_many(lines[:100])
    started = time.process_time()
    urls.read_many(lines)
    assert len(lines) / (time.process_time() - started) > 15_000


@pytest.mark.parametrize(
    "line",
    [
        "example.org/get?md5=d41d8cd98f00b204e9800998ecf8427e",
        "hxxp[:]//example[.]org/?md5=d41d8cd98f00b204e9800998ecf8427e",
        "www.example.org/?sha1=da39a3ee5e6b4b0d3255bfef95601890afd80709&x",
        "example[.]org/sha1=da39a3ee5e6b4b0d3255bfef95601890afd80709/view",
    ],
)
def test_a_digest_inside_an_address_makes_no_file_of_it(line: str) -> None:
    read = urls.read(line)
    assert (read.kind, read.ok, read.registrable) == (urls.ADDRESS, True, "example.org")


def test_a_digest_standing_alone_is_a_file() -> None:
    read = urls.read("holiday.jpg, md5: d41d8cd98f00b204e9800998ecf8427e")
    assert (read.kind, read.ok) == (urls.FILE, True)


def test_one_address_comes_back_alone_and_several_come_apart() -> None:
    assert urls.apart("http://a.example/") == ("http://a.example/",)
    assert urls.apart(" \n ") == (" \n ",)
    assert urls.apart("http://a.example/ http://b.example/") == ("http://a.example/", "http://b.example/")
    assert urls.apart("see http://a.example/ and so on") == ("see http://a.example/ and so on",)
    assert urls.apart("http://a.example/\n\nb.example\n") == ("http://a.example/", "b.example")


def test_what_is_shown_is_no_link_and_reads_back() -> None:
    assert defang("https://a.b.example/x.y") == "hxxps://a.b[.]example/x.y"
    assert defang("http://a.example") == "hxxp://a[.]example"
    assert defang("http://u.v@host/x") == "hxxp://u.v@host/x"
    assert defang("news:a@b@c.example") == "news:a@b[at]c.example"
    assert defang("sha256:00") == "sha256:00"
