"""A registry that knows what it was told and opens no socket."""

from collections.abc import Callable, Mapping
from datetime import datetime

from openhotline.connectors.rdap.client import Fetch, Registries
from openhotline.rules.facts import MethodAnswer


class FakeRdap:
    """`known` maps a literal to its answer; anything else is unknown to the registry."""

    def __init__(self, known: Mapping[str, MethodAnswer]) -> None:
        self.known = dict(known)

    async def about(
        self,
        address: str,
        *,
        registries: Registries | None = None,
        fetch: Fetch | None = None,
        at: datetime | None = None,
        elapsed: Callable[[], float] = lambda: 0.0,
    ) -> MethodAnswer:
        """The call signature of `client.about`."""
        why = "The registry does not know this address."
        return self.known.get(address) or MethodAnswer("rdap", ok=False, why=why, source="fake")
