"""The jobs the prober takes and the lines on its socket. One JSON object a line, in and out.

True here: a job names its own time (`at`, from the house clock) and the fact that answers it carries that
time back; the prober has no opinion of what o'clock it is. Not here: doing the job.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from openhotline.rules.facts import CheckFacts, MethodAnswer, TraceFacts


@dataclass(frozen=True, slots=True)
class TraceJob:
    """Where is this held? `canonical` is the address as followed, `host` its host name or literal ("" for a post).

    `contact` False (nobody has opened the item yet): name servers, registries and files only, nothing leaves
    towards the reported server. True: a TCP connection and a TLS handshake may, and never a request.
    `headers`: what the server sent at the last look, for signs of a proxy; None if there was no look. `headers_at`:
    when that was.
    """

    canonical: str
    host: str
    at: datetime
    contact: bool = False
    headers: tuple[tuple[str, str], ...] | None = None
    headers_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CheckJob:
    """Is it still there, seen from `vantage`?

    `allow_path` False (nobody has opened the item yet): name look-up only, no request leaves.
    `referrer`: the page that must be named as the way in, "" for a direct visit. `cookie` ("name=value")
    goes to the item's own host in this job's requests and nowhere else; `steps` are addresses visited
    before, in order. All three are recorded with the item; nothing a server sets is ever added.
    `server`: of a newsgroup post, the news server ("name" or "name:port") that is asked whether it has it.
    """

    canonical: str
    vantage: str
    at: datetime
    referrer: str = ""
    allow_path: bool = False
    cookie: str = ""
    steps: tuple[str, ...] = ()
    server: str = ""

    @property
    def variant(self) -> str:
        """The path's name in facts: "direct", "referrer", "cookie", "steps", or "path" for several of them."""
        parts = (("referrer", self.referrer), ("cookie", self.cookie), ("steps", self.steps))
        used = [name for name, value in parts if value]
        return used[0] if len(used) == 1 else "path" if used else "direct"


@dataclass(frozen=True, slots=True)
class ProbeJob:
    """What would be done about one address, from `vantage` ("" for each)? A connection is made to see
    whether the host is reached; a request leaves only where `request` says so."""

    address: str
    vantage: str
    at: datetime
    request: bool = False


@dataclass(frozen=True, slots=True)
class ProbeFacts:
    """What the prober did or refused at one vantage point. `outcome` "reached", "refused" or "failed"."""

    address: str
    vantage: str
    at: datetime
    outcome: str
    why: str  # a sentence
    exit: str = ""  # the kind of exit
    url: str = ""  # as the one parser reads it
    host: str = ""
    port: int = 0
    addresses: tuple[str, ...] = ()  # as answered
    connected: str = ""  # the vetted literal that was connected to
    hops: int = 0
    status: int = 0
    headers: tuple[str, ...] = ()  # the lines that would be, or were, sent
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class ListJob:
    """Fetch one of the registry lists (RFC 9224): `kind` is dns, ipv4, ipv6 or asn."""

    kind: str
    url: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ListFacts:
    """A registry list as it came. `ok` False: it was not taken over, and `why` says why."""

    kind: str
    url: str
    at: datetime
    ok: bool
    why: str = ""
    published: str = ""  # the list's own date
    entries: int = 0
    body: str = ""  # verbatim


@dataclass(frozen=True, slots=True)
class Hello:
    """What a prober says of itself."""

    pid: int
    dropped: bool  # True if it gave up root for an unprivileged user
    uid: int
    vantages: tuple[str, ...]
    lift_documentation: bool
    polite: bool
    denies: tuple[str, ...]  # addresses the start-up self-test proved unreachable
    notes: tuple[str, ...] = ()  # e.g. an MMDB file that could not be read
    reached: tuple[str, ...] = ()  # what the self-test reached although it should not: there is no wall


def line(kind: str, number: int, value: Any) -> bytes:
    """One message. `value` is a dataclass instance or a plain value; times become ISO 8601."""
    return _encode({"id": number, "kind": kind, "value": value}).encode("ascii") + b"\n"


def _plain(value: object) -> object:
    """What JSON does not know: our own frozen values, one level at a time, and times."""
    if isinstance(value, datetime):
        return value.isoformat()
    names = getattr(type(value), "__slots__", None)
    if names is None:
        raise TypeError(f"{type(value).__name__} does not travel")
    return {name: getattr(value, name) for name in names}


# Made once: json.dumps with options makes an encoder for every call.
_encode = json.JSONEncoder(separators=(",", ":"), default=_plain).encode


def read_line(data: bytes) -> tuple[str, int, Any]:
    """(kind, number, value) of one line. Raises ValueError on anything else."""
    try:
        body = json.loads(data)
        return str(body["kind"]), int(body["id"]), body["value"]
    except (KeyError, TypeError, RecursionError) as fault:
        raise ValueError(f"not a message: {fault}") from None


def job_of(kind: str, value: dict[str, Any]) -> TraceJob | CheckJob | ProbeJob | ListJob:
    """The job in a line's value. Raises ValueError if it is not one."""
    try:
        at = datetime.fromisoformat(value["at"])
        if at.tzinfo is None:
            raise ValueError("a job's time needs a zone")
        if kind == "trace":
            headers, seen = value.get("headers"), value.get("headers_at")
            return TraceJob(
                str(value["canonical"]),
                str(value["host"]),
                at,
                value.get("contact") is True,
                None if headers is None else tuple((str(name), str(text)) for name, text in headers),
                None if seen is None else datetime.fromisoformat(seen),
            )
        if kind == "list":
            return ListJob(str(value["kind"]), str(value["url"]), at)
        if kind == "check":
            return CheckJob(
                str(value["canonical"]),
                str(value["vantage"]),
                at,
                str(value.get("referrer", "")),
                value.get("allow_path") is True,
                str(value.get("cookie", "")),
                tuple(map(str, value.get("steps", ()))),
                str(value.get("server", "")),
            )
        if kind == "probe":
            request = value.get("request") is True
            return ProbeJob(str(value["address"]), str(value["vantage"]), at, request)
    except (KeyError, TypeError) as fault:
        raise ValueError(f"not a job: {fault}") from None
    raise ValueError(f"no such job: {kind[:40]}")


_TUPLES = ("addresses", "abuse_mail", "names", "impossible", "unlikely")


def trace_facts_of(value: dict[str, Any]) -> TraceFacts:
    """TraceFacts as they came over the socket."""
    answers = tuple(
        MethodAnswer(**{**a, **{name: tuple(a[name]) for name in _TUPLES}}) for a in value["answers"]
    )
    return TraceFacts(value["canonical"], value["host"], datetime.fromisoformat(value["at"]), answers)


def list_facts_of(value: dict[str, Any]) -> ListFacts:
    """ListFacts as they came over the socket."""
    return ListFacts(**{**value, "at": datetime.fromisoformat(value["at"])})


def check_facts_of(value: dict[str, Any]) -> CheckFacts:
    """CheckFacts as they came over the socket."""
    return CheckFacts(
        **{
            **value,
            "at": datetime.fromisoformat(value["at"]),
            "headers": tuple((str(name), str(text)) for name, text in value["headers"]),
            "signs": tuple(map(str, value["signs"])),
        }
    )


def probe_facts_of(value: dict[str, Any]) -> ProbeFacts:
    """ProbeFacts as they came over the socket."""
    tuples = {name: tuple(value[name]) for name in ("addresses", "headers")}
    return ProbeFacts(**{**value, **tuples, "at": datetime.fromisoformat(value["at"])})


def hello_of(value: dict[str, Any]) -> Hello:
    """A Hello as it came over the socket."""
    tuples = {name: tuple(value.get(name, ())) for name in ("vantages", "denies", "notes", "reached")}
    return Hello(**{**value, **tuples})
