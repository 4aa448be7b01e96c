"""What is said to a host's program, and what its answers mean. Pure.

True here: it says that there is a notice, and its number; no address, no grade. The program fetches the notice by its own
signed request. What is answered is never kept or shown: an address somebody typed must not read anything for them.
"""

import json
from datetime import datetime

from openhotline.connectors.receipt import ACCEPTED, REFUSED, TEMPORARY, UNKNOWN, Known, Receipt

_AGAIN = (408, 421, 423, 425, 429)


def render(number: str, *, due: datetime) -> bytes:
    """The body, as canonical JSON. Raises ValueError if the time has no zone."""
    if due.tzinfo is None:
        raise ValueError("The time needs a zone.")
    said = {"event": "notice", "notice": number, "due_at": due.isoformat()}
    return json.dumps(said, sort_keys=True, separators=(",", ":")).encode("ascii")


def read_reply(status: int) -> Receipt:
    """What an HTTP status means. Never raises."""
    if 200 <= status < 300:
        return Receipt(ACCEPTED, "The host's program has it.", status, stage="answer")
    if status in _AGAIN or 500 <= status < 600:
        return Receipt(TEMPORARY, "The host's program said not now.", status, stage="answer")
    if 300 <= status < 400:
        return Receipt(
            REFUSED,
            "The host's program answered with a redirect, and none is followed. Ask the host for the address it means "
            "and write that down; the notice went by mail.",
            status,
            stage="answer",
        )
    if 400 <= status < 500:
        return Receipt(
            REFUSED,
            "The host's program refused it. Ask the host; the notice went by mail.",
            status,
            stage="answer",
        )
    return Receipt(UNKNOWN, "The host's program gave an answer that means nothing.", status, stage="answer")


def read_known(status: int) -> Known:
    """What the answer to GET .../KEY means: 200 is a yes, 404 a no, everything else nothing."""
    return Known({200: "taken", 404: "not taken"}.get(status, "unknown"), "")
