"""The figures of the rules, each as it was decided; whoever changes one changes it here too. And short ways to say no."""

from datetime import timedelta

from openhotline.rules import calendars, gone, notice, pace, sphere, urls
from openhotline.rules.routing import UnitRule


def test_the_figures_are_those_that_were_decided() -> None:
    seconds = timedelta(seconds=1)
    assert (gone.ROUNDS, gone.ROUNDS_JUDGED, gone.PLACES) == (3, 8, 2)
    assert (gone.APART / seconds, gone.ROUND / seconds, gone.SILENCE / seconds) == (180, 60, 86_400)
    assert (pace.JITTER, pace.LONG_WAIT / seconds, calendars._LONGEST) == (0.3, 160, 3_660)
    assert (notice.OPENS, sphere.MOST, urls._MOST_TOLD_APART) == (11, 20_000, 2**20)


def test_a_line_of_units_takes_a_host_by_network_name_or_area() -> None:
    assert UnitRule("U").anywhere and UnitRule("U").fits("any", 1, "any")
    by = (UnitRule("U", asns=(7,)), UnitRule("U", operators=("Rack",)), UnitRule("U", areas=("North",)))
    assert not any(one.anywhere for one in by)
    hosts = ((7, "x", ""), (0, "north RACK", ""), (0, "x", "NORTH"), (0, "x", "South"), (0, "x", ""))
    fits = [[rule.fits("any", asn, name, area) for asn, name, area in hosts] for rule in by]
    assert fits == [[number == place for place in range(5)] for number in range(3)]
    assert UnitRule("U", classes=("a",)).fits("b", 7, "") is False
    assert UnitRule("U", areas=("",)).fits("a", 7, "", "") is False


def test_what_is_not_followed_says_what_it_leads_to() -> None:
    person, place = "leads to a person or program", "cannot be followed"
    for text, why in (
        ("mailto:a@b.example", person),
        ("mailto:nobody", person),
        ("sip:a@b.example", person),
        ("sip:nobody", place),
        ("ssh://a@b.example", place),
        ("ftp:a@b.example", place),
        ("file:a@b.example", place),
        ("ftp://a.example/", place),
    ):
        assert why in urls.read(text).why, text
    long = urls._not_followed("x" * 60, ""), urls._not_followed("x" * 61, "")
    assert [why.partition(":")[0].count("x") for why in long] == [60, 57]
