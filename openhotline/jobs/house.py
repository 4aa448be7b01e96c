"""Makes a house: data directory, keys, database, policy, people. And refuses to open one that is not safe.

A house says for ever how it was created. Demo accounts exist only in a house created as a demo, and a
production house refuses to start on one.
"""

import json
import os
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from django.contrib.auth.hashers import make_password
from django.core.management import call_command
from django.db import transaction

from openhotline import policy as policies
from openhotline.jobs import doctor_machine, doctor_records
from openhotline.jobs.findings import UNSAFE
from openhotline.ledger.record import Act, record
from openhotline.records import sealing
from openhotline.records.apps import hand_over_keys
from openhotline.records.models import (
    ApiToken,
    Contact,
    Host,
    House,
    OfficerToken,
    Partner,
    PolicyVersion,
    Unit,
    UnitChange,
    User,
)
from openhotline.records.models.referral import EXCHANGE, OWN
from openhotline.rules import notice, words
from openhotline.rules.refusals import Refused
from openhotline.rules.words import MACHINE_WORKER
from openhotline.settings import Settings
from openhotline.steps import agreements, units

# The base of a partner's API: a host, perhaps a port and a path.
_BASE = re.compile(r"https?://(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?(?:/[!-~]{0,1000})?")
Known = TypeVar("Known", Unit, Host, Partner)


@dataclass(frozen=True, slots=True)
class Person:
    """An account to make: who they are, and where they belong."""

    username: str
    role: str
    pseudonym: str
    unit: str = ""
    host: str = ""
    partner: str = ""


def make_places(settings: Settings) -> None:
    """Directories and keys, once. Existing keys are never touched. Raises PolicyFault, with nothing made, where the
    country has no policy."""
    policies.load(settings.country)
    os.umask(0o027)
    for place in (
        settings.data,
        settings.keys,
        settings.spool,
        settings.data / "run",
        settings.data / "static",
    ):
        place.mkdir(parents=True, exist_ok=True)
    # The prober, which may run as another user, has to reach its socket and nothing else.
    settings.data.chmod(0o755)
    (settings.data / "run").chmod(0o755)
    settings.keys.chmod(0o700)
    settings.spool.chmod(0o700)
    _secret(settings.keys / "site.key", secrets.token_bytes(32))
    _secret(settings.keys / "django.secret", secrets.token_urlsafe(48).encode())
    if not (settings.keys / "intake.pub").exists():
        sealing.create_intake_keys(settings.keys)
    sealing.create_matcher_keys(settings.keys)
    hand_over_keys()


def _secret(file: Path, value: bytes) -> None:
    if file.exists():
        return
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(handle, value)
        os.fsync(handle)
    finally:
        os.close(handle)


def migrate() -> None:
    """Bring the database to this release's form."""
    call_command("migrate", interactive=False, verbosity=0)


def settle(settings: Settings, *, at: datetime) -> House:
    """Write down what the house is, and load its policy into records. Safe to call at every start."""
    loaded = policies.load(settings.country)
    with transaction.atomic():
        house, _ = House.objects.get_or_create(
            id=1,
            defaults={
                "kind": settings.kind,
                "country": settings.country,
                "name": settings.hotline_name,
                "created_at": at,
            },
        )
        PolicyVersion.objects.get_or_create(
            digest=loaded.digest,
            defaults={"country": settings.country, "version": loaded.version, "loaded_at": at},
        )
        # The policy loads the first version of units and routing; after that two people change them
        # (`steps/units.py`), and how a unit is reached, too.
        for unit in loaded.units:
            Unit.objects.get_or_create(
                key=unit.key,
                defaults={
                    "name": unit.name,
                    "level": unit.level,
                    "agreement": unit.agreement,
                    "areas": "\n".join(unit.areas),
                },
            )
        units.load_first(policy=loaded)
        agreements.load_first(policy=loaded, at=at)
        for partner in loaded.partners:
            Partner.objects.get_or_create(
                key=partner.key,
                defaults={"name": partner.name, "kind": "hotline", "country": partner.country},
            )
    return house


def refuse_unsafe(settings: Settings) -> None:
    """Raise Refused where this house may not be opened as `settings` say: another kind than it is, or what the doctor
    calls unsafe of its keys, spool, database and ledger. What else it calls so (a full disk, say) keeps nobody from reading."""
    house = House.objects.filter(pk=1).first()
    if settings.kind == "production":
        if house is not None and house.kind != "production":
            raise Refused(
                "This house was created as a demo and stays one. Make a new one: choose another OPENHOTLINE_DATA_DIR.",
                code="demo-house",
            )
        if User.objects.filter(demo=True).exists():
            raise Refused(
                "This house holds demo accounts; it cannot be opened as a real one.", code="demo-accounts"
            )
        if not User.objects.filter(role=words.OWNER, is_active=True).exists():
            raise Refused("This house has no owner yet. Run: openhotline owner create", code="no-owner")
    elif house is not None and house.kind == "production":
        raise Refused("This is a real house; it is never opened as a demo.", code="real-house")
    for look in (
        doctor_machine.keys_kept,
        doctor_machine.spool_kept,
        doctor_records.durable,
        doctor_records.ledger_guarded,
    ):
        found = look(settings)
        if found.level == UNSAFE:
            raise Refused(f"{found.sentence} {found.remedy}", code="unsafe")


def propose_reach(settings: Settings, key: str, *, mail: str, phone: str, at: datetime) -> UnitChange:
    """Who set the house up says how a police unit is reached; somebody at the desk has to agree.

    Raises Refused where the house has no owner, for a unit there is not, and for what is no mail address or too long.
    """
    owner = User.objects.filter(role=words.OWNER, is_active=True).order_by("pk").first()
    if owner is None:
        raise Refused("This house has no owner yet. Run: openhotline owner create", code="no-owner")
    return units.propose_reach(
        key,
        mail=mail,
        phone=phone,
        why="How the unit is reached, written down where the house stands.",
        policy=policies.load(settings.country),
        by=owner.actor(auth="command"),
        at=at,
    )


def reach_partner(
    settings: Settings, key: str, *, url: str, token: str, user: str = "", certificate: str = ""
) -> Partner:
    """Write down where a partner hotline's API is, and our token for it; with `user`, our name and password at the
    exchange. Raises Refused for an unknown partner, and for a certificate that is not there."""
    partner = Partner.objects.filter(key=key, kind="hotline").first()
    if partner is None:
        raise Refused(f"The policy names no partner hotline “{key}”.", code="partner")
    if not _BASE.fullmatch(url):
        raise Refused("Give the base of its API, starting with https://.", code="url")
    if not token.strip():
        raise Refused("Give the token or password that the partner made for us.", code="token")
    if certificate and not user:
        raise Refused("Give our name at the exchange too, with --user.", code="user")
    if certificate and not Path(certificate).is_file():
        raise Refused(
            f"There is no file {certificate}. Give the PEM with certificate and key.", code="certificate"
        )
    partner.url, partner.protocol = url.rstrip("/"), EXCHANGE if user else OWN
    partner.save(update_fields=["url", "protocol"])
    file = settings.keys / "partners.json"
    tokens = json.loads(file.read_text()) if file.exists() else {}
    tokens[key] = {"user": user, "password": token, "certificate": certificate} if user else token
    temporary = file.with_suffix(".new")
    temporary.touch(mode=0o600)
    temporary.write_text(json.dumps(tokens))
    temporary.replace(file)
    return partner


def make_person(
    person: Person, *, password: str, demo: bool, totp_secret: str = "", encoded: str = ""
) -> User:
    """Make an account with a second factor. Returns it; the TOTP secret is base32, made here if not given.

    `encoded` is the password's hash where it has been computed already (the people of a demo share one).
    Raises Refused for a unit, host or partner that is not known, ValidationError for a name that is empty, too long
    or taken.
    """
    from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret

    lacking = {words.OFFICER: "unit", words.HOST: "host", words.PARTNER: "partner"}.get(person.role)
    if lacking and not getattr(person, lacking):
        raise Refused(f"Say where they belong: --{lacking} KEY.", code=lacking)
    user = User(
        username=person.username,
        password=encoded or make_password(password),
        role=person.role,
        pseudonym=person.pseudonym,
        demo=demo,
        unit=_belongs(Unit, person.unit),
        host=_belongs(Host, person.host),
        partner=_belongs(Partner, person.partner),
    )
    user.full_clean(exclude={"password"})
    user.save(force_insert=True)
    _enter(
        "staff.made",
        ("user", str(user.pk), 1),
        {"role": person.role, "pseudonym": person.pseudonym},
        at=user.date_joined,
    )
    TOTP.activate(user, totp_secret or generate_totp_secret())
    return user


def _belongs(kind: type[Known], key: str) -> Known | None:
    """The unit, host or partner of that key; None where none was named."""
    if not key:
        return None
    found = kind._default_manager.filter(key=key).first()
    if found is None:
        name = kind._meta.verbose_name
        known = ", ".join(kind._default_manager.order_by("key").values_list("key", flat=True)[:20]) or "none"
        raise Refused(f"There is no {name} “{key[:40]}”. Known: {known}.", code=str(name))
    return found


def make_token(partner: Partner, *, at: datetime) -> str:
    """A new API token of a partner. Shown once; only its digest is kept."""
    import hashlib

    token = secrets.token_urlsafe(32)
    made = ApiToken.objects.create(
        partner=partner, digest=hashlib.sha256(token.encode()).hexdigest(), created_at=at
    )
    _enter("token.made", ("token", str(made.pk), 1), {"partner": partner.key}, at=at)
    return token


def _officer(username: str) -> User:
    user = User.objects.filter(username=username, role=words.OFFICER, is_active=True).first()
    if user is None:
        raise Refused(f"There is no officer “{username}”. Add one: openhotline staff add", code="officer")
    return user


def make_officer_token(username: str, *, at: datetime) -> str:
    """A token of a unit's program that answers in this officer's name. Shown once; only its digest is kept."""
    import hashlib

    user = _officer(username)
    token = secrets.token_urlsafe(32)
    made = OfficerToken.objects.create(
        user=user, digest=hashlib.sha256(token.encode()).hexdigest(), created_at=at
    )
    _enter("token.made", ("token", f"officer-{made.pk}", 1), {"officer": user.pseudonym}, at=at)
    return token


def revoke_officer_tokens(username: str, *, at: datetime) -> int:
    """Revoke every token of an officer. Returns how many."""
    user = _officer(username)
    live = list(OfficerToken.objects.filter(user=user, revoked_at=None))
    OfficerToken.objects.filter(pk__in=[row.pk for row in live]).update(revoked_at=at)
    for row in live:
        _enter("token.revoked", ("token", f"officer-{row.pk}", 2), {"officer": user.pseudonym}, at=at)
    return len(live)


def register_contact(
    host_key: str, *, name: str, asn: int, country: str, mail: str, at: datetime, form: str = notice.SAFE
) -> Contact:
    """Put a host, its verified contact and the form it wants its letters in into the operator's own register."""
    host, _ = Host.objects.get_or_create(
        key=host_key,
        defaults={"name": name, "asn": asn, "country": country, "first_seen": at, "letter_form": form},
    )
    contact, _ = Contact.objects.get_or_create(
        host=host,
        mail=mail,
        defaults={
            "source": "register",
            "added_at": at,
            "added_by": "register",
            "proposed_by": "register",
            "verified_at": at,
            "verified_by": "owner",
        },
    )
    return contact


def _enter(act: str, obj: tuple[str, str, int], payload: dict[str, object], *, at: datetime) -> None:
    """Who may come in, and how others are reached: every change is an entry."""
    with transaction.atomic():
        record([Act(act=act, obj=obj, payload=payload)], by=MACHINE_WORKER, at=at)
