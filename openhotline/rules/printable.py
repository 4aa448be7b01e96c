"""What strangers wrote, made fit to be kept as a name or shown on a terminal. Nothing is decided by it."""

import unicodedata

# Line breaks and tabs move a cursor only where text is meant to go on.
_HARMLESS = frozenset("\n\t")


def printable(text: str, most: int) -> str:
    """The printable characters of `text` without spaces around them, at most `most` of them.

    Control characters, surrogates, what turns the direction of text and every space but the plain one are left out.
    """
    kept = text if text.isprintable() else "".join(c for c in text if c.isprintable())
    return kept[:most].strip()


def readable(text: str) -> str:
    """`text` in which bytes that were no UTF-8 (surrogate escapes, PEP 383) are spelled \\xNN."""
    return (
        text
        if text.isascii()
        else text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    )


def shown(text: str) -> str:
    """`text` with what could steer a terminal replaced by U+FFFD, so that it is seen to have been there."""
    if text.isprintable():
        return text
    return "".join(
        c
        if c.isprintable() or c in _HARMLESS or unicodedata.category(c) == "Zs"
        else "\N{REPLACEMENT CHARACTER}"
        for c in text
    )


def days_old(seconds: int | None) -> str:
    """ "1 day old", "189 days old", "dated 3 days ahead"; "" for what is younger than a day, or tells no age."""
    days = int((seconds or 0) / 86_400)
    if not days:
        return ""
    many = f"{abs(days)} day{'' if abs(days) == 1 else 's'}"
    return f"{many} old" if days > 0 else f"dated {many} ahead"
