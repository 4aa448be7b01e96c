"""A desk for tests: this process becomes the desk of a house, with people signed in by a second factor."""

from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from openhotline.clock import WorldClock
from openhotline.ledger import record as ledger
from openhotline.records import vault
from openhotline.records.models import Item
from openhotline.rules import words
from openhotline.rules.opinion import Opinion
from openhotline.settings import load
from tests.journeys.cast import Day

KEY = b"the site key of a test house....".ljust(32)
CATEGORY_A = Opinion(
    words.ILLEGAL, words.CHILD_SEXUAL_ABUSE, "A", "infant", files=7, points=("4.1-b",), seconds=3307
)


class Desk:
    """A house's desk. `as_("A07")` is a browser in which that person is signed in."""

    def __init__(self, patch: pytest.MonkeyPatch, folder: Path, *, kind: str = "test") -> None:
        patch.setenv("OPENHOTLINE_DOOR", "desk")
        patch.setenv("OPENHOTLINE_KIND", kind)
        patch.setenv("OPENHOTLINE_DATA_DIR", str(folder))
        load.cache_clear()
        Path(settings.STATIC_ROOT).mkdir(exist_ok=True)  # whitenoise warns where it is missing
        vault.configure(KEY)
        ledger.configure(sw="test", pol="test", clock_source="test", site_key=KEY)
        self.day = Day()
        self.sync()

    def sync(self) -> None:
        """The desk's clock shows what the day says."""
        WorldClock(load().data_dir / "clock").set(self.day.now)

    def as_(self, name: str, *, factor: bool = True) -> Client:
        client = Client()
        client.force_login(self.day.people[name], backend="django.contrib.auth.backends.ModelBackend")
        if factor:
            session = client.session
            session["second_factor"] = True
            session.save()
        return client

    def one(self, line: str = "https://img.example.net/a/7f3c") -> Item:
        """One reported item."""
        return self.day.public_report(line)[0]

    def once(self, line: str = "https://img.example.net/a/7f3c") -> Item:
        """An item graded once by A07, category A, waiting for its second reader."""
        return self.day.graded([self.one(line)], by=("A07",), opinion=CATEGORY_A)[0]
