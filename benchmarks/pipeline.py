"""The same reports through the house and through IntelMQ, alternating: CPU per event of all processes.

The work: read a partner's CSV, canonicalise, drop or join what is known, look up, store in PostgreSQL.

* The house: `openhotline report import`, then `openhotline ledger sequence`; report, line, item, clock and
  ledger rows, durable. PostgreSQL's CPU is counted.
* IntelMQ 3.5 through its own pipeline on Redis: file collector, generic CSV parser, URL expert, deduplicator
  (whitelist: source.url), SQL output into the same PostgreSQL. CPU of bots, Redis and PostgreSQL is counted,
  from dropping the file to the last queue being empty. Its bots run before; what they cost to start is not
  counted. The house's start is counted, and given apart.

Not the same, and in the peer's favour: IntelMQ keeps no second report of a known address, joins only what is
spelled alike, writes no ledger, and what is in its queues is not durable.

    ./run exec python benchmarks/pipeline.py [--quick]
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from benchmarks import common, made, peers
from openhotline.crashtest import postgres
from tests import houses

COUNT, QUICK_COUNT = 20_000, 500
RUNS = 3
PATIENCE = 1800.0  # seconds
_TABLE = 'CREATE TABLE events (id bigserial PRIMARY KEY, "time.source" timestamptz, "time.observation" timestamptz, {})'
_BOTS = {
    "collector": ("intelmq.bots.collectors.file.collector_file", "parser"),
    "parser": ("intelmq.bots.parsers.generic.parser_csv", "url"),
    "url": ("intelmq.bots.experts.url.expert", "deduplicator"),
    "deduplicator": ("intelmq.bots.experts.deduplicator.expert", "output"),
    "output": ("intelmq.bots.outputs.sql.output", ""),
}


@dataclass(frozen=True, slots=True)
class Cost:
    """Milliseconds of CPU per event, by who spent them; events per second; rows kept."""

    total: float
    parts: dict[str, float]
    rate: float
    rows: int


def main() -> None:
    """Ours, theirs, ours, theirs ..."""
    quick = common.quick()
    count, runs = (QUICK_COUNT, 1) if quick else (COUNT, RUNS)
    redis = shutil.which("redis-server")
    if redis is None:
        sys.exit("This machine has no Redis for the peer. Remedy: apt-get install redis-server")
    folder = peers.environment("intelmq", peers.INTELMQ)
    machine = common.machine()
    ours: list[Cost] = []
    theirs: list[Cost] = []
    start: list[float] = []
    with (
        tempfile.TemporaryDirectory(prefix="openhotline-bench-") as place,
        common.postgresql() as (server, pid),
    ):
        file, one = Path(place) / "partner.csv", Path(place) / "one.csv"
        different = made.write_csv(file, count)
        made.write_csv(one, 1)
        fsync = common.fsync_rate(Path(place))
        for number in range(runs):
            start.append(_house(Path(place) / f"start{number}", server, pid, one, 1).total)
            ours.append(_house(Path(place) / f"house{number}", server, pid, file, count))
            theirs.append(_intelmq(Path(place) / f"intelmq{number}", server, pid, file, count, folder, redis))
        settings = common.settings_of(server.url())
    versions = {
        "intelmq": peers.version(folder, "intelmq"),
        "redis": subprocess.run(
            [redis, "--version"], capture_output=True, text=True, check=True
        ).stdout.split()[2],
    }
    mine, other = (common.median([cost.total for cost in costs]) for costs in (ours, theirs))
    begun = common.median(start) / count
    common.table(
        f"{count:,} events, {count - different:,} of them repeated ({machine['cpu']}, load {machine['load']})",
        [
            ("", "ms CPU/event", "events/s", "rows kept", "of which"),
            *(
                ("OpenHotline", round(cost.total, 4), round(cost.rate, 1), cost.rows, cost.parts)
                for cost in ours
            ),
            *(
                ("IntelMQ", round(cost.total, 4), round(cost.rate, 1), cost.rows, cost.parts)
                for cost in theirs
            ),
            (
                "ratio",
                round(other / mine, 1),
                "",
                "",
                f"without the house's start: {other / (mine - begun):.1f}",
            ),
        ],
    )
    print(f"  {versions}; fsync/s {fsync:,.0f}; {settings}")
    common.write(
        "pipeline",
        {
            "events": count, "repeated": count - different, "fsync_per_second": round(fsync), "postgresql": settings,
            "peer": versions, "ratio": round(other / mine, 2), "ratio_without_start": round(other / (mine - begun), 2),
            "start_ms_cpu_per_event": round(begun, 4),
            "openhotline": [_plain(cost) for cost in ours], "intelmq": [_plain(cost) for cost in theirs],
        },
        quick=quick,
    )  # fmt: skip


def _plain(cost: Cost) -> dict[str, object]:
    return {
        "ms_cpu_per_event": round(cost.total, 4), "parts": cost.parts,
        "events_per_second": round(cost.rate, 1), "rows_kept": cost.rows,
    }  # fmt: skip


def _house(place: Path, server: postgres.Server, pid: int, file: Path, count: int) -> Cost:
    env = common.make_house(place, server.new_database())
    before = common.cpu(pid)
    ran = common.run(common.openhotline("report", "import", file, "--json"), env=env)
    order = common.run(common.openhotline("ledger", "sequence"), env=env)
    database = common.cpu(pid) - before
    assert json.loads(ran.out)["reports"] == count, ran.out
    parts = {
        "import": round(1000 * ran.cpu / count, 4),
        "sequence": round(1000 * order.cpu / count, 4),
        "postgresql": round(1000 * database / count, 4),
    }
    spent = ran.cpu + order.cpu + database
    return Cost(1000 * spent / count, parts, count / (ran.seconds + order.seconds), count)


# --- the peer -------------------------------------------------------------------------------------


def _intelmq(
    place: Path, server: postgres.Server, pid: int, file: Path, count: int, folder: Path, redis: str
) -> Cost:
    url = server.new_database()
    _prepare(place, folder, server, url.rpartition("/")[2], houses.free_ports(1)[0])
    with (
        _bots(place, folder, redis) as (processes, client),
        psycopg.connect(url, autocommit=True) as database,
    ):
        _settle(place, processes)
        before = {name: common.cpu(process.pid) for name, process in processes.items()}
        served, begin = common.cpu(pid), time.monotonic()
        shutil.copy(file, place / "in" / "partner.part")
        (place / "in" / "partner.part").chmod(0o666)
        (place / "in" / "partner.part").rename(place / "in" / "partner.csv")
        processes["collector"].send_signal(1)  # SIGHUP: look now, not at the end of its pause
        rows = _finished(place, client, database, processes)
        seconds = time.monotonic() - begin
        parts = {name: common.cpu(process.pid) - before[name] for name, process in processes.items()}
        parts["postgresql"] = common.cpu(pid) - served
    assert rows >= int(count * 0.7) - 1, rows
    each = {name: round(1000 * spent / count, 4) for name, spent in parts.items()}
    return Cost(1000 * sum(parts.values()) / count, each, count / seconds, rows)


def _prepare(place: Path, folder: Path, server: postgres.Server, database: str, port: int) -> None:
    """IntelMQ's own folder and configuration, and its table."""
    for name in ("etc", "var/log", "var/run", "var/lib/bots", "in"):
        (place / name).mkdir(parents=True)
    package = next((folder / "lib").glob("python3*/site-packages/intelmq"))
    shutil.copy(package / "etc" / "harmonization.conf", place / "etc" / "harmonization.conf")
    kinds = {
        "BOOLEAN": "boolean", "INTEGER": "integer", "FLOAT": "real", "ASN": "integer", "JSON": "json",
        "JSONDICT": "json", "IPADDRESS": "inet", "UUID": "uuid",
    }  # fmt: skip
    event = json.loads((place / "etc" / "harmonization.conf").read_text())["event"]
    columns = ", ".join(
        f'"{name}" {kinds.get(how["type"].upper(), "text")}'
        for name, how in event.items()
        if how["type"] != "DateTime"
    )
    with psycopg.connect(server.url(database), autocommit=True) as connection:
        connection.execute(_TABLE.format(columns))  # type: ignore[arg-type]
    own: dict[str, dict[str, object]] = {
        "collector": {"path": str(place / "in"), "postfix": ".csv", "delete_file": True, "rate_limit": 1,
                      "name": "partner", "provider": "partner"},
        "parser": {"columns": ["source.url", "extra.reference", "time.source"], "skip_header": True,
                   "type": "other"},
        "url": {"overwrite": True},
        "deduplicator": {"filter_type": "whitelist", "filter_keys": "source.url", "redis_cache_host": "127.0.0.1",
                         "redis_cache_port": port, "redis_cache_ttl": 86400, "bypass": False},
        "output": {"engine": "postgresql", "host": server.host, "port": server.port, "user": postgres.USER,
                   "password": server.password, "database": database, "sslmode": "prefer", "table": "events"},
    }  # fmt: skip
    everyone = {
        "source_pipeline_broker": "redis", "destination_pipeline_broker": "redis",
        "source_pipeline_host": "127.0.0.1", "destination_pipeline_host": "127.0.0.1",
        "source_pipeline_port": port, "destination_pipeline_port": port, "logging_level": "WARNING",
        "logging_path": str(place / "var/log"), "statistics_database": 3, "statistics_host": "127.0.0.1", "statistics_port": port, "http_proxy": None, "https_proxy": None,
    }  # fmt: skip
    runtime: dict[str, object] = {"global": everyone}
    for name, (module, after) in _BOTS.items():
        group = {"collector": "Collector", "parser": "Parser", "output": "Output"}.get(name, "Expert")
        queues = {"destination_queues": {"_default": [f"{after}-queue"]}} if after else {}
        source = {} if name == "collector" else {"source_queue": f"{name}-queue"}
        runtime[name] = {
            "bot_id": name, "module": module, "group": group, "name": name, "enabled": True, "run_mode": "continuous",
            "parameters": {**queues, **source, **own[name]},
        }  # fmt: skip
    (place / "etc" / "runtime.yaml").write_text(json.dumps(runtime), encoding="utf-8")  # JSON is YAML
    (place / "port").write_text(str(port))
    if os.geteuid() == 0:
        place.parent.chmod(0o755)
        for path in (place, *place.rglob("*")):
            os.chown(path, postgres.UNPRIVILEGED, postgres.UNPRIVILEGED)


@contextmanager
def _bots(
    place: Path, folder: Path, redis: str
) -> Iterator[tuple[dict[str, "subprocess.Popen[bytes]"], "_Queues"]]:
    """Redis and the five bots, as processes of their own; ended with the block."""
    port = (place / "port").read_text()
    env = {
        "PATH": "/usr/bin:/bin",
        "INTELMQ_ROOT_DIR": str(place),
        "TZ": "UTC",
        "LC_ALL": "C.UTF-8",
        "HOME": str(place),
    }
    processes: dict[str, subprocess.Popen[bytes]] = {}
    with (place / "var/log/out").open("wb") as log:
        try:
            processes["redis"] = subprocess.Popen(
                [redis, "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", place],
                stdout=log, stderr=log,
            )  # fmt: skip
            queues = _Queues(int(port))
            for name, (module, _) in _BOTS.items():
                command = [*peers.unprivileged(), folder / "bin" / module, name]
                processes[name] = subprocess.Popen(command, env=env, cwd=place, stdout=log, stderr=log)
            yield processes, queues
        finally:
            for process in reversed(processes.values()):
                process.terminate()
            for process in processes.values():
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


class _Queues:
    """How much waits in Redis. A look is a few bytes on a socket of its own, once in half a second."""

    def __init__(self, port: int) -> None:
        self._port = port

    def waiting(self) -> int:
        import socket

        keys = [f"{name}-queue{kind}" for name in _BOTS for kind in ("", "-internal")]
        with socket.create_connection(("127.0.0.1", self._port), timeout=5) as wire:
            wire.sendall(b"SELECT 2\r\n" + b"".join(f"LLEN {key}\r\n".encode() for key in keys))
            file = wire.makefile("rb")
            file.readline()
            return sum(int(file.readline()[1:]) for _ in keys)


def _settle(place: Path, processes: dict[str, "subprocess.Popen[bytes]"]) -> None:
    """Wait until all bots have started: nobody spends CPU any more."""
    last, calm, end = -1.0, 0, time.monotonic() + 120
    while calm < 4:
        time.sleep(0.5)
        now = sum(common.cpu(process.pid) for process in processes.values())
        calm, last = (calm + 1, now) if now - last < 0.03 else (0, now)
        if any(process.poll() is not None for process in processes.values()) or time.monotonic() > end:
            raise RuntimeError(f"The peer did not start: {_words(place)}")


def _words(place: Path) -> str:
    return "".join(
        f"\n{log.name}: {log.read_text()[-1500:]}" for log in sorted((place / "var/log").iterdir())
    )


def _finished(
    place: Path,
    queues: _Queues,
    database: "psycopg.Connection[tuple[object, ...]]",
    processes: dict[str, "subprocess.Popen[bytes]"],
) -> int:
    """Wait until the file is taken and every queue stays empty; rows stored."""
    end, empty = time.monotonic() + PATIENCE, 0
    while empty < 3:
        if time.monotonic() > end or any(process.poll() is not None for process in processes.values()):
            raise RuntimeError(f"The peer did not finish: {_words(place)}")
        time.sleep(0.5)
        taken = not list((place / "in").iterdir())
        empty = empty + 1 if taken and queues.waiting() == 0 else 0
    row = database.execute("SELECT count(*) FROM events").fetchone()
    assert row is not None
    return int(str(row[0]))


if __name__ == "__main__":
    main()
