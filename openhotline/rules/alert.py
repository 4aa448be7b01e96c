"""What an alert says: to a registered host abroad, and to somebody who answers for a domain.

True here: a host is told what the referral beside it tells, is asked and not ordered, and hears who leads: the partner
hotline of that country. Of a domain only its name and a number are told, and no address. What is not here: who is alerted
and when (`steps/alert`, `steps/domain_alert`).
"""

from dataclasses import dataclass
from datetime import datetime

from openhotline.rules.notice import NoticeAddress, count_words, what
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
    sent: datetime  # UTC
    addresses: tuple[NoticeAddress, ...]


def subject(content: AlertContent) -> str:
    """The mail's subject. No address, no name."""
    return f"Alert {content.number}: {count_words(len(content.addresses)).lower()} on your network"


def text(content: AlertContent) -> str:
    """The letter."""
    lines = [
        f"To {content.host}",
        f"Alert {content.number} from {content.hotline}, {_time(content.sent)}",
        "",
        "You registered with us to be told at the same moment as the hotline of your country.",
        f"Our analysts found {what(content.cls)} that is held on your network in {' and '.join(content.countries)}. The "
        "hotline there has been told. It leads: what it asks of you comes first.",
        "",
        "1. Do not open it.",
        "2. Preserve the account record, logs and stored files, as your law asks.",
        "3. Remove it, or cut off access.",
        f"4. Answer this mail with {content.number} in its subject: what you did, or that it is not on your network.",
        "",
        "This is no order: your own law says what you must and may do. We look until it is gone.",
        "",
        "Exactly as seen:",
    ]
    for number, one in enumerate(content.addresses, 1):
        lines.append(f"{number}. {one.canonical}")
        details = [f"network address {one.addresses}"] if one.addresses else []
        if one.server:
            details.append(f"held on your news server {one.server}")
        if one.last_seen:
            details.append(f"last seen {_time(one.last_seen)}")
        if one.referrer:
            details.append(f"reached from {one.referrer}")
        if details:
            lines.append("   " + "; ".join(details))
    lines += [
        "",
        f"Is it genuine? Ring us at {content.phone}; find the number yourself, not in this mail.",
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


def domain_subject(content: DomainContent) -> str:
    """The mail's subject. The domain stands in the letter alone."""
    return f"Alert {content.number}: a domain in your sphere"


def domain_text(content: DomainContent) -> str:
    """The letter."""
    return (
        f"To {content.name}\nAlert {content.number} from {content.hotline}, {_time(content.sent)}\n\n"
        f"Under {content.domain}, a domain that our agreement names, our analysts have found {what(CHILD_SEXUAL_ABUSE)}: "
        f"{count_words(content.count).lower()}, seen by our own checks today. Who hosts it, or the hotline of its country, "
        "has been told.\n\n"
        "1. Do not open anything under it.\n"
        "2. Preserve what you hold about who registered it and pays for it.\n"
        "3. Act as our agreement says, and do not warn who registered it.\n"
        f"4. Answer this mail with {content.number} in its subject: what you did.\n\n"
        "This letter names no page: ask us where you need to know. We tell you once nothing is left under it.\n\n"
        f"Is it genuine? Ring us at {content.phone}; find the number yourself, not in this mail.\n"
    )


def _time(moment: datetime) -> str:
    return f"{moment:%d %B %Y %H:%M} UTC"
