"""How a host is reached: where a contact is from, which one is written to, and what a bounce does to it.

True here: nobody is written to at a contact that one person alone put there; among those that may be used
the one that worked comes first, and a refusal since then puts it behind. What is not here: storing contacts
and who may change them (`steps/contact`), and asking registries (connectors).
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from openhotline.rules import methods
from openhotline.rules.refusals import Refused
from openhotline.rules.urls import registrable_of

# Sources, best first: what the house itself keeps, what the host publishes, what registries hold, what a
# convention says should be there (RFC 2142) and nobody has confirmed.
REGISTER, HOST_PAGE, RDAP_ABUSE, ABUSE_C, PERSON, ROLE = (
    "register",
    "host-page",
    "rdap-abuse",
    "abuse-c",
    "person",
    "role",
)
SOURCES = (REGISTER, HOST_PAGE, RDAP_ABUSE, ABUSE_C, PERSON, ROLE)
SOURCE_WORDS = {
    REGISTER: "our own register",
    HOST_PAGE: "the host’s own page",
    RDAP_ABUSE: "abuse role in RDAP",
    ABUSE_C: "abuse contact of the registry (abuse-c)",
    PERSON: "a person there, by phone",
    ROLE: "abuse@ its own domain (RFC 2142)",
}
# Which method of a trace speaks for which source. The registry's word on a domain names the registrar's
# abuse desk, not the host's: it is the ladder's, and no contact of the host.
METHOD_SOURCE = {methods.RDAP: RDAP_ABUSE, methods.RDAP_AS: RDAP_ABUSE, methods.WHOIS: ABUSE_C}

_MAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z0-9-]{2,63}")
_NEVER = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one contact."""

    key: int
    mail: str
    source: str
    proposed_by: str = ""  # the person who says it is right; nobody yet for what the machine found
    verified_by: str = ""  # the second person
    first_success: datetime | None = None
    last_success: datetime | None = None
    last_failure: datetime | None = None
    bounces: int = 0
    usable: bool = True
    retired: bool = False


def may_be_used(contact: Known) -> bool:
    """Whether a letter may go there: two different people stand for it, and it was neither demoted nor retired."""
    two = bool(contact.verified_by) and contact.verified_by != contact.proposed_by
    return two and contact.usable and not contact.retired


def ranked(contacts: Iterable[Known]) -> list[Known]:
    """The contacts a letter may go to, best first.

    One that took a letter and refused none since comes before one never tried, that before one that has
    refused since; then fewer bounces, the newer success, the better source, the older entry.
    """
    return sorted((one for one in contacts if may_be_used(one)), key=_order)


def best(contacts: Iterable[Known]) -> Known | None:
    """The contact to write to, or None: then the letter waits as "contact needed"."""
    return next(iter(ranked(contacts)), None)


def _order(contact: Known) -> tuple[int, int, float, int, int]:
    success, failure = contact.last_success or _NEVER, contact.last_failure or _NEVER
    works = 0 if success > failure else 1 if contact.last_failure is None else 2
    source = SOURCES.index(contact.source) if contact.source in SOURCES else len(SOURCES)
    age = (success - _NEVER).total_seconds()
    return works, contact.bounces, -age, source, contact.key


def why(contact: Known) -> str:
    """Why a contact is used or not, as the desk shows it."""
    if contact.retired:
        return "Retired: nobody is written to there."
    if not contact.usable:
        times = "once" if contact.bounces == 1 else f"{contact.bounces} times"
        return f"Demoted: letters came back {times}. Somebody proposes it again, somebody else verifies it."
    if not contact.proposed_by:
        return "Found by the machine. One person says it is right, a second one verifies it."
    if not contact.verified_by:
        return f"Proposed by {contact.proposed_by}. A second person verifies it."
    return f"Proposed by {contact.proposed_by}, verified by {contact.verified_by}."


def mailbox(text: str) -> str:
    """One mailbox as it is kept: no spaces around, the domain in lower case. Raises Refused for anything else."""
    local, _, domain = text.strip().rpartition("@")
    mail = f"{local}@{domain.lower()}"
    if len(mail) > 254 or not _MAIL.fullmatch(mail):
        raise Refused("Give one mail address, for example abuse@host.example.", code="mail")
    return mail


def role_mailboxes(site: str, mails: Sequence[str]) -> list[str]:
    """`abuse@` the host's own domains, where nobody has named it: from its site and from the mailboxes known.

    RFC 2142 asks every domain to have it; that it is read is only known once it has answered.
    """
    domains = [registrable_of(site.lower().strip("."))] if site else []
    domains += [registrable_of(mail.rpartition("@")[2].lower()) for mail in mails]
    known = {mail.lower() for mail in mails}
    wanted = dict.fromkeys(f"abuse@{domain}" for domain in domains if "." in domain)
    return [mail for mail in wanted if mail not in known and _MAIL.fullmatch(mail)]
