"""Tests talk to this machine only.

Every connection and every name look-up made by Python in the test process is looked at first: Unix
sockets and loopback pass, anything else raises a sentence and fails the test even if the code under
test swallowed it. What is not here: libraries that open sockets in C (libpq, libcurl) and processes
that a test starts; they are given loopback addresses only.
"""

import ipaddress
import socket
from typing import Any

import pytest

ATTEMPTS: list[str] = []


class OutsideTheMachine(RuntimeError):
    """A test tried to reach something that is not this machine."""


def _is_ours(address: object) -> bool:
    if not isinstance(address, tuple):
        return True  # a Unix socket's path
    host = address[0]
    if host in ("", "localhost", None):
        return True
    text = host.decode() if isinstance(host, bytes) else str(host)
    try:
        number = ipaddress.ip_address(text.split("%")[0])
    except ValueError:
        return False
    return number.is_loopback or number.is_unspecified


def _refuse(what: str) -> None:
    ATTEMPTS.append(what)
    raise OutsideTheMachine(
        f"A test tried to {what}. Tests talk to this machine only: use the synthetic internet in openhotline/world."
    )


def close(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the guard on, for as long as `monkeypatch` lives."""

    def guarded(name: str, position: int) -> None:
        real = getattr(socket.socket, name)

        def method(self: socket.socket, *arguments: Any) -> Any:
            if self.family in (socket.AF_INET, socket.AF_INET6) and not _is_ours(arguments[position]):
                _refuse(f"{name} {arguments[position]!r}")
            return real(self, *arguments)

        monkeypatch.setattr(socket.socket, name, method)

    guarded("connect", 0)
    guarded("connect_ex", 0)
    guarded("sendto", -1)

    def looked_up(name: str) -> None:
        real = getattr(socket, name)

        def function(host: Any, *arguments: Any, **named: Any) -> Any:
            if not _is_ours((host,)) and not _is_literal(host):
                _refuse(f"look up {host!r}")
            return real(host, *arguments, **named)

        monkeypatch.setattr(socket, name, function)

    looked_up("getaddrinfo")
    looked_up("gethostbyname")


def _is_literal(host: object) -> bool:
    """Turning a literal address into a socket address asks nobody."""
    try:
        ipaddress.ip_address(host.decode() if isinstance(host, bytes) else str(host))
    except ValueError:
        return False
    return True
