"""What a person may see: the only way to a queryset in web/ and api/.

True here: a desk role sees all; an officer sees the questions put to the own unit and what hangs on them;
a host sees its own notices; whoever holds a letter's page what stands on it; a partner sees the referrals sent to it and the reports it sent; everybody else
sees nothing. Whoever asks for more finds nothing there: "no" and "not yours" look alike (404). What is not
here: who may do what (`rules/permits.py`), which fields of a row a page may show (the pages), and doors that know
no account (`bearers.py`).
"""

from typing import Protocol, TypeVar

from django.contrib.auth.models import AnonymousUser
from django.db.models import Model, Q, QuerySet
from django.http import Http404

from openhotline.outbox.models import Difference, Letter
from openhotline.records.models import (
    AgreementReply,
    AgreementVersion,
    Alarm,
    Answer,
    Appeal,
    Assessment,
    Breach,
    Check,
    Clock,
    Consultation,
    ConsultationLine,
    Contact,
    ContactKey,
    Delivery,
    DigestKey,
    DigestMatch,
    DigestUpload,
    DomainAlert,
    DomainWait,
    Hold,
    Host,
    HostAlert,
    HostAnswer,
    HostCall,
    HostProgram,
    HostRegistration,
    House,
    Item,
    ListAgreement,
    ListEntry,
    ListIssue,
    ListLicence,
    Mail,
    Notice,
    NoticeLine,
    NoticeMessage,
    Package,
    Partner,
    PartnerMessage,
    PoliceRequest,
    PoliceRequestLine,
    ProposedAnswer,
    Referral,
    ReferralAction,
    ReferralLine,
    Removal,
    Report,
    ReportLine,
    RouteRule,
    Rung,
    SecurePage,
    SilenceProposal,
    Trace,
    Unit,
    UnitChange,
    UnitKey,
    User,
)
from openhotline.rules import words
from openhotline.steps import secure_page

Row = TypeVar("Row", bound=Model)
DESK_ROLES = words.CASE_ROLES  # the owner keeps people and settings, no case work


class Viewer(Protocol):
    """Whoever looks: an account, or a partner behind its token."""

    @property
    def role(self) -> str: ...
    @property
    def unit_id(self) -> int | None: ...
    @property
    def host_id(self) -> int | None: ...
    @property
    def partner_id(self) -> int | None: ...


def found(rows: QuerySet[Row], **which: object) -> Row:
    """The one row, or 404: the same for "there is none" and "it is not yours"."""
    row = rows.filter(**which).first()
    if row is None:
        raise Http404
    return row


class Scoped:
    """Every queryset `viewer` may read. Anything not listed for the own role is empty."""

    def __init__(self, viewer: Viewer | User | AnonymousUser | None) -> None:
        role = getattr(viewer, "role", "")
        self.everything = role in DESK_ROLES
        self.owner = role == words.OWNER
        self.unit = getattr(viewer, "unit_id", None) if role == words.OFFICER else None
        self.host = getattr(viewer, "host_id", None) if role == words.HOST else None
        self.partner = getattr(viewer, "partner_id", None) if role == words.PARTNER else None
        self.page: SecurePage | None = getattr(viewer, "page", None) if role == words.PUBLIC else None

    def _rows(
        self,
        rows: QuerySet[Row],
        *,
        unit: Q | None = None,
        host: Q | None = None,
        partner: Q | None = None,
        page: Q | None = None,
    ) -> QuerySet[Row]:
        """All of it, the part that belongs to this viewer, or nothing."""
        if self.everything:
            return rows
        parts = ((self.unit, unit), (self.host, host), (self.partner, partner), (self.page, page))
        for belongs, part in parts:
            if belongs is not None:
                return rows.none() if part is None else rows.filter(part)
        return rows.none()

    # --- who asked, who was noticed, who was handed what: the roots of each scope ------------------

    def consultations(self) -> QuerySet[Consultation]:
        """Questions: to an officer, those put to the own unit, and what it was told."""
        return self._rows(Consultation.objects.all(), unit=Q(unit=self.unit, told_at__isnull=False))

    def silence_proposals(self) -> QuerySet[SilenceProposal]:
        """What colleagues propose about a silent unit: the desk's own business."""
        return self._rows(SilenceProposal.objects.all())

    def consultation_lines(self) -> QuerySet[ConsultationLine]:
        """What each question covers."""
        return self._rows(
            ConsultationLine.objects.all(),
            unit=Q(consultation__unit=self.unit, consultation__told_at__isnull=False),
        )

    def answers(self) -> QuerySet[Answer]:
        """Police answers: to an officer, those the own unit gave."""
        return self._rows(Answer.objects.all(), unit=Q(consultation__unit=self.unit))

    def holds(self) -> QuerySet[Hold]:
        """Holds: to an officer, those the own unit asked for."""
        return self._rows(Hold.objects.all(), unit=Q(answer__consultation__unit=self.unit))

    def police_requests(self) -> QuerySet[PoliceRequest]:
        """What police asked of the hotline, and notes both ways: to an officer, those of the own unit."""
        return self._rows(PoliceRequest.objects.all(), unit=Q(unit=self.unit))

    def police_request_lines(self) -> QuerySet[PoliceRequestLine]:
        """The addresses of a request."""
        return self._rows(PoliceRequestLine.objects.all(), unit=Q(request__unit=self.unit))

    def digest_keys(self) -> QuerySet[DigestKey]:
        """Keys of units, sealed to the matcher: to an officer, that there is one of the own unit."""
        return self._rows(DigestKey.objects.all(), unit=Q(unit=self.unit))

    def digest_uploads(self) -> QuerySet[DigestUpload]:
        """Digests, sealed to the matcher: to an officer, how many the own unit handed in."""
        return self._rows(DigestUpload.objects.all(), unit=Q(key__unit=self.unit))

    def digest_matches(self) -> QuerySet[DigestMatch]:
        """Units to contact about an item: the desk's alone. A unit is never told what matched."""
        return self._rows(DigestMatch.objects.all())

    def alarms(self) -> QuerySet[Alarm]:
        """Safeguarding alarms: to an officer, those raised with the own unit."""
        return self._rows(Alarm.objects.all(), unit=Q(unit=self.unit))

    def notices(self) -> QuerySet[Notice]:
        """Notices: to a host, its own that have left. A draft is nobody's but ours."""
        return self._rows(Notice.objects.all(), host=Q(host=self.host, sent_at__isnull=False))

    def notice_lines(self) -> QuerySet[NoticeLine]:
        """What each notice covers; for a host without what was taken out before it left."""
        return self._rows(NoticeLine.objects.all(), host=Q(notice__in=self.notices(), dropped=""))

    def host_answers(self) -> QuerySet[HostAnswer]:
        """What was said on pages; to a host its own words, on a letter's page what was said there."""
        return self._rows(HostAnswer.objects.all(), host=Q(notice__host=self.host), page=Q(page=self.page))

    def secure_pages(self) -> QuerySet[SecurePage]:
        """Pages behind letters: the desk's own. Their holders come by link or code (`bearers`)."""
        return self._rows(SecurePage.objects.all())

    def referrals(self) -> QuerySet[Referral]:
        """Referrals: to a partner, those handed to it."""
        return self._rows(Referral.objects.all(), partner=Q(partner=self.partner, sent_at__isnull=False))

    def referral_lines(self) -> QuerySet[ReferralLine]:
        """What each referral covers."""
        return self._rows(ReferralLine.objects.all(), partner=Q(referral__in=self.referrals()))

    def referral_actions(self) -> QuerySet[ReferralAction]:
        """What partners say they did."""
        return self._rows(ReferralAction.objects.all(), partner=Q(line__referral__in=self.referrals()))

    def reports(self) -> QuerySet[Report]:
        """Reports: to a partner, those it sent."""
        return self._rows(Report.objects.all(), partner=Q(partner__in=self._partner_key()))

    def report_lines(self) -> QuerySet[ReportLine]:
        """The lines of reports."""
        return self._rows(ReportLine.objects.all(), partner=Q(report__partner__in=self._partner_key()))

    def _partner_key(self) -> QuerySet[Partner, str]:
        return Partner.objects.filter(pk=self.partner or 0).exclude(key="").values_list("key", flat=True)

    # --- what hangs on them -------------------------------------------------------------------------

    def removals(self) -> QuerySet[Removal]:
        """Hosting episodes that were asked about, noticed or handed over."""
        return self._rows(
            Removal.objects.all(),
            unit=Q(pk__in=self.consultation_lines().values("removal")),
            host=Q(pk__in=self.notice_lines().values("removal")),
            partner=Q(pk__in=self.referral_lines().values("removal")),
            page=Q(pk__in=secure_page.lines(self.page).values("pk")) if self.page else None,
        )

    def items(self) -> QuerySet[Item]:
        """Items with such a removal; to an officer also those an alarm was raised about."""
        by_removal = Q(pk__in=self.removals().values("item"))
        return self._rows(
            Item.objects.all(),
            unit=by_removal | Q(pk__in=self.alarms().values("item")),
            host=by_removal,
            partner=by_removal,
        )

    def traces(self) -> QuerySet[Trace]:
        """Where it is held. To a host, and on an alert's page, only what led to the host itself."""
        alert = self.page.alert if self.page else None
        return self._rows(
            Trace.objects.all(),
            unit=Q(removal__in=self.removals()),
            host=Q(removal__in=self.removals(), host=self.host),
            page=Q(removal__in=self.removals(), host=alert.host_id) if alert else None,
            partner=Q(removal__in=self.removals()),
        )

    def checks(self) -> QuerySet[Check]:
        """Our looks from outside."""
        by_removal = Q(removal__in=self.removals())
        return self._rows(
            Check.objects.all(), unit=by_removal, host=by_removal, partner=by_removal, page=by_removal
        )

    def assessments(self) -> QuerySet[Assessment]:
        """Opinions on items. A host sees none; its notice says what was found."""
        by_item = Q(item__in=self.removals().values("item"))
        stands = by_item & Q(undone_at=None)
        return self._rows(Assessment.objects.all(), unit=stands, partner=stands)

    def clocks(self) -> QuerySet[Clock]:
        """Running and ended clocks. A unit sees those of its alarms; its answer clock stands on the question."""
        return self._rows(
            Clock.objects.all(),
            unit=Q(subject="alarm", subject_id__in=self.alarms().values("pk")),
        )

    def letters(self) -> QuerySet[Letter]:
        """Letters: the desk's outbox. To others none; what concerns them is in their own pages."""
        return self._rows(Letter.objects.all())

    # --- registers ------------------------------------------------------------------------------------

    def hosts(self) -> QuerySet[Host]:
        """Hosts: to an officer and a partner those of their removals, to a host itself."""
        by_removal = Q(pk__in=self.removals().values("host"))
        return self._rows(Host.objects.all(), unit=by_removal, host=Q(pk=self.host), partner=by_removal)

    def contacts(self) -> QuerySet[Contact]:
        """Ways to reach hosts; to a host its own."""
        return self._rows(Contact.objects.all(), host=Q(host=self.host))

    def notice_messages(self) -> QuerySet[NoticeMessage]:
        """Questions and answers: to a host those of its notices, on a letter's page those of it."""
        return self._rows(NoticeMessage.objects.all(), host=Q(notice__host=self.host), page=Q(page=self.page))

    def appeals(self) -> QuerySet[Appeal]:
        """Appeals: the desk's own; whoever appealed is told by letter."""
        return self._rows(Appeal.objects.all())

    def mails(self) -> QuerySet[Mail]:
        """Mail that came in: the desk's own."""
        return self._rows(Mail.objects.all())

    def proposed_answers(self) -> QuerySet[ProposedAnswer]:
        """Answers of the police that signed mail proposed: the desk's own."""
        return self._rows(ProposedAnswer.objects.all())

    def unit_keys(self) -> QuerySet[UnitKey]:
        """Keys units sign with: the desk's own."""
        return self._rows(UnitKey.objects.all())

    def contact_keys(self) -> QuerySet[ContactKey]:
        """Keys letters to hosts are sealed to: the desk's own."""
        return self._rows(ContactKey.objects.all())

    def deliveries(self) -> QuerySet[Delivery]:
        """What relays said of letters: the desk's own."""
        return self._rows(Delivery.objects.all())

    def rungs(self) -> QuerySet[Rung]:
        """Rungs of the ladder that were taken: the desk's own."""
        return self._rows(Rung.objects.all())

    def breaches(self) -> QuerySet[Breach]:
        """Breaches of member hosts: the desk's own."""
        return self._rows(Breach.objects.all())

    def host_programs(self) -> QuerySet[HostProgram]:
        """Programs of hosts: the desk's own."""
        return self._rows(HostProgram.objects.all())

    def registrations(self) -> QuerySet[HostRegistration]:
        """Hosts abroad that asked to be alerted: the desk's own."""
        return self._rows(HostRegistration.objects.all())

    def host_alerts(self) -> QuerySet[HostAlert]:
        """Alerts to hosts abroad: the desk's own."""
        return self._rows(HostAlert.objects.all())

    def domain_alerts(self) -> QuerySet[DomainAlert]:
        """Alerts to those who answer for domains: the desk's own."""
        return self._rows(DomainAlert.objects.all())

    def domain_waits(self) -> QuerySet[DomainWait]:
        """Alerts about domains that wait: the desk's own."""
        return self._rows(DomainWait.objects.all())

    def host_calls(self) -> QuerySet[HostCall]:
        """Logged calls to hosts: the desk's own."""
        return self._rows(HostCall.objects.all())

    def units(self) -> QuerySet[Unit]:
        """Police units. An officer sees the list of all, to pass a question on; no unit's questions hang on it."""
        return self._rows(Unit.objects.all(), unit=Q())

    def route_rules(self) -> QuerySet[RouteRule]:
        """The table of units: the desk's."""
        return self._rows(RouteRule.objects.all())

    def agreement_versions(self) -> QuerySet[AgreementVersion]:
        """Versions of agreements, proposed ones too: to an officer, those of the agreement the own unit is under."""
        keys = Unit.objects.filter(pk=self.unit or 0).values("agreement")
        return self._rows(AgreementVersion.objects.all(), unit=Q(key__in=keys))

    def agreement_replies(self) -> QuerySet[AgreementReply]:
        """What units said of versions to come: to an officer, what the own unit said."""
        return self._rows(AgreementReply.objects.all(), unit=Q(unit=self.unit))

    def unit_changes(self) -> QuerySet[UnitChange]:
        """Changes of units and of their table, proposed and settled: the desk's."""
        return self._rows(UnitChange.objects.all())

    def partners(self) -> QuerySet[Partner]:
        """Partners; to a partner itself."""
        return self._rows(Partner.objects.all(), partner=Q(pk=self.partner))

    def packages(self) -> QuerySet[Package]:
        """Packages for police abroad: to an officer those that left for the own unit."""
        return self._rows(
            Package.objects.all(), unit=Q(referral__unit=self.unit, referral__sent_at__isnull=False)
        )

    def partner_messages(self) -> QuerySet[PartnerMessage]:
        """What the exchange told us, kept as it came: the desk's own."""
        return self._rows(PartnerMessage.objects.all())

    def differences(self) -> QuerySet[Difference]:
        """Where the house and another side do not agree: the desk's own."""
        return self._rows(Difference.objects.all())

    def list_agreements(self) -> QuerySet[ListAgreement]:
        """Who may have the filter list: the desk's own."""
        return self._rows(ListAgreement.objects.all())

    def list_licences(self) -> QuerySet[ListLicence]:
        """Leave for downloads of the filter list: the desk's own."""
        return self._rows(ListLicence.objects.all())

    def list_entries(self) -> QuerySet[ListEntry]:
        """What is on the filter list: the desk's own, and there a number only."""
        return self._rows(ListEntry.objects.all())

    def list_issues(self) -> QuerySet[ListIssue]:
        """When the filter list was made up: the desk's own."""
        return self._rows(ListIssue.objects.all())

    def users(self) -> QuerySet[User]:
        """Accounts: to the owner all, to others outside the house those of the own organisation."""
        if self.owner:
            return User.objects.all()
        return self._rows(
            User.objects.all(),
            unit=Q(role=words.OFFICER, unit=self.unit),
            host=Q(role=words.HOST, host=self.host),
            partner=Q(role=words.PARTNER, partner=self.partner),
        )


def the_house() -> House | None:
    """The house's own row, None in a database nobody has settled yet."""
    return House.objects.filter(pk=1).first()


def partner_organisations() -> int:
    """How many partner organisations have accounts here (security.md 3d: SQLite holds layers 1 and 2 only)."""
    rows = User.objects.filter(is_active=True, role__in=[words.OFFICER, words.HOST, words.PARTNER])
    return rows.values("unit", "host", "partner").distinct().count()


__all__ = ["Scoped", "found", "partner_organisations", "the_house"]
