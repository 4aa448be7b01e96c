"""Which agreement covers these removals: that of the question they were last in, not the house's default.

A unit may be under another agreement than its neighbour, and a notice's clocks follow the agreement under which
its removals were asked about or told. What is not here: what an agreement says (`rules/agreement.py`).
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from openhotline.policy import Policy
from openhotline.records import bulk
from openhotline.records.agreements import house_agreements
from openhotline.records.models import AnswerLine, ConsultationLine, Removal
from openhotline.rules import removal_path
from openhotline.rules.agreement import Agreement

TURN = 500  # cleared removals that one sweep looks at


def by_removal(removals: Sequence[Removal], *, policy: Policy, at: datetime) -> dict[int, Agreement]:
    """The agreement of each removal's newest question; where none was asked the one that holds at `at`."""
    under = {
        pk: (key, version)
        for pk, key, version in (
            ConsultationLine.objects.filter(removal__in=[removal.pk for removal in removals])
            .order_by("pk")
            .values_list("removal_id", "consultation__agreement", "consultation__agreement_version")
        )
    }
    agreements = house_agreements(policy=policy)
    default = agreements.standing(at)
    return {
        removal.pk: agreements.covering(*under[removal.pk]) if removal.pk in under else default
        for removal in removals
    }


def lapsed(turn: str, *, at: datetime) -> list[int]:
    """Of the next cleared removals those with a go-ahead whose time has passed; `turn` names where one stopped."""
    cleared = Removal.objects.filter(status=removal_path.CLEARED)
    return list(
        AnswerLine.objects.filter(
            removal__in=bulk.next_turn(turn, cleared, TURN), answer__valid_until__lte=at
        ).values_list("removal", flat=True)
    )


def run_out(removals: Sequence[Removal], *, at: datetime) -> set[int]:
    """Removals whose newest standing go-ahead was valid until a time that has passed."""
    newest = dict(
        AnswerLine.objects.filter(
            removal__in=[removal.pk for removal in removals], answer__clears=True, answer__undone_at=None
        )
        .order_by("pk")
        .values_list("removal_id", "answer__valid_until")
    )
    return {pk for pk, until in newest.items() if until is not None and until <= at}


def for_notice(removals: Sequence[Removal], *, policy: Policy, at: datetime) -> Agreement:
    """The one agreement a notice goes by: of those that cover its removals the one with the shortest target."""
    covering = by_removal(removals, policy=policy, at=at).values()
    return shortest(covering) or house_agreements(policy=policy).standing(at)


def shortest(covering: Iterable[Agreement]) -> Agreement | None:
    """Of several agreements the one with the shortest time for the host; None of none."""
    return min(covering, key=lambda one: (one.host_target, one.key), default=None)
