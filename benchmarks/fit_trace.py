"""Fits the numbers of the vote (`openhotline/policy/trace.toml`) on made-up sites, and writes that file.

    ./run exec python benchmarks/fit_trace.py            # looks, and says what it would write
    ./run exec python benchmarks/fit_trace.py --write    # writes the file

True here: the same code and seeds give the same file. The chances are found by coordinate descent on the log loss of
the leading country, then calibrated by a logistic fit; the threshold is the lowest at which agreed countries are right
as often as `AIM` asks, but no lower than `AT_LEAST`. Names are counted. No score may be quoted on the seeds used here; the file names them, and
`openhotline world score` refuses them.
"""

import math
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, replace
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from openhotline import policy
from openhotline.commands import scores
from openhotline.rules import methods, trace_vote
from openhotline.rules.company_names import folded
from openhotline.rules.countries import code_of
from openhotline.rules.facts import MethodAnswer
from openhotline.rules.trace_country import Trip, belief
from openhotline.rules.trace_voices import AUTONOMOUS, FAMILY, OTHERS, OWN, REGISTRY, voices
from openhotline.rules.trace_weights import DAY_S, Weights

# Of ten seeds none had old files only; so the next four whose newest location file is 30 days old or older.
SEEDS = (*range(1001, 1011), 1011, 1016, 1029, 1036)
EARLIER = tuple(range(1, 13))  # of the weights before: no score is quoted on them either
SITES = 1500
AIM = 0.9934  # asked of the tuning seeds together, so that each other seed reaches 0.99
AT_LEAST = 0.9  # what is called agreed is itself at least so likely, however right the agreed are together
LEAST, MOST = 0.0005, 0.8  # of a chance
FEWEST, MANY = 0.25, 10.0  # of `record_years`
DATES = (0, 32, 37, 44, 60, 75, 120, 230, 395, 540)  # days: between two of them no file's knowledge begins
CHANCES = (
    *("record_years", "moved_unwritten", "registry_other", "leased_own"),
    *("registry", "whois", "autonomous_system", "location", "location_year", "round_trip"),
    *("round_trip_straight", "disclosed", "common_registration", "leased", "leased_copied", "moved_year"),
    *("common_all", "common_escape", "split_names"),
)
STEPS = (1.3,)
LABELS = ("GB", "NL", "US", "DE", "FR", "SE", "PL", "CA", "JP", "SG")  # stand for countries as they come up


class Said(NamedTuple):
    """One answer that has a say in the country."""

    method: str
    label: str
    age: int | None
    operator: str  # OWN where it is who announces the address
    changed: int | None  # seconds, the middle of two `DATES`; None also where the vote has no use for it


class Case(NamedTuple):
    """What the arithmetic sees of a site, whichever countries they were. `truth`: 0 to 9 as in `LABELS`, or -1."""

    answers: tuple[Said, ...]
    trips: tuple[tuple[frozenset[str], ...], ...]  # impossible, unlikely
    split: bool  # one resolver differs and the others are believed
    share: float  # what the resolvers leave of the score, where it is not split
    truth: str
    able: bool  # agreed but for its score


def drawn() -> Iterator[tuple[object, list[MethodAnswer]]]:
    """Every unproxied site of the tuning seeds with its answers; and the origins that were disclosed."""
    for seed in SEEDS:
        for site, answers in scores.asked(seed=seed, sites=SITES):
            if site.proxied:
                back = [a for a in answers if a.layer == "origin"]
                if back:
                    yield site, back
            else:
                yield site, [a for a in answers if a.layer != "origin"]


def case(site: object, answers: list[MethodAnswer], weights: Weights) -> Case:
    """A site as the arithmetic sees it."""
    said = _said(answers)
    label = dict(zip(dict.fromkeys(one.label for one in said), LABELS, strict=False))
    trips = [a for a in answers if a.method == methods.ROUND_TRIP and a.ok]
    against = {*label} & {one for a in trips for one in (*a.impossible, *a.unlikely)}
    trips = [a for a in trips if against & {*a.impossible, *a.unlikely}]

    def seen(countries: tuple[str, ...]) -> frozenset[str]:
        return frozenset(label[one] for one in countries if one in label)

    share = trace_vote._share_of_names(answers, weights)
    split = share == 1 - weights.split_names
    sure = replace(weights, agreed=1e-9)
    return Case(
        tuple(one._replace(label=label[one.label]) for one in said),
        tuple(sorted((tuple(map(seen, (a.impossible, a.unlikely))) for a in trips), key=_spelled)),
        split,
        1.0 if split else share,
        label.get(site.country, ""),  # type: ignore[attr-defined]
        trace_vote._country(answers, sure).verdict == trace_vote.AGREED,
    )


def _said(answers: list[MethodAnswer]) -> list[Said]:
    """The answers that have a say in the country, in one order; `label` is still the country."""
    given = [a for a in answers if a.ok and a.method in FAMILY and code_of(a.country)]
    announcers = {folded(a.operator) for a in given if FAMILY[a.method] == AUTONOMOUS and a.operator}
    placed = {code_of(a.country) for a in given if a.method == methods.LOCATION}
    rows = []
    for a in sorted(given, key=lambda a: (a.method, a.source_age_s or 0, a.source, a.country)):
        country, operator, changed = code_of(a.country), "", None
        if FAMILY[a.method] == AUTONOMOUS:
            operator = OWN if a.operator else ""
        if FAMILY[a.method] == REGISTRY:
            operator = OWN if folded(a.operator) in announcers else a.operator and OTHERS
            if a.changed_s is not None and placed - {
                country
            }:  # where files say the same, its date tells nothing
                changed = _middle(a.changed_s)
        age = a.source_age_s if a.method == methods.LOCATION else None
        rows.append(Said(a.method, country, age, operator, changed))
    return rows


def _middle(age_s: int) -> int:
    for younger, older in pairwise(DATES):
        if age_s < older * DAY_S:
            return (younger + older) * DAY_S // 2
    return DATES[-1] * DAY_S


def _spelled(trip: tuple[frozenset[str], ...]) -> list[list[str]]:
    return [sorted(part) for part in trip]


def judged(rows: Counter[Case], weights: Weights) -> Iterator[tuple[float, bool, bool, int]]:
    """(score, right, whether it would be agreed but for its score, how many such) for each."""
    for one, count in rows.items():
        said = voices(
            [
                MethodAnswer(m, True, country=c, source_age_s=age, operator=operator, changed_s=changed)
                for m, c, age, operator, changed in one.answers
            ],
            weights,
        )
        held = belief(said, [Trip(*trip) for trip in one.trips], weights)
        share = 1 - weights.split_names if one.split else one.share
        yield held.score * share, bool(one.truth) and held.country == one.truth, one.able, count


def loss(rows: Counter[Case], weights: Weights) -> float:
    """Mean log loss of the leading country."""
    total = 0.0
    for score, right, _, count in judged(rows, weights):
        chance = min(max(score, 1e-3), 1 - 1e-3)
        total -= count * math.log(chance if right else 1 - chance)
    return total / rows.total()


def descend(rows: Counter[Case], weights: Weights) -> Weights:
    """Each chance in turn a step up or down, while that helps."""
    best = loss(rows, weights)
    for step in STEPS:
        for name in CHANCES:
            for factor in (step, 1 / step):
                while True:
                    least, most = (FEWEST, MANY) if name == "record_years" else (LEAST, MOST)
                    value = round(min(most, max(least, getattr(weights, name) * factor)), 5)
                    tried = replace(weights, **{name: value})
                    found = loss(rows, tried)
                    if found >= best - 5e-5:
                        break
                    weights, best = tried, found
                    print(f"{name} {value}: {best:.5f}", flush=True)
    return weights


def calibrate(rows: Counter[Case], weights: Weights) -> Weights:
    """A logistic fit of right on the log-odds of the score (Newton's method)."""
    slope, offset = 1.0, 0.0
    points = []
    for score, right, _, count in judged(rows, replace(weights, slope=1.0, offset=0.0)):
        bounded = min(max(score, 1e-4), 1 - 1e-4)
        points.append((math.log(bounded / (1 - bounded)), float(right), count))
    for _ in range(25):
        g0 = g1 = h00 = h01 = h11 = 0.0
        for x, y, count in points:
            chance = 1 / (1 + math.exp(-(slope * x + offset)))
            spread, off = count * chance * (1 - chance), count * (y - chance)
            g0, g1 = g0 + off * x, g1 + off
            h00, h01, h11 = h00 + spread * x * x, h01 + spread * x, h11 + spread
        det = h00 * h11 - h01 * h01
        slope += (h11 * g0 - h01 * g1) / det
        offset += (h00 * g1 - h01 * g0) / det
    return replace(weights, slope=round(slope, 4), offset=round(offset, 4))


def threshold(rows: Counter[Case], weights: Weights) -> Weights:
    """The lowest score from which agreed countries are right as often as `AIM` asks; never below `AT_LEAST`."""
    able = sorted(
        ((score, right, count) for score, right, able, count in judged(rows, weights) if able), reverse=True
    )
    seen, wrong, lowest = 0, 0, 0.999
    for score, right, count in able:
        seen, wrong = seen + count, wrong + (not right) * count
        if 1 - wrong / seen >= AIM:
            lowest = score
    return replace(weights, agreed=max(AT_LEAST, math.ceil(lowest * 1000) / 1000))


def count_names(site: object, answers: list[MethodAnswer], counts: dict[str, tuple[int, int]]) -> None:
    """How often each voice names another operator, or another host, than the true one."""
    for answer in answers:
        kind = {methods.ORIGIN_NETWORK: "as", methods.RDAP: "registry"}.get(answer.method)
        if kind is None or not answer.ok or not answer.operator:
            continue
        for what, truth in (("operator", site.operator), ("host", site.holder)):  # type: ignore[attr-defined]
            wrong = folded(answer.operator) != folded(truth)
            seen, missed = counts.get(f"{what}_{kind}", (0, 0))
            counts[f"{what}_{kind}"] = (seen + 1, missed + wrong)


def write(weights: Weights) -> str:
    """The file's text with these numbers in it."""
    file = files(policy) / "trace.toml"
    text = file.read_text("utf-8")
    for key, value in asdict(weights).items():
        if isinstance(value, int | float):
            text = re.sub(rf"(?m)^{key} = .*$", f"{key} = {value}", text)
    text = re.sub(r"(?m)^tuning_seeds = .*$", f"tuning_seeds = {[*EARLIER, *SEEDS]}", text)
    return re.sub(r"(?m)^sites = .*$", f"sites = {SITES}", text)


def main() -> None:
    """Fit, say what was found, and write if asked to."""
    start = policy.trace_weights()
    rows: Counter[Case] = Counter()
    names: dict[str, tuple[int, int]] = {}
    for site, answers in drawn():
        rows[case(site, answers, start)] += 1
        count_names(site, answers, names)
    print(
        f"{rows.total()} sites of {len(SEEDS)} seeds, {len(rows)} kinds; log loss {loss(rows, start):.5f}",
        flush=True,
    )
    weights = descend(rows, replace(start, slope=1.0, offset=0.0))
    weights = threshold(rows, calibrate(rows, weights))
    missed: dict[str, Any] = {key: round(wrong / seen, 4) for key, (seen, wrong) in names.items()}
    weights = replace(weights, **missed)
    able = [
        (right, count)
        for score, right, able, count in judged(rows, weights)
        if able and score >= weights.agreed
    ]
    agreed = sum(count for _, count in able)
    right = sum(count for right, count in able if right)
    print(
        f"log loss {loss(rows, weights):.5f}; agreed {agreed / rows.total():.4f}, right {right / agreed:.4f}"
    )
    text = write(weights)
    print(text)
    if "--write" in sys.argv[1:]:
        Path(str(files(policy) / "trace.toml")).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
