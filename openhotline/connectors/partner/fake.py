"""A partner hotline that keeps what it is given, honours the key, and opens no socket."""

from openhotline.connectors.partner.client import Endpoint
from openhotline.connectors.partner.meaning import read_reply
from openhotline.connectors.receipt import ACCEPTED, Known, Receipt

_STATUS = {"accepted": 201, "temporary": 503, "refused": 422}


class FakePartner:
    """`outcome` is what it answers from now on; `taken` maps keys to bytes, each once."""

    def __init__(self, outcome: str = ACCEPTED, *, keeps_unknown: bool = True) -> None:
        self.outcome = outcome
        self.keeps_unknown = keeps_unknown
        self.taken: dict[str, bytes] = {}
        self.attempts = 0

    def send(self, frozen: bytes, endpoint: Endpoint | None = None, *, key: str) -> Receipt:
        """The call signature of `client.send`."""
        self.attempts += 1
        if self.outcome == ACCEPTED or (self.outcome == "unknown" and self.keeps_unknown):
            self.taken.setdefault(key, frozen)
        if self.outcome == "unknown":
            return Receipt(
                "unknown",
                "The line to the partner broke before it answered; sending the same key again is safe.",
                stage="answer",
            )
        if self.outcome == ACCEPTED:
            number = list(self.taken).index(key) + 1
            return read_reply(201, f'{{"reference":"P-{number:05d}"}}'.encode())
        return read_reply(_STATUS[self.outcome], b"")

    def ask(self, endpoint: Endpoint | None = None, *, key: str) -> Known:
        """The call signature of `client.ask`."""
        if key not in self.taken:
            return Known("not taken", "")
        return Known("taken", f"P-{list(self.taken).index(key) + 1:05d}")
