"""The word guard. The terms it looks for are put together here, so that they stand nowhere in the repository."""

from importlib.resources import files

import pytest

from openhotline import policy
from openhotline.rules.terms import CARE, LEVELS, find, term

TERMS = policy.terms()
LAWFUL = "p" + "ornography"  # the word for lawful adult material, alone


@pytest.mark.parametrize(
    ("parts", "key"),
    [
        (("child ", "p", "orn"), "legitimising"),
        (("Child-", "P", "ornography"), "legitimising"),
        (("kiddie", "p", "ron"), "legitimising"),
        (("kid ", "p", "orno"), "legitimising"),
        (("infant_", "p", "orn"), "legitimising"),
        (("child", " prost", "itution"), "prostitution"),
        (("child sex", " work", "er"), "prostitution"),
        (("juvenile sex", " offen", "der"), "juvenile-offender"),
        (("pa", "edo", "phile"), "label"),
        (("pe", "do", "philes"), "label"),
        (("child sex", " tour", "ism"), "tourism"),
        (("customers of", " ab", "use"), "customer"),
        (("the child ", "consent", "ed"), "consent"),
        (("re", "venge p", "orn"), "revenge"),
    ],
)
def test_terms_are_found_with_their_place_and_advice(parts: tuple[str, ...], key: str) -> None:
    bad = "".join(parts)
    hits = find(f"first line\na word, {bad}.\n", TERMS)
    assert key in [hit.term for hit in hits]
    hit = next(hit for hit in hits if hit.term == key)
    assert hit.line == 2
    assert hit.offset >= len("first line\n")
    assert hit.text.lower() in bad.lower() or bad.lower() in hit.text.lower()
    assert hit.advice.endswith(".")


@pytest.mark.parametrize(
    "text",
    [
        "child sexual abuse images and content",
        "the child’s own account; childcare; a child, portrait",
        f"lawful adult {LAWFUL}",
        "a pedometer and a pedestrian",
        "our client offers a customer form",
        "the host gives consent; a consent form",
        "cp images/ backup/",
    ],
)
def test_ordinary_words_stand(text: str) -> None:
    assert find(text, TERMS) == []


def test_the_quoted_name_of_a_law_stands_with_its_citation_only() -> None:
    name = "Child Trafficking and Child P" + "ornography"
    assert find(f"quoted: “{name}” Act 1998, section 2", TERMS) == []
    assert find(f"the {name} Act 1998", TERMS)
    assert find(f"he said “{name}” yesterday", TERMS)


def test_words_to_use_with_care_are_found_when_asked_for() -> None:
    text = "a victim, self-generated; a victim or representative may appeal"
    assert find(text, TERMS) == []
    assert [hit.term for hit in find(text, TERMS, levels=LEVELS)] == ["victim", "self-generated"]
    assert all(hit.level == CARE for hit in find(text, TERMS, levels=LEVELS))


def test_the_list_and_everything_in_policy_passes_its_own_guard() -> None:
    folder = files("openhotline.policy")
    texts = [folder / "terms.toml", *(folder / "gb").iterdir()]
    for file in texts:
        assert find(file.read_text("utf-8"), TERMS) == [], file


def test_a_broken_entry_is_refused_with_a_sentence() -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        term("x", "(", "Write it so.", "never")
    with pytest.raises(ValueError, match="level"):
        term("x", "a", "Write it so.", "sometimes")
    with pytest.raises(ValueError, match="what to write"):
        term("x", "a", "", "never")


def test_long_texts_take_no_long_time() -> None:
    for text in ("child " * 50_000, "“" * 20_000 + "a" * 20_000, "consent of the " * 20_000):
        assert find(text, TERMS) == []


def test_an_allowed_context_must_hold_the_whole_find_on_its_own_line() -> None:
    entry = term("x", "bad word", "Write it so.", "never", ("a bad word here",))
    assert find("a bad word here", [entry]) == []
    assert [hit.offset for hit in find("bad word here\na bad word here\nbad word", [entry])] == [0, 30]
    (hit,) = find("one\ntwo bad word", [entry])
    assert (hit.line, hit.offset) == (2, 8)


def test_what_the_law_or_a_context_only_touches_is_found() -> None:
    entry = term("x", "bad word", "Write it so.", "never", ("a bad",))
    assert [hit.offset for hit in find("a bad word", [entry])] == [2]
    quoted = "“The bad word” Act 1998"
    assert find(quoted, [entry]) == []
    assert find("“bad word” Act 1998", [entry]) == [], "the name may begin with it"
    assert [hit.offset for hit in find(f"bad word and {quoted}", [entry])] == [0]
    assert [hit.offset for hit in find(f"{quoted} bad word", [entry])] == [24]
    ends = term("y", "bad word", "Write it so.", "never", ("a bad word",))
    assert find("\na bad word\nx", [ends]) == []
    assert [hit.line for hit in find("\n\nbad word", [ends])] == [3]
