"""The short walks: an onion address and a newsgroup post, for which there are neither name servers nor registries.

True here: an onion address is judged by its own checksum, and only an exit that carries onions touches it; a post
is asked for at the news servers the operator named, headers only. Not here: ordinary addresses (`trace.py`).
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime

from openhotline import __version__
from openhotline.connectors.moment import Moment
from openhotline.connectors.news import client as news
from openhotline.connectors.news.meaning import message_id
from openhotline.connectors.probe.config import ProbeConfig
from openhotline.connectors.probe.exits import NoWay
from openhotline.connectors.probe.meaning import TraceJob
from openhotline.connectors.probe.names import Names
from openhotline.connectors.probe.walk import Walker
from openhotline.rules import methods, urls
from openhotline.rules.facts import MethodAnswer

NEWS_PORT = 119
_TOOL = f"openhotline {__version__}"


def onion(config: ProbeConfig, job: TraceJob) -> tuple[MethodAnswer, ...]:
    """What can be said of an onion address without asking anybody."""
    read = urls.read(f"http://{job.host}/")
    carried = (
        f"Looks at it leave by {' and '.join(config.onion)}."
        if config.onion
        else "No exit of this house carries onion addresses (OPENHOTLINE_ONION)."
    )
    if not read.ok or read.note:
        why = read.why or read.note
        return (MethodAnswer(methods.ONION, ok=False, why=why, source="the address itself", tool=_TOOL),)
    why = f"It has neither name servers nor a registry: it hides where its server stands. {carried}"
    return (
        MethodAnswer(
            methods.ONION,
            ok=True,
            why=why,
            answer="version 3, checksum right",
            source="the address itself",
            tool=_TOOL,
            names=(read.registrable,),
        ),
    )


async def post(
    config: ProbeConfig, names: Names, walker: Walker, job: TraceJob, given: Moment
) -> tuple[MethodAnswer, ...]:
    """One answer per news server."""
    wanted = message_id(job.canonical)
    if not wanted:
        why = "This is no Message-ID that a news server could be asked for."
        return (MethodAnswer(methods.NEWS_SERVER, ok=False, why=why, tool=_TOOL),)
    if not config.tracing.news:
        why = "No news server is named (OPENHOTLINE_NEWS), so nobody can be asked for this post."
        return (MethodAnswer(methods.NEWS_SERVER, ok=False, why=why, tool=_TOOL),)
    asked = (
        given.came(_server(config, names, walker, server, wanted, job.at)) for server in config.tracing.news
    )
    return tuple(await asyncio.gather(*asked))


def way(names: Names, walker: Walker, vantage: str, at: datetime) -> Callable[[str], Awaitable[news.Stream]]:
    """How a news server ("name" or "name:port") is connected to from a vantage point. Raises OSError."""

    async def connect(server: str) -> news.Stream:
        host, _, port = server.partition(":") if server.count(":") == 1 else (server, "", "")
        resolved = await names.resolve(vantage, host, at)
        if not resolved.vetted:
            raise OSError(resolved.why.rstrip(".") or "it has no address")
        try:
            sock = await walker.exits.connect(vantage, resolved.vetted[0], int(port or NEWS_PORT))
        except NoWay as no:
            raise OSError(no.sentence.rstrip(".")) from None
        return await asyncio.open_connection(sock=sock)

    return connect


async def _server(
    config: ProbeConfig, names: Names, walker: Walker, server: str, wanted: str, at: datetime
) -> MethodAnswer:
    started = time.monotonic()
    vantage = config.trace_from
    found = await news.about(
        wanted,
        server=server,
        connect=way(names, walker, vantage, at),
        timeout_s=config.limits.connect_s,
        elapsed=lambda: round(time.monotonic() - started, 4),
    )
    fields = {name: getattr(found, name) for name in found.__slots__}
    return MethodAnswer(**{**fields, "vantage": vantage, "tool": _TOOL})
