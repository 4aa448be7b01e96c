"""Ledger entries of one case as its page shows them: number, time, who, what, seal. Never a payload.

True here: who of the police answered is for those who may know of holds; to others it is "police", and
their act is "answered" whatever it was. What is not here: whether the ledger is whole (`ledger/verify`).
"""

from dataclasses import dataclass

from openhotline.ledger.verify import entries_of

# Acts that would tell a hold from a go-ahead, or who in the police did it.
_POLICE = (
    "removal.answer",
    "removal.answered",
    "removal.held",
    "removal.release",
    "removal.released",
    "removal.settle_silence",
)
MOST = 500

# What is entered most, in words. An act that is not here is shown by its own name.
_DONE = {
    "alarm.acknowledged": "Duty officer reached",
    "alarm.overdue": "Alarm: nobody reached in time",
    "alarm.raised": "Alarm raised",
    "host.answered": "The host answered",
    "item.assess": "First opinion given",
    "item.decide": "The lead decided",
    "item.handed-back": "Handed back to the queue",
    "item.origin": "Server behind the proxy recorded",
    "item.report_again": "Reported again",
    "item.retry": "Back in the queue, to be tried again",
    "item.route": "Routed",
    "item.same": "Said to be the same content",
    "item.second": "Second opinion given",
    "item.take": "Assessment began",
    "item.taken": "Taken by a reader",
    "item.trace-opened": "Raw answers of a trace opened",
    "item.traced": "Traced",
    "item.undo": "Opinion taken back",
    "item.way": "Way in changed",
    "notice.bounced": "The notice came back",
    "notice.drafted": "Notice drafted",
    "notice.line-dropped": "Taken off the notice",
    "notice.line-recalled": "Taken off the notice before it left",
    "referral.action": "The partner told what it did",
    "referral.drafted": "Referral drafted",
    "removal.acknowledge": "The host acknowledged",
    "removal.answer": "The police answered",
    "removal.answered": "The police answered",
    "removal.answer-undone": "The police took an answer back",
    "removal.bounce": "Back to waiting for a contact",
    "removal.check": "Our checks came to a verdict",
    "removal.clock": "A clock began or ended",
    "removal.close": "Closed",
    "removal.confirm": "Confirmed gone",
    "removal.consult": "The police were asked or told",
    "removal.escalate": "The host is late",
    "removal.held": "Held",
    "removal.host-renamed": "The host’s name changed",
    "removal.ladder": "Ladder: next rung",
    "removal.listed": "Put on the filter list",
    "removal.looked": "Looked from outside",
    "removal.move": "Moved",
    "removal.notify": "Notice sent",
    "removal.origin-known": "Origin known",
    "removal.pass": "Passed to another unit",
    "removal.passed": "Passed to another unit",
    "removal.reappear": "Came back",
    "removal.refer": "Handed on abroad",
    "removal.release": "Hold ended",
    "removal.released": "Hold ended",
    "removal.report_back": "The partner reported back",
    "removal.retrace": "Traced again",
    "removal.route": "Routed",
    "removal.settle_silence": "Silence settled by two people",
    "removal.silence": "No answer in the agreed time",
    "removal.trace": "Place found",
    "removal.unlisted": "Taken off the filter list",
    "report.clarified": "Report clarified",
    "report.completed": "Report completed",
    "report.filed": "Report filed",
    "report.note-opened": "Reporter’s words opened",
}
_MACHINE = "machine:"


@dataclass(frozen=True, slots=True)
class Line:
    """One entry."""

    number: int
    time: str
    who: str
    act: str
    seal: str


def of(case_ref: str, *, open_to: bool) -> list[Line]:
    """The entries of a case, newest first, at most five hundred."""
    lines = []
    for found in list(entries_of(case_ref))[-MOST:]:
        entry = found.entry
        act, who = str(entry["act"]), str(entry["who"])
        if act in _POLICE and not open_to:
            act, who = "removal.answered", "police"
        lines.append(
            Line(
                int(entry["case_n"]),
                str(entry["at"])[:19].replace("T", " "),
                "System" if who.startswith(_MACHINE) else who[:1].upper() + who[1:],
                _DONE.get(act) or act.replace(".", ": ").replace("_", " "),
                grouped(str(entry.get("commit", ""))),
            )
        )
    return lines[::-1]


def grouped(digest: str) -> str:
    """A hash in groups of four, its middle left out."""
    return f"{digest[:4]} {digest[4:8]} … {digest[-4:]}" if len(digest) > 12 else digest
