"""A Tor network of its own on loopback: directory authorities, relays, one onion service, clients. Debian's `tor` plays all.

True here: real protocols and nothing outside this machine; about a minute until the service is found. Not here: what is
tested with it.
"""

import http.server
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from openhotline.world.sites import page

AUTHORITIES, RELAYS = 4, 4
PATH = "/rooms/1"
READY_S = 150.0
_ALL = """TestingTorNetwork 1
PathsNeededToBuildCircuits 0.67
ShutdownWaitLength 1
DisableDebuggerAttachment 0
ExitRelay 0
GeoIPFile /dev/null
GeoIPv6File /dev/null
"""
# Votes come every 20 seconds, and everybody may be everything.
_AUTHORITY = """AuthoritativeDirectory 1
V3AuthoritativeDirectory 1
ContactInfo nobody@example.test
TestingDirAuthVoteExit *
TestingDirAuthVoteHSDir *
TestingDirAuthVoteGuard *
TestingMinExitFlagThreshold 0
V3AuthNIntervalsValid 2
V3AuthVotingInterval 20
V3AuthVoteDelay 4
V3AuthDistDelay 4
TestingV3AuthInitialVotingInterval 20
TestingV3AuthInitialVoteDelay 4
TestingV3AuthInitialDistDelay 4
MinUptimeHidServDirectoryV2 0
"""


def installed() -> bool:
    """Whether this machine has what is needed."""
    return bool(shutil.which("tor") and shutil.which("tor-gencert"))


@dataclass
class TorNetwork:
    """A running network. `clients` are ports of SOCKS5 proxies, `onion` is the service's name."""

    folder: Path
    clients: tuple[int, ...]
    onion: str = ""
    seen: list[tuple[str, dict[str, str]]] = field(default_factory=list)  # path and headers of each request
    service: "subprocess.Popen[bytes] | None" = None

    def take_down(self) -> None:
        """The service ends, as it would if its machine were seized."""
        assert self.service is not None
        self.service.terminate()
        self.service.wait(20)

    def wait_until_found(self) -> None:
        """Until every client reaches the service. Raises TimeoutError."""
        end = time.monotonic() + READY_S
        for port in self.clients:
            while ask(port, self.onion, 30) != 0:
                if time.monotonic() > end:
                    raise TimeoutError("the onion service was not found in time")
                time.sleep(1)


def ask(port: int, name: str, patience_s: float) -> int:
    """The code with which a Tor client answers a wish for a connection (RFC 1928); -1 if it says nothing in time."""
    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.settimeout(patience_s)
        try:
            sock.sendall(b"\x05\x01\x00")
            sock.recv(2)
            sock.sendall(b"\x05\x01\x00\x03" + bytes((len(name),)) + name.encode() + b"\x00\x50")
            return sock.recv(10)[1]
        except (TimeoutError, IndexError):
            return -1


@contextmanager
def tor_network(folder: Path, *, clients: int = 2) -> Iterator[TorNetwork]:
    """Start it; everything ends with it."""
    ports = iter(_free_ports(2 * AUTHORITIES + RELAYS + clients))
    with ExitStack() as stack:
        members = [_authority(folder / f"authority{n}", next(ports), next(ports)) for n in range(AUTHORITIES)]
        known = "".join(line for line, _ in members)
        for number, (_, own) in enumerate(members):
            _start(stack, folder / f"authority{number}", known + _AUTHORITY + own)
        for number in range(RELAYS):
            _start(stack, folder / f"relay{number}", known + _relay(f"relay{number}", next(ports)))
        network = TorNetwork(folder, tuple(next(ports) for _ in range(clients)))
        for port in network.clients:
            _start(stack, folder / f"client{port}", known + f"SocksPort 127.0.0.1:{port} ExtendedErrors\n")
        web = stack.enter_context(_web(network))
        service = folder / "service"
        (service / "hidden").mkdir(parents=True, mode=0o700)
        told = f"SocksPort 0\nHiddenServiceDir {service}/hidden\nHiddenServicePort 80 127.0.0.1:{web}\n"
        network.service = _start(stack, service, known + told)
        name = service / "hidden" / "hostname"
        end = time.monotonic() + READY_S
        while not name.exists() and time.monotonic() < end:
            time.sleep(0.2)
        network.onion = name.read_text("ascii").strip()
        network.wait_until_found()
        yield network


def _free_ports(count: int) -> Sequence[int]:
    with ExitStack() as stack:
        socks = [stack.enter_context(socket.socket()) for _ in range(count)]
        for sock in socks:
            sock.bind(("127.0.0.1", 0))
        return [sock.getsockname()[1] for sock in socks]


def _relay(name: str, port: int) -> str:
    return f"Nickname {name}\nAddress 127.0.0.1\nORPort 127.0.0.1:{port}\nAssumeReachable 1\nSocksPort 0\n"


def _authority(folder: Path, port: int, directory: int) -> tuple[str, str]:
    """(the line by which others know it, its own lines)."""
    keys = folder / "keys"
    keys.mkdir(parents=True, mode=0o700)
    folder.chmod(0o700)
    certificate = keys / "authority_certificate"
    files = ("-i", keys / "authority_identity_key", "-s", keys / "authority_signing_key", "-c", certificate)
    made = ["tor-gencert", "--create-identity-key", "--passphrase-fd", "0", "-m", "12", "-a"]
    subprocess.run(
        [*made, f"127.0.0.1:{directory}", *map(str, files)], input=b"x\n", check=True, capture_output=True
    )
    identity = re.search(r"fingerprint (\w{40})", certificate.read_text("ascii"))
    somebody = "x 127.0.0.1:1 ffffffffffffffffffffffffffffffffffffffff"
    asked = ["tor", "--list-fingerprint", "--quiet", "--ignore-missing-torrc", "-f", str(folder / "none")]
    said = subprocess.run(
        [*asked, "--orport", "1", "--dirserver", somebody, "--datadirectory", str(folder)],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    own = said.strip().splitlines()[-1].partition(" ")[2].replace(" ", "")
    assert identity is not None
    name = folder.name
    line = f"DirAuthority {name} orport={port} no-v2 v3ident={identity[1]} 127.0.0.1:{directory} {own}\n"
    return line, _relay(name, port) + f"DirPort 127.0.0.1:{directory}\n"


def _start(stack: ExitStack, folder: Path, lines: str) -> "subprocess.Popen[bytes]":
    folder.mkdir(mode=0o700, exist_ok=True)
    (folder / "torrc").write_text(f"{_ALL}DataDirectory {folder}\nLog notice file {folder}/log\n{lines}")
    nothing = str(folder / "none")
    command = ["tor", "--quiet", "--defaults-torrc", nothing, "--ignore-missing-torrc", "-f"]
    process = subprocess.Popen([*command, str(folder / "torrc")])
    stack.callback(process.wait)
    stack.callback(process.terminate)
    return process


@contextmanager
def _web(network: TorNetwork) -> Iterator[int]:
    class Pages(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            network.seen.append((self.path, dict(self.headers)))
            there = self.path == PATH
            body = page("Rooms", "These words and nothing else.") if there else page("Not found", "Nothing.")
            self.send_response(200 if there else 404)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body.encode())))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
