"""When content has moved, and when it only looks so."""

import pytest

from openhotline.rules.hosting import Place, renamed, same

HERE = Place("GB", 64500, "North Rack", "192.0.2.64/28", frozenset({"192.0.2.66"}))


@pytest.mark.parametrize(
    ("change", "is_same"),
    [
        ({}, True),
        ({"addresses": frozenset({"192.0.2.67"})}, True),
        ({"addresses": frozenset({"198.51.100.1"}), "network": "198.51.100.0/28"}, True),
        ({"host": "NORTH RACK Ltd."}, True),
        ({"host": "Polar Rack"}, True),  # renamed: same number, same network
        (
            {"host": "Polar Rack", "network": "198.51.100.0/28", "addresses": frozenset({"198.51.100.1"})},
            False,
        ),
        ({"host": "Polar Rack", "asn": 64501}, False),
        ({"asn": 64501}, False),
        ({"asn": 0}, True),
        ({"country": "NL"}, False),
        ({"country": "NL", "host": "Polar Rack"}, False),
    ],
)
def test_what_is_another_place(change: dict, is_same: bool) -> None:
    there = HERE._replace(**change)
    assert same(HERE, there) is is_same
    assert same(there, HERE) is is_same
    assert same(HERE, HERE)


def test_a_new_name_is_only_a_new_name_where_nothing_else_is_new() -> None:
    assert renamed(HERE, HERE._replace(host="Polar Rack"))
    assert not renamed(HERE, HERE._replace(host="North Rack Limited"))
    assert not renamed(HERE, HERE._replace(host="Polar Rack", asn=0))


@pytest.mark.parametrize(
    ("change", "is_renamed"),
    [
        ({}, True),
        ({"country": "NL"}, False),
        ({"network": "198.51.100.0/28"}, True),  # the same number and address
        ({"addresses": frozenset({"198.51.100.1"})}, True),  # the same number and network
        ({"network": "", "addresses": frozenset({"198.51.100.1"})}, False),
    ],
)
def test_a_new_name_needs_the_same_network_or_an_address_in_common(
    change: dict[str, object], is_renamed: bool
) -> None:
    there = HERE._replace(host="Polar Rack", **change)
    assert renamed(HERE, there) is is_renamed
    bare = HERE._replace(network=there.network if not there.network else HERE.network)
    assert renamed(bare, there._replace(host="North Rack")) is False


def test_a_number_may_be_one_and_none_is_none() -> None:
    first = HERE._replace(asn=1)
    assert renamed(first, first._replace(host="Polar Rack"))
    assert not renamed(HERE._replace(asn=0), HERE._replace(asn=0, host="Polar Rack"))
