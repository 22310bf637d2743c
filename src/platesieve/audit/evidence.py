"""Evidence: one disclosed record, and the proof that the device committed to it before it left (FORMAT 8).

Whoever received the record holds its salt too, and both are erased together. As long as they exist anybody can be
shown that the record is the very one; afterwards nobody can test even a guess, and the log still verifies.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Self

import rfc8785

from platesieve.audit import words
from platesieve.audit.commitment import SALT_BYTES, commit
from platesieve.audit.entry import Publish, decode
from platesieve.audit.note import decode_base64
from platesieve.audit.proof import LoggedProof, check_logged
from platesieve.audit.tiles import WIDTH, bundle_name, unpack_bundle
from platesieve.domain.errors import AuditError, InputError

if TYPE_CHECKING:
    from platesieve.audit.checkpoint import Checkpoint
    from platesieve.audit.log_files import LogFiles
    from platesieve.audit.note import NoteVerifier

FORMAT = "platesieve evidence 1"
_REQUIRED = {"format", "record", "salt", "entry", "proof"}
_NO_EVENT = "give one hit, read or count as a subscriber received it, with its salt"


class EvidenceFault(StrEnum):
    """What is wrong with a package."""

    CHECKPOINT = "checkpoint"
    PROOF = "proof"
    ENTRY = "entry"
    COMMITMENT = "commitment"
    POLICY = "policy"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a package holds. Its repr shows nothing of the record.

    Attributes:
        record: the canonical bytes that left, without the salt.
        salt: 32 bytes; SHA-256(salt || record) is the commitment.
        entry: the `publish` entry with this commitment, encoded.
        proof: c2sp.org/tlog-proof@v1 of the entry, which holds the checkpoint.
        policy: the policy file under which it left, if it was added.
    """

    record: bytes = field(repr=False)
    salt: bytes = field(repr=False)
    entry: bytes
    proof: str
    policy: str | None = None

    @property
    def text(self) -> str:
        """Return the package: one JSON document, each member as it can be checked on its own."""
        document = {
            "format": FORMAT,
            "record": self.record.decode(),
            "salt": base64.b64encode(self.salt).decode(),
            "entry": self.entry.decode(),
            "proof": self.proof,
        }
        if self.policy is not None:
            document["policy"] = self.policy
        return json.dumps(document, indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Build from a package.

        Raises:
            InputError: it is none.
        """
        try:
            document = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise _no_package() from error
        if not isinstance(document, dict) or not all(isinstance(value, str) for value in document.values()):
            raise _no_package()
        salt = decode_base64(document.get("salt", ""))
        if document.keys() - {"policy"} != _REQUIRED or document["format"] != FORMAT or salt is None:
            raise _no_package()
        if len(salt) != SALT_BYTES:
            raise _no_package()
        try:
            record, entry = document["record"].encode(), document["entry"].encode()
        except UnicodeEncodeError as error:  # half of a surrogate pair
            raise _no_package() from error
        return cls(record, salt, entry, document["proof"], document.get("policy"))


@dataclass(frozen=True, slots=True)
class EvidenceVerdict:
    """Whether a package holds, in sentences: what it proves and what it does not."""

    fault: EvidenceFault | None
    sentence: str
    proves: tuple[str, ...] = ()
    proves_not: tuple[str, ...] = ()
    expires_ns: int | None = None

    @property
    def ok(self) -> bool:
        """Return whether everything holds."""
        return self.fault is None


def record_of_event(event: bytes) -> tuple[bytes, bytes]:
    """Return record and salt of an event as a subscriber received it: a CloudEvent, or its data alone.

    Raises:
        InputError: it is no such event, or holds no salt.
    """
    try:
        document = json.loads(event)
        body: dict[str, Any] = dict(document.get("data", document))
        salt = decode_base64(str(body.pop("salt")))
        record = rfc8785.dumps(body)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, rfc8785.CanonicalizationError) as error:
        raise InputError("this is no event with a salt", _NO_EVENT) from error
    if salt is None or len(salt) != SALT_BYTES:
        raise InputError("the salt of this event is not 32 bytes in base64", _NO_EVENT)
    return record, salt


def find_commitment(files: LogFiles, size: int, commitment: str) -> int | None:
    """Return the index of the `publish` entry with a commitment (64 hex digits), or None.

    Raises:
        AuditError: an entry before it cannot be read.
    """
    needle = f'"commitment":"{commitment}"'.encode()
    for index in range(-(-size // WIDTH)):
        bundle = files.read(bundle_name(index, min(WIDTH, size - index * WIDTH))) or b""
        if needle in bundle:
            encoded = unpack_bundle(bundle)
            return index * WIDTH + next(number for number, line in enumerate(encoded) if needle in line)
    return None


def check_evidence(  # noqa: PLR0911 - each step may end it, in order
    evidence: Evidence, verifier: NoteVerifier
) -> EvidenceVerdict:
    """Return whether a package proves what it claims; the first fault ends it (FORMAT 8.3).

    Args:
        evidence: the package.
        verifier: the device's audit key, noted at enrolment and not taken from the package.
    """
    try:
        proof = LoggedProof.from_text(evidence.proof)
    except AuditError as error:
        return _refused(EvidenceFault.PROOF, error.message)
    try:
        verifier.open(proof.note)
    except AuditError as error:
        return _refused(EvidenceFault.CHECKPOINT, error.message)
    try:
        entry = decode(evidence.entry)
    except AuditError as error:
        return _refused(EvidenceFault.ENTRY, error.message)
    if not isinstance(entry, Publish):
        return _refused(EvidenceFault.ENTRY, "the entry is not about something that left")
    try:
        checkpoint = check_logged(proof, evidence.entry, verifier)
    except AuditError as error:
        return _refused(EvidenceFault.PROOF, error.message)
    if commit(evidence.salt, evidence.record) != entry.commitment:
        return _refused(EvidenceFault.COMMITMENT, "record and salt are not those that the entry commits to")
    if evidence.policy is not None and sha256(evidence.policy.encode()).hexdigest() != entry.policy_sha256:
        return _refused(EvidenceFault.POLICY, "the policy is not the one under which the record left")
    return _accepted(evidence, entry, proof, checkpoint)


def _accepted(evidence: Evidence, entry: Publish, proof: LoggedProof, checkpoint: Checkpoint) -> EvidenceVerdict:
    write = words.MOMENT.write
    under = "the policy in this package" if evidence.policy is not None else f"the policy {entry.policy_sha256[:16]}..."
    proves = [
        f"{checkpoint.origin} committed to this {entry.kind} before it left: entry {proof.index} of {checkpoint.size}",
        f"it left under {under}, at {write(entry.time_ns)} or, where the policy coarsens time, in the period from then",
    ]
    if entry.expires_ns is not None:
        proves.append(f"it was to be erased everywhere by {write(entry.expires_ns)}")
    proves_not = (
        "that the plate was read right: only a picture and a person can",
        "that the log has no second version: compare its checkpoint with one that a witness holds",
        "that nothing else left: read the whole log",
    )
    sentence = f"the record is the one that {checkpoint.origin} committed to in entry {proof.index}"
    return EvidenceVerdict(None, sentence, tuple(proves), proves_not, entry.expires_ns)


def _refused(fault: EvidenceFault, why: str) -> EvidenceVerdict:
    return EvidenceVerdict(fault, f"this proves nothing: {why}")


def _no_package() -> InputError:
    return InputError("this is no evidence package", "give a file that platesieve audit prove wrote")
