"""A news server that knows what it was told and opens no socket."""

from collections.abc import Awaitable, Callable, Mapping

from openhotline.connectors.news.client import Stream
from openhotline.connectors.news.meaning import read
from openhotline.rules.facts import MethodAnswer


class FakeNews:
    """`posts` maps a Message-ID in angle brackets to its headers."""

    def __init__(self, posts: Mapping[str, str]) -> None:
        self.posts = dict(posts)

    async def about(
        self,
        message_id: str,
        *,
        server: str = "fake",
        connect: Callable[[str], Awaitable[Stream]] | None = None,
        timeout_s: float = 0,
        elapsed: Callable[[], float] = lambda: 0.0,
    ) -> MethodAnswer:
        """The call signature of `client.about`."""
        headers = self.posts.get(message_id)
        code = "430 no such article" if headers is None else f"221 0 {message_id}"
        return read(code, (headers or "").encode(), server=server)

    async def has(
        self,
        message_id: str,
        *,
        server: str = "fake",
        connect: Callable[[str], Awaitable[Stream]] | None = None,
        timeout_s: float = 0,
    ) -> tuple[str, int, str]:
        """The call signature of `client.has`."""
        return "answered", 223 if message_id in self.posts else 430, f"Asked {server} by STAT."
