"""Pseudonyms: equal within an epoch, unlinkable beyond it, and nothing left of the key."""

from __future__ import annotations

import base64
import hashlib
import hmac

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from platesieve.domain.instant import NS_PER_S, Instant
from platesieve.policy.pseudonym import EpochKeys
from platesieve.settings import Device
from tests.fakes.passages import DEVICE, SEEN, predictable

HOUR_NS = 3600 * NS_PER_S


def later(seconds: float) -> Instant:
    """Return a moment after SEEN."""
    return Instant(SEEN.wall_ns + int(seconds * NS_PER_S), SEEN.monotonic_ns + int(seconds * NS_PER_S))


def test_one_vehicle_has_one_pseudonym_within_an_epoch() -> None:
    """And two vehicles have two."""
    keys = EpochKeys(DEVICE, (3600,), predictable())

    assert keys.pseudonym("A", "miss/plate", 3600, SEEN) == keys.pseudonym("A", "miss/plate", 3600, later(60))
    assert keys.pseudonym("A", "miss/plate", 3600, SEEN) != keys.pseudonym("B", "miss/plate", 3600, SEEN)


def test_epochs_purposes_devices_and_lengths_cannot_be_linked() -> None:
    """The same text never has the same pseudonym where any of the four differs."""
    keys = EpochKeys(DEVICE, (3600, 7200), predictable())
    other = EpochKeys(Device("metro-pd", "bridge-7", "cam-2"), (3600,), predictable())

    seen = {
        keys.pseudonym("A", "miss/plate", 3600, SEEN).pseudonym,
        keys.pseudonym("A", "hit/plate", 3600, SEEN).pseudonym,
        keys.pseudonym("A", "miss/plate", 7200, SEEN).pseudonym,
        other.pseudonym("A", "miss/plate", 3600, SEEN).pseudonym,
        keys.pseudonym("A", "miss/plate", 3600, later(3600)).pseudonym,
    }

    assert len(seen) == 5


def test_epochs_end_with_the_hour_and_cannot_be_prolonged() -> None:
    """They end at multiples of their length, UTC; setting the wall clock back does not keep a key alive."""
    keys = EpochKeys(DEVICE, (3600,), predictable())
    first = keys.pseudonym("A", "p", 3600, SEEN).epoch
    left_ns = HOUR_NS - SEEN.wall_ns % HOUR_NS

    just_before = Instant(SEEN.wall_ns + left_ns - 1, SEEN.monotonic_ns + left_ns - 1)
    set_back = Instant(SEEN.wall_ns - 50 * HOUR_NS, SEEN.monotonic_ns + left_ns)

    assert keys.pseudonym("A", "p", 3600, just_before).epoch == first
    assert keys.pseudonym("A", "p", 3600, set_back).epoch != first


def test_a_key_that_is_over_is_overwritten() -> None:
    """Nothing but zeros is left of secret and derived keys, and the events tell of it without a key."""
    keys = EpochKeys(DEVICE, (3600,), predictable())
    alias = keys.pseudonym("A", "p", 3600, SEEN)
    epoch = keys._epochs[3600]
    secret, derived = epoch.secret, epoch.keys["p"]
    assert any(secret)  # the control: there was something to overwrite
    assert any(derived)

    keys.destroy()

    assert not any(secret)
    assert not any(derived)
    events = keys.take_events()
    assert [(event.epoch, event.created) for event in events] == [(alias.epoch, True), (alias.epoch, False)]
    assert keys.take_events() == ()


def test_rotation_does_not_wait_for_a_vehicle() -> None:
    """Keys come and go with the clock alone, so that the log of it says nothing about who passed."""
    keys = EpochKeys(DEVICE, (3600,), predictable())

    keys.rotate(SEEN)
    keys.rotate(later(10))
    keys.rotate(later(3600))

    assert [event.created for event in keys.take_events()] == [True, False, True]


def test_the_pseudonym_is_what_the_standards_say() -> None:
    """HMAC-SHA-256 under HKDF-SHA256, computed here from the random bytes alone."""
    random = predictable()
    epoch_id, secret = random(8).hex(), random(32)
    parts = (b"metro-pd/bridge-7/cam-1", epoch_id.encode(), b"miss/plate")
    info = b"platesieve-pseudonym-v1" + b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    key = HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(secret)

    alias = EpochKeys(DEVICE, (3600,), predictable()).pseudonym("A", "miss/plate", 3600, SEEN)

    assert alias.epoch == epoch_id
    digest = hmac.new(key, b"A", hashlib.sha256).digest()
    assert alias.pseudonym == base64.urlsafe_b64encode(digest).decode().rstrip("=")
