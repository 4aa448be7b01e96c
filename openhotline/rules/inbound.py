"""What one message of incoming mail says, as plain frozen values, and what it may be taken for.

True here: From proves nothing, so nothing is decided by it. A report of non-delivery counts only at the address
made for that one letter; a reply is threaded by the Message-ID or serial it quotes; everything else is unknown
and kept. What is not here: reading MIME (connectors), and keeping it (`steps/mailbox`).
"""

import hashlib
import re
from dataclasses import dataclass

from openhotline.rules import references

DELIVERED, DEFERRED, BOUNCED = "delivered", "deferred", "bounced"
# RFC 3464, 2.3.3: what a reporting relay did; anything else is no news.
_ACTIONS = {"failed": BOUNCED, "delayed": DEFERRED, "delivered": DELIVERED, "relayed": DELIVERED}
_BOUNCES = re.compile(r"bounces\+([0-9a-f]{16})\.([0-9a-f]{24})@([a-z0-9.-]{1,253})")
_SERIAL = re.compile(r"\b[AaNnPpRr]-[0-9]{2}-[0-9]{4,10}-[A-Za-z]\b")
_KEY = re.compile(r"<([0-9a-f]{64})@([A-Za-z0-9.-]{1,253})>")
REPORTS = "report"  # the mailbox the public may write to


@dataclass(frozen=True, slots=True)
class DeliveryWord:
    """What a report says of one recipient."""

    recipient: str
    action: str
    status: str
    words: str

    @property
    def state(self) -> str:
        """delivered, deferred, bounced, or "" where it is no news."""
        return _ACTIONS.get(self.action, "")


@dataclass(frozen=True, slots=True)
class Inbound:
    """One message as it was read. Every text is hostile and bounded."""

    sender: str = ""
    to: tuple[str, ...] = ()  # every address it was handed in for, lower case
    subject: str = ""
    text: str = ""
    refers: tuple[str, ...] = ()  # Message-IDs it answers
    report: tuple[DeliveryWord, ...] = ()  # RFC 3464
    reported: tuple[str, ...] = ()  # addresses its XARF parts name
    signed: str = ""  # "openpgp" or "smime" where it carries such a signature
    payload: bytes = b""  # what the signature is over
    signed_text: str = ""  # the plain text in that
    signature: bytes = b""
    encrypted: bool = False  # only a key would open it, and the house has none for mail
    fault: str = ""  # why it could not be read

    def serials(self) -> list[str]:
        """Serials of notices and numbers of questions, referrals and alerts it names, checked by their letter."""
        found = (references.parse(hit) for hit in _SERIAL.findall(f"{self.subject}\n{self.text}"))
        return list(dict.fromkeys(one.text for one in found if one is not None))

    def letters(self, domain: str) -> list[str]:
        """Keys of our letters whose Message-ID it quotes."""
        hits = (_KEY.fullmatch(ref) for ref in self.refers)
        return [hit[1] for hit in hits if hit is not None and hit[2].lower() == domain.lower()]

    def mailbox(self, name: str, domain: str) -> bool:
        """Whether it was handed in for this mailbox of ours."""
        return f"{name}@{domain.lower()}" in self.to


def bounce_address(key: str, token: str, domain: str) -> str:
    """Where reports about one letter go. Nobody who has not seen that letter's envelope can name it."""
    return f"bounces+{key[:16]}.{_proof(token)}@{domain.lower()}"


def bounced_to(address: str, domain: str) -> tuple[str, str] | None:
    """(first 16 characters of the letter's key, proof) of such an address, None for any other."""
    found = _BOUNCES.fullmatch(address.strip().lower())
    return (found[1], found[2]) if found is not None and found[3] == domain.lower() else None


def proves(token: str, proof: str) -> bool:
    """Whether `proof` was made of `token`."""
    return _proof(token) == proof


def _proof(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()[:24]
