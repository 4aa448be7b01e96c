"""The names of things that cross rooms: roles, kinds, classes, verdicts, answers.

One word per thing; the same word is in the model, the step, the page, the test and the API. Statuses
live beside their paths (`item_path`, `removal_path`).
"""

from dataclasses import dataclass

# Roles: who acts. A person has exactly one while acting.
PUBLIC = "public"
ANALYST = "analyst"
LEAD = "lead"
LIAISON = "liaison"
MANAGER = "manager"
OFFICER = "officer"  # police, of one unit
HOST = "host"  # a hosting company's abuse desk, by signed link or account
PARTNER = "partner"  # a partner hotline or industry reporter
MACHINE = "machine"
OWNER = "owner"  # the person who set the house up; staff and settings, no case work

STAFF_ROLES = (ANALYST, LEAD, LIAISON, MANAGER, OWNER)
CASE_ROLES = (ANALYST, LEAD, LIAISON, MANAGER)
ROLES = (*STAFF_ROLES, PUBLIC, OFFICER, HOST, PARTNER, MACHINE)

# Kinds of item.
ADDRESS, ONION, NEWSGROUP, FILE = "address", "onion", "newsgroup", "file"
ITEM_KINDS = (ADDRESS, ONION, NEWSGROUP, FILE)

# Sources of a report (domain.md 1a).
FROM_PUBLIC, FROM_POLICE, FROM_INDUSTRY, FROM_HOTLINE, FROM_STAFF = (
    "public",
    "police",
    "industry",
    "hotline",
    "staff",
)
SOURCES = (FROM_PUBLIC, FROM_POLICE, FROM_INDUSTRY, FROM_HOTLINE, FROM_STAFF)
# Where a report counts as coming from, by the kind of partner that sent it.
SOURCE_OF_PARTNER = {"hotline": FROM_HOTLINE, "industry": FROM_INDUSTRY, "police": FROM_POLICE}

# Classes of content (domain.md 1b). The remit table says which are taken, where hosted, and when.
CHILD_SEXUAL_ABUSE = "child-sexual-abuse"
NON_PHOTOGRAPHIC = "non-photographic"
OBSCENE_ADULT = "obscene-adult"
EXTREME = "extreme"
RACIAL_HATRED = "racial-hatred"
CLASSES = (CHILD_SEXUAL_ABUSE, NON_PHOTOGRAPHIC, OBSCENE_ADULT, EXTREME, RACIAL_HATRED)

# Opinions an assessment may hold.
ILLEGAL, NOT_ILLEGAL, OUT_OF_REMIT, UNREACHABLE = "illegal", "not-illegal", "out-of-remit", "unreachable"
OPINIONS = (ILLEGAL, NOT_ILLEGAL, OUT_OF_REMIT, UNREACHABLE)

# Answers of a police unit (architecture.md 2).
GO_AHEAD, GO_AHEAD_AFTER, HOLD, REFUSE = "go-ahead", "go-ahead-after", "hold", "refuse"
EVIDENCE_WANTED, STATEMENT_WANTED = "evidence-wanted", "statement-wanted"
NO_INTEREST, PASS_ON = "no-interest", "pass-on"
ANSWERS = (
    GO_AHEAD,
    GO_AHEAD_AFTER,
    HOLD,
    REFUSE,
    EVIDENCE_WANTED,
    STATEMENT_WANTED,
    NO_INTEREST,
    PASS_ON,
)

# Routes (domain.md 13-16).
HOME, ABROAD_HOTLINE, ABROAD_POLICE, ROUTE_OUT_OF_REMIT = (
    "home",
    "abroad-hotline",
    "abroad-police",
    "out-of-remit",
)

# Public phases of a receipt: five, nothing else (security.md 3f).
RECEIVED, IN_PROGRESS, MORE_DETAIL, REMOVED_PHASE, CLOSED_PHASE = (
    "received",
    "in progress",
    "more detail needed",
    "removed",
    "closed",
)
PHASES = (RECEIVED, IN_PROGRESS, MORE_DETAIL, REMOVED_PHASE, CLOSED_PHASE)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something: a role, a stable pseudonym, and for outside people whom they belong to.

    `who` is what the ledger stores ("A07", "NU-2", "machine:worker", "public"); never a name.
    """

    role: str
    who: str
    user_id: int | None = None
    unit_id: int | None = None
    host_id: int | None = None
    partner_id: int | None = None
    auth: str = ""  # how they signed in: "password+totp", "signed-link", "socket" ...
    session: str = ""  # digest of the session, never the session

    @property
    def person(self) -> int:
        """The id of the signed-in person's account. Raises ValueError for acts no person did."""
        if self.user_id is None:
            raise ValueError(f"{self.who} is no person with an account.")
        return self.user_id


MACHINE_WORKER = Actor(MACHINE, "machine:worker", auth="process")
PUBLIC_REPORTER = Actor(PUBLIC, "public", auth="none")
