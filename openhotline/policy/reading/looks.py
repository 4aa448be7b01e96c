"""When to look again and what a page that is gone says (`checks.toml`, `signs.toml`), and what a trace believes (`trace.toml`).

What is not here: how one field is read (`policy/table.py`), and what follows from the values (`openhotline/rules`).
"""

from dataclasses import fields
from itertools import pairwise
from typing import Any

from openhotline.policy.table import Table
from openhotline.rules.gone import APART
from openhotline.rules.pace import STATES, Band, Pace
from openhotline.rules.signs import WORDED, SignWords
from openhotline.rules.trace_weights import Weights


def pace(table: Table) -> Pace:
    """`[pace]` and `[[band]]` of checks.toml."""
    inner = table.table("pace")
    bands = table.read(
        "band",
        lambda row: Band(
            row.one_of("state", STATES),
            row.span("until") if "until" in row.value else None,
            row.span("every"),
        ),
    )
    for state in STATES:
        ages = [band.until for band in bands if band.state == state]
        closed = [age for age in ages[:-1] if age is not None]
        rising = all(later > earlier for earlier, later in pairwise(closed))
        if not ages or ages[-1] is not None or len(closed) != len(ages) - 1 or not rising:
            raise table.fault("band", f"for “{state}” should have rising ages and end with one that is open")
    spans: dict[str, Any] = {
        field.name: inner.span(field.name)
        for field in fields(Pace)
        if field.name not in ("bands", "watch_tries", "turn")
    }
    if spans["again"] < APART:
        raise inner.fault("again", "is less than the three minutes that rounds must lie apart")
    counts: dict[str, Any] = {name: inner.get(name, int) for name in ("watch_tries", "turn")}
    for name, count in counts.items():
        if not 1 <= count <= 100:
            raise inner.fault(name, "should be between 1 and 100")
    return Pace(bands=bands, **spans, **counts)


def sign_words(table: Table) -> SignWords:
    """`signs.toml`: the words by which a page says that it is not the thing any more."""
    table.day("valid_from")
    found: dict[str, list[str]] = {sign: [] for sign in WORDED}
    for row in table.rows("sign"):
        sign = row.one_of("sign", WORDED)
        row.text("language")
        for phrase in row.texts("phrases"):
            if len(phrase) < 2 or phrase != phrase.casefold().strip():
                raise row.fault(
                    "phrases", f"holds “{phrase}”; write phrases in lower case, two letters or more"
                )
            found[sign].append(phrase)
    empty = [sign for sign, phrases in found.items() if not phrases]
    if empty:
        raise table.fault("sign", f"has no phrases for “{empty[0]}”")
    return SignWords(
        table.text("version"), tuple((sign, tuple(dict.fromkeys(words))) for sign, words in found.items())
    )


_CHANCES = {
    "country": (
        *("registry", "whois", "autonomous_system", "location", "location_year", "disclosed", "round_trip"),
        *("round_trip_straight", "common_registration", "leased", "leased_copied", "leased_own"),
        *("registry_other", "moved_year", "moved_unwritten", "common_all", "common_escape", "split_names"),
    ),
    "names": ("operator_as", "operator_registry", "host_as", "host_registry"),
    "thresholds": ("agreed", "agreed_name"),
}


_COUNTS = (
    *("methods_needed", "old_days", "unknown_age_days", "file_lag_days", "round_trip_rules_out"),
    *("back_and_forth_minutes", "back_and_forth_hours"),
)


def weights(table: Table, digest: str) -> Weights:
    """`trace.toml`. Every chance lies between 0 and 1, without either."""
    table.day("valid_from")
    values: dict[str, Any] = {}
    for name, keys in _CHANCES.items():
        part = table.table(name)
        for key in keys:
            values[key] = part.get(key, float)
            if not 0 < values[key] < 1:
                raise part.fault(key, "should be a chance between 0 and 1")
    thresholds, calibration = table.table("thresholds"), table.table("calibration")
    for key in _COUNTS:
        values[key] = thresholds.get(key, int)
        if values[key] < 1:
            raise thresholds.fault(key, "should be at least 1")
    country = table.table("country")
    years = country.get("record_years", float)
    if years <= 0:
        raise country.fault("record_years", "should be more than 0")
    seeds = table.table("fit").get("tuning_seeds", list)
    return Weights(
        version=f"trace-{table.text('version')}+{digest[:8]}"[:40],
        tuning_seeds=frozenset(int(seed) for seed in seeds),
        countries=country.get("countries", int),
        record_years=years,
        slope=calibration.get("slope", float),
        offset=calibration.get("offset", float),
        **values,
    )
