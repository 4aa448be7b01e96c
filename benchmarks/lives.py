"""Made-up lives of removals, with a known truth at every moment: what `false_gone.py` looks at.

A life is drawn from a seed: in which state it is watched, when the content really goes (or that it never does), how its
host shows that, and what else happens meanwhile. `answer` is what a look from one place meets; `there` is the truth.
Pages are text, read by the prober's own reader with the shipped sign words. Not here: looking, judging, counting.
"""

import random
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from openhotline import policy
from openhotline.connectors.probe.page import Page, read_page
from openhotline.rules import pace
from openhotline.rules.facts import CheckFacts

START = datetime(2026, 5, 12, tzinfo=UTC)
PLACES = ("east", "north", "south")
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
HORIZON = 3 * DAY
FLAP = 5 * MINUTE  # what comes back sooner than this was never gone

# How a host shows that it is gone, and how often.
ENDINGS = {
    "status 404": 34, "status 410": 8, "takedown page": 18, "soft 404": 14, "parked": 4, "front page": 4,
    "no name": 6, "file gone": 11, "switched off": 1,
}  # fmt: skip
# What happens to what stays, and how often. Every one of these is there all the time.
TROUBLES = {
    "none": 40, "host down": 6, "5xx storm": 6, "slow host": 6, "flapping": 5, "cloaked by place": 8,
    "misses at random": 5, "changing page": 6, "re-encoded": 4, "login wall": 3, "robot check": 3, "geo block": 3,
    "rate limit": 5, "moved": 3,
}  # fmt: skip
STATES = {pace.WITH_HOST: 60, pace.WAITING: 25, pace.ABROAD: 15}
TAKEN_DOWN = (
    "This content has been removed because it violates our terms.", "The file you requested was deleted.",
    "This account has been suspended.", "Diese Datei wurde gelöscht.", "Ce contenu a été supprimé.",
    "Este archivo ha sido eliminado.", "Dit bestand is verwijderd.", "Questo file è stato rimosso.",
    "Este ficheiro foi removido.", "Plik został usunięty.", "Файл был удалён.", "このファイルは削除されました。", "该内容已被删除。",
)  # fmt: skip
NOT_FOUND = (
    "Sorry, the page you asked for could not be found.", "Nothing here.", "Diese Seite wurde nicht gefunden.",
    "Page introuvable.", "Página no encontrada.", "Pagina niet gevonden.", "Pagina non trovata.",
    "Página não encontrada.", "Nie znaleziono strony.", "Страница не найдена.", "ページが見つかりません", "找不到页面",
)  # fmt: skip
PARKED = (
    "This domain is for sale.",
    "Buy this domain today.",
    "Diese Domain steht zum Verkauf.",
    "Ce domaine est à vendre.",
)
_WORDS = [
    f"{a}{b}"
    for a in ("ba", "do", "ki", "lu", "me", "no", "pa", "ra", "si", "tu")
    for b in ("lan", "mer", "tis", "ron")
]


@lru_cache(maxsize=4096)
def page(title: str, text: str, extra: str = "") -> Page:
    """A page's signs, read as the prober reads them."""
    body = f"<title>{title}</title><body><h1>{title}</h1><p>{text}</p>{extra}</body>".encode()
    return read_page(body, "text/html; charset=utf-8", complete=True, words=policy.sign_words())


@dataclass
class Life:
    """One removal's life, relative to `START`. Windows are (from, to) of trouble."""

    number: int
    state: str
    kind: str  # an ending or a trouble
    address: str
    is_file: bool
    gone_at: datetime | None
    windows: list[tuple[datetime, datetime]]
    blind: tuple[str, ...]  # places that are shown nothing
    our_outages: list[tuple[datetime, datetime, tuple[str, ...], str]]
    text: str
    chance: random.Random = field(repr=False)
    words: str = ""

    def there(self, at: datetime) -> bool:
        """The truth: whether the content is served to somebody, or stands behind something that keeps us out."""
        return self.gone_at is None or at < self.gone_at

    def line_up(self, place: str, at: datetime) -> bool:
        """Whether our own line from there works: what the canary would say."""
        return not any(start <= at < end and place in places for start, end, places, _ in self.our_outages)

    def answer(self, place: str, at: datetime) -> CheckFacts:
        """What a look from this place meets."""
        facts = CheckFacts(self.address, place, at, "answered", status=200, canary_up=True)
        for start, end, places, how in self.our_outages:
            if start <= at < end and place in places:
                if how == "portal":  # our provider's page stands in for every address, the canary's too
                    return replace(
                        self._shown(facts, page("Welcome", "Please log in to continue")), canary_up=False
                    )
                return replace(facts, outcome=how, status=0, canary_up=False)
        if not self.there(at):
            return self._gone(facts)
        return self._trouble(facts, place, at)

    def _shown(self, facts: CheckFacts, shown: Page, **more: object) -> CheckFacts:
        return replace(
            facts,
            content_type="text/html; charset=utf-8",
            title=shown.title,
            fingerprint=shown.fingerprint,
            simhash=shown.simhash,
            words=shown.words,
            signs=shown.signs,
            **more,  # type: ignore[arg-type]
        )

    def _up(self, facts: CheckFacts, *, size: int = 81_234, text: str = "") -> CheckFacts:
        if self.is_file:
            return replace(facts, status=206, content_type="image/jpeg", size=size)
        return self._shown(facts, page("Gallery", text or self.text))

    def _gone(self, facts: CheckFacts) -> CheckFacts:
        """What the host shows once it is gone."""
        if self.kind == "no name":
            return replace(facts, outcome="no-name", status=0)
        if self.kind == "switched off":
            return replace(facts, outcome="timeout", status=0)
        if self.kind == "takedown page":
            return self._shown(facts, page("Hosting", self.words))
        if self.kind == "soft 404":
            return self._shown(facts, page("Oops", self.words))
        if self.kind == "parked":
            return self._shown(
                facts, page("Parked", self.words), location="http://parking.example.com/lander"
            )
        if self.kind == "front page":
            home = page("Hosting for everybody", "Fast, cheap and simple. Sign up today.")
            return self._shown(facts, home, location=self.address.split("/p/")[0] + "/")
        status = 410 if self.kind == "status 410" else 404
        return self._shown(facts, page("Error", "Something went wrong."), status=status)

    def _trouble(self, facts: CheckFacts, place: str, at: datetime) -> CheckFacts:
        """What is met while it is there."""
        inside = any(start <= at < end for start, end in self.windows)
        if place in self.blind:
            hidden = (
                (page("Holiday", "Pictures of the sea. " * 30), 200)
                if self.number % 2
                else (page("Error", "-"), 404)
            )
            return self._shown(facts, hidden[0], status=hidden[1])
        if self.kind == "misses at random" and self.chance.random() < 0.1:
            return replace(facts, status=404)
        if self.kind == "slow host" and self.chance.random() < 0.3:
            return replace(facts, outcome="timeout", status=0)
        if self.kind == "changing page":
            return self._up(facts, text=f"{self.text} {self.chance.randrange(10**6)} views")
        if not inside:
            return self._up(facts)
        if self.kind == "host down":
            return replace(facts, outcome=self.chance.choice(("timeout", "refused", "cut-off")), status=0)
        if self.kind == "5xx storm":
            return replace(facts, status=self.chance.choice((500, 502, 503, 504)))
        if self.kind == "flapping":
            return replace(facts, status=404)
        if self.kind == "re-encoded":
            return self._up(facts, size=70_000 + self.number % 1000, text="Other words stand here. " * 20)
        if self.kind == "login wall":
            return self._shown(facts, page("Members", "Name and password", '<input type="password">'))
        if self.kind == "robot check":
            return self._shown(facts, page("Just a moment...", "Verify you are human."))
        if self.kind == "geo block":
            return replace(facts, status=self.chance.choice((403, 451)))
        if self.kind == "rate limit":
            return replace(facts, status=429, headers=(("retry-after", "600"),))
        if self.kind == "moved":
            elsewhere = page("Gallery", "This is another site with words of its own. " * 10)
            return self._shown(facts, elsewhere, location=f"http://other{self.number}.example.com/")
        return self._up(facts)


def draw(number: int, seed: int) -> Life:
    """The life with this number."""
    chance = random.Random(f"{seed}/{number}")
    state = chance.choices(list(STATES), STATES.values())[0]
    goes = chance.random() < 0.7
    table = ENDINGS if goes else TROUBLES
    kind = chance.choices(list(table), table.values())[0]
    middle = {pace.WITH_HOST: 90 * MINUTE, pace.WAITING: 3 * HOUR, pace.ABROAD: 14 * HOUR}[state]
    gone_at = START + min(middle * chance.lognormvariate(0, 1.0), HORIZON - DAY) if goes else None
    if kind == "switched off" and gone_at is not None:
        gone_at = min(gone_at, START + DAY)
    windows = []
    at = START + chance.uniform(0.1, 6) * HOUR
    while at < START + HORIZON and not goes:
        if kind == "flapping":
            length = chance.uniform(0.2, 1) * FLAP
        else:
            length = min(chance.lognormvariate(0, 1.2) * 40 * MINUTE, 18 * HOUR)
        if kind == "moved":
            length = HORIZON
        windows.append((at, at + length))
        at += length + chance.uniform(0.5, 12) * HOUR
    blind: tuple[str, ...] = ()
    if kind == "cloaked by place":
        blind = tuple(chance.sample(PLACES, chance.choice((1, 2))))
    outages = []
    while chance.random() < 0.25 and len(outages) < 4:
        begins = START + chance.uniform(0, 2.5) * DAY
        places = PLACES if chance.random() < 0.4 else tuple(chance.sample(PLACES, chance.choice((1, 2))))
        how = chance.choice(("timeout", "no-name", "refused", "portal"))
        outages.append((begins, begins + chance.lognormvariate(0, 1) * 15 * MINUTE, places, how))
    words = {"takedown page": TAKEN_DOWN, "soft 404": NOT_FOUND, "parked": PARKED}.get(kind, ("",))
    return Life(
        number=number,
        state=state,
        kind=kind,
        address=f"http://site{number}.example.org/p/{number}",
        is_file=kind == "file gone" or (kind != "changing page" and chance.random() < 0.4),
        gone_at=gone_at,
        windows=windows,
        blind=blind,
        our_outages=outages,
        text=" ".join(chance.choice(_WORDS) for _ in range(chance.randrange(40, 160))),
        chance=chance,
        words=chance.choice(words),
    )
