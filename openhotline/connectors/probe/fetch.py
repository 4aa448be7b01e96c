"""One HTTP exchange over a socket that is handed in. libcurl never resolves and never connects here.

True here: libcurl gets exactly one socket, already connected to a vetted literal; asked for a second it
gets none. A response whose type nobody wants is cut at the blank line after its headers, before a byte of
its body reaches Python. What is wanted is read up to a cap and dropped if it turns out to be binary. An
answer that dribbles is ended, and so is one that sends more than any page could, in whatever wrapping. Handles are used again, and remember nothing: no cookie, no session, no
connection. Not here: redirects, vetting, what a response means (`walk.py`).
"""

import asyncio
import contextlib
import fcntl
import select
import socket
import ssl
import struct
import termios
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import pycurl

from openhotline.connectors.probe.config import Limits
from openhotline.connectors.probe.page import is_binary

Header = tuple[str, str]
# How many bytes of the body are wanted, judged by status and headers; 0 cuts the exchange off.
Wanted = Callable[[int, list[Header]], int]

_CURL_TIMEOUT = pycurl.E_OPERATION_TIMEDOUT
_CUT = {pycurl.E_GOT_NOTHING, pycurl.E_RECV_ERROR, pycurl.E_SEND_ERROR, pycurl.E_PARTIAL_FILE}
_CERTIFICATE = {pycurl.E_PEER_FAILED_VERIFICATION, pycurl.E_SSL_CACERT_BADFILE}
_CA_FILE = ssl.get_default_verify_paths().cafile or ""
_WATCH_S = 1.0
_IDLE = 256
_PIECE = 4096  # what libcurl reads at a time
_AT_ONCE = 100 * _PIECE  # and at the most before it comes back to us
_EVENTS = {
    pycurl.POLL_NONE: 0,
    pycurl.POLL_IN: select.EPOLLIN,
    pycurl.POLL_OUT: select.EPOLLOUT,
    pycurl.POLL_INOUT: select.EPOLLIN | select.EPOLLOUT,
}
_ALWAYS = (
    (pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS),
    (pycurl.PROXY, ""),
    (pycurl.NETRC, pycurl.NETRC_IGNORED),
    (pycurl.FRESH_CONNECT, 1),
    (pycurl.FORBID_REUSE, 1),
    (pycurl.FOLLOWLOCATION, 0),
    (pycurl.PATH_AS_IS, 1),
    (pycurl.NOSIGNAL, 1),
    (pycurl.BUFFERSIZE, _PIECE),
    (pycurl.HTTP09_ALLOWED, 0),
    (pycurl.SSL_SESSIONID_CACHE, 0),  # a session taken up again would tell that it is us again
    # Decoded while streaming, under the cap, and only what is wanted: other bodies are cut off before.
    (pycurl.ACCEPT_ENCODING, "gzip, deflate, br"),
)


@dataclass(slots=True)
class Exchange:
    """What came back. `fault` "" or one of "timeout", "cut-off", "certificate", "too-long", "error"."""

    status: int = 0
    headers: list[Header] = field(default_factory=list)
    body: bytes = b""  # only of a type that was wanted, and text
    whole: bool = False  # the body came to its end
    fault: str = ""
    why: str = ""


class _Reading:
    """The callbacks of one exchange."""

    __slots__ = (
        "arrived", "body", "cap", "fetcher", "first_at", "got", "limits", "lines", "open", "size", "started",
        "stopped", "wanted",
    )  # fmt: skip

    def __init__(self, limits: Limits, wanted: Wanted, fetcher: "Fetcher") -> None:
        self.limits, self.wanted, self.fetcher = limits, wanted, fetcher
        self.got = Exchange()
        self.body = bytearray()
        self.cap = 0
        self.size = self.lines = 0
        self.arrived = 0  # bytes on the socket, whatever they are
        self.started, self.first_at = time.monotonic(), 0.0
        self.open = True  # still in the headers
        self.stopped = (
            ""  # why we ended it ourselves: "enough", "binary", "too-long", "slow", "late", "too-much"
        )

    def header(self, line: bytes) -> int:
        if not self.open:
            return len(line)  # a trailer
        if not self.lines:
            self.first_at = time.monotonic()
        self.size += len(line)
        self.lines += 1
        if self.size > self.limits.header_bytes or self.lines > self.limits.header_lines:
            self.stopped = "too-long"
            return -1
        if line.startswith(b"HTTP/"):
            parts = line.split(None, 2)
            plain = len(parts) > 1 and len(parts[1]) == 3 and parts[1].isdigit()
            self.got.status = int(parts[1]) if plain else 0
            self.got.headers = []
        elif line.strip():
            name, _, value = line.partition(b":")
            self.got.headers.append((name.strip().decode("latin-1").lower(), value.strip().decode("latin-1")))
        elif self.got.status >= 200:
            self.open = False
            self.cap = self.wanted(self.got.status, self.got.headers)
            if self.cap <= 0:
                self.stopped = "enough"
                return -1
        return len(line)

    def write(self, chunk: bytes) -> int:
        room = min(self.cap - len(self.body), self.limits.bodies - self.fetcher.held)
        if is_binary(chunk):
            self.stopped = "binary"
            self.drop()
            return -1
        self.body += chunk[:room]
        self.fetcher.held += min(len(chunk), room)
        if len(chunk) > room:
            self.stopped = "enough"
            return -1
        return len(chunk)

    def drop(self) -> bytes:
        """Let go of the body; gives what it was."""
        body = bytes(self.body)
        self.fetcher.held -= len(body)
        self.body = bytearray()
        return body

    def too_slow(self, now: float, arrived: int) -> str:
        """ "late" without a first line in time, "slow" where it has come too slowly since; else ""."""
        if not self.lines:
            return "late" if now - self.started > self.limits.first_byte_s else ""
        since = now - self.first_at
        fast_enough = self.size + arrived >= self.limits.slow_bytes * since
        return "slow" if since > self.limits.slow_after_s and not fast_enough else ""


class Fetcher:
    """Many exchanges at once on one event loop."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.multi = pycurl.CurlMulti()
        self.multi.setopt(pycurl.M_SOCKETFUNCTION, self._on_socket)
        self.multi.setopt(pycurl.M_TIMERFUNCTION, self._on_timer)
        self.held = 0  # bytes of bodies in hand
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0  # when libcurl wants to be called next, on the loop's clock; 0: not by itself
        # libcurl's sockets lie in a set of their own, which the loop watches as one: to hang each into the loop by
        # itself costs more than libcurl does.
        self._watched = select.epoll()
        self._known: set[int] = set()
        self.loop.add_reader(self._watched.fileno(), self._look_round)
        self._waiting: dict[pycurl.Curl, tuple[asyncio.Future[tuple[int, str]], _Reading]] = {}
        self._by_socket: dict[int, tuple[asyncio.Future[tuple[int, str]], _Reading]] = {}
        self._idle: list[pycurl.Curl] = []
        self._watch: asyncio.TimerHandle | None = None

    async def get(
        self,
        url: str,
        *,
        over: socket.socket,
        literal: str,
        port: int,
        headers: list[str],
        wanted: Wanted,
        limits: Limits,
        seconds: float,
        verify: bool = True,
    ) -> Exchange:
        """GET `url` over the connected socket `over`, which leads to `literal`. Never raises for what
        the server does. `seconds` bounds everything. The socket is closed."""
        reading = _Reading(limits, wanted, self)
        curl = self._idle.pop() if self._idle else _new_handle()
        try:
            _prepare(curl, url, over, literal, port, headers, reading, seconds, verify)
        except (pycurl.error, UnicodeError, ValueError) as fault:
            curl.close()
            over.close()
            return Exchange(fault="error", why=f"The address cannot be put into a request ({fault}).")
        done: asyncio.Future[tuple[int, str]] = self.loop.create_future()
        self._waiting[curl] = waiting = done, reading
        numbers: list[int] = []

        def connected(number: int, _purpose: int) -> int:
            """libcurl has a copy of our socket, and says its number here."""
            numbers.append(number)
            self._by_socket[number] = waiting
            return int(pycurl.SOCKOPT_ALREADY_CONNECTED)

        curl.setopt(pycurl.SOCKOPTFUNCTION, connected)
        if self._watch is None:
            self._watch = self.loop.call_later(_WATCH_S, self._look_at_speed)
        code, text = pycurl.E_ABORTED_BY_CALLBACK, ""
        try:
            self.multi.add_handle(curl)
            code, text = await done
        finally:
            self._waiting.pop(curl, None)
            for number in numbers:
                if self._by_socket.get(number) is waiting:
                    del self._by_socket[number]
            with contextlib.suppress(pycurl.error):
                self.multi.remove_handle(curl)
            if code == pycurl.E_ABORTED_BY_CALLBACK or len(self._idle) >= _IDLE:
                curl.close()  # ended from outside: whatever state it is in goes with it
            else:
                self._idle.append(curl)
            over.close()
            body = reading.drop()
        return _outcome(reading, body, code, text)

    def close(self) -> None:
        """Stop. Exchanges under way must have been cancelled before."""
        for timer in (self._timer, self._watch):
            if timer:
                timer.cancel()
        for curl in self._idle:
            curl.close()
        self.multi.close()
        self.loop.remove_reader(self._watched.fileno())
        self._watched.close()

    def _look_at_speed(self) -> None:
        """Once a second: end what dribbles. libcurl's own limit would count the wait for the first byte."""
        self._watch = self.loop.call_later(_WATCH_S, self._look_at_speed) if self._waiting else None
        now = time.monotonic()
        for curl, (done, reading) in list(self._waiting.items()):
            if done.done() or now - reading.started < _WATCH_S:
                continue
            if why := reading.too_slow(now, int(curl.getinfo(pycurl.SIZE_DOWNLOAD))):
                reading.stopped = why
                done.set_result((pycurl.E_ABORTED_BY_CALLBACK, ""))

    # libcurl tells which sockets and which timer to watch; the loop watches them.

    def _on_socket(self, event: int, fd: int, _multi: object, _data: object) -> None:
        if event != pycurl.POLL_REMOVE:
            (self._watched.modify if fd in self._known else self._watched.register)(fd, _EVENTS[event])
            self._known.add(fd)
        elif fd in self._known:
            self._known.remove(fd)
            with contextlib.suppress(OSError):  # closed meanwhile, and so forgotten
                self._watched.unregister(fd)

    def _look_round(self) -> None:
        """Hand libcurl what is ready. A line that broke counts as readable: reading it says how."""
        for fd, events in self._watched.poll(0):
            if events & select.EPOLLOUT:
                self.multi.socket_action(fd, pycurl.CSELECT_OUT)
            if events & ~select.EPOLLOUT:
                self._readable(fd)
        self._take_ended()

    def _readable(self, fd: int) -> None:
        """Count what lies on the socket before libcurl takes it: of what it throws away (extensions of
        chunks, say) it would tell nobody."""
        waiting = self._by_socket.get(fd)
        if waiting is not None:
            done, reading = waiting
            if done.done():
                return
            (lying,) = struct.unpack("i", fcntl.ioctl(fd, termios.FIONREAD, b"\0\0\0\0"))
            reading.arrived += min(lying, _AT_ONCE)
            if reading.arrived > reading.limits.wire_bytes:
                reading.stopped = "too-much"
                done.set_result((pycurl.E_ABORTED_BY_CALLBACK, ""))
                return
        self.multi.socket_action(fd, pycurl.CSELECT_IN)

    def _on_timer(self, milliseconds: int) -> None:
        """libcurl moves its next moment with every exchange, mostly away: then the timer that stands looks again."""
        self._due = self.loop.time() + milliseconds / 1000 if milliseconds >= 0 else 0.0
        if self._timer and 0 < self._due < self._timer.when():
            self._timer.cancel()
            self._timer = None
        if self._due and self._timer is None:
            # Never at once: libcurl must not be called from within its own callback.
            self._timer = self.loop.call_at(self._due, self._on_time)

    def _on_time(self) -> None:
        self._timer = None
        if self._due > self.loop.time():
            self._timer = self.loop.call_at(self._due, self._on_time)
        elif self._due:
            self.multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)
            self._take_ended()

    def _take_ended(self) -> None:
        while True:
            more, good, bad = self.multi.info_read()
            for curl in good:
                self._settle(curl, 0, "")
            for curl, code, text in bad:
                self._settle(curl, code, text)
            if not more:
                return

    def _settle(self, curl: pycurl.Curl, code: int, text: str) -> None:
        waiting = self._waiting.get(curl)
        if waiting is not None and not waiting[0].done():
            waiting[0].set_result((code, text))


def _new_handle() -> pycurl.Curl:
    """A handle with everything set that is the same for every exchange."""
    curl = pycurl.Curl()
    for option, value in _ALWAYS:
        curl.setopt(option, value)
    if _CA_FILE:
        curl.setopt(pycurl.CAINFO, _CA_FILE)
    return curl


def _prepare(
    curl: pycurl.Curl,
    url: str,
    over: socket.socket,
    literal: str,
    port: int,
    headers: list[str],
    reading: _Reading,
    seconds: float,
    verify: bool,
) -> None:
    handed = [over]
    at = f"[{literal}]:{port}" if ":" in literal else f"{literal}:{port}"
    set_ = curl.setopt
    set_(pycurl.URL, url)
    set_(pycurl.CONNECT_TO, [f"::{at}"])  # whatever host libcurl reads, the literal is where it is
    set_(pycurl.OPENSOCKETFUNCTION, lambda *_: handed.pop() if handed else pycurl.SOCKET_BAD)
    set_(pycurl.TIMEOUT_MS, max(1, int(seconds * 1000)))
    set_(pycurl.CONNECTTIMEOUT_MS, max(1, int(reading.limits.tls_s * 1000)))  # TCP stands: this is TLS
    set_(pycurl.HTTPHEADER, headers)
    set_(pycurl.SSL_VERIFYPEER, 1 if verify else 0)
    set_(pycurl.SSL_VERIFYHOST, 2 if verify else 0)
    set_(pycurl.HEADERFUNCTION, reading.header)
    set_(pycurl.WRITEFUNCTION, reading.write)


def _outcome(reading: _Reading, body: bytes, code: int, text: str) -> Exchange:
    got = reading.got
    got.body = body
    if not reading.open:  # the headers came whole: that is an answer, however the body ended
        got.whole = code == 0
        if reading.stopped == "binary":
            got.why = "The page says it is text but is not; nothing of it was kept."
        elif reading.stopped == "too-much":
            got.why = "More was sent than any page is long; it was broken off."
        elif reading.stopped == "slow":
            got.why = "The answer came too slowly after its headers and was broken off."
        elif code and not reading.stopped:
            got.why = "The answer broke off after its headers."
        return got
    if reading.stopped == "too-long":
        got.fault = "too-long"
        got.why = "The server's headers are longer than any honest server's; the look was broken off."
    elif reading.stopped == "slow":
        got.fault, got.why = (
            "error",
            "The server sends its headers slower than any honest server; broken off.",
        )
    elif code == _CURL_TIMEOUT or reading.stopped == "late":
        got.fault, got.why = "timeout", "The server did not answer in time."
    elif code in _CUT:
        got.fault, got.why = "cut-off", "The server cut the connection off before it had answered."
    elif code in _CERTIFICATE:
        got.fault, got.why = "certificate", "The server's certificate could not be verified."
    else:
        got.fault, got.why = "error", f"The server's answer is not HTTP that can be read ({text[:120]})."
    return got
