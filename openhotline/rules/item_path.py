"""The path of an Item: is it illegal, and in our remit? Rows are those of domain.md section 4.

What is not here: where it is held and how it is removed (`removal_path`); locks (a fact beside the
path: who is looking at it just now).
"""

from openhotline.rules.path import NOTHING, Path, step
from openhotline.rules.words import (
    ANALYST,
    HOST,
    LEAD,
    LIAISON,
    MACHINE,
    MANAGER,
    OFFICER,
    PARTNER,
    PUBLIC,
)

RECEIVED = "received"
ASSESSING = "assessing"
GRADED_ONCE = "graded once"
DISPUTED = "disputed"
GRADED = "graded"
NOT_ILLEGAL = "not illegal"
OUT_OF_REMIT = "out of remit"
UNREACHABLE = "unreachable"
NO_LOCATION = "no location"

READERS = [ANALYST, LEAD, MANAGER]

PATH = Path(
    "item",
    (
        step(
            "open",
            [NOTHING],
            by=[PUBLIC, PARTNER, OFFICER, HOST, ANALYST, LEAD, LIAISON, MANAGER, MACHINE],
            rows=[1],
            opened=RECEIVED,
        ),
        step("take", [RECEIVED], by=READERS, rows=[4], taken=ASSESSING),
        step("pass", [ASSESSING], by=[*READERS, MACHINE], back=RECEIVED),
        step(
            "assess",
            [ASSESSING],
            by=READERS,
            rows=[5, 6, 7, 8],
            once=GRADED_ONCE,
            graded=GRADED,
            not_illegal=NOT_ILLEGAL,
            out_of_remit=OUT_OF_REMIT,
            unreachable=UNREACHABLE,
        ),
        step("second", [GRADED_ONCE], by=READERS, rows=[9, 10], agrees=GRADED, differs=DISPUTED),
        step(
            "decide",
            [DISPUTED],
            by=[LEAD, MANAGER],
            rows=[10],
            graded=GRADED,
            not_illegal=NOT_ILLEGAL,
            out_of_remit=OUT_OF_REMIT,
        ),
        # Within the half minute in which an opinion can be taken back, the item waits for the same reading again.
        step(
            "undo",
            [GRADED_ONCE, DISPUTED, GRADED, NOT_ILLEGAL, OUT_OF_REMIT, UNREACHABLE, NO_LOCATION],
            by=READERS,
            rows=[5, 6, 7, 8, 9, 10],
            first=ASSESSING,
            second=GRADED_ONCE,
            lead=DISPUTED,
        ),
        step("retry", [UNREACHABLE], by=[MACHINE, ANALYST, LEAD], rows=[5], again=RECEIVED),
        step(
            "report_again",
            [NOT_ILLEGAL, OUT_OF_REMIT, UNREACHABLE],
            by=[MACHINE],
            again=RECEIVED,
        ),
        # An appeal was decided for the one who appealed, by two people who had no part in the decision.
        step("repeal", [GRADED], by=[LEAD, MANAGER], rows=[44], repealed=NOT_ILLEGAL),
        step(
            "route", [GRADED], by=[MACHINE], rows=[16, 47], out_of_remit=OUT_OF_REMIT, no_location=NO_LOCATION
        ),
    ),
)

OPEN = (RECEIVED, ASSESSING, GRADED_ONCE, DISPUTED, UNREACHABLE)
DECIDED = (GRADED, NOT_ILLEGAL, OUT_OF_REMIT, NO_LOCATION)
