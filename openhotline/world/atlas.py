"""The two MMDB files of the synthetic internet: origin networks, and countries.

True here: both hold exactly the world's networks, IPv4 and IPv6, in the shapes in use (see
connectors/geo/meaning.py), and carry a build time a day before the scenario starts. Not here: reading them.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from mmdb_writer import MMDBWriter
from netaddr import IPSet  # type: ignore[import-untyped]

from openhotline.world.places import Network

AGE = timedelta(days=1)


class _Dated(MMDBWriter):
    """A writer that is told the time."""

    def __init__(self, database_type: str, built: datetime) -> None:
        super().__init__(
            ip_version=6,
            ipv4_compatible=True,
            database_type=database_type,
            languages=["en"],
            description="Made up: documentation networks only",
        )
        self._built = int(built.timestamp())

    def _build_meta(self) -> dict[str, Any]:
        return {**super()._build_meta(), "build_epoch": self._built}


def write(folder: Path, networks: Sequence[Network], *, start: datetime) -> tuple[Path, Path]:
    """Write `origin.mmdb` and `location.mmdb` into `folder`; returns their paths. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    origin, location = _Dated("World-ASN", start - AGE), _Dated("World-Country", start - AGE)
    for network in networks:
        prefixes = IPSet([network.prefix, network.prefix6])
        origin.insert_network(
            prefixes,
            {
                "autonomous_system_number": network.asn,
                "autonomous_system_organization": network.operator,
                "country": {"iso_code": network.country},  # where the autonomous system is registered
            },
        )
        location.insert_network(prefixes, {"country": {"iso_code": network.country}})
    return _put(origin, folder / "origin.mmdb"), _put(location, folder / "location.mmdb")


def _put(writer: MMDBWriter, file: Path) -> Path:
    temp = file.with_suffix(".new")
    writer.to_db_file(str(temp))
    temp.chmod(0o644)
    temp.replace(file)
    return file
