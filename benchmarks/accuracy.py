"""How right the vote of a trace is, on made-up sites of seeds that it was not fitted on.

    ./run exec python benchmarks/accuracy.py [--quick]

Beside the vote: a simple majority, and the newest location file alone, on the same answers. Then the same worlds with
every rate of lies doubled, and with fewer vantage points. Every seed is shown; the worst is what counts.
"""

from benchmarks import common
from openhotline import policy
from openhotline.commands import scores
from openhotline.world.score import land

# None is one that the weights were fitted on. What was known of each when, is in docs/TRACING.md.
OLD_FILES = (2308, 2310, 2315, 2317, 2348, 2376, 2379)
SEEDS = (*range(2301, 2307), *range(2101, 2106), *range(2201, 2206), *OLD_FILES, *range(2401, 2411))
HARD = 5  # so many of them once more, every rate of lies doubled
SITES = 5000
KEYS = ("agreed_right", "agreed_share", "brier", "edges_as_origin")


def main() -> None:
    """Run every world and keep the figures."""
    quick = common.quick()
    seeds, sites = (SEEDS[:1], 200) if quick else (SEEDS, SITES)
    weights = policy.trace_weights()
    if weights.tuning_seeds & set(seeds):
        raise SystemExit("A seed here is one of those the weights were fitted on.")
    plain = {seed: scores.run(seed=seed, sites=sites, weights=weights) for seed in seeds}
    hard = {seed: scores.run(seed=seed, sites=sites, weights=weights, stress=2.0) for seed in seeds[:HARD]}
    every = dict(land.PLACES)
    fewer = {}
    for count in (3, 2, 0):
        land.PLACES.clear()
        land.PLACES.update({name: every[name] for name in ("London", "Virginia", "Singapore")[:count]})
        fewer[count] = scores.run(seed=seeds[0], sites=sites, weights=weights)
    land.PLACES.update(every)
    rows: list[tuple[object, ...]] = [("", "right where agreed", "agreed", "Brier", "edges as origin")]
    for seed, found in plain.items():
        rows.append((f"seed {seed}", *(found[key] for key in KEYS)))
        for name in ("majority", "single_source"):
            rows.append((f"  {name.replace('_', ' ')}", *(found[name][key] for key in KEYS)))  # type: ignore[index]
    rows += [(f"seed {seed}, rates doubled", *(found[key] for key in KEYS)) for seed, found in hard.items()]
    rows += [
        (f"seed {seeds[0]}, {count} vantage points", *(found[key] for key in KEYS))
        for count, found in fewer.items()
    ]
    common.table(f"{sites} sites each, {len(every)} vantage points, weights {weights.version}", rows)
    common.table(
        f"Calibration, seed {seeds[0]}",
        [("score from", "sites", "mean score", "right")]
        + [tuple(row.values()) for row in plain[seeds[0]]["reliability"]],  # type: ignore[attr-defined]
    )
    common.write(
        "accuracy",
        {
            "sites": sites,
            "weights": weights.version,
            "seeds": {str(seed): found for seed, found in plain.items()},
            "rates_doubled": {str(seed): {key: found[key] for key in KEYS} for seed, found in hard.items()},
            "vantage_points": {
                str(count): {key: found[key] for key in KEYS} for count, found in fewer.items()
            },
        },
        quick=quick,
    )


if __name__ == "__main__":
    main()
