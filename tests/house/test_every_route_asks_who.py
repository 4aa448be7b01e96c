"""Closed unless opened: every route of every door refuses a stranger, but for a short list with its reasons.

The doors' own tables of addresses are walked, so a page added tomorrow is closed or fails here.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from uuid import UUID

import pytest
from django.conf import settings
from django.test import Client
from django.urls import URLPattern, URLResolver

from openhotline.settings import load

pytestmark = pytest.mark.django_db
DOORS = {
    "public": "openhotline.web.public.urls",
    "desk": "openhotline.web.desk.urls",
    "portal": "openhotline.web.portal.urls",
}
SIGNING_IN = "signing in itself"
OPEN = {
    "desk": {
        "livez": "a supervisor asks; no case in the answer",
        "readyz": "a supervisor asks; no case in the answer",
        "account_login": SIGNING_IN,
        "account_logout": SIGNING_IN,
        "account_inactive": SIGNING_IN,
    },
    "portal": {
        "livez": "a supervisor asks; no case in the answer",
        "readyz": "a supervisor asks; no case in the answer",
        "verify": "serial and code in, yes or no out",
        "open": "serial and code in, the way to one notice out, or nothing",
        "appeal": "anybody concerned may appeal; the answer is the same whatever the serial is",
        "api-schema": "describes the API; no case in it",
        "account_login": SIGNING_IN,
        "account_logout": SIGNING_IN,
        "account_inactive": SIGNING_IN,
    },
}
# Who comes with a secret in the address or in a header is asked for that instead of an account.
BY_SECRET = {
    "notice",
    "notice-receipt",
    "notice-xarf",
    "notice-text",
    "program-notices",
    "program-answers",
    "filter-list-copy",
    "filter-list-withdrawn",
}
_VALUES = {
    "int": 1,
    "str": "26-00001-X",
    "link": "A" * 43,
    "token": "A" * 43,
    "uuid": UUID(int=0),
    "uuidstr": str(UUID(int=0)),
    "path": "x",
    "slug": "x",
}
_ARGUMENT = re.compile(r"<(?:(?P<kind>[a-z_]+):)?(?P<name>[a-z_]+)>")


@dataclass(frozen=True)
class Route:
    """One address of a door, with its arguments filled in."""

    name: str
    path: str
    pattern: URLPattern


def routes(module: str) -> list[Route]:
    found: list[Route] = []

    def walk(patterns: list[URLPattern | URLResolver], before: str) -> None:
        for entry in patterns:
            own = str(entry.pattern)
            if isinstance(entry, URLResolver):
                walk(entry.url_patterns, before + own)
                continue
            own = "" if own.startswith("^") else own
            path = "/" + _ARGUMENT.sub(lambda m: str(_VALUES[m["kind"] or "str"]), before + own)
            found.append(Route(entry.name or "", path, entry))

    walk(import_module(module).urlpatterns, "")
    return found


@pytest.fixture
def door(request: pytest.FixtureRequest, tmp_path: Path, settings: object) -> Iterator[str]:
    name = str(request.param)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENHOTLINE_DOOR", name)
        patch.setenv("OPENHOTLINE_DATA_DIR", str(tmp_path))
        load.cache_clear()
        settings.ROOT_URLCONF = DOORS[name]  # type: ignore[attr-defined]
        Path(settings.STATIC_ROOT).mkdir(exist_ok=True)  # type: ignore[attr-defined]
        yield name
    load.cache_clear()


@pytest.mark.parametrize("door", ["desk", "portal"], indirect=True)
def test_a_stranger_is_sent_away_from_every_route(door: str) -> None:
    table = routes(DOORS[door])
    assert len(table) > 25
    open_seen = set()
    for route in table:
        for method in ("get", "post", "put", "delete"):
            response = getattr(Client(), method)(route.path)
            if route.name in OPEN[door]:
                open_seen.add(route.name)
                assert response.status_code < 500 or route.name == "readyz", f"{method} {route.path}"
                continue
            away = response.status_code in (401, 403, 404, 405)
            sent = response.status_code in (301, 302, 303) and response["Location"].startswith("/sign-in/")
            assert away or sent, (
                f"{method} {route.path} answers {response.status_code} to a stranger at the {door}"
            )
            if method == "get" and route.path.startswith("/n/"):
                assert response.status_code == 404, f"{route.path} must not be there without its secret"
    assert open_seen == set(OPEN[door]), "Take off the list what is no longer there."


@pytest.mark.parametrize("door", ["desk", "portal"], indirect=True)
def test_only_the_listed_views_are_marked_open(door: str) -> None:
    """`open_door` is the only way past the door, so who carries it is listed here."""
    listed = set(OPEN[door]) | BY_SECRET
    for route in routes(DOORS[door]):
        if getattr(route.pattern.callback, "open_door", False) and not route.name.startswith("api-"):
            assert route.name in listed, f"{route.name or route.path} is open; say why, or close it."


@pytest.mark.parametrize("door", ["portal"], indirect=True)
def test_the_api_asks_for_a_token(door: str) -> None:
    asked = 0
    for route in routes(DOORS[door]):
        if route.name.startswith("api-") and route.name not in ("api-schema", "api-nothing"):
            method = Client().post if "file" in route.name else Client().get
            answered = method(route.path)
            if answered.status_code == 405:
                answered = Client().post(route.path)
            assert answered.status_code == 401, route.path
            asked += 1
    assert asked >= 7


@pytest.mark.parametrize("door", ["public"], indirect=True)
def test_the_public_door_has_no_session_and_no_way_to_a_case(door: str) -> None:
    """It asks nobody on purpose: it is its own process, and all it may ask the database is a receipt's phase."""
    table = routes(DOORS[door])
    assert {route.name for route in table} >= {"where", "follow", "livez"}
    text = "".join(
        path.read_text() for path in Path(import_module(DOORS["public"]).__file__ or "").parent.glob("*.py")
    )
    assert (
        "openhotline.steps" not in text
        and "openhotline.web.scoped" not in text
        and "openhotline.web.bearers" not in text
        and "request.session" not in text
    )
    assert "openhotline.records.models" not in text.replace(
        "from openhotline.records.models import ReceiptPhase", ""
    )


@pytest.mark.parametrize("door", ["public", "desk", "portal"], indirect=True)
def test_a_slash_too_many_or_too_few_leads_to_the_one_address_a_page_has(door: str) -> None:
    # The API says in its own words, as JSON, what is not there.
    table = [
        route for route in routes(DOORS[door]) if route.path != "/" and not route.path.startswith("/api/")
    ]
    assert len(table) > 10
    for route in table:
        other = route.path[:-1] if route.path.endswith("/") else f"{route.path}/"
        typed = Client().get(f"{other}?all=1")
        assert (typed.status_code, typed.get("Location")) == (301, f"{route.path}?all=1"), (
            f"{other} at the {door}"
        )
    assert Client().post(other).status_code == 404, "a press finds its page or nothing"
    assert Client().get("/is-not-there/").status_code == 404


def test_allauth_views_of_an_account_ask_who_by_themselves() -> None:
    assert "openhotline.web.doors.Door" in settings.MIDDLEWARE
