"""The one way the house says no: a sentence a colleague would say, and what to do next.

The same sentence reaches the page, the API and the command line. What is not here: the checks
themselves (`permits`, the paths, the guards in `steps/`).
"""


class Refused(Exception):
    """An act was not done, and why.

    `sentence` says what is wrong and what to do next, in words fit for the person who asked.
    `code` is stable, short and machine-readable (API field `code`).
    """

    def __init__(self, sentence: str, *, code: str = "refused") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.code = code


class NotPermitted(Refused):
    """Who asked may not do this, whatever the state of the case."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, code="not-permitted")


class MovedMeanwhile(Refused):
    """Compare-and-set failed: somebody else moved the case between our reading and our writing."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, code="moved-meanwhile")
