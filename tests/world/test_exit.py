"""The exits carry documentation addresses, written as literals, and nothing else."""

from pathlib import Path

import pytest

from openhotline.world.serve import World
from tests.world import calls
from tests.world.calls import SocksRefused, get, through

HOME = "http://img.example.net/set/one"


@pytest.mark.parametrize(
    "target", ["127.0.0.1", "10.0.0.1", "198.51.101.1", "::1", "::ffff:192.0.2.68", "2001:db9::1"]
)
def test_an_address_outside_the_documentation_ranges_is_refused(world: World, target: str) -> None:
    with pytest.raises(SocksRefused) as refused, through(world.exit_socket, target, 80):
        pass
    assert refused.value.reply == 2
    assert world.visits()[-1]["reply"] == 2


@pytest.mark.parametrize("name", ["img.example.net", "localhost", "192.0.2.68.", "x" * 255])
def test_a_name_is_refused_although_the_world_knows_it(world: World, name: str) -> None:
    with pytest.raises(SocksRefused) as refused, through(world.exit_socket, name, 80):
        pass
    assert refused.value.reply == 8


@pytest.mark.parametrize(
    ("target", "port"),
    [("192.0.2.68", 8443), ("192.0.2.68", 22), ("192.0.2.53", 80443 % 65536), ("203.0.113.200", 80)],
)
def test_nothing_else_listens(world: World, target: str, port: int) -> None:
    with pytest.raises(SocksRefused) as refused, through(world.exit_socket, target, port):
        pass
    assert refused.value.reply == 5


def test_only_connect_is_known_and_a_password_is_not_asked(world: World) -> None:
    with calls.unix(world.exit_socket) as sock:
        sock.sendall(b"\x05\x01\x02")
        assert sock.recv(10) == b"\x05\xff"
    with calls.unix(world.exit_socket) as sock:
        sock.sendall(b"\x05\x01\x00" + b"\x05\x02\x00\x01" + bytes([192, 0, 2, 68]) + b"\x00\x50")
        assert calls.exactly(sock, 12)[3] == 7
    with calls.unix(world.exit_socket) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\n\r\n" + bytes(200))
        assert sock.recv(12) == b"HTTP/1.1 405"


def test_each_exit_is_its_own_vantage_point_and_keeps_who_came(world: World) -> None:
    get(world.exit_socket, HOME, "192.0.2.68")
    get(world.exit_south_socket, HOME, "192.0.2.68")
    seen = [(visit["vantage"], visit["target"], visit["port"], visit["reply"]) for visit in world.visits()]
    assert sorted(seen) == [("north", "192.0.2.68", 80, 0), ("south", "192.0.2.68", 80, 0)]
    assert [request["vantage"] for request in world.requests()] == ["north", "south"]


@pytest.mark.parametrize(
    ("to", "said"),
    [
        ("192.0.2.68:80", b"200"),
        ("[2001:db8:1::61]:80", b"200"),
        ("192.0.2.68:25", b"502"),
        ("127.0.0.1:80", b"403"),
        ("169.254.169.254:80", b"403"),
        ("img.example.net:80", b"400"),
        ("192.0.2.68", b"400"),
    ],
)
def test_the_same_in_http_connect(world: World, to: str, said: bytes) -> None:
    with calls.unix(world.exit_west_socket) as sock:
        sock.sendall(f"CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n\r\n".encode())
        assert sock.recv(4096).split()[1] == said
        if said == b"200":
            sock.sendall(b"GET / HTTP/1.1\r\nHost: img.example.net\r\n\r\n")
            assert sock.recv(4096).startswith(b"HTTP/1.1 ")
    assert world.visits()[-1]["vantage"] == "west"


def test_a_page_can_be_hidden_from_one_place(world: World) -> None:
    world.script("block", address=HOME, vantage="west")
    with calls.unix(world.exit_west_socket) as sock:
        sock.sendall(b"CONNECT 192.0.2.68:80 HTTP/1.1\r\n\r\n")
        assert b" 200 " in sock.recv(4096)
        host, path = HOME.removeprefix("http://").split("/", 1)
        sock.sendall(f"GET /{path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        assert sock.recv(4096).startswith(b"HTTP/1.1 403")
    assert get(world.exit_socket, HOME, "192.0.2.68").status == 200
    world.script("unblock", address=HOME, vantage="west")


def test_our_own_line_can_be_down_and_then_not_even_the_canary_answers(world: World) -> None:
    assert get(world.exit_socket, "http://canary.example.org/", "192.0.2.40").status == 200
    world.script("switch", area="line", key="north", word="down")
    with pytest.raises(SocksRefused) as refused:
        get(world.exit_socket, "http://canary.example.org/", "192.0.2.40")
    assert refused.value.reply == 3
    assert get(world.exit_south_socket, "http://canary.example.org/", "192.0.2.40").status == 200
    world.script("switch", area="line", key="north", word="normal")
    assert get(world.exit_socket, "http://canary.example.org/", "192.0.2.40").status == 200


def test_the_exit_serves_every_user_and_works_at_a_very_long_path(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 120)
    with World(deep, bundle=0) as world:
        assert world.exit_socket.stat().st_mode & 0o777 == 0o666
        assert len(str(world.exit_socket)) > 108
        assert get(world.exit_socket, HOME, "192.0.2.68").status == 200
    assert not world.exit_socket.exists()
