"""Which contact is written to: two people first, then what worked, then the source."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from openhotline.rules import contacts
from openhotline.rules.contacts import Known, best, may_be_used, ranked
from openhotline.rules.refusals import Refused

NOON = datetime(2026, 5, 12, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def known(key: int, source: str = contacts.REGISTER, **more: object) -> Known:
    fields = {"proposed_by": "A07", "verified_by": "P01", **more}
    return Known(key, f"c{key}@host.example", source, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "more",
    [
        {"verified_by": ""},
        {"proposed_by": "P01"},
        {"usable": False},
        {"retired": True},
    ],
)
def test_nobody_is_written_to_before_two_people_stand_for_it(more: dict[str, object]) -> None:
    assert not may_be_used(known(1, **more))
    assert best([known(1, **more)]) is None
    assert best([known(1, **more), known(2, contacts.ROLE)]) == known(2, contacts.ROLE)


def test_what_worked_comes_before_what_was_never_tried_and_that_before_what_refused_since() -> None:
    worked = known(9, contacts.ROLE, last_success=NOON, last_failure=NOON - DAY, bounces=1)
    untried = known(2, contacts.HOST_PAGE)
    refused = known(1, contacts.REGISTER, last_success=NOON - DAY, last_failure=NOON, bounces=1)
    for order in permutations([worked, untried, refused]):
        assert ranked(order) == [worked, untried, refused]
    both = known(1, last_success=NOON, last_failure=NOON)
    assert ranked([both, untried]) == [untried, both], "refused in the same moment is refused since"


def test_among_equals_fewer_bounces_then_the_newer_success_then_the_source_then_the_older() -> None:
    rows = [
        known(1, contacts.ROLE, last_success=NOON),
        known(2, contacts.REGISTER, last_success=NOON - DAY),
        known(3, contacts.REGISTER, last_success=NOON, last_failure=NOON - DAY, bounces=1),
    ]
    assert [row.key for row in ranked(rows)] == [1, 2, 3]
    untried = [known(number, source) for number, source in enumerate(reversed(contacts.SOURCES))]
    assert [row.source for row in ranked(untried)] == list(contacts.SOURCES)
    assert [row.key for row in ranked([known(5), known(4)])] == [4, 5]


def test_every_state_says_in_words_why() -> None:
    assert "two people" not in contacts.why(known(1))
    assert contacts.why(known(1)) == "Proposed by A07, verified by P01."
    assert "second person" in contacts.why(known(1, verified_by=""))
    assert "machine" in contacts.why(known(1, proposed_by="", verified_by=""))
    assert "came back once" in contacts.why(known(1, usable=False, bounces=1))
    assert "came back 3 times" in contacts.why(known(1, usable=False, bounces=3))
    assert "Retired" in contacts.why(known(1, retired=True, usable=False))


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (" abuse@Host.EXAMPLE ", "abuse@host.example"),
        ("Net.Ops+csa@host.example", "Net.Ops+csa@host.example"),
    ],
)
def test_a_mailbox_is_kept_in_one_spelling(text: str, kept: str) -> None:
    assert contacts.mailbox(text) == kept


@pytest.mark.parametrize(
    "text",
    [
        "",
        "abuse",
        "abuse@host",
        "a b@host.example",
        "a@b@host.example",
        "a@host.example\nBcc: b@c.example",
        "@host.example",
    ],
)
def test_what_is_no_mailbox_is_refused_in_words(text: str) -> None:
    with pytest.raises(Refused, match="one mail address"):
        contacts.mailbox(text)


def test_a_mailbox_has_at_most_254_characters() -> None:
    domain = ".".join(["d" * 60] * 3) + ".example"
    longest = f"{'m' * (253 - len(domain))}@{domain}"
    assert contacts.mailbox(longest) == longest
    with pytest.raises(Refused, match="one mail address"):
        contacts.mailbox(f"m{longest}")


def test_abuse_at_the_hosts_own_domains_is_guessed_where_nobody_named_it() -> None:
    assert contacts.role_mailboxes("", ["noc@mail.host.example"]) == ["abuse@host.example"]
    assert contacts.role_mailboxes("www.host.example", []) == ["abuse@host.example"]
    assert contacts.role_mailboxes("host.example", ["abuse@host.example"]) == []
    assert contacts.role_mailboxes("", []) == []
    assert contacts.role_mailboxes("a.example", ["x@b.example", "y@b.example"]) == [
        "abuse@a.example",
        "abuse@b.example",
    ]
    assert contacts.role_mailboxes("localhost", ["x@ä_.example"]) == []
