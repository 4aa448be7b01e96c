"""The prober as a process: what it says of itself, how it starts, serves many, is restarted, and takes nonsense."""

import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from openhotline.connectors.probe.client import ProberUnreachable
from openhotline.connectors.probe.config import Resolver
from openhotline.connectors.probe.fake import FakeProber, Truth
from openhotline.connectors.probe.meaning import CheckJob, TraceJob
from tests.connectors.small_world import RESOLVER, SITE
from tests.connectors.test_probe_traces import EVIDENCE
from tests.connectors.town import PATIENT, START_S, Town, start, town


def test_it_says_whether_it_gave_up_root_and_that_this_machine_is_out_of_reach(place: Town) -> None:
    hello = place.prober.hello()
    assert hello.dropped == (os.getuid() == 0)
    assert (hello.uid == 0) is False
    assert "127.0.0.1" in hello.denies and "169.254.169.254" in hello.denies
    assert hello.vantages == ("north",) and hello.notes == ()


def test_it_loads_no_framework_and_no_room_but_the_rules() -> None:
    code = (
        "import sys, openhotline.connectors.probe.server;"
        "print([m for m in sys.modules if m.split('.')[0] in ('django','psycopg','sqlite3')"
        " or m.startswith('openhotline.') and m.split('.')[1] not in ('rules','connectors')])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_a_bundle_of_433_from_two_vantage_points_is_answered_in_order(tmp_path: Path) -> None:
    exit_socket = str(tmp_path / "run" / "world-exit.sock")
    vantages = dict.fromkeys(("north", "south"), ("socks5-unix", exit_socket))
    with town(tmp_path, vantages=vantages, limits=PATIENT) as place:
        jobs = [
            CheckJob(f"http://site.example.org/a/{n}.jpg", vantage, place.at, allow_path=True)
            for vantage in vantages
            for n in range(433)
        ]
        facts = place.prober.check(jobs)
        assert [f.canonical for f in facts] == [j.canonical for j in jobs]
        assert {(f.outcome, f.status, f.canary_up) for f in facts} == {("answered", 200, True)}


def test_three_hundred_hosts_at_once_do_not_overrun_the_exits_queue(tmp_path: Path) -> None:
    with town(tmp_path, limits=PATIENT, resolvers=(Resolver(RESOLVER),)) as place:
        _three_hundred(place)


def _three_hundred(place: Town) -> None:
    names = [f"h{n}.example.org" for n in range(300)]
    place.world.zones |= {name: [SITE] for name in names}
    traces = place.prober.trace([TraceJob(f"http://{name}/", name, place.at) for name in names])
    assert [a.why for t in traces for a in t.answers if a.method in EVIDENCE and not a.ok] == []
    checks = place.prober.check(
        [CheckJob(f"http://{name}/", "north", place.at, allow_path=True) for name in names]
    )
    assert {f.outcome for f in checks} == {"answered"}


def test_a_polite_prober_has_one_connection_in_flight_per_host(tmp_path: Path) -> None:
    with town(tmp_path, polite=True, limits=replace(PATIENT, gap_s=0.01, per_second=1000)) as place:
        jobs = [
            CheckJob(f"http://site.example.org/{n}", "north", place.at, allow_path=True) for n in range(50)
        ]
        assert {f.outcome for f in place.prober.check(jobs)} == {"answered"}
        assert place.world.open_most[SITE] == 1


def test_a_restarted_prober_is_simply_the_next_one(tmp_path: Path) -> None:
    with town(tmp_path) as place:
        place.process.kill()
        place.process.wait()
        with pytest.raises(ProberUnreachable, match="tried again"):
            place.look("http://site.example.org/")
        process, _ = start(tmp_path, place.config)
        try:
            assert place.look("http://site.example.org/").outcome == "answered"
        finally:
            process.terminate()
            process.wait(START_S)


def test_a_prober_without_its_exit_says_that_our_own_line_is_down(tmp_path: Path) -> None:
    with town(tmp_path) as place:
        (tmp_path / "run" / "world-exit.sock").unlink()
        facts = place.look("http://site.example.org/")
        assert facts.outcome == "blocked" and facts.canary_up is False
        (trace,) = place.prober.trace([TraceJob("http://site.example.org/", "site.example.org", place.at)])
        assert not trace.answers[0].ok


def test_nonsense_on_its_socket_is_answered_and_harms_nobody(place: Town) -> None:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(place.prober.socket_path)
        sock.sendall(
            b"nonsense\n[]\n" + b'{"id":1,"kind":"check","value":{}}\n{"id":2,"kind":"rm","value":[]}\n'
        )
        got = b""
        while got.count(b"\n") < 4:
            got += sock.recv(4096)
        assert got.count(b'"error"') == 4
    assert place.look("http://site.example.org/").outcome == "answered"


def test_a_configuration_that_is_wrong_is_a_sentence_and_no_start(tmp_path: Path) -> None:
    for text in ("{", "{}", '{"vantages":{}}', '{"vantages":{"n":["direct"]},"lift_documentation":true}'):
        command = [
            sys.executable,
            "-m",
            "openhotline.connectors.probe",
            "--socket",
            str(tmp_path / "s"),
            "--config",
            "-",
        ]
        out = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
        assert out.returncode == 2 and out.stderr.startswith("The prober cannot start:")


def test_the_fake_answers_like_the_prober(place: Town) -> None:
    fake = FakeProber({"site.example.org": Truth(addresses=(SITE,))}, vantages=("north",))
    for address in ("http://site.example.org/a", "http://no.example.org/"):
        for allow in (True, False):
            job = CheckJob(address, "north", place.at, allow_path=allow)
            real, told = place.prober.check([job])[0], fake.check([job])[0]
            assert (real.outcome, real.status, real.content_type, real.peer, real.canary_up) == (
                told.outcome, told.status, told.content_type, told.peer, told.canary_up)  # fmt: skip
        job_t = TraceJob(address, address.split("/")[2], place.at)
        real_t, told_t = place.prober.trace([job_t])[0], fake.trace([job_t])[0]
        assert {a.method for a in real_t.answers} == {a.method for a in told_t.answers}
        for method in (*EVIDENCE, "certificate", "round-trip"):
            assert {a.ok for a in real_t.answers if a.method == method} == {
                a.ok for a in told_t.answers if a.method == method
            }, method
    fake.reachable = False
    with pytest.raises(ProberUnreachable):
        fake.hello()
