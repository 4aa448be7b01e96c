"""Page 1 answered before Django: the same answer, header by header, and nothing else is answered so."""

import asyncio
import errno
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core.handlers.wsgi import WSGIHandler

from openhotline.records.spool import OPENED, Spool, SpoolFull
from openhotline.web.headers import Application
from openhotline.web.public import drafts, views
from openhotline.web.public import first as module
from openhotline.web.public.first import LONGEST, First
from openhotline.web.threads import Threads
from tests.web.public_door import PublicDoor, open_door

# Django's own part of the door closes old connections of whoever ran before in this process.
pytestmark = [pytest.mark.django_db, pytest.mark.once]
PLAIN = {"url": "https://img.example.net/a/7f3c\r\nhttp://b.example.org/bücher"}
Said = tuple[int, dict[bytes, bytes], str]


@pytest.fixture
def door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PublicDoor]:
    with open_door(tmp_path, monkeypatch) as opened:
        yield opened


def ask_all(
    answer: Any, bodies: list[bytes], headers: dict[bytes, bytes] | None = None, **more: Any
) -> list[Said]:
    """The answers to requests that come at the same moment: status, headers, text."""
    given = {b"content-type": b"application/x-www-form-urlencoded", b"host": b"localhost"} | (headers or {})
    scope: dict[str, Any] = {
        "type": "http", "method": "POST", "path": "/report", "query_string": b"", "scheme": "http",
        "http_version": "1.1", "headers": list(given.items()), **more,
    }  # fmt: skip
    scope["raw_path"] = scope["path"].encode()

    async def one(body: bytes) -> Said:
        said: list[Any] = []

        async def send(message: Any) -> None:
            said.append(message)

        await answer(scope, body, send)
        return said[0]["status"], dict(said[0]["headers"]), b"".join(m["body"] for m in said[1:]).decode()

    async def all_of_them() -> list[Said]:
        return list(await asyncio.gather(*map(one, bodies)))

    return asyncio.run(all_of_them())


def ask(answer: Any, body: bytes, headers: dict[bytes, bytes] | None = None, **more: Any) -> Said:
    return ask_all(answer, [body], headers, **more)[0]


def first(application: Application) -> First:
    return First(Threads(application))


def untouched(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
    raise AssertionError("Django was asked.")


def test_the_answer_is_djangos_header_by_header(door: PublicDoor) -> None:
    body = urlencode(PLAIN).encode()
    status, headers, page = ask(first(untouched), body)
    by_django = ask(Threads(WSGIHandler()), body)
    theirs = by_django[1]
    assert (status, page) == (by_django[0], by_django[2]) == (303, "")
    token, other = (found.pop(b"location").split(b"/")[2].decode() for found in (headers, theirs))
    assert headers == theirs
    assert token != other
    ours, django = [report for kind, report in door.filed() if kind == OPENED]
    assert ours.lines == django.lines == ("https://img.example.net/a/7f3c", "http://b.example.org/bücher")
    assert (ours.complete, ours.exact_at, ours.received_at) == (
        django.complete, django.exact_at, django.received_at,
    )  # fmt: skip
    assert drafts.load(door.house.data_dir / "drafts", token) is not None
    assert door.get(f"/report/{token}/what").status_code == 200


def test_many_at_once_share_few_flushes_and_each_has_its_own_draft(
    door: PublicDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushes: list[int] = []
    begin = views.begin
    monkeypatch.setattr(views, "begin", lambda starts: flushes.append(len(starts)) or begin(starts))
    lines = [f"http://site-{number}.example/" for number in range(40)]
    said = ask_all(first(untouched), [urlencode({"url": line}).encode() for line in lines])
    assert sum(flushes) == 40
    assert len(flushes) <= 3, "who came while the disk was busy is kept together"
    folder = door.house.data_dir / "drafts"
    opened = [drafts.load(folder, headers[b"location"].split(b"/")[2].decode()) for _, headers, _ in said]
    assert [draft.lines for draft in opened if draft] == [(line,) for line in lines], (
        "nobody has another's page"
    )
    assert sorted(report.lines[0] for _, report in door.filed()) == sorted(lines)


@pytest.mark.parametrize(
    ("body", "headers", "more", "status"),
    [
        (b"", {}, {"method": "GET"}, 200),
        (b"url=+%0D%0A", {}, {}, 422),
        (urlencode(PLAIN).encode(), {}, {"path": "/report/app"}, 422),
        (urlencode(PLAIN).encode(), {}, {"query_string": b"a=b"}, 303),
        (b"url=" + b"a" * LONGEST, {}, {}, 303),
        (b'--x\r\nContent-Disposition: form-data; name="url"\r\n\r\nhttp://a.example.net/\r\n--x--\r\n',
         {b"content-type": b"multipart/form-data; boundary=x"}, {}, 303),
    ],
)  # fmt: skip
def test_what_is_not_plainly_a_filled_page_1_is_djangos(
    door: PublicDoor, body: bytes, headers: dict[bytes, bytes], more: dict[str, Any], status: int
) -> None:
    asked: list[bool] = []
    django = WSGIHandler()

    def noted(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        asked.append(True)
        return django(environ, start_response)

    assert ask(first(noted), body, headers, **more)[0] == status
    assert asked == [True]


def test_a_host_that_is_not_ours_is_refused_by_django(
    door: PublicDoor, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ALLOWED_HOSTS = ["localhost"]
    monkeypatch.setattr(module, "_known_host", module._known_host.__wrapped__)
    body = urlencode(PLAIN).encode()
    assert ask(first(WSGIHandler()), body, {b"host": b"elsewhere.example.net"})[0] == 400
    assert door.filed() == []
    assert ask(first(untouched), body)[0] == 303


def test_a_full_spool_is_said_and_nothing_is_claimed(
    door: PublicDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object) -> None:
        raise SpoolFull("The disk is full.")

    monkeypatch.setattr(Spool, "append", full)
    for status, _, page in ask_all(first(WSGIHandler()), [urlencode(PLAIN).encode()] * 3):
        assert status == 503
        assert "Nothing was sent." in page


def test_a_full_disk_after_page_one_says_that_page_one_is_kept_and_keeps_it_once(
    door: PublicDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(drafts, "_write", full)
    status, _, page = ask(first(WSGIHandler()), urlencode(PLAIN).encode())
    assert status == 503
    assert "We have what you gave us on page 1" in page
    assert len(door.filed()) == 1


def test_a_fault_of_ours_shows_no_word_of_what_was_typed(
    door: PublicDoor, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    typed = PLAIN["url"]

    def broken(*args: object) -> None:
        raise RuntimeError(typed)

    monkeypatch.setattr(drafts, "_write", broken)
    status, _, page = ask(first(WSGIHandler()), urlencode(PLAIN).encode())
    assert status == 500
    assert "img.example.net" not in page + caplog.text
