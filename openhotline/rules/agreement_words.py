"""An agreement as people read it: the same lines on the desk, at the portal and on the command line.

What is not here: how it was kept (`statistics/agreements.py`).
"""

from datetime import timedelta

from openhotline.rules.agreement import DEEMED_CLEAR, DEEMED_HOLD, Agreement

_CLASSES = {
    "child-sexual-abuse": "child sexual abuse images",
    "non-photographic": "images of child sexual abuse that are no photographs",
    "obscene-adult": "obscene adult content",
    "extreme": "extreme images",
    "racial-hatred": "incitement to racial hatred",
}
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def lines(one: Agreement) -> tuple[tuple[str, str], ...]:
    """(heading, sentence) for everything both sides agreed on."""
    order = (
        "The unit is asked first. No notice leaves before it has answered, or silence was settled."
        if one.asks
        else "The unit is told, and the notice leaves at the same time."
    )
    silence = {
        DEEMED_CLEAR: "It counts as a go-ahead, and the entry names this agreement.",
        DEEMED_HOLD: "It counts as a hold, which is looked at again at its review time.",
    }.get(
        one.silence, "It is never consent. Two people of the hotline decide, and the unit may still answer."
    )
    until = f" until {_day(one.valid_until)}" if one.valid_until else ", with no end yet"
    return (
        ("In force", f"From {_day(one.valid_from)}{until}."),
        ("Order", order),
        ("Covers", f"{', '.join(_CLASSES.get(cls, cls) for cls in one.classes).capitalize()}."),
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


def _calendar(one: Agreement) -> str:
    through = "Police clocks and those of a child at risk run through nights, weekends and holidays."
    if one.calendar is None or not one.calendar_clocks:
        return f"None. {through}"
    open_ = ", ".join(
        f"{_DAYS[number]} {span[0] // 60:02}:{span[0] % 60:02} to {span[1] // 60:02}:{span[1] % 60:02}"
        for number, span in enumerate(one.calendar.hours)
        if span
    )
    clocks = " and ".join(
        {"host_target": "the host's time", "host_ladder": "the ladder"}[c] for c in one.calendar_clocks
    )
    off = f"; {len(one.calendar.holidays)} days off" if one.calendar.holidays else ""
    return f"{one.calendar.name} ({open_}{off}) for {clocks}. {through}"


def words(span: timedelta) -> str:
    """ "60 seconds", "30 minutes", "2 hours", "3 days"."""
    seconds = int(span.total_seconds())
    for size, name in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size and seconds % size == 0 and (size < 86_400 or seconds > 86_400):
            count = seconds // size
            return f"{count} {name}{'' if count == 1 else 's'}"
    return f"{seconds} seconds"


def _day(day: object) -> str:
    return f"{day:%d %B %Y}".lstrip("0")
