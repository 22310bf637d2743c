"""Commit, then forget: the log holds a hash that says nothing once its salt is gone (FORMAT 5).

The record is guessable (there are few plates), so the 32 random bytes in front of it carry all the secrecy. They
travel with the record and die with it; whoever keeps both can prove the record, nobody else can test a guess.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from platesieve.audit.tree import leaf_hash, root_of
from platesieve.domain.errors import AuditError

if TYPE_CHECKING:
    from collections.abc import Iterable

SALT_BYTES = 32


def commit(salt: bytes, record: bytes) -> str:
    """Return SHA-256(salt || record) in hex (FORMAT 5.1).

    Args:
        salt: 32 bytes from the operating system's generator, never used twice.
        record: exactly the bytes that leave, so that whoever received them can check.

    Raises:
        AuditError: the salt is not 32 bytes; a shorter one could be guessed.
    """
    if len(salt) != SALT_BYTES:
        raise AuditError(f"a salt of {len(salt)} bytes is not {SALT_BYTES}", "draw it with secrets.token_bytes(32)")
    return sha256(salt + record).hexdigest()


def batch_root(commitments: Iterable[str]) -> str | None:
    """Return the Merkle root over commitments in hex, or None where there is none (FORMAT 5.2)."""
    leaves = [leaf_hash(bytes.fromhex(commitment)) for commitment in commitments]
    return root_of(leaves).hex() if leaves else None
