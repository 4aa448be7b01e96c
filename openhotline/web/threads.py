"""Django behind an event loop: a request whose body is there is answered by a WSGI application in a thread.

True here: at most `THREADS` requests are worked on at once, the rest wait in line; a long answer leaves piece by piece,
as fast as the other side takes it. What is not here: reading a body (`bodies`), and any address.
"""

import asyncio
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any
from urllib.parse import unquote_to_bytes

from openhotline.web.bodies import Message, Send
from openhotline.web.headers import Application

THREADS = 8  # of each door
_PIECE = 64 * 1024  # bytes of an answer that are gathered before they leave


class Threads:
    """Answers requests by `application`, each in a thread of its own."""

    def __init__(self, application: Application, *, threads: int = THREADS) -> None:
        self._application = application
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="page")

    async def __call__(self, scope: Message, body: bytes, send: Send, **more: Any) -> None:
        """Answer one request; `more` is added to what the application is told of it."""
        loop = asyncio.get_running_loop()
        environ = environ_of(scope, body) | more
        last = await loop.run_in_executor(self._threads, self._work, environ, send, loop)
        for message in last:
            await send(message)

    def _work(
        self, environ: dict[str, Any], send: Send, loop: asyncio.AbstractEventLoop
    ) -> list[dict[str, Any]]:
        """In the thread: what is left to send when the application is done."""
        waiting: list[dict[str, Any]] = []

        def start_response(
            status: str, headers: list[tuple[str, str]], exc_info: object = None
        ) -> Callable[[bytes], None]:
            lines = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
            waiting[:] = [
                {"type": "http.response.start", "status": int(status.split(" ", 1)[0]), "headers": lines}
            ]
            return _no_write

        parts: Iterable[bytes] = self._application(environ, start_response)
        gathered, length = [], 0
        try:
            for part in parts:
                gathered.append(part)
                length += len(part)
                if length >= _PIECE:
                    waiting.append(
                        {"type": "http.response.body", "body": b"".join(gathered), "more_body": True}
                    )
                    for message in waiting:
                        asyncio.run_coroutine_threadsafe(_sent(send, message), loop).result()
                    waiting, gathered, length = [], [], 0
        finally:
            close = getattr(parts, "close", None)
            if close is not None:
                close()
        return [*waiting, {"type": "http.response.body", "body": b"".join(gathered)}]


async def _sent(send: Send, message: Message) -> None:
    await send(message)


def _no_write(data: bytes) -> None:
    raise NotImplementedError("Nothing here writes an answer by hand.")


def environ_of(scope: Message, body: bytes) -> dict[str, Any]:
    """What PEP 3333 calls the environment of a request. It holds nothing of where the request came from, but where somebody
    hands a client certificate on: `web/certificate` asks whether it is the proxy, and Django never sees it."""
    host, port = scope.get("server") or ("localhost", 0)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": scope.get("root_path", ""),
        "PATH_INFO": unquote_to_bytes(scope["raw_path"]).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": host,
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in scope["headers"]:
        key, text = name.decode("latin-1").upper().replace("-", "_"), value.decode("latin-1")
        if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            key = f"HTTP_{key}"
            text = f"{environ[key]},{text}" if key in environ else text
        environ[key] = text
    if "HTTP_CLIENT_CERT" in environ and scope.get("client"):
        environ["REMOTE_ADDR"] = scope["client"][0]
    environ.pop("HTTP_TRANSFER_ENCODING", None)  # nobody behind reads it as chunks again
    environ["CONTENT_LENGTH"] = str(len(body))
    return environ
