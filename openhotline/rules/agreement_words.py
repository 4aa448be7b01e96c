"""An agreement as people read it: the same lines on the desk, at the portal and on the command line.

What is not here: how it was kept (`statistics/agreements.py`).
"""

from datetime import date, timedelta

from openhotline.rules.agreement import (
    AUTHORISE_FIRST,
    DEEMED_CLEAR,
    DEEMED_HOLD,
    NOTIFY_TOGETHER,
    TELL_AFTER,
    Agreement,
)
from openhotline.rules.calendars import hours_text

CLASS_NAMES = {
    "child-sexual-abuse": "child sexual abuse images",
    "non-photographic": "images of child sexual abuse that are no photographs",
    "obscene-adult": "obscene adult content",
    "extreme": "extreme images",
    "racial-hatred": "incitement to racial hatred",
}


def lines(one: Agreement) -> tuple[tuple[str, str], ...]:
    """(heading, sentence) for everything both sides agreed on."""
    order = {
        AUTHORISE_FIRST: "The unit is asked first. No notice leaves before it has answered, or silence was settled.",
        NOTIFY_TOGETHER: "The unit is told, and the notice leaves at the same time.",
        TELL_AFTER: "The notice leaves, and the unit is told when it has.",
    }[one.order]
    silence = {
        DEEMED_CLEAR: "It counts as a go-ahead, and the entry names this agreement.",
        DEEMED_HOLD: "It counts as a hold, which is looked at again at its review time.",
    }.get(
        one.silence, "It is never consent. Two people of the hotline decide, and the unit may still answer."
    )
    until = f" until {day_words(one.valid_until)}" if one.valid_until else ", with no end yet"
    return (
        *((("In a sentence", one.note),) if one.note else ()),
        ("In force", f"From {day_words(one.valid_from)}{until}."),
        ("Order", order),
        ("Covers", _classes(one.classes).capitalize()),
        (
            "Second reader",
            f"Before the police hear of it: {_classes(one.second_reader)}"
            if one.second_reader
            else "None: one reader is enough before the police hear of it.",
        ),
        ("Answer", f"Within {words(one.answer)}. Then the unit's duty desk is rung."),
        ("Escalation", f"{words(one.escalate)} after the asking, in both houses.".capitalize()),
        ("Managers", f"{words(one.managers)} after the asking, managers of both sides.".capitalize()),
        ("Silence", silence),
        (
            "Holds",
            f"Looked at again within {words(one.hold_review)}; a refusal within {words(one.refuse_review)}. "
            "A hold ends by itself only if its answer said so.",
        ),
        ("Taking back", "An answer can be taken back for 60 seconds; what would leave on it waits as long."),
        (
            "Host's time",
            f"{words(one.host_target).capitalize()}; the ladder begins after {words(one.host_ladder)}.",
        ),
        ("Calendar", _calendar(one)),
        ("Preservation", f"Every notice asks the host to keep files and logs for {one.preserve_days} days."),
        ("Evidence", f"What a unit asks for is handed over within {words(one.evidence)}."),
        (
            "Feedback",
            f"The hotline tells the unit within {words(one.feedback)} when something is gone, has moved or came back.",
        ),
        ("Version", one.version),
    )


def changes(before: Agreement | None, after: Agreement) -> tuple[tuple[str, str, str], ...]:
    """(heading, how it will read, how it reads now where that differs, else ""): the whole of `after` in its order.

    Of what differs only the sentences that go are in the last place. Without `before` everything is new.
    """
    new = dict(lines(after))
    if before is None:
        return (("Name", after.name, ""), *((heading, sentence, "") for heading, sentence in new.items()))
    old = dict(lines(before))
    rows = [("Name", after.name, before.name if before.name != after.name else "")]
    for heading in dict.fromkeys([*new, *old]):
        now, was = new.get(heading, "Nothing any more."), old.get(heading, "Nothing of the kind.")
        told = was == now or heading in ("In force", "Version")
        rows.append((heading, now, "" if told else _gone(was, now)))
    return tuple(rows)


def _gone(was: str, now: str) -> str:
    """The sentences of `was` that `now` does not have; all of it where only some were added."""
    return " ".join(part for part in _sentences(was) if part not in _sentences(now)) or was


def _sentences(text: str) -> list[str]:
    return [f"{part.rstrip('.')}." for part in text.split(". ") if part]


def _classes(classes: tuple[str, ...]) -> str:
    return f"{', '.join(CLASS_NAMES.get(cls, cls) for cls in classes)}."


def _calendar(one: Agreement) -> str:
    through = "Police clocks and those of a child at risk run through nights, weekends and holidays."
    if one.calendar is None or not one.calendar_clocks:
        return f"None. {through}"
    open_ = hours_text(one.calendar)
    clocks = " and ".join(
        {"host_target": "the host's time", "host_ladder": "the ladder"}[c] for c in one.calendar_clocks
    )
    days = ", ".join(day_words(day) for day in sorted(one.calendar.holidays))
    off = f"; closed on {days}" if days else ""
    return f"{one.calendar.name} ({open_}{off}) for {clocks}. {through}"


def words(span: timedelta) -> str:
    """ "60 seconds", "30 minutes", "2 hours", "3 days"."""
    seconds = int(span.total_seconds())
    for size, name in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size and seconds % size == 0 and (size < 86_400 or seconds > 86_400):
            count = seconds // size
            return f"{count} {name}{'' if count == 1 else 's'}"
    return f"{seconds} seconds"


def day_words(day: date) -> str:
    """ "1 May 2026"."""
    return f"{day:%d %B %Y}".lstrip("0")
