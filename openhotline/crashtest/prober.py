"""A prober for the crash test: the real protocol on the real socket, answers out of the shipped fake.

    python -m openhotline.crashtest.prober SOCKET

True here: whatever is asked exists, at one of sixteen hosts, and stays there. Fourteen are at home, so that
most cases go the long way through police and notice; two are in the Netherlands and go to the partner.
"""

import asyncio
import dataclasses
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from openhotline.connectors.probe.fake import FakeProber, Truth
from openhotline.connectors.probe.meaning import CheckJob, TraceJob, job_of, line, read_line
from openhotline.rules.facts import TraceFacts

HOSTS = 16
ABROAD = 2  # the last of them


def country(number: int) -> str:
    """Where one of the hosts is."""
    return "NL" if number >= HOSTS - ABROAD else "GB"


def operator(number: int) -> str:
    """The name of one of the hosts."""
    return f"Example Hosting {number}"


class Everywhere(dict[str, Truth]):
    """A truth in which every address is held somewhere, always the same place."""

    def get(self, key: str, default: object = None) -> Truth:
        number = sum(key.partition("://")[2].partition("/")[0].encode() or key.encode()) % HOSTS
        return Truth(
            addresses=(f"192.0.2.{10 + number}",),
            country=country(number),
            asn=64496 + number,
            operator=operator(number),
            abuse_mail=(f"abuse@host{number}.example",),
        )


class EverywhereProber(FakeProber):
    """The shipped fake, knowing everything."""

    def __init__(self) -> None:
        super().__init__({}, vantages=("direct",))
        self.truth = Everywhere()

    def _trace(self, job: TraceJob) -> TraceFacts:
        """Three methods name the country: the registry, the origin network and the location file."""
        facts = super()._trace(job)
        named = next(answer.country for answer in facts.answers if answer.method == "location")
        answers = tuple(
            dataclasses.replace(answer, country=named) if answer.method == "origin-network" else answer
            for answer in facts.answers
        )
        return dataclasses.replace(facts, answers=answers)

    def _known(self, canonical: str) -> Truth | None:
        return cast(Mapping[str, Truth], self.truth).get(canonical.partition("://")[2].partition("/")[0])


async def talk(prober: EverywhereProber, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One connection: each line a job, each answer a line."""
    try:
        while data := await reader.readline():
            kind, number, value = read_line(data)
            if kind == "hello":
                writer.write(line(kind, number, prober.hello()))
                continue
            job = job_of(kind, value)
            if not isinstance(job, TraceJob | CheckJob):
                raise ValueError(f"no house asks this prober for a {kind}")
            facts = prober.trace([job]) if isinstance(job, TraceJob) else prober.check([job])
            prober.calls.clear()
            writer.write(line(kind, number, facts[0]))
            await writer.drain()
    except ConnectionError:
        return
    finally:
        writer.close()


async def main(path: str) -> None:
    """Serve until killed."""
    Path(path).unlink(missing_ok=True)
    prober = EverywhereProber()
    server = await asyncio.start_unix_server(
        lambda reader, writer: talk(prober, reader, writer), path, limit=1 << 20
    )
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
