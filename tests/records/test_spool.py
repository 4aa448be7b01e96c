"""The letter box: what was acknowledged is never lost, whatever happens to writer, reader or disk."""

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from openhotline.records import spool
from openhotline.records.spool import OPENED, SENT, Reader, Spool, SpoolError, SpoolFull

WRITER = """
import sys, threading
from pathlib import Path
from uuid import uuid4
from openhotline.records.spool import Spool

box, say = Spool(Path(sys.argv[1]), segment_bytes=20_000), threading.Lock()

def write():
    while True:
        report = uuid4()
        box.append("opened", [(report, b"sealed " * 20)])
        with say:
            sys.stdout.write(f"{report}\\n")
            sys.stdout.flush()

for _ in range(6):
    threading.Thread(target=write).start()
"""


def everything(folder: Path) -> list[UUID]:
    """Read the spool to its end, as the worker does."""
    reader, found = Reader(folder), []
    while records := reader.read(50):
        found += [record.report_id for record in records]
        reader.done(records)
    reader.read(50)
    return found


def test_a_record_comes_out_as_it_went_in(tmp_path: Path) -> None:
    box, report = Spool(tmp_path), uuid4()
    box.append(OPENED, [(report, b"first")])
    box.append(SENT, [(report, b"second")])

    records = Reader(tmp_path).read(10)

    assert [(r.kind, r.report_id, r.sealed) for r in records] == [
        (OPENED, report, b"first"),
        (SENT, report, b"second"),
    ]


def test_reading_twice_without_done_gives_the_same_and_done_survives_a_restart(tmp_path: Path) -> None:
    box = Spool(tmp_path)
    for number in range(5):
        box.append(OPENED, [(uuid4(), b"%d" % number)])
    reader = Reader(tmp_path)

    first = reader.read(2)
    assert reader.read(2) == first
    reader.done(first)

    assert [r.sealed for r in Reader(tmp_path).read(10)] == [b"2", b"3", b"4"]


def test_a_segment_is_deleted_only_when_its_writer_let_go_and_all_of_it_is_filed(tmp_path: Path) -> None:
    box, reader = Spool(tmp_path), Reader(tmp_path)
    box.append(OPENED, [(uuid4(), b"x")])
    reader.done(reader.read(10))
    assert reader.read(10) == []
    assert len(list(tmp_path.glob("*.seg"))) == 1, "its writer still holds it"

    box.append(OPENED, [(uuid4(), b"y")])
    box.close()
    unfiled = reader.read(10)
    assert len(unfiled) == 1
    assert len(list(tmp_path.glob("*.seg"))) == 1, "one record is not filed yet"

    reader.done(unfiled)
    assert reader.read(10) == []
    assert list(tmp_path.glob("*.seg")) == []


def test_a_quiet_segment_is_let_go_of(tmp_path: Path) -> None:
    box = Spool(tmp_path, segment_seconds=0.0)
    box.append(OPENED, [(uuid4(), b"x")])
    box.rest()
    assert len(everything(tmp_path)) == 1
    assert list(tmp_path.glob("*.seg")) == []


def test_many_threads_share_one_flush(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    box, real = Spool(tmp_path), os.fdatasync

    def slow(descriptor: int) -> None:
        time.sleep(0.02)
        real(descriptor)

    monkeypatch.setattr(spool.os, "fdatasync", slow)
    reports = [uuid4() for _ in range(40)]
    threads = [threading.Thread(target=box.append, args=(OPENED, [(report, b"x")])) for report in reports]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert box.flushes < 15, "40 records in far fewer flushes"
    assert sorted(everything(tmp_path)) == sorted(reports)


def test_a_cut_off_tail_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    box, kept = Spool(tmp_path), uuid4()
    box.append(OPENED, [(kept, b"acknowledged")])
    box.close()
    [segment] = tmp_path.glob("*.seg")
    with segment.open("ab") as file:
        file.write(spool.frame(OPENED, uuid4(), b"never acknowledged")[:-3])

    assert everything(tmp_path) == [kept]
    assert list(tmp_path.glob("*.seg")) == []
    assert len(list(tmp_path.glob("*.torn"))) == 1, "unreadable bytes are put aside, not thrown away"


def test_while_the_writer_lives_an_unfinished_record_is_simply_waited_for(tmp_path: Path) -> None:
    box = Spool(tmp_path)
    box.append(OPENED, [(uuid4(), b"x")])
    [segment] = tmp_path.glob("*.seg")
    whole = spool.frame(OPENED, uuid4(), b"y")
    with segment.open("ab") as file:
        file.write(whole[:10])
    reader = Reader(tmp_path)
    reader.done(reader.read(10))
    assert reader.read(10) == []
    with segment.open("ab") as file:
        file.write(whole[10:])
    assert [r.sealed for r in reader.read(10)] == [b"y"]


@pytest.mark.parametrize(
    ("number", "kind"), [(errno.ENOSPC, SpoolFull), (errno.EDQUOT, SpoolFull), (errno.EIO, SpoolError)]
)
def test_a_failing_disk_is_admitted_and_the_next_record_gets_a_fresh_segment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, kind: type[SpoolError]
) -> None:
    box, before, after = Spool(tmp_path), uuid4(), uuid4()
    box.append(OPENED, [(before, b"x")])

    def broken(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(spool.os, "fdatasync", broken)
        with pytest.raises(kind):
            box.append(OPENED, [(uuid4(), b"not durable")])
        with pytest.raises(SpoolError):
            box.append(OPENED, [(uuid4(), b"not durable either")])

    box.append(OPENED, [(after, b"z")])
    found = everything(tmp_path)
    assert before in found
    assert after in found


def test_every_thread_of_a_failed_flush_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    box, told = Spool(tmp_path), []

    def broken(descriptor: int) -> None:
        time.sleep(0.02)
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(spool.os, "fdatasync", broken)

    def write() -> None:
        try:
            box.append(OPENED, [(uuid4(), b"x")])
        except SpoolFull:
            told.append(1)

    threads = [threading.Thread(target=write) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) == 20


def test_the_probe_leaves_nothing_behind(tmp_path: Path) -> None:
    Spool(tmp_path / "spool").probe()
    assert list((tmp_path / "spool").iterdir()) == []


def test_kill_nine_loses_no_acknowledged_record(tmp_path: Path) -> None:
    """Ten writers of six threads each are killed while a reader reads along; every id they printed is found."""
    acknowledged: list[UUID] = []
    found: list[UUID] = []
    reader = Reader(tmp_path)
    for round_ in range(10):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            lines = [process.stdout.readline()]  # it is writing now
            end = time.monotonic() + 0.05 + 0.02 * round_
            while time.monotonic() < end:
                records = reader.read(30)
                found += [record.report_id for record in records]
                reader.done(records)
                time.sleep(0.005)
            process.send_signal(signal.SIGKILL)
            lines += process.stdout.readlines()
        # The last line may itself be cut off: then its reader was not told either.
        acknowledged += [UUID(line.decode().strip()) for line in lines if line.endswith(b"\n")]

    found += everything(tmp_path)

    assert len(acknowledged) > 100
    assert set(acknowledged) <= set(found)
    assert list(tmp_path.glob("*.seg")) == [], "all read, all writers dead, so all deleted"
