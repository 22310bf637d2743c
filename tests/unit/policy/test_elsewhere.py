"""Opening with an exchange that is done elsewhere: the same as the library's HPKE, which shares no code with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import ECDH, SECP256R1, EllipticCurvePublicKey, generate_private_key
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from platesieve.domain.disclosure import Kind
from platesieve.domain.errors import ConfigError
from platesieve.policy.elsewhere import open_by_exchange
from platesieve.policy.seal import P256_PUBLIC_BYTES, Sealer, SealError, public_key, seal, sealing_info
from tests.fakes.passages import AGENCY_PRIVATE, AGENCY_PUBLIC, DEVICE

if TYPE_CHECKING:
    from collections.abc import Callable

INFO = sealing_info(DEVICE, Kind.HIT, "event-1", "plate", "0" * 64)
PLAIN = b'"CANARY7"'
P256 = generate_private_key(SECP256R1())
P256_PUBLIC = P256.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def by_x25519(point: bytes) -> bytes:
    """Exchange as a token does."""
    return X25519PrivateKey.from_private_bytes(AGENCY_PRIVATE).exchange(X25519PublicKey.from_public_bytes(point))


def by_p256(point: bytes) -> bytes:
    """Exchange as a token does."""
    return P256.exchange(ECDH(), EllipticCurvePublicKey.from_encoded_point(SECP256R1(), point))


KEYS = pytest.mark.parametrize(
    ("exchange", "public", "added"), [(by_x25519, AGENCY_PUBLIC, 48), (by_p256, P256_PUBLIC, 81)]
)


@KEYS
def test_what_a_device_seals_opens(exchange: Callable[[bytes], bytes], public: bytes, added: int) -> None:
    """The library seals, our key schedule opens; nothing of the plate is in the ciphertext."""
    sealed = Sealer({"agency": public})("agency", PLAIN, INFO)

    assert sealed is not None
    assert len(sealed) == len(PLAIN) + added
    assert b"CANARY" not in sealed
    assert open_by_exchange(exchange, public, sealed, INFO) == PLAIN


@KEYS
def test_nothing_else_opens(exchange: Callable[[bytes], bytes], public: bytes, added: int) -> None:
    """Another event, any bit changed, anything cut off, another key: all refused in the same words."""
    sealed = seal(public, PLAIN, INFO)
    wrong = [bytes(8), b"", sealed[:-1], sealed[:added], sealed[: added - 20]]
    wrong += [
        sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]
        for at in range(1 if added > 48 else 0, len(sealed))  # the first byte of a point says its form
        if not (added == 48 and at == 31)  # the highest bit of a u-coordinate is masked, its lowest is not
    ]

    for one in wrong:
        with pytest.raises(SealError, match="does not open"):
            open_by_exchange(exchange, public, one, INFO)
    with pytest.raises(SealError, match="does not open"):
        open_by_exchange(exchange, public, sealed, INFO + b"x")
    with pytest.raises(SealError, match="does not open"):
        open_by_exchange(lambda point: bytes(31) + exchange(point)[:1], public, sealed, INFO)


def test_a_point_that_is_on_no_curve_never_reaches_the_key() -> None:
    """Else a ciphertext could ask a token for the rest of its key by small orders."""
    asked: list[bytes] = []

    def exchange(point: bytes) -> bytes:
        asked.append(point)
        return by_p256(point)

    off = P256_PUBLIC[:-1] + bytes([P256_PUBLIC[-1] ^ 1])
    with pytest.raises(SealError):
        open_by_exchange(exchange, P256_PUBLIC, off + bytes(40), INFO)
    assert asked == []
    open_by_exchange(exchange, P256_PUBLIC, seal(P256_PUBLIC, PLAIN, INFO), INFO)
    assert len(asked) == 1  # the control


def test_an_exchange_that_gives_nothing_is_refused() -> None:
    """RFC 9180, 7.1.4: a point of low order gives zero to everybody."""
    with pytest.raises(SealError):
        open_by_exchange(lambda _: bytes(32), AGENCY_PUBLIC, seal(AGENCY_PUBLIC, PLAIN, INFO), INFO)


@pytest.mark.parametrize("raw", [bytes(P256_PUBLIC_BYTES), b"\x04" + b"\x01" * 64, P256_PUBLIC[:64]])
def test_no_device_seals_to_what_is_no_point(raw: bytes) -> None:
    """It is found out when the key is loaded."""
    with pytest.raises(ConfigError):
        public_key(raw)
