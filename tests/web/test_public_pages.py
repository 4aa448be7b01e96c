"""Every public page: no script, no cookie, nothing from elsewhere, small, honest, and no trace of who asked."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from openhotline.web.headers import policy
from openhotline.web.templatetags.icons import drawn
from tests.web.public_door import PublicDoor, open_door
from tests.web.reading import hard

STATIC = Path(__file__).parents[2] / "openhotline" / "web" / "static"
ALONE = (
    "/",
    "/report",
    "/report/app",
    "/follow",
    "/privacy",
    "/accessibility",
    "/support",
    "/picture-of-me",
    "/police",
)
TERM = re.compile(r"\b(child|kiddie|kid|infant)\W{0,3}p(or|ro)n\w*", re.IGNORECASE)


@pytest.fixture
def door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PublicDoor]:
    with open_door(tmp_path, monkeypatch) as opened:
        yield opened


class Page(HTMLParser):
    """What a page is made of: its elements, its links, its words."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._silent = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._silent += tag in ("title", "svg")

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in ("title", "svg")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.words.append(data)

    def values(self, tag: str, name: str) -> list[str]:
        return [
            value for found, attrs in self.tags if found == tag and (value := attrs.get(name)) is not None
        ]


def all_pages(door: PublicDoor) -> dict[str, str]:
    """Every page a visitor can come to, by its address or what led there."""
    pages = {path: door.get(path).content.decode() for path in ALONE}
    pages["nothing typed"] = door.press("/report").content.decode()
    pages["no app typed"] = door.press("/report/app").content.decode()
    pages["no such page"] = door.get("/nowhere").content.decode()
    pages["too large"] = door.press("/report", url="a" * 2**20).content.decode()
    what = door.step("/report", url="https://example.org/a")
    for name in ("where", "what", "hear", "mail", "send"):
        pages[name] = door.get(what.replace("/what", f"/{name}")).content.decode()
    pages["mail slip"] = door.press(what.replace("/what", "/mail"), mail="x").content.decode()
    door.step(what, kind="contact")
    pages["send, contact"] = door.get(what.replace("/what", "/send")).content.decode()
    receipt = door.step(what.replace("/what", "/send"))
    pages["receipt"] = door.get(receipt).content.decode()
    pages["words gone"] = door.get(f"/report/{'A' * 43}/receipt").content.decode()
    pages["draft gone"] = door.get(f"/report/{'A' * 43}/what").content.decode()
    return pages


def test_no_page_holds_script_inline_style_pictures_or_anything_from_elsewhere(door: PublicDoor) -> None:
    for name, text in all_pages(door).items():
        page = Page(text)
        tags = {tag for tag, _ in page.tags}
        assert not tags & {"script", "style", "img", "iframe", "object", "embed", "video", "audio"}, name
        for tag, attrs in page.tags:
            assert not [attr for attr in attrs if attr.startswith(("on", "hx-")) or attr == "style"], (
                name,
                tag,
            )
        for href in [*page.values("link", "href"), *page.values("form", "action")]:
            assert href.startswith("/"), (name, href)


def test_every_link_leads_somewhere_real(door: PublicDoor) -> None:
    seen: set[str] = set()
    for name, text in all_pages(door).items():
        page = Page(text)
        ids = page.values("main", "id") + [attrs["id"] or "" for _, attrs in page.tags if attrs.get("id")]
        for href in page.values("a", "href"):
            if href.startswith("#"):
                assert href[1:] in ids, (name, href)
            elif href.startswith("/") and "seven-words" not in href and href not in seen:
                seen.add(href)
                # The receipt's walk has ended, so links of its earlier pages lead to the receipt.
                assert door.get(href).status_code in (200, 303), (name, href)
            else:
                assert href.startswith(("/", "tel:")) or href == "https://example.com/", (name, href)


def test_the_sprite_holds_the_icons_used_and_no_others(door: PublicDoor) -> None:
    for name, text in all_pages(door).items():
        held = set(re.findall(r'<symbol id="([^"]+)"', text))
        used = set(re.findall(r'<use href="#([^"]+)"', text))
        assert used <= held, (name, used - held)
        assert held - used <= {"phone", "back"}, (name, held - used)
    assert {"exit", "phone", "lang"} <= set(drawn())


def test_pages_are_small(door: PublicDoor) -> None:
    css = sum((STATIC / "css" / f"{name}.css").stat().st_size for name in ("tokens", "ui", "public"))
    mark = (STATIC / "mark.svg").stat().st_size
    for name, text in all_pages(door).items():
        assert len(text.encode()) + css + mark <= 60_000, name
        page = Page(text)
        assert 1 + len(page.values("link", "href")) <= 5, "requests for one page"


def test_words_are_short_and_the_right_ones(door: PublicDoor) -> None:
    for name, text in all_pages(door).items():
        assert not TERM.search(text), name
        assert not re.search(r"twelve|victim|oops|please note|seriously", text, re.IGNORECASE), name
        assert not any("!" in block for block in Page(text).words), name
        assert hard(text, age=11, words=15) == [], name


def test_no_cookie_is_set_and_nothing_may_be_stored(door: PublicDoor) -> None:
    for path in (*ALONE, "/nowhere"):
        response = door.get(path)
        assert not response.cookies
        assert response["Cache-Control"] == "no-store"
    response = door.press("/report", url="https://example.org/a")
    assert not response.cookies
    assert response["Cache-Control"] == "no-store"


def test_every_answer_carries_the_headers_files_too(door: PublicDoor) -> None:
    for path in ("/", "/nowhere", "/static/css/tokens.css", "/livez", f"/report/{'A' * 43}/what"):
        response = door.get(path)
        assert response["Content-Security-Policy"] == policy("public")
        assert "script" not in response["Content-Security-Policy"]
        assert response["Referrer-Policy"] == "no-referrer"
        assert response["X-Content-Type-Options"] == "nosniff"
        assert "geolocation=()" in response["Permissions-Policy"]
        assert response["Cross-Origin-Opener-Policy"] == "same-origin"
        assert "Access-Control-Allow-Origin" not in response
        assert ("max-age" if "static" in path else "no-store") in response["Cache-Control"]
        b"".join(response)


def test_only_desk_and_portal_may_run_our_own_script() -> None:
    assert "script-src 'self'" in policy("desk")
    assert "script-src 'self'" in policy("portal")
    for door_name in ("public", "worker", "command"):
        assert "script" not in policy(door_name)
    for door_name in ("public", "desk", "portal"):
        assert "unsafe" not in policy(door_name)
        assert "default-src 'none'" in policy(door_name)
        assert "frame-ancestors 'none'" in policy(door_name)


def test_no_trace_of_who_asked_reaches_a_view_or_the_disk(
    door: PublicDoor, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from openhotline.web.public import views

    seen: list[str] = []
    real = views.page

    def watching(request, *args, **kwargs):  # type: ignore[no-untyped-def]
        seen.append(repr({name: value for name, value in request.META.items() if isinstance(value, str)}))
        return real(request, *args, **kwargs)

    monkeypatch.setattr(views, "page", watching)
    marks = {
        "REMOTE_ADDR": "203.0.113.77",
        "HTTP_X_FORWARDED_FOR": "203.0.113.78",
        "HTTP_X_REAL_IP": "203.0.113.79",
        "HTTP_FORWARDED": "for=203.0.113.80",
        "HTTP_USER_AGENT": "Marked/1.0",
        "HTTP_REFERER": "https://marked.example/",
        "HTTP_ACCEPT_LANGUAGE": "marked",
        "HTTP_COOKIE": "a=marked",
        "HTTP_SEC_CH_UA": "marked",
    }
    door.defaults.update(marks)
    with caplog.at_level("DEBUG"):
        what = door.step("/report", url="https://example.org/a")
        door.get(what)
        door.get("/nowhere-marked-none")
    door.press(what, kind="image")

    for value in ("203.0.113", "Marked", "marked.example", "a=marked"):
        assert not [text for text in seen if value in text]
        assert value not in caplog.text
        for path in door.house.data_dir.rglob("*"):
            assert not path.is_file() or value.encode() not in path.read_bytes()
    assert seen


def test_a_fault_is_logged_by_its_place_and_never_with_what_was_typed(
    door: PublicDoor, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from openhotline.web.public import box

    typed = "https://img.example.net/typed"

    def broken(*args: object) -> None:
        raise RuntimeError(typed)

    monkeypatch.setattr(box, "keep", broken)
    what = f"/report/{'A' * 43}/what"
    with caplog.at_level("DEBUG"):
        response = door.press("/report", url=typed)
        door.get(what)
    assert response.status_code == 500
    assert "It is not your fault." in response.content.decode()
    assert "RuntimeError at the public door" in caplog.text
    assert "img.example.net" not in caplog.text
    assert "A" * 43 not in caplog.text, "the address of a draft opens it, so no log may hold one"


def test_alive_and_ready(door: PublicDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    from openhotline.web.public import box

    assert door.get("/livez").content == b"ok\n"
    assert door.get("/readyz").content == b"ready\n"
    assert list(door.house.spool.iterdir()) == [], "asking leaves nothing behind"

    monkeypatch.setattr(box, "_ready", (float("-inf"), ""))
    monkeypatch.setattr(box, "ROOM_NEEDED", 2**62)
    answer = door.get("/readyz")
    assert answer.status_code == 503
    assert b"Make room." in answer.content
    assert door.get("/livez").status_code == 200
