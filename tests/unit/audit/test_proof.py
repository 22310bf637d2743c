"""Proofs read from tiles are those of the definition, and tlog-proof files say them to others."""

from __future__ import annotations

import pytest

from platesieve.audit.checkpoint import Checkpoint
from platesieve.audit.proof import LoggedProof, TiledTree, check_logged, is_prefix, prove_logged
from platesieve.audit.tiles import tile_name
from platesieve.audit.tree import consistency_proof, inclusion_proof, leaf_hash, root_of
from platesieve.domain.errors import AuditError
from tests.fakes.log_files import OTHER_SIGNER, SIGNER, LogInMemory, many

SIZES = [1, 2, 3, 7, 8, 255, 256, 257, 513, 700]


def checkpoint_of(log: LogInMemory) -> Checkpoint:
    """Return what a log signed."""
    return Checkpoint(SIGNER.name, len(log.entries), log.root)


@pytest.mark.parametrize("size", SIZES)
def test_proofs_from_tiles_are_those_of_the_definition(size: int) -> None:
    """Also across partial tiles and levels."""
    log = LogInMemory().grow(many(size))
    leaves = [leaf_hash(entry) for entry in log.entries]
    tree = TiledTree(log, size)

    assert tree.root() == log.root
    for index in {0, size // 3, size // 2, size - 1}:
        assert tree.inclusion(index) == inclusion_proof(leaves, index)
        assert tree.consistency(index + 1) == consistency_proof(leaves, index + 1)
        assert tree.root(index) == root_of(leaves[:index])
        assert tree.entry(index) == log.entries[index]


@pytest.mark.parametrize("size", SIZES)
def test_every_entry_can_be_proven_to_somebody_else(size: int) -> None:
    """The file is read back and holds for its own entry, its own key, and for nothing else."""
    log = LogInMemory().grow(many(size))
    for index in {0, size - 1}:
        entry, proof = prove_logged(log, log.checkpoint, index)
        read = LoggedProof.from_text(proof.text)
        assert read == proof
        assert check_logged(read, entry, SIGNER.verifier) == checkpoint_of(log)
        for altered, verifier in ((entry + b" ", SIGNER.verifier), (entry, OTHER_SIGNER.verifier)):
            with pytest.raises(AuditError):
                check_logged(read, altered, verifier)


def test_a_proof_has_the_form_of_the_specification() -> None:
    """c2sp.org/tlog-proof@v1: header, index, hashes, blank line, checkpoint."""
    log = LogInMemory().grow(many(2))

    lines = prove_logged(log, log.checkpoint, 1)[1].text.split("\n")

    assert lines[:2] == ["c2sp.org/tlog-proof@v1", "index 1"]
    assert lines[3:6] == ["", SIGNER.name, "2"]


def test_every_changed_character_of_a_proof_is_refused() -> None:
    """Index, hashes, checkpoint and signature all count."""
    log = LogInMemory().grow(many(5))
    entry, proof = prove_logged(log, log.checkpoint, 3)
    text = proof.text
    for at, character in enumerate(text):
        altered = text[:at] + ("B" if character == "A" else "A") + text[at + 1 :]
        with pytest.raises(AuditError):
            check_logged(LoggedProof.from_text(altered), entry, SIGNER.verifier)


def test_what_nothing_vouches_for_is_refused() -> None:
    """`extra` data is allowed by the specification, and signed by nobody."""
    log = LogInMemory().grow(many(2))
    text = prove_logged(log, log.checkpoint, 0)[1].text

    with pytest.raises(AuditError, match="extra"):
        LoggedProof.from_text(text.replace("index 0", "extra QUJD\nindex 0"))


def test_tiles_that_do_not_lead_to_the_root_prove_nothing() -> None:
    """A proof is checked before it is handed on."""
    log = LogInMemory().grow(many(3))
    log.content[tile_name(0, 0, 3)] = bytes(96)
    with pytest.raises(AuditError, match="signed root"):
        prove_logged(log, log.checkpoint, 0)

    del log.content[tile_name(0, 0, 3)]
    with pytest.raises(AuditError, match="missing"):
        prove_logged(log, log.checkpoint, 0)


@pytest.mark.parametrize("first", [0, 1, 5, 256, 300])
def test_a_log_begins_with_what_it_was_and_with_nothing_else(first: int) -> None:
    """The fork is the control."""
    log = LogInMemory().grow(many(first))
    before = checkpoint_of(log)
    log.grow(many(60, first))
    fork = LogInMemory().grow(many(first + 60, first=1000))

    assert is_prefix(log, checkpoint_of(log), before)
    assert is_prefix(fork, checkpoint_of(fork), before) is (first == 0)
    assert not is_prefix(log, before, checkpoint_of(log))
