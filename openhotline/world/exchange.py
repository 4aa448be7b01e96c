"""The exchange between hotlines, as the synthetic internet has it: sign in, hand in, take over, look up.

True here: its calls and codes are those of docs/guides/partner-desk.md; one report per number of ours, however often it is
handed in. It can say not now, fall silent, break the line before or after it has taken something, and tell its list
doubled, out of order, dated back or with gaps. What it took goes as the scenario says. Not here: a hotline that speaks
this product's own API (`partners.py`).
"""

import json
import random
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from openhotline.rules.refusals import Refused
from openhotline.world import places
from openhotline.world.behaviour import Behaviours
from openhotline.world.journal import Journal
from openhotline.world.partners import MAX_BODY, fail
from openhotline.world.truth import UP, Truth

USER = "hotline"
LIFE = timedelta(minutes=30)  # of a token
FIRST = 7001


@dataclass
class Content:
    """One address of a report. `ours`: given to the country of the house, and the reference it was taken under."""

    number: int
    report: int
    address: str
    at: datetime
    country: str
    ours: bool = False
    taken_as: str = ""
    referrer: str = ""
    reference: str = ""  # of whoever handed it in
    body: dict[str, Any] = field(default_factory=dict)
    actions: list[dict[str, Any]] = field(default_factory=list)
    graded: list[dict[str, Any]] = field(default_factory=list)


class Exchange:
    """The exchange, with everything that was handed in."""

    def __init__(
        self, truth: Truth, behaviours: Behaviours, journal: Journal, now: Callable[[], datetime]
    ) -> None:
        self.truth, self.behaviours, self.journal, self.now = truth, behaviours, journal, now
        kept = journal.of("exchange-password")
        self.password: str = kept[0]["password"] if kept else secrets.token_urlsafe(18)
        if not kept:
            journal.append("exchange-password", password=self.password)
        self.contents: dict[int, Content] = {}
        self.attempts = 0
        self._tokens: dict[str, datetime] = {}
        for line in journal.of("exchange-content"):
            one = Content(**{**line["content"], "at": datetime.fromisoformat(line["content"]["at"])})
            self.contents[one.number] = one
        for line in journal.of("exchange-taken"):
            self.contents[line["number"]].taken_as = line["reference"]
        for line in journal.of("exchange-action"):
            self.contents[line["number"]].actions.append(line["action"])

    def app(self) -> web.Application:
        """The routes."""
        app = web.Application(client_max_size=MAX_BODY, middlewares=[self._manners])
        app.router.add_post("/Authentication", self.sign_in)
        app.router.add_post("/rest/reports", self.hand_in)
        app.router.add_get("/rest/reports", self.listed)
        app.router.add_get("/rest/Reports/{number:\\d+}", self.report)
        app.router.add_get("/rest/Content/no-reference", self.queue)
        app.router.add_get("/rest/Content/{number:\\d+}", self.content)
        app.router.add_put("/rest/Content/{number:\\d+}/hotline-reference", self.take)
        app.router.add_put("/rest/Content/{number:\\d+}/assessment", self.grade)
        app.router.add_post("/rest/Content/{number:\\d+}/actions", self.done)
        app.router.add_put("/rest/Content/{number:\\d+}/url/hosting", self.moved)
        app.router.add_put("/rest/Content/{number:\\d+}/assigned-country", self.moved)
        return app

    # --- what tests and trainers make happen ---------------------------------------------------------

    def give(
        self, address: str, *, referrer: str = "", days_ago: float = 0, body: dict[str, Any] | None = None
    ) -> int:
        """Another hotline hands in an address held in the country of the house. Returns its number."""
        at = self.now() - timedelta(days=days_ago)
        return self._keep(address, at, "GB", ours=True, referrer=referrer, body=body or {}).number

    def act(
        self,
        number: int,
        action: int,
        *,
        reason: int | None = None,
        minutes_ago: float = 0,
        country: str = "",
    ) -> None:
        """The hotline there says what it did about an address of ours, by code. Raises Refused for no such number."""
        if number not in self.contents:
            raise Refused(f"The exchange has no address {number}.", code="script")
        said: dict[str, Any] = {
            "actionType": action,
            "analystName": "their analyst",
            "actionDate": _spell(self.now() - timedelta(minutes=minutes_ago)),
        }
        if reason is not None:
            said |= {"reasonId": reason, "reasonText": ""}
        self.contents[number].actions.append(said)
        self.journal.append("exchange-action", number=number, action=said)
        if country:
            self.contents[number].country = country

    def state(self) -> list[dict[str, Any]]:
        """What was handed in and taken, for the control desk."""
        return [
            {
                "number": one.number,
                "address": one.address,
                "ours": one.ours,
                "taken_as": one.taken_as,
                "reference": one.reference,
            }
            for one in self.contents.values()
        ]

    # --- the calls -----------------------------------------------------------------------------------

    @web.middleware
    async def _manners(
        self, request: web.Request, handler: Callable[[web.Request], Any]
    ) -> web.StreamResponse:
        behaviour = self.behaviours.of("exchange")
        refused = {"later": 503, "busy": 429, "error": 500}.get(behaviour)
        if refused:
            return web.json_response({"message": "not now"}, status=refused)
        if behaviour in ("timeout", "cut-off"):
            return await fail(request, behaviour)
        if behaviour == "odd" and request.method == "GET":
            return web.Response(body=b'[{"contentId": 7001, "url": {"urlStr')
        if request.path != "/Authentication":
            token = request.headers.get("Authorization", "").removeprefix("Bearer ")
            if self._tokens.get(token, datetime.min.replace(tzinfo=UTC)) < self.now():
                return web.json_response({"message": "Sign in."}, status=401)
        found: web.StreamResponse = await handler(request)
        return found

    async def sign_in(self, request: web.Request) -> web.Response:
        """A token for half an hour."""
        value = await _json(request)
        given = str(value.get("password", "")) if isinstance(value, dict) else ""
        if not secrets.compare_digest(given.encode(), self.password.encode()):
            return web.json_response({"message": "No."}, status=401)
        token = secrets.token_urlsafe(24)
        self._tokens[token] = self.now() + LIFE
        return web.json_response(
            {
                "bearerToken": token,
                "refreshToken": secrets.token_urlsafe(24),
                "bearerTokenExpiresIn": int(LIFE.total_seconds()),
            }
        )

    async def hand_in(self, request: web.Request) -> web.StreamResponse:
        """A new report of ours: its number; the same again for the same number of ours."""
        self.attempts += 1
        value = await _json(request)
        urls = value.get("urls") if isinstance(value, dict) else None
        url = urls[0] if isinstance(urls, list) and urls and isinstance(urls[0], dict) else {}
        reference, address = (
            value.get("hotlineReference") if isinstance(value, dict) else None,
            url.get("urlString"),
        )
        grade = url.get("assessment")
        if (
            not isinstance(reference, str)
            or not isinstance(address, str)
            or not isinstance(grade, dict)
            or grade.get("classification") not in (1, 2)
        ):
            return web.json_response({"message": "Reference, address and grade are wanted."}, status=422)
        known = next((one for one in self.contents.values() if one.reference == reference), None)
        if known is None:
            known = self._keep(
                address,
                self.now(),
                str(url.get("hostingCountryCode", "")),
                reference=reference,
                referrer=str(value.get("sourceUrlReferrer", "")),
                body=value,
            )
            site = self.truth.sites.get(address)
            if site is not None:
                state = self.truth.state(site, self.now())
                network = self.truth.network(state.ip or state.ip6)
                if network is not None and network.country in places.PARTNER_COUNTRIES:
                    self.truth.letter([site.address], "referral", reference, self.now())
        if self.behaviours.of("exchange") == "keep-and-cut-off":
            return await fail(request, "cut-off")
        return web.json_response({"reportId": known.report}, status=201)

    async def listed(self, request: web.Request) -> web.Response:
        """Reports we handed in: by our number, or since a time."""
        reference = request.query.get("hotlineReference")
        since = _read(request.query.get("startDate", ""))
        rows = [
            {"reportId": one.report, "hotlineReference": one.reference}
            for one in self.contents.values()
            if not one.ours and (one.reference == reference if reference else one.at >= since)
        ]
        return web.json_response(self._told(rows) if reference is None else rows)

    async def report(self, request: web.Request) -> web.Response:
        """A report with its addresses."""
        number = int(request.match_info["number"])
        rows = [one for one in self.contents.values() if one.report == number]
        if not rows:
            return web.json_response({"message": "No such report."}, status=404)
        return web.json_response(
            {
                "reportId": number,
                "reportingHotlineId": 51,
                "reportingAnalystName": "their analyst",
                "hotlineReference": rows[0].reference,
                "referrerUrl": rows[0].referrer,
                "reportContents": [{"contentId": one.number, "urlString": one.address} for one in rows],
            }
        )

    async def content(self, request: web.Request) -> web.Response:
        """One address, with what was done about it."""
        one = self.contents.get(int(request.match_info["number"]))
        return web.json_response(
            self._shown(one) if one else {"message": "No such content."}, status=200 if one else 404
        )

    async def queue(self, request: web.Request) -> web.Response:
        """Addresses given to our country that nobody took yet, since a time."""
        since = _read(request.query.get("countryAssignmentStartDate", ""))
        most = min(int(request.query.get("maxResults", "200")), 200)
        rows = [
            self._shown(one)
            for one in self.contents.values()
            if one.ours and not one.taken_as and one.at >= since
        ]
        return web.json_response(self._told(rows)[:most])

    async def take(self, request: web.Request) -> web.Response:
        """The house has it, under a reference of its own that is unique."""
        number, reference = int(request.match_info["number"]), request.query.get("reference", "")
        one = self.contents.get(number)
        if one is None or not one.ours or not reference:
            return web.json_response({"message": "No such content."}, status=404)
        if any(other.taken_as == reference and other is not one for other in self.contents.values()):
            return web.json_response({"message": "This reference is another's."}, status=422)
        if not one.taken_as:
            one.taken_as = reference
            self.journal.append("exchange-taken", number=number, reference=reference)
        return web.json_response({})

    async def grade(self, request: web.Request) -> web.StreamResponse:
        """The house grades an address that is its country's; never once something was done about it."""
        one, value = self._mine(request), await _json(request)
        if (
            one is None
            or one.actions
            or not isinstance(value, dict)
            or type(value.get("classification")) is not int
        ):
            return web.json_response({"message": "This may not be graded now."}, status=422)
        one.graded.append(value)
        return await self._wrote(request)

    async def done(self, request: web.Request) -> web.StreamResponse:
        """The house says what it did; nothing after a final action, and a reason where one is wanted."""
        one, value = self._mine(request), await _json(request)
        code = value.get("actionType") if isinstance(value, dict) else None
        if (
            one is None
            or code not in (1, 2, 3, 4, 6)
            or any(row["actionType"] in (3, 4, 6) for row in one.actions)
            or (code > 3 and "reasonId" not in value)
        ):
            return web.json_response({"message": "This may not be done now."}, status=422)
        one.actions.append(value)
        self.journal.append("exchange-action", number=one.number, action=value)
        return await self._wrote(request)

    async def moved(self, request: web.Request) -> web.StreamResponse:
        """It is held in another country now, and that country's."""
        one = self._mine(request)
        country = request.query.get("newCountryCode", "")
        if one is None or len(country) != 2:
            return web.json_response({"message": "This may not be moved now."}, status=422)
        one.country = country
        return await self._wrote(request)

    def _mine(self, request: web.Request) -> Content | None:
        one = self.contents.get(int(request.match_info["number"]))
        return one if one is not None and one.ours and one.taken_as else None

    async def _wrote(self, request: web.Request) -> web.StreamResponse:
        if self.behaviours.of("exchange") == "keep-and-cut-off":
            return await fail(request, "cut-off")
        return web.json_response({})

    # --- inside --------------------------------------------------------------------------------------

    def _keep(self, address: str, at: datetime, country: str, **more: Any) -> Content:
        number = FIRST + len(self.contents)
        made = self.contents[number] = Content(number, number + 90_000, address, at, country, **more)
        self.journal.append("exchange-content", content={**vars(made), "at": at.isoformat()})
        return made

    def _shown(self, one: Content) -> dict[str, Any]:
        actions = list(one.actions)
        site = None if one.ours else self.truth.sites.get(one.address)
        if site is not None and not actions:
            state = self.truth.state(site, self.now())
            if state.word != UP:
                actions = [
                    {"actionType": 3, "analystName": "their analyst", "actionDate": _spell(state.since)}
                ]
        return {
            "contentId": one.number,
            "reportId": one.report,
            "url": {"urlString": one.address, "isSourceUrl": True, "hostingCountryCode": one.country},
            "assignedCountryCode": one.country,
            "countryAssignmentDate": _spell(one.at),
            "memo": "",
            "assessments": [
                {"classification": 2, "ageCategorization": 3, "genderCategorization": 1},
                *one.graded,
            ],
            "actions": actions,
            **one.body.get("content", {}),
        }

    def _told(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """A list as the switch says it is told."""
        behaviour = self.behaviours.of("exchange")
        if behaviour == "double":
            return [row for row in rows for _ in range(2)]
        if behaviour == "reorder":
            return random.Random(len(rows)).sample(rows, len(rows))
        if behaviour == "lose":
            return rows[1::2]
        if behaviour == "back-date":
            return [
                {**row, "countryAssignmentDate": "2019-01-01T00:00:00Z"} if "contentId" in row else row
                for row in rows
            ]
        return rows


def _spell(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _read(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


async def _json(request: web.Request) -> Any:
    try:
        return json.loads(await request.text())
    except (ValueError, RecursionError):
        return None
