"""What must hold in every seed, judged from outside the code that keeps it.

True here: what the officers said is remembered by the simulation itself, not read from the house; a letter is
judged in the moment of its claim's commit, and the whole house at the end of the day.
"""

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
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
    Removal,
    Report,
    SilenceProposal,
    Trace,
)
from openhotline.rules import item_path, letter_path, removal_path, words

UNDER_HOLD = "a letter left under a hold"
NO_CONSENT = "a notice left without an answer that covers it"
STALE = "a notice left on a stale trace"
WITHDRAWN = "a letter left to a withdrawn contact"
BEFORE_POLICE = "a domain was told of while the police had the word about something under it"
NO_AGREEMENT = "an alert left without a registration or an agreement in force"
OLD_VERSION = "a question was put under a version of an agreement that was not in force"
WRONG_UNIT = "a unit was asked about a class it does not answer for"
TWICE = "a letter was taken twice"
NOTICED_TWICE = "one removal was noticed by two letters"
LOST = "an acknowledged report is lost"
DOUBLE = "a report was filed twice"
FOUR_EYES = "one person did what needs two"
STUCK = "a letter is stuck"
LEDGER = "the ledger is not whole"
FAULT = "a part of the house failed"
WALL, ASK = ZoneInfo("Europe/London"), "authorise-first"


@dataclass
class Notebook:
    """What the simulation knows of its own."""

    answers: dict[int, tuple[bool, datetime | None]] = field(default_factory=dict)  # removal -> clears, until
    withdrawn: set[str] = field(default_factory=set)  # mailboxes nobody may write to
    acknowledged: list[UUID] = field(default_factory=list)
    unregistered: bool = False  # the host abroad does not want to be told, or not yet again
    no_agreement: bool = False  # the body that answers for a domain has none in force
    broken: dict[str, str] = field(default_factory=dict)  # promise -> what was seen

    def breach(self, promise: str, seen: str) -> None:
        """Write it down, once for each promise."""
        self.broken.setdefault(promise, seen)

    def left(self, letter: Letter, now: datetime) -> None:
        """A letter has just been claimed: everything must hold in this moment."""
        pks = list(letter.lines.values_list("removal", flat=True))
        about_content = letter.kind in ("notice", "reminder", "referral", "host-alert", "domain-alert")
        if about_content and Hold.objects.filter(removal__in=pks, released_at=None).exists():
            self.breach(UNDER_HOLD, f"{letter.kind} {letter.number}")
        if letter.kind in ("notice", "reminder", "host-alert") and letter.recipient in self.withdrawn:
            self.breach(WITHDRAWN, f"{letter.kind} {letter.number} to {letter.recipient}")
        if (letter.kind == "host-alert" and self.unregistered) or (
            letter.kind == "domain-alert" and self.no_agreement
        ):
            self.breach(NO_AGREEMENT, f"{letter.kind} {letter.number}")
        if letter.kind == "domain-alert":
            self._domain(letter)
        if letter.kind == "notice":
            self._consent(letter, pks, now)
        if letter.kind in ("notice", "referral", "host-alert"):
            traced = Trace.objects.filter(item__removals__in=pks, at__gte=now - timedelta(minutes=15))
            items = Item.objects.filter(removals__in=pks).distinct().count()
            if traced.values("item").distinct().count() < items:
                self.breach(STALE, f"{letter.kind} {letter.number}")

    def _consent(self, letter: Letter, pks: list[int], now: datetime) -> None:
        for pk in pks:
            clears, until = self.answers.get(pk, (False, None))
            asked = Consultation.objects.filter(lines__removal=pk).order_by("-pk").values_list("asks").first()
            if asked == (False,):
                continue  # the agreement says tell, not ask
            if not clears and (until is None or until > now):
                self.breach(NO_CONSENT, f"{letter.number}, removal {pk}")

    def _versions(self) -> None:
        """Every question against what two people had agreed to by then, read from the rows and the wall's calendar."""
        rows = list(AgreementVersion.objects.exclude(agreed_at=None).order_by("valid_from"))
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
            order = json.loads(counts[-1].terms)["agreement"][0]["order"] if counts else ""
            if not counts or counts[-1].version != asked.agreement_version or (order == ASK) != asked.asks:
                self.breach(OLD_VERSION, f"{asked.number}: {asked.agreement_version}")

    def _domain(self, letter: Letter) -> None:
        """Whoever acts on a domain acts on all of it, in the letter or not."""
        domain = DomainAlert.objects.get(number=letter.number).domain
        under = Removal.objects.filter(item__host__endswith=domain)
        if under.filter(holds__released_at=None, holds__isnull=False).exists():
            self.breach(UNDER_HOLD, f"domain-alert {letter.number}")
        waiting = (removal_path.ASKED, removal_path.SILENT, removal_path.HELD)
        if under.filter(status__in=waiting).exists():
            self.breach(BEFORE_POLICE, letter.number)

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
