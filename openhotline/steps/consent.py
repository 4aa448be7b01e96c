"""How the police came to agree to a removal, read from the questions and answers. Judged in `rules/departure`.

True here: the newest question counts that was not taken back, and of the answers since then the newest whose scope
holds the removal and that stands; two named
people who settled a silence count like an answer. Nothing is written here.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from openhotline.policy import Policy
from openhotline.records.agreements import house_agreements
from openhotline.records.models import AnswerLine, ConsultationLine, SilenceProposal
from openhotline.rules import words
from openhotline.rules.agreement import DEEMED_CLEAR
from openhotline.rules.departure import Consent


def of(removals: Sequence[int], *, policy: Policy, at: datetime) -> dict[int, Consent]:
    """What is known of the consent to each removal (by id) at `at`."""
    found = dict.fromkeys(removals, Consent())
    agreements = house_agreements(policy=policy)
    asked: dict[int, int] = {}  # removal -> the newest question
    since: dict[int, datetime] = {}
    lines = ConsultationLine.objects.filter(removal__in=removals, consultation__withdrawn_at=None)
    for pk, question, asked_at, asks, key, version, due_at in lines.order_by(
        "consultation__asked_at", "consultation_id"
    ).values_list(
        "removal_id",
        "consultation_id",
        "consultation__asked_at",
        "consultation__asks",
        "consultation__agreement",
        "consultation__agreement_version",
        "consultation__due_at",
    ):
        asked[pk], since[pk] = question, asked_at
        deemed = asks and agreements.covering(key, version).silence == DEEMED_CLEAR
        found[pk] = Consent(asked=asks, silence=deemed and due_at <= at)
    answers = AnswerLine.objects.filter(removal__in=removals, answer__undone_at=None).exclude(
        answer__kind=words.PASS_ON
    )
    question_of = dict(since)
    for pk, question, answered_at, clears, until, valid_until in answers.order_by(
        "answer__at", "answer_id"
    ).values_list(
        "removal_id",
        "answer__consultation_id",
        "answer__at",
        "answer__clears",
        "answer__until",
        "answer__valid_until",
    ):
        if pk in asked and (answered_at, question == asked[pk]) < (question_of[pk], True):
            continue  # asked again since, because a go-ahead had run out, or passed on in that very moment
        since[pk] = max(since.get(pk, answered_at), answered_at)
        found[pk] = replace(
            found[pk],
            clears=clears,
            ended=not clears and until is not None and until <= at,
            silence=False,
            valid_until=valid_until,
        )
    settled = SilenceProposal.objects.filter(
        consultation__in=set(asked.values()), confirmed_by__isnull=False, settled_at__isnull=False
    ).order_by("settled_at")
    last = {proposal.consultation_id: proposal for proposal in settled}
    for pk, question_pk in asked.items():
        proposal = last.get(question_pk)
        if proposal is not None and proposal.settled_at is not None and proposal.settled_at >= since[pk]:
            found[pk] = replace(found[pk], silence=proposal.clear, valid_until=None)
    return found
