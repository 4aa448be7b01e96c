"""Who acts in the simulated house, and what they may try. Every act is a real step by a real actor.

True here: people try what they may and what they may not; a refusal is an answer and no fault. Machines may be
killed in the middle of any act, at any statement. Not here: the order of acts (`play`) and what must hold.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

from openhotline.jobs.engine import Engine
from openhotline.jobs.sweep import SWEEPS
from openhotline.outbox.models import IN_DOUBT, Letter
from openhotline.policy import Policy, languages
from openhotline.records.models import (
    AgreementVersion,
    Consultation,
    Contact,
    Host,
    HostRegistration,
    Item,
    ListAgreement,
    Notice,
    Removal,
    SilenceProposal,
    User,
)
from openhotline.rules import incoming, item_path, words
from openhotline.rules.agreement import ORDERS
from openhotline.rules.notice import FORMS, MIXED, REPORT
from openhotline.rules.words import PUBLIC_REPORTER, Actor
from openhotline.simulation.morning import agreed, next_version, opinion_on
from openhotline.simulation.outside import ADULT, FIRST, LATER, PLACES, SECOND, Network, Web
from openhotline.simulation.promises import Answered, Notebook
from openhotline.steps import (
    agreements,
    alert,
    answer,
    assess,
    confirm,
    doubt,
    intake,
    list_agreement,
    notify,
    silence,
)
from openhotline.steps import contact as contacts

HOUR = timedelta(hours=1)
LANGUAGES = tuple(languages())


class Acts:
    """Everybody who acts. `now` is told by the loop."""

    def __init__(
        self, chance: Random, policy: Policy, notebook: Notebook, web: Web, network: Network
    ) -> None:
        self.chance, self.policy, self.notebook = chance, policy, notebook
        self.web, self.network = web, network
        self.now = datetime.min.replace(tzinfo=UTC)
        self.engine: Engine | None = None
        self.waiting: list[tuple[UUID, tuple[str, ...]]] = []  # sent, and not acknowledged yet
        users = {user.username: user for user in User.objects.select_related("unit")}
        self.people: dict[str, Actor] = {name: user.actor() for name, user in users.items()}
        self.officers = {user.unit_id: user.actor() for user in users.values() if user.role == words.OFFICER}

    def pick(self, *names: str) -> Actor:
        """One of these people."""
        return self.people[self.chance.choice(names)]

    # --- people -----------------------------------------------------------------------------------

    def report(self) -> None:
        """Somebody reports something, known or new; what was not acknowledged is sent again with its own id."""
        if not self.waiting or self.chance.random() < 0.5:
            line = self.chance.choice((*FIRST, *SECOND, *LATER))
            self.waiting.append((UUID(int=self.chance.getrandbits(128), version=4), (line,)))
        report_id, lines = self.waiting[0]
        report = incoming.public(report_id, lines, self.now)
        intake.file_reports([report], policy=self.policy, by=PUBLIC_REPORTER, at=self.now)
        self.notebook.acknowledged.append(report_id)
        self.waiting.pop(0)

    def read(self) -> None:
        """An analyst reads what waits; sometimes the one who read it first."""
        status = self.chance.choice((item_path.RECEIVED, item_path.ASSESSING, item_path.GRADED_ONCE))
        items = list(Item.objects.filter(status=status).order_by("pk")[:3])
        if not items:
            return
        by = self.pick("analyst-1", "analyst-2")
        alike = [item for item in items if item.canonical.startswith(ADULT)] or items
        assess.take(alike, by=by, at=self.now, policy=self.policy)
        found = opinion_on(alike[0], self.policy, self.now)
        assess.grade(alike, found, by=by, at=self.now, policy=self.policy)

    def officer(self) -> None:
        """An officer answers a question, old or new, for all of it or for a part."""
        asked = list(Consultation.objects.filter(asks=True).order_by("pk"))
        if not asked:
            return
        question = self.chance.choice(asked)
        scope = list(Removal.objects.filter(consultation_lines__consultation=question).order_by("pk"))
        if self.chance.random() < 0.4:
            scope = [self.chance.choice(scope)]
        kind = self.chance.choice(
            (words.GO_AHEAD, words.HOLD, words.HOLD, words.GO_AHEAD_AFTER, words.REFUSE)
        )
        later = self.now + HOUR * self.chance.choice((1, 3, 20))
        more: dict[str, object] = {}
        if kind != words.GO_AHEAD:
            more["reason"] = "arrest or search planned"
        if kind == words.GO_AHEAD_AFTER:
            more["until"] = later
        if kind == words.HOLD:
            more["review_at"] = later
        if kind == words.GO_AHEAD and self.chance.random() < 0.3:
            more["valid_until"] = later
        answer.record(
            question,
            kind=kind,
            by=self.officers[question.unit_id],
            at=self.now,
            policy=self.policy,
            removals=scope,
            **more,  # type: ignore[arg-type]
        )
        until = later if "until" in more or "valid_until" in more else None
        for removal in scope:
            self.notebook.answers[removal.pk] = Answered(kind == words.GO_AHEAD, until, self.now)

    def silent(self) -> None:
        """Two people settle a silence; or one of them tries to do it alone."""
        by = self.pick("lead", "liaison")
        proposal = SilenceProposal.objects.filter(settled_at=None).first()
        if proposal is not None:
            for removal in silence.confirm(proposal, by=by, at=self.now, policy=self.policy):
                self.notebook.answers[removal.pk] = Answered(proposal.clear, None, self.now)
            return
        question = Consultation.objects.filter(asks=True, rung_at__isnull=False).order_by("-pk").first()
        if question is not None:
            clear = self.chance.random() < 0.6
            silence.propose(question, clear=clear, why="No answer by phone.", by=by, at=self.now)

    def keeper(self) -> None:
        """A contact is withdrawn, proposed or verified."""
        rows = list(Contact.objects.select_related("host").order_by("pk"))
        row = self.chance.choice(rows)
        by = self.pick("lead", "liaison")
        if row.verified_at is not None:
            notify.retire_contact(row, why="They moved.", by=by, at=self.now)
            self.notebook.withdrawn.add(row.mail)
        elif row.proposed_by:
            notify.verify_contact(row, by=by, at=self.now)
            self.notebook.withdrawn.discard(row.mail)
        else:
            contacts.propose(row.host, row.mail, source="person", by=by, at=self.now)

    def wish(self) -> None:
        """A host says how it wants its notices, in words and in form; a person writes it down."""
        place = self.chance.choice(PLACES)
        host = Host.objects.filter(name=place.name).first()
        form, language = self.chance.choice(tuple(FORMS)), self.chance.choice(LANGUAGES)
        if host is None:
            return
        contacts.letters_as(host, language=language, form=form, by=self.pick("lead", "liaison"), at=self.now)
        # No query between the step and the note of it: one at which the worker is killed would leave the note unwritten.
        self.notebook.wants_whole.discard(place.mail)
        if form in (REPORT, MIXED):
            self.notebook.wants_whole.add(place.mail)

    def registration(self) -> None:
        """A host abroad registers, is confirmed, or leaves again; one of two people tries, perhaps the same one."""
        by = self.pick("lead", "liaison")
        row = HostRegistration.objects.filter(ended_at=None).select_related("host").first()
        if row is None:
            alert.register(Host.objects.get(name=PLACES[-1].name), why="Their letter.", by=by, at=self.now)
        elif row.confirmed_at is None:
            alert.confirm(row, by=by, at=self.now)
            self.notebook.unregistered = False
        else:
            alert.end(row, by=by, at=self.now)
            self.notebook.unregistered = True

    def agreement(self) -> None:
        """An agreement about a domain is proposed, confirmed, or ended."""
        by = self.pick("lead", "liaison")
        row = ListAgreement.objects.filter(ended_at=None).order_by("pk").first()
        if row is None:
            agreed(by=by, at=self.now)
        elif row.confirmed_at is None:
            list_agreement.confirm(row, by=by, at=self.now)
            self.notebook.no_agreement = False
        else:
            list_agreement.end(row, by=by, at=self.now)
            self.notebook.no_agreement = True

    def police_agreement(self) -> None:
        """A next version of an agreement with police is proposed, agreed to, objected to or taken back."""
        by = self.pick("lead", "liaison")
        waiting = AgreementVersion.objects.filter(withdrawn_at=None, proposed_by__isnull=False)
        row = waiting.order_by("-pk").first() if self.chance.random() < 0.8 else None
        if row is None:
            key, order = self.chance.choice(self.policy.agreements.keys), self.chance.choice(ORDERS)
            days = self.chance.choice((0, 1, 1, 2, 3))
            next_version(key, order, policy=self.policy, by=by, at=self.now, days=days)
        elif self.chance.random() < 0.3:
            agreements.withdraw(row, why="Not yet.", policy=self.policy, by=by, at=self.now)
        elif self.chance.random() < 0.3:
            officer = self.pick("officer-NU", "officer-EU")
            agreements.reply(
                row, kind="objects", text="Too soon.", policy=self.policy, by=officer, at=self.now
            )
        else:
            agreements.agree(row, despite="Talked over.", policy=self.policy, by=by, at=self.now)

    def host(self) -> None:
        """A host presses a button."""
        sent = Notice.objects.filter(sent_at__isnull=False).order_by("-pk").first()
        if sent is not None:
            word = self.chance.choice(("removed", "not-ours", "need-more"))
            said = dict.fromkeys(sent.lines.filter(dropped="").values_list("removal", flat=True)[:1], word)
            confirm.record(sent, said, by=confirm.by_link(sent), at=self.now)

    def reply(self) -> None:
        """The desk answers a host about a notice, whatever has become of it."""
        sent = list(Notice.objects.filter(sent_at__isnull=False).order_by("pk"))
        if sent:
            notice = self.chance.choice(sent)
            to = confirm.reached(notice)
            confirm.reply(notice, "The second one.", to=to, by=self.pick("lead", "liaison"), at=self.now)

    def person_settles(self) -> None:
        """The lead rings the other side about a letter in doubt, and says what they said."""
        letter = Letter.objects.filter(state=IN_DOUBT).order_by("pk").first()
        if letter is not None:
            doubt.settle(
                letter,
                arrived=letter.key in self.network.taken,
                policy=self.policy,
                by=self.people["lead"],
                at=self.now,
            )

    def content(self) -> None:
        """Something moves, vanishes or comes back."""
        canonical = self.chance.choice((*FIRST, *SECOND, *LATER))
        if self.chance.random() < 0.5:
            self.web.held_at[canonical] = self.chance.choice(PLACES)
        else:
            self.web.gone ^= {canonical}

    # --- machines ---------------------------------------------------------------------------------

    def part(self, *names: str) -> Callable[[], None]:
        """One part of the machine's turn, or several in the turn's order."""

        def act() -> None:
            assert self.engine is not None
            for name, run in self.engine.parts(self.now):
                if name in names:
                    run()

        return act

    def sweep(self, *names: str) -> Callable[[], None]:
        """Some sweeps: those named, or three by chance, in their own order."""

        def act() -> None:
            known = [name for name, _ in SWEEPS]
            chosen = names or self.chance.sample(known, 3)
            for name, run in SWEEPS:
                if name in chosen:
                    run(self.policy, self.now)

        return act
