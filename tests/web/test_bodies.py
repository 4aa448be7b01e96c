"""A body reaches a door whole, however it came."""

import asyncio
from typing import Any

import pytest

from openhotline.web.bodies import Whole, say
from openhotline.web.threads import Threads


def ask(*messages: dict[str, Any], most: int = 100) -> tuple[int, bytes, list[bytes]]:
    """Status and body of the answer, and what the door behind was given."""
    given: list[bytes] = []
    said: list[Any] = []
    coming = iter(messages)

    async def door(scope: Any, body: bytes, send: Any) -> None:
        given.append(body)
        await say(send, 200, [])

    async def receive() -> Any:
        return next(coming)

    async def send(message: Any) -> None:
        said.append(message)

    asyncio.run(Whole(door, most=most)({"type": "http"}, receive, send))
    return said[0]["status"], said[1]["body"], given


def piece(data: bytes, *, more: bool = True) -> dict[str, Any]:
    return {"type": "http.request", "body": data, "more_body": more}


@pytest.mark.parametrize(("sent", "told"), [(0, 0), (1, 1), (100, 100), (101, 101), (5_000_000, 101)])
def test_of_too_much_one_byte_more_is_told_than_a_door_reads(sent: int, told: int) -> None:
    body = b"a" * sent
    assert ask(piece(body, more=False))[2] == [b"a" * told]
    pieces = [piece(body[at : at + 65_536]) for at in range(0, sent, 65_536)]
    assert ask(*pieces, piece(b"", more=False))[2] == [b"a" * told], (
        "all was read: the sender can hear the answer"
    )


def test_who_never_ends_is_not_read_for_ever() -> None:
    assert ask(*[piece(b"a" * 1_000_000)] * 20)[2] == [b"a" * 101]


def test_what_ends_too_early_is_not_taken_for_the_whole() -> None:
    status, body, given = ask(piece(b"url=http://a.example/"), {"type": "http.disconnect"})
    assert (status, b"nothing of it was kept" in body, given) == (400, True, [])


def test_short_requests_do_not_wait_for_long_ones() -> None:
    """Twenty who send without end, and one more with a small page."""
    answered: list[int] = []

    async def door(scope: Any, body: bytes, send: Any) -> None:
        answered.append(len(body))

    async def without_end() -> Any:
        await asyncio.sleep(0)
        return piece(b"a" * 50_000)

    async def small() -> Any:
        return piece(b"url=http://a.example/", more=False)

    async def play() -> None:
        whole = Whole(door, most=10_000_000)
        long = [asyncio.create_task(whole({"type": "http"}, without_end, None)) for _ in range(20)]  # type: ignore[arg-type]
        await asyncio.sleep(0.01)
        await whole({"type": "http"}, small, None)  # type: ignore[arg-type]
        assert answered == [21]
        await asyncio.gather(*long)

    asyncio.run(play())
    assert answered[1:] == [10_000_001] * 20, "each in its turn"


def test_there_are_no_web_sockets() -> None:
    said: list[Any] = []

    async def send(message: Any) -> None:
        said.append(message)

    asyncio.run(Whole(None, most=1)({"type": "websocket"}, None, send))  # type: ignore[arg-type]
    assert said == [{"type": "websocket.close"}]


def test_an_answer_leaves_as_it_is_made_and_what_made_it_is_closed() -> None:
    """As a download of the portal does: 200 kB in pieces, none of which waits for the last."""
    order: list[str] = []

    class Parts:
        def __iter__(self) -> Any:
            for number in range(4):
                order.append(f"made {number}")
                yield b"x" * 50_000

        def close(self) -> None:
            order.append("closed")

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        assert environ["PATH_INFO"] == "/b\xc3\xbccher", "as PEP 3333 spells it"
        assert (environ["HTTP_X_TWICE"], environ["CONTENT_LENGTH"]) == ("1,2", "2")
        assert environ["wsgi.input"].read() == b"ab"
        start_response("200 OK", [("X-Kind", "long")])
        return Parts()

    said: list[Any] = []

    async def send(message: Any) -> None:
        order.append("sent")
        said.append(message)

    scope = {
        "type": "http", "method": "POST", "scheme": "http", "http_version": "1.1", "raw_path": b"/b%C3%BCcher",
        "query_string": b"", "headers": [(b"x-twice", b"1"), (b"x-twice", b"2"), (b"content-length", b"2")],
    }  # fmt: skip
    asyncio.run(Threads(application)(scope, b"ab", send))
    assert said[0]["headers"] == [(b"x-kind", b"long")]
    assert b"".join(part.get("body", b"") for part in said) == b"x" * 200_000
    assert [part.get("more_body", False) for part in said[1:]] == [True, True, False]
    assert order.index("sent") < order.index("made 2")
    assert order.index("closed") < len(order) - 1
