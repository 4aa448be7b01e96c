"""How this house's letters leave, and whom it can ask about one that may have arrived.

True here: a letter remembers the way it was handed over (`Letter.way`), and what may be done about it later
follows from that way, not from how the house is set up by then. Not here: when to send (`dispatch`), what to
do with an answer (`doubt`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from openhotline import policy as policies
from openhotline.connectors.hook import client as hooks
from openhotline.connectors.iccam import client as iccam
from openhotline.connectors.mail.client import Receipt, Relay
from openhotline.connectors.mail.client import send as send_mail
from openhotline.connectors.partner.client import Endpoint
from openhotline.connectors.partner.client import ask as ask_partner
from openhotline.connectors.partner.client import send as send_partner
from openhotline.connectors.receipt import Known
from openhotline.connectors.relaylog.client import RelayLog
from openhotline.connectors.relaylog.client import ask as ask_log
from openhotline.connectors.relaylog.meaning import LogRead
from openhotline.connectors.spool.client import Spool
from openhotline.connectors.spool.client import ask as ask_spool
from openhotline.connectors.spool.client import send as send_to_spool
from openhotline.outbox.models import Letter
from openhotline.records import vault
from openhotline.records.models import Partner
from openhotline.rules.inbound import bounce_address
from openhotline.rules.letter_path import ASK, PERSON, REPEAT, UNKNOWN
from openhotline.steps import hook as steps
from openhotline.steps.departing import HouseWords

__all__ = [
    "EXCHANGE",
    "HOOK",
    "HTTP",
    "SMTP",
    "SPOOL",
    "Known",
    "LogRead",
    "Post",
    "Receipt",
    "Relay",
    "RelayLog",
]

SMTP, SPOOL, HTTP, EXCHANGE, HOOK = "smtp", "spool", "http", "exchange", steps.HOOK


@dataclass(frozen=True, slots=True)
class Post:
    """How this house's letters leave: its relay or its spool, its name, its partners' tokens."""

    relay: Relay
    house: HouseWords
    # Read anew each time, as one may have been changed: a token, or for the exchange name, password and certificate.
    partner_tokens: Callable[[], Mapping[str, str | Mapping[str, str]]]
    spool: Spool | None = None  # instead of the relay
    log: RelayLog | None = None  # the relay's own log
    clock: Callable[[], datetime] | None = None  # a socket takes its time: leases and T5 are of the act

    def moment(self, at: datetime) -> datetime:
        """The time of an act within the turn that began at `at`."""
        return max(at, self.clock()) if self.clock else at

    def _now(self, letter: Letter) -> datetime:
        """The time by the house's clock; without one, that of the letter's claim."""
        return self.moment(letter.claimed_at or letter.put_at)

    @property
    def mail_way(self) -> str:
        """The way mail leaves now."""
        return SPOOL if self.spool else SMTP

    def hand_over(self, letter: Letter) -> Receipt:
        """Give a letter's frozen bytes to the partner, the relay or the spool, as it was claimed for."""
        frozen = bytes(letter.body or b"")
        if letter.way == EXCHANGE and letter.kind != "referral":
            return iccam.write(frozen, self.exchange(letter.recipient), policies.exchange_codes())
        if letter.way == EXCHANGE:
            return iccam.send(
                frozen, self.exchange(letter.recipient), policies.exchange_codes(), key=letter.key
            )
        if letter.way == HTTP:
            return send_partner(frozen, self.endpoints([letter.recipient])[letter.recipient], key=letter.key)
        if letter.way == HOOK:
            return hooks.send(frozen, self.hook(letter), key=letter.key, at=self._now(letter))
        if self.spool is not None:
            return send_to_spool(frozen, self.spool, key=letter.key)
        token = vault.token("bounce", letter.key)
        return send_mail(frozen, self.relay, back_to=bounce_address(letter.key, token, self.house.domain))

    def ask(self, letter: Letter) -> Known:
        """Ask the partner, or look into the spool, whether what was sent under the letter's key is there."""
        if letter.way == SPOOL:
            return Known(ask_spool(self.spool, key=letter.key) if self.spool else UNKNOWN, letter.key[:16])
        if letter.way == EXCHANGE and letter.kind != "referral":
            frozen = bytes(letter.body or b"[]")
            return iccam.written(self.exchange(letter.recipient), policies.exchange_codes(), frozen=frozen)
        if letter.way == EXCHANGE:
            return iccam.ask(self.exchange(letter.recipient), policies.exchange_codes(), number=letter.number)
        if letter.way == HOOK:
            return hooks.ask(self.hook(letter), key=letter.key, at=self._now(letter))
        return ask_partner(self.endpoints([letter.recipient])[letter.recipient], key=letter.key)

    def read_log(self) -> LogRead | None:
        """What the relay's log says; None where there is none, or it cannot be read."""
        if self.log is None:
            return None
        found, written = ask_log(self.log)
        return found if written is not None else None

    def endpoints(self, keys: list[str]) -> dict[str, Endpoint]:
        """Where these partners' interfaces are, with our tokens."""
        bases = dict(Partner.objects.filter(key__in=keys).values_list("key", "url"))
        tokens = self.partner_tokens() if keys else {}
        return {key: Endpoint(base=bases.get(key, ""), token=str(tokens.get(key, ""))) for key in keys}

    def hook(self, letter: Letter) -> hooks.Endpoint:
        """Where a host's program is told."""
        return hooks.Endpoint(*steps.reached_at(letter.recipient))

    def exchange(self, key: str) -> iccam.Endpoint:
        """How a partner on the exchange is reached."""
        base = Partner.objects.filter(key=key).values_list("url", flat=True).first() or ""
        given = self.partner_tokens().get(key, {})
        known = given if isinstance(given, Mapping) else {}
        return iccam.Endpoint(
            base, known.get("user", ""), known.get("password", ""), known.get("certificate", "")
        )

    def after_doubt(self, letter: Letter) -> str:
        """What may be done about a letter in doubt: REPEAT, ASK or PERSON."""
        if letter.way == HTTP:
            return REPEAT
        if letter.way == HOOK:
            return ASK
        if letter.way == EXCHANGE:
            can = letter.kind != "referral" or policies.exchange_codes().paths["ask"]
            return ASK if can else PERSON
        keeps = {SPOOL: self.spool, SMTP: self.log}.get(letter.way)
        return ASK if keeps is not None else PERSON
