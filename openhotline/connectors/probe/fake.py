"""A prober that knows the truth because it was told, for tests and demos without a world.

True here: the same calls as `client.Prober`, the same answers every time, no socket. `truth` may be
changed between calls: that is how a page vanishes or moves.
"""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from openhotline.connectors.news import meaning as news
from openhotline.connectors.probe.client import ProberUnreachable
from openhotline.connectors.probe.meaning import CheckJob, Hello, ListFacts, ListJob, TraceJob
from openhotline.connectors.probe.page import Page, read_page
from openhotline.rules import methods
from openhotline.rules.facts import CheckFacts, MethodAnswer, TraceFacts, written
from openhotline.rules.signs import NO_WORDS, SignWords

_HARMLESS = "Pictures of the sea. " * 20


@dataclass(frozen=True, slots=True)
class Truth:
    """What is so at one address (key: its canonical form) or at one host (key: its name)."""

    addresses: tuple[str, ...] = ("192.0.2.10",)
    country: str = "GB"
    asn: int = 64500
    operator: str = "Example Hosting"
    network: str = "192.0.2.0/24"
    abuse_mail: tuple[str, ...] = ("abuse@host.example",)
    outcome: str = "answered"
    status: int = 200
    content_type: str = "image/jpeg"
    title: str = ""
    text: str = ""  # of a page: its signs are read as the prober reads them
    size: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    location: str = ""
    needs_referrer: bool = False  # without one a harmless page is shown, with 200 and another title
    seen_from: Mapping[str, tuple[str, int]] = field(default_factory=dict)  # vantage -> (outcome, status)
    failing: tuple[str, ...] = ()  # trace methods that fail


class FakeProber:
    """Same calls as `Prober`. What is not in `truth` does not exist."""

    def __init__(
        self,
        truth: Mapping[str, Truth],
        *,
        vantages: tuple[str, ...] = ("north", "south"),
        words: SignWords = NO_WORDS,
    ) -> None:
        self.truth: dict[str, Truth] = dict(truth)
        self.vantages = vantages
        self.words = words
        self.news: dict[str, set[str]] = {}  # news server -> the posts ("news:x@y") it has
        self.canary_up = dict.fromkeys(vantages, True)
        self.reachable = True
        self.calls: list[TraceJob | CheckJob] = []

    def hello(self) -> Hello:
        """As `Prober.hello`."""
        self._there()
        return Hello(0, False, 0, self.vantages, True, False, ("127.0.0.1",), ("This is a fake.",))

    def trace(self, jobs: Sequence[TraceJob]) -> list[TraceFacts]:
        """As `Prober.trace`."""
        self._there()
        self.calls += jobs
        return [self._trace(job) for job in jobs]

    def check(self, jobs: Sequence[CheckJob]) -> list[CheckFacts]:
        """As `Prober.check`."""
        self._there()
        self.calls += jobs
        return [self._check(job) for job in jobs]

    def lists(self, jobs: Sequence[ListJob]) -> list[ListFacts]:
        """As `Prober.lists`: an empty list of each kind, dated the day asked."""
        self._there()
        return [
            ListFacts(
                job.kind,
                job.url,
                job.at,
                ok=True,
                published=f"{job.at:%Y-%m-%d}",
                body=f'{{"publication":"{job.at:%Y-%m-%dT%H:%M:%SZ}","services":[]}}',
            )
            for job in jobs
        ]

    def _there(self) -> None:
        if not self.reachable:
            raise ProberUnreachable("the fake was told to be away")

    def _known(self, canonical: str) -> Truth | None:
        host = canonical.split("://", 1)[-1].split("/", 1)[0].split(":", 1)[0]
        return self.truth.get(canonical) or self.truth.get(host)

    def _trace(self, job: TraceJob) -> TraceFacts:
        if job.canonical.startswith("news:"):
            return TraceFacts(job.canonical, job.host, job.at, _stamped(self._asked(job.canonical), job))
        so = self.truth.get(job.canonical) or self.truth.get(job.host)
        if so is None or not so.addresses:
            return TraceFacts(job.canonical, job.host, job.at, _stamped(_nowhere(), job))
        told = tuple(
            MethodAnswer(a.method, ok=False, why="The fake was told to fail.")
            if a.method in so.failing
            else a
            for a in _answers(so, job)
        )
        return TraceFacts(job.canonical, job.host, job.at, _stamped(told, job))

    def _asked(self, post: str) -> tuple[MethodAnswer, ...]:
        """What each news server says of a post, in the real connector's reading."""
        wanted = news.message_id(post)
        return tuple(
            news.read(f"221 0 {wanted}" if post in posts else "430 no such article", b"", server=server)
            for server, posts in self.news.items()
        )

    def _stat(self, job: CheckJob) -> CheckFacts:
        has = job.canonical in self.news.get(job.server, set())
        up = self.canary_up.get(job.vantage, False)
        return CheckFacts(
            job.canonical, job.vantage, job.at, "answered", status=223 if has else 430, canary_up=up
        )

    def _check(self, job: CheckJob) -> CheckFacts:
        if job.server and job.allow_path:
            return self._stat(job)
        so = self._known(job.canonical)
        variant = job.variant
        up = self.canary_up.get(job.vantage, False)
        if so is None or not so.addresses:
            return CheckFacts(
                job.canonical,
                job.vantage,
                job.at,
                "no-name",
                path_variant=variant,
                canary_up=up,
                why="The name does not exist.",
            )
        if not job.allow_path:
            return CheckFacts(
                job.canonical,
                job.vantage,
                job.at,
                "blocked",
                path_variant=variant,
                canary_up=up,
                why="No request was sent: an analyst must open the item and allow it first.",
            )
        outcome, status = so.seen_from.get(job.vantage, (so.outcome, so.status))
        answered = outcome == "answered"
        title, text = (
            ("Holiday pictures", _HARMLESS) if so.needs_referrer and not job.referrer else (so.title, so.text)
        )
        kind = "text/html" if text else so.content_type
        page = Page(title=title)
        if answered and (text or title):
            body = f"<title>{html.escape(title)}</title><p>{html.escape(text)}</p>".encode()
            page = read_page(body, "text/html; charset=utf-8", complete=True, words=self.words)
        return CheckFacts(
            canonical=job.canonical,
            vantage=job.vantage,
            at=job.at,
            outcome=outcome,
            status=status if answered else 0,
            location=so.location if answered else "",
            content_type=kind if answered else "",
            title=page.title,
            fingerprint=page.fingerprint if text else "",
            simhash=page.simhash if text else "",
            words=page.words,
            signs=page.signs,
            signs_version=self.words.version,
            size=so.size if answered else None,
            peer=so.addresses[0] if answered else "",
            path_variant=variant,
            canary_up=up,
            why="" if answered else f"The fake was told: {outcome}.",
            headers=so.headers if answered else (),
        )


def _nowhere() -> tuple[MethodAnswer, ...]:
    """What is said of a name that does not exist."""
    why = "There is no address to ask about."
    dns = MethodAnswer(methods.DNS, ok=True, why="The name does not exist.", answer="NXDOMAIN", source="fake")
    silent = (
        methods.NAME_SERVERS,
        methods.RDAP_DOMAIN,
        methods.RDAP,
        methods.ORIGIN_NETWORK,
        methods.LOCATION,
    )
    return (dns, *(MethodAnswer(method, ok=False, why=why) for method in silent))


def _stamped(answers: Sequence[MethodAnswer], job: TraceJob) -> tuple[MethodAnswer, ...]:
    """A fake answers at once: a sign of a proxy is as old as the look, everything else came when the job did."""
    times = {methods.PROXY: job.headers_at or job.at}
    return tuple(replace(one, at=written(times.get(one.method, job.at))) for one in answers)


def _answers(so: Truth, job: TraceJob) -> list[MethodAnswer]:
    """All methods in the prober's order. What touches the server answers only if the job allows it."""
    a_file = MethodAnswer("", True, addresses=so.addresses, source="fake", source_age_s=0)
    rdap = replace(
        a_file,
        method=methods.RDAP,
        answer=f"{so.operator}, {so.country}, {so.network}",
        country=so.country,
        network=so.network,
        operator=so.operator,
        abuse_mail=so.abuse_mail,
    )
    origin = replace(
        a_file,
        method=methods.ORIGIN_NETWORK,
        answer=f"AS{so.asn} {so.operator}",
        asn=so.asn,
        operator=so.operator,
    )
    silent = MethodAnswer("", ok=False, why="Nothing was sent to the server: it was not allowed yet.")
    touched = MethodAnswer("", True, source="fake", addresses=so.addresses)
    quiet = "No sign of a proxy, which proves nothing."
    return [
        MethodAnswer(
            methods.DNS, True, answer=", ".join(so.addresses), addresses=so.addresses, source="fake"
        ),
        MethodAnswer(methods.NAME_SERVERS, True, answer="ns1.registry.example", source="fake"),
        rdap,
        MethodAnswer(
            methods.RDAP_AS, True, answer=f"AS{so.asn}", country=so.country, asn=so.asn, source="fake"
        ),
        MethodAnswer(methods.RDAP_DOMAIN, True, answer=job.host, source="fake"),
        origin,
        replace(a_file, method=methods.LOCATION, answer=so.country, country=so.country),
        MethodAnswer(methods.PROXY, True, why=quiet, source="fake"),
        replace(
            touched if job.contact else silent,
            method=methods.CERTIFICATE,
            answer=job.host if job.contact else "",
        ),
        replace(touched if job.contact else silent, method=methods.ROUND_TRIP),
    ]
