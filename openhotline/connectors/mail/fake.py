"""A relay that keeps what it is given and opens no socket."""

from collections.abc import Mapping

from openhotline.connectors.mail.client import Relay, envelope
from openhotline.connectors.receipt import ACCEPTED, Receipt

_SAYS = {
    "accepted": (250, "The relay took the letter."),
    "temporary": (451, "The relay said not now; the letter was not taken and may be sent again."),
    "refused": (550, "The relay refused the letter for good."),
    "unknown": (0, "The relay fell silent after the letter had begun to leave: it may have it or not."),
}


class FakeRelay:
    """`outcomes` maps a mailbox to an outcome; others are accepted. `taken` holds (to, bytes) in order.

    An `unknown` letter is in `taken` too if `keeps_unknown`: that is the case nobody can see from here.
    """

    def __init__(self, outcomes: Mapping[str, str] | None = None, *, keeps_unknown: bool = False) -> None:
        self.outcomes = dict(outcomes or {})
        self.keeps_unknown = keeps_unknown
        self.taken: list[tuple[str, bytes]] = []

    def send(self, frozen: bytes, relay: Relay | None = None, *, back_to: str = "") -> Receipt:
        """The call signature of `client.send`."""
        _, to = envelope(frozen)
        outcome = self.outcomes.get(to, ACCEPTED)
        code, why = _SAYS[outcome]
        if outcome == ACCEPTED or (outcome == "unknown" and self.keeps_unknown):
            self.taken.append((to, frozen))
        reference = f"FAKE{len(self.taken):04d}" if outcome == ACCEPTED else ""
        text = f"2.0.0 Ok: queued as {reference}" if reference else ""
        return Receipt(outcome, why, code, text, reference, "content")
