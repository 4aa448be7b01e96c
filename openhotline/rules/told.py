"""The short letters beside notices and alerts, each as (subject, text) in the language of whom it is to. Pure.

True here: none names an address or a domain; each bears its number and says what is wanted, or that nothing is. What is
not here: the words themselves (`policy/texts/<language>.toml`, [told]), what notices and alerts say (`notice`, `alert`),
and letters to the police, to partner hotlines and to our own desk, which are in the house's own language.
"""

from datetime import datetime

from openhotline.rules.notice import Texts

Said = tuple[str, str]


def reminder(texts: Texts, *, number: str, sent: datetime, count: int) -> Said:
    """A notice is past its time and `count` of its addresses still answer."""
    when = sent.strftime(texts.says["minute"])
    return _subject(texts, "reminder", number), _lines(
        texts.say("told_reminder", number=number, sent=when),
        texts.say("told_reminder_left", count=texts.counted(count)),
    )


def moved(texts: Texts, what: str, *, number: str, count: int, at: datetime) -> Said:
    """`what` ("notice" or "alert") is closed for what is elsewhere now."""
    return _subject(texts, "moved", number), _lines(
        texts.say(f"told_moved_{what}", number=number, count=texts.counted(count)),
        texts.says["told_moved_keep"],
        _time(texts, at),
    )


def withdrawn(texts: Texts, what: str, *, number: str, count: int = 0) -> Said:
    """Reversed on appeal: all of a "notice", `count` of its addresses ("part"), or of an "alert"."""
    says = texts.say(f"told_withdrawn_{what}", number=number, count=texts.counted(count))
    why = "told_withdrawn_alert_why" if what == "alert" else "told_withdrawn_why"
    return _subject(texts, "withdrawn", number), _lines(says, texts.says[why])


def domain_over(texts: Texts, *, number: str, at: datetime) -> Said:
    """Nothing is left under the domain an alert was about."""
    says = texts.say("told_domain_over", number=number)
    return _subject(texts, "withdrawn", number), _lines(says, _time(texts, at))


def answer(texts: Texts, *, number: str, words: str) -> Said:
    """Somebody of the house answers a host's question; `words` are theirs, in whatever language they wrote."""
    head, foot = texts.say("told_answer_head", number=number), texts.says["told_answer_foot"]
    return _subject(texts, "answer", number), f"{head}\n\n{words}\n\n{foot}\n"


def appeal_received(texts: Texts, *, number: str, by: datetime) -> Said:
    """To whoever appealed, against `number` or ("") against the filter list: it is being read."""
    until = by.strftime(texts.says["day"])
    return _appeal(texts, number), _lines(texts.say("told_appeal_received", due=until))


def appeal_decided(texts: Texts, *, number: str, reversed_: bool, reasons: str) -> Said:
    """To whoever appealed: what an uninvolved person found, with the reasons as they were written."""
    if not reversed_:
        says = texts.says["told_appeal_upheld"]
    else:
        back = texts.says["told_appeal_withdrawn" if number else "told_appeal_off_the_list"]
        says = f"{texts.says['told_appeal_reversed']} {back}"
    return _appeal(texts, number), _lines(f"{says} {reasons}")


def reported(texts: Texts, *, removed: bool) -> Said:
    """The one answer to a reporter who asked for a mail. It says nothing of the case."""
    says = texts.says["told_reported_removed" if removed else "told_reported_closed"]
    return texts.says["told_reported_subject"], f"{says}\n\n{texts.says['told_reported_thanks']}\n"


def _subject(texts: Texts, key: str, number: str) -> str:
    return texts.say(f"told_{key}_subject", number=number)


def _appeal(texts: Texts, number: str) -> str:
    return (
        texts.say("told_appeal_subject", number=number) if number else texts.says["told_appeal_list_subject"]
    )


def _time(texts: Texts, at: datetime) -> str:
    return texts.say("told_time", sent=at.strftime(texts.says["minute"]))


def _lines(*lines: str) -> str:
    return "\n".join(lines) + "\n"
