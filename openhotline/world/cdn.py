"""The content delivery network's interface for trusted notifiers: it names the server behind its edge.

True here: POST /api/v1/disclosures with the notifier's token. Only
what stands at the edge and has an origin is disclosed. Putting off, refusing, knowing nothing, noise and lying
can be switched on per host. Not here: the edge itself (it answers as any web host does).
"""

import json
import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from openhotline.world import places
from openhotline.world.behaviour import Behaviours
from openhotline.world.truth import Truth


class Cdn:
    """The interface."""

    def __init__(self, truth: Truth, behaviours: Behaviours, now: Callable[[], datetime]) -> None:
        self.truth, self.behaviours, self.now = truth, behaviours, now
        self.token = secrets.token_urlsafe(18)
        self.asked: list[dict[str, Any]] = []

    def app(self) -> web.Application:
        """The application."""
        app = web.Application(client_max_size=64 * 1024)
        app.router.add_post("/api/v1/disclosures", self._disclose)
        return app

    async def _disclose(self, request: web.Request) -> web.Response:
        if not secrets.compare_digest(request.headers.get("Authorization", ""), f"Bearer {self.token}"):
            return web.json_response({"why": "The token is not one of ours."}, status=401)
        try:
            wanted = json.loads(await request.text())
            address, reference = str(wanted["address"]), str(wanted["reference"])
            host = urlsplit(address).hostname or ""
        except (ValueError, KeyError, TypeError):
            return web.json_response({"why": "This is no question."}, status=400)
        self.asked.append({"at": self.now().isoformat(), "address": address, "reference": reference})
        word = self.behaviours.of("cdn", host)
        if word in ("later", "refuse"):
            return web.json_response({"why": "Not now."}, status=503 if word == "later" else 403)
        if word == "malformed":
            return web.Response(text='{"address": "' + address, content_type="application/json")
        reply: dict[str, Any] = {"address": address, "reference": reference, "at": self.now().isoformat()}
        origin = places.FAR_SHORE.address(9) if word == "lie" else self._origin(host)
        network = self.truth.network(origin) if origin and word != "nothing" else None
        if network is None:
            reply["why"] = "This address is not behind our edge."
        else:
            reply["origin"] = {
                "addresses": [origin],
                "country": network.country,
                "operator": network.operator,
                "abuse": network.abuse[0] if network.abuse else "",
            }
        return web.json_response(reply)

    def _origin(self, host: str) -> str:
        at = self.now()
        for site in self.truth.hosts.get(host, {}).values():
            here = self.truth.state(site, at).addresses
            if site.origin and any(places.EDGE.holds(literal) for literal in here):
                return site.origin
        return ""
