"""Starts and watches the processes of a house on one box. Each gets the least it needs.

True here: the prober is told its exits and nothing of the house (no database, no key); a child that ends
is started again, after a growing pause, and a sentence says so, once for each way of ending; children end with
their parent, and what an earlier parent left behind by a hard kill is ended first. Not here: what the processes do, and houses on
many machines (there each process is a service of its own).
"""

import fcntl
import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType

from openhotline.connectors.probe.client import Prober, ProberUnreachable
from openhotline.jobs.children import PROBER, Child, birth_of, spawn
from openhotline.jobs.exits import WORLD_CARD, probe_config
from openhotline.records.sealing import MATCHER_SECRET
from openhotline.rules.refusals import Refused
from openhotline.settings import Settings

DOORS = ("public", "desk", "portal")
WORLD, WORKER, MATCHER = "world", "worker", "matcher"
SERVER = (  # of each door
    "-m", "gunicorn", "openhotline.web.asgi:application", "--asgi-loop", "asyncio",
    "--worker-class", "openhotline.web.server.Worker", "--worker-connections", "4000",
    "--asgi-lifespan", "off", "--workers", "1", "--log-level", "warning", "--no-control-socket",
)  # fmt: skip
STOP_PATIENCE = 10.0  # seconds until a child that does not stop is killed
PAUSES = (0.0, 1.0, 2.0, 5.0, 10.0, 30.0)  # before the n-th start in a row of a child that keeps ending
STEADY = 60.0  # a child that ran this long starts again without a pause
WITHOUT = (
    " Until it runs nothing is traced or checked, so no notice leaves and no case closes; reports are kept."
)
NOT_VERIFIED = "restore-not-verified"  # in the data directory: a restore began and was not found whole


def say_to_stderr(sentence: str) -> None:
    """The supervisor's voice: one line."""
    sys.stderr.write(f"{sentence}\n")
    sys.stderr.flush()


class Supervisor:
    """The processes of one house. Call everything from the main thread: children die with the thread
    that started them."""

    def __init__(
        self,
        settings: Settings,
        *,
        with_world: bool,
        with_worker: bool,
        doors: Sequence[str] = DOORS,
        world_arguments: Sequence[str] = (),
        workers: int = 1,
        say: Callable[[str], None] = say_to_stderr,
    ) -> None:
        """`doors`: () where no page is wanted. `world_arguments` go to `openhotline world serve`. More than
        one worker needs PostgreSQL, where rows are taken past those that others hold."""
        if workers < 1 or (workers > 1 and not settings.postgres):
            raise Refused(
                "More than one worker needs PostgreSQL: set OPENHOTLINE_DATABASE_URL, or take --workers 1.",
                code="workers",
            )
        self.workers = (WORKER, *(f"{WORKER}-{number}" for number in range(2, workers + 1)))
        self.settings = settings
        self.data = settings.data.absolute()
        self.with_world, self.with_worker = with_world, with_worker
        self.doors = tuple(doors)
        self.world_arguments = tuple(world_arguments)
        self.say = say
        self.children: dict[str, Child] = {}
        self.ending = threading.Event()
        self._lock = -1

    # --- starting -----------------------------------------------------------------------------

    def start(self) -> None:
        """Start everything: the doors first and side by side, so that the first page is there soon.

        Raises Refused where the house is open already, or was restored and never found whole.
        """
        if (self.data / NOT_VERIFIED).exists():
            raise Refused(
                "This house was restored and not found whole; it stays shut. Restore again into an empty place: "
                "openhotline restore DIR --verify",
                code="not-verified",
            )
        run = self.data / "run"
        run.mkdir(parents=True, exist_ok=True)
        (self.data / "static").mkdir(exist_ok=True)
        self._take_house(run)
        self._end_leftovers()
        for door in self.doors:
            self._launch(self._door(door))
        if self.with_world:
            self._launch_world(self._world())
        self.start_prober()
        if self.settings.mail_port:
            self._launch(self._listener())
        if self.with_worker:
            self.start_worker()

    def start_prober(self) -> None:
        """Write the prober's configuration and start it."""
        file = self.data / "run" / "prober.json"
        file.unlink(missing_ok=True)
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)  # an exit may have a password
        with open(handle, "w", encoding="utf-8") as written:  # noqa: PTH123
            written.write(probe_config(self.settings).to_json())
        command = ("-m", "openhotline.connectors.probe", "--socket", str(self.data / "run" / "prober.sock"))
        self._launch(Child(PROBER, (*command, "--config", str(file)), {}))

    def start_worker(self) -> None:
        """Start workers and matcher, if they do not run already (the demo does so after its day is played).

        The matcher only where this user may read its key; else it is a service of a user of its own.
        """
        for name in self.workers:
            if name not in self.children:
                self._launch(Child(name, ("-m", "openhotline.cli", "worker"), self._house(WORKER)))
        if MATCHER not in self.children and os.access(self.settings.keys / MATCHER_SECRET, os.R_OK):
            self._launch(Child(MATCHER, ("-m", "openhotline.cli", "matcher"), self._house("command")))

    def _door(self, door: str) -> Child:
        shared = Path("/dev/shm")  # noqa: S108  a heartbeat file, and never on a slow disk
        settings = self.settings
        port = int(getattr(settings, f"{door}_port"))
        command = (
            *SERVER, "--bind", f"{settings.bind}:{port}", "--timeout", "60", "--graceful-timeout", "5",
            *(("--worker-tmp-dir", str(shared)) if os.access(shared, os.W_OK) else ()),
        )  # fmt: skip
        return Child(door, command, self._house(door))

    def _listener(self) -> Child:
        """The SMTP listener: no database, no key, nothing of the house but a folder and its domain."""
        settings = self.settings
        command = (
            "-m", "openhotline.connectors.mail.listener", "--maildir", str(settings.maildir.absolute()),
            "--host", settings.bind, "--port", str(settings.mail_port), "--domain", settings.hotline_domain,
        )  # fmt: skip
        return Child("mail", command, {})

    def _world(self) -> Child:
        serve = ("-m", "openhotline.cli", "world", "serve", "--data-dir", str(self.data))
        return Child(WORLD, (*serve, *self.world_arguments), self._house("command"))

    def _house(self, door: str) -> dict[str, str]:
        """The house's own variables, as this process understood them."""
        values = {**self.settings.model_dump(), "door": door, "data_dir": self.data}
        # What goes wrong in a child belongs into its log with all its places, not as a sentence to a person.
        return {f"OPENHOTLINE_{name.upper()}": str(value) for name, value in values.items()} | {
            "OPENHOTLINE_TRACEBACK": "1"
        }

    def _launch(self, child: Child) -> None:
        child.begin(spawn(child, self.data), time.monotonic())
        self.children[child.name] = child
        self._remember()

    def _launch_world(self, world: Child, patience: float = 30.0) -> None:
        """Start the world and wait until its card lies there: the prober opens the exits at its own start."""
        card = self.data / "run" / WORLD_CARD
        card.unlink(missing_ok=True)  # a killed world's card leads nowhere
        self._launch(world)
        end = time.monotonic() + patience
        while not card.exists():
            if not self.children[WORLD].running or time.monotonic() > end:
                self.stop()
                raise Refused("The world did not start. Its own words are above.", code="no-world")
            time.sleep(0.02)

    # --- one supervisor a house; what a killed one left behind ---------------------------------

    def _take_house(self, run: Path) -> None:
        self._lock = os.open(run / "up.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            self._lock = -1
            raise Refused(
                "This house is open already. Stop the other `openhotline up` (or demo) first.",
                code="open-already",
            ) from None

    def _remember(self) -> None:
        alive = {
            child.process.pid: birth_of(child.process.pid)
            for child in self.children.values()
            if child.process
        }
        file = self.data / "run" / "children.json"
        temporary = file.with_suffix(".new")
        temporary.write_text(json.dumps(alive))
        temporary.replace(file)

    def _end_leftovers(self) -> None:
        """End children of a supervisor that was killed. A pid counts only with its time of birth."""
        with suppress(OSError, ValueError, AttributeError):
            known = json.loads((self.data / "run" / "children.json").read_text())
            for pid, birth in known.items():
                if birth and birth_of(int(pid)) == birth:
                    self.say(f"Ending process {pid}, left behind by an `up` that was killed.")
                    with suppress(ProcessLookupError):
                        os.killpg(int(pid), signal.SIGKILL)

    # --- watching -----------------------------------------------------------------------------

    def wait_until_ready(self, timeout: float) -> None:
        """Return when every door answers /livez. Raises Refused after `timeout` seconds, or when one ended."""
        end = time.monotonic() + timeout
        waiting = dict.fromkeys(self.doors)
        while waiting:
            for door in list(waiting):
                if not self.children[door].running:
                    self.stop()
                    raise Refused(
                        f"The {door} door ended while it started. Its own words are above.", code="no-door"
                    )
                if self._answers(door):
                    del waiting[door]
            if waiting and time.monotonic() > end:
                self.stop()
                raise Refused(
                    f"Not ready after {timeout:.0f} seconds: {', '.join(waiting)}. Run: openhotline doctor",
                    code="not-ready",
                )
            if waiting:
                time.sleep(0.03)

    def prober_runs(self, timeout: float) -> bool:
        """Whether the prober is done with its self-test and answers; False as soon as it ended instead."""
        end, prober = time.monotonic() + timeout, self.children[PROBER]
        while time.monotonic() < end:
            self.look_after()
            if prober.fell:
                return False
            with suppress(ProberUnreachable):
                Prober(self.settings.prober_socket, timeout=timeout).hello()
                return True
            time.sleep(0.05)
        return False

    def _answers(self, door: str) -> bool:
        port = int(getattr(self.settings, f"{door}_port"))
        host = "127.0.0.1" if self.settings.bind == "0.0.0.0" else self.settings.bind  # noqa: S104  compared, not bound
        line = http.client.HTTPConnection(host, port, timeout=5)
        try:
            line.request("GET", "/livez", headers={"Host": "127.0.0.1"})
            return line.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            line.close()

    def run_forever(self) -> None:
        """Watch until SIGTERM or SIGINT, then stop everything in order."""

        def end(number: int, frame: FrameType | None) -> None:
            self.ending.set()

        before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            while not self.ending.wait(0.2):
                self.look_after()
        finally:
            self.stop()
            for number, handler in before.items():
                signal.signal(number, handler)

    def look_after(self) -> None:
        """One look at every child: what has ended is started again when its pause is over."""
        now = time.monotonic()
        for child in list(self.children.values()):
            self._pass_on(child)
            if child.running:
                if child.fell and now - child.started > STEADY:
                    child.fell = ""
                    self.say(f"The {child.name} has run for a minute again.")
                continue
            if child.process is not None:
                self._fell(child, now)
            elif now >= child.again_at:
                if child.name != WORLD:
                    self._launch(child)
                    continue
                self._launch_world(child)
                if PROBER in self.children:
                    # The prober opened the exits while it was root; new exits need a new prober.
                    self._end([self.children[PROBER]])

    def _fell(self, child: Child, now: float) -> None:
        assert child.process is not None
        code = child.process.returncode
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child.process.pid, signal.SIGKILL)  # what a killed child has left of its own
        child.falls = 1 if now - child.started > STEADY else child.falls + 1
        pause = PAUSES[min(child.falls - 1, len(PAUSES) - 1)]
        self._hear_out(child)
        child.process, child.again_at = None, now + pause
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
        if how != child.fell:
            when = f"in {pause:.0f} seconds" if pause else "now"
            meanwhile = WITHOUT if child.name == PROBER else ""
            self.say(f"The {child.name} {how}; starting it again {when}.{meanwhile}")
        elif child.falls == 2:
            self.say(
                f"The {child.name} {how} again. It is tried at least every {PAUSES[-1]:.0f} seconds; the next sentence "
                "comes when something changes."
            )
        child.fell = how

    def _pass_on(self, child: Child) -> None:
        """What it says for the first time since its last start; a prober that refuses says the same at each."""
        for line in child.fresh_words():
            self.say(line)

    def _hear_out(self, child: Child) -> None:
        self._pass_on(child)
        if child.process is not None and child.process.stderr is not None:
            child.process.stderr.close()

    # --- stopping -----------------------------------------------------------------------------

    def stop(self) -> None:
        """Stop everything: doors, worker, prober, world. Harmless twice."""
        for names in (DOORS, (*self.workers, MATCHER), (PROBER,), (WORLD,)):
            self._end([self.children[name] for name in names if name in self.children])
            for name in names:
                if child := self.children.pop(name, None):
                    self._hear_out(child)
        if self._lock >= 0:
            (self.data / "run" / "children.json").unlink(missing_ok=True)
            os.close(self._lock)
            self._lock = -1

    def _end(self, children: Sequence[Child]) -> None:
        """SIGTERM, ten seconds' patience, SIGKILL."""
        alive = [child.process for child in children if child.process is not None]
        for process in alive:
            if process.poll() is None:
                process.terminate()
        end = time.monotonic() + STOP_PATIENCE
        for process in alive:
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, end - time.monotonic()))
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
