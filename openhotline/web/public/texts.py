"""The words and numbers of the public pages that appear on more than one of them.

Plain sentences of at most fifteen words, reading age nine to eleven (ux.md 4). What is not here: the
pages themselves (`templates/public/`), and what a phase means for a case.
"""

from dataclasses import dataclass

from openhotline.rules import words


@dataclass(frozen=True, slots=True)
class Choice:
    """One large radio button: what is stored, what it says, and a line under it."""

    value: str
    title: str
    more: str = ""


SEEN = (
    Choice(
        "image", "Sexual images or videos of someone under 18", "Choose this if you are not sure of the age."
    ),
    Choice("drawn", "A drawing, animation or computer-made image of child sexual abuse"),
    Choice("trade", "Someone selling, swapping or asking for such images"),
    Choice(
        "contact",
        "Someone trying to meet or groom a child",
        "The police deal with this. We will show you where to report it.",
    ),
    Choice("other", "Something else, or I would rather not say"),
)

FOLLOW = (
    Choice(
        "code", "Give me a code to check later", "Seven words, shown once. No email, no account, no name."
    ),
    Choice(
        "mail",
        "Email me",
        "We ask for the address on the next page. It is deleted when we have answered, "
        "after three months at most.",
    ),
    Choice("none", "No, just send it"),
)

FOLLOW_SHORT = {"code": "A seven-word code", "mail": "By email", "none": "Not needed"}

# What a person reads for each of the five phases. Every state in which work goes on reads the same.
PHASES = {
    words.RECEIVED: ("Received", "We have your report. A trained analyst will look at it."),
    words.IN_PROGRESS: (
        "In progress",
        "We are working on it. This can last hours or weeks, and always reads the same.",
    ),
    words.MORE_DETAIL: (
        "More detail needed",
        "We could not find it with what we have. If you can, make another report with the web address.",
    ),
    words.REMOVED_PHASE: ("Removed", "It is gone from where you saw it. Thank you. We keep checking."),
    words.CLOSED_PHASE: (
        "Closed",
        "We have finished our work on it. We cannot say more, to protect everyone involved.",
    ),
}


def kept(value: str, choices: tuple[Choice, ...]) -> str:
    """The value if it is one of `choices`, else "": an odd answer never stops a report."""
    return value if any(choice.value == value for choice in choices) else ""


def title_of(value: str, choices: tuple[Choice, ...]) -> str:
    """What the choice says, "" where none was made."""
    return next((choice.title for choice in choices if choice.value == value), "")
