"""What an alert says: to a registered host abroad, and to somebody who answers for a domain.

True here: a host is told what the referral beside it tells, is asked and not ordered, and hears who leads: the partner
hotline of that country. Of a domain only its name and a number are told, and no address. What is not here: the words
themselves (`policy/texts`), who is alerted
and when (`steps/alert`, `steps/domain_alert`).
"""

from dataclasses import dataclass
from datetime import datetime

from openhotline.rules.notice import NoticeAddress, Texts, listed
from openhotline.rules.words import CHILD_SEXUAL_ABUSE


@dataclass(frozen=True, slots=True)
class AlertContent:
    """Everything an alert carries. Frozen at departure."""

    number: str
    host: str
    cls: str
    countries: tuple[str, ...]
    hotline: str
    phone: str
    appeal: str  # where it is appealed
    sent: datetime  # UTC
    addresses: tuple[NoticeAddress, ...]
    texts: Texts


def subject(content: AlertContent) -> str:
    """The mail's subject. No address, no name."""
    count = content.texts.counted(len(content.addresses))
    return content.texts.say("alert_subject", number=content.number, count=count)


def text(content: AlertContent) -> str:
    """The letter."""
    texts = content.texts
    lines = [
        texts.say("alert_head", number=content.number, host=content.host),
        texts.say("from", hotline=content.hotline, sent=texts.time(content.sent)),
        "",
        texts.says["alert_registered"],
        texts.say("alert_found", what=texts.kind(content.cls), countries=", ".join(content.countries)),
        "",
        *(texts.says[f"alert_{key}"] for key in ("open", "preserve", "remove")),
        texts.say("alert_answer", number=content.number),
        "",
        texts.says["alert_law"],
        "",
        *listed(content.addresses, texts),
        "",
        texts.say("alert_appeal", number=content.number, appeal=content.appeal),
        "",
        texts.say("alert_genuine", phone=content.phone),
    ]
    return "\n".join(lines) + "\n"


@dataclass(frozen=True, slots=True)
class DomainContent:
    """Everything a letter about a domain carries. Frozen at departure."""

    number: str
    name: str
    domain: str
    count: int
    hotline: str
    phone: str
    sent: datetime  # UTC
    texts: Texts


def domain_subject(content: DomainContent) -> str:
    """The mail's subject. The domain stands in the letter alone."""
    return content.texts.say("alert_domain_subject", number=content.number)


def domain_text(content: DomainContent) -> str:
    """The letter."""
    texts = content.texts
    lines = [
        texts.say("alert_head", number=content.number, host=content.name),
        texts.say("from", hotline=content.hotline, sent=texts.time(content.sent)),
        "",
        texts.say(
            "alert_domain_found",
            domain=content.domain,
            what=texts.kind(CHILD_SEXUAL_ABUSE),
            count=texts.counted(content.count),
        ),
        "",
        *(texts.says[f"alert_domain_{key}"] for key in ("open", "preserve", "act")),
        texts.say("alert_domain_answer", number=content.number),
        "",
        texts.says["alert_domain_page"],
        "",
        texts.say("alert_genuine", phone=content.phone),
    ]
    return "\n".join(lines) + "\n"
