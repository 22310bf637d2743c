"""Keys as text: one line each, with a word in front that says what kind of key it is.

| file | line | who holds it |
|---|---|---|
| audit.key | `PRIVATE+KEY+<name>+<key id>+<base64>` (C2SP signed-note) | the camera process alone |
| audit.vkey | `<name>+<key id>+<base64>` | every auditor and witness |
| agency.key | `platesieve-agency-secret-1 <base64 of an X25519 key>` | the agency alone |
| agency.pub | `platesieve-agency-public-1 <base64>` | every device that seals to the agency |
| agency.key | `platesieve-agency-secret-2 <base64 of an ML-KEM-768 seed and an X25519 key>` (a hybrid) | as above |
| agency.pub | `platesieve-agency-public-2 <base64>` | as above |
| agency.pub | `platesieve-agency-public-3 <base64 of a P-256 point>`, its secret half in a token | as above |
| receipt.key | `platesieve-receipt-secret-1 <base64 of an Ed25519 seed>` | the collector alone |
| receipt.pub | `platesieve-receipt-public-1 <base64>` | every device whose policy names the collector |
| device.key | `platesieve-device-secret-1 <base64 of an X25519 key>` | the camera process alone |
| device.pub | `platesieve-device-public-1 <base64>` | whoever sends this device commands with a plate in them |
| fleet.key | see `ratchet_file` | the camera process of every device of a site or fleet |
| lists.key | `AGE-SECRET-KEY-1...`, an age identity | the camera process alone; it opens hot lists with it |
| lists.pub | `age1...`, the age recipient | the agency, which encrypts hot lists to it |
| crops.key | `AGE-SECRET-KEY-1...`, an age identity | the agency alone; it opens pictures with it, and so does `age` |
| crops.pub | `age1...`, the age recipient | every device that seals pictures to the agency as age files |
| command.key | `platesieve-command-secret-1 <base64 of an Ed25519 seed>` | whoever may suspend and resume |
| command.pub | `platesieve-command-public-1 <base64>` | every device that obeys them |
"""

from __future__ import annotations

import base64
import os
from enum import StrEnum
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pyrage import IdentityError, RecipientError, x25519

from platesieve.audit.note import NoteSigner, decode_base64
from platesieve.domain.errors import KeyFileError
from platesieve.policy.seal import (
    HYBRID_PRIVATE_BYTES,
    HYBRID_PUBLIC_BYTES,
    KEY_BYTES,
    P256_PUBLIC_BYTES,
    new_private_key,
    public_bytes,
)

if TYPE_CHECKING:
    from pathlib import Path

AUDIT_SECRET = "PRIVATE+KEY+"  # noqa: S105 - what such a line begins with
AGE_SECRET, AGE_PUBLIC = "AGE-SECRET-KEY-1", "age1"
_BYTES = {
    "secret": (KEY_BYTES, HYBRID_PRIVATE_BYTES),
    "public": (KEY_BYTES, HYBRID_PUBLIC_BYTES, P256_PUBLIC_BYTES),
}


class KeyKind(StrEnum):
    """What a key is for."""

    AUDIT = "audit"
    AGENCY = "agency"
    COMMAND = "command"
    DEVICE = "device"
    RECEIPT = "receipt"
    LISTS = "lists"
    CROPS = "crops"


def drawn(kind: KeyKind, name: str, *, hybrid: bool) -> tuple[str, str]:
    """Draw a key and return the lines of its secret and its public half; `name` is an audit key's.

    Raises:
        ConfigError: a hybrid key is wanted, and this OpenSSL has no ML-KEM.
    """
    if kind is KeyKind.AUDIT:
        signer = NoteSigner.generate(name)
        return signer.skey, signer.verifier.vkey
    if kind in {KeyKind.LISTS, KeyKind.CROPS}:
        identity = x25519.Identity.generate()
        return str(identity), str(identity.to_public())
    # 32 random bytes are an Ed25519 seed too
    raw = new_private_key(os.urandom, hybrid=hybrid and kind is KeyKind.AGENCY)
    return line_of(kind, "secret", raw), line_of(kind, "public", public_of(kind, raw))


def line_of(kind: KeyKind, half: str, raw: bytes) -> str:
    """Return the line of a key that is one of ours: neither an audit nor an age key."""
    return f"{prefix(kind, half)}{_number(half, raw)} {base64.b64encode(raw).decode()}"


def bytes_of(line: str, kind: KeyKind, half: str, file: Path) -> bytes:
    """Return the bytes of a key that is one of ours.

    Raises:
        KeyFileError: the line in `file` is of another kind, the other half, or damaged.
    """
    word, _, encoded = line.partition(" ")
    if half == "public" and word.startswith(prefix(kind, "secret")):
        raise KeyFileError(f"{file} is the secret half of a key", "keep it away from here, and give the .pub beside it")
    numbers = ("1", "2", "3")[: len(_BYTES[half])] if kind is KeyKind.AGENCY else ("1",)
    number = word.removeprefix(prefix(kind, half))
    if number == word or number not in numbers:
        raise KeyFileError(f"{file} is not a {half} {kind} key", f"make one with: platesieve keys new {kind} --out DIR")
    raw = decode_base64(encoded)
    if raw is None or len(raw) != _BYTES[half][numbers.index(number)] or not any(raw):
        raise KeyFileError(f"{file} is damaged", "copy it again")
    return raw


def prefix(kind: KeyKind, half: str) -> str:
    """Return what a line begins with, up to the number: X25519 and Ed25519 (1), a hybrid (2), P-256 (3)."""
    return f"platesieve-{kind}-{half}-"


def public_of(kind: KeyKind, secret: bytes) -> bytes:
    """Return the public half of a key that is one of ours."""
    if kind in {KeyKind.COMMAND, KeyKind.RECEIPT}:
        return Ed25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()
    return public_bytes(secret)


def recipient_of(line: str, file: Path) -> str:
    """Return the recipient that belongs to an age identity.

    Raises:
        KeyFileError: the line in `file` is none.
    """
    try:
        return str(x25519.Identity.from_str(line).to_public())
    except IdentityError as error:
        raise KeyFileError(
            f"{file} is not an age identity, or damaged",
            "make one with: platesieve keys new lists (or crops) --out DIR",
        ) from error


def checked_recipient(line: str, file: Path) -> str:
    """Return an age recipient as it is.

    Raises:
        KeyFileError: the line in `file` is none.
    """
    try:
        return str(x25519.Recipient.from_str(line))
    except RecipientError as error:
        raise KeyFileError(
            f"{file} is not an age recipient, or damaged", "copy the .pub from where it was made again"
        ) from error


def _number(half: str, raw: bytes) -> int:
    return _BYTES[half].index(len(raw)) + 1
