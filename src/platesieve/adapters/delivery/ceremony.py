"""Who signs what in an agency: roles, their keys and thresholds, and key files under a passphrase.

| holder | keys | signs | how many must | where the keys are |
|---|---|---|---|---|
| root | 3 | which keys count at all | 2 | in two places, offline; needed once a year, and when a key was lost |
| office | 2 | policies, recipients' keys, models, updates for whom, and who signs each kind | 2 | with two people |
| lists | 1 | hot lists | 1 | with whoever keeps the lists; it can change nothing else |
| online | 1 | that this is the newest state (snapshot, timestamp) | 1 | on the machine that publishes every day |

A stolen online key can hold a device at today's state or mix nothing; a stolen lists key can put plates on a list, and
neither can change a policy or open a field. Both office
keys replace the lists key, two root keys any other (see `rotation`).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from securesystemslib.signer import CryptoSigner

from platesieve.adapters.delivery.addressed import Kind
from platesieve.domain.errors import KeyFileError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

MAX_KEY_BYTES = 4096
MIN_PASSPHRASE = 12


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody who holds keys: how many there are, and how many must sign together."""

    name: str
    keys: int
    threshold: int

    @property
    def key_names(self) -> tuple[str, ...]:
        """Return the stems of the key files."""
        return tuple(f"{self.name}-{number}" for number in range(1, self.keys + 1))


HOLDERS: Final = (Holder("root", 3, 2), Holder("office", 2, 2), Holder("lists", 1, 1), Holder("online", 1, 1))
_BY_NAME = {holder.name: holder for holder in HOLDERS}
SIGNERS: Final = {
    "root": _BY_NAME["root"],
    "targets": _BY_NAME["office"],
    Kind.POLICY.value: _BY_NAME["office"],
    Kind.KEYS.value: _BY_NAME["office"],
    Kind.MODELS.value: _BY_NAME["office"],
    Kind.UPDATE.value: _BY_NAME["office"],
    Kind.HOTLIST.value: _BY_NAME["lists"],
    "snapshot": _BY_NAME["online"],
    "timestamp": _BY_NAME["online"],
}
_DAY_S = 86_400
# How long a signature counts. The timestamp's bounds how long anybody can hold back a newer hot list unnoticed.
LIFETIMES_S: Final = {
    "root": 365 * _DAY_S,
    "targets": 365 * _DAY_S,
    Kind.POLICY.value: 180 * _DAY_S,
    Kind.KEYS.value: 365 * _DAY_S,
    Kind.MODELS.value: 365 * _DAY_S,
    Kind.UPDATE.value: 90 * _DAY_S,
    Kind.HOTLIST.value: 30 * _DAY_S,
    "snapshot": 30 * _DAY_S,
    "timestamp": _DAY_S,
}


def delegator_of(role: str) -> str:
    """Return the role that says who signs another; the root says it of itself too."""
    return "targets" if role in set(Kind) else "root"


def refuse_short(passphrase: str) -> None:
    """Make sure that a passphrase is one.

    Raises:
        KeyFileError: it is short.
    """
    if len(passphrase) < MIN_PASSPHRASE:
        raise KeyFileError(f"the passphrase has fewer than {MIN_PASSPHRASE} characters", "choose a longer one")


def new_key(folder: Path, name: str, passphrase: str) -> CryptoSigner:
    """Draw an Ed25519 key, write it under the passphrase (PKCS #8, PEM), and return it.

    Raises:
        KeyFileError: the passphrase is short, the file is there already or cannot be written.
    """
    refuse_short(passphrase)
    private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(passphrase.encode()))
    file = folder / f"{name}.pem"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(pem)
            opened.flush()
            os.fsync(descriptor)
    except OSError as error:
        raise KeyFileError(f"key file {file} cannot be written: {error.strerror}", "give a new folder") from error
    return CryptoSigner(private)


def load_keys(folders: Iterable[Path], passphrase: str) -> dict[str, CryptoSigner]:
    """Return every key in some folders that the passphrase opens, by key id.

    Raises:
        KeyFileError: a folder cannot be read, or holds keys of which the passphrase opens none.
    """
    signers: dict[str, CryptoSigner] = {}
    closed = 0
    for folder in folders:
        if not folder.is_dir():
            raise KeyFileError(f"there is no folder of keys {folder}", "give --keys the folder that holds them")
        for file in sorted(folder.glob("*.pem")):
            try:
                private = load_pem_private_key(file.read_bytes()[:MAX_KEY_BYTES], passphrase.encode())
            except OSError as error:
                raise KeyFileError(f"key file {file} cannot be read: {error.strerror}", "check its owner") from error
            except (ValueError, TypeError):  # another passphrase: perhaps another person's key
                closed += 1
                continue
            signer = CryptoSigner(private)
            signers[signer.public_key.keyid] = signer
    if closed and not signers:
        raise KeyFileError(
            f"the passphrase opens none of {closed} key files",
            "give the right one with --passphrase-file, PLATESIEVE_PASSPHRASE or when asked",
        )
    return signers
