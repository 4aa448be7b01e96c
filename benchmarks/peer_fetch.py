"""Fetches addresses the way a hotline's script would, with requests, httpx or aiohttp: what checks.py compares with.

    PEER/bin/python peer_fetch.py LIBRARY PORT COUNT HOSTS PATH-ENDING

True here: a new connection for each address, a browser's headers, one byte wanted of pictures, title and
SHA-256 of a page's text; no name look-up, no proxy, nothing kept. Prints its CPU seconds as JSON. It runs in the
peer's own environment, where nothing of the house is.
"""

import asyncio
import hashlib
import json
import re
import sys
import time
from concurrent.futures import ThreadPoolExecutor

HEADERS = {
    "User-Agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "en-US,en;q=0.5",
    "Range": "bytes=0-0",
}
AT_ONCE = 200
_TAGS, _SPACE = re.compile(r"<[^>]*>"), re.compile(r"\s+")


def mark(kind: str, body: bytes) -> str:
    """A fingerprint of a page; nothing of what is none."""
    if not kind.startswith("text/html"):
        return ""
    return hashlib.sha256(
        _SPACE.sub(" ", _TAGS.sub(" ", body.decode("utf-8", "replace"))).encode()
    ).hexdigest()


def with_requests(jobs: list[tuple[str, str]]) -> int:
    """Sixteen threads, as its users do."""
    import requests

    def one(job: tuple[str, str]) -> int:
        got = requests.get(job[0], headers={**HEADERS, "Host": job[1]}, timeout=60, allow_redirects=True)
        mark(got.headers["content-type"], got.content)
        return got.status_code

    with ThreadPoolExecutor(16) as pool:
        return sum(status in (200, 206) for status in pool.map(one, jobs))


def with_httpx(jobs: list[tuple[str, str]]) -> int:
    """One client, two hundred connections at once, none kept."""
    import httpx

    async def run() -> int:
        slots = asyncio.Semaphore(AT_ONCE)
        limits = httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=0)
        async with httpx.AsyncClient(
            limits=limits, timeout=60, follow_redirects=True, trust_env=False
        ) as client:

            async def one(job: tuple[str, str]) -> int:
                async with slots:
                    got = await client.get(job[0], headers={**HEADERS, "Host": job[1]})
                    mark(got.headers["content-type"], got.content)
                    return got.status_code

            return sum(status in (200, 206) for status in await asyncio.gather(*map(one, jobs)))

    return asyncio.run(run())


def with_aiohttp(jobs: list[tuple[str, str]]) -> int:
    """One session, two hundred connections at once, none kept."""
    import aiohttp

    async def run() -> int:
        connector = aiohttp.TCPConnector(limit=AT_ONCE, force_close=True)
        async with aiohttp.ClientSession(connector=connector) as session:

            async def one(job: tuple[str, str]) -> int:
                async with session.get(job[0], headers={**HEADERS, "Host": job[1]}) as got:
                    mark(got.content_type, await got.read())
                    return got.status

            return sum(status in (200, 206) for status in await asyncio.gather(*map(one, jobs)))

    return asyncio.run(run())


def main() -> None:
    """Fetch, count, print."""
    library, port, count, hosts, ending = sys.argv[1], *map(int, sys.argv[2:5]), sys.argv[5]
    jobs = [(f"http://127.0.0.1:{port}/a/{n}{ending}", f"h{n % hosts}.example.org") for n in range(count)]
    act = {"requests": with_requests, "httpx": with_httpx, "aiohttp": with_aiohttp}[library]
    act(jobs[:50])
    cpu, began = time.process_time(), time.perf_counter()
    good = act(jobs)
    print(
        json.dumps({"cpu": time.process_time() - cpu, "seconds": time.perf_counter() - began, "good": good})
    )


if __name__ == "__main__":
    main()
