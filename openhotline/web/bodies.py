"""Bodies as they arrive: each is whole before anybody reads it, whether it came in chunks, slowly or at once.

True here: of what is longer than a door reads, one byte more is handed on, so that each door says of it what it says of
any body that is too long; the rest is read away, so that the sender is there for the answer. Only a few long bodies are
read at once, so that senders without end cannot fill the memory, and each has its time, so that nobody keeps a place
for ever. What is not here: what becomes of a body, and how long
it may be (the doors).
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import AsyncExitStack, suppress
from typing import Any, Protocol

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_SHORT = 128 * 1024  # bytes; a longer body waits for its turn
_LONG_AT_ONCE = 8
_TIME, _LONG_TIME = 120.0, 600.0  # seconds until a short and a long body are whole, its turn waited for
_AWAY = 16 * 1024 * 1024  # bytes read for the answer's sake alone; who sends more may not hear it
_CUT_OFF = b"The body ended before it was whole, and nothing of it was kept. Send it again."


class Answer(Protocol):
    """What answers one request whose body is there."""

    async def __call__(self, scope: Message, body: bytes, send: Send) -> None: ...


class Whole:
    """The ASGI application around an `Answer`. `most`: bytes, at least 1."""

    def __init__(self, answer: Answer, *, most: int) -> None:
        self._answer, self._most = answer, most
        self._long = asyncio.Semaphore(_LONG_AT_ONCE)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request. There are no web sockets here, and nothing to do at start and end."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close"})
        if scope["type"] != "http":
            return
        async with AsyncExitStack() as turn:
            body = None
            with suppress(TimeoutError):
                async with asyncio.timeout(_TIME) as left:
                    body = await self._read(receive, turn, left)
            if body is None:
                await say(send, 400, [(b"content-type", b"text/plain; charset=utf-8")], _CUT_OFF)
            else:
                await self._answer(scope, body, send)

    async def _read(self, receive: Receive, turn: AsyncExitStack, left: asyncio.Timeout) -> bytes | None:
        """The body; None where it ended too early. A long one gets more time."""
        message = await receive()
        if message["type"] == "http.request" and not message.get("more_body"):
            body: bytes = message.get("body", b"")
            return body[: self._most + 1]
        pieces, length = [], 0
        while message["type"] == "http.request":
            piece = message.get("body", b"")
            if length <= self._most:
                pieces.append(piece[: self._most + 1 - length])
            if length <= _SHORT < length + len(piece):
                left.reschedule(asyncio.get_running_loop().time() + _LONG_TIME)
                await turn.enter_async_context(self._long)
            length += len(piece)
            if not message.get("more_body") or length > self._most + _AWAY:
                return b"".join(pieces)
            message = await receive()
        return None


async def say(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes = b"") -> None:
    """Send a short answer whole."""
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})
