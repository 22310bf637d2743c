"""The ratchet of shared pseudonyms on a disk: one line, written over in place with every epoch.

    platesieve-fleet-secret-1 <ring> <epoch length, s> <epoch, 12 digits> <base64 of the secret> <check, 16 hex digits>

The line always has the same length, and the new one is written onto the blocks of the old one and forced out before it
is used: a rename would leave the old secret in blocks that are free but not empty. Flash may still hold the old block
where no program reaches it; a device whose disk can be taken apart keeps this file in the TPM's or secure element's
storage, or on a RAM disk and is given a new ring after each power cut.

`check` is the beginning of the SHA-256 of the rest: a line torn by a power cut is refused and not taken for a key.
"""

from __future__ import annotations

import base64
import os
import re
from hashlib import sha256
from typing import TYPE_CHECKING

from platesieve.adapters.disk.key_line import create, read_line, refuse_readable_by_others
from platesieve.audit.note import decode_base64
from platesieve.domain.errors import KeyFileError
from platesieve.policy.pseudonym import Ring
from platesieve.policy.ratchet import SECRET_BYTES, Ratchet

if TYPE_CHECKING:
    from pathlib import Path

WORD = "platesieve-fleet-secret-1"
_CHECK_DIGITS = 16
_LINE = re.compile(rf"({WORD} ([0-9a-f]{{16}}) (\d{{1,10}}) (\d{{12}}) (\S{{44}})) ([0-9a-f]{{16}})", re.ASCII)


def open_ring(file: Path) -> Ring:
    """Return the ratchet in a file, which goes forward with it.

    Raises:
        KeyFileError: the file is missing, damaged, of another kind, or others can read it.
    """
    return Ring(load_ratchet(file), lambda ratchet: _write_over(file, ratchet))


def load_ratchet(file: Path) -> Ratchet:
    """Return the ratchet in a file, which stays as it is.

    Raises:
        KeyFileError: the file is missing, damaged, of another kind, or others can read it.
    """
    refuse_readable_by_others(file)
    line = read_line(file)
    found = _LINE.fullmatch(line)
    if not line.startswith(f"{WORD} "):
        raise KeyFileError(
            f"{file} is not a fleet key", "make one with: platesieve keys new fleet --epoch 1h --out DIR"
        )
    secret = decode_base64(found[5]) if found else None
    if found is None or secret is None or len(secret) != SECRET_BYTES or _check(found[1]) != found[6]:
        raise KeyFileError(f"{file} is damaged", "give every device of the ring a new key: `platesieve keys new fleet`")
    return Ratchet(found[2], int(found[3]), int(found[4]), secret)


def new_ratchet_file(file: Path, ratchet: Ratchet) -> None:
    """Write a ratchet into a file that is not there yet.

    Raises:
        KeyFileError: the file is there already, or cannot be written.
    """
    create(file, _text(ratchet), 0o600)


def erase_ratchet(file: Path) -> None:
    """Write zeros over a ratchet and remove its file: this device leaves the ring.

    Raises:
        KeyFileError: the file is missing, no ratchet, or cannot be written.
    """
    line = read_line(file)
    if not line.startswith(f"{WORD} "):
        raise KeyFileError(f"{file} is not a fleet key", "nothing was erased; give the file that `shared_keys` names")
    _put(file, bytes(len(line) + 1))
    file.unlink()


def _text(ratchet: Ratchet) -> str:
    secret = base64.b64encode(ratchet.secret).decode()
    said = f"{WORD} {ratchet.ring} {ratchet.epoch_s} {ratchet.epoch:012d} {secret}"
    return f"{said} {_check(said)}"


def _check(said: str) -> str:
    return sha256(said.encode()).hexdigest()[:_CHECK_DIGITS]


def _write_over(file: Path, ratchet: Ratchet) -> None:
    _put(file, f"{_text(ratchet)}\n".encode())


def _put(file: Path, content: bytes) -> None:
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            os.pwrite(descriptor, content, 0)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise KeyFileError(
            f"the fleet key {file} cannot be written over: {error.strerror}",
            "let the camera process own the file, on a disk that can be written",
        ) from error
