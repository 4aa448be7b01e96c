"""Reading what a browser posted, with patience: bad bytes, odd fields and great length lose nothing.

What is not here: files. The form has no file field, and one sent all the same is never read.
"""

import re
from collections.abc import Iterable, Iterator
from urllib.parse import parse_qsl

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.core.files.uploadhandler import FileUploadHandler, SkipFile
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParserError

LARGEST = 1024 * 1024  # bytes of one page's answers, about 10,000 addresses
_WORDS = ("url", "help")  # what a person typed: never a part of it is dropped
_LINE_END = re.compile(r"\r\n|\n|\r")


class TooLarge(Exception):
    """More than `LARGEST` at once."""


class _NoFiles(FileUploadHandler):
    """Lets no byte of an attachment into the house."""

    def new_file(self, *args: object, **kwargs: object) -> None:
        raise SkipFile

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        return None

    def file_complete(self, file_size: int) -> None:
        return None


def fields(request: HttpRequest) -> dict[str, str]:
    """The posted fields; of words sent twice both, else the last. Bytes that are not UTF-8 stay readable as \\xNN.

    Raises TooLarge beyond one megabyte.
    """
    try:
        if int(request.META.get("CONTENT_LENGTH") or 0) > LARGEST:
            raise TooLarge
        if request.content_type == "multipart/form-data":
            request.upload_handlers = [_NoFiles(request)]
            return _gathered((name, str(value)) for name, values in request.POST.lists() for value in values)
        return parsed(request.body)
    except RequestDataTooBig as fault:
        raise TooLarge from fault
    except (ValueError, SuspiciousOperation, MultiPartParserError):
        return {}  # nothing readable: the page asks again


def parsed(body: bytes) -> dict[str, str]:
    """What a plain form carries; nothing where it cannot be read."""
    try:
        text = body.decode("ascii", "backslashreplace")
        return _gathered(parse_qsl(text, keep_blank_values=True, errors="backslashreplace"))
    except ValueError:
        return {}


def _gathered(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in pairs:
        found[name] = f"{found[name]}\n{value}" if name in _WORDS and name in found else value
    return found


def lines_of(text: str) -> tuple[str, ...]:
    """The lines somebody typed, verbatim; blank ones are not lines."""
    return tuple(line for line in _LINE_END.split(text) if line.strip())


def shortened(lines: tuple[str, ...], *, at_most: int = 5, length: int = 200) -> Iterator[str]:
    """The first lines for a person to recognise, each cut to a length that fits a page."""
    for line in lines[:at_most]:
        yield line if len(line) <= length else f"{line[:length]}… ({len(line):,} characters)"
    if len(lines) > at_most:
        yield f"and {len(lines) - at_most:,} more"
