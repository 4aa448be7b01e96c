"""What police may ask the hotline for, how a note is marked, and how a request ends.

What an answer wants besides (evidence, a statement) is a request like any other. The clocks are policy
(`policy/<country>/clocks.toml`), that of evidence is the agreement's. What is not here: carrying a request out
(`steps/requests.py`).
"""

from openhotline.rules.words import EVIDENCE_WANTED, STATEMENT_WANTED

CHECK, PRESERVE, EVIDENCE, STATEMENT, DECISION, NOTE = (
    "check",
    "preserve",
    "evidence",
    "statement",
    "decision",
    "note",
)
KINDS = (CHECK, PRESERVE, EVIDENCE, STATEMENT, DECISION, NOTE)
NAMES = {
    CHECK: "Check addresses",
    PRESERVE: "Preserve",
    EVIDENCE: "Evidence",
    STATEMENT: "Statement",
    DECISION: "Decision on assessed material",
    NOTE: "Intelligence note",
}

WANTED = {
    EVIDENCE_WANTED: EVIDENCE,
    STATEMENT_WANTED: STATEMENT,
}  # a condition of an answer: what is asked for by it

# Handling marks of a note: who may read it inside the house, and what may be done on it.
HOUSE, LIAISON_ONLY, ASK_FIRST = "house", "liaison", "ask-first"
MARKS = (HOUSE, LIAISON_ONLY, ASK_FIRST)
MARK_NAMES = {
    HOUSE: "May be read by everybody who works on cases here",
    LIAISON_ONLY: "Lead, liaison and managers only",
    ASK_FIRST: "Lead, liaison and managers only; ask the sender before any use",
}

DONE, PARTLY, NOT_POSSIBLE = "done", "partly", "not-possible"
OUTCOMES = (DONE, PARTLY, NOT_POSSIBLE)
TAKEN_BACK = "taken-back"  # the answer that wanted it was: nobody chooses this
OUTCOME_NAMES = {
    DONE: "Done",
    PARTLY: "Done in part",
    NOT_POSSIBLE: "Not possible",
    TAKEN_BACK: "Taken back",
}
