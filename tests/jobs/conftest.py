"""What tests of jobs share."""

from typing import TYPE_CHECKING

import pytest

from openhotline.records import vault

if TYPE_CHECKING:
    from tests.journeys.cast import Day


@pytest.fixture
def house(db: None) -> "Day":
    from tests.journeys.cast import Day

    vault.configure(b"the site key of a test house....".ljust(32))
    return Day()
