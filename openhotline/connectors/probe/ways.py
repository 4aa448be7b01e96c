"""The kinds of exit there are, and how an operator writes one down. Values only.

True here: a proxy is named by its literal address or by the path of a Unix socket, never by a name that
somebody would have to look up; user and password travel percent-encoded and are shown to nobody. Not here:
speaking to one (`exits.py`, `handshakes.py`).
"""

import ipaddress
from typing import NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

DIRECT = "direct"
SOCKS5_UNIX, SOCKS5 = "socks5-unix", "socks5"
CONNECT_UNIX, CONNECT, CONNECT_TLS = "connect-unix", "connect", "connect-tls"
KINDS = (DIRECT, SOCKS5_UNIX, SOCKS5, CONNECT_UNIX, CONNECT, CONNECT_TLS)
ON_A_SOCKET = (SOCKS5_UNIX, CONNECT_UNIX)
_SCHEMES = {
    "socks5": (SOCKS5_UNIX, SOCKS5),
    "http": (CONNECT_UNIX, CONNECT),
    "https": ("", CONNECT_TLS),
}


class Way(NamedTuple):
    """One exit. `at` is a path (…-unix) or "literal:port"; `name` the one on a TLS proxy's certificate."""

    kind: str
    at: str = ""
    user: str = ""
    password: str = ""
    name: str = ""

    def __repr__(self) -> str:
        """Without the password."""
        return f"Way({self.kind} {self.at}{' as ' + self.user if self.user else ''})"

    @property
    def written(self) -> list[str]:
        """Its parts without the empty ones at the end."""
        parts = list(self)
        while not parts[-1]:
            parts.pop()
        return parts

    @property
    def place(self) -> tuple[str, str, str]:
        """What makes it another way out than the next: where it leads, and as whom."""
        return self.at or self.kind, self.user, self.password

    @property
    def host_port(self) -> tuple[str, int]:
        """Where a proxy with an address listens."""
        host, _, port = self.at.rpartition(":")
        return host.strip("[]"), int(port)

    def fault(self) -> str:
        """Why this is no exit, or ""."""
        if self.kind not in KINDS:
            return f"must be one of {', '.join(KINDS)}"
        if self.kind == DIRECT:
            return "is direct and takes nothing else" if self != Way(DIRECT) else ""
        if self.kind in ON_A_SOCKET and not self.at.startswith("/"):
            return f"is {self.kind} and needs an absolute path"
        if self.kind not in ON_A_SOCKET:
            try:
                host, port = self.host_port
                ipaddress.ip_address(host)
            except ValueError:
                return "needs its proxy as literal:port, such as 192.0.2.7:1080; a name is not looked up"
            if not 0 < port < 65536:
                return "needs a port between 1 and 65535"
        if len(self.user.encode()) > 255 or len(self.password.encode()) > 255:
            return "has a user or password longer than SOCKS5 allows"
        if any(c < " " or c == "\x7f" for c in self.user + self.password) or ":" in self.user:
            return "has a user or password that cannot be sent"
        return ""


def read_way(text: str) -> Way:
    """One exit as an operator writes it. Raises ValueError, whose words never repeat a password.

    `direct`, `/run/a.sock` or `socks5:///run/a.sock`, `socks5://user:password@192.0.2.7:1080`,
    `http://192.0.2.8:3128`, `http:///run/b.sock`, `https://user:password@192.0.2.9:8443?name=proxy.example`.
    """
    if text == DIRECT:
        return Way(DIRECT)
    if text.startswith("/"):
        return Way(SOCKS5_UNIX, text)
    try:
        parts = urlsplit(text)
        on_socket, with_address = _SCHEMES[parts.scheme]
        host, port = parts.hostname or "", parts.port
        name = parse_qs(parts.query).get("name", [""])[0]
    except (KeyError, ValueError):
        raise ValueError(
            "is not written as direct, /path, socks5://, http:// or https:// with a literal and a port"
        ) from None
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if host:
        at = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        way = Way(with_address, at, user, password, name or (host if with_address == CONNECT_TLS else ""))
    else:
        way = Way(on_socket, parts.path, user, password)
    if why := way.fault():
        raise ValueError(why)
    return way
