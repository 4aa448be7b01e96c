"""An alert in every language says what it must and nothing it must not; of a domain it names no page."""

import re
from datetime import UTC, datetime

import pytest

from openhotline import policy
from openhotline.rules import alert, references
from openhotline.rules.notice import NoticeAddress

NOON = datetime(2026, 5, 12, 12, 0, tzinfo=UTC)
PAGE = NoticeAddress("u-1", "https://dijk.example.net/n/1", "198.51.100.20", "A", "infant", 2, NOON)
POST = NoticeAddress("u-2", "news:a@post.example", "", "A", "", 0, None, server="news.example.net")
NUMBER = references.alert(2026, 7)
HOUSE = {"number": NUMBER, "hotline": "Example Hotline", "phone": "01632 960 201", "sent": NOON}


@pytest.mark.parametrize("language", sorted(policy.languages()))
def test_an_alert_in_every_language(language: str) -> None:
    texts = policy.notice_texts(language)
    to_host = alert.AlertContent(
        host="Canal Hosting",
        cls="child-sexual-abuse",
        countries=("NL",),
        appeal="https://portal.example/appeal",
        addresses=(PAGE, POST),
        texts=texts,
        **HOUSE,  # type: ignore[arg-type]
    )
    of_domain = alert.DomainContent(
        name="Net Registry",
        domain="example.net",
        count=433,
        texts=texts,
        **HOUSE,  # type: ignore[arg-type]
    )
    said, told = alert.text(to_host), alert.domain_text(of_domain)
    for must in (
        PAGE.canonical,
        PAGE.addresses,
        POST.canonical,
        POST.server,
        "portal.example/appeal",
        "(NL)",
    ):
        assert must in said
    assert "example.net" in told and "433" in told and "dijk" not in told
    for letter, subject in ((said, alert.subject(to_host)), (told, alert.domain_subject(of_domain))):
        assert letter.count(NUMBER) >= 2 and NUMBER in subject and "example" not in subject
        assert texts.kind("child-sexual-abuse") in letter and HOUSE["phone"] in letter  # type: ignore[operator]
        for pattern in texts.forbidden:
            assert not re.search(pattern, letter, re.IGNORECASE)
