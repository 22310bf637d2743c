"""Seal one picture as an age file (age-encryption.org/v1), which the agency opens with any age tool.

The plaintext is one line of JSON and after it the JPEG as it is:

    ["platesieve-seal-v1","metro-pd","bridge-7","cam-1","hit","<event id>","plate_crop","<hash of the policy>"]

age has no associated data, so the line binds the picture instead: it is inside the file, and a file that was pasted
into another event opens there to a line that does not fit. By hand: `age -d -i crops.key hit.age | tail -n +2`.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Final

from pyrage import DecryptError, IdentityError, RecipientError, decrypt, encrypt, x25519

from platesieve.domain.errors import ConfigError
from platesieve.policy.seal import SealError, open_sealed, parts_of

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_PICTURE_BYTES: Final = 256 * 1024
"""Of a JPEG: two of them, sealed and as base64, fit a message of 1 MiB."""

MAX_FILE_BYTES: Final = MAX_PICTURE_BYTES + 4096
_MAGIC = b"age-encryption.org/v1\n"
_RECIPIENT, _IDENTITY = b"age1", b"AGE-SECRET-KEY-1"


def is_age_recipient(key: bytes) -> bool:
    """Return whether a recipient's key is the text of an age recipient, not the bytes of an HPKE key."""
    return key.startswith(_RECIPIENT)


def is_age_identity(secret: bytes) -> bool:
    """Return whether a secret key is the text of an age identity."""
    return secret.startswith(_IDENTITY)


def is_age_file(sealed: bytes) -> bool:
    """Return whether a sealed value is an age file: it says so itself."""
    return sealed.startswith(_MAGIC)


class PictureSealer:
    """Seals pictures to age recipients by name; `Instruments.seal_picture` is one of these.

    Args:
        recipients: public keys by the name that the policy uses; those that are no age recipients are passed over.

    Raises:
        ConfigError: an age recipient is damaged.
    """

    def __init__(self, recipients: Mapping[str, bytes]) -> None:
        self._keys = {name: _recipient(key) for name, key in recipients.items() if is_age_recipient(key)}

    def __call__(self, to: str, jpeg: bytes, info: bytes) -> bytes | None:
        """Return the age file; None where there is no key for `to`, or the picture is too large: it is dropped."""
        key = self._keys.get(to)
        if key is None or len(jpeg) > MAX_PICTURE_BYTES:
            return None
        return bytes(encrypt(_line(info) + jpeg, [key]))


def open_picture(identity: bytes, sealed: bytes, info: bytes) -> bytes:
    """Return the JPEG of an age file.

    Args:
        identity: `AGE-SECRET-KEY-1...`.
        sealed: from the event, base64 taken off.
        info: from `seal.sealing_info`, with what the event says of itself.

    Raises:
        SealError: it is too large, sealed to another key, of another event or field, or was changed.
    """
    if len(sealed) > MAX_FILE_BYTES:
        raise SealError("a sealed picture is larger than devices make them", "do not open it; ask who runs the device")
    try:
        plaintext = bytes(decrypt(sealed, [x25519.Identity.from_str(identity.decode("ascii"))]))
    except (DecryptError, IdentityError, UnicodeDecodeError) as error:
        raise SealError(
            "a sealed picture does not open", "use the age identity of its recipient, and the file unchanged"
        ) from error
    line = _line(info)
    if not plaintext.startswith(line):
        raise SealError(
            "a sealed picture is not of this event",
            "use the id, source, type, field and policy of its own event; somebody may have moved it",
        )
    return plaintext[len(line) :]


def open_value(secret: bytes, sealed: bytes, info: bytes) -> bytes:
    """Return a sealed value as JSON in whichever of the two formats it came; a picture is the base64 of its JPEG.

    Raises:
        SealError: as `open_picture` and `seal.open_sealed` say, or the key is one for the other format.
        ConfigError: the key is a hybrid one, and this OpenSSL has no ML-KEM.
    """
    if is_age_file(sealed) is not is_age_identity(secret):
        raise SealError(
            "a sealed value does not open: its format is not that of the key",
            "give an age identity for pictures that are age files, and an agency key for all else",
        )
    if is_age_file(sealed):
        return json.dumps(base64.b64encode(open_picture(secret, sealed, info)).decode("ascii")).encode()
    return open_sealed(secret, sealed, info)


def _line(info: bytes) -> bytes:
    return json.dumps(parts_of(info), separators=(",", ":")).encode() + b"\n"


def _recipient(key: bytes) -> x25519.Recipient:
    try:
        return x25519.Recipient.from_str(key.decode("ascii"))
    except (RecipientError, UnicodeDecodeError) as error:
        raise ConfigError(
            "a recipient's key is a damaged age recipient", "give the .pub file that `platesieve keys new crops` made"
        ) from error
