"""Every notice says all it must, in every language, and nothing it must not; what fails says so in a sentence."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from openhotline import policy
from openhotline.rules import notice as wording
from openhotline.rules import references, terms
from openhotline.rules.notice import FORMS, MIXED, PAGE, REPORT, SAFE, NoticeAddress, NoticeContent
from openhotline.rules.notice_lint import PARTS, faults, lint, lint_words
from openhotline.rules.refusals import Refused

NOON = datetime(2026, 5, 12, 12, 0, tzinfo=UTC)
LANGUAGES = sorted(policy.languages())
ADDRESS = NoticeAddress(
    "u-1", "https://img.example.net/police/a?x=1", "192.0.2.44", "A", "infant", 4, NOON - timedelta(minutes=5)
)
HIDDEN = NoticeAddress("u-2", "https://img.example.net/b", "", "B", "", 1, None, "https://door.example.org/")


def content(language: str = "en", **more: object) -> NoticeContent:
    fields: dict[str, object] = {
        "number": references.notice(2026, 311),
        "cls": "child-sexual-abuse",
        "host": "North Rack",
        "to": "abuse@north-rack.example",
        "hotline": "Example Hotline",
        "domain": "hotline.example",
        "phone": "01632 960 201",
        "link": "https://portal.example/n/" + "A" * 43,
        "code": "KD-7731",
        "verify": "https://portal.example/verify",
        "appeal": "https://portal.example/appeal",
        "page": "https://portal.example/open",
        "ground": "Indecent photograph of a child, Protection of Children Act 1978, section 1.",
        "preserve_days": 90,
        "due": NOON + timedelta(hours=4),
        "sent": NOON,
        "addresses": (ADDRESS, HIDDEN),
        "texts": policy.notice_texts(language),
        "secrets": frozenset({"A07", "Northern unit", "P-26-0095-H", "26-04417-K"}),
    }
    return NoticeContent(**{**fields, **more})  # type: ignore[arg-type]


def found(made: NoticeContent, **letter: object) -> list[str]:
    said = {"subject": wording.subject(made), "text": wording.text(made), **letter}
    return faults(made, **said)  # type: ignore[arg-type]


def test_three_languages_ship_and_english_is_one() -> None:
    assert len(LANGUAGES) >= 3
    assert "en" in LANGUAGES


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "cls", ["child-sexual-abuse", "non-photographic", "obscene-adult", "extreme", "racial-hatred"]
)
def test_a_notice_as_it_is_written_passes_and_keeps_to_the_words_of_the_house(
    language: str, form: str, cls: str
) -> None:
    made = content(language, form=form, cls=cls)
    assert found(made) == []
    lint(made, subject=wording.subject(made), text=wording.text(made), parts=sorted(PARTS))
    assert terms.find(wording.subject(made) + wording.text(made), policy.terms()) == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"number": "N-26-0311-A"}, "serial number is not one of ours"),
        ({"ground": ""}, "lacks the legal ground"),
        ({"preserve_days": 0}, "to preserve"),
        ({"appeal": ""}, "appeal route"),
        ({"code": ""}, "the code"),
        ({"to": ""}, "who it is to"),
        ({"link": "javascript:1"}, "link to answer by"),
        ({"addresses": ()}, "names no address"),
        ({"due": NOON}, "ends before it is sent"),
        ({"sent": NOON.astimezone(timezone(timedelta(hours=1)))}, "not UTC"),
        ({"form": PAGE, "page": ""}, "lacks the page"),
    ],
)
def test_what_is_missing_is_said(language: str, more: dict[str, object], sentence: str) -> None:
    assert any(sentence in fault for fault in found(content(language, **more)))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_line_taken_out_of_the_letter_is_noticed(language: str) -> None:
    """Every line that carries a duty is missed when it is gone; the few that are courtesy are named."""
    made = content(language)
    says = made.texts.says
    courtesy = {
        says["todo"],
        says["closes"],
        says["list"],
        says["foot"].format(hotline=made.hotline, phone=made.phone),
        "",
    }
    lines = wording.text(made).split("\n")
    for number, line in enumerate(lines):
        less = "\n".join(lines[:number] + lines[number + 1 :])
        kept = line in courtesy or line == wording.text(made).split("\n")[3] or line.startswith("   ")
        if kept and says["direct"] != line and "door.example" not in line:
            continue
        if line in less.split("\n"):
            continue
        assert found(made, text=less), f"nobody missed: {line}"


@pytest.mark.parametrize(
    ("extra", "sentence"),
    [
        ("Seen by A07.", "somebody in the house"),
        ("Asked as P-26-0095-H.", "somebody in the house"),
        ("Our case 26-04417-K.", "somebody in the house"),
        ("Northern unit agrees.", "somebody in the house"),
        ("The police agree.", "police"),
        ("Our analyst saw it.", "analyst"),
        ("The reporter wrote to us.", "reporter"),
        ("Seen 12:00 BST.", "local"),
        ("<img src=x>", "picture"),
        ("See data:image/png;base64,AAAA", "picture"),
        ("![a](b)", "picture"),
        ("A" * 220, "encoded bytes"),
    ],
)
def test_what_must_not_stand_in_it_is_found(extra: str, sentence: str) -> None:
    made = content()
    assert any(sentence in fault for fault in found(made, text=wording.text(made) + extra + "\n"))


def test_a_word_in_an_address_or_in_the_laws_name_is_no_fault() -> None:
    made = content(ground="Police and Criminal Evidence Act 1984, section 1.", host="Police Street Hosting")
    assert found(made) == []


def test_an_address_must_stand_exactly_as_seen_and_say_how_to_reproduce_it() -> None:
    made = content()
    changed = wording.text(made).replace("a?x=1", "a?x=2")
    assert any("exactly as seen" in fault for fault in found(made, text=changed))
    less = wording.text(made).replace(made.texts.say("referrer", referrer=HIDDEN.referrer) + "\n", "")
    assert any("reproduce" in fault for fault in found(made, text=less))


def test_a_letter_for_the_page_names_no_address_and_no_link() -> None:
    made = content(form=PAGE)
    text = wording.text(made)
    assert "img.example.net" not in text
    assert made.link not in text
    assert made.code in text
    assert any("page alone" in fault for fault in found(made, text=text + ADDRESS.canonical))
    assert any("link as well" in fault for fault in found(made, text=text + made.link))
    assert any(
        "machine part" in fault for fault in found(made, xarf=[json.dumps({"url": ADDRESS.canonical})])
    )


@pytest.mark.parametrize(
    ("report", "sentence"),
    [
        ({"url": "https://other.example/"}, "another address"),
        ({"url": ADDRESS.canonical, "evidence": [{"payload": "x"}]}, "picture"),
        ({"url": ADDRESS.canonical, "screenshot_url": "https://x.example/"}, "picture"),
        ({"url": ADDRESS.canonical, "note": {"x": ["data:image/png,1"]}}, "picture"),
        ({"url": ADDRESS.canonical, "reporter": {"contact": "A07"}}, "somebody in the house"),
    ],
)
def test_the_machine_part_is_read_as_well(report: dict[str, object], sentence: str) -> None:
    assert any(sentence in fault for fault in found(content(), xarf=[json.dumps(report)]))
    assert found(content(), xarf=[json.dumps({"url": ADDRESS.canonical, "url_note": "x"})]) == []


@pytest.mark.parametrize("kind", ["image/png", "text/html", "application/zip", "message/rfc822"])
def test_no_part_that_could_be_a_picture_leaves(kind: str) -> None:
    with pytest.raises(Refused, match=kind):
        made = content(form=MIXED)
        lint(made, subject=wording.subject(made), text=wording.text(made), parts=["multipart/mixed", kind])


def test_every_fault_is_in_the_one_sentence_and_other_letters_are_looked_at_too() -> None:
    made = replace(content(), code="", ground="")
    with pytest.raises(Refused, match=r"legal ground.*the code") as refusal:
        lint(made, subject=wording.subject(made), text=wording.text(made))
    assert refusal.value.code == "lint"
    lint_words("P-26-0095-H: reminder", "Please answer.\n")
    with pytest.raises(Refused, match="picture"):
        lint_words("x", "see cid:1")


def test_the_forms_are_four() -> None:
    assert list(FORMS) == [SAFE, REPORT, MIXED, PAGE]


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"number": references.alert(2026, 311)}, "serial number is not one of ours"),
        ({"number": ""}, "serial number does not stand"),
        ({"verify": ""}, "genuine"),
        ({"phone": ""}, "genuine"),
        ({"host": ""}, "who it is to"),
        ({"due": NOON.astimezone(timezone(timedelta(hours=1))) + timedelta(hours=4)}, "not UTC"),
        ({"addresses": (replace(ADDRESS, canonical=""),)}, "exactly as seen"),
    ],
)
def test_each_thing_that_it_needs_is_missed_alone(more: dict[str, object], sentence: str) -> None:
    assert any(sentence in fault for fault in found(content(**more)))  # type: ignore[arg-type]


def test_without_a_code_nobody_can_check_that_it_is_genuine() -> None:
    assert found(content(code="")) == ["it lacks how to check that it is genuine", "it lacks the code"]


@pytest.mark.parametrize("form", ["date", "minute"])
def test_a_language_must_say_that_its_times_are_utc(form: str) -> None:
    texts = policy.notice_texts("en")
    silent = replace(texts, says={**texts.says, form: texts.says[form].removesuffix(" UTC")})
    assert found(content(texts=silent)) == ["a time in it does not say UTC"]


def test_the_serial_stands_in_subject_and_text() -> None:
    made = content()
    for less in ({"subject": "Notice"}, {"text": wording.text(made).replace(made.number, "")}):
        assert any("does not stand in it" in fault for fault in found(made, **less))


def test_a_page_must_stand_in_the_letter_that_is_opened_by_it() -> None:
    made = content(form=PAGE)
    less = wording.text(made).replace(made.page, "")
    assert any("lacks the page" in fault for fault in found(made, text=less))


def test_a_letter_speaks_of_one_and_of_many() -> None:
    says = policy.notice_texts("en").says
    one = wording.text(content(addresses=(replace(ADDRESS, files=1, addresses="", last_seen=None),)))
    assert says["carries_one"].split("{")[0] in one and says["file_one"] in one
    many = wording.text(content())
    assert policy.notice_texts("en").say("file_many", n=4) in many
    assert policy.notice_texts("en").counted(1) == says["one"]
    assert policy.notice_texts("en").counted(1_433) == policy.notice_texts("en").say("many", n="1,433")
    bare = replace(ADDRESS, files=0, addresses="", last_seen=None)
    listed = wording.listed([bare, replace(bare, last_seen=NOON)], policy.notice_texts("en"))
    assert listed[1] == f"1. {ADDRESS.canonical}" and listed[2] == says["direct"]
    assert listed[4].startswith("   ") and "12" in listed[4] and says["file_one"] not in "".join(listed)
    assert listed[3] == f"2. {ADDRESS.canonical}"


def test_how_to_reproduce_stands_right_below_the_address() -> None:
    made = content()
    direct = made.texts.says["direct"]
    text = wording.text(made)
    for lines in ("\n", "\n\n"):
        moved = text.replace(f"{direct}\n", f"{lines}{direct}\n", 1)
        assert any("lacks how to reproduce" in fault for fault in found(made, text=moved))
    assert found(content(addresses=(replace(ADDRESS, files=0, addresses="", last_seen=None),))) == []


def test_a_secret_is_a_word_by_itself_and_no_part_of_another() -> None:
    made = content(secrets=frozenset({"", "A07"}))
    text = wording.text(made)
    assert "A07" not in repr(made), "nor in a log of it"
    assert found(made, text=f"{text}Ask for XA07, A071 or A07b.\n") == []
    assert found(made, text=f"{text}Ask for A07.\n") == [
        "it tells of somebody in the house, the police or the reporter"
    ]


def test_data_that_begins_a_word_is_taken_for_a_picture_and_the_word_data_is_not() -> None:
    made = content()
    text = wording.text(made)
    for held in ("data:,hello", "See DATA:;base64,AAAA"):
        assert found(made, text=f"{text}{held}\n") == [
            "it holds something that could load or carry a picture"
        ]
    assert found(made, text=f"{text}We keep no data. Metadata: none.\n") == []


def test_a_longer_name_is_taken_out_of_the_prose_before_the_shorter_in_it() -> None:
    made = content(host="Rack", hotline="Rack police desk")
    assert found(made) == []


def test_the_page_of_a_host_says_how_many_and_of_what() -> None:
    said = [wording.count_words(count) for count in (0, 1, 2, 9, 10, 1_433)]
    assert said == [
        "No addresses",
        "One address",
        "Two addresses",
        "Nine addresses",
        "10 addresses",
        "1,433 addresses",
    ]
    assert wording.what("child-sexual-abuse") == "child sexual abuse images"
    assert wording.what("never heard of") == "illegal content"
