"""The control desk: tests, demo and trainers ask what is true and make things happen.

True here: loopback, one token (in run/world.json), JSON. What is asked here is the truth; the hotline never
asks it, or nothing would be proved. Not here: the clock, which house and world share as a file.
"""

import json
import secrets
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web

from openhotline.rules.refusals import Refused
from openhotline.world import scenario
from openhotline.world.behaviour import Behaviours
from openhotline.world.exchange import Exchange
from openhotline.world.exit import Exit
from openhotline.world.mail import Message, Post
from openhotline.world.partners import Partner
from openhotline.world.scenario import WHATS, Event, Reaction, Site, To
from openhotline.world.sites import Sites
from openhotline.world.truth import Truth

_TAKEN_DOWN: tuple[To, ...] = ("notice", "referral", "referral-police")


class Control:
    """Everything the world knows of itself, as plain data."""

    def __init__(
        self,
        truth: Truth,
        behaviours: Behaviours,
        post: Post,
        partner: Partner,
        exchange: Exchange,
        sites: Sites,
        exits: Iterable[Exit],
        now: Callable[[], datetime],
    ) -> None:
        self.world_truth, self.behaviours, self.post = truth, behaviours, post
        self.partner, self.exchange, self.sites, self.exits, self.now = (
            partner,
            exchange,
            sites,
            tuple(exits),
            now,
        )
        self.token = secrets.token_urlsafe(24)

    def app(self) -> web.Application:
        """The routes; each asks for the token."""
        app = web.Application(middlewares=[self._guard], client_max_size=1024 * 1024)
        app.router.add_get("/truth", self._truth)
        app.router.add_get("/mail", self._mail)
        app.router.add_get("/mail/{number:\\d+}", self._raw)
        app.router.add_get("/state", self._state)
        app.router.add_post("/script", self._script)
        return app

    # What is so.

    def truth(self) -> dict[str, Any]:
        """Each site: its part, its expected outcome, where it is now and where it was."""
        at = self.now()
        return {
            "at": at.isoformat(),
            "scenario": self.world_truth.scenario.name,
            "seed": self.world_truth.scenario.seed,
            "start": self.world_truth.scenario.start.isoformat(),
            "sites": [self._site(site, at) for site in self.world_truth.sites.values()],
        }

    def _site(self, site: Site, at: datetime) -> dict[str, Any]:
        state = self.world_truth.state(site, at)
        network = self.world_truth.network(state.ip or state.ip6)
        return {
            "address": site.address,
            "host": site.host,
            "part": site.part,
            "expected": site.truth,
            "referrer": site.referrer,
            "alarm": site.alarm,
            "grade": asdict(site.grade),
            "now": {
                "state": state.word,
                "ip": state.ip,
                "ip6": state.ip6,
                "country": network.country if network else "",
                "asn": network.asn if network else 0,
                "operator": network.operator if network else "",
                "abuse": list(network.abuse) if network else [],
                "since": state.since.isoformat(),
                "blocked": list(state.blocked),
            },
            "where": [
                {
                    "from": stay.start.isoformat(),
                    "to": stay.end.isoformat() if stay.end else None,
                    "state": stay.word,
                    "ip": stay.ip,
                    "country": stay.country,
                    "asn": stay.asn,
                    "operator": stay.operator,
                }
                for stay in self.world_truth.history(site, at)
            ],
        }

    def mail(self, to: str = "") -> list[dict[str, Any]]:
        """Letters that were taken, oldest first; `to` a mailbox or a domain, its subdomains included."""
        return [
            {
                **{name: getattr(m, name) for name in Message.__slots__ if name not in ("raw", "at")},
                "at": m.at.isoformat(),
                "recipients": list(m.recipients),
                "addresses": list(m.addresses),
                "headers": [list(pair) for pair in m.headers],
            }
            for m in self.post.messages
            if not to or any(mail == to or mail.endswith(("@" + to, "." + to)) for mail in m.recipients)
        ]

    def state(self) -> dict[str, Any]:
        """The clock, the switches, what came in, and when something changes next by itself."""
        at = self.now()
        coming = self.world_truth.next_event(at)
        return {
            "at": at.isoformat(),
            "next": coming.isoformat() if coming else None,
            "up": Counter(self.world_truth.state(s, at).word for s in self.world_truth.sites.values()),
            "switches": self.behaviours.all(),
            "visits": {
                exit_.vantage: dict(Counter(str(visit.reply) for visit in exit_.visits))
                for exit_ in self.exits
            },
            "requests": len(self.sites.log),
            "mail": Counter(message.stage for message in self.post.messages),
            "refused": [
                {"at": r.at.isoformat(), "recipient": r.recipient, "code": r.code} for r in self.post.refusals
            ],
            "referrals": [
                {"key": r.key, "reference": r.reference, "at": r.at.isoformat(), "address": r.address}
                for r in self.partner.taken.values()
            ],
            "referral_attempts": self.partner.attempts,
            "exchange": self.exchange.state(),
            "exchange_attempts": self.exchange.attempts,
        }

    # What happens.

    def script(self, do: str, **fields: Any) -> dict[str, Any]:
        """Make something happen. Raises Refused with a sentence.

        `switch` (area, key, word), `add` (address, ip or ip6, origin behind an edge, remove_after_s, truth), `exchange-give` (address, referrer, days_ago), `exchange-act`
        (number, action, reason, minutes_ago, country), or one of the events of
        `scenario.WHATS` (address, after_s, and ip, ip6, status, vantage where the event takes them).
        """
        try:
            if do == "switch":
                self.behaviours.set(fields["area"], fields.get("key", "*"), fields["word"])
                return {"ok": True}
            if do == "add":
                site = self.world_truth.add(_new_site(**fields), self.now())
                return {"ok": True, "site": self._site(site, self.now())}
            if do == "exchange-give":
                return {"ok": True, "number": self.exchange.give(**fields)}
            if do == "exchange-act":
                self.exchange.act(**fields)
                return {"ok": True}
            if do in WHATS:
                site = self.world_truth.site(fields.pop("address"))
                after = timedelta(seconds=float(fields.pop("after_s", 0)))
                event = Event(after, do, **fields)
                for ip in filter(None, (event.ip, event.ip6)):
                    if self.world_truth.network(ip) is None:
                        raise Refused(f"{ip} is in no network of the world.", code="script")
                if event.what == "redirect" and not event.to:
                    raise Refused("A redirect needs an address it leads to.", code="script")
                if event.what == "move" and not (event.ip or event.ip6):
                    raise Refused("A move needs an ip or an ip6.", code="script")
                self.world_truth.happen(site, event, self.now() + after)
                return {"ok": True, "site": self._site(site, self.now())}
        except (KeyError, TypeError, ValueError) as fault:
            raise Refused(f"The world does not understand this: {fault}.", code="script") from None
        raise Refused(
            f"The world cannot “{do}”. Choose: switch, add, exchange-give, exchange-act, {', '.join(WHATS)}.",
            code="script",
        )

    # The routes.

    @web.middleware
    async def _guard(self, request: web.Request, handler: Callable[[web.Request], Any]) -> web.StreamResponse:
        given = request.headers.get("Authorization", "")
        if not secrets.compare_digest(given.encode(), f"Bearer {self.token}".encode()):
            return web.json_response(
                {"code": "token", "sentence": "Read the token in run/world.json."}, status=401
            )
        try:
            found: web.StreamResponse = await handler(request)
            return found
        except Refused as no:
            return web.json_response({"code": no.code, "sentence": no.sentence}, status=422)

    async def _truth(self, request: web.Request) -> web.Response:
        return web.json_response(self.truth())

    async def _mail(self, request: web.Request) -> web.Response:
        return web.json_response(self.mail(request.query.get("to", "")))

    async def _raw(self, request: web.Request) -> web.Response:
        number = int(request.match_info["number"])
        if not 1 <= number <= len(self.post.messages):
            raise Refused("There is no such letter.", code="no-letter")
        return web.Response(body=self.post.messages[number - 1].raw, content_type="text/plain")

    async def _state(self, request: web.Request) -> web.Response:
        return web.json_response(self.state())

    async def _script(self, request: web.Request) -> web.Response:
        try:
            wanted = json.loads(await request.text())
        except (ValueError, RecursionError):
            wanted = None
        if not isinstance(wanted, dict) or not isinstance(wanted.get("do"), str):
            raise Refused(
                'Send JSON such as {"do": "gone", "address": "http://img.example.net/set/one"}.',
                code="script",
            )
        return web.json_response(self.script(**wanted))


def _new_site(
    *,
    address: str,
    ip: str = "",
    ip6: str = "",
    remove_after_s: float = 2400,
    truth: str = scenario.REMOVED,
    referrer: str = "",
    origin: str = "",
    cookie: str = "",
    file: bool = False,
) -> Site:
    """A site that goes after a notice or a referral, whichever fits where it is held."""
    events = (Event(timedelta(seconds=remove_after_s), "gone"),)
    reactions = tuple(Reaction(to, events) for to in _TAKEN_DOWN)
    return Site(
        address,
        "added",
        ip,
        truth,
        ip6=ip6,
        referrer=referrer,
        cookie=cookie,
        file=file,
        reactions=reactions,
        origin=origin,
    )
