"""The two scenarios that ship: the scripted day, and any number of made-up sites for benchmarks.

True here: the day starts on 12 May 2026, 07:00 UTC, and asks of a hotline every way a removal can go.
Between 07:00 and 09:00 nothing moves by itself, except that one address that was silent answers from 07:40;
at 09:00 one vanishes and one changes country, so whoever plays the day asks the police before nine and lets
them answer after. Everything else waits for a letter.
"""

import random
from datetime import UTC, datetime, timedelta

from openhotline.rules.words import NON_PHOTOGRAPHIC
from openhotline.rules.words import NOT_ILLEGAL as OPINION_NOT_ILLEGAL
from openhotline.world import scenario
from openhotline.world.places import (
    BULK_RACK,
    FAR_SHORE,
    MUTE_HOSTING,
    NORTH_RACK,
    OLD_MILL,
    POLDER,
    QUAY_DATA,
    SLOW_HOSTING,
)
from openhotline.world.scenario import Event, Grade, Reaction, Scenario, Site

START = datetime(2026, 5, 12, 7, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SILENT_UNTIL = 40 * MINUTE
CHANGES_AT = 2 * HOUR  # the one that vanishes, the one that moves
PARTNER_REMOVES_AFTER = 6 * HOUR
POLICE_ABROAD_AFTER = 2 * DAY
COMES_BACK_AFTER = 3 * DAY


def _gone(to: scenario.To, after: timedelta, status: int = 404) -> Reaction:
    return Reaction(to, (Event(after, "gone", status=status),))


_NORTH = (_gone("notice", 40 * MINUTE),)
_ABROAD = (_gone("referral", PARTNER_REMOVES_AFTER), _gone("referral-police", POLICE_ABROAD_AFTER))


def day(seed: int = 1, bundle: int = 433) -> Scenario:
    """The scripted day. `bundle`: how many addresses Bulk Rack holds; `seed` varies their paths only."""
    north, far = NORTH_RACK.address, FAR_SHORE.address
    sites = [
        *(
            Site(
                f"http://img.example.net/{path}",
                "home",
                north(4),
                scenario.REMOVED,
                reactions=_NORTH,
                grade=grade,
            )
            for path, grade in (
                ("set/one", Grade(category="A", age_band="pre-pubescent", files=12)),
                ("set/two", Grade(category="B", age_band="pubescent", files=3)),
                ("view?id=17", Grade(category="C", age_band="infant")),
            )
        ),
        *(
            Site(
                f"http://up.example.com/{path}",
                "eastern",
                QUAY_DATA.address(0),
                scenario.REMOVED,
                alias="edge.quaydata.example",
                reactions=(_gone("notice", 25 * MINUTE, 410),),
                grade=Grade(category="B"),
            )
            for path in ("f/1001", "f/1002")
        ),
        Site(
            "http://brief.example.org/p/7",
            "vanishes",
            north(5),
            scenario.GONE_BEFORE_NOTICE,
            events=(Event(CHANGES_AT, "gone"),),
        ),
        Site(
            "http://nomad.example.net/g/2",
            "moves while asked",
            north(6),
            scenario.MOVED_REFERRED,
            events=(Event(CHANGES_AT, "move", ip=POLDER.address(20)),),
            reactions=_ABROAD,
        ),
        Site(
            "http://runner.example.org/a/3",
            "moves after notice",
            north(7),
            scenario.MOVED_POLICE,
            reactions=(Reaction("notice", (Event(30 * MINUTE, "move", ip=far(30)),)), *_ABROAD),
        ),
        Site(
            "http://again.example.com/x/4",
            "reappears",
            north(8),
            scenario.REAPPEARED_REMOVED,
            reactions=(
                Reaction(
                    "notice",
                    (Event(20 * MINUTE, "gone"), Event(20 * MINUTE + COMES_BACK_AFTER, "back")),
                ),
                _gone("notice", 15 * MINUTE),
            ),
        ),
        Site(
            "http://mill.example.net/d/5",
            "mail bounces",
            OLD_MILL.address(3),
            scenario.REMOVED,
            reactions=(_gone("notice", 35 * MINUTE),),
        ),
        Site(
            "http://slow.example.org/s/6",
            "reminded",
            SLOW_HOSTING.address(3),
            scenario.REMOVED,
            reactions=(_gone("reminder", 45 * MINUTE),),
        ),
        Site(
            "http://mute.example.com/m/8",
            "silent until the ladder",
            MUTE_HOSTING.address(3),
            scenario.REMOVED,
            reactions=(_gone("ladder", 50 * MINUTE),),
        ),
        Site(
            "http://dijk.example.net/n/9",
            "abroad with hotline",
            POLDER.address(10),
            scenario.REFERRED_REMOVED,
            reactions=_ABROAD,
        ),
        Site(
            "http://isle.example.org/q/1",
            "abroad without",
            far(10),
            scenario.POLICE_REMOVED,
            reactions=_ABROAD,
        ),
        Site(
            "http://drawn.example.com/c/2",
            "drawn, abroad",
            POLDER.address(11),
            scenario.OUT_OF_REMIT,
            grade=Grade(content_class=NON_PHOTOGRAPHIC, category="", age_band="unclear"),
        ),
        Site(
            "http://plain.example.net/blog/3",
            "lawful",
            north(9),
            scenario.NOT_ILLEGAL,
            grade=Grade(opinion=OPINION_NOT_ILLEGAL, content_class="", category="", age_band="none", files=0),
        ),
        Site(
            "http://late.example.org/l/4",
            "unreachable at first",
            north(10),
            scenario.REMOVED,
            events=(Event(timedelta(0), "silent"), Event(SILENT_UNTIL, "back")),
            reactions=_NORTH,
        ),
        Site(
            "http://shop.example.com/s/5",
            "disguised",
            north(11),
            scenario.REMOVED,
            referrer="http://door.example.com/list",
            reactions=_NORTH,
            grade=Grade(category="A", age_band="pubescent", files=4),
        ),
        Site(
            "http://chat.example.net/room/6",
            "child at risk",
            north(12),
            scenario.REMOVED,
            reactions=(_gone("notice", 10 * MINUTE),),
            grade=Grade(category="B", age_band="pubescent"),
            alarm=True,
        ),
        Site(
            "http://six.example.org/v6/1",
            "IPv6 only",
            "",
            scenario.REMOVED,
            ip6=NORTH_RACK.address6(0x61),
            reactions=_NORTH,
        ),
    ]
    return Scenario("day", seed, START, (*sites, *_bundle(seed, bundle)))


def _bundle(seed: int, count: int) -> list[Site]:
    """Many addresses on one host: what one host held on one day of 2022 was 433."""
    order = random.Random(seed).sample(range(10_000, 100_000), count)
    reactions = (_gone("notice", 20 * MINUTE),)
    return [
        Site(
            f"http://bulk.example.org/a/{n}",
            "bundle",
            BULK_RACK.address(2),
            scenario.REMOVED,
            reactions=reactions,
        )
        for n in order
    ]
