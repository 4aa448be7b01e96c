"""What police may ask the hotline for, how a note is marked, and how a request ends.

The clocks are policy (`policy/<country>/clocks.toml`). What is not here: carrying a request out (`steps/requests.py`).
"""

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
OUTCOME_NAMES = {DONE: "Done", PARTLY: "Done in part", NOT_POSSIBLE: "Not possible"}
