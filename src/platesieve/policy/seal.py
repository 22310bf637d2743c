"""Seal one field to one recipient: HPKE (RFC 9180), base mode, X25519, HKDF-SHA256, AES-128-GCM.

Whoever carries a sealed value can neither read it nor move it: the associated `info` binds it to its event, its
field, its device and its policy, so that a ciphertext pasted into another event does not open there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from platesieve.domain.errors import ConfigError, PlatesieveError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from platesieve.settings import Device

KEY_BYTES = 32
_LABEL = b"platesieve-seal-v1"
_MAX_PART = 0xFFFF


class SealError(PlatesieveError):
    """A sealed value does not open."""

    exit_code: ClassVar[int] = 65


def sealing_info(device: Device, event_id: str, field: str, policy_sha256: str) -> bytes:
    """Return what a sealed value is bound to, as both sides compute it.

    Layout: the 18 bytes `platesieve-seal-v1`, then for each of agency, site, device, event id, field name and policy
    hash (64 hex digits) its length in bytes as two bytes, big-endian, and its UTF-8 text. The lengths keep
    ("a", "bc") and ("ab", "c") apart.

    Args:
        device: who sealed it; agency, site and device also stand in the topic and in the event's source.
        event_id: id of the event.
        field: name of the field in the event's data.
        policy_sha256: as in the event's `policy`.
    """
    parts = (device.agency, device.site, device.device, event_id, field, policy_sha256)
    encoded = (part.encode("utf-8", "surrogatepass")[:_MAX_PART] for part in parts)
    return _LABEL + b"".join(len(part).to_bytes(2, "big") + part for part in encoded)


def seal(recipient_public_key: bytes, plaintext: bytes, info: bytes) -> bytes:
    """Return the encapsulated key (32 bytes) followed by the ciphertext; 48 bytes longer than the plaintext.

    Args:
        recipient_public_key: raw X25519 public key, 32 bytes.
        plaintext: what only the recipient may read.
        info: from `sealing_info`.

    Raises:
        ConfigError: the key is no usable X25519 public key.
    """
    return _seal_with(public_key(recipient_public_key), plaintext, info)


def open_sealed(private_key: bytes, ciphertext: bytes, info: bytes) -> bytes:
    """Return the plaintext of what `seal` gave.

    Args:
        private_key: raw X25519 private key, 32 bytes.
        ciphertext: from the event, base64 taken off.
        info: from `sealing_info`, with what the event says of itself.

    Raises:
        SealError: it was sealed to another key, for another event or field, or was changed.
    """
    try:
        return _suite().decrypt(ciphertext, X25519PrivateKey.from_private_bytes(private_key), info=info)
    except (InvalidTag, ValueError) as error:
        raise SealError(
            "a sealed value does not open",
            "use the private key of its recipient, and the id, source, field and policy of its own event",
        ) from error


def public_key(raw: bytes) -> X25519PublicKey:
    """Return the key that 32 bytes stand for, after one trial, so that sealing later cannot fail.

    Raises:
        ConfigError: they stand for no usable X25519 public key.
    """
    try:
        key = X25519PublicKey.from_public_bytes(raw)
        _seal_with(key, b"", b"")  # a point of low order is found out only in use (RFC 7748, 6.1)
    except ValueError as error:
        raise ConfigError(
            f"a recipient's key of {len(raw)} bytes is no X25519 public key", "give the 32 bytes of one"
        ) from error
    return key


class Sealer:
    """Seals to recipients by name; `Instruments.seal` is one of these.

    Args:
        recipients: raw public keys, 32 bytes each, by the name that the policy uses.

    Raises:
        ConfigError: a key is not usable.
    """

    def __init__(self, recipients: Mapping[str, bytes]) -> None:
        self._keys = {name: public_key(raw) for name, raw in recipients.items()}

    @property
    def recipients(self) -> frozenset[str]:
        """Return the names that can be sealed to."""
        return frozenset(self._keys)

    def __call__(self, to: str, plaintext: bytes, info: bytes) -> bytes | None:
        """Return the ciphertext, or None where there is no key for the recipient: then the field is dropped."""
        key = self._keys.get(to)
        return None if key is None else _seal_with(key, plaintext, info)


def _seal_with(key: X25519PublicKey, plaintext: bytes, info: bytes) -> bytes:
    return _suite().encrypt(plaintext, key, info=info)


def _suite() -> hpke.Suite:
    return hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_128_GCM)
