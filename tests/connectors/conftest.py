"""Towns that tests of the prober share: each is started once, and put back to how it was after every test."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.connectors.town import SHORT, Town, lent, town


@pytest.fixture(scope="session")
def running() -> Iterator[Town]:
    with tempfile.TemporaryDirectory() as name, town(Path(name)) as made:
        yield made


@pytest.fixture(scope="session")
def running_short() -> Iterator[Town]:
    with tempfile.TemporaryDirectory() as name, town(Path(name), limits=SHORT) as made:
        yield made


@pytest.fixture
def place(running: Town) -> Iterator[Town]:
    """The shared town, put back to how it was afterwards."""
    yield from lent(running)


@pytest.fixture
def hurried(running_short: Town) -> Iterator[Town]:
    """Another, whose prober waits for nobody for long: for what is expected not to answer."""
    yield from lent(running_short)
