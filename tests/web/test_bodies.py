"""A body in chunks reaches a door as any other body does."""

from io import BytesIO
from typing import Any

import pytest
from gunicorn.http.errors import InvalidChunkSize, NoMoreData

from openhotline.web.bodies import whole


def ask(stream: Any, **more: str) -> tuple[str, bytes, dict[str, Any]]:
    """What the application behind was given (status "200"), or what was answered in its stead."""
    said: list[str] = []
    environ: dict[str, Any] = {"wsgi.input": stream, "HTTP_TRANSFER_ENCODING": "Chunked", **more}

    def door(given: dict[str, Any], start_response: Any) -> Any:
        start_response("200", [])
        return [given["wsgi.input"].read(int(given["CONTENT_LENGTH"]))]

    parts = whole(door, most=100)(environ, lambda status, headers: said.append(status))
    return said[0], b"".join(parts), environ


@pytest.mark.parametrize(("sent", "told"), [(0, 0), (1, 1), (100, 100), (101, 101), (5_000_000, 101)])
def test_its_length_is_told_and_of_too_much_one_byte_more_than_a_door_reads(sent: int, told: int) -> None:
    stream = BytesIO(b"a" * sent)
    status, body, environ = ask(stream)
    assert (status, body, environ["CONTENT_LENGTH"]) == ("200", b"a" * told, str(told))
    assert "HTTP_TRANSFER_ENCODING" not in environ, "nobody behind reads it as chunks again"
    assert stream.read() == b"", "the sender can hear the answer"


@pytest.mark.parametrize("fault", [NoMoreData(), InvalidChunkSize(b"zz")])
def test_what_ends_too_early_is_not_taken_for_the_whole(fault: Exception) -> None:
    class Broken(BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if piece := super().read(3):
                return piece
            raise fault

    status, body, _ = ask(Broken(b"url=http://a.example/"))
    assert (status[:3], b"nothing of it was kept" in body) == ("400", True)


def test_a_body_that_gives_its_length_is_left_alone() -> None:
    stream = BytesIO(b"abc")
    assert ask(stream, HTTP_TRANSFER_ENCODING="", CONTENT_LENGTH="3")[2]["wsgi.input"] is stream
