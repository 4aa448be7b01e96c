"""The morning after the day: new reports at every station of the walk, so that whoever sits down finds work.

True here: the addresses are added to the world as the day ends, and are real there: they answer, are traced, and go
when a letter about them arrives. Nobody's part is played to the end. `demo --once` does not play it. What is not
here: any outcome that is compared with the world's truth (`day.py`).
"""

import json
import urllib.request
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid5

from openhotline.demo.day import _NAMESPACE, ScriptedDay
from openhotline.records import sealing, spool
from openhotline.records.models import Consultation, Item
from openhotline.rules import incoming, urls, words
from openhotline.rules.opinion import Opinion
from openhotline.steps import answer, assess
from openhotline.world import places

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)

NEW, ONCE, DISPUTED, ASKED, HELD, WITH_HOST, ABROAD, NEW_HOST = (
    "new",
    "read once",
    "disputed",
    "asked",
    "held",
    "with the host",
    "abroad",
    "a host met for the first time",
)


@dataclass(frozen=True, slots=True)
class Arrival:
    """One address of the morning: where the world holds it, and how far its walk has come by nine."""

    address: str
    ip: str
    station: str
    category: str = "C"
    age_band: str = "pre-pubescent"
    referrer: str = ""


def _arrivals() -> tuple[Arrival, ...]:
    north, bulk, slow = places.NORTH_RACK.address, places.BULK_RACK.address, places.SLOW_HOSTING.address
    registry = places.REGISTRY.address
    return (
        Arrival("http://dawn.example.org/g/1", north(4), NEW),
        Arrival("http://dawn.example.org/g/2", north(4), NEW),
        Arrival("http://forum.example.net/t/88", places.POLDER.address(14), NEW),
        Arrival("http://lamp.example.com/i/5", bulk(5), NEW, referrer="http://door.example.com/list"),
        Arrival("http://pier.example.net/v/9", north(5), ONCE, category="B"),
        Arrival("http://pier.example.net/v/10", north(5), ONCE, category="A", age_band="infant"),
        Arrival("http://mast.example.org/a/3", slow(4), DISPUTED),
        *(
            Arrival(f"http://harbour.example.com/s/{n}", bulk(6), ASKED, category="B" if n % 3 else "A")
            for n in range(1, 8)
        ),
        Arrival("http://tide.example.org/w/2", slow(5), HELD, category="A"),
        *(Arrival(f"http://reef.example.net/k/{n}", north(6), WITH_HOST, category="B") for n in (1, 2, 3)),
        Arrival("http://canal.example.org/n/6", places.RHINE.address(9), ABROAD),
        Arrival("http://polder.example.net/n/7", places.POLDER.address(15), ABROAD),
        Arrival("http://quiet.example.com/z/4", registry(4), NEW_HOST),
    )


def play(day: ScriptedDay) -> int:
    """Let the morning's reports come in and walk as far as their station. Returns how many there are."""
    arrivals = _arrivals()
    _into_the_world(day, arrivals)
    _reported(day, arrivals)
    day.until(day.now + 10 * MINUTE)
    items = {
        arrival.address: Item.objects.get(key_digest=urls.read(arrival.address).key_digest)
        for arrival in arrivals
    }
    read = [arrival for arrival in arrivals if arrival.station != NEW]
    _grade(day, read, items, reader="analyst")
    _grade(day, [one for one in read if one.station != ONCE], items, reader="second")
    # The bundle is asked about once its minutes are over; then two of the questions are answered.
    day.until(day.now + 25 * MINUTE)
    _police(day, arrivals, items)
    day.until(day.now + 12 * MINUTE)
    return len(arrivals)


def _into_the_world(day: ScriptedDay, arrivals: tuple[Arrival, ...]) -> None:
    control = json.loads((day.settings.data / "run" / "world.json").read_text())["control"]
    for arrival in arrivals:
        body = {"do": "add", "address": arrival.address, "ip": arrival.ip, "referrer": arrival.referrer}
        request = urllib.request.Request(  # noqa: S310 - the world's own desk, on loopback
            f"{control['url']}/script",
            data=json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {control['token']}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as said:  # noqa: S310
            assert json.load(said)["ok"]


def _reported(day: ScriptedDay, arrivals: tuple[Arrival, ...]) -> None:
    """By the public form. The first address is reported twice, and one report has no address anybody could read."""
    box = spool.Spool(day.settings.spool)
    key = sealing.public_key(day.settings.keys)
    first, *_ = arrivals
    lines = [(one.address, one.referrer, "image") for one in arrivals]
    lines += [
        (first.address.replace(".", "[.]"), "", "video"),
        ("the blue site with the harbour on it", "", "image"),
    ]
    reports = [
        incoming.public(
            uuid5(_NAMESPACE, f"morning/{day.scenario.seed}/{number}"),
            (line,),
            day.now,
            referrer=referrer,
            seen=seen,
        )
        for number, (line, referrer, seen) in enumerate(lines)
    ]
    box.append(spool.SENT, [(one.report_id, sealing.seal(one.to_json(), key)) for one in reports])
    box.close()


def _grade(day: ScriptedDay, arrivals: list[Arrival], items: dict[str, Item], *, reader: str) -> None:
    for arrival in arrivals:
        item = items[arrival.address]
        item.refresh_from_db()
        differs = reader == "second" and arrival.station == DISPUTED
        assess.take([item], by=day.people[reader], at=day.now, policy=day.engine.policy)
        assess.grade(
            [item],
            Opinion(
                words.ILLEGAL,
                cls=words.CHILD_SEXUAL_ABUSE,
                category="B" if differs else arrival.category,
                age_band=arrival.age_band,
                files=2,
                seconds=14,
            ),
            by=day.people[reader],
            at=day.now,
            policy=day.engine.policy,
        )
    day.until(day.now + 4 * MINUTE)


def _police(day: ScriptedDay, arrivals: tuple[Arrival, ...], items: dict[str, Item]) -> None:
    """What is to be with a host is cleared, what is to be held is held; the other questions stay open."""
    by_item = {items[arrival.address].pk: arrival.station for arrival in arrivals}
    waiting = Consultation.objects.filter(asks=True, answered_at=None).select_related("unit", "host")
    for consultation in waiting.order_by("pk"):
        stations = {by_item.get(pk) for pk in consultation.lines.values_list("removal__item", flat=True)}
        officer = day.people[{"NU": "officer", "EU": "officer-east"}[consultation.unit.key]]
        if stations <= {WITH_HOST, NEW_HOST}:
            answer.record(consultation, kind=words.GO_AHEAD, by=officer, at=day.now, policy=day.engine.policy)
        elif stations == {HELD}:
            answer.record(
                consultation,
                kind=words.HOLD,
                review_at=day.now + 20 * HOUR,
                reason="evidence first",
                by=officer,
                at=day.now,
                policy=day.engine.policy,
            )
