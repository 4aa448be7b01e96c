"""How hard a page is to read: its sentences, and the age at which an English reader follows it.

The age is Flesch and Kincaid's grade (Kincaid et al. 1975) plus five, over all sentences of a page together. Syllables
are counted by groups of vowels, which is right for most English words and a little high for the rest.
"""

import re
from html.parser import HTMLParser

INLINE = {"a", "abbr", "bdi", "code", "em", "i", "kbd", "label", "q", "small", "span", "strong", "time"}
SILENT = {"title", "svg", "select", "textarea", "script", "style", "pre"}
APART = ("pick__", "path__")  # spans that stand on a line of their own
LEAST = 4  # words; what is shorter is a name or a button


class _Blocks(HTMLParser):
    """The text of each block of a page, whatever marks stand inside it; machine words count as one."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = [""]
        self._silent = self._code = 0
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if (dict(attrs).get("class") or "").startswith(APART):
            self.found.append("")
        self._silent += tag in SILENT
        if tag == "code":
            self.found[-1] += "it"
        self._code += tag == "code"
        if tag not in INLINE:
            self.found.append("")

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in SILENT
        self._code -= tag == "code"
        if tag not in INLINE:
            self.found.append("")

    def handle_data(self, data: str) -> None:
        if not self._silent and not self._code:
            self.found[-1] += data


def sentences(page: str) -> list[list[str]]:
    """Every sentence of a page as its words, without headings' and buttons' few words."""
    found = []
    for block in _Blocks(page).found:
        for sentence in re.split(r"[.?!:;](?:\s|$)", " ".join(block.split())):
            words = [word for word in sentence.split() if re.search(r"\w", word)]
            if len(words) >= LEAST:
                found.append(words)
    return found


def hard(page: str, *, age: int, words: int) -> list[str]:
    """What asks for an older reader than `age`, and every sentence of more than `words` words."""
    said = sentences(page)
    found = [f"{len(sentence)} words: {' '.join(sentence)}" for sentence in said if len(sentence) > words]
    if said and _age(said) > age:
        found.append(f"for readers of {_age(said):.1f} years")
    return found


def _age(said: list[list[str]]) -> float:
    words = [word for sentence in said for word in sentence]
    syllables = sum(_syllables(word) for word in words)
    return 0.39 * len(words) / len(said) + 11.8 * syllables / len(words) - 15.59 + 5


def _syllables(word: str) -> int:
    letters = re.sub(r"[^a-z]", "", word.lower())
    groups = len(re.findall(r"[aeiouy]+", letters))
    silent = bool(re.search(r"[^aeiouyl]e[sd]?$", letters)) and not re.search(
        r"([tdsxz]|ch|sh)e[sd]$", letters
    )
    return max(1, groups - silent)
