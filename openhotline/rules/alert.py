"""What an alert says: to a registered host abroad, and to somebody who answers for a domain.

True here: a host is told what the referral beside it tells, is asked and not ordered, and hears who leads: the partner
hotline of that country. Of a domain only its name and a number are told, and no address; an open mail does not name the
domain either. What is not here: the words themselves (`policy/texts`), who is alerted and when (`steps/alert`,
`steps/domain_alert`).
"""

from dataclasses import dataclass, field
from datetime import datetime

from openhotline.rules.notice import NoticeAddress, Texts, listed
from openhotline.rules.paged import PagedLetter, Ways, kept_back
from openhotline.rules.words import CHILD_SEXUAL_ABUSE


@dataclass(frozen=True, slots=True)
class AlertContent:
    """Everything an alert carries. Frozen at departure."""

    number: str
    host: str
    cls: str
    countries: tuple[str, ...]
    hotline: str
    ground: str  # the law here, as policy words it
    ways: Ways
    sent: datetime  # UTC
    addresses: tuple[NoticeAddress, ...]
    texts: Texts
    secrets: frozenset[str] = field(default=frozenset(), repr=False)


def letter(content: AlertContent) -> PagedLetter:
    """The alert in both forms. Its subject holds no address and no name."""
    texts, number = content.texts, content.number
    return PagedLetter(
        serial=number,
        subject=texts.say("alert_subject", number=number, count=texts.counted(len(content.addresses))),
        whole=_text(content, whole=True),
        open=_text(content, whole=False),
        ways=content.ways,
        ground=content.ground,
        sent=content.sent,
        texts=texts,
        kept_back=kept_back(content.addresses),
        named=(content.host, content.hotline),
        secrets=content.secrets,
    )


def _text(content: AlertContent, *, whole: bool) -> str:
    texts, ways = content.texts, content.ways
    lines = [
        texts.say("alert_head", number=content.number, host=content.host),
        texts.say("from", hotline=content.hotline, sent=texts.time(content.sent)),
        "",
        texts.says["alert_registered"],
        texts.say("alert_found", what=texts.kind(content.cls), countries=", ".join(content.countries)),
        "",
        *(texts.says[f"alert_{key}"] for key in ("open", "preserve", "remove")),
        _answer("alert_answer", content.number, ways, texts, whole=whole),
        "",
        texts.say("alert_ground", ground=content.ground),
        texts.says["alert_law"],
        "",
        *([*listed(content.addresses, texts), ""] if whole else []),
        *_end(content.number, ways, texts),
    ]
    return "\n".join(lines) + "\n"


def _answer(key: str, number: str, ways: Ways, texts: Texts, *, whole: bool) -> str:
    if whole:
        return texts.say(key, link=ways.link)
    return texts.say(f"{key}_page", page=ways.page, number=number, code=ways.code)


def _end(number: str, ways: Ways, texts: Texts) -> list[str]:
    return [
        texts.say("alert_appeal", number=number, appeal=ways.appeal),
        "",
        texts.say("alert_genuine", phone=ways.phone, number=number, code=ways.code, verify=ways.verify),
    ]


@dataclass(frozen=True, slots=True)
class DomainContent:
    """Everything a letter about a domain carries. Frozen at departure."""

    number: str
    name: str
    domain: str
    count: int
    hotline: str
    ground: str
    ways: Ways
    sent: datetime  # UTC
    texts: Texts
    secrets: frozenset[str] = field(default=frozenset(), repr=False)


def domain_letter(content: DomainContent) -> PagedLetter:
    """The alert about a domain in both forms."""
    return PagedLetter(
        serial=content.number,
        subject=content.texts.say("alert_domain_subject", number=content.number),
        whole=_domain_text(content, whole=True),
        open=_domain_text(content, whole=False),
        ways=content.ways,
        ground=content.ground,
        sent=content.sent,
        texts=content.texts,
        kept_back=(content.domain,),
        named=(content.name, content.hotline),
        secrets=content.secrets,
    )


def _domain_text(content: DomainContent, *, whole: bool) -> str:
    texts, ways = content.texts, content.ways
    lines = [
        texts.say("alert_head", number=content.number, host=content.name),
        texts.say("from", hotline=content.hotline, sent=texts.time(content.sent)),
        "",
        texts.say(
            "alert_domain_found", what=texts.kind(CHILD_SEXUAL_ABUSE), count=texts.counted(content.count)
        ),
        *([texts.say("alert_domain_named", domain=content.domain)] if whole else []),
        "",
        *(texts.says[f"alert_domain_{key}"] for key in ("open", "preserve", "act")),
        _answer("alert_domain_answer", content.number, ways, texts, whole=whole),
        "",
        texts.say("alert_ground", ground=content.ground),
        texts.says["alert_domain_over"],
        "",
        *_end(content.number, ways, texts),
    ]
    return "\n".join(lines) + "\n"
