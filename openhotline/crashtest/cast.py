"""The people of the crash test, as processes of their own that may be killed at any moment.

    python -m openhotline.crashtest.cast make|reporter|staff|settle|judge FOLDER SEED [PARTNER-PORT]

`make` sets the house up. `reporter` is the public form's end of the spool: it writes down what it has
acknowledged, durably and only after the spool said so. `staff` files reports by hand, reads items as two
analysts and answers for the police. `settle` lets time go on until nothing is on its way. `judge` looks at
what is left and prints one line of JSON.
"""

import json
import os
import random
import sys
import time
from collections import Counter
from pathlib import Path
from uuid import UUID

from openhotline.crashtest import logs


def make(folder: Path, seed: int) -> None:
    """A house with two analysts, an officer for each unit, and hosts that can be written to."""
    from django.apps import apps
    from django.contrib.auth.hashers import make_password

    from openhotline.crashtest.prober import HOSTS, country, operator
    from openhotline.jobs import house
    from openhotline.records.models import Unit
    from openhotline.rules import words
    from openhotline.settings import load

    settings = load()
    at = settings.clock().now()
    house.make_places(settings)
    apps.get_app_config("records").ready()  # the keys are there now
    house.migrate()
    house.settle(settings, at=at)
    Unit.objects.update(mail="desk@police.example")
    house.reach_partner(settings, "hotline-nl", url=f"http://127.0.0.1:{sys.argv[4]}", token="made up")
    people = [house.Person(f"analyst{n}", words.ANALYST, f"A0{n}") for n in (1, 2)]
    people += [
        house.Person(f"officer-{unit.key}", words.OFFICER, f"P-{unit.key}", unit=unit.key)
        for unit in Unit.objects.order_by("pk")
    ]
    for person in people:
        house.make_person(person, password="", encoded=make_password(None), demo=True)  # nobody signs in
    for number in range(HOSTS):
        name = operator(number)
        key = f"AS{64496 + number}:{name.casefold()}"
        house.register_contact(
            key,
            name=name,
            asn=64496 + number,
            country=country(number),
            mail=f"abuse@host{number}.example",
            at=at,
        )


def reporter(folder: Path, seed: int) -> None:
    """Reports by the public form, some five a second, a third of them about known addresses."""
    from uuid import uuid4

    from openhotline.records import sealing, spool
    from openhotline.rules.incoming import public
    from openhotline.settings import load

    settings = load()
    clock, key = settings.clock(), sealing.public_key(settings.keys)
    chance, box, known = random.Random(seed), spool.Spool(settings.spool), list[str]()
    telling = (folder / "acknowledged.log").open("ab")  # open for its whole life: by this it is seen at work
    while not telling.closed:
        report_id = uuid4()
        fresh = f"http://site{chance.randrange(50)}.example/{chance.randrange(10**9)}"
        address = chance.choice(known) if known and chance.random() < 0.3 else fresh
        known = [*known[-200:], address]
        report = public(
            report_id, (address,), clock.now(), receipt_hash=f"{chance.getrandbits(256):064x}", follow="code"
        )
        sealed = sealing.seal(report.to_json(), key)
        box.append(spool.OPENED, [(report_id, sealed)])
        box.append(spool.SENT, [(report_id, sealed)])
        logs.add(folder / "acknowledged.log", str(report_id))
        time.sleep(chance.uniform(0.05, 0.4))


def staff(folder: Path, seed: int) -> None:
    """One round after the other: file one, read what waits, answer what is asked."""
    from uuid import uuid4

    from django.db import OperationalError

    from openhotline import policy as policies
    from openhotline.records.models import Consultation, Item, User
    from openhotline.rules import item_path, words
    from openhotline.rules.incoming import IncomingReport
    from openhotline.rules.opinion import Opinion
    from openhotline.rules.refusals import Refused
    from openhotline.settings import load
    from openhotline.steps import answer, assess
    from openhotline.steps.intake import file_reports

    settings = load()
    clock, policy, chance = settings.clock(), policies.load(settings.country), random.Random(seed)
    readers = [User.objects.get(username=f"analyst{n}").actor() for n in (1, 2)]
    officers = {user.unit_id: user.actor() for user in User.objects.filter(role=words.OFFICER)}
    machine = words.Actor(words.MACHINE, "machine:command", auth="command")
    opinion = Opinion(
        words.ILLEGAL,
        cls=words.CHILD_SEXUAL_ABUSE,
        category=policy.scheme_on(clock.now().date()).categories[0],
        age_band="unclear",
        files=1,
        points=policy.point_keys[:1],
        seconds=10,
    )

    def file_one() -> None:
        report_id, at = uuid4(), clock.now()
        lines = (f"http://site{chance.randrange(50)}.example/{chance.randrange(10**9)}",)
        file_reports(
            [IncomingReport(report_id, words.FROM_STAFF, lines, at)], policy=policy, by=machine, at=at
        )
        logs.add(folder / "acknowledged.log", str(report_id))

    def read(status: str, who: words.Actor) -> None:
        mine = Item.objects.filter(status=status).order_by("pk")
        items = [item for item in mine[:40] if item.locked_by_id in (None, who.user_id)]
        if items:
            assess.take(items, by=who, at=clock.now(), policy=policy)
            assess.grade(items, opinion, by=who, at=clock.now(), policy=policy)

    def answer_one() -> None:
        waiting = Consultation.objects.filter(asks=True, answered_at=None).order_by("pk").first()
        if waiting is not None:
            answer.record(
                waiting, kind=words.GO_AHEAD, by=officers[waiting.unit_id], at=clock.now(), policy=policy
            )

    while True:
        for act in (
            file_one,
            lambda: read(item_path.RECEIVED, readers[0]),
            lambda: read(item_path.ASSESSING, readers[0]),
            lambda: read(item_path.GRADED_ONCE, readers[1]),
            answer_one,
        ):
            try:
                act()
            except (Refused, OperationalError) as fault:
                sys.stderr.write(
                    f"staff: {fault}\n"
                )  # the worker moved it meanwhile, or the database was busy
        time.sleep(chance.uniform(0.05, 0.25))


def settle(folder: Path, seed: int) -> None:
    """Nobody brings anything new; the worker works off what is there."""
    from openhotline.clock import WorldClock
    from openhotline.crashtest.settle import to_the_end
    from openhotline.jobs.post import HTTP, SMTP
    from openhotline.settings import load

    settings = load()
    clock = settings.clock()
    assert isinstance(clock, WorldClock)
    asks = (HTTP, SMTP) if settings.relay_log else (HTTP,)
    sys.stdout.write(to_the_end(folder, clock, asks=asks))


def judge(folder: Path, seed: int) -> None:
    """What is left of it all, as one line of JSON. Settles nothing."""
    from django.db.models import Count, Max, Min

    from openhotline.ledger import verify
    from openhotline.ledger.models import Staged
    from openhotline.ledger.record import sequence
    from openhotline.outbox.models import SENDING, SENT, Letter, LetterLine
    from openhotline.records.models import Item, Removal, Report
    from openhotline.settings import load

    now = load().clock().now()
    told = [UUID(text) for text in logs.lines(folder / "acknowledged.log")]
    filed = Counter(Report.objects.values_list("report_id", flat=True))
    taken = Counter(text.partition("@")[0] for text in logs.lines(folder / "taken.log"))
    referred = Counter(logs.lines(folder / "referred.log"))
    taken += referred
    letters = {letter.key: letter for letter in Letter.objects.exclude(transport="prober").defer("body")}
    noticed: dict[int, set[str]] = {}
    rows = LetterLine.objects.filter(kind="notice", letter__key__in=list(taken))
    for removal, key in rows.values_list("removal", "letter__key"):
        noticed.setdefault(removal, set()).add(key)
    while sequence():
        pass
    verdict = verify.verify()
    per_case = Staged.objects.exclude(case_n=None).values("case_ref")
    gaps = [
        row["case_ref"]
        for row in per_case.annotate(n=Count("pk"), low=Min("case_n"), high=Max("case_n"))
        if (row["low"], row["high"]) != (1, row["n"])
    ]
    result = {
        "acknowledged": len(told),
        "lost": [str(one) for one in told if one not in filed],
        "filed_twice": sum(count > 1 for count in filed.values()),
        "items": Counter(Item.objects.values_list("status", flat=True)),
        "removals": Counter(Removal.objects.values_list("status", flat=True)),
        "letters": Counter(letter.state for letter in letters.values()),
        "notices_sent": sum(letter.kind == "notice" and letter.state == SENT for letter in letters.values()),
        "taken": len(taken),
        "referred": len(referred),
        "settled_by_asking": sum(one.asked_at is not None and one.state == SENT for one in letters.values()),
        "taken_twice": [key for key, count in taken.items() if count > 1],
        "taken_unknown": [key for key in taken if key not in letters],
        "sent_not_taken": [key for key, one in letters.items() if one.state == SENT and key not in taken],
        "taken_not_settled": [
            key for key in taken if key in letters and letters[key].state not in (SENT, "in doubt")
        ],
        "noticed_twice": [removal for removal, keys in noticed.items() if len(keys) > 1],
        "sending": Letter.objects.filter(state=SENDING).count(),
        "due": Letter.objects.filter(state="pending", due_at__lte=now).count(),
        "ledger": {"ok": verdict.ok, "entries": verdict.entries, "why": verdict.why},
        "case_gaps": gaps,
    }
    sys.stdout.write(json.dumps(result) + "\n")


def main() -> None:
    """Django, then the part."""
    part, folder = sys.argv[1], Path(sys.argv[2])
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 0
    os.environ["DJANGO_SETTINGS_MODULE"] = "openhotline.django_settings"
    import django

    django.setup()
    parts = {"make": make, "reporter": reporter, "staff": staff, "settle": settle, "judge": judge}
    parts[part](folder, seed)


if __name__ == "__main__":
    main()
