"""What an open mail names is found however it is written; what is sealed is nobody's; a bad letter breaks the promise."""

import base64
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP

import pytest

from openhotline.connectors.mail.keys import OPENPGP, SMIME, seal
from openhotline.connectors.mail.meaning import MailLetter, render
from openhotline.outbox.models import Letter
from openhotline.simulation.openly import named, names_of
from openhotline.simulation.outside import FIRST, SECOND
from openhotline.simulation.promises import NAMES, OPENLY, Notebook
from tests.connectors.test_keys import certificate, openpgp

ADDRESS = "https://s0.example.org/~holder-s0/set-s0"
KEY = "a" * 64


def mail(text: str, subject: str = "N-26-0001-K") -> bytes:
    return render(
        MailLetter(
            message_id=f"<{KEY}@hotline.example>",
            serial="N-26-0001-K",
            sender="hotline@hotline.example",
            to="abuse@north-rack.example",
            subject=subject,
            text=text,
            date=datetime(2026, 5, 12, 12, tzinfo=UTC),
        )
    )


def encoded(text: str) -> bytes:
    made = EmailMessage(policy=SMTP)
    made["Subject"] = "Überblick"
    made.set_content(text, cte="base64")
    return made.as_bytes()


def attached(json: str) -> bytes:
    made = EmailMessage(policy=SMTP)
    made.set_content("See the part.")
    made.add_attachment(json.encode(), "application", "json", filename="xarf.json")
    return made.as_bytes()


GOOD = "Serial N-26-0001-K, code AB-1234. Example Hotline, hotline.example, 01632 960 201. Open http://portal.test/open"


@pytest.mark.parametrize(
    "bad",
    [
        mail(f"Remove {ADDRESS} now."),
        mail("Remove hxxps://s0[.]example[.]org/… now."),
        mail("Remove what is on EXAMPLE.ORG now."),
        mail("The account ~holder-s0 again."),
        mail("The account %7Eholder-s0 again."),
        mail("It is set-s0."),
        mail("Remove s1.exa\nmple.org/~holder-\ns1/set-\ns1 now."),
        mail(GOOD, subject="N-26-0001-K about s0.example.org"),
        mail(GOOD, subject="Ärger mit s0.example.org"),
        attached(f'{{"url": "{ADDRESS}"}}'),
        encoded(f"Remove {ADDRESS} now."),
    ],
)
def test_a_letter_that_names_it_breaks_the_promise(bad: bytes) -> None:
    book = Notebook()
    book.mails([Letter(kind="host-alert", number="A-26-0001-K", key=KEY, body=bad)])
    assert OPENLY in book.broken
    assert "A-26-0001-K" in book.broken[OPENLY]
    asked = Notebook(whole={KEY: True})
    asked.mails([Letter(kind="notice", number="N-26-0001-K", key=KEY, body=bad)])
    assert not asked.broken, "the host asked for addresses in the mail"


def test_what_names_nothing_or_is_sealed_keeps_it_and_its_subject_is_open() -> None:
    whole = mail(f"Remove {ADDRESS} now.")
    told = mail(GOOD, subject="N-26-0001-K about s0.example.org")
    for kind, key in ((OPENPGP, openpgp()[0]), (SMIME, certificate()[0])):
        assert named(seal(whole, kind=kind, key=key), NAMES) == ""
        assert named(seal(told, kind=kind, key=key), NAMES) == "s0.example.org"
    assert named(mail(GOOD), NAMES) == ""
    # A part that only says it is sealed, and a signature that closes nothing, hide nothing.
    for kind in ("application/octet-stream", 'application/pkcs7-mime; smime-type="signed-data"'):
        open_ = b"Content-Type: %s\r\nContent-Transfer-Encoding: base64\r\n\r\n%s" % (
            kind.encode(),
            base64.encodebytes(whole),
        )
        assert named(open_, NAMES)


def test_every_address_of_the_day_is_looked_for() -> None:
    for address in (*FIRST, *SECOND):
        assert set(names_of([address])) <= set(NAMES)
    assert names_of([ADDRESS]) == (
        *("s0.example.org/~holder-s0/set-s0", "s0.example.org", "example.org", "~holder-s0", "set-s0"),
    )
