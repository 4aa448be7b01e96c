"""Takes what waits in the outbox, speaks to the outside world, and hands the outcome back to the steps.

A letter is claimed and frozen in one transaction, committed before any socket opens; the outcome is settled
in another. This is the only room that knows both steps and connectors.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

from django.db import transaction

from openhotline import policy as policies
from openhotline.connectors.hook.meaning import render as render_hook
from openhotline.connectors.iccam import wire as exchange_wire
from openhotline.connectors.mail.client import ACCEPTED, REFUSED, TEMPORARY, Receipt
from openhotline.connectors.moment import Moment
from openhotline.connectors.partner.meaning import Referral as WireReferral
from openhotline.connectors.partner.meaning import render as render_referral
from openhotline.connectors.probe.client import Prober
from openhotline.connectors.stix import meaning as stix
from openhotline.jobs import disclosures, news_posts, written
from openhotline.jobs.post import EXCHANGE, HOOK, HTTP, Post
from openhotline.jobs.trace_jobs import trace_jobs
from openhotline.outbox import claims, settling
from openhotline.outbox.models import PENDING, Letter
from openhotline.policy import Policy
from openhotline.records.models import Item
from openhotline.rules import letter_path, notice_lint
from openhotline.rules import package as pack
from openhotline.rules.package import PackageAddress, PackageContent
from openhotline.rules.paged import PagedLetter, has_page
from openhotline.rules.refusals import Refused
from openhotline.rules.words import MACHINE_WORKER
from openhotline.settings import load
from openhotline.steps import (
    alert,
    departed,
    departing,
    domain_alert,
    escalate,
    exchange_back,
    follow,
    freshness,
    ladder,
    mailbox,
    package,
    refer,
    trace,
)
from openhotline.steps.departing import HouseWords
from openhotline.steps.refer import ReferralContent, ReferredAddress

BATCH = 200


def traces(prober: Prober, *, policy: Policy, at: datetime) -> int:
    """Wishes to be traced: ask the prober for a batch, file the answers. Returns how many."""
    letters = claims.claim("prober", at=at, by=MACHINE_WORKER, limit=BATCH, kinds=["trace"])
    if not letters:
        return 0
    refs = {letter.number.rpartition("/")[0] for letter in letters}
    items = {item.ref: item for item in Item.objects.filter(ref__in=refs)}
    _trace_now(list(items.values()), prober, policy=policy, at=at)
    settling.sent(letters, by=MACHINE_WORKER, at=at)
    return len(letters)


def _trace_now(items: Sequence[Item], prober: Prober, *, policy: Policy, at: datetime) -> None:
    reachable = [item for item in items if item.host or item.canonical.startswith("news:")]
    begun = Moment.of(
        at
    )  # each answer carries the time it came, so what is asked later is asked at a later time
    facts = prober.trace(trace_jobs(reachable, at=at))
    facts = disclosures.added(reachable, facts, disclosures.known(load()), at=begun.now())
    facts = disclosures.behind(facts, prober, at=begun.now())
    traced = news_posts.by_server(list(zip(reachable, facts, strict=True)), prober, at=begun.now())
    trace.record(traced, policy=policy, by=MACHINE_WORKER, at=at)


def retrace_before_departure(prober: Prober, *, policy: Policy, at: datetime) -> int:
    """The host is traced again minutes before a letter about it leaves. Returns how many items."""
    items = list({removal.item for removal in freshness.to_trace(at=at)})
    for start in range(0, len(items), BATCH):
        _trace_now(items[start : start + BATCH], prober, policy=policy, at=at)
    return len(items)


def letters(post: Post, *, policy: Policy, at: datetime, kinds: Sequence[str] = ()) -> int:
    """Mail that may leave now, of some kinds or of all. Returns how many were tried."""
    guard = partial(_freeze, post=post, policy=policy)
    return _leave("mail", post.mail_way, post, guard, policy=policy, at=at, kinds=kinds)


def partners(post: Post, *, policy: Policy, at: datetime) -> int:
    """Referrals to partner hotlines that may leave now. Returns how many were tried."""
    guard = partial(_freeze_abroad, policy=policy)
    return sum(
        _leave(transport, way, post, guard, policy=policy, at=at)
        for transport, way in (("partner", HTTP), ("exchange", EXCHANGE))
    )


def hooks(post: Post, *, policy: Policy, at: datetime) -> int:
    """Hosts' programs that may be told now. Returns how many were tried."""
    return _leave(HOOK, HOOK, post, _freeze_hook, policy=policy, at=at)


def _leave(
    transport: str,
    way: str,
    post: Post,
    guard: Callable[..., bytes | None],
    *,
    policy: Policy,
    at: datetime,
    kinds: Sequence[str] = (),
) -> int:
    """Claim, hand over, settle, one at a time: a crash then leaves one letter in doubt, not a whole batch."""
    tried = 0
    for letter in claims.claim_each(
        transport,
        at=at,
        by=MACHINE_WORKER,
        limit=BATCH,
        kinds=kinds,
        way=way,
        guard=lambda letter, now: guard(letter, at=now),
        moment=lambda: post.moment(at),
        lock=departing.lock_case,
    ):
        _settle(letter, _hand_over(letter, post, at=at), policy=policy, at=post.moment(at))
        tried += 1
    return tried


def _freeze_hook(letter: Letter, *, at: datetime) -> bytes | None:
    return render_hook(letter.number, due=datetime.fromisoformat(letter.text))


def _hand_over(letter: Letter, post: Post, *, at: datetime) -> Receipt:
    """Open the socket, unless this process slept since the claim: its lease may end meanwhile."""
    if letter.claimed_at is not None and not letter_path.in_time(letter.claimed_at, post.moment(at)):
        return Receipt(TEMPORARY, "Too long between claim and hand-over; nothing was sent.", stage="connect")
    return post.hand_over(letter)


def repeat(letter: Letter, post: Post, *, policy: Policy, at: datetime) -> None:
    """A letter in doubt, to somebody who honours our key: its guards again, then the same bytes again."""
    claimed = claims.repeat(
        letter,
        at=at,
        by=MACHINE_WORKER,
        guard=lambda letter, now: _freeze_referral(letter, policy=policy, at=now),
        lock=departing.lock_case,
    )
    if claimed is None:
        return
    receipt = _hand_over(claimed, post, at=at)
    if receipt.outcome == ACCEPTED:
        _settle(claimed, receipt, policy=policy, at=post.moment(at))
    else:
        # "Not now" and "no" are about this try; what became of the first one is as unknown as before.
        settling.in_doubt(claimed, why=receipt.why, by=MACHINE_WORKER, at=post.moment(at))


def _freeze(letter: Letter, post: Post, *, policy: Policy, at: datetime) -> bytes | None:
    """The guard of a mail: re-check what must hold, and render it the one time it is rendered."""
    subject, text, serial = letter.subject, letter.text, ""
    if letter.kind == "notice":
        content = departing.depart(letter, policy=policy, house=post.house, at=at)
        if content is None:
            return None
        return None if letter.body is not None else written.notice(letter, content, post.house, at=at)
    elif letter.kind == "referral":
        referred = refer.depart(letter, policy=policy, at=at)
        if referred is None:
            return None
        _pack(referred, post.house)
    elif letter.kind in follow.KINDS:
        if not follow.stands(letter, at=at):
            return None
    elif letter.kind in ("reminder", "ladder"):
        if not escalate.reminder_stands(letter, at=at):
            return None
        text, serial = letter.text, letter.number.partition("/")[0] if letter.kind == "reminder" else ""
    elif has_page(letter.kind):
        said = _paged(letter, policy=policy, house=post.house, at=at)
        if said is None or letter.body is not None:
            return None
        return written.paged(letter, said, post.house, at=at)
    if letter.body is not None:
        return None
    notice_lint.lint_words(subject, text)
    return written.mail(letter, post.house, subject=subject, text=text, serial=serial, at=at)


def _paged(letter: Letter, *, policy: Policy, house: HouseWords, at: datetime) -> PagedLetter | None:
    """The guard of a letter that has a page behind it. None where it was withdrawn."""
    if letter.kind == alert.KIND:
        return alert.depart(letter, policy=policy, house=house, at=at)
    if letter.kind == domain_alert.KIND:
        return domain_alert.depart(letter, policy=policy, house=house, at=at)
    if not escalate.reminder_stands(letter, at=at):
        return None
    return ladder.written(letter, policy=policy, house=house, at=at)


def _pack(content: ReferralContent, house: HouseWords) -> None:
    """What the police will find behind their sign-in: what the guards have just let through, in three forms."""
    value = PackageContent(
        number=content.number,
        country=content.country,
        house=house.name,
        contact=f"hotline@{house.domain}",
        scheme=content.scheme,
        made_at=content.sent,
        addresses=tuple(
            PackageAddress(
                uid=one.uid,
                address=one.canonical,
                content_class=one.cls,
                category=one.category,
                age_band=one.age_band,
                country=one.country,
                edge=one.edge,
                hosting_address=one.addresses,
                operator=one.operator,
                asn=one.asn,
                graded_at=one.graded_at,
                traced_at=one.traced_at,
                referrer=one.referrer,
                server=one.server,
            )
            for one in content.addresses
        ),
    )
    forms = {
        pack.TEXT: pack.as_text(value),
        pack.JSON: pack.as_json(value),
        pack.STIX: stix.render(value),
    }
    package.keep(content.number, forms, at=content.sent)


def _freeze_referral(letter: Letter, *, policy: Policy, at: datetime) -> bytes | None:
    content = refer.depart(letter, policy=policy, at=at)
    if content is None or letter.body is not None:
        return None
    (address,) = content.addresses
    if letter.transport == "exchange":
        return _freeze_for_exchange(content, address)
    return render_referral(
        WireReferral(
            reference=content.number,
            address=address.canonical,
            canonical=address.canonical,
            scheme=content.scheme,
            content_class=address.cls,
            category=address.category,
            age_band=address.age_band,
            country=address.country,
            hosting_address=address.addresses.partition(",")[0],
            operator=address.operator,
            asn=address.asn,
            graded_at=address.graded_at,
            traced_at=address.traced_at,
            referrer=address.referrer,
            server=address.server,
            files=address.files,
            edge=address.edge,
        )
    )


def _freeze_abroad(letter: Letter, *, policy: Policy, at: datetime) -> bytes | None:
    """A referral, or a word about an address that the exchange gave us."""
    if letter.kind != exchange_back.KIND:
        return _freeze_referral(letter, policy=policy, at=at)
    said = exchange_back.depart(letter)
    try:
        return exchange_wire.render_word(said, policies.exchange_codes()) if letter.body is None else None
    except ValueError as fault:
        raise Refused(f"This has no word at the exchange: {fault}", code="codes") from None


def _freeze_for_exchange(content: ReferralContent, address: ReferredAddress) -> bytes:
    """The referral in the exchange's codes; what they cannot say is kept beside it, a sentence each."""
    try:
        body, lost = exchange_wire.render(
            exchange_wire.Referral(
                number=content.number,
                address=address.canonical,
                kind=address.kind,
                scheme=content.scheme,
                content_class=address.cls,
                category=address.category,
                age_band=address.age_band,
                country=address.country,
                hosting_address=address.addresses.partition(",")[0],
                operator=address.operator,
                asn=address.asn,
                analyst=address.analyst,
                received_at=address.received_at,
                referrer=address.referrer,
                server=address.server,
                edge=address.edge,
            ),
            policies.exchange_codes(),
        )
    except ValueError as fault:
        raise Refused(str(fault), code="codes") from None
    refer.note_lost(content.number, lost)
    return body


_ON_THE_WAY = {ACCEPTED: "accepted", TEMPORARY: "deferred", REFUSED: "bounced"}
_SENT: dict[str, Callable[..., None]] = {"notice": departed.sent, "referral": refer.sent}
_REFUSED: dict[str, Callable[..., None]] = {
    "referral": refer.bounced,
    alert.KIND: alert.bounced,
    domain_alert.KIND: domain_alert.bounced,
}


def arrived(letter: Letter, reference: str, *, policy: Policy, at: datetime) -> None:
    """The other side has it: what was being sent, or in doubt, is sent."""
    if letter.kind in _SENT:
        _SENT[letter.kind](letter, receipt=reference, policy=policy, at=at)
    else:
        settling.sent([letter], receipt=reference, by=MACHINE_WORKER, at=at)


def _settle(letter: Letter, receipt: Receipt, *, policy: Policy, at: datetime) -> None:
    try:
        with transaction.atomic():
            _said(letter, receipt, at=at)
            _outcome(letter, receipt, policy=policy, at=at)
    except Refused:
        # Somebody settled it meanwhile; what the relay said is kept all the same.
        _said(letter, receipt, at=at)
        raise


def _said(letter: Letter, receipt: Receipt, *, at: datetime) -> None:
    if letter.transport == "mail" and receipt.outcome in _ON_THE_WAY:
        said = f"{receipt.code or ''} {receipt.text[:300]}".strip()
        mailbox.on_the_way(letter, _ON_THE_WAY[receipt.outcome], said, at=at)


def _outcome(letter: Letter, receipt: Receipt, *, policy: Policy, at: datetime) -> None:
    if receipt.outcome == ACCEPTED:
        arrived(letter, receipt.reference or receipt.text[:200], policy=policy, at=at)
    elif receipt.outcome == TEMPORARY:
        settling.not_now(letter, why=receipt.why, by=MACHINE_WORKER, at=at)
    elif receipt.outcome == REFUSED:
        _REFUSED.get(letter.kind, departed.bounced)(letter, why=f"{receipt.why} {receipt.text[:300]}", at=at)
    else:
        settling.in_doubt(letter, why=receipt.why, by=MACHINE_WORKER, at=at)


def waiting(*, at: datetime) -> int:
    """How many letters could leave now."""
    return Letter.objects.filter(state=PENDING, due_at__lte=at).count()
