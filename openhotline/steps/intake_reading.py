"""Reading what came in: addresses on one line told apart, as many lines as a report may have, each read once.

True here: what is cut or cannot be stored goes into the sealed part or is spelled out; nothing is dropped. A long
batch is read ahead in a thread of its own. What is not here: filing it (`intake`).
"""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice

from openhotline.policy import Policy
from openhotline.rules import urls, words
from openhotline.rules.incoming import MOST_LINES, MOST_LINES_OF_THE_PUBLIC, IncomingReport, together

CHUNK = 5_000
Read = tuple[IncomingReport, list[urls.Address]]


def chunks(incoming: Iterable[IncomingReport], policy: Policy) -> Iterator[list[Read]]:
    """What came in, read, 5,000 at a time; of more than that, the next chunk is read ahead."""
    rest = iter(incoming)
    if isinstance(incoming, Sequence) and len(incoming) <= CHUNK:
        while piece := _piece(rest):
            yield read(piece, policy)
        return
    with ThreadPoolExecutor(1, thread_name_prefix="reading-ahead") as reader:
        coming = reader.submit(lambda: read(_piece(rest), policy))
        while chunk := coming.result():
            coming = reader.submit(lambda: read(_piece(rest), policy))
            yield chunk


def _piece(rest: Iterator[IncomingReport]) -> list[IncomingReport]:
    """The next reports, until they or their lines are 5,000: nobody waits long for a database that files them."""
    piece: list[IncomingReport] = []
    lines = 0
    for report in rest:
        piece.append(bounded(_told_apart(report)))
        lines += max(1, len(piece[-1].lines) + len(piece[-1].files))
        if lines >= CHUNK:
            break
    return piece


def read(told: Sequence[IncomingReport], policy: Policy) -> list[Read]:
    """Each report with its addresses: those of its lines, then its files."""
    lines = [line for report in told for line in report.lines]
    read = iter(urls.read_many(lines, keep_fragment_hosts=policy.keep_fragment_hosts))
    return [
        (_hour_only(report), [*islice(read, len(report.lines)), *map(urls.read_file, report.files)])
        for report in told
    ]


def _told_apart(report: IncomingReport) -> IncomingReport:
    """Several addresses on one line become lines of their own; the line as it came goes into the sealed part."""
    if len(report.lines) == 1:  # nearly every report; one look, nothing built
        parts = urls.apart(report.lines[0])
        if len(parts) == 1 and parts[0] == report.lines[0]:
            return report
    apart = [(line, urls.apart(line)) for line in report.lines]
    cut = [line for line, parts in apart if parts != (line,)]
    if not cut:
        return report
    return replace(
        report,
        lines=tuple(part for _, parts in apart for part in parts),
        raw=report.raw or "\n".join(cut),
    )


def bounded(report: IncomingReport) -> IncomingReport:
    """The report with as many lines as one may have; all of them, where there are more, go into the sealed part."""
    most = MOST_LINES_OF_THE_PUBLIC if report.source == words.FROM_PUBLIC else MOST_LINES
    count = len(report.lines) + len(report.files)
    if count <= most:
        return report
    lines = report.lines[:most]
    return replace(
        report,
        lines=lines,
        files=report.files[: most - len(lines)],
        odd=f"{report.odd} {_too_many(count, most)}".strip(),
        raw=together(report.raw, *report.lines, *report.files),
    )


def _too_many(count: int, most: int) -> str:
    return (
        f"It holds {count:,} lines, and the first {most:,} are looked at. The rest is kept, sealed, and may be "
        "sent as further reports."
    )


def _hour_only(report: IncomingReport) -> IncomingReport:
    """A public report by whatever door: T0 is the start of its hour, the exact time goes into the sealed part."""
    hour = report.received_at.replace(minute=0, second=0, microsecond=0)
    if report.source != words.FROM_PUBLIC or hour == report.received_at:
        return report
    return replace(report, received_at=hour, exact_at=report.exact_at or report.received_at)


def storable(line: str) -> str:
    """The line as a database takes it: what cannot be stored (NUL, lone surrogates) is spelled out, not dropped."""
    if "\x00" not in line and line.isascii():
        return line
    return line.replace("\x00", "\\x00").encode("utf-8", "backslashreplace").decode()
