"""A registry that knows what it was told and opens no socket."""

from collections.abc import Callable, Mapping
from datetime import datetime

from openhotline.connectors.rdap.client import Fetch, Registries
from openhotline.connectors.rdap.meaning import DOMAIN, METHOD, SYSTEM
from openhotline.rules.facts import MethodAnswer


class FakeRdap:
    """`known` maps a literal, a domain or "AS64500" to its answer; anything else is unknown to the registry."""

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
        return self._said(METHOD, address)

    async def about_domain(
        self,
        name: str,
        *,
        registries: Registries | None = None,
        fetch: Fetch | None = None,
        at: datetime | None = None,
        elapsed: Callable[[], float] = lambda: 0.0,
    ) -> MethodAnswer:
        """The call signature of `client.about_domain`."""
        return self._said(DOMAIN, name)

    async def about_system(
        self,
        asn: int,
        *,
        registries: Registries | None = None,
        fetch: Fetch | None = None,
        at: datetime | None = None,
        elapsed: Callable[[], float] = lambda: 0.0,
    ) -> MethodAnswer:
        """The call signature of `client.about_system`."""
        return self._said(SYSTEM, f"AS{asn}")

    def _said(self, method: str, key: str) -> MethodAnswer:
        why = "The registry does not know it."
        return self.known.get(key) or MethodAnswer(method, ok=False, why=why, source="fake")
