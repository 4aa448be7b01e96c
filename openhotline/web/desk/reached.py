"""How hosts are reached, in the words of the page: contacts in the order they would be used, their history, calls.

What is not here: the order itself (`rules/contacts`) and any change (`contacts`).
"""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from openhotline.records.models import Contact, HostCall
from openhotline.rules import contacts as rule
from openhotline.web.desk import times

# What a person may name as a source, in the words of the form.
TO_CHOOSE = {
    rule.HOST_PAGE: "The host’s own page",
    rule.REGISTER: "Our own register",
    rule.RDAP_ABUSE: "Abuse role in RDAP",
    rule.ABUSE_C: "Abuse contact of the registry (abuse-c)",
    rule.PERSON: "A person there, by phone",
    rule.ROLE: "abuse@ its own domain (RFC 2142)",
}
ACTS = {
    "found": "named by a source",
    "added": "proposed",
    "proposed": "proposed again",
    "verified": "verified",
    "demoted": "demoted",
    "retired": "retired",
}


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a contact's history."""

    when: str
    what: str
    who: str
    why: str


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a contact that was not retired."""

    pk: int
    kind: str
    fingerprint: str
    state: str
    to_verify: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One contact."""

    pk: int
    mail: str
    page: str
    sources: str
    state: str
    family: str
    icon: str
    why: str
    first: bool  # the one a letter would go to now
    tried: str
    to_propose: bool
    to_verify: bool
    own: bool
    source: str
    to_retire: bool
    events: tuple[Event, ...]
    keys: tuple[Key, ...]


def lines(rows: QuerySet[Contact], *, who: str, at: datetime) -> dict[int, list[Line]]:
    """The contacts of each host, the one that would be used first; then those that wait, then the rest."""
    by_host: dict[int, list[Contact]] = {}
    for row in rows.prefetch_related("sources", "events", "keys").order_by("pk"):
        by_host.setdefault(row.host_id, []).append(row)
    return {host: _of_host(group, who=who, at=at) for host, group in by_host.items()}


def _of_host(group: list[Contact], *, who: str, at: datetime) -> list[Line]:
    order = [one.key for one in rule.ranked(row.known() for row in group)]
    best = order[0] if order else None
    place = {key: number for number, key in enumerate(order)}

    def sort(row: Contact) -> tuple[int, int]:
        waits = len(order) + (0 if row.usable and row.retired_at is None else 1)
        return place.get(row.pk, waits), row.pk

    return [_line(row, first=row.pk == best, who=who, at=at) for row in sorted(group, key=sort)]


def _line(row: Contact, *, first: bool, who: str, at: datetime) -> Line:
    known = row.known()
    state, family, icon = _state(known)
    living = row.usable and row.retired_at is None
    named = ", ".join(
        f"{rule.SOURCE_WORDS.get(one.source, one.source)} (last {one.last_at:%-d %b %Y})"
        for one in sorted(row.sources.all(), key=lambda one: one.pk)
    )
    own = who in (row.proposed_by, row.added_by)
    return Line(
        pk=row.pk,
        mail=row.mail,
        page=row.page,
        sources=named or rule.SOURCE_WORDS.get(row.source, row.source),
        state=state,
        family=family,
        icon=icon,
        why=rule.why(known),
        first=first,
        tried=_tried(row, at),
        to_propose=not row.proposed_by or not living,
        to_verify=living and bool(row.proposed_by) and row.verified_at is None,
        own=own,
        source=row.source,
        to_retire=row.retired_at is None,
        events=tuple(
            Event(times.when(one.at, at), ACTS.get(one.act, one.act), one.who, one.why)
            for one in sorted(row.events.all(), key=lambda one: (one.at, one.pk), reverse=True)
        ),
        keys=tuple(
            Key(
                one.pk,
                {"openpgp": "OpenPGP", "smime": "S/MIME"}.get(one.kind, one.kind),
                " ".join(one.fingerprint[n : n + 4] for n in range(0, len(one.fingerprint), 4)),
                f"in use, verified by {one.verified_by}"
                if one.verified_at
                else f"brought by {one.proposed_by}",
                one.verified_at is None and one.proposed_by != who,
            )
            for one in sorted(row.keys.all(), key=lambda one: one.pk)
            if one.retired_at is None
        ),
    )


def _state(known: rule.Known) -> tuple[str, str, str]:
    if known.retired:
        return "Retired", "idle", "eyeoff"
    if not known.usable:
        return "Demoted", "bad", "alert"
    if rule.may_be_used(known):
        return "Verified", "ok", "ok"
    return ("Needs a second person", "warn", "users") if known.proposed_by else ("Found", "warn", "clock")


def _tried(row: Contact, at: datetime) -> str:
    parts = []
    if row.first_success and row.last_success:
        parts.append(
            f"first success {times.when(row.first_success, at)}, last {times.when(row.last_success, at)}"
        )
    if row.last_failure:
        times_ = "once" if row.bounces == 1 else f"{row.bounces} times"
        parts.append(f"came back {times_}, last {times.when(row.last_failure, at)}")
    return "; ".join(parts) or "never tried"


def calls(rows: QuerySet[HostCall], *, at: datetime) -> list[tuple[str, str, str, str, str]]:
    """(when, who, outcome, about, words) of the last calls, newest first."""
    return [
        (
            times.when(row.at, at),
            row.who,
            HostCall.OUTCOMES.get(row.outcome, row.outcome),
            row.notice.number if row.notice else "",
            row.text,
        )
        for row in rows.select_related("notice").order_by("-at", "-pk")[:50]
    ]
