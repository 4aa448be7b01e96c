"""Bodies as they arrive: one sent in chunks is read before Django, which knows only those that give their length.

True here: what is longer than a door reads at once is read one byte beyond, so that each door says of it what it says
of any body that is too long; the rest is read away, so that the sender is there for the answer. What is not here: what
becomes of a body, and how long it may be (the doors).
"""

from io import BytesIO
from typing import Any, Protocol

from gunicorn.http.errors import ParseException

from openhotline.web.headers import Application

_PIECE = 64 * 1024
_AWAY = 16 * 1024 * 1024  # bytes read for the answer's sake alone; who sends more may not hear it
_CUT_OFF = b"The body ended before it was whole, and nothing of it was kept. Send it again."


class _Stream(Protocol):
    def read(self, size: int, /) -> bytes: ...


def read_away(stream: _Stream) -> None:
    """Read what is left of a body, and keep nothing of it."""
    try:
        for _ in range(_AWAY // _PIECE):
            if not stream.read(_PIECE):
                return
    except OSError:
        return  # the sender has gone


def whole(application: Application, *, most: int) -> Application:
    """Wrap a WSGI application so that a body in chunks comes to it with its length. `most`: bytes, at least 1."""

    def wrapped(environ: dict[str, Any], start_response: Any) -> Any:
        if "chunked" not in environ.get("HTTP_TRANSFER_ENCODING", "").lower():
            return application(environ, start_response)
        stream = environ["wsgi.input"]
        body = bytearray()
        try:
            while len(body) <= most and (piece := stream.read(min(_PIECE, most + 1 - len(body)))):
                body += piece
        except (OSError, ParseException):  # chunks that are none, or that end too early
            headers = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(_CUT_OFF)))]
            start_response("400 Bad Request", headers)
            return [_CUT_OFF]
        if len(body) > most:
            read_away(stream)
        del environ["HTTP_TRANSFER_ENCODING"]
        environ["CONTENT_LENGTH"] = str(len(body))
        environ["wsgi.input"] = BytesIO(body)
        return application(environ, start_response)

    return wrapped
