"""The house's words: no file of the repository, and no page, says what `policy/terms.toml` says never to write.

The guard itself is tested in tests/rules/test_terms.py. Terms that are planted here are put together from
parts, so that they stand nowhere.
"""

import re
from pathlib import Path

import pytest

from openhotline import policy
from openhotline.rules.terms import Hit, find
from tests.house.test_no_media import tracked

ROOT = Path(__file__).resolve().parents[2]
# The list itself holds patterns. The names of laws stand by their own rule (rules/terms.py), not by file.
ALLOWED = {"openhotline/policy/terms.toml"}
PLANTED = "a page of " + "ki" + "ddie p" + "orn"
TEMPLATES = ROOT / "openhotline" / "web" / "templates"
_TAG = re.compile(r"\{#.*?#\}|\{%\s*comment.*?endcomment\s*%\}|\{%.*?%\}|\{\{.*?\}\}|<[^>]*>", re.DOTALL)
_SPACE = re.compile(r"\s+")


def text_of(file: Path) -> str | None:
    """The file as text; None for what is not text (drawings and screenshots of our own pages)."""
    data = file.read_bytes()
    if b"\0" in data[:4096]:
        return None
    return data.decode("utf-8", "replace")


def offences(file: Path, name: str) -> list[str]:
    """Every find in a file and in its name, with its line and what to write instead."""
    text = text_of(file)
    hits = [*find(name, policy.terms()), *(find(text, policy.terms()) if text is not None else [])]
    return [told(name, hit) for hit in hits]


def told(name: str, hit: Hit) -> str:
    """One find, for a person who has to mend it. The word itself is not repeated."""
    return f"{name}:{hit.line} ({hit.term}): {hit.advice}"


def shown(template: str) -> str:
    """What a template says to a reader, tags taken away: a term may be split by markup or by lines."""
    return _SPACE.sub(" ", _TAG.sub(" ", template))


def joined(template: str) -> str:
    """The same with tags taken out and nothing put in their place: `chi<b>ld` reads as one word."""
    return _SPACE.sub(" ", _TAG.sub("", template))


def templates() -> list[Path]:
    return sorted(file for file in TEMPLATES.rglob("*") if file.is_file())


def test_no_file_of_the_repository_uses_such_a_word() -> None:
    found = []
    for file in tracked():
        name = file.relative_to(ROOT).as_posix()
        if name not in ALLOWED and file.is_file():
            found += offences(file, name)
    assert found == []


def test_every_name_on_the_allow_list_is_a_file() -> None:
    assert [name for name in ALLOWED if not (ROOT / name).is_file()] == []


def test_a_planted_file_is_caught(tmp_path: Path) -> None:
    file = tmp_path / "notes.md"
    file.write_text(f"A first line.\n{PLANTED}\n", "utf-8")
    (caught,) = offences(file, "notes.md")
    assert caught.startswith("notes.md:2 (legitimising)")
    assert "child sexual abuse images" in caught


def test_a_planted_name_is_caught(tmp_path: Path) -> None:
    file = tmp_path / "harmless.txt"
    file.write_text("Nothing here.\n", "utf-8")
    assert offences(file, PLANTED.replace(" ", "-"))


def test_the_name_of_a_law_stands_in_a_file_with_its_citation(tmp_path: Path) -> None:
    file = tmp_path / "law.md"
    name = "Child Trafficking and " + "Child P" + "ornography"
    file.write_text(f"In Ireland it is “{name}” Act 1998, section 2, asked for by name.\n", "utf-8")
    assert offences(file, "law.md") == []
    file.write_text(f"the {name} laws\n", "utf-8")
    assert offences(file, "law.md")


@pytest.mark.parametrize("file", templates(), ids=lambda file: file.relative_to(TEMPLATES).as_posix())
def test_no_page_says_it_across_its_markup(file: Path) -> None:
    text = text_of(file)
    assert text is not None
    name = file.relative_to(ROOT).as_posix()
    hits = [*find(shown(text), policy.terms()), *find(joined(text), policy.terms())]
    assert [told(name, hit) for hit in hits] == []


def test_a_term_split_by_markup_is_caught() -> None:
    split = "<p>Images of ki<b>ddie</b>\n   {# a note #}<i>p" + "orn</i></p>"
    assert find(split, policy.terms()) == []
    assert find(joined(split), policy.terms())
    assert find(shown("<b>child</b>\n<i>p" + "orn</i>"), policy.terms())


def test_no_page_of_the_public_form_says_it_when_it_is_rendered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.web.public_door import open_door

    with open_door(tmp_path, monkeypatch) as door:
        what = door.step("/report", url="https://example.org/a")
        token = what.removesuffix("/what")
        hear = door.step(what, kind="image", help="")
        mail = door.step(hear, follow="mail")
        send = door.step(mail, mail="somebody@mail.example")
        pages = [
            "/",
            "/report",
            "/report/app",
            "/follow",
            "/privacy",
            "/accessibility",
            "/support",
            "/picture-of-me",
        ]
        pages += ["/police", "/nowhere", f"{token}/where", what, hear, mail, send]
        texts = {path: door.get(path).content.decode() for path in pages}
        receipt = door.step(send)
        texts[receipt] = door.get(receipt).content.decode()
    assert "child sexual abuse" in texts["/report"]
    for path, text in texts.items():
        for read in (text, shown(text), joined(text)):
            assert [told(path, hit) for hit in find(read, policy.terms())] == []
