"""Who may: one question, one function. Whether a case is ready is another (the path, the guards).

The permits follow from the paths: a step names who may take it. Acts that move nothing (raise the
alarm, verify a contact ...) are listed here.
"""

from openhotline.rules.path import Path
from openhotline.rules.refusals import NotPermitted
from openhotline.rules.words import (
    ANALYST,
    CASE_ROLES,
    LEAD,
    LIAISON,
    MACHINE,
    MANAGER,
    OFFICER,
    OWNER,
    PARTNER,
    PUBLIC,
    Actor,
)

ACTS: dict[str, tuple[str, ...]] = {
    "alarm.raise": (*CASE_ROLES, OFFICER),
    "alarm.acknowledge": (*CASE_ROLES, OFFICER),
    "contact.add": (ANALYST, LEAD, LIAISON, MANAGER, MACHINE),
    "contact.verify": (ANALYST, LEAD, LIAISON, MANAGER),
    "contact.retire": (ANALYST, LEAD, LIAISON, MANAGER),
    "host.call": CASE_ROLES,
    "host.answer": CASE_ROLES,
    "appeal.review": (LEAD, MANAGER),
    "mail.settle": CASE_ROLES,
    "mail.confirm": (LIAISON, LEAD, MANAGER),
    "mail.came-back": (ANALYST, LEAD, LIAISON, MANAGER, MACHINE),
    "breach.settle": (MANAGER,),
    "item.way": (ANALYST, LEAD),
    "item.same": (ANALYST, LEAD),
    "note.open": (ANALYST, LEAD, LIAISON),
    "letter.decide": (LEAD, LIAISON, MANAGER),
    "difference.settle": (LEAD, LIAISON, MANAGER),
    "item.origin": (ANALYST, LEAD),
    "trace.again": (ANALYST, LEAD, MACHINE),
    "trace.open": (ANALYST, LEAD, LIAISON, MANAGER),
    "look.allow": (ANALYST, LEAD, MANAGER),
    "package.open": (OFFICER, LEAD, LIAISON, MANAGER),
    "package.acknowledge": (OFFICER,),
    "report.file": (PUBLIC, PARTNER, OFFICER, ANALYST, LEAD, LIAISON, MANAGER, MACHINE),
    "agreement.change": (LEAD, LIAISON, MANAGER),
    "agreement.reply": (OFFICER,),
    "unit.propose": (LEAD, LIAISON, MANAGER, OFFICER),
    "unit.reach": (OWNER,),
    "unit.confirm": (LEAD, LIAISON, MANAGER),
    "police.request": (LEAD, LIAISON, MANAGER),
    "deconfliction.upload": (OFFICER,),
    "deconfliction.contacted": (LEAD, LIAISON, MANAGER),
    "list.agree": (LEAD, LIAISON, MANAGER),
    "list.ask": (ANALYST, LEAD, LIAISON, MANAGER),
    "list.grant": (LEAD, MANAGER),
    "staff.change": (OWNER, MACHINE),
}

_NAMES = {
    "analyst": "an analyst",
    "lead": "the lead",
    "liaison": "the police liaison",
    "manager": "a manager",
    "officer": "an officer of the unit that was asked",
    "host": "the host that was noticed",
    "partner": "the partner hotline",
    "machine": "the machine, when its time comes",
    "owner": "the owner of the house",
    "public": "a reporter",
}


def _people(roles: tuple[str, ...] | frozenset[str]) -> str:
    names = [_NAMES[role] for role in _NAMES if role in roles]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def require(path: Path, verb: str, by: Actor) -> None:
    """Raise NotPermitted unless `by` may take `verb` on `path`."""
    roles = path.roles(verb)
    if by.role not in roles:
        raise NotPermitted(f"“{verb.replace('_', ' ')}” is for {_people(roles)}. Ask one of them to do it.")


def require_act(act: str, by: Actor) -> None:
    """Raise NotPermitted unless `by` may do `act`, one of ACTS."""
    roles = ACTS[act]
    if by.role not in roles:
        raise NotPermitted(f"This is for {_people(roles)}. Ask one of them to do it.")


def may_act(act: str, by: Actor) -> bool:
    """The same question for an act, one of ACTS."""
    return by.role in ACTS[act]


def may(path: Path, verb: str, by: Actor) -> bool:
    """The same question, for a page that only wants to know whether to draw a button."""
    return by.role in path.roles(verb)
