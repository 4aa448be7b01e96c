"""One small world for each test that asks."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from openhotline.world.serve import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """The scripted day with a bundle of three, at 07:00."""
    with World(tmp_path / "house", bundle=3) as world:
        yield world
