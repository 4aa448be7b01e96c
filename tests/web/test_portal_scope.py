"""Nobody at the portal finds anything of anybody else: not in a list, not by typing a number, not by pressing."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from openhotline.policy import load as load_policy
from openhotline.policy.reading.agreements import text_of
from openhotline.records.models import (
    AgreementVersion,
    Answer,
    DigestKey,
    HostAnswer,
    NoticeMessage,
    Package,
    Referral,
    Removal,
    User,
)
from openhotline.settings import load
from openhotline.web.scoped import Scoped
from tests.journeys.cast import Day, hours
from tests.web.portal_cast import Portal, Side, open_portal, set_clock, two_of_everything, unlock

pytestmark = [pytest.mark.django_db, pytest.mark.urls("openhotline.web.portal.urls")]

# What a route's argument is filled with, from the side it belongs to.
ARGUMENTS = {
    "question": lambda side: [side.consultation.number],
    "answer": lambda side: [side.consultation.number],
    "undo-answer": lambda side: [
        side.consultation.number,
        Answer.objects.filter(consultation__unit=side.consultation.unit).latest("pk").pk,
    ],
    "police-request": lambda side: [side.request],
    "police-request-outcome": lambda side: [side.request],
    "agreement-reply": lambda side: [version_of(side)],
    "acknowledge": lambda side: [side.alarm],
    "account-notice": lambda side: [side.notice.number],
    "account-notice-xarf": lambda side: [side.notice.number],
    "account-notice-text": lambda side: [side.notice.number],
    "referral": lambda side: [side.referral.number],
    "referral-act": lambda side: [side.referral.number],
    "package": lambda side: [package_of(side)],
    "package-acknowledge": lambda side: [package_of(side)],
    "package-form": lambda side: [package_of(side), "package.txt"],
}
LISTS = (
    "start",
    "lists",
    "holds",
    "alarms",
    "single-keys",
    "police-requests",
    "police-ask",
    "digests",
    "digests-hand-in",
    "agreement",
    "packages",
    "file",
    "file-template",
    "file-take",
)
# Reached by a secret in the address, by a token, or the same for everybody; see the tests of each.
NOT_HERE = (
    "notice",
    "notice-receipt",
    "notice-xarf",
    "notice-text",
    "verify",
    "open",
    "appeal",
    "program-",
    "filter-list-",
    "livez",
    "readyz",
    "api-",
    "account_",
    "mfa_",
)


def package_of(side: Side) -> str:
    """Number of a package that has left for the side's own unit."""
    unit, at = side.consultation.unit, side.consultation.asked_at
    number = f"R-26-{9000 + unit.pk}-A"
    row, _ = Referral.objects.get_or_create(
        number=number,
        defaults={"country": "XA", "via": "police", "unit": unit, "drafted_at": at, "sent_at": at},
    )
    Package.objects.get_or_create(referral=row, defaults={"made_at": at, "sealed": b"sealed"})
    return number


def version_of(side: Side) -> int:
    """A version to come of the agreement the side's own unit is under, with a word of its own in it."""
    key, at = side.consultation.unit.agreement, side.consultation.asked_at
    (one,) = load_policy("gb").agreements.history(key)
    wanted = replace(one, version=f"{key}/2030.1", valid_from=date(2030, 1, 1), note=f"Of {side.secrets[0]}.")
    row, _ = AgreementVersion.objects.get_or_create(
        version=wanted.version,
        defaults={
            "key": key,
            "valid_from": wanted.valid_from,
            "terms": text_of(wanted),
            "proposed_at": at,
            "proposed_by": User.objects.get(pseudonym="L01"),
        },
    )
    return row.pk


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    with pytest.MonkeyPatch.context() as patch:
        unlock()
        day = Day()
        open_portal(patch, tmp_path, day)
        made = two_of_everything(day)
        set_clock(day)
        yield made
    load.cache_clear()


def routes(patterns: list[URLPattern | URLResolver] | None = None) -> list[URLPattern]:
    found: list[URLPattern] = []
    for entry in get_resolver().url_patterns if patterns is None else patterns:
        found += routes(entry.url_patterns) if isinstance(entry, URLResolver) else [entry]
    return found


def desks(side: Side) -> dict[str, Client]:
    return {"officer": side.officer, "host": side.host_desk, "partner": side.partner_desk}


def test_every_route_is_walked_as_each_and_shows_nothing_of_the_other(portal: Portal) -> None:
    walked = 0
    for mine, other in portal.sides:
        for role, client in desks(mine).items():
            for route in routes():
                name = route.name or ""
                if name.startswith(NOT_HERE):
                    continue
                assert name in ARGUMENTS or name in LISTS, f"Say what {name!r} is filled with in this test."
                url = reverse(name, args=ARGUMENTS[name](other) if name in ARGUMENTS else [])
                for method in (client.get, client.post):
                    response = method(url, {"d": "go", "all": "removed", "q": "example"})
                    walked += 1
                    if name in ARGUMENTS:
                        assert response.status_code in (404, 405), f"{role} found {url}"
                    if response.status_code == 200:
                        text = response.content.decode()
                        seen = [secret for secret in other.secrets if secret in text]
                        assert not seen, f"{role} saw {seen} at {url}"
    assert walked >= 2 * 3 * 10 * 2
    assert not Answer.objects.filter(
        consultation__in=[portal.north.consultation, portal.east.consultation]
    ).exists()
    assert not HostAnswer.objects.exists()


def test_not_yours_and_not_there_look_alike(portal: Portal) -> None:
    for mine, other in portal.sides:
        for client, name, theirs, none in (
            (mine.officer, "question", other.consultation.number, "P-26-9999-X"),
            (mine.host_desk, "account-notice", other.notice.number, "N-26-9999-X"),
            (mine.partner_desk, "referral", other.referral.number, "R-26-9999-X"),
        ):
            yours, nothing = client.get(reverse(name, args=[theirs])), client.get(reverse(name, args=[none]))
            assert (yours.status_code, yours.content) == (404, nothing.content)
            assert nothing.status_code == 404


def test_each_finds_its_own(portal: Portal) -> None:
    for mine, _ in portal.sides:
        assert mine.consultation.number in mine.officer.get("/").content.decode()
        assert mine.notice.number in mine.host_desk.get("/").content.decode()
        assert mine.referral.number in mine.partner_desk.get("/").content.decode()
        assert mine.officer.get(reverse("question", args=[mine.consultation.number])).status_code == 200
        assert mine.host_desk.get(reverse("account-notice", args=[mine.notice.number])).status_code == 200
        assert mine.partner_desk.get(reverse("referral", args=[mine.referral.number])).status_code == 200


def test_a_role_finds_nothing_on_the_pages_of_another_role(portal: Portal) -> None:
    side = portal.north
    assert side.host_desk.get(reverse("question", args=[side.consultation.number])).status_code == 404
    assert side.host_desk.get(reverse("alarms")).status_code == 404
    assert side.partner_desk.get(reverse("holds")).status_code == 404
    assert side.officer.get(reverse("account-notice", args=[side.notice.number])).status_code == 404
    assert side.officer.get(reverse("referral", args=[side.referral.number])).status_code == 404


def test_every_queryset_of_one_side_is_disjoint_from_the_other(portal: Portal) -> None:
    from openhotline.records.models import User

    people = [
        User.objects.get(pk=int(side.officer.session["_auth_user_id"]))
        for side in (portal.north, portal.east)
    ]
    people += [
        User.objects.get(pk=int(side.host_desk.session["_auth_user_id"]))
        for side in (portal.north, portal.east)
    ]
    people += [
        User.objects.get(pk=int(side.partner_desk.session["_auth_user_id"]))
        for side in (portal.north, portal.east)
    ]
    shared = {"units"}  # the register of units, for passing a question on
    for side, other in portal.sides:
        held_and_said(portal.day, side, elsewhere=other)
    methods = [
        name
        for name in dir(Scoped)
        if not name.startswith("_") and callable(getattr(Scoped, name)) and name not in shared
    ]
    assert len(methods) >= 20
    some, filled = 0, set()
    for first, second in (people[0:2], people[2:4], people[4:6]):
        for name in methods:
            one = set(getattr(Scoped(first), name)().values_list("pk", flat=True))
            two = set(getattr(Scoped(second), name)().values_list("pk", flat=True))
            assert not one & two, f"{first.role}s share {name}"
            some += bool(one) + bool(two)
            filled |= {(first.role, name)} if one and two else set()
    assert some >= 40
    # What would harm most if it crossed was there on both sides to be mixed up.
    for role, names in {
        "officer": (
            "consultations",
            "answers",
            "holds",
            "alarms",
            "police_requests",
            "digest_keys",
            "packages",
        ),
        "host": (
            "notices",
            "notice_lines",
            "removals",
            "traces",
            "host_answers",
            "notice_messages",
            "contacts",
        ),
        "partner": ("referrals", "removals", "traces"),
    }.items():
        assert {(role, name) for name in names} <= filled, filled
    for side, other in portal.sides:
        host = User.objects.get(pk=int(side.host_desk.session["_auth_user_id"]))
        assert not Scoped(host).traces().filter(host=other.host).exists(), (
            "a later trace leads to another host"
        )


DESK_ALONE = (
    "silence_proposals", "digest_matches", "secure_pages", "letters", "appeals", "mails", "proposed_answers",
    "unit_keys", "contact_keys", "deliveries", "rungs", "breaches", "host_programs", "registrations", "host_alerts",
    "domain_alerts", "domain_waits", "host_calls", "route_rules", "unit_changes", "partner_messages", "differences",
    "list_agreements", "list_licences", "list_entries", "list_issues",
)  # fmt: skip


def test_what_is_the_desks_alone_is_empty_to_everybody_else_whatever_there_is(portal: Portal) -> None:
    """Above all what a unit's digests matched: it is rung, and never told."""
    for client in desks(portal.north).values():
        person = User.objects.get(pk=int(client.session["_auth_user_id"]))
        for name in DESK_ALONE:
            assert getattr(Scoped(person), name)().query.is_empty(), f"{person.role} may ask for {name}"


def held_and_said(day: Day, side: Side, *, elsewhere: Side) -> None:
    """A hold, a key of digests, a package, words on a notice, and a trace of what a host had that leads away from it."""
    day.answered(side.consultation, "hold", reason="covert work", review_at=day.now + hours(5))
    DigestKey.objects.create(
        unit=side.consultation.unit, sealed=b"sealed", handed_in_at=day.now, ends_at=day.now + hours(99)
    )
    package_of(side)
    line = side.notice.lines.select_related("removal").first()
    assert line is not None
    HostAnswer.objects.create(notice=side.notice, removal=line.removal, said="removed", at=day.now)
    NoticeMessage.objects.create(notice=side.notice, text="What is this?", at=day.now)
    newest = line.removal.traces.latest("at")
    newest.pk, newest.host, newest.at = None, elsewhere.host, day.now
    newest.save(force_insert=True)


def test_nobody_and_the_public_see_nothing() -> None:
    class Stranger:
        role, unit_id, host_id, partner_id = "public", None, None, None

    class Homeless:
        role, unit_id, host_id, partner_id = "officer", None, None, None

    for viewer in (None, Stranger(), Homeless()):
        for name in (n for n in dir(Scoped) if not n.startswith("_")):
            assert not getattr(Scoped(viewer), name)().exists(), f"{viewer} sees {name}"


def test_a_host_never_sees_a_draft(portal: Portal) -> None:
    from openhotline.records.models import User

    day, side = portal.day, portal.north
    from tests.web.portal_cast import asked

    consultation, removals = asked(day, "draft-alder", ("North Rack", 64500, "192.0.2.44", "GB"))
    day.answered(consultation, "go-ahead")
    assert Removal.objects.filter(pk=removals[0].pk, notice_lines__isnull=False).exists()
    host = User.objects.get(pk=int(side.host_desk.session["_auth_user_id"]))
    assert not Scoped(host).removals().filter(pk__in=[r.pk for r in removals]).exists()
    assert "draft-alder" not in side.host_desk.get("/").content.decode()


def test_sqlite_says_that_the_program_alone_keeps_them_apart(portal: Portal) -> None:
    page = portal.north.officer.get("/").content.decode()
    assert ("the program alone keeps organisations apart" in page) == (not load().postgres)
