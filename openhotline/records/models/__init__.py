"""The filing cabinet: Django models are the records. One drawer a file."""

from openhotline.records.models.assessment import Alarm, Assessment
from openhotline.records.models.check import Check
from openhotline.records.models.consultation import (
    Answer,
    AnswerLine,
    Consultation,
    ConsultationLine,
    SilenceProposal,
    Unit,
)
from openhotline.records.models.host import Contact, ContactEvent, ContactSource, Host, HostCall
from openhotline.records.models.house import Counter, House, PolicyVersion
from openhotline.records.models.item import Clock, Item
from openhotline.records.models.notice import HostAnswer, Notice, NoticeLine
from openhotline.records.models.referral import ApiToken, Partner, Referral, ReferralLine
from openhotline.records.models.removal import Hold, Removal
from openhotline.records.models.report import ReceiptPhase, Report, ReportContact, ReportLine
from openhotline.records.models.staff import User
from openhotline.records.models.trace import Trace

__all__ = [
    "Alarm",
    "Answer",
    "AnswerLine",
    "ApiToken",
    "Assessment",
    "Check",
    "Clock",
    "Consultation",
    "ConsultationLine",
    "Contact",
    "ContactEvent",
    "ContactSource",
    "Counter",
    "Hold",
    "Host",
    "HostAnswer",
    "HostCall",
    "House",
    "Item",
    "Notice",
    "NoticeLine",
    "Partner",
    "PolicyVersion",
    "ReceiptPhase",
    "Referral",
    "ReferralLine",
    "Removal",
    "Report",
    "ReportContact",
    "ReportLine",
    "SilenceProposal",
    "Trace",
    "Unit",
    "User",
]
