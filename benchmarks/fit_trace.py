"""Fits the numbers of the vote (`openhotline/policy/trace.toml`) on made-up sites, and writes that file.

    ./run exec python benchmarks/fit_trace.py            # looks, and says what it would write
    ./run exec python benchmarks/fit_trace.py --write    # writes the file

True here: the same code and seeds give the same file. The chances are found by coordinate descent on the log loss of
the leading country, then calibrated by a logistic fit; the threshold is the lowest at which agreed countries are right
as often as `AIM` asks. Names are counted. No score may be quoted on the seeds used here; the file names them, and
`openhotline world score` refuses them.
"""

import math
import re
import sys
from dataclasses import asdict, replace
from importlib.resources import files
from pathlib import Path

from openhotline import policy
from openhotline.commands import scores
from openhotline.rules import methods, trace_names, trace_vote
from openhotline.rules.trace_weights import Weights

SEEDS = tuple(range(1, 13))
SITES = 400
AIM = 0.9935  # asked of the tuning seeds, so that other seeds reach 0.99
LEAST, MOST = 0.0005, 0.6
CHANCES = (
    *("registry", "autonomous_system", "location", "location_year", "round_trip", "disclosed"),
    *("common_registration", "common_location", "common_all", "common_escape", "split_names"),
)
STEPS = (2.0, 1.4, 1.15)


def drawn() -> list[tuple[object, list]]:  # type: ignore[type-arg]
    """Every unproxied site of the tuning seeds with its answers; and the origins that were disclosed."""
    found = []
    for seed in SEEDS:
        for site, answers in scores.asked(seed=seed, sites=SITES):
            if site.proxied:
                back = [a for a in answers if a.layer == "origin"]
                if back:
                    found.append((site, back))
            else:
                found.append((site, [a for a in answers if a.layer != "origin"]))
    return found


def judged(rows: list, weights: Weights) -> list[tuple[float, bool, bool]]:  # type: ignore[type-arg]
    """(score, right, whether it would be agreed but for its score) for each."""
    wide = replace(weights, agreed=0.01)
    out = []
    for site, answers in rows:
        named = trace_vote._country(answers, wide)
        right = bool(site.country) and named.value == site.country
        out.append((named.score, right, named.verdict == trace_vote.AGREED))
    return out


def loss(rows: list, weights: Weights) -> float:  # type: ignore[type-arg]
    """Mean log loss of the leading country."""
    total = 0.0
    for score, right, _ in judged(rows, weights):
        chance = min(max(score, 1e-3), 1 - 1e-3)
        total -= math.log(chance if right else 1 - chance)
    return total / len(rows)


def descend(rows: list, weights: Weights) -> Weights:  # type: ignore[type-arg]
    """Each chance in turn a step up or down, while that helps."""
    best = loss(rows, weights)
    for step in STEPS:
        for name in CHANCES:
            for factor in (step, 1 / step):
                while True:
                    value = round(min(MOST, max(LEAST, getattr(weights, name) * factor)), 5)
                    tried = replace(weights, **{name: value})
                    found = loss(rows, tried)
                    if found >= best - 1e-6:
                        break
                    weights, best = tried, found
                    print(f"{name} {value}: {best:.5f}", flush=True)
    return weights


def calibrate(rows: list, weights: Weights) -> Weights:  # type: ignore[type-arg]
    """A logistic fit of right on the log-odds of the score (Newton's method)."""
    slope, offset = 1.0, 0.0
    points = []
    for score, right, _ in judged(rows, replace(weights, slope=1.0, offset=0.0)):
        bounded = min(max(score, 1e-4), 1 - 1e-4)
        points.append((math.log(bounded / (1 - bounded)), float(right)))
    for _ in range(25):
        g0 = g1 = h00 = h01 = h11 = 0.0
        for x, y in points:
            chance = 1 / (1 + math.exp(-(slope * x + offset)))
            spread = chance * (1 - chance)
            g0, g1 = g0 + (y - chance) * x, g1 + (y - chance)
            h00, h01, h11 = h00 + spread * x * x, h01 + spread * x, h11 + spread
        det = h00 * h11 - h01 * h01
        slope += (h11 * g0 - h01 * g1) / det
        offset += (h00 * g1 - h01 * g0) / det
    return replace(weights, slope=round(slope, 4), offset=round(offset, 4))


def threshold(rows: list, weights: Weights) -> Weights:  # type: ignore[type-arg]
    """The lowest score from which agreed countries are right as often as `AIM` asks."""
    able = sorted(((score, right) for score, right, able in judged(rows, weights) if able), reverse=True)
    wrong, lowest = 0, 0.999
    for count, (score, right) in enumerate(able, 1):
        wrong += not right
        if 1 - wrong / count >= AIM:
            lowest = score
    return replace(weights, agreed=math.ceil(lowest * 1000) / 1000)


def names(rows: list, weights: Weights) -> Weights:  # type: ignore[type-arg]
    """How often each voice names another operator, or another host, than the true one: counted."""
    counts = dict.fromkeys(("operator_as", "operator_registry", "host_as", "host_registry"), (0, 0))
    for site, answers in rows:
        for answer in answers:
            kind = {methods.ORIGIN_NETWORK: "as", methods.RDAP: "registry"}.get(answer.method)
            if kind is None or not answer.ok or not answer.operator:
                continue
            for what, truth in (("operator", site.operator), ("host", site.holder)):
                wrong = trace_names.folded(answer.operator) != trace_names.folded(truth)
                seen, missed = counts[f"{what}_{kind}"]
                counts[f"{what}_{kind}"] = (seen + 1, missed + wrong)
    return replace(weights, **{key: round(missed / seen, 4) for key, (seen, missed) in counts.items()})


def write(weights: Weights) -> str:
    """The file's text with these numbers in it."""
    file = files(policy) / "trace.toml"
    text = file.read_text("utf-8")
    for key, value in asdict(weights).items():
        if isinstance(value, int | float):
            text = re.sub(rf"(?m)^{key} = .*$", f"{key} = {value}", text)
    text = re.sub(r"(?m)^tuning_seeds = .*$", f"tuning_seeds = {list(SEEDS)}", text)
    return re.sub(r"(?m)^sites = .*$", f"sites = {SITES}", text)


def main() -> None:
    """Fit, say what was found, and write if asked to."""
    start = policy.trace_weights()
    rows = drawn()
    print(f"{len(rows)} sites of seeds {SEEDS[0]} to {SEEDS[-1]}; log loss {loss(rows, start):.5f}")
    weights = descend(rows, replace(start, slope=1.0, offset=0.0))
    weights = names(rows, threshold(rows, calibrate(rows, weights)))
    able = [right for score, right, able in judged(rows, weights) if able and score >= weights.agreed]
    print(
        f"log loss {loss(rows, weights):.5f}; agreed {len(able) / len(rows):.4f}, right {sum(able) / len(able):.4f}"
    )
    text = write(weights)
    print(text)
    if "--write" in sys.argv[1:]:
        Path(str(files(policy) / "trace.toml")).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
