"""One submission as a door hands it on, before anybody has looked at it.

Every door (form, API, CSV, command line) builds this; `steps/intake` files it. It is also what the
public form seals and spools, so it can be written to JSON and read back.
"""

import json
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from openhotline.rules.words import FROM_PUBLIC

# Lines of one report that are looked at; the rest is kept. Whoever fills the form is known to nobody, and one press
# may not open more items than people can look at.
MOST_LINES = 10_000
MOST_LINES_OF_THE_PUBLIC = 500
MOST_OF_A_FILE = 10 * 1024 * 1024  # bytes of a partner's file, by page or program


@dataclass(frozen=True, slots=True)
class IncomingReport:
    """A report as it came in. Nothing is cleaned here: `lines` are verbatim."""

    report_id: UUID  # made by the door, so that sending twice files once
    source: str  # one of words.SOURCES
    lines: tuple[str, ...]  # addresses, Message-IDs or other text, one each, verbatim
    received_at: datetime  # T0; for public reports the start of the hour (security.md 3f)
    exact_at: datetime | None = None  # public: the exact time, kept only inside the sealed part
    seen: str = ""  # what the reporter says they saw: image, drawn, trade, contact, other
    help_text: str = ""  # where to look; the reporter's own words, shown only when asked for
    referrer: str = ""  # the page that led there, for disguised sites
    follow: str = "none"  # code, mail, none
    receipt_hash: str = ""  # hex HMAC-SHA-256 of the seven words, "" if none
    mail: str = ""  # the reporter's e-mail, only if they asked to be answered
    reference: str = ""  # the sender's own reference
    partner: str = ""  # key of the partner or unit that sent it, "" for the public
    key: str = ""  # idempotency key of the sender
    complete: bool = True  # False: a form left after page 1
    files: tuple[str, ...] = ()  # files without address: names and digests as given, metadata only
    odd: str = (
        ""  # a sentence: what of it could not be read as given. It is kept in `raw`, and a person will look
    )
    raw: str = ""  # what was sent, as it came, where the rest does not hold every word of it; sealed
    sent: str = ""  # SHA-256, hex, of what came under `key`: the same key with other content is refused
    reached_at: datetime | None = None  # when it reached us, where `received_at` is the sender's word

    def to_json(self) -> bytes:
        """UTF-8 JSON, the form in which a report is sealed."""
        value = {name: getattr(self, name) for name in self.__slots__}  # no deep copies, unlike asdict
        value["report_id"] = str(self.report_id)
        value["received_at"] = self.received_at.isoformat()
        for name in ("exact_at", "reached_at"):
            value[name] = value[name].isoformat() if value[name] else None
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")

    @classmethod
    def from_json(cls, data: bytes) -> "IncomingReport":
        """Read `to_json` back. Raises ValueError on anything else."""
        value = json.loads(data.decode("utf-8", "surrogatepass"))
        value["report_id"] = UUID(value["report_id"])
        value["received_at"] = datetime.fromisoformat(value["received_at"])
        for name in ("exact_at", "reached_at"):
            value[name] = datetime.fromisoformat(value[name]) if value.get(name) else None
        value["lines"] = tuple(value["lines"])
        value["files"] = tuple(value["files"])
        return cls(**value)

    def after(self, earlier: "IncomingReport") -> "IncomingReport":
        """The same report sent again, with every line that was given before: a correction loses no spelling."""
        lines = tuple(dict.fromkeys((*self.lines, *earlier.lines)))
        files = tuple(dict.fromkeys((*self.files, *earlier.files)))
        raw, odd = together(earlier.raw, self.raw), self.odd or earlier.odd
        if (lines, files, raw, odd) == (self.lines, self.files, self.raw, self.odd):
            return self
        return replace(self, lines=lines, files=files, raw=raw, odd=odd)

    @property
    def began(self) -> datetime:
        """When our clocks began: when it reached us, whatever time the sender gave; of the public the hour."""
        moment = self.reached_at or self.received_at
        return moment.replace(minute=0, second=0, microsecond=0) if self.source == FROM_PUBLIC else moment


def together(*texts: str) -> str:
    """Texts that are kept as they came, each once."""
    return "\n".join(dict.fromkeys(filter(None, texts)))


def public(report_id: UUID, lines: tuple[str, ...], exact_at: datetime, **more: object) -> IncomingReport:
    """A public report: T0 is the start of its hour, the exact time goes into the sealed part only."""
    hour = exact_at.replace(minute=0, second=0, microsecond=0)
    return IncomingReport(
        report_id=report_id,
        source=FROM_PUBLIC,
        lines=lines,
        received_at=hour,
        exact_at=exact_at,
        **more,  # type: ignore[arg-type]
    )
