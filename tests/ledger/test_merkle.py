"""RFC 6962 against the vectors of transparency-dev/merkle (Apache-2.0, beside this file): every one."""

import base64
import json
from hashlib import sha256
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from openhotline.ledger import merkle

VECTORS = json.loads((Path(__file__).parent / "vectors" / "vectors.json").read_text())


def raw(text):
    return base64.b64decode(text) if text else b""


def test_all_98_inclusion_vectors():
    wrong = [
        row["name"]
        for row in VECTORS["inclusion"]
        if merkle.verify_inclusion(
            row["leafIdx"], row["treeSize"], raw(row["leafHash"]), [raw(p) for p in row["proof"] or []], raw(row["root"])
        )
        is row["wantErr"]
    ]
    assert len(VECTORS["inclusion"]) == 98
    assert wrong == []


def test_all_98_consistency_vectors():
    wrong = [
        row["name"]
        for row in VECTORS["consistency"]
        if merkle.verify_consistency(
            row["size1"], row["size2"], raw(row["root1"]), raw(row["root2"]), [raw(p) for p in row["proof"] or []]
        )
        is row["wantErr"]
    ]
    assert len(VECTORS["consistency"]) == 98
    assert wrong == []


@given(st.integers(1, 60), st.data())
def test_proofs_we_make_are_proofs_we_accept(size, data):
    leaves = [merkle.leaf_hash(bytes([n])) for n in range(size)]
    root = merkle.root(leaves)
    index = data.draw(st.integers(0, size - 1))
    proof = merkle.inclusion_proof(index, leaves)
    assert merkle.verify_inclusion(index, size, leaves[index], proof, root)
    assert not merkle.verify_inclusion(index, size, merkle.leaf_hash(b"other"), proof, root)
    old = data.draw(st.integers(1, size))
    steps = merkle.consistency_proof(old, leaves)
    assert merkle.verify_consistency(old, size, merkle.root(leaves[:old]), root, steps)
    assert not merkle.verify_consistency(old, size, sha256(b"other").digest(), root, steps)


def test_an_empty_tree_has_the_root_of_nothing():
    assert merkle.root([]) == sha256(b"").digest()
