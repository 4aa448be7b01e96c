"""The check every notice and every letter with a page behind it passes before it leaves: all it must say stands in it,
nothing it must not say does.

It reads the finished letter (subject, text, XARF parts, kinds of MIME parts), not the intention behind it. What
fails stays where it is, with the sentence. What is not here: making the letter (`notice`), and whether it may
leave (`steps/departing`).
"""

import json
import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from openhotline.rules import references
from openhotline.rules.notice import PAGE, NoticeContent, Texts, how
from openhotline.rules.paged import PagedLetter
from openhotline.rules.refusals import Refused

# The only kinds of part a letter may have. No picture, no archive, no page that could load one.
PARTS = frozenset(
    {
        "multipart/report",
        "multipart/mixed",
        "text/plain",
        "message/feedback-report",
        "application/json",
    }
)
_CARRIES_BYTES = ("evidence", "payload", "screenshot_url", "hash_values")
_PICTURE = re.compile(
    r"(?i)\bdata:[a-z]+/|\bcid:|<\s*(?:img|video|picture|svg|iframe|object|embed)\b|!\[[^\]]*\]\("
)
_BLOB = re.compile(r"[A-Za-z0-9+/=]{200,}")
_LOCAL_TIME = re.compile(r"\b\d{1,2}:\d{2}(?::\d{2})? ?(?:BST|GMT|CET|CEST|EST|EDT|MESZ|MEZ|am|pm)\b")


def faults(
    content: NoticeContent, *, subject: str, text: str, xarf: Sequence[str] = (), parts: Sequence[str] = ()
) -> list[str]:
    """Everything wrong with a finished notice, as sentences; an empty list means that it may leave."""
    found = [*_missing(content, subject, text), *_times(content, text), *_addresses(content, text)]
    prose = _without_addresses(text, content)
    found += _forbidden(content.texts, content.secrets, content.ground, f"{subject}\n{prose}")
    found += _pictures(text, prose)
    found += _machine(content, xarf)
    strange = sorted(set(parts) - PARTS)
    if strange:
        found.append(f"it has a part of the kind {strange[0]}")
    return found


def lint(
    content: NoticeContent, *, subject: str, text: str, xarf: Sequence[str] = (), parts: Sequence[str] = ()
) -> None:
    """Raise Refused with every fault in one sentence, unless there is none."""
    found = faults(content, subject=subject, text=text, xarf=xarf, parts=parts)
    if found:
        raise Refused(f"The notice cannot leave: {'; '.join(found)}.", code="lint")


def faults_of_paged(letter: PagedLetter) -> list[str]:
    """Everything wrong with a letter that has a page behind it, in both its forms."""
    found = list(_both(letter))
    for text in (letter.whole, letter.open):
        prose = _without([*letter.kept_back, *letter.named, *_urls(letter)], text)
        found += _forbidden(letter.texts, letter.secrets, letter.ground, f"{letter.subject}\n{prose}")
        found += _pictures(text, prose)
    return list(dict.fromkeys(found))


def lint_paged(letter: PagedLetter) -> None:
    """Raise Refused with every fault in one sentence, unless there is none."""
    found = faults_of_paged(letter)
    if found:
        raise Refused(f"The letter cannot leave: {'; '.join(found)}.", code="lint")


def lint_typed(
    text: str, *, addresses: Sequence[str], texts: Sequence[Texts], secrets: frozenset[str]
) -> None:
    """Words somebody typed for an open mail: no picture, none of these addresses, defanged or not, and nothing about
    reporter, analyst or police, in any of the languages. Raises Refused."""
    lint_words("", text)
    found = [fault for one in texts for fault in _forbidden(one, secrets, "", text)]
    if found:
        raise Refused(
            f"This must not leave: {found[0]}. Nobody outside reads who reported, who looked, or whether the police "
            "were asked. Say it without.",
            code="lint",
        )
    plain = text.replace("[.]", ".").replace("hxxp", "http").casefold()
    parts = {(one.partition("://")[2] or one).casefold().rstrip("/") for one in addresses}
    if any(part and part in plain for part in parts):
        raise Refused(
            "An address stands in this, and a mail must not carry it. Say which one by its number on the page.",
            code="address",
        )


def lint_words(subject: str, text: str) -> None:
    """The part of the check that holds for every letter: no picture, nothing that could carry or load one."""
    found = _pictures(text, text) + _pictures(subject, subject)
    if found:
        raise Refused(f"The letter cannot leave: {'; '.join(found)}.", code="lint")


def _urls(letter: PagedLetter) -> tuple[str, ...]:
    return (letter.ways.link, letter.ways.page, letter.ways.verify, letter.ways.appeal)


def _both(letter: PagedLetter) -> Iterator[str]:
    read, ways = references.parse(letter.serial), letter.ways
    if read is None or read.kind not in (references.NOTICE, references.ALERT):
        yield "its serial number is not one of ours"
    date = letter.texts.says["date"]
    if letter.sent.utcoffset() != timedelta(0) or not date.endswith(" UTC"):
        yield "its time is not UTC"
    wanted = (
        ("its serial number", letter.serial),
        ("its time in UTC", letter.sent.strftime(date)),
        ("the legal ground", letter.ground),
        ("the appeal route", ways.appeal),
        ("how to check that it is genuine", ways.verify),
        ("the code", ways.code),
        ("the phone number", ways.phone),
    )
    for text in (letter.whole, letter.open):
        for what, value in wanted:
            if not value or value not in text:
                yield f"it lacks {what}"
        if _LOCAL_TIME.search(_without(letter.kept_back, text)):
            yield "a time in it is local"
    if letter.serial not in letter.subject:
        yield "its serial number does not stand in its subject"
    if not letter.kept_back or any(part not in letter.whole for part in letter.kept_back):
        yield "its page would lack an address"
    if ways.link not in letter.whole:
        yield "it lacks the link to answer by"
    if not ways.page or ways.page not in letter.open:
        yield "it lacks the page that opens it"
    if ways.link in letter.open:
        yield "the page behind serial and code must not be opened by a link as well"
    prose = _without([*letter.named, *_urls(letter)], f"{letter.subject}\n{letter.open}")
    if any(_stands(part, prose) for part in letter.kept_back):
        yield "it names what belongs on the page alone"


def _stands(part: str, text: str) -> bool:
    """Whether it stands there by itself; a domain is not in the name of another."""
    return part in text and re.search(rf"(?<![\w-]){re.escape(part)}(?![\w-])", text) is not None


def _missing(content: NoticeContent, subject: str, text: str) -> Iterator[str]:
    says = content.texts
    read = references.parse(content.number)
    if read is None or read.kind != references.NOTICE:
        yield "its serial number is not one of ours"
    if not content.number or content.number not in text or content.number not in subject:
        yield "its serial number does not stand in it"
    wanted = (
        ("the legal ground", content.ground, says.say("ground", ground=content.ground)),
        (
            "to preserve, and for how long",
            content.preserve_days,
            says.say("preserve", days=content.preserve_days),
        ),
        ("to remove", True, says.says["remove"]),
        ("the appeal route", content.appeal, says.say("appeal", appeal=content.appeal)),
        (
            "how to check that it is genuine",
            content.code and content.verify and content.phone,
            content.verify,
        ),
        ("the code", content.code, content.code),
        ("who it is to", content.host and content.to, content.host),
    )
    for what, value, sentence in wanted:
        if not value or sentence not in text:
            yield f"it lacks {what}"
    if content.form == PAGE:
        if not content.page or content.page not in text:
            yield "it lacks the page that opens it"
        if content.link in text:
            yield "the page behind serial and code must not be opened by a link as well"
    elif not content.link.startswith(("https://", "http://")) or content.link not in text:
        yield "it lacks the link to answer by"


def _times(content: NoticeContent, text: str) -> Iterator[str]:
    for moment in (content.sent, content.due, *(a.last_seen for a in content.addresses if a.last_seen)):
        if moment.utcoffset() != timedelta(0):
            yield "one of its times is not UTC"
            return
    if content.due <= content.sent:
        yield "its time to act ends before it is sent"
    says = content.texts.says
    for form, moment in ((says["date"], content.sent), (says["minute"], content.due)):
        if not form.endswith(" UTC") or moment.strftime(form) not in text:
            yield "a time in it does not say UTC"
    if _LOCAL_TIME.search(_without_addresses(text, content)):
        yield "a time in it is local"


def _addresses(content: NoticeContent, text: str) -> Iterator[str]:
    if not content.addresses:
        yield "it names no address"
    lines = text.split("\n")
    if content.form == PAGE:
        if any(address.canonical in text for address in content.addresses):
            yield "it names an address that belongs on the page alone"
        return
    for number, address in enumerate(content.addresses, 1):
        exact = f"{number}. {address.canonical}"
        if not address.canonical or exact not in lines:
            yield f"address {number} does not stand in it exactly as seen"
            continue
        after = lines[lines.index(exact) + 1 :][:2]
        if how(address, content.texts) not in after:
            yield f"address {number} lacks how to reproduce it"


def _without_addresses(text: str, content: NoticeContent) -> str:
    """The letter's own words: what hosts and registries named may hold any word."""
    known = [content.host, content.hotline, content.link, content.verify, content.appeal, content.page]
    known += [
        part
        for address in content.addresses
        for part in (address.canonical, address.referrer, address.server)
    ]
    return _without(known, text)


def _without(known: Sequence[str], text: str) -> str:
    for part in sorted(filter(None, known), key=len, reverse=True):
        text = text.replace(part, " ")
    return text


def _forbidden(texts: Texts, secrets: frozenset[str], ground: str, prose: str) -> Iterator[str]:
    for secret in sorted(secrets):
        # Most are found out by a plain look: fifty references would be fifty patterns, none of them used again.
        if (
            secret
            and secret in prose
            and re.search(rf"(?<![A-Za-z0-9]){re.escape(secret)}(?![A-Za-z0-9])", prose)
        ):
            yield "it tells of somebody in the house, the police or the reporter"
            break
    # The law's own name may hold any word.
    words = prose.replace(ground, " ") if ground else prose
    for pattern in texts.forbidden:
        hit = re.search(pattern, words, re.IGNORECASE)
        if hit:
            yield f"it says “{hit[0]}”"


def _pictures(text: str, prose: str) -> list[str]:
    found = []
    if _PICTURE.search(prose) or re.search(r"(?i)(?:^|\s)data:", text):
        found.append("it holds something that could load or carry a picture")
    if _BLOB.search(prose):
        found.append("it holds a block of encoded bytes")
    return found


def _machine(content: NoticeContent, xarf: Sequence[str]) -> Iterator[str]:
    if content.form == PAGE and xarf:
        yield "its machine part names addresses that belong on the page alone"
    wanted = {address.canonical for address in content.addresses}
    for report in xarf:
        value = json.loads(report)
        if value.get("url") not in wanted:
            yield "its machine part names another address"
        inside = list(_walk(value))
        texts = [inner for _, inner in inside if isinstance(inner, str)]
        if any(key in _CARRIES_BYTES for key, _ in inside) or any(
            inner.lstrip().lower().startswith("data:") for inner in texts
        ):
            yield "its machine part could carry a picture"
        if not content.secrets.isdisjoint(texts):
            yield "its machine part tells of somebody in the house, the police or the reporter"


def _walk(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key, inner
            yield from _walk(inner)
    elif isinstance(value, list):
        for inner in value:
            yield "", inner
            yield from _walk(inner)
