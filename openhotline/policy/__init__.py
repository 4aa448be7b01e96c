"""Dated policy as data: remit, schemes, agreements, units, partners, clocks, the pace of checks, points, and the word lists.

`load("gb")` reads one country's files into one frozen value; each decision stores `version`, and `digest` pins
every byte of it. What is not here: reading a field (`table`) and a file (`reading/`) and what follows from a value (`openhotline/rules`).
"""

from dataclasses import dataclass
from datetime import date, tzinfo
from functools import lru_cache
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable

from openhotline.policy.reading import agreements, clocks, exchange, looks, remit, routes, texts
from openhotline.policy.reading.clocks import Clocks
from openhotline.policy.reading.remit import Point
from openhotline.policy.table import PolicyFault, Table
from openhotline.rules import agreements as agreement_rules
from openhotline.rules import remit as remit_rules
from openhotline.rules.agreements import Agreements
from openhotline.rules.exchange import Codes
from openhotline.rules.filter_list import Terms
from openhotline.rules.ladder import RungRow
from openhotline.rules.notice import Texts
from openhotline.rules.pace import Pace
from openhotline.rules.receipts import WordList
from openhotline.rules.refusals import Refused
from openhotline.rules.remit import RemitTable, Scheme
from openhotline.rules.routing import PartnerHotline, UnitRow, UnitRule
from openhotline.rules.signs import SignWords
from openhotline.rules.terms import Term
from openhotline.rules.trace_weights import Weights

__all__ = [
    "Clocks",
    "Point",
    "Policy",
    "PolicyFault",
    "exchange_codes",
    "languages",
    "load",
    "notice_texts",
    "receipt_words",
    "sign_words",
    "terms",
    "trace_weights",
]

FILES = (
    "policy",
    "remit",
    "schemes",
    "agreements",
    "routes",
    "partners",
    "clocks",
    "checks",
    "points",
    "ladder",
    "filter_list",
)


@dataclass(frozen=True, slots=True)
class Policy:
    """One country's policy in one version. Nothing in it changes while the house runs."""

    name: str
    version: str  # "gb-2026.1+" and the first 8 hex digits of the digest; at most 40 characters
    digest: str  # SHA-256 over every file, hex
    valid_from: date
    home: str  # ISO 3166-1 alpha-2
    zone: tzinfo  # of the clock on the wall
    remit: RemitTable
    schemes: tuple[Scheme, ...]
    agreements: Agreements  # what a new house begins with; `records/agreements.py` says what a house holds
    units: tuple[UnitRow, ...]
    unit_rules: tuple[UnitRule, ...]
    partners: tuple[PartnerHotline, ...]
    clocks: Clocks
    pace: Pace
    points: tuple[Point, ...]
    ladder: tuple[RungRow, ...]
    filter_list: Terms
    managers_mail: str
    baseline_note: str
    keep_fragment_hosts: frozenset[str]

    def scheme_on(self, day: date) -> Scheme:
        """The grading scheme in force on a day. Raises Refused where none was."""
        return remit_rules.scheme_on(day, self.schemes)

    @property
    def point_keys(self) -> tuple[str, ...]:
        """The numbers of all policy points, in the order of the grid."""
        return tuple(point.key for point in self.points)

    def ground(self, cls: str) -> str:
        """The legal ground a notice carries for a class. Raises Refused for a class without a row."""
        rows = [row for row in self.remit.rows if row.cls == cls]
        if not rows:
            raise Refused(
                "This class is in no row of the remit table, so a notice has no legal ground.", code="ground"
            )
        return max(rows, key=lambda row: row.start).ground

    def unit(self, key: str) -> UnitRow:
        """A police unit by its key. Raises Refused for one that this policy does not name."""
        for one in self.units:
            if one.key == key:
                return one
        raise Refused(f"There is no unit “{key}” in {self.name}.", code="unit")


@lru_cache(maxsize=8)
def load(country: str) -> Policy:
    """The policy of a country ("gb"), read once. Raises PolicyFault with a sentence."""
    folder = files(__name__) / country
    if not country.isalpha() or not folder.is_dir():
        held = ", ".join(
            sorted(entry.name for entry in files(__name__).iterdir() if (entry / "policy.toml").is_file())
        )
        raise PolicyFault(f"There is no policy for “{country[:20]}”. There is: {held}.")
    return read_folder(folder, country)


def read_folder(folder: Traversable, country: str) -> Policy:
    """One folder of policy files as a Policy. Raises PolicyFault with a sentence."""
    data: dict[str, bytes] = {}
    for name in FILES:
        file = folder / f"{name}.toml"
        if not file.is_file():
            raise PolicyFault(f"{country}/{name}.toml is missing.")
        data[name] = file.read_bytes()
    tables = {name: Table.of(f"{country}/{name}.toml", content) for name, content in data.items()}
    for table in tables.values():
        table.text("version")
        table.day("valid_from")
    head, sent = tables["policy"], tables["routes"]
    home, zone, default = head.country("country"), head.zone("zone"), head.text("agreement")
    digest = _digest(data)
    agreed = agreements.versions(tables["agreements"])
    policy = Policy(
        name=head.text("name"),
        version=f"{country}-{head.text('version')}+{digest[:8]}"[:40],
        digest=digest,
        valid_from=head.day("valid_from"),
        home=home,
        zone=zone,
        remit=RemitTable(home, tables["remit"].read("row", remit.remit_row)),
        schemes=tables["schemes"].read("scheme", remit.scheme),
        agreements=Agreements.of(agreed, default=default, zone=zone),
        units=sent.read("unit", routes.unit),
        unit_rules=sent.read("rule", routes.unit_rule),
        partners=tables["partners"].read("partner", routes.partner),
        clocks=clocks.clocks(tables["clocks"]),
        pace=looks.pace(tables["checks"]),
        points=tables["points"].read("point", remit.point),
        ladder=tables["ladder"].read("rung", clocks.rung),
        filter_list=exchange.filter_list(tables["filter_list"]),
        managers_mail=head.table("contacts").text("managers"),
        baseline_note=head.table("baseline").text("note"),
        keep_fragment_hosts=frozenset(head.table("keys").texts("keep_fragment_hosts")),
    )
    _consistent(policy, country)
    return policy


def _consistent(policy: Policy, country: str) -> None:
    """Files that fit each on their own must fit together too."""
    wrong = remit_rules.faults(policy.remit, policy.schemes)
    units = {one.key for one in policy.units}
    held = policy.agreements
    wrong += agreement_rules.faults(held.versions, default=held.default)
    wrong += [
        f"Unit {one.key} names an agreement “{one.agreement}” that does not exist."
        for one in policy.units
        if one.agreement not in held.keys
    ]
    wrong += [
        f"A rule in routes.toml sends to “{rule.unit}”, which is no unit."
        for rule in policy.unit_rules
        if rule.unit not in units
    ]
    covered = {one.key: one.areas for one in policy.units}
    wrong += [
        f"A rule in routes.toml sends “{area}” to {rule.unit}, which does not cover it."
        for rule in policy.unit_rules
        for area in rule.areas
        if area not in covered.get(rule.unit, ())
    ]
    for cls in {row.cls for row in policy.remit.rows if row.covers(policy.valid_from)}:
        if not any(rule.fits(cls, 0, "") for rule in policy.unit_rules):
            wrong.append(f"No rule in routes.toml gives {cls} to a unit wherever it is hosted.")
    categories = {key for one in policy.schemes for key in one.categories}
    wrong += [
        f"Point {point.key} names category “{point.category}”, which no scheme has."
        for point in policy.points
        if point.category and point.category not in categories
    ]
    abroad = [one.country for one in policy.partners]
    if policy.home in abroad or len(set(abroad)) != len(abroad):
        wrong.append("partners.toml names the home country, or one country twice.")
    if wrong:
        raise PolicyFault(f"{country}: {' '.join(wrong)}")


def _digest(data: dict[str, bytes]) -> str:
    """SHA-256 over name, length and bytes of every file, in order of name."""
    total = sha256(b"openhotline policy v1\n")
    for name in sorted(data):
        total.update(f"{name}.toml {len(data[name])}\n".encode())
        total.update(data[name])
    return total.hexdigest()


@lru_cache(maxsize=1)
def terms() -> tuple[Term, ...]:
    """The word guard's list (`terms.toml`). Raises PolicyFault with a sentence."""
    return Table.of("terms.toml", (files(__name__) / "terms.toml").read_bytes()).read("term", texts.term_of)


@lru_cache(maxsize=1)
def trace_weights() -> Weights:
    """What the vote of a trace believes about its sources (`trace.toml`). Raises PolicyFault with a sentence."""
    content = (files(__name__) / "trace.toml").read_bytes()
    return looks.weights(Table.of("trace.toml", content), sha256(content).hexdigest())


@lru_cache(maxsize=1)
def exchange_codes() -> Codes:
    """The exchange's codes against our words, and where its calls are (`exchange.toml`). Raises PolicyFault."""
    content = (files(__name__) / "exchange.toml").read_bytes()
    return exchange.exchange_codes(Table.of("exchange.toml", content), sha256(content).hexdigest())


HOUSE_LANGUAGE = "en"  # of letters to people whose language nobody has told us


@lru_cache(maxsize=1)
def languages() -> dict[str, str]:
    """The languages a notice can be written in: {"en": "English", ...}."""
    names = sorted(
        entry.name for entry in (files(__name__) / "texts").iterdir() if entry.name.endswith(".toml")
    )
    return {name[:-5]: notice_texts(name[:-5]).says["language"] for name in names}


@lru_cache(maxsize=32)
def notice_texts(language: str) -> Texts:
    """The words of letters in one language. Raises PolicyFault with a sentence."""
    file = files(__name__) / "texts" / f"{language}.toml"
    if not language.isalpha() or not file.is_file():
        raise PolicyFault(f"There are no words for letters in “{language[:20]}”.")
    return texts.notice_texts(language, Table.of(f"texts/{language}.toml", file.read_bytes()))


@lru_cache(maxsize=1)
def sign_words() -> SignWords:
    """The words of takedown, parking, login and "not found" pages (`signs.toml`). Raises PolicyFault."""
    table = Table.of("signs.toml", (files(__name__) / "signs.toml").read_bytes())
    return looks.sign_words(table)


@lru_cache(maxsize=1)
def receipt_words() -> WordList:
    """The 7,776 words of receipts. Raises PolicyFault if the list is damaged."""
    try:
        return WordList.of((files(__name__) / "words" / "eff_large.txt").read_text("ascii").split())
    except (ValueError, OSError) as fault:
        raise PolicyFault(f"words/eff_large.txt: {fault}") from None
