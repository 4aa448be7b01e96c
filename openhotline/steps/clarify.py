"""A person reads what the machine could not: the address behind an incomplete report's words.

Or looks at what could be read only in part. What was sent stays as it came; the address that was read from it is one more line, in the reader's name. What is not
here: asking the reporter (the receipt's page says what is missing), and guessing.
"""

import json
from datetime import datetime

from django.db import transaction

from openhotline.ledger.record import Act, record
from openhotline.policy import Policy
from openhotline.records import vault
from openhotline.records.models import Report
from openhotline.rules import report_path, urls
from openhotline.rules.permits import require, require_act
from openhotline.rules.refusals import Refused
from openhotline.rules.words import Actor
from openhotline.steps import intake_again
from openhotline.steps.advance import advance

NOTHING_SEALED = "This report carries no words of the reporter."
MOST = 200  # addresses one report's words are read as


def clarify(report: Report, text: str, *, policy: Policy, by: Actor, at: datetime) -> list[str]:
    """Join the report to the items that `text` names, one address a line. Returns their references.

    Raises NotPermitted; Refused where a line cannot be read (then nothing is joined), or where somebody else has
    read the report meanwhile.
    """
    require(report_path.PATH, "clarify", by)
    lines = list(dict.fromkeys(line for line in map(str.strip, text.splitlines()) if line))
    if not lines:
        raise Refused("Paste the address that the report means, one a line.", code="address")
    if len(lines) > MOST:
        raise Refused(
            f"At most {MOST} addresses at once. Send the rest as a report of their own.", code="address"
        )
    given = list(urls.read_many(lines, keep_fragment_hosts=policy.keep_fragment_hosts))
    wrong = next((address for address in given if not address.ok), None)
    if wrong is not None:
        raise Refused(f"“{wrong.reported[:120]}”: {wrong.why}", code="address")
    with transaction.atomic():
        row = Report.objects.select_for_update().get(pk=report.pk)
        if row.status != report_path.INCOMPLETE:
            raise Refused(
                "Somebody has read this report already. Open the list again.", code="moved-meanwhile"
            )
        refs = intake_again.add_lines(row, given, policy=policy, by=by, at=at)
        advance([row], "clarify", "joined", by=by, at=at, changes={"why": ""})
        record(
            [
                Act(act="report.clarified", obj=("report", str(row.report_id), row.version), case=ref)
                for ref in refs
            ],
            by=by,
            at=at,
        )
    return refs


def open_sent(report: Report, *, by: Actor, at: datetime) -> str:
    """What was sent with a report, opened for a person: every read of it is an entry. Raises NotPermitted."""
    require_act("note.open", by)
    with transaction.atomic():
        _note(report, "report.note-opened", by=by, at=at)
    return words_of(report)


def looked(report: Report, *, by: Actor, at: datetime) -> None:
    """A person has looked at what of a report could not be read as given; it leaves the list.

    Raises NotPermitted; Refused where it is no such report: its form was left, or nothing could be read.
    """
    require_act("note.open", by)
    with transaction.atomic():
        row = Report.objects.select_for_update().get(pk=report.pk)
        if row.status == report_path.INCOMPLETE or row.complete or row.why == intake_again.LEFT_EARLY:
            raise Refused(
                "Somebody has looked at this already, or there is more to do. Open the list again.",
                code="moved-meanwhile",
            )
        row.complete = True
        row.save(update_fields=["complete"])
        _note(row, "report.looked-at", by=by, at=at)


def words_of(report: Report) -> str:
    """The reporter's own words, and what was kept as it came. Whoever calls has written that they were opened."""
    if not report.sealed:
        return NOTHING_SEALED
    told = json.loads(vault.open_("report", bytes(report.sealed)))
    return "\n\n".join(filter(None, (told.get("help_text"), told.get("raw")))) or NOTHING_SEALED


def _note(report: Report, act: str, *, by: Actor, at: datetime) -> None:
    record([Act(act=act, obj=("report", str(report.report_id), report.version))], by=by, at=at)
