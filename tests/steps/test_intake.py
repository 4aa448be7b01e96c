"""Filing: durable, once, whatever it is. Bad lines never lose good ones."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from openhotline import policy as policies
from openhotline.records.models import Clock, Item, ReceiptPhase, Report, ReportContact, ReportLine
from openhotline.rules import incoming, words
from openhotline.rules.incoming import IncomingReport
from openhotline.rules.refusals import NotPermitted
from openhotline.rules.words import MACHINE_WORKER, PUBLIC_REPORTER, Actor
from openhotline.steps import close, intake

AT = datetime(2026, 5, 12, 9, 41, 7, tzinfo=UTC)
POLICY = policies.load("gb")

pytestmark = pytest.mark.django_db


def file(*reports, by=PUBLIC_REPORTER, at=AT):
    return intake.file_reports(list(reports), policy=POLICY, by=by, at=at)


def partner(*lines, **more):
    return IncomingReport(report_id=uuid4(), source=words.FROM_HOTLINE, lines=lines, received_at=AT, **more)


def test_one_report_may_carry_many_addresses_and_bad_lines_never_lose_good_ones():
    filed = file(
        partner("http://a.example.net/1", "javascript:alert(1)", "\x00\x07", "hxxp://b[.]example[.]net/2")
    )
    assert (filed.reports, filed.items_new, filed.incomplete) == (1, 2, 0)
    lines = list(ReportLine.objects.order_by("position"))
    assert [line.item is not None for line in lines] == [True, False, False, True]
    assert lines[1].why, "it says what is wrong"
    assert lines[3].reported == "hxxp://b[.]example[.]net/2", "every spelling is kept"
    assert lines[3].item.canonical == "http://b.example.net/2"


def test_spellings_of_one_address_join_one_item_and_every_reporter_keeps_an_answer():
    first = incoming.public(
        uuid4(), ("http://IMG.example.net:80/a",), AT, receipt_hash="aa" * 32, follow="code"
    )
    second = incoming.public(
        uuid4(), ("https://img.example.net./a#top",), AT, receipt_hash="bb" * 32, follow="code"
    )
    assert file(first).items_new == 1
    filed = file(second)
    assert (filed.items_new, filed.joined) == (0, 1)
    item = Item.objects.get()
    assert item.reports == 2
    assert ReceiptPhase.objects.count() == 2
    assert set(Report.objects.values_list("status", flat=True)) == {"joined"}


def test_two_lines_of_one_batch_join_too():
    filed = file(partner("http://a.example.net/x"), partner("http://a.example.net/x"))
    assert (filed.reports, filed.items_new, filed.joined) == (2, 1, 1)


def test_nothing_readable_is_kept_and_says_what_is_missing():
    filed = file(partner("somebody in a chat told me"), partner(), partner("x" * 100_000))
    assert filed.reports == 3
    assert filed.incomplete + filed.items_new == 3
    for report in Report.objects.filter(status="incomplete"):
        assert report.why


@pytest.mark.parametrize(
    "line",
    [
        "http://" + "a" * 100_000 + ".example/",
        "http://user:pass@img.example.net/",
        "http://xn--a.example/\ud800",
        "<a@b.example>",
        "\x00" * 10,
    ],
)
def test_odd_lines_never_raise(line):
    assert file(partner(line)).reports == 1
    assert ReportLine.objects.count() == 1


def test_message_ids_onions_and_files_are_items_too():
    onion = "http://" + "a" * 56 + ".onion/x"
    filed = file(partner("<part1of3@news.example>", onion, files=("part1.zip sha256:" + "ab" * 32,)))
    kinds = set(Item.objects.values_list("kind", flat=True))
    assert words.NEWSGROUP in kinds
    assert filed.items_new >= 2
    assert words.FILE in kinds


def test_filing_twice_files_once():
    report = incoming.public(
        uuid4(), ("http://a.example.net/1",), AT, mail="reporter@example.org", follow="mail"
    )
    assert file(report).reports == 1
    again = file(report)
    assert (again.reports, again.repeated) == (0, 1)
    assert ReportContact.objects.count() == 1


def test_the_senders_key_files_once_even_with_another_report_id():
    assert file(partner("http://a.example.net/1", partner="acme", key="k1")).reports == 1
    assert file(partner("http://a.example.net/2", partner="acme", key="k1")).repeated == 1
    assert file(partner("http://a.example.net/3", partner="other", key="k1")).reports == 1


def test_a_form_left_after_page_one_is_completed_when_it_is_sent_after_all():
    report_id = uuid4()
    file(incoming.public(report_id, ("http://a.example.net/1",), AT, complete=False))
    assert Report.objects.get().complete is False
    file(incoming.public(report_id, ("http://a.example.net/1",), AT, receipt_hash="cc" * 32, follow="code"))
    row = Report.objects.get()
    assert row.complete
    assert row.receipt_hash == "cc" * 32


def test_an_address_corrected_after_the_form_was_filed_as_left_is_not_lost():
    report_id = uuid4()
    file(incoming.public(report_id, ("http://a.example.net/1",), AT, complete=False))
    file(incoming.public(report_id, ("http://a.example.net/1", "http://b.example.net/2"), AT))
    assert ReportLine.objects.count() == 2
    assert Item.objects.count() == 2
    assert Report.objects.get().why == ""


def test_a_public_report_by_command_keeps_only_the_hour_too():
    file(
        IncomingReport(
            report_id=uuid4(), source=words.FROM_PUBLIC, lines=("http://a.example.net/1",), received_at=AT
        )
    )
    assert Report.objects.get().received_at == AT.replace(minute=0, second=0)


def test_a_public_report_keeps_only_the_hour_in_clear():
    file(incoming.public(uuid4(), ("http://a.example.net/1",), AT, help_text="third picture"))
    row = Report.objects.get()
    assert row.received_at == AT.replace(minute=0, second=0)
    assert b"third picture" not in bytes(row.sealed)
    item = Item.objects.get()
    assert item.due_at == row.received_at + POLICY.clocks.assess, "clocks count from the hour"
    assert Clock.objects.get(subject="item").due_at == item.due_at


def test_the_reporters_mail_is_sealed_and_gone_after_three_months():
    file(
        incoming.public(uuid4(), ("http://a.example.net/1",), AT, mail="reporter@example.org", follow="mail")
    )
    contact = ReportContact.objects.get()
    assert b"reporter@example.org" not in bytes(contact.sealed)
    almost = contact.delete_by - timedelta(seconds=1)
    assert close.forget_contacts(at=almost) == 0
    assert close.forget_contacts(at=contact.delete_by) == 1
    assert ReportContact.objects.count() == 0


def test_a_public_report_is_nobody_s_after_three_months_and_one_of_the_past_has_them_too():
    """Row R4: the words and the receipt are gone; counted from the hour, or from when an old one was brought in."""
    file(
        incoming.public(
            uuid4(), ("http://a.example.net/1",), AT, help_text="third picture", receipt_hash="ab" * 32
        )
    )
    long_ago = incoming.public(
        uuid4(), ("http://a.example.net/2",), AT - timedelta(days=400), help_text="left corner"
    )
    file(replace(long_ago, reached_at=AT))
    file(replace(long_ago, report_id=uuid4(), lines=("nothing to read",), reached_at=AT))
    file(partner("http://a.example.net/1"))
    end = AT.replace(minute=0, second=0) + POLICY.clocks.reporter_contact
    assert close.anonymise(policy=POLICY, at=AT + timedelta(days=13)) == 0
    assert close.anonymise(policy=POLICY, at=end - timedelta(seconds=1)) == 1, (
        "old and unreadable: a fortnight"
    )
    before = Report.objects.get(source=words.FROM_HOTLINE).status
    assert close.anonymise(policy=POLICY, at=end) == 2
    public = Report.objects.filter(source=words.FROM_PUBLIC)
    assert set(public.values_list("status", "sealed", "receipt_hash", "follow")) == {
        ("anonymised", None, "", "none")
    }
    assert not ReceiptPhase.objects.exists() and Item.objects.count() == 2, "what was reported stays"
    assert Report.objects.get(source=words.FROM_HOTLINE).status == before


def test_an_item_found_lawful_goes_back_to_the_queue_when_it_is_reported_a_day_later():
    from openhotline.rules.opinion import Opinion
    from tests.journeys.cast import Day

    house = Day(now=AT)
    (item,) = house.public_report("http://a.example.net/1")
    (item,) = house.graded([item], by=("A07",), opinion=Opinion(words.NOT_ILLEGAL))
    house.later(timedelta(hours=2))
    house.public_report("http://a.example.net/1")
    assert house.again([item])[0].status == "not illegal"
    house.later(timedelta(days=2))
    house.public_report("http://a.example.net/1")
    assert house.again([item])[0].status == "received"


def test_only_those_who_may_file_do():
    with pytest.raises(NotPermitted):
        file(partner("http://a.example.net/1"), by=Actor(words.HOST, "host:1"))
    assert file(partner("http://a.example.net/1"), by=MACHINE_WORKER).reports == 1
