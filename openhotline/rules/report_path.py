"""The short path of a Report: what somebody sent. It is not the thing that gets removed."""

from openhotline.rules.path import NOTHING, Path, step
from openhotline.rules.words import ANALYST, HOST, LEAD, LIAISON, MACHINE, MANAGER, OFFICER, PARTNER, PUBLIC

RECEIVED = "received"
JOINED = "joined"
INCOMPLETE = "incomplete"
ANSWERED = "answered"
ANONYMISED = "anonymised"

_ANYONE = [PUBLIC, PARTNER, OFFICER, HOST, ANALYST, LEAD, LIAISON, MANAGER, MACHINE]

PATH = Path(
    "report",
    (
        step("intake", [NOTHING], by=_ANYONE, rows=["R0", "R1"], filed=RECEIVED),
        step("dedupe", [RECEIVED], by=_ANYONE, rows=[2, 3, "R2"], joined=JOINED, incomplete=INCOMPLETE),
        step("correct", [INCOMPLETE], by=[PUBLIC, MACHINE], rows=[2], joined=JOINED),
        step("clarify", [INCOMPLETE], by=[ANALYST, LEAD, LIAISON], rows=[2], joined=JOINED),
        step("answer", [JOINED, INCOMPLETE], by=[MACHINE, ANALYST, LEAD], rows=["R3"], answered=ANSWERED),
        step(
            "anonymise",
            [JOINED, INCOMPLETE, ANSWERED],
            by=[MACHINE],
            rows=["R4"],
            anonymised=ANONYMISED,
        ),
    ),
)
