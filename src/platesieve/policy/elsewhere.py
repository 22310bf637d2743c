"""Open what devices seal where the Diffie-Hellman is done elsewhere: in a token that never gives its key away.

HPKE (RFC 9180) in base mode needs the private key for one thing, the exchange with the encapsulated key. The rest, the
key schedule, needs no secret of long life and is here; `seal` does the whole with a library.

| recipient's key | KEM | bytes of the encapsulated key |
|---|---|---|
| X25519 | DHKEM(X25519, HKDF-SHA256) | 32 |
| P-256 | DHKEM(P-256, HKDF-SHA256) | 65 |

Both with HKDF-SHA256 and AES-128-GCM, as `seal` has them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from platesieve.policy.seal import KEY_BYTES, P256_PUBLIC_BYTES, does_not_open

if TYPE_CHECKING:
    from collections.abc import Callable

_KEM_IDS = {KEY_BYTES: 0x0020, P256_PUBLIC_BYTES: 0x0010}  # RFC 9180, 7.1, by the length of a public key
_KDF_ID, _AEAD_ID = 0x0001, 0x0001  # HKDF-SHA256, AES-128-GCM
_SECRET_BYTES, _AES_BYTES, _NONCE_BYTES = 32, 16, 12
_BASE_MODE = b"\x00"


def open_by_exchange(exchange: Callable[[bytes], bytes], public: bytes, ciphertext: bytes, info: bytes) -> bytes:
    """Return the plaintext of what `seal.seal` gave.

    Args:
        exchange: returns the Diffie-Hellman of the private key with a public one, 32 bytes: a point's x for P-256.
        public: the raw public key of that private key, 32 bytes (X25519) or 65 (P-256, uncompressed).
        ciphertext: from the event, base64 taken off.
        info: from `seal.sealing_info`.

    Raises:
        SealError: it was sealed to another key, for another event or field, or was changed.
    """
    encapsulated, sealed = ciphertext[: len(public)], ciphertext[len(public) :]
    _refuse_no_point(encapsulated, len(public))
    shared = _decapsulated(exchange(encapsulated), encapsulated, public)
    key, nonce = _schedule(shared, _suite_id(b"HPKE", public), info)
    try:
        return AESGCM(key).decrypt(nonce, sealed, b"")
    except (InvalidTag, ValueError) as error:
        raise does_not_open() from error


def _refuse_no_point(encapsulated: bytes, wanted: int) -> None:
    """Refuse what is no public key, before a token multiplies its secret with it (RFC 9180, 7.1.4)."""
    if len(encapsulated) != wanted:
        raise does_not_open()
    if wanted == P256_PUBLIC_BYTES:
        try:
            EllipticCurvePublicKey.from_encoded_point(SECP256R1(), encapsulated)
        except ValueError as error:
            raise does_not_open() from error


def _decapsulated(exchanged: bytes, encapsulated: bytes, public: bytes) -> bytes:
    """Return the shared secret of the KEM (RFC 9180, 4.1, Decap)."""
    if not any(exchanged):  # a point of low order (RFC 9180, 7.1.4)
        raise does_not_open()
    suite = _suite_id(b"KEM", public)
    pseudorandom = _extract(suite, b"", b"eae_prk", exchanged)
    return _expand(suite, pseudorandom, b"shared_secret", encapsulated + public, _SECRET_BYTES)


def _schedule(shared: bytes, suite: bytes, info: bytes) -> tuple[bytes, bytes]:
    """Return key and first nonce (RFC 9180, 5.1, KeySchedule, without a pre-shared key)."""
    context = _BASE_MODE + _extract(suite, b"", b"psk_id_hash", b"") + _extract(suite, b"", b"info_hash", info)
    secret = _extract(suite, shared, b"secret", b"")
    return _expand(suite, secret, b"key", context, _AES_BYTES), _expand(
        suite, secret, b"base_nonce", context, _NONCE_BYTES
    )


def _suite_id(whose: bytes, public: bytes) -> bytes:
    numbers = (_KEM_IDS[len(public)],) if whose == b"KEM" else (_KEM_IDS[len(public)], _KDF_ID, _AEAD_ID)
    return whose + b"".join(number.to_bytes(2, "big") for number in numbers)


def _extract(suite: bytes, salt: bytes, label: bytes, keying: bytes) -> bytes:
    """Return LabeledExtract (RFC 9180, 4); HKDF-Extract is one HMAC (RFC 5869, 2.2)."""
    mac = hmac.HMAC(salt or bytes(hashes.SHA256.digest_size), hashes.SHA256())
    mac.update(b"HPKE-v1" + suite + label + keying)
    return mac.finalize()


def _expand(suite: bytes, pseudorandom: bytes, label: bytes, info: bytes, length: int) -> bytes:
    """Return LabeledExpand (RFC 9180, 4)."""
    labelled = length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info
    return HKDFExpand(hashes.SHA256(), length, labelled).derive(pseudorandom)
