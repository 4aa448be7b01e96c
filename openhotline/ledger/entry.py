"""What one entry says: its fields, their limits, and the fast way to spell it canonically.

Fields (security.md 3a): `v` 1 · `eid` UUIDv4 · `at` RFC 3339 UTC, microseconds · `clk` {boot, mono_ns,
offset_ms, source, stratum} · `who` `role` `auth` {method, session} · `for` on whose behalf · `act` · `obj`
[type, id, version] · `case` `case_n` · `why` · `prev_obj` digest of the object's state before · `commit` digest
of the payload · `sw` build · `pol` policy set · `req` one value per call of `record`.
What is not here: writing (`record.py`) and the canonical rules themselves (`canonical.py`).
"""

import json.encoder
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from unicodedata import is_normalized, normalize

from openhotline.ledger.canonical import MAX_INTEGER
from openhotline.rules.words import Actor

MAX_ENTRY = 8192  # bytes
MAX_WHY = 500  # characters; a longer reason goes whole into the payload
DISPOSE = "dispose"  # the act that says a payload was destroyed; obj = ("payload", eid, 1)

_LIMITS = {"act": 64, "obj type": 32, "obj id": 128, "case": 24, "for": 128, "who": 128, "role": 32,
           "auth": 64, "session": 128, "sw": 128, "pol": 128, "source": 32, "boot": 64}  # characters  # fmt: skip
_HEX = re.compile(r"(?:[0-9a-f]{64})?")
_UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_AT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")

# The C function behind json.dumps(ensure_ascii=False): RFC 8785's escapes, quotes included.
_quote: Callable[[str], str] = json.encoder.encode_basestring  # type: ignore[attr-defined,unused-ignore]


@dataclass(frozen=True, slots=True)
class Act:
    """One thing done to one object, as the step that did it tells it.

    `obj` is (type, id, version after the act). `case` is the case's reference, "" outside any case. `why` is a
    code or a sentence. `payload` is JSON-able and of any size; it is sealed, and the entry holds its digest.
    `prev` is the digest of the object's state before, 64 hex digits. `on_behalf` is a delegated person or a
    partner where the actor's own belonging does not say it.
    """

    act: str
    obj: tuple[str, str, int]
    case: str = ""
    why: str = ""
    payload: Mapping[str, object] = field(default_factory=dict)
    prev: str = ""
    on_behalf: str = ""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every entry of this process says about its machine: build, policy, clock."""

    sw: str
    pol: str
    source: str  # "system", "world" or "test"
    boot: str
    offset_ms: int | None  # measured clock offset; None where nobody measured
    stratum: int | None


def checked(name: str, value: str) -> str:
    """`value` in quotes, as an identifier: short, printable, NFC. Raises ValueError."""
    if len(value) > _LIMITS[name]:
        raise ValueError(f"The ledger's field '{name}' takes {_LIMITS[name]} characters, not {len(value)}.")
    if not value.isprintable() or not (value.isascii() or is_normalized("NFC", value)):
        raise ValueError(f"The ledger's field '{name}' takes printable text in Unicode normal form C.")
    return _quote(value)


def fitting(act: Act) -> tuple[str, Mapping[str, object]]:
    """(why, payload) such that no reason is ever lost.

    A reason that is too long or cannot be spelled canonically stands in the entry cut and mended, and whole
    in the payload as `why_whole`.
    """
    why = act.why
    if len(why) <= MAX_WHY and (why.isascii() or is_normalized("NFC", why)) and not _half(why):
        return why, act.payload
    mended = normalize("NFC", why.encode("utf-8", "replace").decode())
    if len(mended) > MAX_WHY:
        # Normal form once more: a cut never composes, yet the promise is about the bytes that are written.
        mended = normalize("NFC", mended[: MAX_WHY - 1]) + "…"
    return mended, {**act.payload, "why_whole": why}


def _half(text: str) -> bool:
    return not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text)


def belonging(by: Actor) -> str:
    """On whose behalf an outside person acts, as far as the actor tells: "unit:2", "host:7", "partner:1"."""
    if by.unit_id is not None:
        return f"unit:{by.unit_id}"
    if by.host_id is not None:
        return f"host:{by.host_id}"
    return f"partner:{by.partner_id}" if by.partner_id is not None else ""


class Form:
    """The entry with everything filled in that one batch shares; `entry` fills in the rest.

    A bulk import writes a million entries, so the canonical spelling is put together by hand here. That it
    is the generic encoder's, byte for byte, is proved in tests/ledger/test_entry.py.
    """

    def __init__(self, around: Surroundings, *, by: Actor, at: datetime, mono_ns: int, req: str) -> None:
        if at.tzinfo is None:
            raise ValueError("The ledger takes times with a time zone.")
        moment = at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
        self._seen: dict[tuple[str, str], str] = {}
        self._belonging = belonging(by)
        offset, stratum = (json.dumps(number) for number in (around.offset_ms, around.stratum))
        self._after_act = (
            f',"at":"{moment}Z","auth":{{"method":{checked("auth", by.auth)},'
            f'"session":{checked("session", by.session)}}},"case":'
        )
        self._clock = (
            f',"clk":{{"boot":{checked("boot", around.boot)},"mono_ns":{mono_ns},"offset_ms":{offset},'
            f'"source":{checked("source", around.source)},"stratum":{stratum}}},"commit":"'
        )
        self._after_obj = f'],"pol":{checked("pol", around.pol)},"prev_obj":"'
        self._who = (
            f'","req":{_quote(req)},"role":{checked("role", by.role)},"sw":{checked("sw", around.sw)},'
            f'"v":1,"who":{checked("who", by.who)},"why":'
        )

    def _often(self, name: str, value: str) -> str:
        """`checked`, remembered: the same few words come again and again."""
        known = self._seen.get((name, value))
        if known is None:
            known = self._seen[name, value] = checked(name, value)
        return known

    def entry(self, act: Act, *, eid: str, case_n: int | None, commit: str, why: str) -> bytes:
        """The canonical bytes. Raises ValueError where a field breaks its limit."""
        kind, subject, version = act.obj
        if type(version) is not int or not 0 <= version <= MAX_INTEGER:
            raise ValueError("An object's version is a whole number below 2^53.")
        if act.prev and not _HEX.fullmatch(act.prev):
            raise ValueError("The digest of the state before has 64 hex digits.")
        case = f'{checked("case", act.case)},"case_n":{case_n}' if act.case else '"","case_n":null'
        data = (
            f'{{"act":{self._often("act", act.act)}{self._after_act}{case}{self._clock}{commit}","eid":"{eid}",'
            f'"for":{self._often("for", act.on_behalf or self._belonging)},'
            f'"obj":[{self._often("obj type", kind)},{checked("obj id", subject)},{version}{self._after_obj}'
            f"{act.prev}{self._who}{_quote(why)}}}"
        ).encode()
        if len(data) > MAX_ENTRY:
            raise ValueError(f"An entry has at most {MAX_ENTRY} bytes.")
        return data


def fault(value: object) -> str:
    """What keeps a decoded value from being an entry, as a sentence; "" if nothing does."""
    if not isinstance(value, dict) or value.keys() != _SHAPE.keys():
        return "it has not the fields of an entry"
    for name, right in _SHAPE.items():
        if not right(value[name]):
            return f"its field '{name}' is not what an entry holds"
    if (value["case"] == "") != (value["case_n"] is None):
        return "it numbers a case that it does not name"
    return ""


def _text(value: object) -> bool:
    return isinstance(value, str)


def _whole(value: object) -> bool:
    return type(value) is int


def _texts(value: object, *names: str) -> bool:
    return isinstance(value, dict) and value.keys() == set(names) and all(map(_text, value.values()))


def _clk(value: object) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() == {"boot", "mono_ns", "offset_ms", "source", "stratum"}
        and _text(value["boot"])
        and _text(value["source"])
        and _whole(value["mono_ns"])
        and all(value[name] is None or _whole(value[name]) for name in ("offset_ms", "stratum"))
    )


def _obj(value: object) -> bool:
    return isinstance(value, list) and [type(part) for part in value] == [str, str, int]


def _matches(pattern: re.Pattern[str]) -> Callable[[object], bool]:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


_SHAPE: dict[str, Callable[[object], bool]] = {
    "v": lambda value: _whole(value) and value == 1,
    "eid": _matches(_UUID4),
    "at": _matches(_AT),
    "clk": _clk,
    "who": _text,
    "role": _text,
    "auth": lambda value: _texts(value, "method", "session"),
    "for": _text,
    "act": _text,
    "obj": _obj,
    "case": _text,
    "case_n": lambda value: value is None or (_whole(value) and isinstance(value, int) and value >= 1),
    "why": _text,
    "prev_obj": _matches(_HEX),
    "commit": _matches(_HEX),
    "sw": _text,
    "pol": _text,
    "req": _text,
}
