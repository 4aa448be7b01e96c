"""The tree of RFC 6962, against the published vectors and against the definition itself."""

import json
from base64 import b64decode
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from openhotline.ledger.merkle import (
    EMPTY_ROOT,
    CompactRange,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)

VECTORS = json.loads((Path(__file__).parent / "vectors" / "merkle-proofs.json").read_text())
LEAVES = [leaf_hash(bytes([number])) for number in range(40)]


def proof_of(row: dict[str, Any]) -> list[bytes]:
    return [b64decode(node) for node in row["proof"] or []]


def test_the_vectors_are_all_there() -> None:
    assert (len(VECTORS["inclusion"]), len(VECTORS["consistency"])) == (98, 98)


@pytest.mark.parametrize("row", VECTORS["inclusion"], ids=lambda row: row["name"])
def test_inclusion_as_published(row: dict[str, Any]) -> None:
    shown = verify_inclusion(
        row["leafIdx"], row["treeSize"], b64decode(row["leafHash"]), proof_of(row), b64decode(row["root"])
    )
    assert shown is not row["wantErr"]


@pytest.mark.parametrize("row", VECTORS["consistency"], ids=lambda row: row["name"])
def test_consistency_as_published(row: dict[str, Any]) -> None:
    shown = verify_consistency(
        row["size1"], row["size2"], b64decode(row["root1"]), b64decode(row["root2"]), proof_of(row)
    )
    assert shown is not row["wantErr"]


def by_definition(leaves: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, word by word."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = max(2**power for power in range(10) if 2**power < len(leaves))
    return node_hash(by_definition(leaves[:k]), by_definition(leaves[k:]))


def test_the_root_over_a_stream_is_the_root_by_definition() -> None:
    tree = CompactRange()
    assert tree.root() == EMPTY_ROOT
    for size, leaf in enumerate(LEAVES, start=1):
        tree.append(leaf)
        assert tree.root() == root_of(LEAVES[:size]) == by_definition(LEAVES[:size])


def test_leaves_and_nodes_are_marked_apart() -> None:
    assert leaf_hash(b"") == bytes.fromhex("6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d")
    assert node_hash(b"l", b"r") != leaf_hash(b"lr")


def test_every_leaf_of_every_tree_is_shown_to_be_in_it_and_no_other() -> None:
    for size in range(1, len(LEAVES) + 1):
        leaves, root = LEAVES[:size], root_of(LEAVES[:size])
        for index in range(size):
            proof = inclusion_proof(index, leaves)
            assert verify_inclusion(index, size, leaves[index], proof, root)
            assert not verify_inclusion(index, size, leaf_hash(b"another"), proof, root)
            assert not verify_inclusion((index + 1) % size, size, leaves[index], proof, root) or size == 1


def test_every_tree_is_shown_to_begin_every_later_one_and_no_forked_one() -> None:
    for later in range(1, len(LEAVES) + 1):
        leaves = LEAVES[:later]
        for earlier in range(1, later + 1):
            proof = consistency_proof(earlier, leaves)
            before, after = root_of(leaves[:earlier]), root_of(leaves)
            assert verify_consistency(earlier, later, before, after, proof)
            forked = root_of([*leaves[: earlier - 1], leaf_hash(b"forked")])
            assert not verify_consistency(earlier, later, forked, after, proof)


def test_outside_the_tree_there_is_no_proof() -> None:
    for ask in (lambda: inclusion_proof(40, LEAVES), lambda: consistency_proof(0, LEAVES)):
        with pytest.raises(ValueError):
            ask()
