"""What the vote of a trace believes about its sources: error rates, ages, dependence, thresholds.

These are data with a version (`policy/trace.toml`), fitted on made-up sites (`benchmarks/fit_trace.py`); each trace
stores the version it was weighed with. What is not here: the weighing itself (`trace_vote.py`, `trace_country.py`).
"""

from dataclasses import dataclass

DAY_S = 86_400
YEAR_S = 365 * DAY_S


@dataclass(frozen=True, slots=True)
class Weights:
    """One version of the numbers. All rates are chances between 0 and 1."""

    version: str  # "trace-2026.1+" and the first 8 hex digits of the file's digest
    tuning_seeds: frozenset[int]  # worlds it was fitted on: no score may be quoted from one of these

    countries: int  # how many countries a wrong answer is spread over
    registry: float  # RDAP of the address names another country than the server's
    whois: float  # so does WHOIS
    registry_other: float  # so does either, where it names another holder than who announces the block
    autonomous_system: float  # so does the registration of the autonomous system
    location: float  # so does a location file that is new
    location_year: float  # what a year of age adds to that
    disclosed: float  # what the operator of a proxy tells a trusted notifier is wrong
    round_trip: float  # a round trip rules out the country that it is
    round_trip_straight: float  # ... or allows it only by a straighter path than nearly all are
    common_registration: float  # both registrations carry one wrong country: the parent's, the holder's
    leased: float  # a block is leased: its registry names the owner's country
    leased_copied: float  # ... and a location file copied that
    leased_own: float  # ... and yet the registry names who announces it
    moved_year: float  # a block moves to another country within a year; files built before do not know
    moved_unwritten: float  # ... and the registry had nothing to write: it named the new place all along
    record_years: float  # a registry changes its record for other reasons once in so many years
    common_all: (
        float  # the registry and all files carry one wrong country: a move that nobody has noticed yet
    )
    common_escape: float  # where a lie is common, how often one source does not carry it
    split_names: float  # one of several resolvers lies and the others are believed

    operator_as: float  # the announcing network's name is not who runs the network
    operator_registry: float  # nor is the holder in the registry
    host_as: float  # the announcing network is not who can remove it
    host_registry: float  # nor is the holder in the registry

    slope: float  # calibration: log-odds are multiplied by this
    offset: float  # ... and this is added

    agreed: float  # score from which a country is agreed
    agreed_name: float  # score from which an operator or host is agreed
    methods_needed: int  # independent methods that must name the country
    old_days: int  # from this age a source is called old
    unknown_age_days: int  # the age of a file that tells none
    file_lag_days: int  # a supplier of location files learns of a move so long after it
    round_trip_rules_out: int  # countries a round trip must rule out to count as a method that agrees
    back_and_forth_minutes: int  # a return to where it has just been is believed after it stayed this long
    back_and_forth_hours: int  # ... if it was there within this time
