"""`openhotline world score`: how right the vote of a trace is on made-up sites whose truth is known.

Beside the vote stand two plain rules on the same answers: a simple majority of all that name a country, and the newest
location file alone. Seeds that the weights were fitted on are refused.
"""

import typer

from openhotline.commands import common
from openhotline.rules.refusals import Refused
from openhotline.rules.trace_weights import Weights

MOST = 100_000


def score(
    sites: int = typer.Option(5000, min=1, max=MOST, help="How many sites."),
    seed: int = typer.Option(
        2001, min=0, max=common.MOST, help="Which world; not one that the weights were fitted on."
    ),
    stress: float = typer.Option(1.0, min=0.0, max=4.0, help="All rates of lies times this."),
    as_json: bool = typer.Option(False, "--json"),
) -> None:
    """Accuracy and Brier score of the vote against the world's truth."""
    from openhotline import policy

    weights = policy.trace_weights()
    if seed in weights.tuning_seeds:
        held = ", ".join(map(str, sorted(weights.tuning_seeds)))
        raise Refused(
            f"The weights were fitted on seed {seed}. Choose another than {held}.", code="tuning-seed"
        )
    with common.progress("Sites", sites, show=not as_json) as step:
        found = run(seed=seed, sites=sites, weights=weights, stress=stress, step=step)
    if as_json:
        common.say({"seed": seed, "stress": stress, "weights": weights.version, **found}, as_json=True)
        return
    _table(found, weights)


def run(
    *, seed: int, sites: int, weights: Weights, stress: float = 1.0, step: object = None
) -> dict[str, object]:
    """The marks of one world, as `--json` prints them."""
    from openhotline.world.score import marks

    vote, plain, single = results(seed=seed, sites=sites, weights=weights, stress=stress, step=step)
    return {
        **marks.of(vote).to_json(),
        "reliability": marks.reliability(vote),
        "by_lie": marks.by_lie(vote),
        "majority": marks.of(plain).to_json(),
        "single_source": marks.of(single).to_json(),
    }


def results(
    *, seed: int, sites: int, weights: Weights, stress: float = 1.0, step: object = None
) -> tuple[list, list, list]:  # type: ignore[type-arg]
    """(by the vote, by a simple majority, by one location file): a `marks.Result` for each site."""
    from openhotline.rules.facts import TraceFacts
    from openhotline.rules.trace_vote import AGREED, vote
    from openhotline.world.score import marks

    voted, plain, single = [], [], []
    for number, (site, answers) in enumerate(asked(seed=seed, sites=sites, stress=stress), 1):
        facts = TraceFacts(f"http://{site.host}/", site.host, site.at, answers)
        ballot = vote(facts, rules_version="score", weights=weights)

        def mark(country: str, chance: float, agreed: bool, site=site) -> marks.Result:  # type: ignore[no-untyped-def]
            return marks.Result(
                site.country,
                site.proxied,
                site.edge_country,
                site.behind is not None,
                country,
                chance,
                agreed,
                site.lie,
            )

        voted.append(mark(ballot.country, ballot.score, ballot.verdict == AGREED))
        named = [a.country for a in answers if a.ok and a.country]
        best, share = marks.majority(named)
        plain.append(mark(best, share, share > 0.5))
        files = [a for a in answers if a.method == "location" and a.ok and a.country and not a.layer]
        newest = min(files, key=lambda a: (a.source_age_s or 0, a.source)).country if files else ""
        single.append(mark(newest, float(bool(newest)), bool(newest)))
        if callable(step) and number % 100 == 0:
            step(number)
    return voted, plain, single


def asked(*, seed: int, sites: int, stress: float = 1.0):  # type: ignore[no-untyped-def]
    """(site, the answers a trace of it brings) for each made-up site."""
    from dataclasses import replace

    from openhotline.jobs import readings
    from openhotline.rules import methods
    from openhotline.world.score.said import SIGN, Said
    from openhotline.world.score.sites import Maker

    extents = readings.extents()

    def about(said: Said, at) -> list:  # type: ignore[no-untyped-def,type-arg]
        address = said.address
        origin = [
            readings.record(
                methods.ORIGIN_NETWORK, one.record, address=address, file=one.name, age_s=one.age_s
            )
            for one in said.origin
        ]
        asn = next((one.asn for one in origin if one.asn), 0)
        trips = [
            readings.trip(one.vantage, one.place, one.seconds, address=address, of=extents)
            for one in said.trips
        ]
        places = {one.vantage: one.place for one in said.trips}
        found = [
            readings.registry(said.rdap, address=address, at=at),
            readings.system(said.rdap_as, asn=asn, at=at),
            *origin,
            *(
                readings.record(methods.LOCATION, one.record, address=address, file=one.name, age_s=one.age_s)
                for one in said.location
            ),
            *trips,
            *readings.together(trips, places, of=extents),
        ]
        if said.whois is not None:
            found.append(readings.old_registry(said.whois, address=address, at=at))
        return found

    for site in Maker(seed, extents, stress=stress).sites(sites):
        answers = [readings.names(name, addresses) for name, addresses in site.resolvers]
        answers += about(site.direct, site.at)
        answers.append(readings.front(site.direct.address, site.headers, site.ranges, SIGN))
        if site.disclosure is not None and site.behind is not None:
            canonical = f"http://{site.host}/"
            answers.append(
                readings.disclosed(site.disclosure, canonical=canonical, by="made-up CDN", at=site.at)
            )
            answers += [replace(one, layer="origin") for one in about(site.behind, site.at)]
        yield site, tuple(answers)


def _table(found: dict[str, object], weights: Weights) -> None:
    from rich.table import Table

    table = Table("", "Vote", "Simple majority", "One location file", title=f"Weights {weights.version}")
    rows = (
        ("Country right where agreed", "agreed_right", True),
        ("Unproxied sites agreed", "agreed_share", True),
        ("Brier score", "brier", False),
        ("Edges reported as origin", "edges_as_origin", False),
    )
    for words, key, share in rows:
        cells = []
        for part in (found, found["majority"], found["single_source"]):
            value = part[key]  # type: ignore[index]
            cells.append(f"{value:.2%}" if share else f"{value}")
        table.add_row(words, *cells)
    common.console.print(table)
    calibration = Table("Score from", "Sites", "Mean score", "Right", title="Calibration")
    for row in found["reliability"]:  # type: ignore[attr-defined]
        calibration.add_row(*(str(row[key]) for key in ("from", "sites", "score", "right")))
    common.console.print(calibration)
