"""Reading what a browser posted, with patience: bad bytes, odd fields and great length lose nothing.

What is not here: files. The form has no file field, and one sent all the same is never read.
"""

import re
from collections.abc import Iterable, Iterator
from io import BytesIO
from urllib.parse import parse_qsl

from django.core.exceptions import SuspiciousOperation
from django.core.files.uploadhandler import FileUploadHandler, SkipFile
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParser, MultiPartParserError

LARGEST = 1024 * 1024  # bytes of one page's answers that are read; the rest is cut off
CUT = (
    "One page holds one megabyte, and more was sent. The first megabyte was kept. The rest was not: it may be sent as "
    "further reports."
)
_WORDS = ("url", "help")  # what a person typed: never a part of it is dropped
_KEPT = (*_WORDS, "place", "who")  # what becomes part of a report
_LINE_END = re.compile(r"\r\n|\n|\r")


class Given(dict[str, str]):
    """The fields of a page. `cut`: the name of the one in which a page that is too long was cut, else ""."""

    cut = ""

    @property
    def odd(self) -> str:
        """The sentence for a report of which a part was cut off, else ""."""
        return CUT if self.cut in _KEPT else ""


class _NoFiles(FileUploadHandler):
    """Lets no byte of an attachment into the house."""

    def new_file(self, *args: object, **kwargs: object) -> None:
        raise SkipFile

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        return None

    def file_complete(self, file_size: int) -> None:
        return None


def fields(request: HttpRequest) -> Given:
    """The posted fields; of words sent twice both, else the last. Bytes that are not UTF-8 stay readable as \\xNN.

    Of more than one megabyte the first is read.
    """
    try:
        cut = (
            int(request.META.get("CONTENT_LENGTH") or 0) > LARGEST
        )  # one byte more, of however much was sent
        body = request.read(LARGEST) if cut else request.body
        if request.content_type != "multipart/form-data":
            return parsed(body, cut=cut)
        told = request.META | {"CONTENT_LENGTH": str(len(body))}
        found, _ = MultiPartParser(told, BytesIO(body), [_NoFiles(request)], "utf-8").parse()
        return _gathered(((name, str(value)) for name in found for value in found.getlist(name)), cut=cut)
    except (ValueError, SuspiciousOperation, MultiPartParserError):
        return Given()  # nothing readable: the page asks again


def parsed(body: bytes, *, cut: bool = False) -> Given:
    """What a plain form carries; nothing where it cannot be read."""
    try:
        text = body.decode("ascii", "backslashreplace")
        return _gathered(parse_qsl(text, keep_blank_values=True, errors="backslashreplace"), cut=cut)
    except ValueError:
        return Given()


def _gathered(pairs: Iterable[tuple[str, str]], *, cut: bool) -> Given:
    found, name = Given(), ""
    for name, value in pairs:
        found[name] = f"{found[name]}\n{value}" if name in _WORDS and name in found else value
    if cut:
        found.cut = name
    return found


def addresses(given: Given) -> tuple[tuple[str, ...], str]:
    """The lines of page 1, and the one in which it was cut: that is kept, but leads to no address."""
    lines = lines_of(given.get("url", ""))
    return (lines[:-1], lines[-1]) if lines and given.cut == "url" else (lines, "")


def lines_of(text: str) -> tuple[str, ...]:
    """The lines somebody typed, verbatim; blank ones are not lines."""
    return tuple(line for line in _LINE_END.split(text) if line.strip())


def shortened(lines: tuple[str, ...], *, at_most: int = 5, length: int = 200) -> Iterator[str]:
    """The first lines for a person to recognise, each cut to a length that fits a page."""
    for line in lines[:at_most]:
        yield line if len(line) <= length else f"{line[:length]}… ({len(line):,} characters)"
    if len(lines) > at_most:
        yield f"and {len(lines) - at_most:,} more"
