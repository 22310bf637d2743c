"""Signed notes and checkpoints: the public example passes, everything looser is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from platesieve.audit.checkpoint import Checkpoint
from platesieve.audit.note import NoteSigner, NoteVerifier, parse_note
from platesieve.domain.errors import AuditError, KeyFileError
from tests.fakes.log_files import OTHER_SIGNER, SIGNER, LogInMemory

VECTORS = Path(__file__).parents[2] / "vectors/audit"
EXAMPLE: dict[str, str] = json.loads((VECTORS / "signed_note.json").read_text())


def test_the_public_example_is_signed_and_opened() -> None:
    """Key id, key forms, signature and note are those of Go's sumdb/note."""
    signer = NoteSigner.from_skey(EXAMPLE["skey"])

    assert signer.skey == EXAMPLE["skey"]
    assert signer.verifier.vkey == EXAMPLE["vkey"]
    assert signer.sign(EXAMPLE["text"]) == EXAMPLE["note"].encode()
    assert NoteVerifier.from_vkey(EXAMPLE["vkey"]).open(EXAMPLE["note"].encode()) == EXAMPLE["text"]


def test_every_flipped_bit_of_a_note_is_refused() -> None:
    """No byte of a note can change unseen, not even the spare bits of its base64."""
    verifier, note = SIGNER.verifier, LogInMemory().checkpoint

    assert verifier.open(note)
    for at in range(len(note)):
        for bit in range(8):
            flipped = bytearray(note)
            flipped[at] ^= 1 << bit
            with pytest.raises(AuditError):
                verifier.open(bytes(flipped))


def test_signatures_of_others_are_ignored_and_ours_is_needed() -> None:
    """Witnesses may add lines; without our own valid line nothing is believed."""
    ours = LogInMemory().checkpoint
    text, _ = parse_note(ours)
    theirs = OTHER_SIGNER.sign(text).rpartition(b"\n\n")[2]

    assert SIGNER.verifier.open(ours + theirs) == text
    with pytest.raises(AuditError, match="expected key"):
        SIGNER.verifier.open(OTHER_SIGNER.sign(text))


def test_one_wrong_signature_of_ours_spoils_the_note() -> None:
    """A second line of our key that does not fit is a forgery attempt, not noise."""
    note = SIGNER.sign("a\n")

    with pytest.raises(AuditError, match="signature"):
        SIGNER.verifier.open(note + SIGNER.sign("b\n").rpartition(b"\n\n")[2])


@pytest.mark.parametrize("path", sorted((VECTORS / "checkpoints").glob("*.txt")), ids=lambda path: path.stem)
def test_checkpoint_vectors(path: Path) -> None:
    """Each is signed with the right key and, but for the accepted ones, has the fault that its name says."""

    def opened() -> Checkpoint:
        return Checkpoint.from_text(SIGNER.verifier.open(path.read_bytes()))

    if path.stem.startswith("accepted"):
        assert opened().text == parse_note(path.read_bytes())[0]
    else:
        with pytest.raises(AuditError):
            opened()


@pytest.mark.parametrize(
    "vkey",
    [
        "",
        "PeterNeumann",
        EXAMPLE["skey"],
        EXAMPLE["vkey"].replace("c74f20a3", "c74f20a4"),
        EXAMPLE["vkey"].replace("Peter", "Paul"),
        EXAMPLE["vkey"].replace("+AR", "+BR"),
        EXAMPLE["vkey"][:-4],
        EXAMPLE["vkey"].replace("PeterNeumann", "Peter Neumann"),
    ],
)
def test_bad_public_keys_are_refused(vkey: str) -> None:
    """Of another algorithm, cut off, or with an id that is not their own."""
    with pytest.raises(KeyFileError):
        NoteVerifier.from_vkey(vkey)


@pytest.mark.parametrize("skey", [EXAMPLE["vkey"], EXAMPLE["skey"][:-4], EXAMPLE["skey"].replace("c7", "c8")])
def test_bad_secret_keys_are_refused(skey: str) -> None:
    """And the message does not repeat them."""
    with pytest.raises(KeyFileError) as refused:
        NoteSigner.from_skey(skey)

    assert skey not in str(refused.value)


def test_a_signer_does_not_show_its_seed() -> None:
    """A traceback with a signer in it gives nothing away."""
    assert repr(SIGNER.seed) not in repr(SIGNER)
    assert SIGNER.seed.hex() not in repr(SIGNER)
