"""The partner hotline abroad: an HTTP API that takes referrals, and a page that shows what it took.

True here: POST /api/v1/referrals honours the Idempotency-Key (the same key gives the same answer and is one
referral); what it took goes after the time the scenario says, if it is held where it can act. Not here: the
police, whose letters arrive at the mail server (`mail.py`) and who answer in the house's own portal.
"""

import asyncio
import html
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aiohttp import web

from openhotline.world import places
from openhotline.world.behaviour import Behaviours
from openhotline.world.journal import Journal
from openhotline.world.truth import UP, Truth

MAX_BODY = 256 * 1024


@dataclass(frozen=True, slots=True)
class Referral:
    """One referral that was taken. `body` is the JSON text exactly as it came."""

    key: str
    reference: str
    at: datetime
    body: str

    @property
    def address(self) -> str:
        """The address it is about."""
        value = json.loads(self.body)
        return str(value.get("canonical") or value.get("address"))


class Partner:
    """The hotline of another country."""

    def __init__(
        self,
        truth: Truth,
        behaviours: Behaviours,
        journal: Journal,
        now: Callable[[], datetime],
    ) -> None:
        self.truth, self.behaviours, self.journal, self.now = truth, behaviours, journal, now
        kept = journal.of("token")
        self.token: str = kept[0]["token"] if kept else secrets.token_urlsafe(24)
        if not kept:
            journal.append("token", token=self.token)
        self.taken: dict[str, Referral] = {}
        self.attempts = 0
        for line in journal.of("referral"):
            at = datetime.fromisoformat(line["at"])
            self.taken[line["key"]] = Referral(line["key"], line["reference"], at, line["body"])

    def app(self) -> web.Application:
        """The routes."""
        app = web.Application(client_max_size=MAX_BODY)
        app.router.add_post("/api/v1/referrals", self.post)
        app.router.add_get("/api/v1/referrals/{key}", self.get)
        app.router.add_get("/", self.page)
        return app

    async def post(self, request: web.Request) -> web.StreamResponse:
        """Take a referral: 201 with our reference; the same again for the same key."""
        self.attempts += 1
        if not self._known(request):
            return _no(401, "token", "This token is not one of ours.")
        behaviour = self.behaviours.of("partner", "nl")
        if behaviour == "later":
            return _no(503, "later", "Not now; send it again later.")
        if behaviour == "refuse":
            return _no(422, "refused", "We do not take this.")
        if behaviour in ("timeout", "cut-off"):
            return await fail(request, behaviour)
        key = request.headers.get("Idempotency-Key", "").strip()
        if not key or len(key) > 200:
            return _no(400, "key", "Send an Idempotency-Key of at most 200 characters.")
        try:
            body = await request.text()
            value = json.loads(body)
        except (ValueError, RecursionError):
            return _no(400, "json", "This is not JSON.")
        except web.HTTPRequestEntityTooLarge:
            return _no(413, "size", "This is too long for a referral.")
        if not isinstance(value, dict) or not isinstance(value.get("canonical") or value.get("address"), str):
            return _no(422, "address", "A referral needs an address.")
        known = self.taken.get(key)
        if known is not None and json.loads(known.body) != value:
            return _no(422, "key-reused", "This key belongs to another referral. Use a new one.")
        referral = known or self._take(key, body)
        if behaviour == "keep-and-cut-off":
            return await fail(request, "cut-off")
        return web.json_response(_taken(referral), status=201)

    async def get(self, request: web.Request) -> web.Response:
        """What became of a referral."""
        if not self._known(request):
            return _no(401, "token", "This token is not one of ours.")
        referral = self.taken.get(request.match_info["key"])
        return (
            web.json_response(self._shown(referral)) if referral else _no(404, "unknown", "No such referral.")
        )

    async def page(self, request: web.Request) -> web.Response:
        """What was taken, as text for people. No address is a link."""
        rows = "".join(
            f"<tr><td>{html.escape(r.reference)}</td><td>{r.at:%d %B %Y %H:%M} UTC</td>"
            f"<td>{html.escape(r.address)}</td><td>{html.escape(self._outcome(r)[0])}</td></tr>\n"
            for r in self.taken.values()
        )
        body = rows or '<tr><td colspan="4">Nothing has arrived yet.</td></tr>\n'
        return web.Response(
            text=(
                '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Partner hotline</title></head>\n'
                "<body><h1>Partner hotline, Netherlands</h1><p>Made up. Referrals it has taken:</p>\n"
                "<table><tr><th>Our reference</th><th>Taken</th><th>Address</th><th>Now</th></tr>\n"
                f"{body}</table></body></html>\n"
            ),
            content_type="text/html",
            headers={"Content-Security-Policy": "default-src 'none'", "Referrer-Policy": "no-referrer"},
        )

    def _take(self, key: str, body: str) -> Referral:
        at = self.now()
        number = len(self.taken) + 1
        made = self.taken[key] = Referral(key, f"{places.PARTNER_COUNTRY}-{at.year}-{number:05d}", at, body)
        self.journal.append("referral", key=key, reference=made.reference, at=at.isoformat(), body=body)
        site = self.truth.sites.get(made.address)
        if site is not None:
            state = self.truth.state(site, at)
            network = self.truth.network(state.ip or state.ip6)
            if network is not None and network.country in places.PARTNER_COUNTRIES:
                self.truth.letter([site.address], "referral", key, at)
        return made

    def _outcome(self, referral: Referral) -> tuple[str, str]:
        site = self.truth.sites.get(referral.address)
        if site is None:
            return "received", ""
        state = self.truth.state(site, self.now())
        return ("received", "") if state.word == UP else ("removed", state.since.isoformat())

    def _shown(self, referral: Referral) -> dict[str, Any]:
        """The referral and what became of it."""
        outcome, removed = self._outcome(referral)
        return {**_taken(referral), "status": outcome, "removed_at": removed}

    def _known(self, request: web.Request) -> bool:
        given = request.headers.get("Authorization", "")
        return secrets.compare_digest(given.encode(), f"Bearer {self.token}".encode())


def _taken(referral: Referral) -> dict[str, Any]:
    """The answer to a POST: the same for every repeat, so nothing in it changes with time."""
    return {
        "reference": referral.reference,
        "key": referral.key,
        "received_at": referral.at.isoformat(),
        "status": "received",
    }


def _no(status: int, code: str, sentence: str) -> web.Response:
    return web.json_response({"code": code, "sentence": sentence}, status=status)


async def fail(request: web.Request, how: str) -> web.StreamResponse:
    """Fall silent until the other side gives up, or break the line."""
    if how == "cut-off" and request.transport is not None:
        request.transport.abort()
        return web.Response(status=500)
    await asyncio.Event().wait()
    raise AssertionError("nobody sets this event")
