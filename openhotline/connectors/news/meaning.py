"""What a news server's answer about one post means. Pure: bytes in, a `MethodAnswer` out, nothing raised.

True here: the headers say by whose server the post was injected; that names an operator's host, never a country.
Headers may be forged by the poster below the first server we trust, and the answer says so. No body is
asked for, so none can come. Not here: sockets (`client.py`).
"""

import re

from openhotline.rules import methods
from openhotline.rules.facts import MethodAnswer
from openhotline.rules.printable import printable

METHOD = methods.NEWS_SERVER
MAX_BYTES = 32 * 1024
MAX_TEXT = 200
THERE = "there"
_ID = re.compile(r"<[!-;=?A-~]{1,200}@[!-;=?A-~]{1,200}>")
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,252})")


def message_id(canonical: str) -> str:
    """The Message-ID in an address of the form news:x@y, in angle brackets; "" if it is none."""
    text = canonical.removeprefix("news:").strip("<>")
    return f"<{text}>" if _ID.fullmatch(f"<{text}>") else ""


def there(answer: MethodAnswer) -> bool:
    """Whether this is a news server's word that it has the post."""
    return answer.method == METHOD and answer.ok and answer.answer.startswith(THERE)


def read(code: str, body: bytes, *, server: str, seconds: float = 0.0) -> MethodAnswer:
    """The answer to HEAD: the status line's text and the headers that followed it."""
    raw = (code + "\r\n").encode("utf-8", "replace") + body[:MAX_BYTES]
    text = raw.decode("utf-8", "backslashreplace")

    def said(ok: bool, why: str, answer: str = "", names: tuple[str, ...] = ()) -> MethodAnswer:
        return MethodAnswer(METHOD, ok, why, answer, source=server, seconds=seconds, raw=text, names=names)

    if code[:3] in ("430", "423"):
        return said(True, "This news server does not have the post.", "not there")
    if code[:3] not in ("221", "223"):
        shown = printable(code, 80)
        return said(False, f"The news server did not answer the question ({shown or 'no status'}).")
    if len(body) > MAX_BYTES:
        return said(False, "The post's headers are longer than 32 KiB; they were not read further.")
    headers = _headers(body)
    groups = printable(headers.get("newsgroups", ""), MAX_TEXT)
    names = _path(headers.get("path", ""))
    injected = _injected(headers) or (names[-1] if names else "")
    shown = THERE
    if injected:
        shown += f"; injected by {injected}"
    if groups:
        shown += f"; in {groups}"
    why = "" if injected else "Its headers do not say who injected it."
    if injected:
        why = "Who injected it is what the headers say; a poster can forge what stands before the first honest server."
    return said(True, why, shown, names)


def _headers(body: bytes) -> dict[str, str]:
    found: dict[str, str] = {}
    name = ""
    for line in body.decode("utf-8", "replace").splitlines()[:200]:
        if line[:1] in " \t" and name:
            found[name] = (found[name] + " " + line.strip())[:8192]
        elif ":" in line:
            name, _, value = line.partition(":")
            name = name.strip().lower()[:60]
            found.setdefault(name, value.strip()[:8192])
    return found


def _path(text: str) -> tuple[str, ...]:
    """The servers of a Path header, nearest to us first; words that are no server are left out."""
    names = (part.strip().lower() for part in text.split("!"))
    return tuple(dict.fromkeys(name for name in names if "." in name and _NAME.fullmatch(name)))[:20]


def _injected(headers: dict[str, str]) -> str:
    info = headers.get("injection-info", "").partition(";")[0].strip().lower()
    return info if _NAME.fullmatch(info) else ""
