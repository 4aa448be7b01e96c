"""The worker process: turns the engine until it is told to stop. Speaks to relays, partners and the prober."""

import json
import logging
import signal
import threading
import time
from pathlib import Path

from django.db import OperationalError, close_old_connections

from openhotline import policy as policies
from openhotline.connectors.mail.client import Relay
from openhotline.connectors.probe.client import Prober, ProberUnreachable
from openhotline.connectors.relaylog.client import RelayLog
from openhotline.connectors.spool.client import Spool
from openhotline.jobs.engine import Engine
from openhotline.jobs.exits import vantages
from openhotline.jobs.post import Post
from openhotline.jobs.spooled import Filer
from openhotline.settings import Settings
from openhotline.steps.notify import HouseWords

log = logging.getLogger("openhotline.worker")
IDLE = 0.25  # seconds between turns when nothing was due


def engine_of(settings: Settings, *, spool: bool = True) -> Engine:
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
            clock=settings.clock().now,
        ),
        vantages=vantages(settings),
        filer=Filer(settings) if spool else None,
        check_rate=settings.requests_per_second,
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


def partner_tokens(file: Path) -> dict[str, str]:
    """Tokens for partners' APIs, from a file only the worker reads: {"partner-key": "token"}."""
    return json.loads(file.read_text()) if file.exists() else {}


def run(settings: Settings) -> None:
    """Turn until SIGTERM or SIGINT. A turn that began is finished."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    engine = engine_of(settings)
    clock = settings.clock()
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
