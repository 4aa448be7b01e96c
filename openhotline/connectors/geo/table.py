"""Very many addresses to their networks at once: an MMDB file flattened into sorted arrays.

True here: the file's tree is unfolded level by level in numpy, once; a batch is then one binary search, and the
answer for each address is the same record and the same prefix that the reader gives for it. Address texts are read
strictly (what is no IP literal raises ValueError). Not here: single questions (`client.py`), what a record
means (`meaning.py`).
"""

import ipaddress
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import maxminddb
import numpy as np
from maxminddb.decoder import Decoder
from numpy.typing import NDArray

from openhotline.connectors.geo.meaning import country_of, network_of

_MARK = b"\xab\xcd\xefMaxMind.com"
_SEPARATOR = 16  # zero bytes between the tree and the records

_four = partial(socket.inet_pton, socket.AF_INET)
_six = partial(socket.inet_pton, socket.AF_INET6)
U32: TypeAlias = NDArray[np.uint32]
U64: TypeAlias = NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Found:
    """Answers in the order asked: which record (-1 none), and how long the prefix is that held the address."""

    record: NDArray[np.int32]
    prefix: NDArray[np.uint8]


class Table:
    """One MMDB file as arrays. `asn`, `country`: of each record, by its number."""

    def __init__(self, path: str | Path) -> None:
        """Unfold the file. Raises OSError, ValueError or maxminddb.InvalidDatabaseError for what is no MMDB."""
        data = Path(path).read_bytes()
        with maxminddb.open_database(path, maxminddb.MODE_MEMORY) as reader:
            about = reader.metadata()
        if data.rfind(_MARK) < 0:
            raise ValueError("no MMDB metadata")
        self.built = int(about.build_epoch)
        self._count, self._six_bits = about.node_count, about.ip_version == 6
        left, right = _tree(data, about.node_count, about.record_size)
        start = self._four_root(left) if self._six_bits else 0
        four = _unfold(left, right, about.node_count, start, 32)
        self._starts4 = (four.high >> np.uint64(32)).astype(np.uint32)
        self._depth4 = four.depth
        if self._six_bits:
            six = _unfold(left, right, about.node_count, 0, 128)
            # The high halves narrow the search, the low halves end it: both are one sorted order.
            self._starts6 = _joined(six.high, six.low)
            leaf6, self._depth6 = six.leaf, six.depth
        else:
            self._starts6 = _joined(np.zeros(1, np.uint64), np.zeros(1, np.uint64))
            leaf6, self._depth6 = np.full(1, -1, np.int64), np.zeros(1, np.uint8)
        # Offsets into the records become numbers, each record decoded once.
        offsets = np.unique(np.concatenate([four.leaf, leaf6]))
        offsets = offsets[offsets >= 0]
        base = about.node_count * about.record_size // 4
        decoder = Decoder(data, base + _SEPARATOR)
        self.records: list[Any] = [decoder.decode(base + int(at))[0] for at in offsets]
        self._leaf4, self._leaf6 = _numbered(four.leaf, offsets), _numbered(leaf6, offsets)
        self.asn: U32 = np.array([network_of(r)[0] for r in self.records] + [0], dtype=np.uint32)
        self.country: NDArray[np.str_] = np.array([country_of(r) for r in self.records] + [""], dtype="<U2")

    def _four_root(self, left: U32) -> int:
        """The node under which IPv4 stands in a tree of IPv6: 96 times to the left."""
        node = 0
        for _ in range(96):
            if node >= self._count:
                break
            node = int(left[node])
        return node

    def look_up(self, addresses: Sequence[str]) -> Found:
        """The record and prefix of each literal. Raises ValueError for what is no literal."""
        try:
            packed = np.frombuffer(b"".join(map(_four, addresses)), dtype=">u4")
        except OSError:
            return self._mixed(addresses)
        return self._find4(packed.astype(np.uint32))

    def _find4(self, packed: U32) -> Found:
        at = np.searchsorted(self._starts4, packed, side="right") - 1
        return Found(self._leaf4[at], self._depth4[at])

    def _mixed(self, addresses: Sequence[str]) -> Found:
        six = np.fromiter((":" in address for address in addresses), dtype=bool, count=len(addresses))
        record = np.full(len(addresses), -1, dtype=np.int32)
        prefix = np.zeros(len(addresses), dtype=np.uint8)
        try:
            fours = b"".join(_four(a) for a, is_six in zip(addresses, six, strict=True) if not is_six)
            sixes = b"".join(_six(a) for a, is_six in zip(addresses, six, strict=True) if is_six)
        except OSError:
            bad = next(a for a in addresses if not _is_literal(a))
            raise ValueError(f"{bad[:60]!r} is no IP address") from None
        found = self._find4(np.frombuffer(fours, dtype=">u4").astype(np.uint32))
        record[~six], prefix[~six] = found.record, found.prefix
        at = np.searchsorted(self._starts6, np.frombuffer(sixes, dtype="S16"), side="right") - 1
        record[six], prefix[six] = self._leaf6[at], self._depth6[at]
        return Found(record, prefix)

    def networks(self, addresses: Sequence[str], found: Found) -> Iterator[str]:
        """The prefixes as texts, for those that are shown: as slow as making texts is."""
        for address, record, length in zip(addresses, found.record, found.prefix, strict=True):
            text = f"{address}/{length}"
            yield str(ipaddress.ip_network(text, strict=False)) if record >= 0 else ""


@dataclass(frozen=True, slots=True)
class _Leaves:
    high: U64
    low: U64
    depth: NDArray[np.uint8]
    leaf: NDArray[np.int64]


def _tree(data: bytes, count: int, bits: int) -> tuple[U32, U32]:
    """The two children of every node. Raises ValueError for a tree that is cut short or of an unknown kind."""
    if bits not in (24, 28, 32) or len(data) < count * bits // 4:
        raise ValueError("the file's tree is cut short")
    raw: U32 = (
        np.frombuffer(data, dtype=np.uint8, count=count * bits // 4)
        .reshape(count, bits // 4)
        .astype(np.uint32)
    )
    if bits == 24:
        left = raw[:, 0] << 16 | raw[:, 1] << 8 | raw[:, 2]
        right = raw[:, 3] << 16 | raw[:, 4] << 8 | raw[:, 5]
    elif bits == 28:
        left = (raw[:, 3] >> 4) << 24 | raw[:, 0] << 16 | raw[:, 1] << 8 | raw[:, 2]
        right = (raw[:, 3] & 15) << 24 | raw[:, 4] << 16 | raw[:, 5] << 8 | raw[:, 6]
    else:
        left = raw[:, 0] << 24 | raw[:, 1] << 16 | raw[:, 2] << 8 | raw[:, 3]
        right = raw[:, 4] << 24 | raw[:, 5] << 16 | raw[:, 6] << 8 | raw[:, 7]
    return left.astype(np.uint32, copy=False), right.astype(np.uint32, copy=False)


def _unfold(left: U32, right: U32, count: int, start: int, bits: int) -> _Leaves:
    """Every leaf under `start` in order of address; together they cover the whole space."""
    node = np.array([start], dtype=np.int64)
    high, low = np.zeros(1, dtype=np.uint64), np.zeros(1, dtype=np.uint64)
    highs, lows, depths, leaves = [], [], [], []
    for depth in range(bits + 1):
        ends = node >= count
        if depth == bits and not ends.all():
            raise ValueError("the file's tree is deeper than an address")
        if ends.any():
            highs.append(high[ends])
            lows.append(low[ends])
            depths.append(np.full(int(ends.sum()), depth, dtype=np.uint8))
            leaves.append(np.where(node[ends] == count, -1, node[ends] - count))
        inner = ~ends
        if not inner.any():
            break
        at = node[inner]
        high, low = np.repeat(high[inner], 2), np.repeat(low[inner], 2)
        if depth < 64:
            high[1::2] |= np.uint64(1 << (63 - depth))
        else:
            low[1::2] |= np.uint64(1 << (127 - depth))
        node = np.empty(2 * len(at), dtype=np.int64)
        node[0::2], node[1::2] = left[at], right[at]
        if len(node) > 1 << 26:
            raise ValueError("the file's tree is larger than any that is honest")
    all_high, all_low = np.concatenate(highs), np.concatenate(lows)
    order = np.lexsort((all_low, all_high))
    return _Leaves(
        all_high[order], all_low[order], np.concatenate(depths)[order], np.concatenate(leaves)[order]
    )


def _joined(high: U64, low: U64) -> NDArray[np.bytes_]:
    """Both halves as one sortable string of 16 bytes."""
    both = np.empty((len(high), 2), dtype=">u8")
    both[:, 0], both[:, 1] = high, low
    return both.view("S16").reshape(-1)


def _numbered(leaf: NDArray[np.int64], offsets: NDArray[np.int64]) -> NDArray[np.int32]:
    at = np.searchsorted(offsets, leaf)
    return np.where(leaf < 0, -1, at).astype(np.int32)


def _is_literal(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text
