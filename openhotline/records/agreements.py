"""The agreements a house holds: its own rows, and the policy's for what was never loaded.

True here: a version that no second person agreed to, or that was withdrawn, counts for nothing. What is not here: how a
version comes to be (`steps/agreements.py`), and which one counts when (`rules/agreements.py`).
"""

from functools import lru_cache

from openhotline.policy import Policy
from openhotline.policy.reading import agreements as reading
from openhotline.records.models import AgreementVersion
from openhotline.rules.agreement import Agreement
from openhotline.rules.agreements import Agreements


def house_agreements(*, policy: Policy) -> Agreements:
    """Every version that counts or will. One query; a step asks once."""
    rows = AgreementVersion.objects.filter(agreed_at__isnull=False, withdrawn_at=None)
    own = [_read(text) for text in rows.order_by("pk").values_list("terms", flat=True)]
    if not own:
        return policy.agreements
    loaded = {one.key for one in own}
    rest = [one for one in policy.agreements.versions if one.key not in loaded]
    return Agreements.of([*own, *rest], default=policy.agreements.default, zone=policy.zone)


@lru_cache(maxsize=512)
def _read(text: str) -> Agreement:
    return reading.stored(text)
