"""How often which source lies, and why we think so. Drawn anew for every seed, and never read by the vote.

Where the ranges come from (reasons, not measurements of ours; each seed draws inside them):

* Registration is about holders. RFC 9083 defines `country` of a network without saying of what; registries fill it
  with where the holder is or where the block is used. So a provider with sites in several countries often shows its
  head office: `head_office` 0.15-0.35 of the blocks it uses abroad, and its system's registration always does.
* Blocks are sold, leased and moved; registries and files follow later. Transfers touch a few in a hundred blocks a year
  (the regional registries publish transfer logs), so one to a few in a hundred sites stand on such a block.
* Location files are wrong more often about servers than about homes. "A Look at Router Geolocation in Public and
  Commercial Databases" (IMC 2017) found such files unreliable for infrastructure and alike in their mistakes, since
  they draw on registries too. So: 0.01-0.04 alone when new, 0.03-0.08 more for each year of age, and `copied`
  0.1-0.35 of the lies of a leased block's registry found again in a file. A file built before a block moved names the
  old place until its supplier has learned of the move (up to a month).
* A registry's record carries the day it was last changed (RFC 9083 4.5, "last changed"). Where a block moved and the
  registry knows, it wrote that down then or later; in `MOVED_UNWRITTEN` of such moves there was nothing to write, since
  a holder brought its servers to the country that its registration had always named. Records are also changed for
  reasons of their own, a new contact or a new desk: once in `RECORD_YEARS` years, at an even rate.
* Address lists of proxies lag (0.01-0.06 of edges missing) and headers can be stripped (0.05-0.2).
* A round trip misleads if the exit is not where it is said to be (0.001-0.004), or something nearer answers.
"""

import random
from dataclasses import dataclass, fields

# name -> (least, most). A stressed world draws at most twice as high.
RANGES: dict[str, tuple[float, float]] = {
    "abroad": (0.25, 0.45),  # sites of a provider that stand outside its home country
    "head_office": (0.15, 0.35),
    "foreign_parent": (0.1, 0.25),  # providers registered at a parent company abroad
    "location_alone": (0.01, 0.04),
    "location_year": (0.03, 0.08),
    "copied": (0.1, 0.35),
    "moved_everywhere": (0.001, 0.004),  # a moved block that no registry and no file has noticed yet
    "anycast": (0.005, 0.02),  # one address answered in several places, without a proxy's signs
    "range_missing": (0.01, 0.06),
    "header_stripped": (0.05, 0.2),
    "silent_registry": (0.01, 0.05),
    "silent_vantage": (0.05, 0.15),
    "exit_elsewhere": (0.001, 0.004),
    "file_missing": (0.02, 0.08),
}
# Each site has one source that lies, drawn from these with these shares.
LIES = {
    "registry stale": 14,
    "registered at the parent": 22,
    "location file old": 26,
    "block leased": 6,
    "block moved": 4,
    "one resolver": 6,
    "whois copy old": 12,
    "origin file old": 10,
}
RECORD_YEARS = (1.0, 4.0)
MOVED_UNWRITTEN = (0.05, 0.2)
PROXIED = 0.18  # share of sites behind a CDN
DISCLOSED = 0.3  # share of those whose CDN answered our question


@dataclass(frozen=True, slots=True)
class Rates:
    """One seed's rates; see `RANGES`."""

    abroad: float
    head_office: float
    foreign_parent: float
    location_alone: float
    location_year: float
    copied: float
    moved_everywhere: float
    anycast: float
    range_missing: float
    header_stripped: float
    silent_registry: float
    silent_vantage: float
    exit_elsewhere: float
    file_missing: float


def drawn(chance: random.Random, *, stress: float = 1.0) -> Rates:
    """This world's rates. `stress` 2 doubles each of them (no rate goes beyond 0.9)."""
    return Rates(
        **{field.name: min(0.9, stress * chance.uniform(*RANGES[field.name])) for field in fields(Rates)}
    )
