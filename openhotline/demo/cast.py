"""The people of a demo house: roles, never names. Passwords are made anew for each house and shown, not kept."""

import secrets
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.hashers import make_password

from openhotline import policy as policies
from openhotline.jobs import house
from openhotline.jobs.house import Person
from openhotline.records.models import House, User
from openhotline.rules import notice, words
from openhotline.steps import units
from openhotline.world import places

PEOPLE = (
    Person("owner", words.OWNER, "owner"),
    Person("analyst", words.ANALYST, "A07"),
    Person("second", words.ANALYST, "A12"),
    Person("lead", words.LEAD, "L01"),
    Person("liaison", words.LIAISON, "P01"),
    Person("manager", words.MANAGER, "M01"),
    Person("officer", words.OFFICER, "NU-2", unit="NU"),
    Person("officer-east", words.OFFICER, "EU-1", unit="EU"),
    Person("officer-special", words.OFFICER, "AU-1", unit="AU"),
    Person("partner", words.PARTNER, "NL-1", partner="hotline-nl"),
    Person("partner-de", words.PARTNER, "DE-1", partner="hotline-de"),
    Person("host", words.HOST, "QD-1", host="AS64501:quay data"),
    Person("host-north", words.HOST, "NR-1", host="AS64500:north rack"),
)
# Hosts whose contact a second person verified long ago; the others are met for the first time.
KNOWN_HOSTS = (
    places.NORTH_RACK,
    places.QUAY_DATA,
    places.SLOW_HOSTING,
    places.MUTE_HOSTING,
    places.BULK_RACK,
    places.OLD_MILL,
)


@dataclass(frozen=True, slots=True)
class SignIns:
    """What a person needs to sign in to this demo house. One second-factor secret serves all its people."""

    password: str
    totp_secret: str
    people: tuple[Person, ...] = PEOPLE


def move_in(at: datetime) -> SignIns:
    """Make the people, hosts and contacts of a demo house, once."""
    from allauth.mfa.totp.internal.auth import generate_totp_secret

    for network in KNOWN_HOSTS:
        house.register_contact(
            f"AS{network.asn}:{network.operator.casefold()}",
            name=network.operator,
            asn=network.asn,
            country=network.country,
            mail=network.abuse[0],
            at=at,
            form=notice.REPORT,  # their programs read XARF out of the mail, as they asked
        )
    password = "-".join(secrets.token_hex(3) for _ in range(3))
    secret = generate_totp_secret()
    encoded = make_password(password)
    for person in PEOPLE:
        house.make_person(person, password=password, demo=True, totp_secret=secret, encoded=encoded)
    _units_reached(at)
    return SignIns(password, secret)


def _units_reached(at: datetime) -> None:
    """The liaison wrote down how the units are reached, and the lead agreed."""
    liaison, lead = (staff()[name].actor() for name in ("liaison", "lead"))
    policy = policies.load(House.objects.get().country)
    for key, (mail, phone) in places.UNITS.items():
        values = {"mail": mail, "phone": phone}
        made = units.propose_unit(key, values, why="The unit's own word.", policy=policy, by=liaison, at=at)
        units.confirm(made, by=lead, at=at)


def staff() -> dict[str, User]:
    """The people of this house by user name."""
    return {user.username: user for user in User.objects.filter(demo=True)}
