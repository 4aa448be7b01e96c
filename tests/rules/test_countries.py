"""Countries as registries, location files and postal addresses write them: a code, or none; never one made up."""

import pytest

from openhotline.rules.countries import code_named, code_of, name_of


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("gb", "GB"),
        ("UK", "GB"),
        ("XA", "XA"),
        ("xz", "XZ"),
        ("X1", ""),
        ("X{", ""),
        ("X", ""),
        ("XAB", ""),
        ("EU", ""),
        ("AP", ""),
        ("ZZ", ""),
        ("A1", ""),
        ("", ""),
    ],
)
def test_a_code_is_one_of_the_list_or_one_that_anybody_may_assign(said: str, code: str) -> None:
    assert code_of(said) == code


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("Netherlands", "NL"),
        (" the  NETHERLANDS ", "NL"),
        ("Netherlands (the)", "NL"),
        ("Cote d'Ivoire", ""),
        ("Côte d'Ivoire", "CI"),
        ("United States of America", "US"),
        ("Korea, Republic of", "KR"),
        ("nl", "NL"),
        ("UK", "GB"),
        ("Georgia", ""),
        ("GE", "GE"),
        ("Atlantis", ""),
        ("", ""),
    ],
)
def test_the_last_line_of_an_address_names_a_country_or_none(said: str, code: str) -> None:
    assert code_named(said) == code


def test_a_country_is_written_by_its_name_and_what_is_none_as_it_came() -> None:
    assert (name_of("NL"), name_of("XA")) == ("Netherlands", "XA")
