"""Speak to the exchange: sign in, hand a report over, ask for our number, fetch what is new.

True here: whatever the other side does (silence, a broken line, 429, 500, odd bytes), the caller gets an outcome and
never an exception. A sending that broke is `unknown`; it is asked for by our number, which is unique there, and never
just sent again. No redirect is followed, and no proxy or credential is taken from the environment. Not here: when.
"""

import json
import ssl
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import quote

import httpx2

from openhotline.connectors.iccam import meaning, wire
from openhotline.connectors.receipt import ACCEPTED, TEMPORARY, UNKNOWN, Known, Receipt
from openhotline.rules.exchange import CUT, LATER, NO, WHOLE, Codes, FromPartner, Listed

MAX_REPLY = 4 * 1024 * 1024
PAGE = 200  # the most that one call for its queue gives


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The exchange as the operator entered it. `certificate`: PEM file with our certificate and key, "" if none."""

    base: str
    user: str
    password: str
    certificate: str = ""
    timeout_s: float = 20.0
    total_s: float = 45.0


class NotNow(Exception):
    """The line or the other side did not do it; the message is a sentence."""


class _Line:
    """One signed-in session. `total_s` is the time of everything in it together."""

    def __init__(self, client: httpx2.Client, endpoint: Endpoint, codes: Codes) -> None:
        self.client, self.codes = client, codes
        self.base, self.end = endpoint.base.rstrip("/"), time.monotonic() + endpoint.total_s
        self.headers = {"Accept": "application/json"}

    def call(
        self, verb: str, path: str, *, body: bytes | None = None, key: str = "", **parts: str
    ) -> tuple[int, bytes]:
        """(status, body) of one call. Raises NotNow, and httpx2's errors."""
        if time.monotonic() > self.end:
            raise NotNow("The exchange took too long; the rest waits.")
        headers = dict(self.headers)
        if body is not None:
            headers["Content-Type"] = "application/json"
        if key:
            headers["Idempotency-Key"] = key
        where = self.codes.paths[path].format(**{name: quote(one, safe="") for name, one in parts.items()})
        with self.client.stream(verb, f"{self.base}/{where}", content=body, headers=headers) as reply:
            found = b""
            for piece in reply.iter_bytes():
                found += piece
                if len(found) > MAX_REPLY or time.monotonic() > self.end:
                    raise NotNow("The exchange's answer was too long or too slow.")
            return reply.status_code, found

    def sign_in(self, endpoint: Endpoint) -> None:
        """Raises NotNow, and httpx2's errors."""
        body = json.dumps({"username": endpoint.user, "password": endpoint.password}).encode()
        status, answer = self.call("POST", "login", body=body)
        token = meaning.read_token(answer) if status == 200 else ""
        if not token:
            raise NotNow(
                f"The exchange did not let us in ({status}). See name, password and certificate under Partners."
            )
        self.headers["Authorization"] = f"Bearer {token}"


_FAULTS = (
    httpx2.HTTPError,
    httpx2.InvalidURL,
    httpx2.LocalProtocolError,
    UnicodeError,
    OSError,
    ssl.SSLError,
    KeyError,
    ValueError,
)


@contextmanager
def _line(endpoint: Endpoint, codes: Codes) -> Iterator[_Line]:
    """A session that is signed in. Raises NotNow for whatever stood in the way of that."""
    try:
        verify: bool | ssl.SSLContext = True
        if endpoint.certificate:
            verify = ssl.create_default_context()
            verify.load_cert_chain(endpoint.certificate)
        client = httpx2.Client(
            timeout=endpoint.timeout_s, follow_redirects=False, trust_env=False, verify=verify
        )
    except _FAULTS as fault:
        raise NotNow(f"Our certificate for the exchange cannot be used: {fault}.") from None
    with client:
        line = _Line(client, endpoint, codes)
        try:
            line.sign_in(endpoint)
        except _FAULTS as fault:
            raise NotNow(f"The exchange could not be reached: {str(fault)[:300]}.") from None
        yield line


def send(frozen: bytes, endpoint: Endpoint, codes: Codes, *, key: str) -> Receipt:
    """Hand over one report (`wire.render`). Raises nothing the exchange causes."""
    started = time.monotonic()
    try:
        with _line(endpoint, codes) as line:
            try:
                status, body = line.call("POST", "report", body=frozen, key=key)
            except (*_FAULTS, NotNow) as fault:
                why = "The line to the exchange broke; it is asked whether it has the referral before anything else."
                return Receipt(UNKNOWN, why, text=str(fault)[:500], stage="answer", seconds=_since(started))
            return meaning.read_reply(status, body, _since(started))
    except NotNow as fault:
        return Receipt(TEMPORARY, str(fault), stage="connect", seconds=_since(started))


def write(frozen: bytes, endpoint: Endpoint, codes: Codes) -> Receipt:
    """Write what we think or did about an address of theirs (`wire.render_word`). Raises nothing they cause."""
    started = time.monotonic()
    calls = wire.calls_of(frozen)
    try:
        with _line(endpoint, codes) as line:
            for place, call in enumerate(calls):
                body = None if call["body"] is None else json.dumps(call["body"]).encode()
                try:
                    status, answer = line.call(call["verb"], call["path"], body=body, **call["parts"])
                except (*_FAULTS, NotNow) as fault:
                    why = "The line to the exchange broke; it is asked whether this stands there."
                    return Receipt(
                        UNKNOWN, why, text=str(fault)[:500], stage="answer", seconds=_since(started)
                    )
                outcome = meaning.read_word(status)
                if outcome != ACCEPTED:
                    # What a first call changed stands: then only asking tells how far it came.
                    outcome = UNKNOWN if place and outcome == TEMPORARY else outcome
                    text = answer[:2000].decode("utf-8", "replace")
                    why = "The exchange did not take this word about an address of theirs."
                    return Receipt(outcome, why, status, text, "", "answer", _since(started))
    except NotNow as fault:
        return Receipt(TEMPORARY, str(fault), stage="connect", seconds=_since(started))
    why = "The exchange took this word about an address of theirs."
    return Receipt(ACCEPTED, why, 200, "", calls[-1]["parts"]["id"], "answer", _since(started))


def written(endpoint: Endpoint, codes: Codes, *, frozen: bytes) -> Known:
    """Whether what was written stands there. Raises nothing the exchange causes."""
    try:
        with _line(endpoint, codes) as line:
            content = wire.calls_of(frozen)[-1]["parts"]["id"]
            return meaning.read_written(*line.call("GET", "content", id=content), frozen)
    except (*_FAULTS, NotNow):
        return Known(UNKNOWN, "")


def _since(started: float) -> float:
    return round(time.monotonic() - started, 4)


def ask(endpoint: Endpoint, codes: Codes, *, number: str) -> Known:
    """Whether the exchange has our number. Raises nothing the exchange causes."""
    if not codes.paths["ask"]:
        return Known(UNKNOWN, "")
    try:
        with _line(endpoint, codes) as line:
            return meaning.read_known(*line.call("GET", "ask", number=number), number)
    except (*_FAULTS, NotNow):
        return Known(UNKNOWN, "")


def sent(endpoint: Endpoint, codes: Codes, *, since: datetime) -> list[tuple[str, str]] | None:
    """(their number, ours) of everything they have from us since then; None where they do not say."""
    if not codes.paths["list"]:
        return None
    try:
        with _line(endpoint, codes) as line:
            status, body = line.call("GET", "list", since=wire.spell(since))
            return meaning.read_sent(body) if status == 200 else None
    except (*_FAULTS, NotNow):
        return None


def queue(endpoint: Endpoint, codes: Codes, *, since: datetime) -> Listed:
    """What was given to our country since then and not taken yet, with the page that led there."""
    found: list[FromPartner] = []
    try:
        with _line(endpoint, codes) as line:
            status, body = line.call("GET", "queue", since=wire.spell(since), most=str(PAGE))
            if status != 200:
                return Listed((), LATER, f"The exchange did not give its list ({status}).")
            listed = meaning.read_queue(body, codes)
            if listed.ended == NO:
                return listed
            found = list(listed.messages)
            led: dict[str, str] = {}
            for place, one in enumerate(found):
                if not one.reference:
                    continue
                if one.reference not in led:
                    status, body = line.call("GET", "one", id=one.reference)
                    led[one.reference] = meaning.referrer_of(body) if status == 200 else ""
                found[place] = replace(one, referrer=led[one.reference])
    except (*_FAULTS, NotNow) as fault:
        # What was read before the line broke is as good as ever; only the way in may be missing.
        return Listed(found, LATER, f"The exchange did not answer to the end: {str(fault)[:300]}")
    return Listed(found, CUT if len(found) >= PAGE else WHOLE)


def taken(endpoint: Endpoint, codes: Codes, pairs: Sequence[tuple[str, str]]) -> list[str]:
    """Tell them that we have these: (their content, our reference). Returns the contents they confirmed."""
    done: list[str] = []
    try:
        with _line(endpoint, codes) as line:
            for content, reference in pairs:
                status, _ = line.call("PUT", "taken", id=content, reference=reference)
                if 200 <= status < 300 or status == 409:
                    done.append(content)
    except (*_FAULTS, NotNow):
        pass  # not confirmed: it is listed again, and is one report all the same
    return done


def read_back(endpoint: Endpoint, codes: Codes, reports: Sequence[tuple[str, str]]) -> Listed:
    """What they did about referrals of ours: (their report, our number). Ends where the line breaks."""
    found: list[FromPartner] = []
    try:
        with _line(endpoint, codes) as line:
            for report, number in reports:
                status, body = line.call("GET", "one", id=report)
                if status in (429, 503):
                    return Listed(found, LATER, f"The exchange said not now ({status}).")
                for content in meaning.contents_of(body) if status == 200 else ():
                    status, body = line.call("GET", "content", id=content)
                    if status == 200:
                        found.append(meaning.read_one(body, codes, number=number))
    except (*_FAULTS, NotNow) as fault:
        return Listed(found, LATER, f"The exchange did not answer to the end: {str(fault)[:300]}")
    return Listed(found)
