"""An alert in every language says what it must and nothing it must not; an open mail names nothing that belongs on its page."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from openhotline import policy
from openhotline.rules import alert, ladder, paged, references
from openhotline.rules.notice import NoticeAddress, Texts
from openhotline.rules.notice_lint import faults_of_paged, lint_paged, lint_typed
from openhotline.rules.paged import Ways
from openhotline.rules.refusals import Refused

NOON = datetime(2026, 5, 12, 12, 0, tzinfo=UTC)
PAGE = NoticeAddress("u-1", "https://dijk.example.net/n/1", "198.51.100.20", "A", "infant", 2, NOON)
POST = NoticeAddress("u-2", "news:a@post.example", "", "A", "", 0, None, server="news.example.net")
NUMBER = references.alert(2026, 7)
WAYS = Ways(
    code="ABCDEF-1234",
    link="https://portal.example/n/" + "A" * 43,
    page="https://portal.example/open",
    verify="https://portal.example/verify",
    appeal="https://portal.example/appeal",
    phone="01632 960 201",
)
GROUND = "Indecent photograph of a child, Protection of Children Act 1978, section 1."
HOUSE = {"number": NUMBER, "hotline": "Example Hotline", "ground": GROUND, "ways": WAYS, "sent": NOON}


@pytest.mark.parametrize("language", sorted(policy.languages()))
def test_an_alert_in_every_language(language: str) -> None:
    texts = policy.notice_texts(language)
    to_host = alert.letter(content(texts))
    of_domain = alert.domain_letter(
        alert.DomainContent(name="Net Registry", domain="example.net", count=433, texts=texts, **HOUSE)  # type: ignore[arg-type]
    )
    assert faults_of_paged(to_host) == faults_of_paged(of_domain) == []
    for must in (PAGE.canonical, PAGE.addresses, POST.canonical, POST.server, "(NL)", WAYS.link):
        assert must in to_host.whole
    assert "example.net" in of_domain.whole and "433" in of_domain.open and "dijk" not in of_domain.whole
    for letter in (to_host, of_domain):
        assert letter.open.count(NUMBER) >= 2 and NUMBER in letter.subject
        for never in ("example.net", "198.51.100", "news:", WAYS.link):
            assert never not in letter.open + letter.subject
        for must in (WAYS.page, WAYS.code, WAYS.verify, WAYS.appeal, WAYS.phone, GROUND):
            assert must in letter.open and must in letter.whole.replace(WAYS.link, f"{WAYS.link} {WAYS.page}")
        assert texts.kind("child-sexual-abuse") in letter.open


def up(**more: object) -> ladder.RungContent:
    fields: dict[str, object] = {
        "name": "Above Net",
        "words": "You carry the network on which this is held.",
        "host": "Canal Hosting",
        "cls": "child-sexual-abuse",
        "noticed": NOON - timedelta(days=1),
        "preserve_days": 90,
        "addresses": (PAGE,),
        "texts": policy.notice_texts("en"),
        **HOUSE,
        "number": references.notice(2026, 311),
    }
    return ladder.RungContent(**{**fields, **more})  # type: ignore[arg-type]


def content(texts: Texts, **more: object) -> alert.AlertContent:
    fields: dict[str, object] = {
        "host": "Canal Hosting",
        "cls": "child-sexual-abuse",
        "countries": ("NL",),
        "addresses": (PAGE, POST),
        "texts": texts,
        **HOUSE,
    }
    return alert.AlertContent(**{**fields, **more})  # type: ignore[arg-type]


SAID = alert.letter(content(policy.notice_texts("en"), secrets=frozenset({"A07"})))


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"serial": "A-26-0007-A"}, "serial number is not one of ours"),
        ({"serial": references.consultation(2026, 7)}, "serial number is not one of ours"),
        ({"subject": "An alert"}, "does not stand in its subject"),
        ({"sent": NOON.astimezone(timezone(timedelta(hours=1)))}, "not UTC"),
        ({"ground": "Another law."}, "lacks the legal ground"),
        ({"open": SAID.open.replace(WAYS.appeal, "")}, "lacks the appeal route"),
        ({"whole": SAID.whole.replace(WAYS.verify, "")}, "how to check that it is genuine"),
        ({"open": SAID.open.replace(WAYS.page, "")}, "lacks the page that opens it"),
        ({"open": SAID.open.replace(WAYS.code, "")}, "lacks the code"),
        ({"open": SAID.open.replace(WAYS.phone, "")}, "lacks the phone number"),
        ({"open": SAID.open.replace(NUMBER, "")}, "lacks its serial number"),
        ({"open": f"{SAID.open}{WAYS.link}"}, "must not be opened by a link as well"),
        ({"whole": SAID.whole.replace(WAYS.link, "")}, "lacks the link"),
        ({"open": f"{SAID.open}{PAGE.canonical}"}, "belongs on the page alone"),
        ({"open": f"{SAID.open}See dijk.example.net."}, "belongs on the page alone"),
        ({"subject": f"{NUMBER}: 198.51.100.20"}, "belongs on the page alone"),
        ({"whole": SAID.whole.replace(POST.canonical, "")}, "lack an address"),
        ({"kept_back": ()}, "lack an address"),
        ({"ways": replace(WAYS, appeal="")}, "lacks the appeal route"),
        ({"ways": replace(WAYS, page="")}, "lacks the page that opens it"),
        ({"open": f"{SAID.open}Until 14:00 BST."}, "a time in it is local"),
        ({"open": f"{SAID.open}The police know."}, "says “police”"),
        ({"whole": f"{SAID.whole}Seen by A07."}, "tells of somebody in the house"),
        ({"open": f"{SAID.open}<img src=x>"}, "carry a picture"),
    ],
)
def test_what_is_wrong_with_a_letter_that_has_a_page_is_a_sentence(
    more: dict[str, object], sentence: str
) -> None:
    wrong = faults_of_paged(replace(SAID, **more))  # type: ignore[arg-type]
    assert sentence in "; ".join(wrong)
    with pytest.raises(Refused, match="cannot leave"):
        lint_paged(replace(SAID, **more))  # type: ignore[arg-type]


def test_a_language_must_say_that_its_time_is_utc() -> None:
    silent = replace(SAID.texts, says={**SAID.texts.says, "date": "%d %B %Y %H:%M:%S"})
    assert faults_of_paged(replace(SAID, texts=silent)) == ["its time is not UTC"]


def test_what_must_not_stand_in_a_letter_does_not_stand_in_a_log_of_it() -> None:
    secret = frozenset({"P-26-0095-H"})
    texts = policy.notice_texts("en")
    domain = alert.DomainContent(
        name="Net Registry",
        domain="example.net",
        count=4,
        texts=texts,
        secrets=secret,
        **HOUSE,  # type: ignore[arg-type]
    )
    for made in (up(secrets=secret), content(texts, secrets=secret), domain, replace(SAID, secrets=secret)):
        assert made.secrets == secret and "P-26-0095-H" not in repr(made)


def test_a_domain_does_not_stand_in_the_name_of_another() -> None:
    named = replace(SAID, kept_back=("example.net",), whole=f"{SAID.whole} example.net")
    assert faults_of_paged(replace(named, open=f"{SAID.open} my-example.net example.network")) == []
    assert faults_of_paged(replace(named, open=f"{SAID.open} town.example.net"))


def test_what_may_be_said_fits_the_letter() -> None:
    assert [
        paged.has_page(kind)
        for kind in ("host-alert", "domain-alert", "ladder-regulator", "ladder", "notice")
    ] == [
        True,
        True,
        True,
        False,
        False,
    ]
    assert paged.said("ladder-upstream") == ("acted", "not-ours", "need-more", "appeal")
    assert "removed" in paged.said("host-alert") and "removed" not in paged.said("domain-alert")


def test_a_letter_up_the_ladder_lists_what_is_there_on_its_page_alone() -> None:
    hidden = NoticeAddress(
        "u-3", "https://img.example.org/b?c=1", "", "", "", 0, None, referrer="https://door.example.com/"
    )
    plain = replace(PAGE, addresses="")
    made = ladder.letter(up(addresses=(plain, hidden)))
    assert faults_of_paged(made) == []
    assert set(made.kept_back) == {
        "https://dijk.example.net/n/1",
        "dijk.example.net",
        "https://img.example.org/b?c=1",
        "img.example.org",
        "https://door.example.com/",
    }
    assert "1. https://dijk.example.net/n/1\n2. https://img.example.org/b?c=1\n   opens from" in made.whole
    assert "2 addresses, on a secure page" in made.open
    for text in (made.whole, made.open):
        for must in (
            "Above Net",
            "Canal Hosting on 11 May 2026 12:00 UTC",
            "90 days",
            "You carry",
            "child sexual abuse",
        ):
            assert must in text


@pytest.mark.parametrize(
    "said",
    [
        "It is https://img.example.net/a/b.",
        "It is img.example.net/a/b, as before.",
        "It is hxxps://img[.]example[.]net/a/b",
        "It is HXXPS://IMG.EXAMPLE.NET/A/B",
        "All of bare.example is meant.",
    ],
)
def test_words_for_an_open_mail_name_no_address_however_it_is_written(said: str) -> None:
    with pytest.raises(Refused, match="its number on the page") as refusal:
        typed(said, "https://img.example.net/A/b/", "bare.example")
    assert refusal.value.code == "address"


def test_words_that_name_none_of_these_addresses_may_leave() -> None:
    typed("Number 2 on the page; img.example.net is a big place.", "https://img.example.net/a")
    typed("Number 2 on the page.", "")
    typed("Number 2 on the page.")


@pytest.mark.parametrize(
    "said",
    ["The police asked us to wait.", "A07 looked at it.", "See P-26-0095-H.", "Ein Analyst hat es gesehen."],
)
def test_words_for_an_open_mail_tell_of_no_police_analyst_or_case_in_any_language(said: str) -> None:
    with pytest.raises(Refused, match=r"This must not leave: it .* Say it without\.$"):
        typed(said)


def typed(said: str, *addresses: str) -> None:
    """As an answer to a German host is checked."""
    lint_typed(
        said,
        addresses=addresses,
        texts=[policy.notice_texts("en"), policy.notice_texts("de")],
        secrets=frozenset({"A07", "P-26-0095-H"}),
    )
