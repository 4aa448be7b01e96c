"""Marks: how right the vote was, and how well it knew. Pure; each site gives one `Result`.

True here: shares are over unproxied sites, as the aim is set; where one address answers from several places there is
no right country, so that naming one as agreed is wrong. What is not here: voting, and drawing sites.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

TENTHS = 10


@dataclass(frozen=True, slots=True)
class Result:
    """One site's truth beside one answer."""

    truth: str
    proxied: bool
    edge: str  # the edge's country, "" without a proxy
    disclosed: bool
    country: str
    score: float
    agreed: bool
    lie: str = ""

    @property
    def right(self) -> bool:
        """The named country is the true one."""
        return bool(self.truth) and self.country == self.truth


@dataclass(frozen=True, slots=True)
class Marks:
    """The figures of one run."""

    sites: int
    unproxied: int
    agreed: int
    agreed_right: (
        float  # share of agreed verdicts whose country is right, proxied sites with a disclosed origin too
    )
    agreed_share: float  # share of unproxied sites that are agreed
    brier: float  # mean squared distance of the score from right (1) or wrong (0), unproxied sites
    edges_as_origin: int  # proxied sites whose edge is reported as where it is held

    def to_json(self) -> dict[str, object]:
        """For the command line and the benchmark."""
        return {
            "sites": self.sites,
            "unproxied": self.unproxied,
            "agreed": self.agreed,
            "agreed_right": round(self.agreed_right, 5),
            "agreed_share": round(self.agreed_share, 5),
            "brier": round(self.brier, 5),
            "edges_as_origin": self.edges_as_origin,
        }


def of(results: Sequence[Result]) -> Marks:
    """The figures of these results."""
    open_ = [one for one in results if not one.proxied]
    agreed = [one for one in results if one.agreed]
    return Marks(
        sites=len(results),
        unproxied=len(open_),
        agreed=len(agreed),
        agreed_right=_share(agreed, lambda one: one.right),
        agreed_share=_share(open_, lambda one: one.agreed),
        brier=sum((one.score - one.right) ** 2 for one in open_) / max(1, len(open_)),
        # Agreed on a proxied site whose origin nobody disclosed: what was agreed on can only be the edge.
        edges_as_origin=sum(one.agreed and one.proxied and not one.disclosed for one in results),
    )


def _share(rows: Sequence[Result], held: Callable[[Result], bool]) -> float:
    return sum(map(held, rows)) / len(rows) if rows else 0.0


def reliability(results: Iterable[Result]) -> list[dict[str, object]]:
    """By tenth of the score: how many sites, the mean score, and the share that was right."""
    tenths: dict[int, list[Result]] = {}
    for one in results:
        if not one.proxied and one.country:
            tenths.setdefault(min(TENTHS - 1, int(one.score * TENTHS)), []).append(one)
    return [
        {
            "from": tenth / TENTHS,
            "sites": len(rows),
            "score": round(sum(one.score for one in rows) / len(rows), 4),
            "right": round(_share(rows, lambda one: one.right), 4),
        }
        for tenth, rows in sorted(tenths.items())
    ]


def by_lie(results: Iterable[Result]) -> dict[str, dict[str, object]]:
    """For each kind of lie: how many unproxied sites, the share agreed, the share of those that was right."""
    kinds: dict[str, list[Result]] = {}
    for one in results:
        if not one.proxied:
            kinds.setdefault(one.lie, []).append(one)
    return {
        lie: {
            "sites": len(rows),
            "agreed_share": round(_share(rows, lambda one: one.agreed), 4),
            "agreed_right": round(_share([one for one in rows if one.agreed], lambda one: one.right), 4),
        }
        for lie, rows in sorted(kinds.items())
    }


def majority(countries: Sequence[str]) -> tuple[str, float]:
    """The most named country and the share that names it: the plain rule the vote is measured against."""
    if not countries:
        return "", 0.0
    counts = Counter(countries)
    best = min(counts, key=lambda country: (-counts[country], country))
    return best, counts[best] / len(countries)
