"""What partners tell us and we tell them: what counts, what is owed next, which code it is, what a package says."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from openhotline.rules import abroad, exchange_back, package
from openhotline.rules.abroad import PartnerAction
from openhotline.rules.exchange import CodeRow, Codes
from openhotline.rules.exchange_back import Stand, owed
from openhotline.rules.refusals import Refused

NOON = datetime(2026, 5, 12, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def code_of(said: PartnerAction) -> str:
    """Why it is refused, "" where it is not."""
    try:
        abroad.refuse_unless_sound(said, at=NOON)
    except Refused as refused:
        return refused.code
    return ""


def test_an_action_must_be_one_that_somebody_can_act_on() -> None:
    said = PartnerAction(abroad.REMOVED, "7", NOON)
    assert code_of(said) == ""
    assert code_of(replace(said, action="erased")) == "action"
    for action in abroad.ACTIONS:
        wants = action in (abroad.UNAVAILABLE, abroad.NOT_ILLEGAL)
        one = replace(said, action=action, country="NL" if action == abroad.MOVED else "")
        assert code_of(one) == ("reason" if wants else "")
        assert code_of(replace(one, reason="adult")) == ""
        assert code_of(replace(one, reason="a whim")) == "reason"


def test_a_strangers_words_are_cut() -> None:
    for odd in (
        PartnerAction("x" * 99, "7", NOON),
        PartnerAction(abroad.TOLD_HOST, "7", NOON, reason="x" * 99),
    ):
        with pytest.raises(Refused, match=f"“{'x' * 40}” is no"):
            abroad.refuse_unless_sound(odd, at=NOON)


def test_a_move_needs_a_country_of_two_letters() -> None:
    for country, code in (
        ("NL", ""),
        ("nl", ""),
        ("N", "country"),
        ("NLD", "country"),
        ("N1", "country"),
        ("ÄÖ", "country"),
    ):
        assert code_of(PartnerAction(abroad.MOVED, "7", NOON, country=country)) == code
    assert code_of(PartnerAction(abroad.REMOVED, "7", NOON, country="somewhere")) == ""


def test_a_time_has_a_zone_and_is_not_yet_to_come() -> None:
    said = PartnerAction(abroad.REMOVED, "7", NOON + 5 * MINUTE)
    assert code_of(said) == "", "clocks differ by five minutes"
    assert code_of(replace(said, done_at=NOON + 5 * MINUTE + timedelta(seconds=1))) == "time"
    assert code_of(replace(said, done_at=NOON - timedelta(days=900))) == ""
    assert code_of(replace(said, done_at=NOON.replace(tzinfo=None))) == "time"


def test_a_time_of_another_age_is_none_at_which_anybody_acted() -> None:
    first = datetime(1990, 1, 1, tzinfo=UTC)
    assert code_of(PartnerAction(abroad.REMOVED, "7", first)) == ""
    assert code_of(PartnerAction(abroad.REMOVED, "7", first - MINUTE)) == "time"


def test_nothing_counts_after_a_final_action_but_a_move() -> None:
    said, moved = PartnerAction(abroad.TOLD_HOST, "7", NOON), PartnerAction(abroad.MOVED, "8", NOON)
    assert abroad.counts(said, []) and abroad.counts(said, [abroad.ACCEPTED, abroad.MOVED])
    for last in (abroad.REMOVED, abroad.UNAVAILABLE, abroad.NOT_ILLEGAL):
        assert not abroad.counts(said, [abroad.ACCEPTED, last])
        assert abroad.counts(moved, [abroad.ACCEPTED, last])
    assert abroad.HOPS_TO_ALARM == 3


# --- what we owe an exchange ------------------------------------------------------------------------


def test_words_are_owed_in_their_order_each_once_at_its_own_time() -> None:
    stand = Stand(NOON, None, NOON + MINUTE, NOON + 2 * MINUTE, NOON + 3 * MINUTE)
    written: list[str] = []
    for word, minute in (("grade", 0), ("told police", 1), ("told host", 2), ("removed", 3)):
        assert owed(stand, written) == (word, NOON + minute * MINUTE)
        written.append(word)
    assert owed(stand, written) is None
    assert owed(replace(stand, gone_at=None), written[:3]) is None
    moved = replace(stand, gone_at=None, moved_at=NOON)
    assert owed(moved, written[:3]) == ("moved", NOON)
    assert owed(moved, [*written[:3], "moved"]) is None


def test_no_grade_is_written_once_an_action_is() -> None:
    stand = Stand(graded_at=NOON, asked_at=NOON)
    assert owed(Stand(), []) is None
    assert owed(Stand(asked_at=NOON), []) is None, "not graded yet"
    assert owed(stand, ["told police"]) is None
    refused = Stand(graded_at=NOON, not_illegal_at=NOON + MINUTE, asked_at=NOON)
    assert owed(refused, []) == ("grade", NOON + MINUTE)
    assert owed(refused, ["grade"]) == ("not illegal there", NOON + MINUTE)
    assert owed(refused, ["grade", "not illegal there"]) is None


@pytest.mark.parametrize("word", ["removed", "unavailable", "not illegal there", "moved"])
def test_nothing_is_owed_after_a_last_word(word: str) -> None:
    assert exchange_back.ended(["grade", word])
    assert not exchange_back.ended(["grade", "told police"])
    assert owed(Stand(NOON, None, NOON, NOON, NOON, NOON), ["grade", word]) is None


# --- codes ----------------------------------------------------------------------------------------


def test_a_code_is_read_and_written_by_its_row_and_its_way() -> None:
    codes = Codes(
        "1",
        (
            CodeRow("action", 1, "removed", "gone", "the time"),
            CodeRow("action", 2, "moved", "moved", ways="in"),
            CodeRow("action", 3, "told host", "told", "who", ways="out"),
            CodeRow("grade", 1, "A", "most severe"),
        ),
        {},
    )
    assert codes.out("action", "removed") == (1, "the time")
    assert codes.out("grade", "A") == (1, "")
    assert codes.out("action", "told host") == (3, "who")
    assert codes.out("action", "moved") == (None, "“moved” has no code for action there; it is left out.")
    assert codes.out("action", "A")[0] is None
    assert codes.read("action", 1) == ("removed", "the time")
    assert codes.read("action", 2) == ("moved", "")
    assert codes.read("grade", 1) == ("A", "")
    for code in (3, 4, "1", True, None):
        ours, why = codes.read("action", code)
        assert ours == "" and repr(str(code)) in why
    assert codes.read("action", "9" * 99)[1].count("9") == 40, "a stranger's code is cut"


# --- packages -------------------------------------------------------------------------------------

ONE = package.PackageAddress(
    "u1", "http://a.example/1", "child-sexual-abuse", "B", "pubescent", "XA", False,
    "192.0.2.7", "North Rack", 64500, NOON, NOON + MINUTE,
)  # fmt: skip
MADE = package.PackageContent("G-26-0001-A", "XA", "Hotline", "desk@hotline.example", "2014", NOON, (ONE,))


def test_a_package_says_all_of_it_in_both_forms() -> None:
    read = json.loads(package.as_json(MADE))
    assert read["marking"] == "TLP:AMBER+STRICT" and read["made_at"] == "2026-05-12T12:00:00+00:00"
    assert read["addresses"][0]["graded_at"] == "2026-05-12T12:00:00+00:00"
    assert read["addresses"][0]["traced_at"] == "2026-05-12T12:01:00+00:00"
    assert package.as_json(MADE) == package.as_json(replace(MADE)), "the same package, the same bytes"
    assert package.as_json(replace(MADE, house="Ä")).isascii()
    assert list(read) == sorted(read)
    assert package.as_json(MADE).splitlines()[1].startswith(b' "'), "one step in"
    assert package.as_text(MADE).decode().splitlines() == [
        "G-26-0001-A    TLP:AMBER+STRICT",
        "",
        "From Hotline (desk@hotline.example), 2026-05-12 12:00 UTC.",
        "1 address held in XA, where no partner hotline takes them.",
        "Graded under 2014. Please hand this to the police there, and tell us when and by which way.",
        "It holds no image. Do not open an address outside the law of your country.",
        "",
        "1. http://a.example/1",
        "   Graded 2026-05-12 12:00 UTC: child-sexual-abuse, B, pubescent",
        "   Held at 192.0.2.7 (North Rack, AS64500), XA; traced 2026-05-12 12:01 UTC",
    ]


def test_a_package_says_what_is_not_known() -> None:
    bare = replace(
        ONE,
        edge=True,
        referrer="http://r.example/",
        hosting_address="",
        operator="",
        category="",
        age_band="",
    )
    said = package.as_text(
        replace(MADE, addresses=(ONE, bare, replace(bare, operator="Quay", asn=0)))
    ).decode()
    assert "3 addresses held" in said and "\n2. http://a.example/1\n" in said
    assert "12:00 UTC: child-sexual-abuse\n" in said
    assert "Held at an address not known (operator not known, AS64500), XA" in said
    assert "(Quay), XA" in said
    post = package.as_text(replace(MADE, addresses=(replace(ONE, server="news.example"),))).decode()
    assert "by its Message-ID, on the news server news.example" in post and "news server" not in said
    assert said.count("network in front") == said.count("reached from http://r.example/") == 2


def test_a_package_refuses_times_without_a_zone() -> None:
    bare = NOON.replace(tzinfo=None)
    wrong = (
        replace(MADE, made_at=bare),
        replace(MADE, addresses=(replace(ONE, graded_at=bare),)),
        replace(MADE, addresses=(ONE, replace(ONE, traced_at=bare))),
    )
    for one in wrong:
        for form in (package.as_json, package.as_text):
            with pytest.raises(ValueError, match="need a zone"):
                form(one)
    east = NOON.astimezone(timezone(timedelta(hours=2)))
    assert b"14:00:00+02:00" in package.as_json(replace(MADE, made_at=east))
