"""What a notice says, as plain text, and the linter it passes before it leaves.

Exact address, UTC times, how to reproduce, legal ground, preserve and remove, serial, appeal route, how to
check that it is genuine. Nothing about the reporter, the analyst or the police; no picture is possible.
What is not here: the XARF part and the mail around it (connectors), and whether it may leave (`steps/notify`).
"""

from dataclasses import dataclass
from datetime import datetime

from openhotline.rules.refusals import Refused
from openhotline.rules.words import CHILD_SEXUAL_ABUSE, EXTREME, NON_PHOTOGRAPHIC, OBSCENE_ADULT


@dataclass(frozen=True, slots=True)
class NoticeAddress:
    """One address in a notice."""

    uid: str  # the removal's public id
    canonical: str
    addresses: str  # IP literals
    category: str
    age_band: str
    files: int
    last_seen: datetime | None
    referrer: str = ""


@dataclass(frozen=True, slots=True)
class NoticeContent:
    """Everything a notice carries. Frozen at departure."""

    number: str
    cls: str
    host: str
    to: str
    hotline: str
    domain: str
    phone: str
    link: str
    code: str
    verify: str
    ground: str  # the law, as policy words it
    preserve_days: int
    due: datetime
    sent: datetime
    addresses: tuple[NoticeAddress, ...]
    reminder: int = 0
    country: str = ""
    asn: int = 0


_WHAT = {
    CHILD_SEXUAL_ABUSE: "child sexual abuse images",
    NON_PHOTOGRAPHIC: "non-photographic images of child sexual abuse",
    OBSCENE_ADULT: "criminally obscene adult content",
    EXTREME: "extreme images",
}


def what(cls: str) -> str:
    """The content in the words a host reads."""
    return _WHAT.get(cls, "illegal content")


def count_words(count: int) -> str:
    """ "One address", "433 addresses"."""
    small = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine")
    number = small[count] if count < len(small) else f"{count:,}"
    return f"{number} address{'' if count == 1 else 'es'}"


def subject(content: NoticeContent) -> str:
    """The mail's subject. No address, no name."""
    again = "Reminder: " if content.reminder else ""
    return f"{again}Notice {content.number}: {count_words(len(content.addresses)).lower()} to preserve and remove"


def text(content: NoticeContent) -> str:
    """The human part of the letter."""
    count = len(content.addresses)
    carry = "carries" if count == 1 else "carry"
    lines = [
        f"Notice {content.number} to {content.host}",
        f"From {content.hotline}. Sent {content.sent:%d %B %Y %H:%M:%S} UTC.",
        "",
        f"{count_words(count)} on your network {carry} {what(content.cls)}.",
        f"Legal ground: {content.ground}",
        "",
        "What to do:",
        f"1. Keep the evidence. Preserve the account record, the access logs and the stored files for {content.preserve_days} days. Do not open the files.",
        "2. Remove it, or cut off access, for everyone, on every mirror and cache you run.",
        f"3. Tell us with one press: {content.link}",
        "   We check from outside and close the notice when it is gone.",
        "",
        f"Please act by {content.due:%d %B %Y %H:%M} UTC.",
        "",
        f"The {count_words(count).lower()}, exactly as seen:",
    ]
    for index, address in enumerate(content.addresses, 1):
        lines.append(f"{index}. {address.canonical}")
        details = [f"IP {address.addresses}"] if address.addresses else []
        if address.files:
            details.append(f"{address.files} file{'' if address.files == 1 else 's'}")
        if address.last_seen:
            details.append(f"last seen {address.last_seen:%d %B %Y %H:%M:%S} UTC")
        if details:
            lines.append("   " + "; ".join(details))
        if address.referrer:
            lines.append(f"   Opens only from this page: {address.referrer}")
        else:
            lines.append("   To reproduce: request the address directly; read status and headers only.")
    lines += [
        "",
        f"Is this genuine? Call {content.phone} (number on our website) and quote {content.number},",
        f"or check the serial with code {content.code} at {content.verify}.",
        "",
        "Think we are wrong? Choose “Not on our network” or “appeal” on the same page. A person who did not make",
        "the decision reads it; the removal stands meanwhile.",
        "",
        f"{content.hotline}, {content.phone}",
    ]
    return "\n".join(lines) + "\n"


def lint(content: NoticeContent) -> None:
    """Raise Refused unless the notice says everything it must, and nothing it must not."""
    missing = [
        name
        for name, value in (
            ("a serial number", content.number),
            ("a legal ground", content.ground),
            ("a recipient", content.to),
            ("a link to answer", content.link),
            ("a code to check it", content.code),
            ("an address", content.addresses),
            ("how long to preserve", content.preserve_days),
        )
        if not value
    ]
    if missing:
        raise Refused(f"The notice cannot leave: it lacks {', '.join(missing)}.", code="lint")
    if content.sent.utcoffset() is None or content.due <= content.sent:
        raise Refused("The notice cannot leave: its times do not make sense.", code="lint")
