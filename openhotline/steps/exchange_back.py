"""Tells the exchange what became of the addresses it gave to our country: our grade, then what was done, each once.

True here: one word of one address is one letter, put once for ever; the next is put when the one before has arrived. Nothing
is written under a hold, nor of an item whose grade is not final. What is not here: in which order (`rules/exchange_back`), the
codes and the line (connectors).
"""

import json
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from openhotline.outbox import queue
from openhotline.outbox.models import SENT, WITHDRAWN, Letter
from openhotline.records.models import (
    AppealLine,
    Assessment,
    Hold,
    Item,
    Partner,
    PartnerMessage,
    Removal,
    ReportLine,
    Trace,
)
from openhotline.rules import abroad, exchange_back, item_path, removal_path, words
from openhotline.rules.exchange_back import GRADE, Stand
from openhotline.rules.refusals import Refused
from openhotline.rules.words import MACHINE_WORKER
from openhotline.steps import retract

KIND = "exchange-word"
BATCH = 500
_DONE = (item_path.GRADED, item_path.NOT_ILLEGAL)


def put_owed(partner: Partner, *, at: datetime) -> int:
    """Put the next word that is owed about each address this partner gave us. Returns how many."""
    waiting = list(
        PartnerMessage.objects.filter(
            partner=partner,
            confirmed_at__isnull=False,
            told_all=False,
            report__lines__item__status__in=_DONE,
        )
        # What can still be taken back is told to nobody.
        .exclude(report__lines__item__in=retract.settling(at=at))
        .order_by("pk")
        .values_list("pk", flat=True)
        .distinct()
    )
    return sum(
        _put(partner, waiting[start : start + BATCH], at=at) for start in range(0, len(waiting), BATCH)
    )


def _put(partner: Partner, pks: Sequence[int], *, at: datetime) -> int:
    rows = PartnerMessage.objects.filter(pk__in=pks).order_by("pk")
    messages = {row.their_id: row for row in rows}
    items = _items([row.report_id for row in messages.values() if row.report_id])
    stands, newest = _stands(list(items.values()))
    letters: dict[str, list[Letter]] = defaultdict(list)
    numbers = [_number(theirs, word) for theirs in messages for word in _WORDS]
    for letter in Letter.objects.filter(kind=KIND, recipient=partner.key, number__in=numbers).order_by("pk"):
        letters[letter.number.partition(" ")[0]].append(letter)
    made = 0
    for theirs, row in messages.items():
        item, before = items.get(row.report_id or 0), letters[theirs]
        if item is None or any(letter.state not in (SENT, WITHDRAWN) for letter in before):
            continue
        # What was withdrawn before any try, on an appeal, was never said.
        written = [_word(letter) for letter in before if letter.state == SENT or letter.attempts]
        if exchange_back.ended(written):
            PartnerMessage.objects.filter(partner=partner, their_id=theirs).update(told_all=True)
            continue
        next_ = exchange_back.owed(stands[item.pk], written)
        if next_ is None:
            continue
        word, when = next_
        removal = newest.get(item.pk)
        queue.put(
            KIND,
            number=_number(theirs, word),
            recipient=partner.key,
            transport="exchange",
            removals=[removal.pk] if removal else [],
            at=at,
            by=MACHINE_WORKER,
            subject=f"{item.ref}: {word}",
            text=json.dumps(_says(item, theirs, word, when, stands[item.pk]), sort_keys=True),
        )
        made += 1
    return made


_WORDS = (
    GRADE,
    abroad.TOLD_POLICE,
    abroad.TOLD_HOST,
    abroad.REMOVED,
    abroad.MOVED,
    abroad.NOT_ILLEGAL,
)


def _number(theirs: str, word: str) -> str:
    return f"{theirs} {word}"


def _word(letter: Letter) -> str:
    return letter.number.partition(" ")[2]


def _items(reports: Sequence[int]) -> dict[int, Item]:
    """The item each report led to; theirs have one address each."""
    lines = ReportLine.objects.filter(report__in=reports, item__isnull=False).select_related("item")
    return {line.report_id: line.item for line in lines.order_by("-position") if line.item}


def _stands(items: Sequence[Item]) -> tuple[dict[int, Stand], dict[int, Removal]]:
    at_place = {row.held_at: row for row in Removal.objects.filter(item__in=items).order_by("episode")}
    newest = {row.item_id: row for row in at_place.values()}
    # A post is gone only when it is gone from every news server.
    newest |= {row.item_id: row for row in at_place.values() if row.status in removal_path.STILL_OPEN}
    read: dict[int, datetime | None] = dict(
        Assessment.objects.filter(item__in=items, opinion=words.NOT_ILLEGAL, undone_at=None)
        .order_by("pk")
        .values_list("item", "at")
    )
    reversed_ = AppealLine.objects.filter(removal__item__in=items, appeal__outcome="reversed")
    read = dict(reversed_.values_list("removal__item", "appeal__decided_at")) | read
    first: dict[int, Removal] = {}
    for removal in Removal.objects.filter(item__in=items).order_by("-episode"):
        first[removal.item_id] = removal
    found = {}
    for item in items:
        if item.status == item_path.NOT_ILLEGAL:
            found[item.pk] = Stand(not_illegal_at=read.get(item.pk))
            continue
        one, last = first.get(item.pk), newest.get(item.pk)
        moved = (
            one is not None
            and last is not None
            and one.server == last.server
            and one.pk != last.pk
            and last.route != words.HOME
        )
        found[item.pk] = Stand(
            graded_at=item.graded_at,
            asked_at=one.t3_asked if one else None,
            noticed_at=one.t5_sent if one and one.route == words.HOME else None,
            gone_at=last.t8_gone
            if last and not moved and last.status in (*removal_path.WATCHED, removal_path.CLOSED)
            else None,
            moved_at=last.opened_at if moved and last else None,
            country=last.country if last else "",
        )
    return found, newest


def _says(item: Item, theirs: str, word: str, when: datetime, stand: Stand) -> dict[str, str]:
    graded = Assessment.objects.filter(item=item, undone_at=None).select_related("by").order_by("pk").last()
    trace = Trace.objects.filter(item=item).order_by("at").last() if word == abroad.MOVED else None
    return {
        "content": theirs,
        "word": word,
        "done_at": when.isoformat(),
        "class": item.cls if item.status == item_path.GRADED else words.NOT_ILLEGAL,
        "age": item.age_band,
        "analyst": graded.by.pseudonym if graded else "",
        "country": stand.country,
        "address": trace.address.partition(",")[0] if trace else "",
    }


def depart(letter: Letter) -> dict[str, str]:
    """The guard, inside the claim: nothing leaves under a hold. Raises Refused."""
    removals = list(letter.lines.values_list("removal", flat=True))
    if (
        Hold.objects.filter(removal__in=removals, released_at=None).exists()
        or Removal.objects.filter(pk__in=removals, status=removal_path.HELD).exists()
    ):
        raise Refused("Held by the police: nothing about it leaves the house.", code="held")
    said: dict[str, str] = json.loads(letter.text)
    return said
