"""A public form to test against: its own folder, its own keys, the middleware of its own door."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

import pytest
from django.http import HttpResponse
from django.test import Client, override_settings

from openhotline.records import sealing
from openhotline.records.spool import Reader
from openhotline.rules.incoming import IncomingReport
from openhotline.settings import Settings
from openhotline.web import context, headers
from openhotline.web.public import box, follow, limits, views

NOW = datetime(2026, 5, 12, 14, 37, 21, tzinfo=UTC)
HOUR = datetime(2026, 5, 12, 14, tzinfo=UTC)


class StoppedClock:
    """A clock that says NOW."""

    def now(self) -> datetime:
        return NOW


class House(Settings):
    """Settings whose clock stands still."""

    def clock(self) -> StoppedClock:  # type: ignore[override]
        return StoppedClock()


class PublicDoor(Client):
    """A browser at the form, without script and without cookies, and the worker's view of the spool."""

    house: House

    def filed(self) -> list[tuple[str, IncomingReport]]:
        """What the worker would find: kind and opened report, oldest first."""
        secret = sealing.secret_key(self.house.keys)
        return [
            (record.kind, IncomingReport.from_json(sealing.open_(record.sealed, secret)))
            for record in Reader(self.house.spool).read(1000)
        ]

    def press(self, path: str, **fields: str) -> HttpResponse:
        """Press the button of a page, as a browser sends it."""
        return self.post(path, urlencode(fields), content_type="application/x-www-form-urlencoded")

    def step(self, path: str, **fields: str) -> str:
        """Press the button of a page; the address that follows. Fails unless it is POST, redirect, GET."""
        response = self.press(path, **fields)
        assert response.status_code == 303, response.content.decode()
        return str(response["Location"])


@contextmanager
def open_door(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PublicDoor]:
    """The public door of a fresh house in `folder`."""
    house = House(kind="test", door="public", data_dir=folder)
    sealing.create_intake_keys(house.keys)
    for module in (box, context, follow, headers, views):
        monkeypatch.setattr(module, "load", lambda: house)
    monkeypatch.setattr(follow, "TRIES", limits.Bucket(per_second=5, burst=40))
    monkeypatch.setattr(box, "_ready", (float("-inf"), ""))
    (folder / "static").mkdir()
    with override_settings(
        ROOT_URLCONF="openhotline.web.public.urls",
        STATIC_ROOT=folder / "static",
        MIDDLEWARE=[
            "openhotline.web.headers.Headers",
            "whitenoise.middleware.WhiteNoiseMiddleware",
            "django.middleware.common.CommonMiddleware",
        ],
    ):
        door = PublicDoor(raise_request_exception=False)
        door.house = house
        yield door
