"""The filing cabinet: Django models are the records. One drawer a file."""

from openhotline.records.models.agreement import AgreementReply, AgreementVersion
from openhotline.records.models.alert import (
    DomainAlert,
    DomainWait,
    HostAlert,
    HostAlertLine,
    HostRegistration,
)
from openhotline.records.models.appeal import Appeal, AppealLine
from openhotline.records.models.assessment import Alarm, Assessment
from openhotline.records.models.check import Check, HostTurn, Likeness
from openhotline.records.models.consultation import (
    Answer,
    AnswerLine,
    Consultation,
    ConsultationLine,
    OfficerToken,
    RouteRule,
    SilenceProposal,
    Unit,
    UnitChange,
)
from openhotline.records.models.filter_list import (
    ListAgreement,
    ListEntry,
    ListIssue,
    ListLicence,
    ListMarker,
)
from openhotline.records.models.host import (
    Contact,
    ContactEvent,
    ContactKey,
    ContactSource,
    Host,
    HostCall,
)
from openhotline.records.models.house import Counter, House, PolicyVersion
from openhotline.records.models.item import Clock, Item
from openhotline.records.models.liaison import (
    DigestKey,
    DigestMatch,
    DigestRun,
    DigestUpload,
    PoliceRequest,
    PoliceRequestLine,
)
from openhotline.records.models.mail import Delivery, Mail, ProposedAnswer, UnitKey
from openhotline.records.models.notice import (
    Breach,
    HostAnswer,
    HostProgram,
    HostRequest,
    Notice,
    NoticeLine,
    NoticeMessage,
    Rung,
)
from openhotline.records.models.page import SecurePage
from openhotline.records.models.referral import (
    ApiToken,
    Package,
    Partner,
    PartnerMessage,
    Referral,
    ReferralAction,
    ReferralLine,
)
from openhotline.records.models.removal import Hold, Removal
from openhotline.records.models.report import ReceiptPhase, Report, ReportContact, ReportLine
from openhotline.records.models.staff import User
from openhotline.records.models.trace import Origin, Trace

__all__ = [
    "AgreementReply",
    "AgreementVersion",
    "Alarm",
    "Answer",
    "AnswerLine",
    "ApiToken",
    "Appeal",
    "AppealLine",
    "Assessment",
    "Breach",
    "Check",
    "Clock",
    "Consultation",
    "ConsultationLine",
    "Contact",
    "ContactEvent",
    "ContactKey",
    "ContactSource",
    "Counter",
    "Delivery",
    "DigestKey",
    "DigestMatch",
    "DigestRun",
    "DigestUpload",
    "DomainAlert",
    "DomainWait",
    "Hold",
    "Host",
    "HostAlert",
    "HostAlertLine",
    "HostAnswer",
    "HostCall",
    "HostProgram",
    "HostRegistration",
    "HostRequest",
    "HostTurn",
    "House",
    "Item",
    "Likeness",
    "ListAgreement",
    "ListEntry",
    "ListIssue",
    "ListLicence",
    "ListMarker",
    "Mail",
    "Notice",
    "NoticeLine",
    "NoticeMessage",
    "OfficerToken",
    "Origin",
    "Package",
    "Partner",
    "PartnerMessage",
    "PoliceRequest",
    "PoliceRequestLine",
    "PolicyVersion",
    "ProposedAnswer",
    "ReceiptPhase",
    "Referral",
    "ReferralAction",
    "ReferralLine",
    "Removal",
    "Report",
    "ReportContact",
    "ReportLine",
    "RouteRule",
    "Rung",
    "SecurePage",
    "SilenceProposal",
    "Trace",
    "Unit",
    "UnitChange",
    "UnitKey",
    "User",
]
