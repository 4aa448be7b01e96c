"""A tiny internet inside one thread: a SOCKS5 exit on a Unix socket, and behind it whatever a test says.

A handler is `async (reader, writer)`; `hosts` maps (literal, port) to one. Nothing listens on a port.
"""

import asyncio
import ipaddress
import json
import struct
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import dns.message
import dns.rrset

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
RESOLVER = "192.0.2.53"
REGISTRY = "192.0.2.43"
SITE = "192.0.2.10"


class SmallWorld:
    """Start with `with SmallWorld(path) as world`."""

    def __init__(self, exit_socket: Path) -> None:
        self.exit_socket = exit_socket
        self.zones: dict[str, Any] = {}  # name -> list of literals | callable() -> list | ("CNAME", target)
        self.hosts: dict[tuple[str, int], Handler] = {(RESOLVER, 53): self.name_server}
        self.asked: list[tuple[str, int]] = []  # every CONNECT
        self.requests: list[bytes] = []  # every HTTP request head
        self.open_now: dict[str, int] = {}
        self.open_most: dict[str, int] = {}

    def __enter__(self) -> "SmallWorld":
        ready = threading.Event()

        def run() -> None:
            async def main() -> None:
                self.loop = asyncio.get_running_loop()
                self.stop = asyncio.Event()
                server = await asyncio.start_unix_server(self._socks, path=str(self.exit_socket))
                self.exit_socket.chmod(0o666)
                ready.set()
                await self.stop.wait()
                server.close()
                others = [t for t in asyncio.all_tasks() if t is not asyncio.current_task()]
                for task in others:
                    task.cancel()
                await asyncio.gather(*others, return_exceptions=True)

            asyncio.run(main())

        self.thread = threading.Thread(target=run, daemon=True)
        self.thread.start()
        assert ready.wait(5)
        return self

    def __exit__(self, *_: object) -> None:
        self.loop.call_soon_threadsafe(self.stop.set)
        self.thread.join(5)

    async def _socks(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            _, methods = await reader.readexactly(2)
            await reader.readexactly(methods)
            writer.write(b"\x05\x00")
            _, _, _, kind = await reader.readexactly(4)
            assert kind in (1, 4), "a name must never reach the exit"
            packed = await reader.readexactly(4 if kind == 1 else 16)
            (port,) = struct.unpack("!H", await reader.readexactly(2))
            literal = str(ipaddress.ip_address(packed))
            self.asked.append((literal, port))
            handler = self.hosts.get((literal, port))
            writer.write(b"\x05" + (b"\x00" if handler else b"\x05") + b"\x00\x01" + bytes(6))
            if handler:
                self.open_now[literal] = self.open_now.get(literal, 0) + 1
                self.open_most[literal] = max(self.open_most.get(literal, 0), self.open_now[literal])
                try:
                    await handler(reader, writer)
                    await writer.drain()
                finally:
                    self.open_now[literal] -= 1
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def name_server(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            (size,) = struct.unpack("!H", await reader.readexactly(2))
            query = dns.message.from_wire(await reader.readexactly(size))
            wire = self.answer(query).to_wire()
            writer.write(struct.pack("!H", len(wire)) + wire)

    def answer(self, query: dns.message.Message) -> dns.message.Message:
        reply = dns.message.make_response(query)
        asked = query.question[0]
        name = asked.name.to_text(omit_final_dot=True).lower()
        kind = asked.to_text().split()[-1]
        known = self.zones.get(name)
        known = known() if callable(known) else known
        if known is None:
            reply.set_rcode(3)
        elif isinstance(known, tuple):
            reply.answer.append(dns.rrset.from_text(asked.name, 60, "IN", "CNAME", known[1] + "."))
        else:
            mine = [a for a in known if kind in ("A", "AAAA") and (":" in a) == (kind == "AAAA")]
            if kind == "NS" and name == "example.org":
                mine = ["ns1.example.org."]
            if mine:
                reply.answer.append(dns.rrset.from_text(asked.name, 60, "IN", kind, *mine))
        return reply

    def page(self, body: bytes, head: str = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n") -> Handler:
        """A server that answers everything with one head and body."""

        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.requests.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)

        return handle

    def registry(self, answer: Any, kind: str = "application/rdap+json") -> Handler:
        """An RDAP server that says one thing about everything."""
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        return self.page(body, f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n")
