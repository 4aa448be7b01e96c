"""Several workers share a house: one reads the letter box at a time, and more than one needs PostgreSQL."""

from pathlib import Path
from uuid import uuid4

import pytest

from openhotline import policy as policies
from openhotline.jobs.spooled import Filer
from openhotline.jobs.supervise import Supervisor
from openhotline.records import sealing, spool
from openhotline.records.models import Report
from openhotline.rules import incoming
from openhotline.rules.refusals import Refused
from openhotline.settings import Settings
from tests.journeys.cast import NOON


@pytest.mark.django_db
def test_one_worker_reads_the_letter_box_and_the_next_takes_over_when_it_is_dead(tmp_path: Path) -> None:
    settings = Settings(kind="test", data_dir=tmp_path)
    for place in (settings.keys, settings.spool):
        place.mkdir(mode=0o700)
    sealing.create_intake_keys(settings.keys)
    policy, box = policies.load("gb"), spool.Spool(settings.spool)

    def reported() -> None:
        report = incoming.public(uuid4(), ("https://a.example.org/x",), NOON)
        sealed = sealing.seal(report.to_json(), sealing.public_key(settings.keys))
        box.append(spool.OPENED, [(report.report_id, sealed)])
        box.append(spool.SENT, [(report.report_id, sealed)])

    first, second = Filer(settings), Filer(settings)
    reported()
    assert first.file(policy=policy, at=NOON) == 1
    reported()
    assert second.file(policy=policy, at=NOON) == 0
    del first
    assert second.file(policy=policy, at=NOON) == 1
    assert Report.objects.count() == 2


@pytest.mark.parametrize("workers", [0, 2, 4])
def test_more_than_one_worker_needs_postgresql(tmp_path: Path, workers: int) -> None:
    settings = Settings(kind="test", data_dir=tmp_path, database_url="")
    with pytest.raises(Refused, match="PostgreSQL"):
        Supervisor(settings, with_world=False, with_worker=True, workers=workers)


def test_each_worker_is_a_process_of_its_own_name(tmp_path: Path) -> None:
    settings = Settings(kind="test", data_dir=tmp_path, database_url="postgresql://a:b@127.0.0.1:5/x")
    made = Supervisor(settings, with_world=False, with_worker=True, workers=3)
    assert made.workers == ("worker", "worker-2", "worker-3")
