"""What a notice says, as plain text in the host's language.

Exact address, UTC times, how to reproduce, legal ground, preserve and remove, serial, appeal route, how to
check that it is genuine. What is not here: the words themselves (`policy/texts/<language>.toml`), the check
that all of it is there (`notice_lint`), the XARF part and the mail around it (connectors), and whether it may
leave (`steps/departing`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from openhotline.rules.words import CHILD_SEXUAL_ABUSE, EXTREME, NON_PHOTOGRAPHIC, OBSCENE_ADULT

# How the letter is made: text and XARF in the envelope of RFC 5965, the same without that envelope, or a text
# that names no address and leads to a page behind serial and code.
SAFE, REPORT, MIXED, PAGE = "safe", "report", "mixed", "page"
FORMS = {
    SAFE: "Text and XARF, sealed, where we have their key; else without addresses, which stand behind serial and code",
    REPORT: "Text and XARF, in the envelope of a feedback report (ARF)",
    MIXED: "Text and XARF, as plain attachments",
    PAGE: "Text without addresses; they stand behind serial and code",
}
OPENS = 11  # characters of a code that opens the page of its notice; others only check it
TEXT_KEYS = [
    "language",
    "date",
    "minute",
    "day",
    "subject",
    "again",
    "one",
    "many",
    "head",
    "from",
    "carries_one",
    "carries_many",
    "ground",
    "todo",
    "preserve",
    "remove",
    "tell",
    "tell_page",
    "closes",
    "due",
    "list",
    "address",
    "file_one",
    "file_many",
    "seen",
    "referrer",
    "direct",
    "server",
    "genuine",
    "appeal",
    "foot",
]

# Those of an alert (`rules/alert`): `says["alert_" + key]`.
ALERT_KEYS = [
    "subject",
    "head",
    "registered",
    "found",
    "open",
    "preserve",
    "remove",
    "answer",
    "answer_page",
    "ground",
    "law",
    "appeal",
    "genuine",
    "domain_subject",
    "domain_found",
    "domain_named",
    "domain_open",
    "domain_preserve",
    "domain_act",
    "domain_answer",
    "domain_answer_page",
    "domain_over",
]

# Those of the short letters beside them (`rules/told`): `says["told_" + key]`.
TOLD_KEYS = [
    "reminder_subject",
    "reminder",
    "reminder_left",
    "moved_subject",
    "moved_notice",
    "moved_alert",
    "moved_keep",
    "withdrawn_subject",
    "withdrawn_notice",
    "withdrawn_part",
    "withdrawn_why",
    "withdrawn_alert",
    "withdrawn_alert_why",
    "domain_over",
    "answer_subject",
    "answer_head",
    "answer_foot",
    "appeal_subject",
    "appeal_list_subject",
    "appeal_received",
    "appeal_upheld",
    "appeal_reversed",
    "appeal_withdrawn",
    "appeal_off_the_list",
    "reported_subject",
    "reported_removed",
    "reported_closed",
    "reported_thanks",
    "time",
]


@dataclass(frozen=True, slots=True)
class Texts:
    """One language's words: `says[key]` with places to fill, `what[class]`, patterns that must not stand."""

    key: str
    says: Mapping[str, str]
    what: Mapping[str, str]
    forbidden: tuple[str, ...]

    def say(self, key: str, **facts: object) -> str:
        """One sentence, filled in."""
        return self.says[key].format(**facts)

    def kind(self, cls: str) -> str:
        """The content in words."""
        return self.what.get(cls, self.what["other"])

    def time(self, moment: datetime) -> str:
        """A moment, with its seconds and zone."""
        return moment.strftime(self.says["date"])

    def counted(self, count: int) -> str:
        """ "one address", "433 addresses"."""
        return self.says["one"] if count == 1 else self.say("many", n=f"{count:,}")


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
    server: str = ""  # of a newsgroup post: the news server that holds it


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
    appeal: str
    ground: str  # the law, as policy words it
    preserve_days: int
    due: datetime
    sent: datetime
    addresses: tuple[NoticeAddress, ...]
    texts: Texts
    page: str = ""  # where serial and code open it
    form: str = REPORT
    country: str = ""
    asn: int = 0
    # What must not stand in it: pseudonyms of the house, units, numbers of questions, references of items.
    secrets: frozenset[str] = field(default=frozenset(), repr=False)


_WHAT = {
    CHILD_SEXUAL_ABUSE: "child sexual abuse images",
    NON_PHOTOGRAPHIC: "non-photographic images of child sexual abuse",
    OBSCENE_ADULT: "criminally obscene adult content",
    EXTREME: "extreme images",
}


def what(cls: str) -> str:
    """The content in the words of the host's page."""
    return _WHAT.get(cls, "illegal content")


def count_words(count: int) -> str:
    """ "One address", "433 addresses"."""
    small = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine")
    number = small[count] if count < len(small) else f"{count:,}"
    return f"{number} address{'' if count == 1 else 'es'}"


def subject(content: NoticeContent) -> str:
    """The mail's subject. No address, no name."""
    texts = content.texts
    return texts.say("subject", number=content.number, count=texts.counted(len(content.addresses)))


def text(content: NoticeContent) -> str:
    """The human part of the letter."""
    texts, count = content.texts, len(content.addresses)
    carries = "carries_one" if count == 1 else "carries_many"
    tell = (
        texts.say("tell_page", page=content.page, number=content.number, code=content.code)
        if content.form == PAGE
        else texts.say("tell", link=content.link)
    )
    lines = [
        texts.say("head", number=content.number, host=content.host),
        texts.say("from", hotline=content.hotline, sent=texts.time(content.sent)),
        "",
        texts.say(carries, count=f"{count:,}", what=texts.kind(content.cls)),
        texts.say("ground", ground=content.ground),
        "",
        texts.says["todo"],
        texts.say("preserve", days=content.preserve_days),
        texts.says["remove"],
        tell,
        texts.says["closes"],
        "",
        texts.say("due", due=content.due.strftime(texts.says["minute"])),
        "",
    ]
    if content.form != PAGE:
        lines += [*listed(content.addresses, texts), ""]
    lines += [
        texts.say(
            "genuine", phone=content.phone, number=content.number, code=content.code, verify=content.verify
        ),
        "",
        texts.say("appeal", appeal=content.appeal),
        "",
        texts.say("foot", hotline=content.hotline, phone=content.phone),
    ]
    return "\n".join(lines) + "\n"


def listed(addresses: Sequence[NoticeAddress], texts: Texts) -> list[str]:
    """What was seen, exactly as seen."""
    lines = [texts.says["list"]]
    for index, address in enumerate(addresses, 1):
        lines.append(f"{index}. {address.canonical}")
        details = [texts.say("address", address=address.addresses)] if address.addresses else []
        if address.files:
            details.append(
                texts.says["file_one"] if address.files == 1 else texts.say("file_many", n=address.files)
            )
        if address.last_seen:
            details.append(texts.say("seen", seen=texts.time(address.last_seen)))
        if details:
            lines.append("   " + "; ".join(details))
        lines.append(how(address, texts))
    return lines


def how(address: NoticeAddress, texts: Texts) -> str:
    """How it is found again: by its news server, by the page it opens from, or directly."""
    if address.server:
        return texts.say("server", server=address.server)
    return texts.say("referrer", referrer=address.referrer) if address.referrer else texts.says["direct"]
