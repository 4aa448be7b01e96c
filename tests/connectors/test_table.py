"""The table of an MMDB file answers as the reader does, for every address, size of tree and family."""

import ipaddress
import random
from pathlib import Path

import maxminddb
import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from openhotline.connectors.geo.table import Table

CHANCE = random.Random(3)


def made(file: Path, version: int) -> Path:
    writer = MMDBWriter(ip_version=version, ipv4_compatible=version == 6, database_type="Test")
    for number in range(1, 200):
        four = ipaddress.ip_network((CHANCE.getrandbits(32), CHANCE.randint(8, 32)), strict=False)
        writer.insert_network(IPSet([str(four)]), {"asn": number, "country_code": "GB"})
        if version == 6:
            high = (0x20010DB8 << 96) | CHANCE.getrandbits(96)
            six = ipaddress.ip_network((high, CHANCE.randint(33, 128)), strict=False)
            writer.insert_network(IPSet([str(six)]), {"asn": 1000 + number, "country_code": "NL"})
    writer.to_db_file(str(file))
    return file


def resized(file: Path, bits: int) -> Path:
    """The same file with records of another size: the writer itself makes the smallest that fits."""
    data = file.read_bytes()
    with maxminddb.open_database(file) as reader:
        count, old = reader.metadata().node_count, reader.metadata().record_size
    assert old == 24
    out = bytearray()
    for node in range(count):
        left, right = (int.from_bytes(data[node * 6 + side : node * 6 + side + 3], "big") for side in (0, 3))
        if bits == 32:
            out += left.to_bytes(4, "big") + right.to_bytes(4, "big")
        else:
            middle = (left >> 24) << 4 | right >> 24
            out += (
                (left & 0xFFFFFF).to_bytes(3, "big") + bytes([middle]) + (right & 0xFFFFFF).to_bytes(3, "big")
            )
    rest = data[count * 6 :]
    at = rest.rindex(b"record_size") + len(b"record_size")
    assert rest[at : at + 2] == b"\xa1\x18"
    other = file.with_name(f"{bits}-{file.name}")
    other.write_bytes(bytes(out) + rest[:at] + b"\xa1" + bytes([bits]) + rest[at + 2 :])
    return other


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("bits", [24, 28, 32])
def test_every_answer_is_the_readers(tmp_path: Path, version: int, bits: int) -> None:
    file = made(tmp_path / "x.mmdb", version)
    file = file if bits == 24 else resized(file, bits)
    table = Table(file)
    asked = [str(ipaddress.IPv4Address(CHANCE.getrandbits(32))) for _ in range(400)]
    if version == 6:
        asked += [str(ipaddress.IPv6Address((0x20010DB8 << 96) | CHANCE.getrandbits(96))) for _ in range(400)]
        asked += ["::1", "2001:db8::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"]
    asked += ["0.0.0.0", "255.255.255.255"]
    CHANCE.shuffle(asked)
    found = table.look_up(asked)
    hits = 0
    with maxminddb.open_database(file) as reader:
        for address, number, length in zip(asked, found.record, found.prefix, strict=True):
            wanted, prefix = reader.get_with_prefix_len(address)
            assert (table.records[number] if number >= 0 else None) == wanted, address
            assert wanted is None or length == prefix, address
            assert table.asn[number] == (wanted["asn"] if wanted else 0)
            assert table.country[number] == (wanted["country_code"] if wanted else "")
            hits += wanted is not None
        shown = list(table.networks(asked, found))
    assert hits and all(bool(text) == (number >= 0) for text, number in zip(shown, found.record, strict=True))


@pytest.mark.parametrize("wrong", ["", "192.0.2", "010.0.2.1", "x", "fe80::1%eth0", "1.2.3.4 "])
def test_what_is_no_literal_is_refused(tmp_path: Path, wrong: str) -> None:
    table = Table(made(tmp_path / "x.mmdb", 6))
    with pytest.raises(ValueError, match="no IP address"):
        table.look_up(["192.0.2.1", wrong])


def test_a_file_that_is_damaged_is_refused(tmp_path: Path) -> None:
    whole = made(tmp_path / "x.mmdb", 6).read_bytes()
    for seed in range(60):
        chance = random.Random(seed)
        body = bytearray(whole)
        at = chance.randrange(len(body))
        body[at : at + chance.choice((1, 40))] = chance.randbytes(chance.choice((0, 1, 40)))
        file = tmp_path / "bad.mmdb"
        file.write_bytes(bytes(body))
        try:
            Table(file).look_up(["192.0.2.1", "2001:db8::1"])
        except (OSError, ValueError, maxminddb.InvalidDatabaseError):
            continue
    (tmp_path / "none.mmdb").write_bytes(b"nothing")
    with pytest.raises(maxminddb.InvalidDatabaseError):
        Table(tmp_path / "none.mmdb")
