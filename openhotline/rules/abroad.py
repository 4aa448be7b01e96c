"""What a partner abroad may say it has done, and what of it is believed.

True here: our own words; each partner's codes are turned into them by its adapter alone. A word of a partner never closes
anything: "removed" only makes us look at once (domain.md section 4, row 36). After a final action nothing of that partner
changes the removal any more, in whatever order its messages arrive. What is not here: wire codes (connectors) and the
records (`steps/report_back`).
"""

from dataclasses import dataclass
from datetime import datetime

from openhotline.rules.refusals import Refused

ACCEPTED, TOLD_POLICE, TOLD_HOST = "accepted", "told police", "told host"
REMOVED, UNAVAILABLE, MOVED, NOT_ILLEGAL = "removed", "unavailable", "moved", "not illegal there"
ACTIONS = (ACCEPTED, TOLD_POLICE, TOLD_HOST, REMOVED, UNAVAILABLE, MOVED, NOT_ILLEGAL)
FINAL = (REMOVED, UNAVAILABLE, NOT_ILLEGAL)  # nothing after them (formats.md, protocol rules)
NEEDS_REASON = (UNAVAILABLE, NOT_ILLEGAL)
HOPS_TO_ALARM = 3  # row 38: moved so often that a person looks at it

# Why, in our words. The keys are stored.
REASONS = {
    "not found": "The content was not found.",
    "referrer": "The way in (referrer) is not known or not right.",
    "no access": "It could not be reached.",
    "password": "It is behind a password.",
    "account disabled": "The account was disabled.",
    "no legal access": "The law there does not allow it to be reached.",
    "link expired": "The link has expired.",
    "404": "The site answers that there is nothing, or is down.",
    "503": "The site is unavailable for now.",
    "premium": "It needs a paid account.",
    "parts missing": "Parts needed to open the file are missing.",
    "removed before": "It was gone before it was assessed.",
    "adult": "Those shown are adults.",
    "not sexual": "It is not sexual.",
    "below threshold": "It is below what is illegal there.",
    "too small": "The images are too small to assess.",
    "virtual": "It is virtual material, which is not illegal there.",
    "linking": "Linking is not illegal there.",
    "age unclear": "The age cannot be told.",
    "over age": "The age is above the limit there.",
    "other": "Another reason.",
}


@dataclass(frozen=True, slots=True)
class PartnerAction:
    """One thing a partner says it did about one address of a referral.

    `their_id`: the partner's own identity of this message; the same one twice is one. `done_at`: when they did it, by
    their clock. `country`: ISO 3166-1 alpha-2, of a move.
    """

    action: str
    their_id: str
    done_at: datetime
    reason: str = ""
    text: str = ""
    country: str = ""


EARLIEST = 1990  # the year before which nothing of this can have been done; no database keeps every older one


def refuse_unless_sound(said: PartnerAction, *, at: datetime) -> None:
    """Raise Refused with a sentence for an action nobody could act on. A date in the past is taken as it is, from EARLIEST on."""
    if said.action not in ACTIONS:
        raise Refused(
            f"“{said.action[:40]}” is no action. Choose one of {', '.join(ACTIONS)}.", code="action"
        )
    if said.action in NEEDS_REASON and said.reason not in REASONS:
        raise Refused(f"Say why: one of {', '.join(REASONS)}.", code="reason")
    if said.reason and said.reason not in REASONS:
        raise Refused(
            f"“{said.reason[:40]}” is no reason. Choose one of {', '.join(REASONS)}.", code="reason"
        )
    if said.action == MOVED and not (
        len(said.country) == 2 and said.country.isascii() and said.country.isalpha()
    ):
        raise Refused("Say to which country it moved, by its two letters.", code="country")
    if said.done_at.tzinfo is None:
        raise Refused("Give the time with its zone, for example 2026-05-12T14:00:00Z.", code="time")
    if said.done_at.year < EARLIEST:
        raise Refused("That time is of another age. Send the time at which you did it.", code="time")
    if (said.done_at - at).total_seconds() > 300:
        raise Refused("That time has not come yet. Send an action when it has happened.", code="time")


def counts(said: PartnerAction, before: list[str]) -> bool:
    """Whether an action may still change anything, after the actions `before` of the same partner and address.

    Their order of arrival does not matter: after a final action nothing counts but a move, which is our own trace's
    business to confirm.
    """
    return said.action == MOVED or not any(action in FINAL for action in before)
