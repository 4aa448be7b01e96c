"""The question to a police unit about many removals, and the named reply for each."""

from django.db import models

from openhotline.rules import words


class Unit(models.Model):
    """A police unit: national, regional, local or special."""

    key = models.CharField(max_length=24, unique=True)
    name = models.TextField()
    level = models.CharField(max_length=12)  # national, regional, local, special
    mail = models.EmailField(default="")  # the house's own knowledge, not the policy's
    phone = models.CharField(max_length=40, default="")
    agreement = models.CharField(max_length=40)  # key of the agreement that covers it
    areas = models.TextField(
        default=""
    )  # the places it covers (rules/routing.areas_of); a line of the table names them
    hours = models.TextField(
        default=""
    )  # when its desk is staffed (rules/calendars.staffed); clocks run all the same
    duty_mail = models.EmailField(default="")  # the duty desk, written to when the answer's time is over
    deputy = models.ForeignKey(
        "self", null=True, on_delete=models.PROTECT, related_name="+"
    )  # told at escalation

    def __str__(self) -> str:
        return self.name


class RouteRule(models.Model):
    """One line of the table of units, read by position: the first that fits decides. Empty lists mean "any"."""

    position = models.PositiveIntegerField(unique=True)
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="rules")
    classes = models.JSONField(default=list)
    asns = models.JSONField(default=list)
    operators = models.JSONField(default=list)
    areas = models.JSONField(default=list)
    why = models.TextField()


class UnitChange(models.Model):
    """A change of a unit, of the table of units or of a host's place, proposed by one person and confirmed by another."""

    kind = models.CharField(max_length=8, choices=[(k, k) for k in ("unit", "rules", "place")])
    unit = models.ForeignKey(Unit, null=True, on_delete=models.PROTECT, related_name="changes")
    host = models.ForeignKey("records.Host", null=True, on_delete=models.PROTECT, related_name="+")
    key = models.CharField(max_length=24, default="")  # of a unit that is new
    before = models.JSONField()
    after = models.JSONField()
    why = models.TextField()
    proposed_by = models.ForeignKey("records.User", on_delete=models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    confirmed_by = models.ForeignKey("records.User", null=True, on_delete=models.PROTECT, related_name="+")
    withdrawn_by = models.ForeignKey("records.User", null=True, on_delete=models.PROTECT, related_name="+")
    settled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(confirmed_by=None) | ~models.Q(confirmed_by=models.F("proposed_by")),
                name="unit_change_confirmed_by_another",
            )
        ]


class Consultation(models.Model):
    """One question, one unit, one host, many removals, under one agreement version."""

    number = models.CharField(max_length=16, unique=True)  # P-26-0095-H
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="consultations")
    host = models.ForeignKey("records.Host", null=True, on_delete=models.PROTECT)
    agreement = models.CharField(max_length=40)
    agreement_version = models.CharField(max_length=40)
    asks = models.BooleanField(default=True)  # False: the unit is told, not asked
    told_at = models.DateTimeField(
        null=True
    )  # when the unit first heard of it; until then its desk shows nothing
    asked_at = models.DateTimeField()
    asked_by = models.CharField(max_length=24)
    due_at = models.DateTimeField()  # answer due; never edited
    rung_at = models.DateTimeField(null=True)  # the duty desk was rung
    escalated_at = models.DateTimeField(null=True)
    managers_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)  # every line has an answer
    again = models.BooleanField(default=False)
    withdrawn_at = models.DateTimeField(null=True)  # the unit that passed it on took that back in its minute
    passed_from = models.ForeignKey("self", null=True, on_delete=models.PROTECT)

    class Meta:
        indexes = [
            models.Index(
                fields=["due_at"], condition=models.Q(answered_at=None), name="consultation_unanswered"
            ),
        ]


class SilenceProposal(models.Model):
    """What one person proposes to do about a silent unit; a second person confirms it."""

    consultation = models.ForeignKey(Consultation, on_delete=models.PROTECT, related_name="silence_proposals")
    clear = models.BooleanField()  # False: hold
    why = models.TextField()
    proposed_by = models.ForeignKey("records.User", on_delete=models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    confirmed_by = models.ForeignKey("records.User", null=True, on_delete=models.PROTECT, related_name="+")
    withdrawn_by = models.ForeignKey("records.User", null=True, on_delete=models.PROTECT, related_name="+")
    settled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["consultation"], condition=models.Q(settled_at=None), name="one_open_silence_proposal"
            ),
            models.CheckConstraint(
                condition=models.Q(confirmed_by=None) | ~models.Q(confirmed_by=models.F("proposed_by")),
                name="silence_confirmed_by_another",
            ),
        ]


class ConsultationLine(models.Model):
    """One removal in a question."""

    consultation = models.ForeignKey(Consultation, on_delete=models.PROTECT, related_name="lines")
    removal = models.ForeignKey(
        "records.Removal", on_delete=models.PROTECT, related_name="consultation_lines"
    )
    answered = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["consultation", "removal"], name="one_line_per_removal"),
        ]


class Answer(models.Model):
    """A named officer's reply. Later answers never rewrite earlier ones."""

    consultation = models.ForeignKey(Consultation, on_delete=models.PROTECT, related_name="answers")
    kind = models.CharField(max_length=20, choices=[(a, a) for a in words.ANSWERS])
    by = models.ForeignKey("records.User", on_delete=models.PROTECT, related_name="+")
    reference = models.TextField(default="")  # the unit's own reference
    at = models.DateTimeField()
    until = models.DateTimeField(null=True)
    review_at = models.DateTimeField(null=True)
    valid_until = models.DateTimeField(null=True)  # a go-ahead not used by then is asked for again
    reason = models.CharField(max_length=40, default="")
    conditions = models.JSONField(default=list)
    clears = models.BooleanField()
    note = models.TextField(default="")
    undone_at = models.DateTimeField(null=True)  # taken back within the minute; the row stays as it was given
    undone_by = models.ForeignKey("records.User", null=True, on_delete=models.PROTECT, related_name="+")


class OfficerToken(models.Model):
    """A program of a unit that answers in the name of one officer; only the token's digest is kept."""

    user = models.ForeignKey("records.User", on_delete=models.PROTECT, related_name="tokens")
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)


class AnswerLine(models.Model):
    """One removal an answer covers: its scope."""

    answer = models.ForeignKey(Answer, on_delete=models.PROTECT, related_name="lines")
    removal = models.ForeignKey("records.Removal", on_delete=models.PROTECT, related_name="answer_lines")
    # How it stood before this answer: what an undo goes back to.
    was = models.CharField(max_length=20, default="")
    was_clock = models.CharField(max_length=24, default="")
    was_due = models.DateTimeField(null=True)
    was_answered = models.BooleanField(default=False)
    ended = models.ForeignKey("records.Hold", null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["answer", "removal"], name="one_scope_line")]
