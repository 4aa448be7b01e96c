"""What must hold in every seed, judged from outside the code that keeps it.

True here: what the officers said is remembered by the simulation itself, not read from the house; a letter is
judged in the moment of its claim's commit, and the whole house at the end of the day.
"""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Count, F, Q

from openhotline.ledger import verify
from openhotline.ledger.record import sequence
from openhotline.outbox.models import SENDING, Letter, LetterLine
from openhotline.records.models import (
    AgreementVersion,
    Consultation,
    ConsultationLine,
    Contact,
    DomainAlert,
    Hold,
    HostRegistration,
    Item,
    ListAgreement,
    Notice,
    Removal,
    Report,
    SilenceProposal,
    Trace,
)
from openhotline.rules import item_path, letter_path, removal_path, words
from openhotline.simulation.openly import named, names_of
from openhotline.simulation.outside import FIRST, LATER, SECOND

UNDER_HOLD = "a letter left under a hold"
NO_CONSENT = "a notice left without an answer that covers it"
STALE = "a notice left on a stale trace"
WITHDRAWN = "a letter left to a withdrawn contact"
BEFORE_POLICE = "a domain was told of while the police had the word about something under it"
NO_AGREEMENT = "an alert left without a registration or an agreement in force"
OPENLY = "an open mail named what was reported"
OLD_VERSION = "a question was put under a version of an agreement that was not in force"
OTHER_CLOCK = "a clock ran by another version than that of the question"
TOLD_EARLY = "police were told of a notice before it had left, where they had agreed to be told after"
NOT_TOLD = "a notice left and police were not told"
WRONG_UNIT = "a unit was asked about a class it does not answer for"
TWICE = "a letter was taken twice"
NOTICED_TWICE = "one removal was noticed by two letters"
LOST = "an acknowledged report is lost"
DOUBLE = "a report was filed twice"
FOUR_EYES = "one person did what needs two"
STUCK = "a letter is stuck"
LEDGER = "the ledger is not whole"
FAULT = "a part of the house failed"
# What leaves the house about reported content, besides the rungs of the ladder.
TO_HOSTS = ("notice", "reminder", "host-alert", "host-moved", "alert-moved", "host-answer")
TO_OTHERS = ("referral", "referral-moved", "referral-query", "domain-alert")
WALL, ASK, AFTER = ZoneInfo("Europe/London"), "authorise-first", "tell-after"
SPANS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
NAMES = names_of((*FIRST, *SECOND, *LATER))


@dataclass(frozen=True, slots=True)
class Answered:
    """What was last said about a removal: a go-ahead, valid until then; or not, and it ends then (None: never)."""

    clears: bool
    until: datetime | None
    at: datetime


@dataclass
class Notebook:
    """What the simulation knows of its own."""

    answers: dict[int, Answered] = field(default_factory=dict)  # by removal
    withdrawn: set[str] = field(default_factory=set)  # mailboxes nobody may write to
    acknowledged: list[UUID] = field(default_factory=list)
    unregistered: bool = False  # the host abroad does not want to be told, or not yet again
    no_agreement: bool = False  # the body that answers for a domain has none in force
    wants_whole: set[str] = field(
        default_factory=set
    )  # mailboxes of hosts that asked for addresses in the mail
    whole: dict[str, bool] = field(
        default_factory=dict
    )  # notice's key -> whether its host wanted so when it left
    broken: dict[str, str] = field(default_factory=dict)  # promise -> what was seen

    def breach(self, promise: str, seen: str) -> None:
        """Write it down, once for each promise."""
        self.broken.setdefault(promise, seen)

    def left(self, letter: Letter, now: datetime) -> None:
        """A letter has just been claimed: everything must hold in this moment."""
        wanted = letter.kind == "notice" and letter.recipient in self.wants_whole
        self.whole.setdefault(letter.key, wanted)  # its bytes stay what they were the first time
        pks = list(letter.lines.values_list("removal", flat=True))
        rung = letter.kind.startswith("ladder-")
        held = Hold.objects.filter(removal__item__removals__in=pks, released_at=None)  # wherever it is now
        if (rung or letter.kind in (*TO_HOSTS, *TO_OTHERS)) and held.exists():
            self.breach(UNDER_HOLD, f"{letter.kind} {letter.number}")
        if (rung or letter.kind in TO_HOSTS) and letter.recipient in self.withdrawn:
            self.breach(WITHDRAWN, f"{letter.kind} {letter.number} to {letter.recipient}")
        if (letter.kind == "host-alert" and self.unregistered) or (
            letter.kind == "domain-alert" and self.no_agreement
        ):
            self.breach(NO_AGREEMENT, f"{letter.kind} {letter.number}")
        if letter.kind == "domain-alert":
            self._domain(letter)
        if letter.kind == "notice":
            self._consent(letter, pks, now)
        if letter.kind == "police-told":
            self._told(letter, pks)
        if letter.kind in ("notice", "referral", "host-alert"):
            traced = Trace.objects.filter(item__removals__in=pks, at__gte=now - timedelta(minutes=15))
            items = Item.objects.filter(removals__in=pks).distinct().count()
            if traced.values("item").distinct().count() < items:
                self.breach(STALE, f"{letter.kind} {letter.number}")

    def _consent(self, letter: Letter, pks: list[int], now: datetime) -> None:
        """Every removal is told of, or has an answer given since it was last asked about that clears it now."""
        for pk in pks:
            asked = Consultation.objects.filter(lines__removal=pk, withdrawn_at=None).order_by("-pk").first()
            if asked is not None and not asked.asks:
                continue  # the agreement says tell, not ask; `_versions` looks whether it said so
            said = self.answers.get(pk)
            over = said is not None and said.until is not None and said.until <= now
            if asked is None or said is None or said.at < asked.asked_at or said.clears == over:
                self.breach(NO_CONSENT, f"{letter.number}, removal {pk}")

    def _told(self, letter: Letter, pks: list[int]) -> None:
        """Where the agreement says "after", the notice has left."""
        asked = Consultation.objects.get(number=letter.number)
        terms = json.loads(AgreementVersion.objects.get(version=asked.agreement_version).terms)
        left = Notice.objects.filter(sent_at__isnull=False, lines__removal__in=pks)
        if terms["agreement"][0]["order"] == AFTER and left.values("lines__removal").distinct().count() < len(
            pks
        ):
            self.breach(TOLD_EARLY, letter.number)

    def _versions(self) -> None:
        """Every question against what two people had agreed to by then, read from the rows and the wall's calendar;
        and every notice by the version its removals were last asked about or told under."""
        rows = list(AgreementVersion.objects.exclude(agreed_at=None).order_by("valid_from"))
        terms = {row.version: json.loads(row.terms)["agreement"][0] for row in rows}
        for asked in Consultation.objects.select_related("unit"):
            day = asked.asked_at.astimezone(WALL).date()
            counts = [
                row
                for row in rows
                if row.key == asked.agreement
                and row.agreed_at is not None
                and row.agreed_at <= asked.asked_at
                and row.valid_from <= day
                and (row.withdrawn_at is None or row.withdrawn_at > asked.asked_at)
            ]
            now = terms[counts[-1].version] if counts else {"version": "", "order": ""}
            if now["version"] != asked.agreement_version or (now["order"] == ASK) != asked.asks:
                self.breach(OLD_VERSION, f"{asked.number}: {asked.agreement_version}")
            elif asked.due_at != asked.asked_at + _span(now, "answer"):
                self.breach(OTHER_CLOCK, f"{asked.number}: to be answered by {asked.due_at}")
        for notice in Notice.objects.exclude(sent_at=None):
            self._notice(notice, terms)

    def _notice(self, notice: Notice, terms: dict[str, dict[str, Any]]) -> None:
        """Its host's time is the shortest of those its removals were asked about under; whom it says to tell, it tells."""
        sent = notice.sent_at
        assert sent is not None
        lines = ConsultationLine.objects.filter(
            removal__in=notice.lines.filter(dropped="").values("removal"), consultation__asked_at__lte=sent
        )
        newest = {
            line.removal_id: line.consultation for line in lines.select_related("consultation").order_by("pk")
        }
        under = [terms[asked.agreement_version] for asked in newest.values()]
        if under and notice.due_at != sent + min(_span(one, "host_target") for one in under):
            self.breach(OTHER_CLOCK, f"{notice.number}: its host's time ends {notice.due_at}")
        told = set(
            LetterLine.objects.filter(kind="police-told", removal__in=newest).values_list("removal", "number")
        )
        for removal, asked in newest.items():
            if not asked.asks and (removal, asked.number) not in told:
                self.breach(NOT_TOLD, f"{notice.number}, {asked.number}")

    def _domain(self, letter: Letter) -> None:
        """Whoever acts on a domain acts on all of it, in the letter or not."""
        domain = DomainAlert.objects.get(number=letter.number).domain
        under = Removal.objects.filter(item__host__endswith=domain)
        if under.filter(holds__released_at=None, holds__isnull=False).exists():
            self.breach(UNDER_HOLD, f"domain-alert {letter.number}")
        waiting = (removal_path.ASKED, removal_path.SILENT, removal_path.HELD)
        if under.filter(status__in=waiting).exists():
            self.breach(BEFORE_POLICE, letter.number)

    def mails(self, letters: Iterable[Letter]) -> None:
        """What the relay took. Open, it names none of the reported addresses, nor their hosts, domains, accounts or
        paths; but for a notice to a host that asked for them."""
        for letter in letters:
            if not self.whole.get(letter.key):
                name = named(bytes(letter.body or b""), NAMES)
                if name:
                    self.breach(OPENLY, f"{letter.kind} {letter.number}: {name}")

    def taken(self, keys: list[str]) -> None:
        """What the other side has, at the end."""
        kinds = dict(Letter.objects.filter(key__in=keys).values_list("key", "kind"))
        for key, count in Counter(keys).items():
            if count > 1:
                self.breach(TWICE, f"{kinds.get(key)} {key[:12]} {count} times")
        lines = LetterLine.objects.filter(letter__key__in=keys, kind="notice").values_list(
            "removal", "letter__key"
        )
        for removal, count in Counter(removal for removal, _ in set(lines)).items():
            if count > 1:
                self.breach(NOTICED_TWICE, f"removal {removal} by {count} letters")

    def end(self, now: datetime) -> None:
        """The whole house, at the end of the day."""
        filed = Counter(Report.objects.values_list("report_id", flat=True))
        for one in self.acknowledged:
            if one not in filed:
                self.breach(LOST, str(one))
        if any(count > 1 for count in filed.values()):
            self.breach(DOUBLE, "two rows with one id")
        readers = Item.objects.filter(status=item_path.GRADED).annotate(
            people=Count(
                "assessments__by", distinct=True, filter=Q(assessments__reading__in=("first", "second"))
            )
        )
        if readers.filter(people__lt=2).exists():
            self.breach(FOUR_EYES, "graded by one reader")
        if Contact.objects.exclude(verified_by="").filter(verified_by=F("proposed_by")).exists():
            self.breach(FOUR_EYES, "a contact verified by who proposed it")
        for model in (HostRegistration, ListAgreement):
            if model.objects.exclude(confirmed_by="").filter(confirmed_by=F("proposed_by")).exists():
                self.breach(FOUR_EYES, f"a {model.__name__} of one person")
        if AgreementVersion.objects.filter(agreed_by=F("proposed_by")).exists():
            self.breach(FOUR_EYES, "a version of an agreement by one person")
        self._versions()
        special = Q(consultation__unit__level="special")
        theirs = Q(removal__item__cls__in=(words.OBSCENE_ADULT, words.EXTREME))
        if ConsultationLine.objects.filter(special & ~theirs | theirs & ~special).exists():
            self.breach(WRONG_UNIT, "a question")
        if SilenceProposal.objects.filter(confirmed_by=F("proposed_by")).exists():
            self.breach(FOUR_EYES, "a silence settled by one person")
        if Letter.objects.filter(state=SENDING, lease_until__lt=now - letter_path.LEASE).exists():
            self.breach(STUCK, "sending without a claimer")
        while sequence():
            pass
        verdict = verify.verify()
        if not verdict.ok:
            self.breach(LEDGER, verdict.why)


def _span(terms: dict[str, Any], clock: str) -> timedelta:
    """ "90m", "2h" or "28d" of a version's terms."""
    said = terms["clocks"][clock]
    return int(said[:-1]) * SPANS[said[-1]]
