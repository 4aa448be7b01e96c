"""The network in front: what is known of a place when nobody says where the content really is (domain row 12).

True here: a country that comes out of this is the edge's and is never called the hosting country. Answers that
speak of an origin behind it are left out. What is not here: waiting for an origin (`steps/origin.py`).
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from openhotline.rules.methods import RDAP

NOTE = "No origin was named in time: treated by the country of the network in front. Where it is held is not known."


def edge_country(answers: Iterable[Mapping[str, object]]) -> str:
    """The country that most answers about the network in front name; the registry's word ends a tie, else ""."""
    named: Counter[str] = Counter()
    registry = ""
    for answer in answers:
        code = str(answer.get("country") or "").upper()
        if answer.get("ok") is not True or answer.get("layer") == "origin" or len(code) != 2:
            continue
        named[code] += 1
        if answer.get("method") == RDAP:
            registry = code
    if not named:
        return ""
    most = max(named.values())
    leaders = sorted(code for code, count in named.items() if count == most)
    if len(leaders) == 1:
        return leaders[0]
    return registry if registry in leaders else ""
