"""The dated tables of what is taken and how it is graded, as shipped for gb."""

from datetime import date, timedelta

import pytest

from openhotline import policy
from openhotline.rules import words
from openhotline.rules.refusals import Refused
from openhotline.rules.remit import RemitRow, RemitTable, Scheme, decide, faults, scheme_on

GB = policy.load("gb")
TODAY = date(2026, 11, 2)


@pytest.mark.parametrize(
    ("cls", "hosted_in", "on", "taken"),
    [
        (words.CHILD_SEXUAL_ABUSE, "GB", TODAY, True),
        (words.CHILD_SEXUAL_ABUSE, "NL", TODAY, True),
        (words.CHILD_SEXUAL_ABUSE, "", TODAY, True),
        (words.CHILD_SEXUAL_ABUSE, "NL", date(1995, 12, 31), False),
        (words.CHILD_SEXUAL_ABUSE, "NL", date(1996, 1, 1), True),
        (words.NON_PHOTOGRAPHIC, "GB", date(2010, 4, 5), False),
        (words.NON_PHOTOGRAPHIC, "GB", date(2010, 4, 6), True),
        (words.NON_PHOTOGRAPHIC, "gb", TODAY, True),
        (words.NON_PHOTOGRAPHIC, "US", TODAY, False),
        (words.NON_PHOTOGRAPHIC, "", TODAY, None),
        (words.OBSCENE_ADULT, "GB", date(2012, 6, 1), True),
        (words.OBSCENE_ADULT, "US", date(2012, 6, 1), False),
        (words.OBSCENE_ADULT, "GB", date(2018, 1, 1), False),
        (words.EXTREME, "GB", TODAY, False),
        (words.RACIAL_HATRED, "GB", date(2011, 4, 30), True),
        (words.RACIAL_HATRED, "GB", date(2011, 5, 1), False),
        ("something-else", "GB", TODAY, False),
    ],
)
def test_remit_is_a_matter_of_class_place_and_day(
    cls: str, hosted_in: str, on: date, taken: bool | None
) -> None:
    word = decide(cls, hosted_in, on=on, table=GB.remit)
    assert word.in_remit is taken
    assert word.why.endswith(".")
    assert bool(word.row) == (GB.remit.on(cls, on) is not None)


def test_a_class_that_ended_or_is_to_come_says_when() -> None:
    assert "until 1 January 2018" in decide(words.OBSCENE_ADULT, "GB", on=TODAY, table=GB.remit).why
    assert (
        "from 6 April 2010" in decide(words.NON_PHOTOGRAPHIC, "GB", on=date(2009, 1, 1), table=GB.remit).why
    )


def test_levels_end_and_categories_begin_at_midnight() -> None:
    assert GB.scheme_on(date(2014, 3, 31)).categories == ("5", "4", "3", "2", "1")
    assert GB.scheme_on(date(2014, 4, 1)).categories == ("A", "B", "C")
    assert GB.scheme_on(TODAY).key == "gb-categories"
    with pytest.raises(Refused, match="No grading scheme"):
        GB.scheme_on(date(1990, 1, 1))


def test_every_old_level_has_its_place_in_the_categories() -> None:
    levels = GB.scheme_on(date(2010, 1, 1))
    assert {level: levels.carry(level) for level in levels.categories} == {
        "5": "A",
        "4": "A",
        "3": "B",
        "2": "B",
        "1": "C",
    }
    assert GB.scheme_on(TODAY).carry("A") == ""


def test_labels_are_neutral() -> None:
    for scheme in GB.schemes:
        for grade in scheme.grades:
            assert scheme.label(grade.key).startswith(("Level", "Category"))


def test_faults_in_tables_are_found() -> None:
    first = RemitRow("a", "x", "home", date(2020, 1, 1), None)
    late = RemitRow("b", "x", "home", date(2021, 1, 1), date(2021, 1, 1))
    found = faults(RemitTable("GB", (first, late)), ())
    assert any("overlap" in sentence for sentence in found)
    assert any("ends before it starts" in sentence for sentence in found)
    levels = Scheme("s1", "One", date(2000, 1, 1), date(2010, 1, 1), GB.schemes[0].grades)
    gap = Scheme("s2", "Two", date(2010, 1, 1) + timedelta(1), None, GB.schemes[1].grades)
    assert any("gap" in sentence for sentence in faults(RemitTable("GB", ()), (levels, gap)))
    assert faults(GB.remit, GB.schemes) == []
    assert scheme_on(date(2005, 1, 1), (gap, levels)).key == "s1"


def test_each_class_has_a_past_and_a_future_of_its_own() -> None:
    day = date(2020, 6, 1)
    table = RemitTable(
        "GB",
        (
            RemitRow("a1", "a", "home", date(2000, 1, 1), date(2010, 1, 1)),
            RemitRow("a2", "a", "home", date(2010, 1, 1), day),
            RemitRow("b1", "b", "home", date(2021, 1, 1), None),
            RemitRow("b2", "b", "home", date(2022, 1, 1), date(2023, 1, 1)),
            RemitRow("c1", "c", "anywhere", date(2000, 1, 1), date(2001, 1, 1)),
            RemitRow("d1", "d", "home", date(2030, 1, 1), None),
        ),
    )

    def why(cls: str, on: date = day) -> str:
        return decide(cls, "GB", on=on, table=table).why

    assert why("a") == "This class was in remit until 1 June 2020."
    assert why("b") == "This class is in remit only from 1 January 2021."
    assert why("c") == "This class was in remit until 1 January 2001."
    assert why("d") == "This class is in remit only from 1 January 2030."
    assert why("e") == "This class is in no row of the remit table."


def test_rows_that_only_touch_do_not_overlap() -> None:
    early = RemitRow("a", "x", "home", date(2000, 1, 1), date(2010, 1, 1))
    late = RemitRow("b", "x", "home", date(2010, 1, 1), None)
    for rows in ((early, late), (late, early)):
        assert faults(RemitTable("GB", rows), ()) == []
    before = RemitRow("c", "x", "home", date(2009, 12, 31), date(2011, 1, 1))
    for rows in ((early, before), (before, early), (late, before), (before, late)):
        assert any("overlap" in fault for fault in faults(RemitTable("GB", rows), ()))
    other = RemitRow("a", "y", "home", date(2000, 1, 1), date(2010, 1, 1))
    assert faults(RemitTable("GB", (early, other)), ()) == ["Two remit rows are called a."]


def test_a_label_is_that_of_its_own_category() -> None:
    levels = GB.scheme_on(date(2010, 1, 1))
    assert len({levels.label(key) for key in levels.categories}) == len(levels.categories)
    assert levels.label("5") == levels.grades[0].label
    with pytest.raises(Refused, match="is not a category of"):
        levels.label("A")
