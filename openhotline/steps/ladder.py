"""Up the ladder, one rung at a time, while a notice is overdue: a letter to each, under the guards of every letter.

True here: a rung is taken once about each removal, and counts only if its letter was not withdrawn; nothing is taken
about what is held or no longer late; a member that did not act has its breach recorded with the first rung. Who stands on a rung is written to only at a contact two people stand
for. What is not here: the times (`rules/ladder`, policy) and the guard at departure (`escalate`).
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import transaction

from openhotline.ledger.record import Act, record
from openhotline.outbox import queue
from openhotline.outbox.models import CONTACT_NEEDED, PENDING, Letter, LetterLine
from openhotline.policy import HOUSE_LANGUAGE, Policy, notice_texts
from openhotline.records import bulk
from openhotline.records.models import (
    Breach,
    Hold,
    Host,
    Notice,
    NoticeLine,
    Removal,
    Rung,
    Trace,
)
from openhotline.rules import departure, methods, removal_path
from openhotline.rules import ladder as rule
from openhotline.rules.contacts import RDAP_ABUSE
from openhotline.rules.facts import MethodAnswer
from openhotline.rules.notice import NoticeAddress
from openhotline.rules.paged import LADDER, PagedLetter
from openhotline.rules.permits import require_act
from openhotline.rules.words import MACHINE_WORKER, Actor
from openhotline.steps import agreed, contact, departing, held, secure_page
from openhotline.steps.advance import note, refuse_unless
from openhotline.steps.departing import HouseWords

TURN = 100  # overdue notices that one sweep looks at
_TURN = "ladder"  # the counter that remembers where the last one stopped


def climb(*, policy: Policy, at: datetime) -> int:
    """Sweep: what of overdue notices is due on its next rung. Returns how many rungs were taken.

    Each removal climbs by its own time: what of it was spent on hold does not count, and a rung whose letter was
    withdrawn, or left without it, is still before it. A sweep looks at the next `TURN` of the notices.
    """
    _done_meanwhile(at=at)
    lines = _overdue(at=at)
    spans = held.spans(removal for _, removal, _, _ in lines)
    # Read before what was told: where another worker takes a rung meanwhile, its round is theirs, and we stop.
    rungs = list(
        Rung.objects.filter(notice__in={line[0] for line in lines}).select_related("notice__host__upstream")
    )
    told = _told(rungs)
    due: dict[tuple[int, str], list[int]] = defaultdict(list)
    for notice, removal, sent, ladder_at in lines:
        since = ladder_at + rule.on_hold(spans[removal], since=sent)
        rung = rule.due(policy.ladder, taken=told[notice, removal], since=since, at=at)
        if rung is not None:
            due[notice, rung.key].append(removal)
    rounds = Counter((one.notice_id, one.step) for one in rungs)
    by_key = {one.key: one for one in policy.ladder}
    _found_meanwhile(rungs, by_key, at=at)
    return sum(
        _rung(notice, by_key[step], removals, number=rounds[notice, step] + 1, at=at)
        for (notice, step), removals in due.items()
    )


def _overdue(*, at: datetime) -> list[tuple[int, int, datetime, datetime]]:
    """(notice, removal, when the notice left, when its ladder begins) of all that is overdue and not held."""
    barred = Hold.objects.filter(released_at=None).values("removal")
    overdue = NoticeLine.objects.filter(dropped="", removal__status=removal_path.OVERDUE)
    late = Notice.objects.filter(
        pk__in=overdue.values("notice"), sent_at__isnull=False, withdrawn_at=None, ladder_at__lte=at
    )
    rows = (
        overdue.filter(notice__in=bulk.next_turn(_TURN, late, TURN))
        .exclude(removal__in=barred)
        .order_by("notice", "removal")
        .values_list("notice", "removal", "notice__sent_at", "notice__ladder_at")
    )
    # The query leaves none out that has no such time.
    return [(notice, removal, sent, begins) for notice, removal, sent, begins in rows if sent and begins]


def _told(rungs: Sequence[Rung]) -> dict[tuple[int, int], list[str]]:
    """(notice, removal) -> the rungs that were taken about it and stand."""
    standing = {(f"{LADDER}{one.step}", one.number): one for one in rungs if one.stopped_at is None}
    told: dict[tuple[int, int], list[str]] = defaultdict(list)
    rows = LetterLine.objects.filter(
        letter__kind__in={kind for kind, _ in standing}, letter__number__in=[number for _, number in standing]
    )
    for kind, number, removal in rows.values_list("kind", "number", "removal"):
        if (kind, number) in standing:
            told[standing[kind, number].notice_id, removal].append(standing[kind, number].step)
    return told


def _done_meanwhile(*, at: datetime) -> None:
    """Rungs on which nobody could be written to, and nothing of it is left to be acted on: nobody has to be found."""
    late = Removal.objects.filter(status__in=departure.LATE).values("pk")
    over = Letter.objects.filter(kind__startswith=LADDER, state=CONTACT_NEEDED).exclude(
        lines__removal__in=late
    )
    for letter in over.order_by("pk"):
        with transaction.atomic():
            queue.withdraw(letter, why="Nothing of it is left to be acted on.", by=MACHINE_WORKER, at=at)
            stop(letter, at=at)


def _found_meanwhile(rungs: Sequence[Rung], by_key: Mapping[str, rule.RungRow], *, at: datetime) -> None:
    """Rungs on which nobody could be written to, and somebody can be now: their letters go there."""
    for made in rungs:
        if made.recipient or made.stopped_at is not None or made.step not in by_key:
            continue
        letter = Letter.objects.filter(
            kind=f"{LADDER}{made.step}", number=made.number, state=CONTACT_NEEDED
        ).first()
        if letter is None:
            continue
        removals = list(Removal.objects.filter(pk__in=letter.lines.values("removal")).order_by("pk"))
        to, _, why = _recipient(by_key[made.step], made.notice, removals)
        if to or why != made.why:
            with transaction.atomic():
                Rung.objects.filter(pk=made.pk).update(recipient=to, why=why)
                if to:
                    queue.readdress([letter], to, by=MACHINE_WORKER, at=at)


def _rung(notice_id: int, rung: rule.RungRow, pks: Sequence[int], *, number: int, at: datetime) -> int:
    notice = Notice.objects.select_related("host__upstream").get(pk=notice_id)
    removals = list(Removal.objects.filter(pk__in=pks).select_related("item", "host").order_by("pk"))
    to, name, why = _recipient(rung, notice, removals)
    with transaction.atomic():
        made, new = Rung.objects.get_or_create(
            notice=notice, step=rung.key, round=number, defaults={"at": at, "recipient": to, "why": why}
        )
        if not new:
            return 0
        queue.put(
            f"ladder-{rung.key}",
            number=made.number,
            recipient=to,
            transport="mail",
            removals=pks,
            at=at,
            by=MACHINE_WORKER,
            subject=f"Notice {notice.number}: not acted on by its host",
            text=f"To {name}. Its words are written when it leaves, with what is still there then.\n",
            state=PENDING if to else CONTACT_NEEDED,
            why=why,
        )
        note(
            removals,
            "removal.ladder",
            by=MACHINE_WORKER,
            at=at,
            facts={"notice": notice.number, "rung": rung.key, "round": number},
        )
        if notice.host.member:
            _breach(notice, at=at)
    return 1


def stop(letter: Letter, *, at: datetime) -> None:
    """The letter of a rung was withdrawn before it left: nobody was told, so the rung is not taken yet."""
    number, _, step = letter.number.partition("/")
    step, _, again = step.partition("/")
    Rung.objects.filter(notice__number=number, step=step, round=int(again or 1)).update(stopped_at=at)


def _recipient(rung: rule.RungRow, notice: Notice, removals: Sequence[Removal]) -> tuple[str, str, str]:
    """(mailbox, name, why none) of who stands on the rung."""
    if rung.key == rule.REGULATOR:
        return rung.mail, rule.NAMES[rung.key], "" if rung.mail else "Policy names no mailbox of a regulator."
    host = notice.host.upstream if rung.key == rule.UPSTREAM else _registrar(removals)
    if host is None:
        return (
            "",
            rule.NAMES[rung.key],
            f"It is not known who is {rule.NAMES[rung.key]}. Name it on the host’s page.",
        )
    best = contact.best(host)
    if best is None:
        return (
            "",
            host.name,
            f"No verified contact for {host.name}. One person proposes one, a second one verifies it.",
        )
    return best.mail, host.name, ""


def _registrar(removals: Sequence[Removal]) -> Host | None:
    """Who sponsors the domain, as the registry named it in the newest trace."""
    rows = Trace.objects.filter(
        item__in=[row.item_id for row in removals], server__in={row.server for row in removals}
    )
    for trace in rows.order_by("-at", "-pk")[:20]:
        for answer in trace.answers:
            if answer.get("method") == methods.RDAP_DOMAIN and answer.get("operator"):
                return Host.objects.filter(key=registrar_key(str(answer["operator"]))).first()
    return None


def registrar_key(name: str) -> str:
    """The key of a registrar among the hosts."""
    return f"registrar:{name.casefold()}"[:200]


def name_registrars(answers: Sequence[MethodAnswer], *, at: datetime) -> None:
    """Registrars the registries of domains named, with their abuse desks, as contacts to be verified like any other."""
    named = {
        registrar_key(one.operator): one
        for one in answers
        if one.method == methods.RDAP_DOMAIN and one.operator and one.abuse_mail
    }
    if not named:
        return
    Host.objects.bulk_create(
        [Host(key=key, name=one.operator, first_seen=at) for key, one in named.items()], ignore_conflicts=True
    )
    hosts = {host.key: host for host in Host.objects.filter(key__in=list(named))}
    contact.found(
        [(hosts[key], mail, RDAP_ABUSE) for key, one in named.items() for mail in one.abuse_mail],
        by=MACHINE_WORKER,
        at=at,
    )


def written(letter: Letter, *, policy: Policy, house: HouseWords, at: datetime) -> PagedLetter:
    """What a rung is told at departure: what still stands in the letter then, and nothing that has gone meanwhile."""
    notice = Notice.objects.select_related("host__upstream").get(number=letter.number.partition("/")[0])
    rung = next(one for one in policy.ladder if letter.kind == f"{LADDER}{one.key}")
    removals = list(
        Removal.objects.filter(pk__in=letter.lines.values("removal"))
        .select_related("item", "host")
        .order_by("pk")
    )
    _, name, _ = _recipient(rung, notice, removals)
    return rule.letter(
        rule.RungContent(
            number=notice.number,
            name=name,
            words=rung.words,
            host=notice.host.name,
            cls=notice.cls,
            noticed=notice.sent_at or at,
            ground=policy.ground(notice.cls),
            preserve_days=agreed.for_notice(removals, policy=policy, at=notice.sent_at or at).preserve_days,
            hotline=house.name,
            ways=secure_page.behind(letter, notice, name=name, house=house, at=at),
            sent=at,
            addresses=tuple(
                NoticeAddress(
                    str(row.uid), row.item.canonical, "", "", "", 0, None, referrer=row.item.referrer
                )
                for row in removals
            ),
            texts=notice_texts(HOUSE_LANGUAGE),  # that of the rungs' own words
            secrets=departing.secrets_of(removals),
        )
    )


def _breach(notice: Notice, *, at: datetime) -> None:
    _, new = Breach.objects.get_or_create(notice=notice, defaults={"host": notice.host, "at": at})
    if new:
        payload = {"host": notice.host.key, "notice": notice.number}
        record(
            [Act(act="host.breach", obj=("notice", notice.number, 1), payload=payload)],
            by=MACHINE_WORKER,
            at=at,
        )


def settle_breach(breach: Breach, *, note_text: str, by: Actor, at: datetime) -> None:
    """A manager says what came of a member's breach."""
    require_act("breach.settle", by)
    refuse_unless(bool(note_text.strip()), "Say what came of it.", code="note")
    with transaction.atomic():
        count = Breach.objects.filter(pk=breach.pk, settled_at=None).update(
            settled_at=at, settled_by=by.who, note=note_text.strip()[:2000]
        )
        refuse_unless(count == 1, "This breach was settled already.", code="settled")
        payload = {"host": breach.host.key, "notice": breach.notice.number, "note": note_text.strip()[:2000]}
        record(
            [Act(act="host.breach-settled", obj=("notice", breach.notice.number, 2), payload=payload)],
            by=by,
            at=at,
        )


def stands(host: Host, *, upstream: Host | None, member: bool, by: Actor, at: datetime) -> None:
    """A person says which network is above a host, and whether it is bound by the code of practice."""
    require_act("contact.verify", by)
    refuse_unless(upstream is None or upstream.pk != host.pk, "A host is not above itself.", code="upstream")
    with transaction.atomic():
        Host.objects.filter(pk=host.pk).update(upstream=upstream, member=member)
        payload = {"host": host.key, "upstream": upstream.key if upstream else "", "member": member}
        record([Act(act="host.stands", obj=("host", str(host.pk), 1), payload=payload)], by=by, at=at)
