"""The lists of proxies and the extents of countries, read from data files.

True here: the shipped header signs are joined with the operator's own file of the same form, whose ranges and
version then stand in every answer. Not here: what a sign means (`connectors/proxy`).
"""

import ipaddress
import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Proxies:
    """`ranges`: (prefix, whose). `signs`: (header, pattern, whose). `version`: of all files together."""

    ranges: tuple[tuple[str, str], ...]
    signs: tuple[tuple[str, str, str], ...]
    version: str


def proxies(own: Path | None = None) -> Proxies:
    """The shipped signs and the operator's file. Raises ValueError with a sentence for what cannot be read."""
    ranges: list[tuple[str, str]] = []
    signs: list[tuple[str, str, str]] = []
    versions = []
    for file in filter(None, (_HERE / "proxies.toml", own)):
        try:
            value = tomllib.loads(file.read_text("utf-8"))
            ranges += [_range(row) for row in value.get("range", ())]
            signs += [
                (str(row["header"]).lower(), str(row.get("pattern", "")), str(row["name"]))
                for row in value.get("sign", ())
            ]
            versions.append(str(value["version"]))
        except (OSError, KeyError, TypeError, AttributeError, ValueError) as fault:
            raise ValueError(f"{file} is not a list of proxies ({fault})") from None
    return Proxies(tuple(ranges), tuple(signs), " and ".join(versions))


def _range(row: dict[str, Any]) -> tuple[str, str]:
    return str(ipaddress.ip_network(row["prefix"])), str(row["name"])


def extents() -> dict[str, tuple[tuple[float, float, float], ...]]:
    """Country to circles (latitude, longitude, radius in km) that cover it."""
    value = json.loads((_HERE / "extents.json").read_bytes())["extents"]
    return {code: tuple((a, b, km) for a, b, km in circles) for code, circles in value.items()}
