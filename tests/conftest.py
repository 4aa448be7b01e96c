"""What holds for every test: a throw-away house, a closed network, two passes, one browser.

Django reads its settings once, so the house's environment is made here, before Django loads. A test
that touches the database runs in both passes (SQLite, PostgreSQL); a test that does not, a browser
test and a benchmark run once, in the SQLite pass. `@pytest.mark.once` and `@pytest.mark.both` decide
where the database cannot be seen from the test's fixtures and marks (a test that starts processes).
"""

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import hypothesis
import pytest
from django.conf import settings

from tests import network
from tests.houses import fresh_house

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# A busy machine is no finding: how long an example took, or its making, fails nothing.
hypothesis.settings.register_profile(
    "house", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("house")

_FOLDER = Path(tempfile.mkdtemp(prefix="openhotline-test-"))
# The keys a house makes at its creation: without them nothing can be sealed or entered.
(_FOLDER / "keys").mkdir(mode=0o700)
(_FOLDER / "static").mkdir()
(_FOLDER / "keys" / "site.key").write_bytes(os.urandom(32))
_POSTGRES = os.environ.get("OPENHOTLINE_TEST_POSTGRES", "")
for _name in [name for name in os.environ if name.startswith("OPENHOTLINE_")]:
    if not _name.startswith("OPENHOTLINE_TEST_"):
        del os.environ[_name]  # a developer's own house is none of the tests' business
os.environ["OPENHOTLINE_KIND"] = "test"
os.environ["OPENHOTLINE_DATA_DIR"] = str(_FOLDER)
os.environ["OPENHOTLINE_DATABASE_URL"] = _POSTGRES.removesuffix("/postgres") + "/house" if _POSTGRES else ""

# Loaded here and not named in the environment: pytest's parallel workers inherit the environment, and
# pytest-django would load the settings there before this file has given the worker a house of its own.
if "openhotline.django_settings" in sys.modules:
    raise pytest.UsageError("Django was loaded too early. Unset DJANGO_SETTINGS_MODULE and try again.")
os.environ["DJANGO_SETTINGS_MODULE"] = "openhotline.django_settings"
settings.INSTALLED_APPS  # noqa: B018
del os.environ["DJANGO_SETTINGS_MODULE"]

_DATABASE_FIXTURES = {"db", "transactional_db", "house_env"}
CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--release", action="store_true", help="also the heavy tests, marked release")


def _end(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def pytest_configure() -> None:
    # Ended from outside, pytest would leave folders and servers behind; as if by Ctrl-C it does not.
    signal.signal(signal.SIGTERM, _end)


def pytest_unconfigure() -> None:
    shutil.rmtree(_FOLDER, ignore_errors=True)


def touches_database(item: pytest.Item) -> bool:
    """Whether a test has business in both passes, as far as its marks and fixtures tell."""
    if item.get_closest_marker("once") or item.get_closest_marker("browser"):
        return False
    if item.get_closest_marker("both") or item.get_closest_marker("django_db"):
        return True
    return bool(_DATABASE_FIXTURES & set(getattr(item, "fixturenames", ())))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what this run is not about. Fixtures and marks decide, never names."""
    kept, left = [], []
    for item in items:
        heavy = item.get_closest_marker("release") and not config.getoption("--release")
        elsewhere = _POSTGRES and not touches_database(item)
        (left if heavy or elsewhere else kept).append(item)
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = kept


@pytest.fixture(scope="session", autouse=True)
def _closed_network() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        network.close(patch)
        yield


@pytest.fixture(autouse=True)
def _nobody_called_out() -> Iterator[None]:
    """A refused call fails the test even where the code under test swallowed the refusal."""
    network.ATTEMPTS.clear()
    yield
    attempts = list(network.ATTEMPTS)
    network.ATTEMPTS.clear()
    if attempts:
        pytest.fail(f"This test reached outside the machine: {'; '.join(attempts)}.")


@pytest.fixture
def house_env(tmp_path: Path) -> dict[str, str]:
    """The environment of a fresh test house on this pass's database, for processes (see tests/houses.py)."""
    return fresh_house(tmp_path)


@pytest.fixture(scope="module")
def chromium() -> Iterator["Browser"]:
    """Debian's Chromium, started once for a file. Make contexts of it: `chromium.new_context(viewport=...)`.

    Not for the whole run: Playwright's event loop would stay behind in this thread and trip every later file.
    """
    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium")
    if not program:
        pytest.fail("This machine has no Chromium for the browser tests. Remedy: apt-get install chromium")
    # Playwright keeps an event loop running in this thread, which makes Django refuse the ORM here
    # although nothing runs concurrently. The house's own processes are not touched by this.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(CHROMIUM_FLAGS))
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]
