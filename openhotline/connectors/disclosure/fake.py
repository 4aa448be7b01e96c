"""A CDN that discloses what it was told to and opens no socket."""

from collections.abc import Mapping
from datetime import datetime

from openhotline.connectors.disclosure.client import Notifier
from openhotline.connectors.disclosure.meaning import METHOD, read
from openhotline.rules.facts import MethodAnswer


class FakeDisclosure:
    """`known` maps an address to the text of the reply about it."""

    def __init__(self, known: Mapping[str, str]) -> None:
        self.known = dict(known)
        self.asked: list[tuple[str, str]] = []

    def ask(self, canonical: str, notifier: Notifier, *, reference: str, at: datetime) -> MethodAnswer:
        """The call signature of `client.ask`."""
        self.asked.append((canonical, reference))
        if canonical not in self.known:
            return MethodAnswer(
                METHOD, ok=False, why="The CDN's interface answered 404.", source=notifier.name
            )
        body = self.known[canonical].encode()
        return read(body, canonical=canonical, discloser=notifier.name, source=notifier.name, at=at)
