"""Page 1, sent: the one request of the form that must be cheap, answered before Django is asked.

True here: the same steps as Django's view in the same order (`views.begin`: sealed, on the disk, a draft opened)
and the same answer, header by header; tests compare the two. What arrives while the disk is busy is kept together in
one flush. Whatever is not plainly a filled page 1 of a plain browser goes to Django untouched, and so does a fault,
which the view then shows as its own. What is not here: any other page, and any text a person reads.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import cache, lru_cache

from django.conf import settings
from django.http import HttpRequest
from django.http.request import split_domain_port, validate_host
from django.urls import reverse

from openhotline.records.spool import SpoolError
from openhotline.web.bodies import Message, Send, say
from openhotline.web.headers import Headers
from openhotline.web.public import box, forms, views
from openhotline.web.threads import Threads

LONGEST = 64 * 1024  # bytes; a longer page is rare, and Django counts more carefully
_FORM = (b"application/x-www-form-urlencoded", b"application/x-www-form-urlencoded; charset=utf-8")


class First:
    """Stands before the public door's Django."""

    def __init__(self, behind: Threads) -> None:
        self._behind = behind
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="page-1")
        self._waiting: list[tuple[views.Start, asyncio.Future[str]]] = []
        self._keeper: asyncio.Task[None] | None = None

    async def __call__(self, scope: Message, body: bytes, send: Send) -> None:
        """Answer one request."""
        lines = _lines(scope, body)
        if not lines:
            await self._behind(scope, body, send)
            return
        try:
            token = await self._kept(views.Start(lines))
        except (SpoolError, OSError) as fault:
            await self._behind(scope, body, send, **{views.FAULT: fault})
        except Exception:
            # What one of many could not be kept for is not known here: each is Django's again, alone.
            await self._behind(scope, body, send)
        else:
            headers, (before, behind) = _dressed()
            await say(send, 303, [*headers, (b"location", before + token.encode() + behind)])

    async def _kept(self, start: views.Start) -> str:
        """The token of its draft, as soon as it is on the disk."""
        told: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting.append((start, told))
        if self._keeper is None or self._keeper.done():
            self._keeper = asyncio.create_task(self._keep())
        return await told

    async def _keep(self) -> None:
        """Keep all that wait in one go, again and again until nothing waits."""
        loop = asyncio.get_running_loop()
        while self._waiting:
            batch, self._waiting = self._waiting, []
            try:
                tokens = await loop.run_in_executor(self._disk, _begin, [start for start, _ in batch])
            except BaseException as fault:
                for _, told in batch:
                    if not told.done():  # its sender may have gone
                        told.set_exception(fault)
            else:
                for (_, told), token in zip(batch, tokens, strict=True):
                    if not told.done():
                        told.set_result(token)


def _begin(starts: list[views.Start]) -> list[str]:
    box.tidy()
    return views.begin(starts)


def _lines(scope: Message, body: bytes) -> tuple[str, ...]:
    """What a plainly filled page 1 carries; () for every other request."""
    if (
        scope["method"] != "POST"
        or scope["path"] != _place()
        or scope["query_string"]
        or len(body) > LONGEST
        or scope.get("root_path")
    ):
        return ()
    kind = host = b""
    for name, value in scope["headers"]:
        if name == b"content-type":
            kind = value.lower()
        elif name == b"host":
            host = value
    if kind not in _FORM or not _known_host(host.decode("latin-1")):
        return ()
    return forms.lines_of(forms.parsed(body).get("url", ""))


@lru_cache(maxsize=64)
def _known_host(host: str) -> bool:
    return bool(host) and validate_host(split_domain_port(host)[0], settings.ALLOWED_HOSTS)


@cache
def _place() -> str:
    return reverse("where")


@cache
def _dressed() -> tuple[list[tuple[bytes, bytes]], list[bytes]]:
    """The headers that Django's own answer bears, but its place and length; and the place, before and behind the token."""
    request = HttpRequest()
    request.method, request.path = "POST", _place()
    response = Headers(lambda _: views.SeeOther("/"))(request)
    headers = [(n.lower().encode(), v.encode()) for n, v in response.items() if n != "Location"]
    return headers, reverse("what", args=["A" * 43]).encode().split(b"A" * 43)
