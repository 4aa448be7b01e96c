"""The worker process: turns the engine until it is told to stop. Speaks to relays, partners and the prober."""

import json
import logging
import signal
import threading
import time
from datetime import datetime
from pathlib import Path

from django.db import OperationalError, close_old_connections, transaction

from openhotline import policy as policies
from openhotline.clock import SystemClock, WorldClock
from openhotline.connectors.mail.client import Relay
from openhotline.connectors.probe.client import Prober, ProberUnreachable
from openhotline.connectors.relaylog.client import RelayLog
from openhotline.connectors.spool.client import Spool
from openhotline.jobs.engine import Engine
from openhotline.jobs.exits import onions, vantages
from openhotline.jobs.mailroom import Mailroom
from openhotline.jobs.post import Post
from openhotline.jobs.spooled import Filer
from openhotline.jobs.steady import SteadyClock
from openhotline.ledger.record import Act, record
from openhotline.rules.words import MACHINE_WORKER
from openhotline.settings import Settings
from openhotline.steps.departing import HouseWords

log = logging.getLogger("openhotline.worker")
IDLE = 0.25  # seconds between turns when nothing was due


def steady(settings: Settings) -> SteadyClock | WorldClock:
    """The clock a worker acts on: the machine's, whose jumps are not believed at once; the world's as it is."""
    clock = settings.clock()
    return SteadyClock(clock, jumped=_jumped) if isinstance(clock, SystemClock) else clock


def _jumped(shown: datetime, kept: datetime) -> None:
    log.warning("The machine's clock jumped: it shows %s, the house goes on at %s.", shown, kept)
    with transaction.atomic():
        payload = {"shown": shown.isoformat(), "kept": kept.isoformat()}
        record([Act(act="clock.jumped", obj=("house", "1", 1), payload=payload)], by=MACHINE_WORKER, at=kept)


def engine_of(
    settings: Settings, *, spool: bool = True, clock: SteadyClock | WorldClock | None = None
) -> Engine:
    """An engine as this house's settings describe it."""
    return Engine(
        policy=policies.load(settings.country),
        prober=Prober(settings.prober_socket),
        post=Post(
            relay=Relay(host=settings.smtp_host, port=settings.smtp_port),
            spool=Spool(Path(settings.mail_spool)) if settings.mail_spool else None,
            log=RelayLog(Path(settings.relay_log), settings.hotline_domain) if settings.relay_log else None,
            house=HouseWords(
                name=settings.hotline_name,
                domain=settings.hotline_domain,
                phone=settings.phone,
                portal_url=settings.portal_url,
            ),
            partner_tokens=lambda: partner_tokens(settings.keys / "partners.json"),
            clock=(clock or settings.clock()).now,
        ),
        vantages=vantages(settings),
        onions=onions(settings),
        filer=Filer(settings) if spool else None,
        check_rate=settings.requests_per_second,
        mailroom=Mailroom(settings.maildir, settings.hotline_domain) if spool else None,
    )


def wait_for_prober(engine: Engine, seconds: float) -> None:
    """Return when the prober answers. Raises ProberUnreachable after `seconds`."""
    end = time.monotonic() + seconds
    while True:
        try:
            engine.prober.hello()
            return
        except ProberUnreachable:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


def partner_tokens(file: Path) -> dict[str, str | dict[str, str]]:
    """What partners' APIs ask for, from a file only the worker reads: {"partner-key": "token"}, and for one on the
    exchange {"user", "password", "certificate"}."""
    return json.loads(file.read_text()) if file.exists() else {}


def run(settings: Settings) -> None:
    """Turn until SIGTERM or SIGINT. A turn that began is finished."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    clock = steady(settings)
    engine = engine_of(settings, clock=clock)
    while not stop.is_set():
        close_old_connections()
        try:
            done = engine.turn(clock.now())
        except OperationalError as fault:
            log.warning("The database is not there just now (%s); trying again.", fault)
            done = 0
            stop.wait(2)
        if not done:
            stop.wait(IDLE)
