"""What one answer shows, told apart by positive signs: nothing that merely refuses us, or differs, is a miss."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openhotline import policy
from openhotline.connectors.probe.page import read_page
from openhotline.rules import signs
from openhotline.rules.facts import CheckFacts
from openhotline.rules.signs import Likeness, read

NOON = datetime(2026, 5, 12, 12, tzinfo=UTC)
ADDRESS = "http://img.example.net/set/one"
LONG = " ".join(f"word{number % 97} of a made-up page" for number in range(60))
FILE = Likeness(200, "image/jpeg", 81_234)


def page(title: str, text: str, extra: str = "", **more: object) -> CheckFacts:
    """An answer as the prober reads it: a page of these words."""
    body = f"<title>{title}</title><body><p>{text}</p>{extra}</body>".encode()
    found = read_page(body, "text/html; charset=utf-8", complete=True, words=policy.sign_words())
    made = CheckFacts(
        ADDRESS,
        "north",
        NOON,
        "answered",
        status=200,
        content_type="text/html; charset=utf-8",
        title=found.title,
        fingerprint=found.fingerprint,
        simhash=found.simhash,
        words=found.words,
        signs=found.signs,
        size=len(body),
    )
    return replace(made, **more)  # type: ignore[arg-type]


def first(facts: CheckFacts) -> Likeness:
    return Likeness(
        facts.status,
        facts.content_type,
        facts.size,
        facts.location,
        facts.title,
        facts.fingerprint,
        facts.simhash,
        facts.words,
        facts.signs,
    )


GALLERY = page("Gallery", LONG)
SHOWN = first(GALLERY)


def file(size: int | None = 81_234, kind: str = "image/jpeg", **more: object) -> CheckFacts:
    made = CheckFacts(ADDRESS, "north", NOON, "answered", status=206, content_type=kind, size=size)
    return replace(made, **more)  # type: ignore[arg-type]


def said(facts: CheckFacts, likeness: Likeness | None = SHOWN) -> tuple[str, str]:
    reading = read(facts, likeness)
    assert reading.meaning in signs.MEANINGS
    assert reading.why.endswith(".")
    return reading.meaning, reading.sign


def test_the_same_words_are_the_same_page_and_nearly_the_same_too() -> None:
    assert said(page("Gallery", LONG)) == ("up", "same")
    assert said(page("Gallery", LONG + " 4711 views")) == ("up", "same")


def test_other_words_are_a_change_and_never_a_miss() -> None:
    other = " ".join(f"quite{number} other{number}" for number in range(200))
    assert said(page("Gallery", other)) == ("changed", "text")


@pytest.mark.parametrize(
    "words",
    [
        "This file has been removed.",
        "This content has been taken down because it violates our terms.",
        "Diese Seite wurde gesperrt.",
        "Ce fichier a été supprimé.",
        "Este archivo ha sido eliminado.",
        "Dit bestand is verwijderd.",
        "Файл был удалён.",
        "このファイルは削除されました。",
        "该文件已被删除。",
    ],
)
def test_a_takedown_page_in_many_languages(words: str) -> None:
    assert said(page("Hosting", words)) == ("miss", "taken-down")
    assert said(page("Hosting", words), FILE) == ("miss", "taken-down")
    assert said(page("Hosting", words), None) == ("miss", "taken-down")


@pytest.mark.parametrize(
    "words",
    ["Page not found", "Seite nicht gefunden", "Page introuvable", "Страница не найдена", "找不到页面"],
)
def test_a_soft_404(words: str) -> None:
    assert said(page("Oops", words)) == ("miss", "not-found")


def test_a_soft_404_by_being_sent_to_the_front_page() -> None:
    home = page("Welcome", "Hosting for everybody, fast and cheap", location="http://img.example.net/")
    assert said(home) == ("miss", "front-page")
    assert said(replace(home, location="http://img.example.net/new/place")) == ("changed", "text")
    assert said(home, None) == ("unclear", "front-page"), "it may always have been so"
    assert said(home, replace(SHOWN, final="http://img.example.net/")) == ("changed", "text")


def test_a_parking_page_also_where_it_lies_on_another_site() -> None:
    parked = page("example.net", "This domain is for sale. Buy this domain today.")
    assert said(parked) == ("miss", "parked")
    assert said(replace(parked, location="http://parking.example.com/x")) == ("miss", "parked")


@pytest.mark.parametrize(
    "facts",
    [
        page("Members", "Please log in to continue"),
        page("Welcome", "Name", '<form><input name=p type="password"></form>'),
        page("Welcome", "Page not found", "<form><INPUT TYPE=password></form>"),
        page("Anmeldung", "Bitte einloggen"),
    ],
)
def test_a_login_wall_is_not_gone(facts: CheckFacts) -> None:
    assert said(facts) == ("blocked", "login")


def test_a_page_that_always_had_a_login_box_is_no_wall() -> None:
    box = '<form><input type="password"></form>'
    assert said(page("Gallery", LONG, box), first(page("Gallery", LONG, box))) == ("up", "same")


@pytest.mark.parametrize(
    ("words", "sign"),
    [
        ("Verify you are human", "robot-check"),
        ("Just a moment...", "robot-check"),
        ("Not available in your country", "not-shown-here"),
    ],
)
def test_what_is_shown_to_us_alone_is_not_gone(words: str, sign: str) -> None:
    assert said(page("x", words)) == ("blocked", sign)


def test_a_re_encoded_copy_is_a_sight() -> None:
    assert said(file(), FILE) == ("up", "same")
    assert said(file(70_001), FILE) == ("changed", "size")
    assert said(file(None), FILE) == ("up", "same"), "a size that is not said is no sign"
    assert said(file(5_000, "video/mp4"), FILE) == ("changed", "type")


def test_a_page_instead_of_a_file_needs_a_sign_to_be_a_miss() -> None:
    assert said(page("Gallery", "Look at this"), FILE) == ("changed", "type")
    assert said(page("404", "File not found"), FILE) == ("miss", "not-found")


def test_it_leads_to_another_site_now() -> None:
    moved = page("Gallery", "hello there", location="http://other.example.com/set/one")
    assert said(moved) == ("moved", "final-address")
    assert said(moved, None) == ("moved", "final-address")
    same_site = replace(moved, location="http://cdn.img.example.net/set/one")
    assert said(same_site) == ("changed", "text")
    assert said(page("Gallery", LONG, location="http://other.example.com/a")) == ("up", "same")


def test_a_long_page_may_talk_of_anything() -> None:
    talk = page("Board", LONG + " my file has been removed, page not found, please log in " + LONG + LONG)
    assert talk.signs == ()
    assert said(talk, None) == ("up", "status")


def test_a_404_that_shows_the_thing_all_the_same() -> None:
    odd = page("Gallery", LONG, status=404)
    assert said(odd, first(odd)) == ("up", "same")
    assert said(odd, SHOWN) == ("miss", "status")


def test_signs_that_were_there_at_first_say_nothing_new() -> None:
    forum = page("Board", "a short page about a file that was deleted")
    assert forum.signs == ("taken-down",)
    later = page("Board", "a short page about a file that was deleted and more")
    assert said(later, first(forum)) == ("changed", "text")


def test_simhashes_of_near_texts_are_near() -> None:
    near = page("Gallery", LONG.replace("word5 ", "word6 ", 1))
    assert 0 < signs.distance(GALLERY.simhash, near.simhash) <= signs.NEAR or near.simhash == GALLERY.simhash
    far = page("Gallery", " ".join(f"another{number}" for number in range(250)))
    assert signs.distance(GALLERY.simhash, far.simhash) > 2 * signs.NEAR
    assert signs.distance("", far.simhash) == 64
    assert signs.simhash([]) == ""


@given(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=40))
def test_a_simhash_is_the_majority_of_each_bit(features: list[int]) -> None:
    wanted = sum(
        1 << place for place in range(64) if sum(one >> place & 1 for one in features) > len(features) / 2
    )
    assert signs.simhash(list(map(signs.feature, features))) == f"{wanted:016x}"


@given(
    st.sampled_from(["answered", "no-name", "refused", "timeout", "cut-off", "blocked", "error", "what"]),
    st.integers(0, 999),
    st.text(max_size=30),
    st.lists(st.sampled_from(signs.SIGNS), max_size=3),
)
def test_nothing_a_server_says_raises(outcome: str, status: int, text: str, found: list[str]) -> None:
    facts = CheckFacts(ADDRESS, "north", NOON, outcome, status, text, text, signs=tuple(found), simhash=text)
    for likeness in (None, SHOWN, FILE):
        assert read(facts, likeness).meaning in signs.MEANINGS


@pytest.mark.parametrize(
    ("status", "what"),
    [
        (223, "up"),
        (430, "miss"),
        (480, "blocked"),
        (483, "blocked"),
        (502, "blocked"),
        (423, "unclear"),
        (404, "unclear"),
    ],
)
def test_a_news_servers_status_speaks_of_the_post(status: int, what: str) -> None:
    said = read(CheckFacts("news:a@b.example", "north", NOON, "answered", status=status))
    assert (said.meaning, said.sign) == (what, "status")
    assert f"The news server says {status}" in said.why


def test_a_place_that_is_no_address_has_no_host() -> None:
    assert signs._host("http://[odd/") == "" == signs._host("no address")
    assert signs._host("http://a.example:80/x") == "a.example"


def test_a_fault_of_the_server_and_a_look_that_failed_say_so_in_their_own_words() -> None:
    fault = read(file(status=503))
    assert (fault.meaning, fault.why) == ("unclear", "The server says 503: it has a fault of its own.")
    assert read(file(outcome="error")).why == "The look could not be made."
    assert read(file(outcome="error", why="No line.")).why == "No line."


def test_a_404_with_other_words_than_the_first_one_is_a_miss() -> None:
    first_404 = first(page("Gallery", LONG, status=404))
    other = " ".join(f"quite{number}" for number in range(200))
    assert said(page("Gallery", other, status=404), first_404) == ("miss", "status")


def test_a_takedown_page_with_a_login_box_is_a_takedown_page() -> None:
    for words, sign in (("This file has been removed.", "taken-down"), ("Page not found", "not-found")):
        assert said(page("Hosting", f"{words} Please log in")) == ("miss", sign)


def test_it_is_another_site_than_the_one_it_led_to_at_first() -> None:
    there = page("Gallery", "hello there", location="http://other.example.com/set/one")
    assert said(there, replace(SHOWN, final="http://www.example.com/old")) == ("changed", "text")
    assert signs.elsewhere("", "http://a.example/") is False
    assert signs.elsewhere("http://a.example/", "http://a.example/x") is False
    assert signs.elsewhere("http://192.0.2.1/", "http://192.0.2.2/") is True


def test_a_change_of_type_names_both_types_or_none() -> None:
    assert "(no type instead of image)" in read(file(kind=""), FILE).why
    assert "(video instead of no type)" in read(file(kind="video/mp4"), replace(FILE, content_type="")).why
    assert said(file(kind="image/png", size=None), replace(FILE, content_type="video/mp4")) == (
        "changed",
        "type",
    )


def test_a_page_and_a_file_are_never_alike_and_few_words_are_no_likeness() -> None:
    assert said(file(kind="text/html"), replace(SHOWN, size=81_234))[0] == "changed"
    assert said(replace(GALLERY, size=81_234), replace(FILE, content_type="text/html"))[0] == "changed"
    for words, meaning in ((signs.NEAR_WORDS, "up"), (signs.NEAR_WORDS - 1, "changed")):
        near = replace(GALLERY, fingerprint="other", words=words)
        assert said(near)[0] == meaning
    fresh = replace(GALLERY, fingerprint="other", signs=("anything",))
    assert said(fresh)[0] == "changed"


def test_a_distance_needs_two_simhashes() -> None:
    assert signs.distance("0" * 16, "") == signs.distance("", "0" * 16) == 64
    assert signs.distance("0" * 16, "f" * 16) == 64 and signs.distance("0" * 16, "1" * 16) == 16


def test_a_page_is_short_up_to_its_last_word_and_its_last_character() -> None:
    words = signs.SignWords("1", (("x", ("gone",)),))
    assert signs.in_text(words, "", "GONE".ljust(4_000), 300) == ("x",)
    assert signs.in_text(words, "", "gone", 301) == ()
    assert signs.in_text(words, "", "gone".ljust(4_001), 300) == ()
    assert signs.in_text(words, "It is Gone", "", 9_000) == ("x",), "a title is always short"


def test_each_status_has_its_meaning_and_its_neighbours_have_none() -> None:
    def of(status: int) -> str:
        made = read(file(status=status))
        return "fault" if "fault of its own" in made.why else made.meaning

    assert [of(status) for status in (200, 203, 206)] == ["up"] * 3
    assert [of(status) for status in (201, 204, 207, 499, 600)] == ["unclear"] * 5
    assert [of(status) for status in (500, 599)] == ["fault"] * 2
    assert [of(status) for status in (401, 403, 407, 429, 451)] == ["blocked"] * 5
    assert [of(status) for status in (402, 404, 408, 410)] == ["unclear", "miss", "unclear", "miss"]
    assert (signs.NEAR, signs.NEAR_WORDS, signs.MOST_FEATURES) == (6, 30, 4_096)


def test_whoever_is_sent_home_was_not_there_at_first() -> None:
    home = page("Welcome", "Hosting for everybody", location="http://img.example.net/")
    assert said(replace(home, location="http://img.example.net")) == ("miss", "front-page")
    assert said(replace(home, location="http://img.example.net/?lost=1")) == ("changed", "text")
    assert said(replace(home, canonical="http://img.example.net/")) == ("changed", "text")
    assert signs._sent_home(replace(home, location=""), "") is False


def test_likeness_by_words_needs_words_on_both_sides() -> None:
    near = replace(GALLERY, fingerprint="other")
    six = f"{int(GALLERY.simhash, 16) ^ 0b111111:016x}"
    seven = f"{int(GALLERY.simhash, 16) ^ 0b1111111:016x}"
    assert said(replace(near, simhash=six)) == ("up", "same")
    assert said(replace(near, simhash=seven)) == ("changed", "text")
    assert said(replace(GALLERY, simhash="", words=1)) == ("up", "same"), "the same words are the same page"
    assert signs._alike(replace(GALLERY, fingerprint=""), SHOWN) is False
    assert signs._alike(GALLERY, replace(SHOWN, fingerprint="")) is False
    assert said(file(5), replace(FILE, size=None)) == ("up", "same")


@pytest.mark.parametrize(
    ("title", "sign"),
    [("Just a moment...", "robot-check"), ("Not available in your country", "not-shown-here")],
)
def test_a_404_that_is_made_for_us_is_no_miss(title: str, sign: str) -> None:
    """Some keep robots and countries out with a 404; it is missing for us alone."""
    kept_out = page(title, "Please wait.", status=404)
    assert said(kept_out) == said(kept_out, None) == ("blocked", sign)
    assert said(page("Not found", "Nothing here.", status=404)) == ("miss", "status")


def test_what_another_site_says_to_which_it_leads_now_is_not_its_own_answer() -> None:
    there = "http://other.example.org/x"
    astray = file(status=404, location=there), file(outcome="no-name", status=0, location=there)
    for seen in astray:
        assert said(seen, FILE) == ("moved", "final-address")
        assert said(seen, replace(FILE, final=there))[0] == "miss", "to which it led at first"
        assert said(seen, None)[0] == "miss", "or from where nothing else was ever seen"
    within = "http://www.example.net/x"
    assert [said(replace(seen, location=within), FILE)[0] for seen in astray] == ["miss", "miss"]
    suspended = page("Account suspended", "Gone.", status=404, location=there)
    assert said(suspended) == ("miss", "status"), (
        "a host that takes a site down may say so on a page of its own"
    )


@pytest.mark.parametrize("sign", [signs.ROBOT, signs.ELSEWHERE])
def test_what_stood_there_at_first_makes_no_404_a_page_for_us(sign: str) -> None:
    answer = page("Not here", "There is nothing.", status=404, signs=(sign,))
    assert said(answer)[0] == signs.BLOCKED
    assert said(answer, replace(SHOWN, signs=(sign,))) == (signs.MISS, "status")
