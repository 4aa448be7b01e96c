"""Letters in doubt: the other side is asked, and only then may one leave again (security.md 3c).

Three ways. A partner honours our key: asked by GET, and where it gives no answer the same key is sent again.
The spool knows our key as a file's name. A relay cannot be asked, but its log can be read: what stands there as
queued has arrived, and what does not is sent again only if the log can be believed. Everything else stays in
doubt, and the desk shows a person both risks. Not here: who claims and sends (`dispatch`).
"""

from collections.abc import Sequence
from datetime import datetime

from openhotline.connectors.relaylog.meaning import LogRead
from openhotline.jobs import dispatch
from openhotline.jobs.post import SMTP, Post
from openhotline.outbox import settling
from openhotline.outbox.models import SENT, Letter
from openhotline.policy import Policy
from openhotline.rules.letter_path import (
    PERSON,
    TAKEN,
    UNKNOWN,
    LogSaid,
    leased_until,
    next_of,
    read_log,
)
from openhotline.rules.refusals import Refused
from openhotline.rules.words import MACHINE_WORKER


def settle(post: Post, *, policy: Policy, at: datetime) -> int:
    """Ask about every letter in doubt that may be asked about now. Returns how many were settled."""
    letters = [
        letter
        for letter in settling.doubtful(("mail", "partner", "exchange", "hook"), at=at)
        if post.after_doubt(letter) != PERSON
    ]
    if not letters:
        return 0
    said = _asked(letters, post)
    settling.asked(letters, at=at)
    settled = 0
    for letter in letters:
        answer, reference = said[letter.pk]
        try:
            match next_of(post.after_doubt(letter), answer):
                case "sent":
                    dispatch.arrived(letter, reference, policy=policy, at=at)
                case "again":
                    settling.not_arrived(letter, why=f"asked: {answer}", by=MACHINE_WORKER, at=at)
                case "repeat":
                    dispatch.repeat(letter, post, policy=policy, at=at)
                case _:
                    continue
        except Refused:
            continue  # a person settled it meanwhile, or its address was forgotten
        settled += 1
    return settled


def _asked(letters: Sequence[Letter], post: Post) -> dict[int, tuple[str, str]]:
    """What the other side says about each: the answer and its reference. No transaction is open."""
    said: dict[int, tuple[str, str]] = {letter.pk: (UNKNOWN, "") for letter in letters}
    for letter in letters:
        if letter.way != SMTP:
            known = post.ask(letter)
            said[letter.pk] = (known.said, known.reference)
    by_log = [letter for letter in letters if letter.way == SMTP]
    log = post.read_log() if by_log else None
    if log is not None:
        ours = _settled_in(log)
        for letter in by_log:
            seen = log.taken.get(letter.key)
            said[letter.pk] = (TAKEN, seen.queue) if seen else (read_log(_believed(letter, ours)), "")
    return said


def _settled_in(log: LogRead) -> list[datetime]:
    """When our own letters that the log names were sent: by these it is known from when to when it was kept."""
    keys = list(log.taken)
    rows: list[datetime] = []
    for start in range(0, len(keys), 900):
        found = Letter.objects.filter(key__in=keys[start : start + 900], state=SENT, sent_at__isnull=False)
        rows += [moment for moment in found.values_list("sent_at", flat=True) if moment is not None]
    return rows


def _believed(letter: Letter, ours: Sequence[datetime]) -> LogSaid:
    """A log is believed where it names letters of ours from before this one's claim and after its lease."""
    claimed = letter.claimed_at
    if claimed is None:
        return LogSaid(False, False, False)
    return LogSaid(
        taken=False,
        reaches_back=any(moment <= claimed for moment in ours),
        goes_on=any(moment > leased_until(claimed) for moment in ours),
    )
