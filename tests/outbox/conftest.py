"""A fresh house for each journey."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.journeys.cast import Day


@pytest.fixture
def house(db: None) -> "Day":
    from tests.journeys.cast import Day  # Django is not set up yet when this file is read

    return Day()
