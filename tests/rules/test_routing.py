"""Home, abroad with a hotline, abroad without, out of remit; and which police unit has primacy."""

from dataclasses import replace
from datetime import date

import pytest

from openhotline import policy
from openhotline.rules import words
from openhotline.rules.refusals import Refused
from openhotline.rules.routing import UnitRule, areas_of, route, unit_for

GB = policy.load("gb")
TODAY = date(2026, 11, 2)


@pytest.mark.parametrize(
    ("country", "cls", "kind", "partner"),
    [
        ("GB", words.CHILD_SEXUAL_ABUSE, words.HOME, ""),
        ("gb", words.CHILD_SEXUAL_ABUSE, words.HOME, ""),
        ("GB", words.NON_PHOTOGRAPHIC, words.HOME, ""),
        ("NL", words.CHILD_SEXUAL_ABUSE, words.ABROAD_HOTLINE, "hotline-nl"),
        ("DE", words.CHILD_SEXUAL_ABUSE, words.ABROAD_HOTLINE, "hotline-de"),
        ("SE", words.CHILD_SEXUAL_ABUSE, words.ABROAD_POLICE, ""),
        ("NL", words.NON_PHOTOGRAPHIC, words.ROUTE_OUT_OF_REMIT, ""),
        ("SE", words.NON_PHOTOGRAPHIC, words.ROUTE_OUT_OF_REMIT, ""),
        ("GB", words.OBSCENE_ADULT, words.ROUTE_OUT_OF_REMIT, ""),
    ],
)
def test_country_and_class_decide_the_route(country: str, cls: str, kind: str, partner: str) -> None:
    """Domain rows 13 to 16."""
    way = route(country, cls, on=TODAY, policy=GB)
    assert (way.kind, way.partner) == (kind, partner)
    assert way.why.endswith(".")


def test_the_day_decides_too() -> None:
    assert route("GB", words.OBSCENE_ADULT, on=date(2012, 1, 1), policy=GB).kind == words.HOME
    assert (
        route("GB", words.NON_PHOTOGRAPHIC, on=date(2010, 4, 5), policy=GB).kind == words.ROUTE_OUT_OF_REMIT
    )


def test_an_unknown_country_is_routed_nowhere() -> None:
    with pytest.raises(Refused, match="Trace it first"):
        route("", words.CHILD_SEXUAL_ABUSE, on=TODAY, policy=GB)


def test_the_unit_with_primacy_is_found_by_class_and_network() -> None:
    assert unit_for(words.CHILD_SEXUAL_ABUSE, "GB", asn=64500, policy=GB) == "NU"
    assert unit_for(words.CHILD_SEXUAL_ABUSE, "GB", asn=64501, policy=GB) == "EU"
    assert unit_for(words.OBSCENE_ADULT, "GB", asn=64501, policy=GB) == "AU"
    assert unit_for(words.CHILD_SEXUAL_ABUSE, "GB", policy=GB) == "NU"
    with pytest.raises(Refused, match="Refer it abroad"):
        unit_for(words.CHILD_SEXUAL_ABUSE, "NL", policy=GB)


def test_every_unit_named_has_an_agreement() -> None:
    for unit in GB.units:
        assert set(unit.classes) <= set(GB.agreements.history(unit.agreement)[0].classes)


def test_a_rule_with_networks_and_names_takes_either() -> None:
    rule = UnitRule("EU", (), (64501,), ("East Rack",))
    assert rule.fits(words.CHILD_SEXUAL_ABUSE, 64501, "")
    assert rule.fits(words.CHILD_SEXUAL_ABUSE, 0, "EAST RACK Limited (invented)")
    assert not rule.fits(words.CHILD_SEXUAL_ABUSE, 64502, "North Rack")
    placed = UnitRule("EU", (), (64501,), (), "", ("Marsh county",))
    assert placed.fits(words.CHILD_SEXUAL_ABUSE, 0, "", "marsh county")
    assert placed.fits(words.CHILD_SEXUAL_ABUSE, 64501, "", "Hill county")
    assert not placed.fits(words.CHILD_SEXUAL_ABUSE, 0, "", "")


def test_areas_are_read_one_a_line_or_with_commas_each_once() -> None:
    assert areas_of(" North  East,South\n\nSouth, ,West ") == ("North East", "South", "West")
    assert areas_of("") == ()


def test_a_partner_takes_only_its_own_classes_and_an_unknown_country_may_be_home() -> None:
    narrow = replace(GB, partners=tuple(replace(one, classes=(words.EXTREME,)) for one in GB.partners))
    way = route("NL", words.CHILD_SEXUAL_ABUSE, on=TODAY, policy=narrow)
    assert (way.kind, way.partner) == (words.ABROAD_POLICE, "")
    assert unit_for(words.CHILD_SEXUAL_ABUSE, "", policy=GB) == "NU"
