"""An exchange that keeps what it is given, knows each number of ours once, and opens no socket."""

from collections.abc import Sequence
from datetime import datetime

from openhotline.connectors.iccam.client import Endpoint
from openhotline.connectors.iccam.meaning import read_reply
from openhotline.connectors.receipt import ACCEPTED, Known, Receipt
from openhotline.rules.exchange import Codes, FromPartner, Listed

_STATUS = {"accepted": 201, "temporary": 503, "refused": 422, "unknown": 500}


class FakeExchange:
    """`outcome` is what it answers from now on; `new` is what it lists until it is taken; `did` answers by our number."""

    def __init__(self, outcome: str = ACCEPTED, *, keeps_unknown: bool = True) -> None:
        self.outcome, self.keeps_unknown = outcome, keeps_unknown
        self.taken_in: dict[str, bytes] = {}
        self.new: list[FromPartner] = []
        self.did: dict[str, list[FromPartner]] = {}
        self.known_as: dict[str, str] = {}
        self.words: list[bytes] = []

    def send(self, frozen: bytes, endpoint: Endpoint, codes: Codes, *, key: str) -> Receipt:
        """The call signature of `client.send`."""
        if self.outcome == ACCEPTED or (self.outcome == "unknown" and self.keeps_unknown):
            self.taken_in.setdefault(key, frozen)
        number = list(self.taken_in).index(key) + 1 if key in self.taken_in else 0
        return read_reply(_STATUS[self.outcome], f'{{"reportId":{number}}}'.encode())

    def ask(self, endpoint: Endpoint, codes: Codes, *, number: str) -> Known:
        """The call signature of `client.ask`."""
        for place, body in enumerate(self.taken_in.values(), 1):
            if f'"hotlineReference":"{number}"'.encode() in body:
                return Known("taken", str(place))
        return Known("not taken", "")

    def queue(self, endpoint: Endpoint, codes: Codes, *, since: datetime) -> Listed:
        """The call signature of `client.queue`."""
        return Listed([one for one in self.new if one.their_id not in self.known_as])

    def taken(self, endpoint: Endpoint, codes: Codes, pairs: Sequence[tuple[str, str]]) -> list[str]:
        """The call signature of `client.taken`."""
        self.known_as.update(pairs)
        return [content for content, _ in pairs]

    def read_back(self, endpoint: Endpoint, codes: Codes, reports: Sequence[tuple[str, str]]) -> Listed:
        """The call signature of `client.read_back`."""
        return Listed([one for _, number in reports for one in self.did.get(number, ())])

    def write(self, frozen: bytes, endpoint: Endpoint, codes: Codes) -> Receipt:
        """The call signature of `client.write`."""
        if self.outcome == ACCEPTED or (self.outcome == "unknown" and self.keeps_unknown):
            self.words.append(frozen)
        return Receipt(self.outcome, "The exchange was told.", reference="1")

    def written(self, endpoint: Endpoint, codes: Codes, *, frozen: bytes) -> Known:
        """The call signature of `client.written`."""
        return Known("taken", "1") if frozen in self.words else Known("not taken", "")
