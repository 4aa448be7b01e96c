"""Web hosts answer, vanish, move and come back as the scenario says; and there is no picture anywhere."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

import openhotline.world
from openhotline.rules.refusals import Refused
from openhotline.world.serve import World
from tests.world import calls
from tests.world.calls import get, through

HOME = "http://img.example.net/set/one"
HOUR = timedelta(hours=1)


def at(world: World, url: str) -> str:
    """Where a site is now."""
    (site,) = [site for site in world.truth()["sites"] if site["address"] == url]
    return str(site["now"]["ip"] or site["now"]["ip6"])


def status(world: World, url: str, **named: object) -> int:
    return get(world.exit_socket, url, at(world, url), **named).status  # type: ignore[arg-type]


def test_every_site_answers_with_a_page_of_text_and_not_one_byte_of_a_picture(world: World) -> None:
    world.clock.jump(world.scenario.start + HOUR)
    for site in world.scenario.sites:
        page = get(
            world.exit_socket, site.address, at(world, site.address), headers={"Referer": site.referrer}
        )
        assert page.status == 200, site.address
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        text = page.body.decode("ascii").lower()
        for word in ("img", "src=", "href", "image", "svg", "data:", "script", "url("):
            assert word not in text.replace("img.example.net", ""), (site.address, word)


def test_the_world_has_no_media_file_and_no_picture_bytes_in_its_source() -> None:
    folder = Path(openhotline.world.__path__[0])
    files = [file for file in folder.rglob("*") if file.is_file() and "__pycache__" not in file.parts]
    assert files
    assert {file.suffix for file in files} == {".py"}
    for file in files:
        source = file.read_text(encoding="utf-8")
        assert not re.search(
            r"<img|<svg|<picture|<video|\\x89PNG|GIF8|\\xff\\xd8|data:image|image/", source
        ), file.name


def test_one_byte_may_be_asked_for(world: World) -> None:
    page = get(world.exit_socket, HOME, "192.0.2.68", headers={"Range": "bytes=0-0"})
    assert (page.status, page.body) == (206, b"<")
    assert re.fullmatch(r"bytes 0-0/\d+", page.headers["content-range"])
    assert get(world.exit_socket, HOME, "192.0.2.68", headers={"Range": "bytes=99999-"}).status == 416


def test_a_connection_serves_several_requests_and_bad_ones_are_told_so(world: World) -> None:
    with through(world.exit_socket, "192.0.2.68", 80) as sock:
        for _ in range(3):
            sock.sendall(b"GET /set/one HTTP/1.1\r\nHost: img.example.net\r\n\r\n")
            assert calls.read_page(sock).status == 200
    for request, code in (
        (b"rubbish\r\n\r\n", 400),
        (b"POST /set/one HTTP/1.1\r\nHost: img.example.net\r\n\r\n", 405),
        (b"GET /" + b"x" * 200_000, 431),
        (b"GET /\x00\xff HTTP/1.1\r\nHost: \xff\r\n\r\n", 404),
    ):
        with through(world.exit_socket, "192.0.2.68", 80) as sock:
            sock.sendall(request)
            assert calls.read_page(sock).status == code


def test_what_vanishes_is_not_found_from_then_on(world: World) -> None:
    url = "http://brief.example.org/p/7"
    assert status(world, url) == 200
    world.clock.jump(world.scenario.start + 2 * HOUR)
    assert status(world, url) == 404


def test_what_moves_answers_from_its_new_place_only(world: World) -> None:
    url = "http://nomad.example.net/g/2"
    assert get(world.exit_socket, url, "192.0.2.70").status == 200
    world.clock.jump(world.scenario.start + 2 * HOUR)
    assert get(world.exit_socket, url, "192.0.2.70").status == 404
    assert get(world.exit_socket, url, "198.51.100.20").status == 200
    (site,) = [site for site in world.truth()["sites"] if site["address"] == url]
    assert [(stay["country"], stay["asn"]) for stay in site["where"]] == [("GB", 64500), ("NL", 64506)]
    assert site["where"][0]["to"] == site["where"][1]["from"] == "2026-05-12T09:00:00+00:00"


def test_what_was_silent_answers_after_forty_minutes(world: World) -> None:
    with through(world.exit_socket, "192.0.2.74", 80) as sock:
        sock.settimeout(0.2)
        sock.sendall(b"GET /l/4 HTTP/1.1\r\nHost: late.example.org\r\n\r\n")
        with pytest.raises(TimeoutError):
            sock.recv(1)
    world.clock.jump(world.scenario.start + timedelta(minutes=40))
    assert status(world, "http://late.example.org/l/4") == 200


def test_the_disguised_site_shows_itself_only_to_who_comes_from_the_right_page(world: World) -> None:
    url = "http://shop.example.com/s/5"
    assert status(world, url) == 404
    assert status(world, url, headers={"Referer": "http://door.example.com/other"}) == 404
    assert status(world, url, headers={"Referer": "http://door.example.com/list"}) == 200


def test_a_site_over_ipv6_only(world: World) -> None:
    assert get(world.exit_socket, "http://six.example.org/v6/1", "2001:db8:1::61").status == 200
    assert get(world.exit_socket, "http://six.example.org/v6/1", "192.0.2.68").status == 404


def test_a_site_is_found_under_its_own_name_and_path_only(world: World) -> None:
    assert get(world.exit_socket, "http://img.example.net/view?id=17", "192.0.2.68").status == 200
    assert get(world.exit_socket, "http://img.example.net/view?id=18", "192.0.2.68").status == 404
    assert get(world.exit_socket, "http://img.example.net/", "192.0.2.68").status == 200
    assert get(world.exit_socket, "http://192.0.2.68/set/one", "192.0.2.68").status == 404


def test_a_trainer_makes_things_happen(world: World) -> None:
    world.script("gone", address=HOME, status=410)
    assert status(world, HOME) == 410
    world.script("back", address=HOME)
    assert status(world, HOME) == 200
    world.script("outage", address=HOME)
    assert status(world, HOME) == 503
    world.script("back", address=HOME)
    world.script("block", address=HOME, vantage="south")
    assert status(world, HOME) == 200
    assert get(world.exit_south_socket, HOME, "192.0.2.68").status == 403
    world.script("unblock", address=HOME, vantage="south")
    assert get(world.exit_south_socket, HOME, "192.0.2.68").status == 200
    world.script("cut-off", address=HOME)
    with pytest.raises(EOFError):
        status(world, HOME)
    world.script("move", address=HOME, ip="203.0.113.9", after_s=60)
    assert at(world, HOME) == "192.0.2.68"
    world.clock.jump(world.clock.now() + timedelta(minutes=1))
    assert at(world, HOME) == "203.0.113.9"
    world.script("add", address="http://new.example.org/a", ip="192.0.2.69")
    assert status(world, "http://new.example.org/a") == 200
    assert calls.found(world.exit_socket, "new.example.org") == ["192.0.2.69"]


@pytest.mark.parametrize(
    ("do", "fields", "sentence"),
    [
        ("explode", {}, "Choose"),
        ("gone", {"address": "http://nowhere.example.org/"}, "no site"),
        ("gone", {}, "does not understand"),
        ("gone", {"address": HOME, "colour": "red"}, "does not understand"),
        ("move", {"address": HOME}, "needs an ip"),
        ("move", {"address": HOME, "ip": "127.0.0.1"}, "no network"),
        ("switch", {"area": "dns", "word": "explode"}, "Choose"),
        ("add", {"address": "http://real.example.invalid/", "ip": "192.0.2.69"}, "reserved"),
        ("add", {"address": HOME, "ip": "192.0.2.69"}, "already"),
    ],
)
def test_what_cannot_be_done_is_refused_with_a_sentence(
    world: World, do: str, fields: dict[str, str], sentence: str
) -> None:
    with pytest.raises(Refused, match=sentence):
        world.script(do, **fields)
