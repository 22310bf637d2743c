"""Properties of the log's formats: round trips hold, proofs hold for their own leaf, and for no other."""

from __future__ import annotations

import re
import string
from typing import get_args, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from platesieve.audit import entry as e
from platesieve.audit import tree, words
from platesieve.audit.checkpoint import Checkpoint
from platesieve.audit.note import NoteSigner, NoteVerifier
from platesieve.audit.tiles import Edge, pack_bundle, unpack_bundle
from platesieve.audit.verify import verify_log
from platesieve.domain.errors import AuditError
from platesieve.domain.plate import ALPHABET, MAX_CHARACTERS
from tests.fakes.log_files import SIGNER, LogInMemory, many, one_of_each

PLATES = st.text(ALPHABET, min_size=1, max_size=MAX_CHARACTERS)
LEAVES = st.lists(st.binary(max_size=8), min_size=1, max_size=70).map(lambda all_: [tree.leaf_hash(x) for x in all_])


def values(word: words.Word) -> st.SearchStrategy[object]:  # noqa: PLR0911 - one line for each kind of word
    """Return a strategy for what a word admits."""
    match word:
        case words.Moment():
            return st.integers(0, 253_402_300_799 * 10**9)
        case words.Count():
            return st.integers(0, 2**53 - 1)
        case words.Pattern(expression=expression):
            shape = expression.rpartition("\\Z)")[2]  # a look-ahead is more than the generator knows
            texts = st.from_regex(shape, fullmatch=True, alphabet=string.printable)
            return texts.filter(lambda text: re.fullmatch(expression, text, re.ASCII) is not None)
        case words.Choice(members):
            return st.sampled_from(list(members))
        case words.Several(inner):
            return st.lists(values(inner), max_size=4).map(tuple)
        case words.Tallies(key):
            return st.dictionaries(values(key), st.integers(0, 1000), max_size=4)
        case words.Maybe(inner):
            return st.none() | values(inner)
    raise AssertionError(word)


def entries() -> st.SearchStrategy[e.Entry]:
    """Return a strategy for entries of every type."""

    def of(kind: type[e.Entry]) -> st.SearchStrategy[e.Entry]:
        hints = get_type_hints(kind, include_extras=True)
        fields = {name: values(hint.__metadata__[0]) for name, hint in hints.items() if hasattr(hint, "__metadata__")}
        return st.builds(kind, **fields)

    return st.one_of([of(kind) for kind in get_args(e.Entry)])


@given(entries())
def test_entries_survive_encode_and_decode(entry: e.Entry) -> None:
    """And the bytes are the only ones that mean this entry."""
    encoded = e.encode(entry)

    assert e.decode(encoded) == entry
    assert e.encode(e.decode(encoded)) == encoded


@given(st.sampled_from(one_of_each()), st.data())
def test_a_changed_byte_is_another_entry_or_none(entry: e.Entry, data: st.DataObject) -> None:
    """Two encodings of one entry do not exist."""
    encoded = bytearray(e.encode(entry))
    at = data.draw(st.integers(0, len(encoded) - 1))
    encoded[at] ^= data.draw(st.integers(1, 255))
    try:
        changed = e.decode(bytes(encoded))
    except AuditError:
        return
    assert changed != entry


@given(st.binary(max_size=200))
def test_decoding_never_fails_otherwise(noise: bytes) -> None:
    """Whatever the bytes: an entry or an AuditError."""
    try:
        e.decode(noise)
    except AuditError:
        return


@given(PLATES)
def test_no_text_of_an_entry_can_be_a_plate(plate: str) -> None:
    """The canary, for every plate there is and every kind of text."""
    for word in (words.NAME, words.VERSION, words.SHA256, words.TOKEN, words.DEVICE, words.LIST_AND_CATEGORY):
        with pytest.raises(AuditError):
            word.admit(plate)


@given(LEAVES, st.data())
def test_inclusion_proofs_hold_for_their_leaf_alone(leaves: list[bytes], data: st.DataObject) -> None:
    """Another leaf, another place or another root is refused."""
    index = data.draw(st.integers(0, len(leaves) - 1))
    proof, root = tree.inclusion_proof(leaves, index), tree.root_of(leaves)
    other = data.draw(st.binary(min_size=32, max_size=32).filter(lambda hashed: hashed != leaves[index]))

    assert tree.verify_inclusion(leaves[index], index, len(leaves), proof, root)
    assert not tree.verify_inclusion(other, index, len(leaves), proof, root)
    assert not tree.verify_inclusion(leaves[index], index, len(leaves), proof, other)
    if proof:
        assert not tree.verify_inclusion(leaves[index], index, len(leaves), proof[:-1], root)
    assert not tree.verify_inclusion(leaves[index], index, len(leaves), (*proof, other), root)


@given(LEAVES, st.data())
def test_consistency_proofs_hold_for_true_prefixes_alone(leaves: list[bytes], data: st.DataObject) -> None:
    """A tree whose past was changed has no proof that leads to the old root."""
    first = data.draw(st.integers(1, len(leaves)))
    older, newer = tree.root_of(leaves[:first]), tree.root_of(leaves)
    proof = tree.consistency_proof(leaves, first)
    other = data.draw(st.binary(min_size=32, max_size=32).filter(lambda hashed: hashed not in {older, newer}))

    assert tree.verify_consistency(first, len(leaves), older, newer, proof)
    assert not tree.verify_consistency(first, len(leaves), other, newer, proof)
    assert not tree.verify_consistency(first, len(leaves), older, other, proof)
    assert not tree.verify_consistency(first, len(leaves), older, newer, (*proof, other))


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_bundles_survive_packing(lines: list[bytes]) -> None:
    """Whatever is in them."""
    assert unpack_bundle(pack_bundle(lines)) == lines


@given(st.lists(st.integers(0, 300), max_size=6))
@settings(max_examples=30)
def test_a_log_is_the_same_however_it_grew(steps: list[int]) -> None:
    """One append or many: the same root, the same edge."""
    lines = [number.to_bytes(2, "big") for number in range(sum(steps))]
    edge, done = Edge(), 0
    for step in steps:
        edge, _ = edge.extended(lines[done : done + step])
        done += step

    at_once, _ = Edge().extended(lines)
    assert (edge.root(), edge.size, edge.bundle) == (at_once.root(), at_once.size, at_once.bundle)
    assert edge.root() == tree.root_of(tree.leaf_hash(line) for line in lines)


@given(st.integers(1, 40), st.data())
@settings(max_examples=60)
def test_any_changed_byte_of_a_log_is_refused(size: int, data: st.DataObject) -> None:
    """Tamper with any byte of any file; untouched it passes."""
    log = LogInMemory().grow(many(size))
    assert verify_log(log, SIGNER.verifier).ok

    name = data.draw(st.sampled_from(sorted(log.content)))
    content = bytearray(log.content[name])
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    log.content[name] = bytes(content)
    assert not verify_log(log, SIGNER.verifier).ok


@given(st.binary(min_size=32, max_size=32), st.integers(0, 2**63 - 1), st.binary(min_size=32, max_size=32))
def test_keys_and_checkpoints_survive_their_text_forms(seed: bytes, size: int, root: bytes) -> None:
    """What is parsed is what was written."""
    signer = NoteSigner("example.com/log", seed)
    checkpoint = Checkpoint("example.com/log", size, root)

    assert NoteSigner.from_skey(signer.skey) == signer
    assert NoteVerifier.from_vkey(signer.verifier.vkey) == signer.verifier
    assert Checkpoint.from_text(signer.verifier.open(signer.sign(checkpoint.text))) == checkpoint
