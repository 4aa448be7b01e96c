"""What `doctor` found: one finding a look, in a sentence, with what to do. No look is here."""

from dataclasses import dataclass

OK, WARNING, UNSAFE = "ok", "warning", "unsafe"


@dataclass(frozen=True, slots=True)
class Finding:
    """`level` is ok, warning (mend it soon) or unsafe (do not run it so). `remedy` is "" where all is well."""

    name: str
    level: str
    sentence: str
    remedy: str = ""

    @property
    def ok(self) -> bool:
        return self.level == OK


def fine(name: str, sentence: str) -> Finding:
    """All is well."""
    return Finding(name, OK, sentence)


def warning(name: str, sentence: str, remedy: str) -> Finding:
    """It runs, and somebody should see to it."""
    return Finding(name, WARNING, sentence, remedy)


def unsafe(name: str, sentence: str, remedy: str) -> Finding:
    """Something may be lost, seen or sent that must not be."""
    return Finding(name, UNSAFE, sentence, remedy)


def grave(name: str, sentence: str, remedy: str, *, real: bool) -> Finding:
    """Unsafe in a real house, a warning in a demo or test house."""
    return (unsafe if real else warning)(name, sentence, remedy)
