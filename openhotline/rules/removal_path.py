"""The path of a Removal: one hosting episode of one item, from "where is it?" to "it is gone".

This table is the law of the house. Rows are those of domain.md section 4. From `noticed` on a hold is
a Hold row that stops every letter, not a status. An answer by the host's link never stops a clock:
`gone?` keeps the clock that ran, and only our own checks lead to `removed`.
"""

from openhotline.rules.path import NOTHING, Path, step
from openhotline.rules.words import ANALYST, HOST, LEAD, LIAISON, MACHINE, MANAGER, OFFICER, PARTNER

TRACED = "traced"
UNCLEAR = "unclear"
ASKED = "asked"
SILENT = "silent"
HELD = "held"
CLEARED = "cleared"
NOTICED = "noticed"
ACKNOWLEDGED = "acknowledged"
OVERDUE = "overdue"
REFERRED = "referred"
REFERRED_POLICE = "referred to police"
UNAVAILABLE = "unavailable there"
NOT_ILLEGAL_THERE = "not illegal there"
GONE_MAYBE = "gone?"
REMOVED = "removed"
GONE_BEFORE_NOTICE = "gone before notice"
MOVED = "moved"
REAPPEARED = "reappeared"
OUT_OF_REMIT = "out of remit"
CLOSED = "closed"

BEFORE_NOTICE = [TRACED, UNCLEAR, ASKED, SILENT, HELD, CLEARED]
WITH_HOST = [NOTICED, ACKNOWLEDGED, OVERDUE]
WITH_PARTNER = [REFERRED, REFERRED_POLICE]
ABROAD = [*WITH_PARTNER, UNAVAILABLE, NOT_ILLEGAL_THERE]
STILL_OPEN = [*BEFORE_NOTICE, *WITH_HOST, *ABROAD, GONE_MAYBE]
WATCHED = [REMOVED, GONE_BEFORE_NOTICE]

PATH = Path(
    "removal",
    (
        step("trace", [NOTHING], by=[MACHINE, ANALYST, LEAD], rows=[11, 12], agreed=TRACED, unclear=UNCLEAR),
        step("retrace", [UNCLEAR], by=[MACHINE, ANALYST, LEAD], rows=[12], agreed=TRACED),
        # Traced again before anybody was asked, and nothing that still counts says that it is there.
        step("retrace", [TRACED], by=[MACHINE, ANALYST, LEAD], rows=[12], unclear=UNCLEAR),
        # The origin clock ran out: the edge's country is used, with a note that it is not the hosting country.
        step("retrace", [UNCLEAR], by=[MACHINE], rows=[12], edge=TRACED),
        # A class whose remit depends on the hosting country is decided only here (rows 13-16).
        step("route", [TRACED, UNCLEAR], by=[MACHINE], rows=[13, 14, 15, 16], out_of_remit=OUT_OF_REMIT),
        step(
            "consult",
            [TRACED],
            by=[MACHINE, ANALYST, LEAD, LIAISON],
            rows=[17],
            asked=ASKED,
            told=CLEARED,  # where the agreement says tell, not ask; the police letter is queued in the same act
        ),
        step(
            "answer",
            [ASKED, SILENT, HELD],
            by=[OFFICER],
            rows=[18, 19, 20],
            clear=CLEARED,
            hold=HELD,
        ),
        step("answer", [CLEARED], by=[OFFICER], rows=[19], hold=HELD),
        # Passed to another unit: it waits for that one, whatever the first had said.
        step("consult", [HELD, CLEARED], by=[OFFICER], rows=[17], passed=ASKED),
        # Within the minute in which an answer can be taken back, everything stands again as before it.
        step(
            "undo",
            [CLEARED, HELD, ASKED],
            by=[OFFICER],
            rows=[18, 19, 20],
            asked=ASKED,
            silent=SILENT,
            held=HELD,
            cleared=CLEARED,
        ),
        # A go-ahead that ran out before the notice left: the unit is asked again.
        step("consult", [CLEARED], by=[MACHINE], rows=[17], expired=ASKED),
        step("silence", [ASKED], by=[MACHINE], rows=[21], silent=SILENT),
        # Two named people (or what the agreement says) decide what silence leads to.
        # A hold placed on silence is looked at again by the same two steps.
        step(
            "settle_silence",
            [SILENT, HELD],
            by=[LEAD, LIAISON, MANAGER, MACHINE],
            rows=[20, 21],
            clear=CLEARED,
            hold=HELD,
        ),
        step("release", [HELD], by=[OFFICER, MACHINE], rows=[20], clear=CLEARED),
        step("notify", [CLEARED], by=[MACHINE], rows=[24, 25, 26], sent=NOTICED),
        step(
            "acknowledge",
            [NOTICED, OVERDUE],
            by=[HOST, ANALYST, LEAD],
            rows=[27, 28],
            acknowledged=ACKNOWLEDGED,
        ),
        step("confirm", WITH_HOST, by=[HOST, ANALYST, LEAD], rows=[29], said=GONE_MAYBE),
        step(
            "refer",
            [TRACED],
            by=[MACHINE, ANALYST, LEAD],
            rows=[34, 40],
            hotline=REFERRED,
            police=REFERRED_POLICE,
        ),
        # What a partner says of itself. "Removed" is not among it: only our own checks lead there (row 36).
        step(
            "report_back",
            WITH_PARTNER,
            by=[PARTNER, OFFICER, LIAISON, LEAD, MACHINE],
            rows=[35, 37, 39],
            unavailable=UNAVAILABLE,
            not_illegal=NOT_ILLEGAL_THERE,
        ),
        # Seen from here after all: it is with the partner again.
        step("check", [UNAVAILABLE], by=[MACHINE], rows=[37], seen_here=REFERRED),
        step("check", [*WITH_HOST, *ABROAD], by=[MACHINE], rows=[29, 36, 41], missed=GONE_MAYBE),
        step(
            "check",
            [GONE_MAYBE],
            by=[MACHINE],
            rows=[30, 31],
            gone=REMOVED,
            up_again=NOTICED,
            up_again_abroad=REFERRED,
            up_again_police=REFERRED_POLICE,
        ),
        step("check", BEFORE_NOTICE, by=[MACHINE], rows=[22], gone_before=GONE_BEFORE_NOTICE),
        step("move", STILL_OPEN, by=[MACHINE], rows=[23, 33, 38], moved=MOVED),
        step("escalate", [NOTICED, ACKNOWLEDGED, GONE_MAYBE], by=[MACHINE], rows=[32], overdue=OVERDUE),
        # The letter came back after the relay had taken it: nobody was told, so it waits for another contact.
        step("bounce", [NOTICED, OVERDUE], by=[MACHINE], rows=[25], back=CLEARED),
        step("repeal", [*STILL_OPEN, *WATCHED], by=[LEAD, MANAGER], rows=[44], repealed=CLOSED),
        step("reappear", [*WATCHED, CLOSED], by=[MACHINE], rows=[42], back=REAPPEARED),
        step("close", [*WATCHED, MOVED, OUT_OF_REMIT, REAPPEARED], by=[MACHINE], rows=[46], closed=CLOSED),
    ),
)

# Rows of domain.md section 4 that later issues bring. A test names each, so none is forgotten.
STILL_TO_COME = {
    "49": "brand and payment alerts: intelligence issue",
    "50": "statement requested, drafted, signed, served: evidence issue",
}
# Facts beside the path that this house already keeps.
BESIDE = {
    "28": "the host asks or disputes in the logged channel of its notice (steps/confirm.py)",
    "43": "an appeal by serial; the removal stands meanwhile (steps/appeal.py)",
    "48": "each news server that holds a post is traced and opens an episode by itself (steps/trace.py)",
    "45": "safeguarding alarm (steps/alarm.py)",
}
