"""What goes to a news server when a post is looked at, word for word, and what odd servers lead to."""

import asyncio

import pytest

from openhotline.connectors.news import client

POST = "<one@made-up.example>"


def asked(*answers: bytes, post: str = POST) -> tuple[tuple[str, int, str], list[str]]:
    """The outcome, and every line the server was sent. `answers`: its greeting, then one for each line."""

    async def talk() -> tuple[tuple[str, int, str], list[str]]:
        heard: list[str] = []
        ended = asyncio.Event()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            for answer in answers:
                writer.write(answer)
                line = await reader.readline()
                heard.extend([line.decode().strip()] if line else [])
            writer.close()
            ended.set()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server:
            said = await client.has(
                post,
                server="news.example",
                connect=lambda _: asyncio.open_connection("127.0.0.1", port),
                timeout_s=0.3,
            )
            if post == POST:
                await ended.wait()
        return said, heard

    return asyncio.run(talk())


def test_a_look_asks_one_question_and_never_for_the_article() -> None:
    said, heard = asked(b"200 ready\r\n", f"223 0 {POST}\r\n".encode())
    assert said[:2] == ("answered", 223)
    assert heard == [f"STAT {POST}", "QUIT"]


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ((b"201 no posting\r\n", b"430 no such article\r\n"), ("answered", 430)),
        ((b"502 go away\r\n",), ("answered", 502)),
        ((b"200 ready\r\n", b"what?\r\n"), ("error", 0)),
        ((b"\xff\xff\xff\r\n",), ("error", 0)),
        ((b"200 ready",), ("timeout", 0)),
        ((b"200 ready\r\n", b"2" * 70_000), ("cut-off", 0)),
    ],
)
def test_odd_servers_are_an_outcome_and_never_a_fault(
    answers: tuple[bytes, ...], outcome: tuple[str, int]
) -> None:
    assert asked(*answers)[0][:2] == outcome


def test_what_is_no_message_id_is_never_sent() -> None:
    said, heard = asked(b"200 ready\r\n", post="<one@made-up.example>\r\nARTICLE 1")
    assert said[0] == "blocked"
    assert heard == []
