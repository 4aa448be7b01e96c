"""The short letters beside notices and alerts: what each says in English, to the letter, and that it speaks every language."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from openhotline import policy
from openhotline.rules import told
from openhotline.rules.notice import Texts

NOON = datetime(2026, 5, 12, 12, 0, tzinfo=UTC)
WORDS = {language: policy.notice_texts(language) for language in sorted(policy.languages())}

# Each letter, and what it says in English: (subject, text).
MADE: dict[str, tuple[Callable[[Texts], told.Said], told.Said]] = {
    "reminder": (
        lambda texts: told.reminder(texts, number="N-1", sent=NOON, count=2),
        (
            "Reminder: notice N-1 is not done yet",
            "Notice N-1 of 12 May 2026 12:00 UTC is past its time.\n"
            "Still answering from outside: 2 addresses. Please answer on the notice’s page.\n",
        ),
    ),
    "moved": (
        lambda texts: told.moved(texts, "notice", number="N-1", count=1, at=NOON),
        (
            "N-1: moved",
            "Our notice N-1 is closed for one address: no longer answered from your network.\n"
            "Please keep what you have preserved. Nothing more is asked of you about this.\n"
            "Time: 12 May 2026 12:00 UTC\n",
        ),
    ),
    "moved alert": (
        lambda texts: told.moved(texts, "alert", number="A-1", count=3, at=NOON),
        (
            "A-1: moved",
            "Our alert A-1 is closed for 3 addresses: no longer answered from your network.\n"
            "Please keep what you have preserved. Nothing more is asked of you about this.\n"
            "Time: 12 May 2026 12:00 UTC\n",
        ),
    ),
    "withdrawn": (
        lambda texts: told.withdrawn(texts, "notice", number="N-1"),
        (
            "N-1: withdrawn",
            "We withdraw notice N-1.\nOn appeal it was found not to be against the law. You need not remove it, and may "
            "put back what you removed. You may also end its preservation.\n",
        ),
    ),
    "withdrawn part": (
        lambda texts: told.withdrawn(texts, "part", number="N-1", count=2),
        (
            "N-1: withdrawn",
            "We withdraw 2 addresses of notice N-1; the rest stands.\nOn appeal it was found not to be against the law. "
            "You need not remove it, and may put back what you removed. You may also end its preservation.\n",
        ),
    ),
    "withdrawn alert": (
        lambda texts: told.withdrawn(texts, "alert", number="A-1", count=2),
        (
            "A-1: withdrawn",
            "We withdraw 2 addresses of alert A-1.\nOn appeal it was found not to be against the law here. "
            "You need not remove it, and may put back what you removed.\n",
        ),
    ),
    "domain_over": (
        lambda texts: told.domain_over(texts, number="A-1", at=NOON),
        (
            "A-1: withdrawn",
            "We withdraw alert A-1. We know of nothing that is left under the domain it is about.\n"
            "Time: 12 May 2026 12:00 UTC\n",
        ),
    ),
    "answer": (
        lambda texts: told.answer(texts, number="N-1", words="Words."),
        ("Re: N-1", "You asked about N-1.\n\nWords.\n\nIts own page has the whole exchange.\n"),
    ),
    "appeal_received": (
        lambda texts: told.appeal_received(texts, number="N-1", by=NOON),
        (
            "Your appeal about N-1",
            "We have your appeal. Somebody who had no part in the decision reads it. "
            "You hear from us by 12 May 2026. The removal stands meanwhile.\n",
        ),
    ),
    "appeal_decided": (
        lambda texts: told.appeal_decided(texts, number="N-1", reversed_=False, reasons="Reasons."),
        ("Your appeal about N-1", "The decision stands. Reasons.\n"),
    ),
    "appeal reversed": (
        lambda texts: told.appeal_decided(texts, number="N-1", reversed_=True, reasons="Reasons."),
        (
            "Your appeal about N-1",
            "You were right, and we are sorry. What we sent about it is withdrawn. Reasons.\n",
        ),
    ),
    "appeal off the list": (
        lambda texts: told.appeal_decided(texts, number="", reversed_=True, reasons="Reasons."),
        (
            "Your appeal about an address on the filter list",
            "You were right, and we are sorry. It comes off the filter list. Reasons.\n",
        ),
    ),
    "reported": (
        lambda texts: told.reported(texts, removed=True),
        (
            "About your report",
            "It has been removed, and we keep checking that it stays gone.\n\n"
            "Thank you. You do not need to do anything else.\n",
        ),
    ),
    "reported closed": (
        lambda texts: told.reported(texts, removed=False),
        (
            "About your report",
            "We have closed your report. We found nothing there that we can act on.\n\n"
            "Thank you. You do not need to do anything else.\n",
        ),
    ),
}


@pytest.mark.parametrize("name", MADE)
def test_a_short_letter_says_in_english_what_stands_here(name: str) -> None:
    make, said = MADE[name]
    assert make(WORDS["en"]) == said


@pytest.mark.parametrize("name", MADE)
def test_a_short_letter_is_another_in_each_language_and_bears_its_number(name: str) -> None:
    said = {language: MADE[name][0](texts) for language, texts in WORDS.items()}
    assert len(said) >= 3
    assert len(set(said.values())) == len(said)
    lines: set[str] = set()
    for subject, text in said.values():
        assert subject.strip()
        assert "{" not in subject + text
        assert text.endswith("\n")
        own = {line for line in text.splitlines() if line and line not in ("Words.", "Reasons.")}
        assert not own & lines, "a line was left in another language"
        lines |= own
    numbers = {number for number in ("N-1", "A-1") if any(number in part for part in said["en"])}
    assert all(number in part[0] + part[1] for part in said.values() for number in numbers)
    assert all(text.count("UTC") == said["en"][1].count("UTC") for _, text in said.values())


def test_german_and_dutch_count_and_tell_the_time_their_own_way() -> None:
    def text(language: str, name: str) -> str:
        return MADE[name][0](WORDS[language])[1]

    assert "der Meldung N-1 vom 2026-05-12 12:00 UTC" in text("de", "reminder")
    assert "van melding N-1 van 2026-05-12 12:00 UTC" in text("nl", "reminder")
    assert "noch erreichbar: 2 Adressen." in text("de", "reminder")
    assert "nog bereikbaar: 2 adressen." in text("nl", "reminder")
    assert "für eine Adresse geschlossen" in text("de", "moved")
    assert "gesloten voor één adres" in text("nl", "moved")
    assert "bis zum 12.05.2026 von uns" in text("de", "appeal_received")
    assert "uiterlijk 12-05-2026 van ons" in text("nl", "appeal_received")
