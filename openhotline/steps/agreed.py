"""Which agreement covers these removals: that of the question they were last in, not the house's default.

A unit may be under another agreement than its neighbour, and a notice's clocks follow the agreement under which
its removals were asked about or told. What is not here: what an agreement says (`rules/agreement.py`).
"""

from collections.abc import Sequence

from openhotline.policy import Policy
from openhotline.records.models import ConsultationLine, Removal
from openhotline.rules.agreement import Agreement


def by_removal(removals: Sequence[Removal], *, policy: Policy) -> dict[int, Agreement]:
    """The agreement of each removal's newest question; the default where none was asked."""
    keys = dict(
        ConsultationLine.objects.filter(removal__in=[removal.pk for removal in removals])
        .order_by("pk")
        .values_list("removal_id", "consultation__agreement")
    )
    default = policy.agreement_default
    return {
        removal.pk: policy.agreement(keys[removal.pk]) if removal.pk in keys else default
        for removal in removals
    }


def for_notice(removals: Sequence[Removal], *, policy: Policy) -> Agreement:
    """The one agreement a notice goes by: of those that cover its removals the one with the shortest target."""
    covering = by_removal(removals, policy=policy).values()
    return min(covering, key=lambda one: (one.host_target, one.key), default=policy.agreement_default)
