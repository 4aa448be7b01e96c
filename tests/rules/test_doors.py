"""What comes in by a door or in the mail: kept as it came, believed only where it is proved."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from openhotline.rules import deconflict, inbound, incoming, printable, references, signed, urls
from openhotline.rules.inbound import DeliveryWord, Inbound
from openhotline.rules.incoming import IncomingReport
from openhotline.rules.refusals import Refused

AT = datetime(2026, 5, 12, 12, 34, 56, 789, tzinfo=UTC)
HOUR = datetime(2026, 5, 12, 12, 0, tzinfo=UTC)
REPORT = UUID(int=7, version=4)


# --- reports --------------------------------------------------------------------------------------


def test_a_report_of_the_public_bears_its_hour_outside_and_its_time_inside() -> None:
    report = incoming.public(REPORT, ("http://a.example/",), AT, mail="m@example.org")
    assert (report.received_at, report.exact_at, report.began) == (HOUR, AT, HOUR)
    assert (report.source, report.mail, report.complete) == ("public", "m@example.org", True)
    assert replace(report, reached_at=AT + timedelta(hours=2)).began == HOUR + timedelta(hours=2)
    partner = IncomingReport(REPORT, "hotline", (), AT)
    assert partner.began == AT
    assert replace(partner, reached_at=AT + timedelta(minutes=1)).began == AT + timedelta(minutes=1)
    assert (incoming.MOST_LINES, incoming.MOST_LINES_OF_THE_PUBLIC) == (10_000, 500)


def test_a_report_is_read_back_as_it_was_sealed() -> None:
    whole = IncomingReport(
        REPORT,
        "hotline",
        ("a", "\udcff"),
        AT,
        AT,
        "image",
        "über",
        files=("f",),
        complete=False,
        reached_at=HOUR,
    )
    for report in (whole, replace(whole, exact_at=None), replace(whole, reached_at=None)):
        data = report.to_json()
        assert IncomingReport.from_json(data) == report
        assert "über".encode() in data and b": " not in data
    old = whole.to_json().replace(b',"reached_at":"2026-05-12T12:00:00+00:00"', b"")
    assert IncomingReport.from_json(old).reached_at is None, "sealed before there was such a field"
    with pytest.raises(ValueError):
        IncomingReport.from_json(b"no report")


def test_a_correction_loses_no_line_that_was_given_before() -> None:
    first = IncomingReport(REPORT, "public", ("a", "b"), AT, files=("f",), raw="one", odd="odd")
    again = IncomingReport(REPORT, "public", ("b", "c"), AT, files=("g",), raw="two", mail="m@example.org")
    both = again.after(first)
    assert (both.lines, both.files, both.raw, both.odd) == (("b", "c", "a"), ("g", "f"), "one\ntwo", "odd")
    assert both.mail == "m@example.org"
    assert again.after(again) is again
    assert replace(again, odd="new").after(first).odd == "new"
    for more in ({"lines": ("x",)}, {"files": ("x",)}, {"raw": "x"}, {"odd": "x"}):
        assert again.after(replace(again, **more)) != again
    assert incoming.together("", "a", "b", "a", "") == "a\nb"


# --- mail -----------------------------------------------------------------------------------------

KEY = "0123456789abcdef" * 4


def test_a_report_of_non_delivery_counts_only_at_the_address_made_for_that_letter() -> None:
    address = inbound.bounce_address(KEY, "token", "Hotline.Example")
    proof = hashlib.sha256(b"token").hexdigest()[:24]
    assert address == f"bounces+{KEY[:16]}.{proof}@hotline.example"
    assert inbound.bounced_to(f" {address.upper()} ", "hotline.EXAMPLE") == (KEY[:16], proof)
    assert inbound.proves("token", proof) and not inbound.proves("other", proof)
    for other in (address.replace("hotline", "other"), address[1:], f"x{address}", "bounces@hotline.example"):
        assert inbound.bounced_to(other, "hotline.example") is None
    words = {
        "failed": "bounced",
        "delayed": "deferred",
        "delivered": "delivered",
        "relayed": "delivered",
        "": "",
    }
    assert {action: DeliveryWord("r", action, "5.1.1", "").state for action in words} == words


def test_mail_is_threaded_by_what_it_quotes() -> None:
    mail = Inbound(
        to=("report@hotline.example",),
        subject="Re: N-26-0007-R",
        text="n-26-0007-r and P-26-0001-X, N-26-0007-Z",
        refers=(
            f"<{KEY}@Hotline.example>",
            f"<{KEY[::-1]}@other.example>",
            "<no>",
            f"x<{KEY}@hotline.example>",
        ),
    )
    right = references.notice(2026, 7)
    mail = replace(
        mail,
        subject=f"Re: {right}",
        text=f"{right.lower()} again, and {right[:-1]}{'A' if right[-1] != 'A' else 'B'}",
    )
    assert mail.serials() == [right]
    assert mail.letters("hotline.EXAMPLE") == [KEY]
    assert mail.mailbox("report", "Hotline.Example")
    assert not mail.mailbox("reports", "hotline.example") and not mail.mailbox("report", "example")


# --- signed requests ------------------------------------------------------------------------------


def test_a_signature_holds_for_five_minutes_for_its_own_secret_key_and_body() -> None:
    header = signed.sign(b"secret", b"body", key="k1", at=AT)
    second = AT.replace(microsecond=0)
    assert header.startswith(f"t={int(AT.timestamp())},v2=")
    for late in (-300, -1, 0, 300):
        moment = second + timedelta(seconds=late)
        assert signed.believed(b"secret", b"body", f" {header} ", key="k1", at=moment)
    for late in (-301, 301):
        assert not signed.believed(b"secret", b"body", header, key="k1", at=second + timedelta(seconds=late))
    for secret, body, key in (
        (b"other", b"body", "k1"),
        (b"secret", b"Body", "k1"),
        (b"secret", b"body", "k2"),
        (b"secret", b"body", ""),
        (b"secret", b"ody", "k1b"),
        (b"secret", b"1\nbody", "k"),
    ):
        assert not signed.believed(secret, body, header, key=key, at=AT)
    assert timedelta(minutes=5) == signed.TOLERANCE


def test_what_is_no_signature_is_not_believed_and_never_raises() -> None:
    header = signed.sign(b"secret", b"body", at=AT)
    padded = f"{header}{' ' * (199 - len(header))}"
    assert signed.believed(b"secret", b"body", padded, at=AT)
    for odd in ("", "t=1", f"{header}é", f"{padded} ", header.replace("v2", "v1"), "t=٣,v2=" + "0" * 64):
        assert signed.believed(b"secret", b"body", odd, at=AT) is False
    far = f"t={'9' * 12},v2={'0' * 64}"
    assert signed.believed(b"secret", b"body", far, at=AT) is False, "a year no calendar has"
    last = signed._mac(b"secret", 10**12 - 1, "", b"body")
    assert signed.believed(b"secret", b"body", f"t={10**12 - 1},v2={last}", at=AT) is False


# --- digests of a unit ----------------------------------------------------------------------------


def test_an_address_has_a_domain_and_the_accounts_its_path_names() -> None:
    def of(text: str) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for kind, value in deconflict.values(urls.read(text)):
            found.setdefault(kind, []).append(value)
        return found

    found = of("http://www.example.org/~Ann/x/@Bob/u/Cy/User/@Di/profile")
    assert list(found) == ["address", "domain", "account"]
    assert found["domain"] == ["example.org"] and len(found["address"]) == 1
    assert found["account"] == ["ann@example.org", "bob@example.org", "cy@example.org", "di@example.org"]
    assert "account" not in of("http://example.org/~/@/user")
    assert of("http://example.org/%7Eann")["account"] == ["ann@example.org"]
    assert of("no address at all") == {}
    assert of("http://example.org/@b")["account"] == ["b@example.org"]
    assert of("http://example.org/x/user/dee/y")["account"] == ["dee@example.org"]
    assert of("http://example.org/u//ann")["account"] == ["ann@example.org"]
    assert of("http://example.org/u/ann/u/ann")["account"] == ["ann@example.org"], "each once"


def test_a_key_is_random_and_digests_are_read_line_by_line(monkeypatch: pytest.MonkeyPatch) -> None:
    good = bytes(range(8)) * 4
    assert deconflict.read_key(f" {good.hex().upper()}\n") == good
    for bad in (good.hex()[:-1], f"{good.hex()}0", "g" * 64, (bytes(range(7)) * 5)[:32].hex()):
        with pytest.raises(Refused) as refused:
            deconflict.read_key(bad)
        assert refused.value.code == "key"
    one, two = "0" * 64, "F" * 64
    assert deconflict.read_digests(f"{one}\n\n {two} \n{one}\n") == [bytes(32), b"\xff" * 32]
    with pytest.raises(Refused, match="Line 3 is no digest"):
        deconflict.read_digests(f"{one}\n\nhttp://a.example/")
    with pytest.raises(Refused, match="no digest in this"):
        deconflict.read_digests(" \n")
    monkeypatch.setattr(deconflict, "MOST", 2)
    assert len(deconflict.read_digests(f"{one}\n{two}")) == 2
    with pytest.raises(Refused, match="at most 2 digests"):
        deconflict.read_digests(f"{one}\n{two}\n{'1' * 64}")
    assert deconflict.digest(b"k", "domain", "a") != deconflict.digest(b"k", "account", "a")
    assert len(deconflict.digest(b"k", "domain", "\udcff")) == 32


# --- strangers' words -----------------------------------------------------------------------------


def test_what_could_steer_a_terminal_is_left_out_or_seen_to_have_been_there() -> None:
    assert printable.printable(" a\x1b[2J\u202eb ", 99) == "a[2Jb"
    assert printable.printable("abcdef", 3) == "abc"
    assert printable.printable("  x", 2) == ""
    assert printable.shown("plain") == "plain"
    assert printable.shown("a\n\t\u00a0\x1bé\u202e") == "a\n\t\u00a0\ufffdé\ufffd"
    assert printable.readable("plain") == "plain"
    assert printable.readable("é\udcff") == "é\\xff"


def test_an_age_is_spoken_in_whole_days() -> None:
    ages = (None, 0, 86_399, 86_400, 172_799, 172_800, -86_399, -172_800)
    assert [printable.days_old(seconds) for seconds in ages] == [
        "",
        "",
        "",
        "1 day old",
        "1 day old",
        "2 days old",
        "",
        "dated 2 days ahead",
    ]
