"""Whatever comes in whatever order: no notice without an answer that covers it, and a hold stops everything.

Questions, answers of every kind, answers taken back, silence settled by two people, time, sweeps and departures are
drawn in any order and played with the real steps, guards and rendering. Beside them runs the smallest memory that can
tell right from wrong: what was decided about each removal, in order. It shares no rule with the house.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from openhotline.connectors.mail.client import ACCEPTED, TEMPORARY, Receipt, Relay
from openhotline.jobs import dispatch
from openhotline.jobs.post import Post
from openhotline.jobs.sweep import sweep
from openhotline.outbox.models import SENT, Letter, LetterLine
from openhotline.records.models import Answer, Consultation, ConsultationLine, Removal, SilenceProposal, Unit
from openhotline.rules import words
from openhotline.rules.refusals import Refused
from openhotline.steps import answer, consult, freshness, silence, undo
from tests.journeys.cast import HOUSE, NORTH_RACK, QUAY_DATA, Day, hours, minutes

REASON = "arrest or search planned"
WAITS = (timedelta(seconds=30), minutes(2), minutes(40), hours(3), hours(9), hours(80))
HOLDING = (words.HOLD, words.GO_AHEAD_AFTER, words.REFUSE)
PICK = st.integers(0, 5)
KINDS = st.sampled_from([kind for kind in words.ANSWERS if kind != words.PASS_ON])
LASTS = st.sampled_from((None, minutes(5), hours(2), hours(30)))
SOON = st.sampled_from((minutes(0), minutes(2), minutes(2), hours(1)))
BUSY = st.sampled_from(
    (False, False, True)
)  # an officer holds what is on the line, and the relay says: not now
TO_HOSTS = ("notice", "reminder", "ladder")  # what a kind of letter that a hold must stop begins with


EVENTS = st.one_of(
    *(
        st.tuples(st.just(name), st.fixed_dictionaries(drawn))
        for name, drawn in (
            ("time_passes", {"wait": st.sampled_from(WAITS)}),
            ("the_machine_turns", {}),
            *[("an_officer_answers", {"pick": PICK, "one": st.booleans(), "kind": KINDS, "lasts": LASTS})]
            * 2,
            ("an_officer_passes_it_on", {"pick": PICK, "to": PICK, "one": st.booleans()}),
            ("an_answer_is_taken_back", {"pick": st.integers(0, 2)}),
            ("two_people_settle_a_silence", {"pick": PICK, "clear": st.booleans()}),
            *[
                (
                    "letters_leave",
                    {"wait": SOON, "traced": st.sampled_from((True, True, False)), "busy": BUSY},
                )
            ]
            * 4,
        )
    )
)


@dataclass
class Decided:
    """One thing that happened to a removal. `until`: when a hold ends by itself, or a go-ahead runs out."""

    what: str  # asked, told, clear, hold, passed
    until: datetime | None = None
    answer: int | None = None  # by which it happened; taken back with it
    unit: str = ""  # that decided; "" for two people of the hotline


class Taking(Post):
    """A relay that takes everything; what an officer holds while it is on the line, it asks for again later."""

    meanwhile: ClassVar[Callable[[Letter], bool]]

    def hand_over(self, letter: Letter) -> Receipt:
        if type(self).meanwhile(letter):
            return Receipt(TEMPORARY, "not now", code=451)
        return Receipt(ACCEPTED, "taken", code=250, text="queued")


class Orders(RuleBasedStateMachine):
    """One example: a day in any order. The test hands in `start` and counts what left and what was stopped."""

    start: Day
    left = 0
    stopped = 0

    @initialize()
    def morning(self) -> None:
        self.undone_after = transaction.atomic()
        self.undone_after.__enter__()
        self.house = Day.__new__(Day)
        self.house.__dict__.update(self.start.__dict__)
        self.busy = False
        Taking.meanwhile = self.an_officer_holds_what_is_on_the_line
        self.post = Taking(Relay(host="127.0.0.1", port=9), HOUSE, partner_tokens=dict)
        self.memory: dict[int, list[Decided]] = {
            pk: [] for pk in Removal.objects.values_list("pk", flat=True)
        }
        self.known: set[int] = set()
        self.seen: set[int] = set()
        self.asked()

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.undone_after.__exit__(None, None, None)

    # One rule: with one for each event, whole days would be drawn without some of them.
    @rule(event=EVENTS)
    def next(self, event: tuple[str, dict[str, object]]) -> None:
        name, drawn = event
        getattr(self, name)(**drawn)

    # --- what happens ---------------------------------------------------------------------------

    def time_passes(self, wait: timedelta) -> None:
        self.house.later(wait)

    def the_machine_turns(self) -> None:
        """Sweeps only: what is due is asked, freed, reminded of."""
        sweep(policy=self.house.policy, at=self.house.now, strict=True)
        self.asked()

    def an_officer_answers(self, pick: int, one: bool, kind: str, lasts: timedelta | None) -> None:
        question = self.question(pick)
        if question is None:
            return
        end = self.house.now + lasts if lasts else None
        if kind in HOLDING:
            more = {"reason": REASON, "until": None if kind == words.REFUSE else end}
            if kind == words.HOLD and end is None:
                more["review_at"] = self.house.now + hours(10)
        else:
            more = {"valid_until": end}
        given = self.give(question, kind, one=one, **more)
        self.remember(given, "hold" if kind in HOLDING else "clear", end)

    def an_officer_holds_what_is_on_the_line(self, letter: Letter) -> bool:
        if not self.busy or letter.kind != "notice":
            return False
        scope = letter.lines.values("removal")
        question = (
            Consultation.objects.filter(withdrawn_at=None, lines__removal__in=scope).order_by("-pk").first()
        )
        more = {"reason": REASON, "until": None, "review_at": self.house.now + hours(10)}
        given = self.give(question, words.HOLD, one=False, **more) if question else None
        self.remember(given, "hold", None)
        self.busy = False
        return given is not None

    def an_officer_passes_it_on(self, pick: int, to: int, one: bool) -> None:
        question, units = self.question(pick), list(Unit.objects.order_by("pk"))
        if question is not None:
            given = self.give(question, words.PASS_ON, one=one, pass_to=units[to % len(units)])
            for pk in given.lines.values_list("removal_id", flat=True) if given else ():
                self.memory[pk].append(Decided("passed", None, given.pk, question.unit.key))
            self.asked(given.pk if given else None)

    def an_answer_is_taken_back(self, pick: int) -> None:
        given = Answer.objects.filter(undone_at=None).order_by("-pk")[pick : pick + 1].first()
        if given is None:
            return
        try:
            undo.undo(given, by=self.house.officer_of(given.consultation), at=self.house.now)
        except Refused:
            return
        for story in self.memory.values():
            story[:] = [one for one in story if one.answer != given.pk]

    def two_people_settle_a_silence(self, pick: int, clear: bool) -> None:
        question = self.question(pick)
        if question is None:
            return
        try:
            made = silence.propose(
                question, clear=clear, why="nobody answers", by=self.house.who("P01"), at=self.house.now
            )
            moved = silence.confirm(
                made, by=self.house.who("L01"), at=self.house.now, policy=self.house.policy
            )
        except Refused:
            SilenceProposal.objects.filter(consultation=question, settled_at=None).delete()
            return
        for removal in moved:
            self.memory[removal.pk].append(Decided("clear" if clear else "hold"))

    def letters_leave(self, wait: timedelta, traced: bool, busy: bool) -> None:
        """What the house lets go, goes; and each line of it is looked up in the memory."""
        self.busy = busy
        now = self.house.later(wait)
        for removal in freshness.to_trace(at=now) if traced else ():
            host, newest = removal.host, removal.item.traces.order_by("-at").first()
            assert host is not None
            self.house.traced([removal.item], (host.name, host.asn, newest.address, removal.country))
        for _ in range(2):  # what drops out of one notice is drafted into another
            dispatch.letters(self.post, policy=self.house.policy, at=now)
        gone = Letter.objects.filter(state=SENT, transport="mail").exclude(pk__in=self.seen)
        for letter in gone:
            self.seen.add(letter.pk)
            if not letter.kind.startswith(TO_HOSTS):
                continue
            for pk in LetterLine.objects.filter(letter=letter).values_list("removal", flat=True):
                type(self).left += letter.kind == "notice"
                assert not held(self.memory[pk], now), f"{letter.kind} left under a hold: {self.memory[pk]}"
                if letter.kind == "notice":
                    assert covered(self.memory[pk], now), f"a notice left on nothing: {self.memory[pk]}"
        type(self).stopped += sum(held(story, now) for story in self.memory.values())

    # --- helpers --------------------------------------------------------------------------------

    def question(self, pick: int) -> Consultation | None:
        rows = list(Consultation.objects.filter(withdrawn_at=None).order_by("pk"))
        return rows[pick % len(rows)] if rows else None

    def give(self, question: Consultation, kind: str, *, one: bool, **more: object) -> Answer | None:
        """An answer for all of a question, or for its first removal; None where the house refuses it."""
        scope = [line.removal for line in question.lines.order_by("removal_id")[:1]] if one else None
        try:
            return answer.record(
                question,
                kind=kind,
                by=self.house.officer_of(question),
                at=self.house.now,
                policy=self.house.policy,
                removals=scope,
                **more,
            )
        except Refused:
            return None

    def remember(self, given: Answer | None, what: str, until: datetime | None) -> None:
        for pk in given.lines.values_list("removal_id", flat=True) if given else ():
            self.memory[pk].append(Decided(what, until, given.pk, given.consultation.unit.key))

    def asked(self, by: int | None = None) -> None:
        """Questions that are new since we looked: whether the unit is asked or told is its agreement's word; what was
        passed to it always waits for its answer."""
        new = ConsultationLine.objects.exclude(consultation__in=self.known).select_related(
            "consultation__unit"
        )
        for line in new.order_by("pk"):
            passed = line.consultation.passed_from_id is not None
            told = line.consultation.unit.agreement == "notify-together" and not passed
            self.memory[line.removal_id].append(Decided("told" if told else "asked", answer=by))
        self.known |= set(Consultation.objects.values_list("pk", flat=True))


def held(story: list[Decided], now: datetime) -> bool:
    """Whether a unit's last word was a hold that has not come to an end it named itself. Each unit ends its own
    hold, by an answer or by passing the matter on; any unit's answer ends the one of two people."""
    last: dict[str, Decided] = {}
    for one in story:
        if one.what in ("clear", "hold", "passed"):
            last[one.unit] = one
            if one.unit:
                last.pop("", None)
    return any(one.what == "hold" and (one.until is None or one.until > now) for one in last.values())


def covered(story: list[Decided], now: datetime) -> bool:
    """Whether the newest question only tells, or was followed by a yes that still holds."""
    marks = [place for place, one in enumerate(story) if one.what in ("asked", "told")]
    if not marks:
        return False
    if story[marks[-1]].what == "told":
        return True
    since = [one for one in story[marks[-1] + 1 :] if one.what in ("clear", "hold")]
    if not since:
        return False
    last = since[-1]
    if last.what == "clear":
        return last.until is None or last.until > now
    return last.until is not None and last.until <= now


@pytest.mark.once
@pytest.mark.django_db
def test_no_order_of_events_lets_a_notice_leave_uncovered_or_anything_leave_under_a_hold(house: Day) -> None:
    for lines, where in (
        (("http://img.example.net/1", "http://img.example.net/2"), NORTH_RACK),
        (("http://up.example.com/1",), QUAY_DATA),
    ):
        house.contact_verified(house.traced(house.graded(house.public_report(*lines)), where))
    house.later(house.policy.clocks.bundle)
    consult.ask_due(policy=house.policy, at=house.now)
    Orders.start, Orders.left, Orders.stopped = house, 0, 0
    run_state_machine_as_test(
        Orders,
        settings=settings(
            max_examples=30,
            stateful_step_count=10,
            deadline=None,
            derandomize=True,
            database=None,
            phases=(Phase.generate,),  # an order is short enough to be read as it was drawn
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert Orders.left >= 10 and Orders.stopped >= 10, "the orders drawn must reach both"
