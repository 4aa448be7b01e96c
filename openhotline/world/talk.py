"""HTTP/1.1 as the world's web hosts and its registry speak it, one connection at a time.

True here: GET and HEAD, keep-alive, `Range: bytes=a-b`, heads of at most 160 kB; and three ways to fail that
an answer may ask for: silence, hanging up, half an answer. Answers are text, whatever was asked. Not
here: what is answered (`sites.py`, `rdap.py`).
"""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass

MAX_HEAD = 160 * 1024
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")
_REASONS = {
    200: "OK",
    206: "Partial Content",
    302: "Found",
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    410: "Gone",
    416: "Range Not Satisfiable",
    429: "Too Many Requests",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    503: "Service Unavailable",
}
TIMEOUT, HANG_UP, CUT_OFF = "timeout", "hang-up", "cut-off"


@dataclass(frozen=True, slots=True)
class Request:
    """One request: whom it reached (`literal`), from where (`vantage`), and its head."""

    vantage: str
    literal: str
    method: str
    host: str
    path: str
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back. `fault`: "", "timeout" (nothing ever), "hang-up" (the end at once), "cut-off" (half,
    then the end)."""

    status: int
    body: str = ""
    content_type: str = "text/html; charset=utf-8"
    fault: str = ""
    headers: tuple[tuple[str, str], ...] = ()


Respond = Callable[[Request], Answer]


class HttpTalk(asyncio.Protocol):
    """The server's side of one connection."""

    def __init__(self, literal: str, vantage: str, respond: Respond) -> None:
        self.literal, self.vantage, self.respond = literal, vantage, respond
        self.transport: asyncio.Transport | None = None
        self._got = b""
        self._mute = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection over."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every head that is complete."""
        if self._mute or self.transport is None or self.transport.is_closing():
            return
        self._got += data
        while (end := self._got.find(b"\r\n\r\n")) >= 0 and not self._mute:
            head, self._got = self._got[:end], self._got[end + 4 :]
            self._answer(head.decode("latin-1"))
        if len(self._got) > MAX_HEAD:
            self._send(
                Answer(431, "The request is too long.", "text/plain; charset=utf-8"), "GET", "", close=True
            )

    def _answer(self, head: str) -> None:
        first, *lines = head.split("\r\n")
        words = first.split(" ")
        headers = {
            name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
        }
        if len(words) != 3 or not words[1].startswith("/"):
            self._send(Answer(400, "This is no request.", "text/plain; charset=utf-8"), "GET", "", close=True)
            return
        host = headers.get("host", "").lower()
        name = host if host.endswith("]") or ":" not in host else host.rpartition(":")[0]
        close = headers.get("connection", "").lower() == "close" or words[2] == "HTTP/1.0"
        if words[0] not in ("GET", "HEAD"):
            self._send(Answer(405, "Only GET.", "text/plain; charset=utf-8"), "GET", "", close=True)
            return
        answer = self.respond(
            Request(self.vantage, self.literal, words[0], name.rstrip("."), words[1], headers)
        )
        self._send(answer, words[0], headers.get("range", ""), close=close)

    def _send(self, answer: Answer, method: str, wanted: str, *, close: bool) -> None:
        assert self.transport is not None
        if answer.fault == TIMEOUT:
            self._mute = True
            return
        if answer.fault == HANG_UP:
            self._mute = True
            self.transport.abort()
            return
        body, status, extra = answer.body.encode(), answer.status, ""
        ranged = _RANGE.fullmatch(wanted) if status == 200 and not answer.fault else None
        if ranged:
            first, last = int(ranged[1]), min(int(ranged[2] or len(body) - 1), len(body) - 1)
            if first > last:
                status, extra, body = 416, f"Content-Range: bytes */{len(body)}\r\n", b""
            else:
                extra = f"Content-Range: bytes {first}-{last}/{len(body)}\r\n"
                status, body = 206, body[first : last + 1]
        extra += "".join(f"{name}: {value}\r\n" for name, value in answer.headers)
        head = (
            f"HTTP/1.1 {status} {_REASONS.get(status, 'Said')}\r\nContent-Type: {answer.content_type}\r\n"
            f"Content-Length: {len(body)}\r\nAccept-Ranges: bytes\r\n{extra}"
            f"Connection: {'close' if close else 'keep-alive'}\r\n\r\n"
        ).encode("latin-1")
        if answer.fault == CUT_OFF:
            self.transport.write(head + body[: len(body) // 2])  # the head promises more than comes
            self._mute = True
            self.transport.close()
            return
        self.transport.write(head if method == "HEAD" else head + body)
        if close:
            self._mute = True
            self.transport.close()
