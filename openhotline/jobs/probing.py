"""Ask the prober what it would do about one address. For a person at the house's own machine.

True here: what the rules refuse is refused without any process; else the house's prober is asked, or, where
the house is shut, one that is started for this question and ended after it. A request with a path or a query leaves only
to an address that an analyst of this house has opened, also at a person's word. Not here: filing anything.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from openhotline.connectors.probe import dry
from openhotline.connectors.probe.apart import take_apart
from openhotline.connectors.probe.client import Prober, ProberUnreachable
from openhotline.connectors.probe.config import ProbeConfig
from openhotline.connectors.probe.meaning import ProbeFacts, ProbeJob
from openhotline.jobs.exits import probe_config
from openhotline.rules import urls
from openhotline.rules.refusals import Refused
from openhotline.settings import Settings

EXIT_CODES = {dry.REACHED: 0, dry.REFUSED: 3, dry.FAILED: 4}
_START_S = 15.0
NOT_OPENED = (
    "No request with a path or a query leaves before an analyst has opened the item and allowed it. Nothing was sent."
    " Report the address and have it opened, or ask without --request."
)


def look(
    settings: Settings, address: str, *, vantage: str = "", request: bool = False, at: datetime
) -> dict[str, Any]:
    """What every vantage point (or one) does about `address`, as the keys that docs/cli.md promises.

    Raises Refused where the house's settings cannot be used.
    """
    config = probe_config(settings)
    if vantage and vantage not in config.vantages:
        raise Refused(
            f"This house has no vantage point {vantage}. It has: {', '.join(config.vantages)}.",
            code="no-vantage",
        )
    jobs = [ProbeJob(address, name, at, request) for name in _from(address, vantage, config)]
    if request and _names_more_than_a_host(address) and not _opened(address):
        refused = [ProbeFacts(address, job.vantage, at, dry.REFUSED, NOT_OPENED) for job in jobs]
        return _told(address, [dry.by_rule(job, config) or no for job, no in zip(jobs, refused, strict=True)])
    by_rule = [dry.by_rule(job, config) for job in jobs]
    facts = [one for one in by_rule if one is not None]
    if len(facts) < len(jobs):
        facts = _ask(settings, config, jobs)
    return _told(address, facts)


def _names_more_than_a_host(address: str) -> bool:
    parts = urlsplit(urls.read(address).canonical)
    return parts.path not in ("", "/") or bool(parts.query)


def _opened(address: str) -> bool:
    """Whether the house has an item of this address that an analyst has opened and allowed looks at."""
    from openhotline.records.models import Item  # only here: without a request no house need be there

    known = Item.objects.filter(key_digest=urls.read(address).key_digest, look_allowed_at__isnull=False)
    return known.exists()


def _from(address: str, vantage: str, config: ProbeConfig) -> list[str]:
    """The vantage points that would look at it: onions have their own, where the house has any."""
    if vantage:
        return [vantage]
    read = take_apart(address, config.ports)
    if not isinstance(read, str) and read.host.endswith(".onion") and config.onion:
        return list(config.onion)
    return list(config.ordinary)


def _ask(settings: Settings, config: ProbeConfig, jobs: Sequence[ProbeJob]) -> list[ProbeFacts]:
    try:
        return Prober(settings.prober_socket).probe(jobs)
    except ProberUnreachable:
        pass
    try:
        with _of_our_own(config) as prober:
            return prober.probe(jobs)
    except ProberUnreachable as away:
        why = away.sentence
    return [ProbeFacts(job.address, job.vantage, job.at, dry.FAILED, why) for job in jobs]


@contextmanager
def _of_our_own(config: ProbeConfig) -> Iterator[Prober]:
    """A prober for one question. It knows what the house's would know, and sees no variable of the house.
    Raises ProberUnreachable with its own last words."""
    with tempfile.TemporaryDirectory(prefix="openhotline-") as folder, tempfile.TemporaryFile() as words:
        place = Path(folder)
        command = [sys.executable, "-m", "openhotline.connectors.probe", "--config", "-"]
        process = subprocess.Popen(  # noqa: S603  our own interpreter, our own module
            [*command, "--socket", str(place / "prober.sock")],
            cwd=place,
            env={"PYTHONPATH": str(Path(__file__).resolve().parents[2]), "PYTHONSAFEPATH": "1", "TZ": "UTC"},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=words,
        )
        try:
            assert process.stdin is not None
            with suppress(BrokenPipeError), process.stdin as told:
                told.write(config.to_json().encode())
            prober = Prober(place / "prober.sock")
            end = time.monotonic() + _START_S
            while True:
                with suppress(ProberUnreachable):
                    prober.hello()
                    break
                if process.poll() is not None or time.monotonic() > end:
                    words.seek(0)
                    said = words.read()[-2000:].decode("utf-8", "replace").strip()
                    raise ProberUnreachable(said or "it did not start in time")
                time.sleep(0.02)
            yield prober
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(5)
            process.kill()
            process.wait()


def _told(address: str, facts: Sequence[ProbeFacts]) -> dict[str, Any]:
    """One refusal speaks for all: what one place must not touch is touched from none."""
    by_weight = sorted(facts, key=lambda one: (one.outcome != dry.REFUSED, one.outcome != dry.REACHED))
    places = [
        {name: value for name, value in asdict(one).items() if name not in ("address", "at")} for one in facts
    ]
    return {
        "address": address,
        "outcome": by_weight[0].outcome,
        "why": by_weight[0].why,
        "vantages": places,
    }
