"""A host's program that keeps what it is told, once for each key, and opens no socket."""

from datetime import datetime

from openhotline.connectors.hook.client import Endpoint
from openhotline.connectors.hook.meaning import read_known, read_reply
from openhotline.connectors.receipt import UNKNOWN, Known, Receipt


class FakeHook:
    """`status` is what it answers from now on, 0 a line that breaks; `taken` maps keys to bytes, each once."""

    def __init__(self, status: int = 204) -> None:
        self.status = status
        self.taken: dict[str, bytes] = {}

    def send(self, frozen: bytes, endpoint: Endpoint, *, key: str, at: datetime) -> Receipt:
        """The call signature of `client.send`."""
        if self.status < 300:
            self.taken.setdefault(key, frozen)
        return read_reply(self.status) if self.status else Receipt(UNKNOWN, "The line broke.", stage="answer")

    def ask(self, endpoint: Endpoint, *, key: str, at: datetime) -> Known:
        """The call signature of `client.ask`."""
        return read_known(200 if key in self.taken else 404)
