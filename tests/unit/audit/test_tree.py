"""Hashing and proofs, held to the public cases of RFC 6962 implementations."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from platesieve.audit import tree

CASES: dict[str, Any] = json.loads((Path(__file__).parents[2] / "vectors/audit/rfc6962.json").read_text())
LEAVES = [tree.leaf_hash(bytes.fromhex(entry)) for entry in CASES["entries"]]
ROOTS = [bytes.fromhex(root) for root in CASES["roots"]]


@pytest.mark.parametrize("size", range(9))
def test_roots_are_the_published_ones(size: int) -> None:
    """Trees of 0 to 8 leaves have the roots that Certificate Transparency published."""
    assert tree.root_of(LEAVES[:size]) == ROOTS[size]


@pytest.mark.parametrize("case", CASES["inclusion"])
def test_published_inclusion_proofs(case: dict[str, Any]) -> None:
    """We make the published proofs and accept them."""
    index, size = case["index"], case["size"]
    proof = tuple(bytes.fromhex(step) for step in case["proof"])

    assert tree.inclusion_proof(LEAVES[:size], index) == proof
    assert tree.verify_inclusion(LEAVES[index], index, size, proof, ROOTS[size])


@pytest.mark.parametrize("case", CASES["consistency"])
def test_published_consistency_proofs(case: dict[str, Any]) -> None:
    """We make the published proofs and accept them."""
    first, second = case["first"], case["second"]
    proof = tuple(bytes.fromhex(step) for step in case["proof"])

    assert tree.consistency_proof(LEAVES[:second], first) == proof
    assert tree.verify_consistency(first, second, ROOTS[first], ROOTS[second], proof)


def test_every_pair_of_small_trees_is_proven_and_no_other_roots() -> None:
    """Each proof holds for its own two roots; with any other root in their place it is refused."""
    for second in range(1, 9):
        for first in range(1, second + 1):
            proof = tree.consistency_proof(LEAVES[:second], first)
            for older in range(1, 9):
                for newer in range(1, 9):
                    accepted = tree.verify_consistency(first, second, ROOTS[older], ROOTS[newer], proof)
                    assert accepted is ((older, newer) == (first, second) or (older == newer and first == second))


@pytest.mark.parametrize(
    "proof",
    [(), (LEAVES[1],), (LEAVES[0], LEAVES[1]), (LEAVES[1], LEAVES[2], LEAVES[3], LEAVES[4]), (b"short",)],
    ids=["empty", "short", "wrong", "long", "no-hash"],
)
def test_bad_inclusion_proofs_are_refused(proof: tuple[bytes, ...]) -> None:
    """A proof of the wrong length or content never passes."""
    assert not tree.verify_inclusion(LEAVES[0], 0, 8, proof, ROOTS[8])


def test_a_root_that_is_no_hash_is_refused() -> None:
    """A twelve-byte root passes with verifiers that do not look."""
    assert not tree.verify_consistency(1, 1, b"twelve bytes", b"twelve bytes", ())
    assert not tree.verify_inclusion(b"twelve bytes", 0, 1, (), b"twelve bytes")


def test_proofs_of_what_is_not_there_are_refused() -> None:
    """Asking for a leaf or tree beyond the end is a mistake of the caller."""
    with pytest.raises(IndexError):
        tree.inclusion_proof(LEAVES, 8)
    with pytest.raises(IndexError):
        tree.consistency_proof(LEAVES, 9)
    assert not tree.verify_inclusion(LEAVES[0], 8, 8, (), ROOTS[8])


def test_a_leaf_cannot_pose_as_a_node() -> None:
    """Two leaves joined are not the leaf that holds their joined bytes."""
    assert tree.leaf_hash(LEAVES[0] + LEAVES[1]) != tree.node_hash(LEAVES[0], LEAVES[1])
