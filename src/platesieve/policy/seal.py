"""Seal one field to one recipient: HPKE (RFC 9180), base mode, with a library that implements it.

| recipient's key | public / private bytes | suite | bytes added |
|---|---|---|---|
| X25519 | 32 / 32 | DHKEM(X25519), HKDF-SHA256, AES-128-GCM | 48 |
| P-256 | 65 / in a token | DHKEM(P-256), HKDF-SHA256, AES-128-GCM | 81 |
| hybrid | 1216 / 96 | ML-KEM-768 with X25519 (draft-ietf-hpke-pq), HKDF-SHA256, AES-256-GCM | 1136 |

A key of P-256 is for tokens, which rarely have X25519; `elsewhere` opens with it.

The hybrid stays closed to whoever records it today and has a quantum computer one day; it also stays closed where
one of its two halves is broken. It needs an OpenSSL with ML-KEM (3.5 or later; the wheels of `cryptography` bring one).

Whoever carries a sealed value can neither read it nor move it: the associated `info` binds it to its event, its
topic, its field, its device and its policy, so that a ciphertext pasted into another event does not open there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, TypeAlias

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from platesieve.domain.errors import ConfigError, PlatesieveError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from platesieve.domain.disclosure import Kind
    from platesieve.settings import Device

KEY_BYTES = 32
P256_PUBLIC_BYTES = 65  # an uncompressed point
ML_KEM_PUBLIC_BYTES, ML_KEM_SEED_BYTES = 1184, 64  # FIPS 203, ML-KEM-768
HYBRID_PUBLIC_BYTES = ML_KEM_PUBLIC_BYTES + KEY_BYTES
HYBRID_PRIVATE_BYTES = ML_KEM_SEED_BYTES + KEY_BYTES
PublicKey: TypeAlias = X25519PublicKey | EllipticCurvePublicKey | hpke.MLKEM768X25519PublicKey
PrivateKey: TypeAlias = X25519PrivateKey | hpke.MLKEM768X25519PrivateKey
_LABEL = b"platesieve-seal-v1"
_MAX_PART = 0xFFFF


class SealError(PlatesieveError):
    """A sealed value does not open."""

    exit_code: ClassVar[int] = 65


def does_not_open() -> SealError:
    """Return the one refusal for whatever does not open: which part of it was wrong helps an attacker alone."""
    return SealError(
        "a sealed value does not open",
        "use the private key of its recipient, and the id, source, type, field and policy of its own event",
    )


def sealing_info(device: Device, kind: Kind, event_id: str, field: str, policy_sha256: str) -> bytes:
    """Return what a sealed value is bound to, as both sides compute it.

    Layout: the 18 bytes `platesieve-seal-v1`, then for each of agency, site, device, kind (`hit` or `read`: with the
    three before it the topic), event id, field name and policy hash (64 hex digits) its length in bytes as two bytes,
    big-endian, and its UTF-8 text. The lengths keep ("a", "bc") and ("ab", "c") apart.

    Args:
        device: who sealed it; agency, site and device also stand in the topic and in the event's source.
        kind: last part of the topic, also in the event's type.
        event_id: id of the event.
        field: name of the field in the event's data.
        policy_sha256: as in the event's `policy`.
    """
    parts = (device.agency, device.site, device.device, kind.value, event_id, field, policy_sha256)
    encoded = (part.encode("utf-8", "surrogatepass")[:_MAX_PART] for part in parts)
    return _LABEL + b"".join(len(part).to_bytes(2, "big") + part for part in encoded)


def parts_of(info: bytes) -> tuple[str, ...]:
    """Return what `sealing_info` was made from, the label first."""
    parts, at = [_LABEL.decode("ascii")], len(_LABEL)
    while at < len(info):
        end = at + 2 + int.from_bytes(info[at : at + 2], "big")
        parts.append(info[at + 2 : end].decode("utf-8", "surrogatepass"))
        at = end
    return tuple(parts)


def seal(recipient_public_key: bytes, plaintext: bytes, info: bytes) -> bytes:
    """Return the encapsulated key followed by the ciphertext: 48 bytes longer than the plaintext, see above.

    Args:
        recipient_public_key: raw public key, 32 bytes (X25519), 65 (P-256) or 1216 (hybrid).
        plaintext: what only the recipient may read.
        info: from `sealing_info`.

    Raises:
        ConfigError: the key is not usable.
    """
    return _seal_with(public_key(recipient_public_key), plaintext, info)


def open_sealed(private_key: bytes, ciphertext: bytes, info: bytes) -> bytes:
    """Return the plaintext of what `seal` gave.

    Args:
        private_key: raw private key, 32 bytes (X25519) or 96 (hybrid).
        ciphertext: from the event, base64 taken off.
        info: from `sealing_info`, with what the event says of itself.

    Raises:
        SealError: it was sealed to another key, for another event or field, or was changed.
        ConfigError: the key is a hybrid one, and this OpenSSL has no ML-KEM.
    """
    try:
        key = _private_key(private_key)
        return _suite(key).decrypt(ciphertext, key, info=info)
    except (InvalidTag, ValueError) as error:
        raise does_not_open() from error
    except UnsupportedAlgorithm as error:
        raise _no_ml_kem() from error


def public_key(raw: bytes) -> PublicKey:
    """Return the key that 32, 65 or 1216 bytes stand for, after one trial, so that sealing later cannot fail.

    Raises:
        ConfigError: they stand for no usable key, or this OpenSSL has no ML-KEM.
    """
    try:
        key: PublicKey
        if len(raw) == HYBRID_PUBLIC_BYTES:
            lattice = MLKEM768PublicKey.from_public_bytes(raw[:ML_KEM_PUBLIC_BYTES])
            curve = X25519PublicKey.from_public_bytes(raw[ML_KEM_PUBLIC_BYTES:])
            key = hpke.MLKEM768X25519PublicKey(lattice, curve)
        elif len(raw) == P256_PUBLIC_BYTES:
            key = EllipticCurvePublicKey.from_encoded_point(SECP256R1(), raw)
        else:
            key = X25519PublicKey.from_public_bytes(raw)
        _seal_with(key, b"", b"")  # a point of low order is found out only in use (RFC 7748, 6.1)
    except ValueError as error:
        raise ConfigError(
            f"a recipient's key of {len(raw)} bytes is no public key of X25519 or P-256 and no hybrid one",
            "give the .pub file that `platesieve keys new agency` made",
        ) from error
    except UnsupportedAlgorithm as error:
        raise _no_ml_kem() from error
    return key


def new_private_key(random: Callable[[int], bytes], *, hybrid: bool) -> bytes:
    """Return a raw private key: 32 random bytes, or for a hybrid 64 of an ML-KEM seed and 32 of X25519."""
    return random(HYBRID_PRIVATE_BYTES if hybrid else KEY_BYTES)


def public_bytes(private_key: bytes) -> bytes:
    """Return the raw public key of a raw private key.

    Raises:
        ConfigError: it is a hybrid key, and this OpenSSL has no ML-KEM.
    """
    curve = X25519PrivateKey.from_private_bytes(private_key[-KEY_BYTES:]).public_key().public_bytes_raw()
    if len(private_key) == KEY_BYTES:
        return curve
    try:
        lattice = MLKEM768PrivateKey.from_seed_bytes(private_key[:ML_KEM_SEED_BYTES])
        return lattice.public_key().public_bytes_raw() + curve
    except UnsupportedAlgorithm as error:
        raise _no_ml_kem() from error


class Sealer:
    """Seals to recipients by name; `Instruments.seal` is one of these.

    Args:
        recipients: raw public keys of the lengths above, by the name that the policy uses.

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


def _private_key(raw: bytes) -> PrivateKey:
    if len(raw) == HYBRID_PRIVATE_BYTES:
        lattice = MLKEM768PrivateKey.from_seed_bytes(raw[:ML_KEM_SEED_BYTES])
        return hpke.MLKEM768X25519PrivateKey(lattice, X25519PrivateKey.from_private_bytes(raw[ML_KEM_SEED_BYTES:]))
    return X25519PrivateKey.from_private_bytes(raw)


def _seal_with(key: PublicKey, plaintext: bytes, info: bytes) -> bytes:
    return _suite(key).encrypt(plaintext, key, info=info)


def _suite(key: PublicKey | PrivateKey) -> hpke.Suite:
    if isinstance(key, (X25519PublicKey, X25519PrivateKey)):
        return hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_128_GCM)
    if isinstance(key, EllipticCurvePublicKey):
        return hpke.Suite(hpke.KEM.P256, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_128_GCM)
    return hpke.Suite(hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)


def _no_ml_kem() -> ConfigError:
    return ConfigError(
        "this OpenSSL has no ML-KEM-768, which a hybrid key needs",
        "install a wheel of cryptography 48 or later, or use an X25519 key: platesieve keys new agency",
    )
