"""What a record of an MMDB file means. Pure: plain values in, plain values out, nothing raised.

True here: the two shapes in use are read (nested `country.iso_code` and flat `country_code`;
`autonomous_system_number` and `asn`); anything odd is simply absent, and so is a place of which the file knows only
where the network is registered. A country from such a file says
where a network is announced or said to be, not where a machine stands: it is one voice of three.
"""

import re
from typing import Any

from openhotline.rules.printable import printable

_COUNTRY = re.compile(r"[A-Za-z]{2}")
_ASN = re.compile(r"(?:AS)?(\d{1,10})", re.IGNORECASE)


def country_of(record: Any) -> str:
    """ISO 3166-1 alpha-2, upper case, or ""."""
    if not isinstance(record, dict):
        return ""
    country = record.get("country")
    for found in (
        country.get("iso_code") if isinstance(country, dict) else country,
        record.get("country_code"),
    ):
        if isinstance(found, str) and _COUNTRY.fullmatch(found):
            return found.upper()
    return ""


def network_of(record: Any) -> tuple[int, str]:
    """(number of the autonomous system or 0, its organisation or "")."""
    if not isinstance(record, dict):
        return 0, ""
    number = record.get("autonomous_system_number", record.get("asn", 0))
    if isinstance(number, str):
        match = _ASN.fullmatch(number.strip())
        number = int(match[1]) if match else 0
    if not isinstance(number, int) or isinstance(number, bool) or not 0 < number < 2**32:
        number = 0
    name = ""
    for key in ("autonomous_system_organization", "as_name", "name", "organization"):
        if isinstance(record.get(key), str):
            name = printable(record[key], 200)
            break
    return number, name
