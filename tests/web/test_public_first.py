"""Page 1 answered before Django: the same answer, header by header, and nothing else is answered so."""

import errno
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core.handlers.wsgi import WSGIHandler

from openhotline.records.spool import OPENED, Spool, SpoolFull
from openhotline.web.headers import Application
from openhotline.web.public import drafts
from openhotline.web.public import first as module
from openhotline.web.public.first import LONGEST, first
from tests.web.public_door import PublicDoor, open_door

# Django's own part of the door closes old connections of whoever ran before in this process.
pytestmark = [pytest.mark.django_db, pytest.mark.once]
PLAIN = {"url": "https://img.example.net/a/7f3c\r\nhttp://b.example.org/bücher"}


@pytest.fixture
def door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PublicDoor]:
    with open_door(tmp_path, monkeypatch) as opened:
        yield opened


def ask(application: Application, body: bytes, **more: str) -> tuple[str, dict[str, str], str]:
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "POST", "PATH_INFO": "/report", "SCRIPT_NAME": "", "QUERY_STRING": "",
        "CONTENT_TYPE": "application/x-www-form-urlencoded", "CONTENT_LENGTH": str(len(body)),
        "HTTP_HOST": "localhost", "SERVER_NAME": "localhost", "SERVER_PORT": "80", "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(body), **more,
    }  # fmt: skip
    said: list[tuple[str, dict[str, str]]] = []
    parts = application(environ, lambda status, headers: said.append((status, dict(headers))))
    return *said[0], b"".join(parts).decode()


def untouched(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
    raise AssertionError("Django was asked.")


def test_the_answer_is_djangos_header_by_header(door: PublicDoor) -> None:
    body = urlencode(PLAIN).encode()
    status, headers, page = ask(first(untouched), body)
    by_django = ask(WSGIHandler(), body)
    theirs = by_django[1]
    assert (status, page) == (by_django[0], by_django[2])
    token, other = headers.pop("Location").split("/")[2], theirs.pop("Location").split("/")[2]
    assert headers == theirs
    assert token != other
    ours, django = [report for kind, report in door.filed() if kind == OPENED]
    assert ours.lines == django.lines == ("https://img.example.net/a/7f3c", "http://b.example.org/bücher")
    assert (ours.complete, ours.exact_at, ours.received_at) == (
        django.complete, django.exact_at, django.received_at,
    )  # fmt: skip
    assert drafts.load(door.house.data_dir / "drafts", token) is not None
    assert door.get(f"/report/{token}/what").status_code == 200


@pytest.mark.parametrize(
    ("body", "more", "status"),
    [
        (b"", {"REQUEST_METHOD": "GET"}, "200"),
        (b"url=+%0D%0A", {}, "422"),
        (urlencode(PLAIN).encode(), {"PATH_INFO": "/report/app"}, "422"),
        (b"url=" + b"a" * LONGEST, {}, "303"),
        (b'--x\r\nContent-Disposition: form-data; name="url"\r\n\r\nhttp://a.example.net/\r\n--x--\r\n',
         {"CONTENT_TYPE": "multipart/form-data; boundary=x"}, "303"),
        (urlencode(PLAIN).encode(), {"CONTENT_LENGTH": "many"}, "422"),
    ],
)  # fmt: skip
def test_what_is_not_plainly_a_filled_page_1_is_djangos(
    door: PublicDoor, body: bytes, more: dict[str, str], status: str
) -> None:
    asked: list[bool] = []
    django = WSGIHandler()

    def noted(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        asked.append(True)
        return django(environ, start_response)

    assert ask(first(noted), body, **more)[0].startswith(status)
    assert asked == [True]


def test_a_host_that_is_not_ours_is_refused_by_django(
    door: PublicDoor, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ALLOWED_HOSTS = ["localhost"]
    monkeypatch.setattr(module, "_known_host", module._known_host.__wrapped__)
    body = urlencode(PLAIN).encode()
    assert ask(first(WSGIHandler()), body, HTTP_HOST="elsewhere.example.net")[0].startswith("400")
    assert door.filed() == []
    assert ask(first(untouched), body)[0].startswith("303")


def test_a_full_spool_is_said_and_nothing_is_claimed(
    door: PublicDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object) -> None:
        raise SpoolFull("The disk is full.")

    monkeypatch.setattr(Spool, "append", full)
    status, _, page = ask(first(WSGIHandler()), urlencode(PLAIN).encode())
    assert status.startswith("503")
    assert "Nothing was sent." in page


def test_a_full_disk_after_page_one_says_that_page_one_is_kept_and_keeps_it_once(
    door: PublicDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(drafts, "_write", full)
    status, _, page = ask(first(WSGIHandler()), urlencode(PLAIN).encode())
    assert status.startswith("503")
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
    assert status.startswith("500")
    assert "img.example.net" not in page + caplog.text
