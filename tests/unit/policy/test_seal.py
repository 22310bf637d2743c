"""Sealing: only the recipient opens it, only for the event and field that it was made for."""

from __future__ import annotations

import os

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from pyhpke import AEADId, CipherSuite, KDFId, KEMId, KEMKey

from platesieve.domain.disclosure import Kind
from platesieve.domain.errors import ConfigError
from platesieve.policy import seal as sealing
from platesieve.policy.seal import (
    HYBRID_PUBLIC_BYTES,
    Sealer,
    SealError,
    new_private_key,
    open_sealed,
    public_bytes,
    seal,
    sealing_info,
)
from platesieve.settings import Device
from tests.fakes.passages import AGENCY_PRIVATE, AGENCY_PUBLIC, DEVICE

INFO = sealing_info(DEVICE, Kind.HIT, "event-1", "plate", "0" * 64)
PLAIN = b'"CANARY7"'


def test_the_recipient_opens_what_was_sealed() -> None:
    """A round trip gives the same bytes, and costs 48."""
    sealed = seal(AGENCY_PUBLIC, PLAIN, INFO)

    assert open_sealed(AGENCY_PRIVATE, sealed, INFO) == PLAIN
    assert len(sealed) == len(PLAIN) + 48
    assert b"CANARY" not in sealed


def test_another_implementation_opens_what_we_seal() -> None:
    """Pyhpke, which shares no code with ours, reads it: the format is RFC 9180 and not merely our own."""
    sealed = seal(AGENCY_PUBLIC, PLAIN, INFO)
    suite = CipherSuite.new(KEMId.DHKEM_X25519_HKDF_SHA256, KDFId.HKDF_SHA256, AEADId.AES128_GCM)
    key = KEMKey.from_pyca_cryptography_key(X25519PrivateKey.from_private_bytes(AGENCY_PRIVATE))

    context = suite.create_recipient_context(sealed[:32], key, info=INFO)

    assert context.open(sealed[32:]) == PLAIN


def test_we_open_what_another_implementation_seals() -> None:
    """And the other way round."""
    suite = CipherSuite.new(KEMId.DHKEM_X25519_HKDF_SHA256, KDFId.HKDF_SHA256, AEADId.AES128_GCM)
    key = KEMKey.from_pyca_cryptography_key(X25519PrivateKey.from_private_bytes(AGENCY_PRIVATE).public_key())
    encapsulated, context = suite.create_sender_context(key, info=INFO)

    assert open_sealed(AGENCY_PRIVATE, encapsulated + context.seal(PLAIN), INFO) == PLAIN


@pytest.mark.parametrize(
    "info",
    [
        b"",
        sealing_info(DEVICE, Kind.HIT, "event-2", "plate", "0" * 64),
        sealing_info(DEVICE, Kind.HIT, "event-1", "list", "0" * 64),
        sealing_info(DEVICE, Kind.READ, "event-1", "plate", "0" * 64),
        sealing_info(DEVICE, Kind.HIT, "event-1", "plate", "1" * 64),
        sealing_info(Device("metro-pd", "bridge-7", "cam-2"), Kind.HIT, "event-1", "plate", "0" * 64),
        sealing_info(Device("metro-p", "dbridge-7", "cam-1"), Kind.HIT, "event-1", "plate", "0" * 64),
    ],
)
def test_a_sealed_value_opens_nowhere_else(info: bytes) -> None:
    """Another event, field, policy or device, or text shifted between them, is refused."""
    with pytest.raises(SealError):
        open_sealed(AGENCY_PRIVATE, seal(AGENCY_PUBLIC, PLAIN, INFO), info)


def test_nobody_else_opens_it_and_no_bit_may_change() -> None:
    """Another key, a flipped bit at any place, or a cut is refused."""
    sealed = seal(AGENCY_PUBLIC, PLAIN, INFO)

    with pytest.raises(SealError):
        open_sealed(os.urandom(32), sealed, INFO)
    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1
        with pytest.raises(SealError):
            open_sealed(AGENCY_PRIVATE, bytes(changed), INFO)
    with pytest.raises(SealError):
        open_sealed(AGENCY_PRIVATE, sealed[:20], INFO)


@pytest.mark.parametrize("raw", [b"", bytes(31), bytes(32), bytes(33)])
def test_an_unusable_key_is_refused_before_it_is_needed(raw: bytes) -> None:
    """Wrong lengths and the point of low order are found at the start, so that sealing never fails later."""
    with pytest.raises(ConfigError):
        Sealer({"agency": raw})


def test_a_recipient_without_a_key_gets_nothing() -> None:
    """None, not clear text."""
    sealer = Sealer({"agency": AGENCY_PUBLIC})

    assert sealer("nobody", PLAIN, INFO) is None
    assert sealer("agency", PLAIN, INFO) is not None


def test_the_layout_is_the_documented_one() -> None:
    """The other side may compute `info` from the documentation alone."""
    assert sealing_info(Device("a", "b", "c"), Kind.HIT, "d", "plate", "e") == (
        b"platesieve-seal-v1\0\1a\0\1b\0\1c\0\3hit\0\1d\0\5plate\0\1e"
    )


def ml_kem_is_here() -> bool:
    """Return whether this OpenSSL has ML-KEM; the wheels' has, a distribution's may not."""
    try:
        public_bytes(new_private_key(os.urandom, hybrid=True))
    except ConfigError:
        return False
    return True


@pytest.mark.skipif(not ml_kem_is_here(), reason="this OpenSSL has no ML-KEM")
def test_a_hybrid_recipient_opens_what_was_sealed_and_nobody_with_half_its_key() -> None:
    """A round trip; with the right curve key and another lattice key, or the other way round, nothing opens."""
    private, other = (new_private_key(os.urandom, hybrid=True) for _ in range(2))
    public = public_bytes(private)
    sealed = seal(public, PLAIN, INFO)

    assert len(public) == HYBRID_PUBLIC_BYTES
    assert len(sealed) == len(PLAIN) + 1136
    assert open_sealed(private, sealed, INFO) == PLAIN
    for half in (private[:64] + other[64:], other[:64] + private[64:], private[64:]):
        with pytest.raises(SealError):
            open_sealed(half, sealed, INFO)
    with pytest.raises(SealError):
        open_sealed(private, sealed, INFO + b"x")


@pytest.mark.skipif(not ml_kem_is_here(), reason="this OpenSSL has no ML-KEM")
def test_a_damaged_hybrid_key_is_refused_before_it_is_needed() -> None:
    """An ML-KEM key out of range, a curve point of low order, a byte too few."""
    public = public_bytes(new_private_key(os.urandom, hybrid=True))

    for damaged in (b"\xff" * 1184 + public[1184:], public[:1184] + bytes(32), public[:-1]):
        with pytest.raises(ConfigError):
            Sealer({"agency": damaged})


def test_without_ml_kem_a_hybrid_key_is_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """An older OpenSSL says so at the start; X25519 goes on working."""

    class Old:
        @staticmethod
        def from_public_bytes(_raw: bytes) -> None:
            raise UnsupportedAlgorithm("no ML-KEM")

        from_seed_bytes = from_public_bytes

    monkeypatch.setattr(sealing, "MLKEM768PublicKey", Old)
    monkeypatch.setattr(sealing, "MLKEM768PrivateKey", Old)

    with pytest.raises(ConfigError, match="no ML-KEM"):
        Sealer({"agency": bytes(HYBRID_PUBLIC_BYTES)})
    with pytest.raises(ConfigError, match="no ML-KEM"):
        open_sealed(bytes(96), b"", INFO)
    with pytest.raises(ConfigError, match="no ML-KEM"):
        public_bytes(bytes(96))
    assert Sealer({"agency": AGENCY_PUBLIC})("agency", PLAIN, INFO)
