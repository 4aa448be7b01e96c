"""Web hosts: boring pages of text that answer, vanish, move, come back, or fail.

True here: a host answers only on the address it is held at now; at an address it left it answers 404. Every
page is a title and a sentence in text/html; no picture, no link and no script exists. Pages that stand in the place
of something gone (takedown, soft 404, parking, login wall) come with a good status, as real ones do. Not here: names
(`dns.py`), when things change (`truth.py`).
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from openhotline.world import places
from openhotline.world.scenario import Site
from openhotline.world.talk import Answer, Request
from openhotline.world.truth import UP, Truth

KEPT = 50_000


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as the web host's own log would show it."""

    at: datetime
    vantage: str
    literal: str
    host: str
    path: str
    status: int
    headers: tuple[tuple[str, str], ...]


def page(title: str, sentence: str) -> str:
    """The only kind of page there is."""
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>\n'
        f"<body><h1>{title}</h1><p>{sentence}</p></body></html>\n"
    )


class Sites:
    """Every web host of the world."""

    def __init__(self, truth: Truth, now: Callable[[], datetime]) -> None:
        self.truth, self.now = truth, now
        self.log: deque[Seen] = deque(maxlen=KEPT)

    def respond(self, request: Request) -> Answer:
        """What the web host at `request.literal` says."""
        at = self.now()
        answer = self._answer(request, at)
        if places.EDGE.holds(request.literal):
            answer = replace(answer, headers=(*answer.headers, ("X-World-Edge", "pop-1")))
        self.log.append(
            Seen(
                at,
                request.vantage,
                request.literal,
                request.host,
                request.path,
                0 if answer.fault else answer.status,
                tuple(request.headers.items()),
            )
        )
        return answer

    def _answer(self, request: Request, at: datetime) -> Answer:
        if request.host == places.CANARY_NAME and request.literal in (
            places.CANARY_ADDRESS,
            places.CANARY_ADDRESS_6,
        ):
            return Answer(200, page("Canary", "This page is always up."))
        paths = self.truth.hosts.get(request.host)
        if paths is None:
            return _missing()
        site = paths.get(request.path)
        if site is not None:
            return self._site(site, request, at)
        here = any(request.literal in self.truth.state(other, at).addresses for other in paths.values())
        return (
            Answer(200, page("Welcome", "There is nothing on the first page."))
            if here and request.path == "/"
            else _missing()
        )

    def _site(self, site: Site, request: Request, at: datetime) -> Answer:
        state = self.truth.state(site, at)
        if request.literal not in state.addresses:
            return _missing()  # it left this place, or never was here
        if request.vantage in state.blocked:
            return Answer(403, page("Not here", "This page is not shown where you are."))
        if state.word == "silent":
            return Answer(0, fault="timeout")
        if state.word == "cut-off":
            return Answer(0, fault="hang-up")
        if state.word == "outage":
            return Answer(503, page("Out of order", "Please come back later."))
        if request.vantage in state.hidden:
            return _missing()
        if state.word == "busy":
            wait = (("Retry-After", str(state.status)),)
            return Answer(429, page("Too many requests", "Please wait."), headers=wait)
        if state.word == "redirect":
            return Answer(302, page("Moved", "It is elsewhere."), headers=(("Location", state.to),))
        if state.word in _IN_ITS_PLACE:
            return Answer(200, page(*_IN_ITS_PLACE[state.word]))
        if state.word not in (UP, "changed"):
            return Answer(state.status or 404, page("Not there", "This page does not exist."))
        if site.referrer and request.headers.get("referer", "") != site.referrer:
            return _missing()
        if site.cookie and site.cookie not in request.headers.get("cookie", "").split("; "):
            return _missing()
        again = state.word == "changed"
        if site.file:
            return Answer(200, "bytes without meaning " * (90 if again else 100), "application/octet-stream")
        words = (
            "Other words than at first."
            if again
            else "A made-up page. It holds these words and nothing else."
        )
        return Answer(200, page(f"Page {site.path}".replace("&", "&amp;"), words))


# What a host shows with a good status in the place of what is gone, or before what is not.
_IN_ITS_PLACE = {
    "taken-down": ("Example hosting", "This content has been removed because it violates our terms."),
    "soft-404": ("Example hosting", "The page you asked for cannot be found."),
    "parked": ("Parked", "This domain is for sale. Make an offer on this domain."),
    "login": ("Members", 'Please log in to continue. <input type="password" name="p">'),
    "robot-check": ("Just a moment...", "Verify you are human."),
}


def _missing() -> Answer:
    return Answer(404, page("Not found", "There is no such page."))
