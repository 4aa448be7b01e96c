"""Checks addresses the way a hotline's script would, with requests, httpx or aiohttp: what checks.py compares with.

Also "bare": no library at all, sockets and epoll with one frozen request, nothing looked at but the blank line after the
headers and the length. It is no way to look at hostile servers; it shows what is left when everything else is taken away.

    PEER/bin/python peer_fetch.py LIBRARY COUNT HOSTS PATH-ENDING SITE [EXIT [DATABASE]]

True here: a new connection for each address, a browser's headers, one byte wanted of pictures, title and SHA-256 of a
page's text. With EXIT it goes through that SOCKS5 proxy. With DATABASE it is a complete check: compared with what the address showed last
time, a verdict, and a row of its own that is committed before the check counts as made. DATABASE is a new SQLite file
or a PostgreSQL address. No name is looked up (SITE is a literal), nothing is vetted, no ledger is kept. Prints its CPU
seconds as JSON. It runs in the peer's own environment, where nothing of the house is.
"""

import asyncio
import hashlib
import json
import re
import select
import socket
import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

HEADERS = {
    "User-Agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "en-US,en;q=0.5",
    "Range": "bytes=0-0",
}
AT_ONCE = 200
_TAGS, _SPACE = re.compile(r"<[^>]*>"), re.compile(r"\s+")
_TITLE = re.compile(r"<title[^>]*>([^<]*)", re.IGNORECASE)
Job = tuple[str, str]  # address to dial, host it is for
Done = Callable[[Job, int, str, bytes], None]  # what came back: status, type, body


class Keeper:
    """Verdict and row of each check, as it comes in."""

    TABLE = (
        "CREATE TABLE looks (id {key}, address TEXT NOT NULL, at DOUBLE PRECISION NOT NULL, status INTEGER NOT NULL,"
        " title TEXT NOT NULL, mark TEXT NOT NULL, verdict TEXT NOT NULL)"
    )

    def __init__(self, database: str) -> None:
        self.lock = threading.Lock()
        if database.startswith("postgres"):
            import psycopg

            self.mark, key = "%s", "bigserial PRIMARY KEY"
            self.base = psycopg.connect(database)
        else:
            self.mark, key = "?", "INTEGER PRIMARY KEY"
            self.base = sqlite3.connect(database, check_same_thread=False)
            self.base.execute("PRAGMA journal_mode=WAL")
            self.base.execute("PRAGMA synchronous=FULL")
        self.base.execute(self.TABLE.format(key=key))
        self.base.execute("CREATE INDEX looks_address ON looks (address, id)")
        self.base.commit()

    def keep(self, job: Job, status: int, title: str, mark: str) -> None:
        """One check: what it was last time, the verdict, the row, on disk."""
        address = job[1] + job[0].partition("/a/")[2]
        with self.lock:
            before = self.base.execute(
                f"SELECT status, mark FROM looks WHERE address = {self.mark} ORDER BY id DESC LIMIT 1",
                (address,),
            ).fetchone()
            shown = status in (200, 206)
            verdict = (
                "up" if shown and (before is None or before[1] == mark) else "changed" if shown else "miss"
            )
            marks = ", ".join([self.mark] * 6)
            self.base.execute(
                f"INSERT INTO looks (address, at, status, title, mark, verdict) VALUES ({marks})",
                (address, time.time(), status, title, mark, verdict),
            )
            self.base.commit()


def signs(kind: str, body: bytes) -> tuple[str, str]:
    """Title and fingerprint of a page; nothing of what is none."""
    if not kind.startswith("text/html"):
        return "", ""
    text = body.decode("utf-8", "replace")
    title = _TITLE.search(text)
    plain = _SPACE.sub(" ", _TAGS.sub(" ", text)).strip()
    return title[1].strip() if title else "", hashlib.sha256(plain.encode()).hexdigest()


def with_requests(jobs: list[Job], proxy: str, done: Done) -> None:
    """Sixteen threads, as its users do."""
    import requests

    proxies = {"http": proxy} if proxy else None

    def one(job: Job) -> None:
        got = requests.get(job[0], headers={**HEADERS, "Host": job[1]}, timeout=60, proxies=proxies)
        done(job, got.status_code, got.headers["content-type"], got.content)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(one, jobs))


def with_httpx(jobs: list[Job], proxy: str, done: Done) -> None:
    """One client, two hundred connections at once, none kept."""
    import httpx

    async def run() -> None:
        slots = asyncio.Semaphore(AT_ONCE)
        limits = httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=0)
        more = {"proxy": proxy} if proxy else {}
        async with httpx.AsyncClient(
            limits=limits, timeout=60, follow_redirects=True, trust_env=False, **more
        ) as client:

            async def one(job: Job) -> None:
                async with slots:
                    got = await client.get(job[0], headers={**HEADERS, "Host": job[1]})
                    done(job, got.status_code, got.headers["content-type"], got.content)

            await asyncio.gather(*map(one, jobs))

    asyncio.run(run())


def with_aiohttp(jobs: list[Job], proxy: str, done: Done) -> None:
    """One session, two hundred connections at once, none kept."""
    import aiohttp

    async def run() -> None:
        if proxy:
            from aiohttp_socks import ProxyConnector

            connector = ProxyConnector.from_url(proxy, limit=AT_ONCE, force_close=True)
        else:
            connector = aiohttp.TCPConnector(limit=AT_ONCE, force_close=True)
        async with aiohttp.ClientSession(connector=connector) as session:

            async def one(job: Job) -> None:
                async with session.get(job[0], headers={**HEADERS, "Host": job[1]}) as got:
                    done(job, got.status, got.content_type, await got.read())

            await asyncio.gather(*map(one, jobs))

    asyncio.run(run())


class _Bare:
    """One exchange by hand: SOCKS5 if there is a proxy, the request, the answer."""

    __slots__ = ("got", "job", "request", "sock", "steps")

    def __init__(self, job: Job, proxy: str) -> None:
        self.job, self.got = job, b""
        site, _, path = job[0].removeprefix("http://").partition("/")
        lines = "".join(f"{name}: {value}\r\n" for name, value in HEADERS.items())
        self.request = f"GET /{path} HTTP/1.1\r\nHost: {job[1]}\r\n{lines}Connection: close\r\n\r\n".encode()
        self.steps: list[bytes] = []
        host, _, port = (proxy.removeprefix("socks5://") or site).partition(":")
        if proxy:
            to = socket.inet_aton(site.partition(":")[0]) + int(site.partition(":")[2] or 80).to_bytes(2)
            self.steps = [b"\x05\x01\0", b"\x05\x01\0\x01" + to]
        self.sock = socket.socket()
        self.sock.setblocking(False)
        self.sock.connect_ex((host, int(port or 80)))

    def write(self) -> None:
        """The connection stands, or the proxy has answered: send what comes next."""
        self.sock.send(self.steps.pop(0) if self.steps else self.request)

    def read(self) -> bool:
        """Whether the answer has come whole."""
        piece = self.sock.recv(65536)
        if piece[:1] == b"\x05" and not self.got:
            assert piece[1] == 0, piece
            self.write()
            return False
        self.got += piece
        head, end, body = self.got.partition(b"\r\n\r\n")
        if not end:
            assert piece, "cut off"
            return False
        length = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
        return not piece or (length is not None and len(body) >= int(length[1]))


def with_nothing(jobs: list[Job], proxy: str, done: Done) -> None:
    """The kernel's own share and the least Python around it."""
    kind_of = re.compile(rb"content-type: *([^\r]*)", re.IGNORECASE)
    left, open_, poll = list(reversed(jobs)), {}, select.epoll()
    while left or open_:
        while left and len(open_) < AT_ONCE:
            one = _Bare(left.pop(), proxy)
            open_[one.sock.fileno()] = one
            poll.register(one.sock.fileno(), select.EPOLLOUT)
        for number, event in poll.poll():
            one = open_[number]
            if event & select.EPOLLOUT:
                one.write()
                poll.modify(number, select.EPOLLIN)
            elif one.read():
                one.sock.close()
                del open_[number]
                head, _, body = one.got.partition(b"\r\n\r\n")
                kind = kind_of.search(head)
                done(one.job, int(head[9:12]), kind[1].decode("latin-1") if kind else "", body)


def main() -> None:
    """Check, count, print."""
    library, count, hosts, ending, site, *more = sys.argv[1:]
    proxy, keeper = f"socks5://{more[0]}" if more else "", Keeper(more[1]) if len(more) > 1 else None
    jobs = [
        (f"http://{site}/a/{number}{ending}", f"h{number % int(hosts)}.example.org")
        for number in range(int(count))
    ]
    act = {"requests": with_requests, "httpx": with_httpx, "aiohttp": with_aiohttp, "bare": with_nothing}[
        library
    ]
    good: list[bool] = []

    def done(job: Job, status: int, kind: str, body: bytes) -> None:
        title, mark = signs(kind, body)
        if keeper:
            keeper.keep(job, status, title, mark)
        good.append(status in (200, 206))

    act(jobs[:50], proxy, done)
    good.clear()
    cpu, began = time.process_time(), time.perf_counter()
    act(jobs, proxy, done)
    said = {"cpu": time.process_time() - cpu, "seconds": time.perf_counter() - began, "good": sum(good)}
    print(json.dumps(said))


if __name__ == "__main__":
    main()
