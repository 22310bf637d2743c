"""Pseudonyms that live as long as their epoch: HMAC-SHA-256 (RFC 2104) under keys that exist in RAM only.

A plain hash of a plate is undone in seconds, because there are few plates; a key that is gone is not. For each
length of epoch there is one random secret, from which HKDF-SHA256 (RFC 5869) derives a key for device, epoch and
purpose. When the epoch is over, or the power is off, no one can link its pseudonyms to anything, ourselves included.

Pseudonyms of scope `site` and `fleet` are made in the same way from the key of an epoch that several devices share and
compute with a `Ratchet`: what is on the disk is the secret of epochs to come.

Honest limit: Python and OpenSSL copy bytes. What this module holds is overwritten; what the libraries held in
passing is freed, not overwritten. The process must not swap or dump core.
"""

from __future__ import annotations

import base64
import hmac
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from platesieve.domain.errors import PlatesieveError
from platesieve.domain.instant import NS_PER_S
from platesieve.policy.actions import Scope

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from platesieve.domain.instant import Instant
    from platesieve.policy.actions import Pseudonym
    from platesieve.policy.ratchet import Ratchet
    from platesieve.settings import Device

KEY_BYTES = 32
EPOCH_ID_BYTES = 8
_LABEL = b"platesieve-pseudonym-v1"
_SHARED_LABEL = b"platesieve-shared-pseudonym-v1"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Alias:
    """A pseudonym (base64url, 43 characters) and the random id of its epoch (16 hex digits)."""

    pseudonym: str
    epoch: str


@dataclass(frozen=True, slots=True)
class EpochEvent:
    """A key was made, or else is gone; for the audit log. Never the key, never what was done with it."""

    epoch: str
    created: bool
    scope: Scope = Scope.DEVICE


@dataclass(frozen=True, slots=True, repr=False)
class Ring:
    """A ratchet that several devices share, and how to make its next state durable.

    Attributes:
        ratchet: of an epoch that this device has not begun.
        save: forgets the state before; durable on return. Raises PlatesieveError where it cannot.
    """

    ratchet: Ratchet
    save: Callable[[Ratchet], None]


@dataclass(slots=True, repr=False)
class _Epoch:
    id: str
    secret: bytearray
    ends_monotonic_ns: int
    keys: dict[str, bytearray] = field(default_factory=dict)

    def wipe(self) -> None:
        for key in (self.secret, *self.keys.values()):
            key[:] = bytes(len(key))
        self.keys.clear()


class EpochKeys:
    """The keys of the running epochs of one device.

    Call `rotate` with every frame, not only when a vehicle passes: then the moments in the audit log at which keys
    come and go say nothing about vehicles.

    Epochs end at multiples of their length, UTC, like the spans of coarsened times; how long one lasts is measured
    by the monotonic clock, which nobody can set back.

    Args:
        device: who the camera is.
        epochs_s: lengths of the epochs that the policy needs (`Policy.epochs_s`).
        random: gives that many unpredictable bytes; `os.urandom` in the product.
        rings: the ratchets of the scopes that are shared with other devices.
    """

    def __init__(
        self,
        device: Device,
        epochs_s: Iterable[int],
        random: Callable[[int], bytes],
        rings: Mapping[Scope, Ring] | None = None,
    ) -> None:
        self._device = f"{device.agency}/{device.site}/{device.device}".encode("utf-8", "surrogatepass")
        groups = {Scope.SITE: f"{device.agency}/{device.site}", Scope.FLEET: device.agency}
        self._shared = {
            scope: _Shared(scope, groups[scope].encode("utf-8", "surrogatepass"), ring)
            for scope, ring in (rings or {}).items()
        }
        self._lengths_s = frozenset(epochs_s)
        self._random = random
        self._epochs: dict[int, _Epoch] = {}
        self._events: list[EpochEvent] = []

    def rotate(self, now: Instant, *, clock_is_believed: bool = True) -> None:
        """End the epochs that are over and begin those that are missing.

        Shared ones begin on a clock that is believed only: a ratchet does not go back.
        """
        for length_s in self._lengths_s:
            self._running(length_s, now)
        for shared in self._shared.values():
            shared.rotate(now, self._events, may_begin=clock_is_believed)

    def pseudonym(self, text: str, purpose: str, epoch_s: int, now: Instant) -> Alias:
        """Return the pseudonym of a text within the running epoch of this length.

        Args:
            text: a folded plate, or the text of another field.
            purpose: what it is for; pseudonyms of one text for two purposes cannot be linked.
            epoch_s: length of the epoch in seconds.
            now: the present.
        """
        epoch = self._running(epoch_s, now)
        key = epoch.keys.get(purpose)
        if key is None:
            key = epoch.keys[purpose] = self._derive(epoch, purpose)
        return _alias(key, text, epoch.id)

    def shared_pseudonym(self, text: str, purpose: str, action: Pseudonym, now: Instant) -> Alias | None:
        """Return the pseudonym that every device of the site or fleet gives.

        None while there is no key for it, or one of another length of epoch: a key is not stretched to a policy.
        """
        shared = self._shared.get(action.scope)
        if shared is None or shared.epoch_s != action.epoch_s:
            return None
        return shared.pseudonym(text, purpose, now)

    def destroy(self) -> None:
        """Overwrite and drop every key: at the end, and when the device is suspended.

        Those that are shared are not made again before the next epoch.
        """
        for length_s in tuple(self._epochs):
            self._end(length_s)
        for shared in self._shared.values():
            shared.end(self._events)

    def change(self, epochs_s: Iterable[int]) -> None:
        """End every epoch and begin those of another policy: its pseudonyms are not linked to those before it."""
        self.destroy()
        self._lengths_s = frozenset(epochs_s)

    def take_events(self) -> tuple[EpochEvent, ...]:
        """Return, once each and in order, what happened to keys since the last call."""
        events, self._events = tuple(self._events), []
        return events

    def _running(self, length_s: int, now: Instant) -> _Epoch:
        epoch = self._epochs.get(length_s)
        if epoch is not None and now.monotonic_ns >= epoch.ends_monotonic_ns:
            self._end(length_s)
            epoch = None
        if epoch is None:
            length_ns = max(length_s, 1) * NS_PER_S
            left_ns = length_ns - now.wall_ns % length_ns
            epoch = _Epoch(
                self._random(EPOCH_ID_BYTES).hex(),
                bytearray(self._random(KEY_BYTES)),
                now.monotonic_ns + left_ns,
            )
            self._epochs[length_s] = epoch
            self._events.append(EpochEvent(epoch.id, created=True))
        return epoch

    def _end(self, length_s: int) -> None:
        epoch = self._epochs.pop(length_s)
        epoch.wipe()
        self._events.append(EpochEvent(epoch.id, created=False))

    def _derive(self, epoch: _Epoch, purpose: str) -> bytearray:
        """Return the key for device, epoch and purpose; lengths keep the three apart."""
        return _derived(epoch.secret, _LABEL, self._device, epoch.id.encode(), purpose.encode())


class _Shared:
    """The running epoch of one ring. Its key is in RAM; before it is used, what made it is gone from the disk."""

    def __init__(self, scope: Scope, group: bytes, ring: Ring) -> None:
        self._scope, self._group, self._ring = scope, group, ring
        self._ratchet = ring.ratchet
        self.epoch_s = ring.ratchet.epoch_s
        self._epoch: _Epoch | None = None

    def rotate(self, now: Instant, events: list[EpochEvent], *, may_begin: bool) -> None:
        if self._epoch is not None and now.monotonic_ns >= self._epoch.ends_monotonic_ns:
            self.end(events)
        if self._epoch is not None or not may_begin:
            return
        length_ns = self.epoch_s * NS_PER_S
        ratchet = self._ratchet.forward(now.wall_ns // length_ns)
        if ratchet is None:  # spent before a restart or a suspension, or not begun yet
            return
        following = ratchet.following()
        try:
            self._ring.save(following)
        except PlatesieveError as error:
            _log.error("no %s pseudonyms are given: %s", self._scope, error)
            return
        self._ratchet = following
        key = ratchet.key()
        epoch_id = _derived(key, _SHARED_LABEL, b"id")[:EPOCH_ID_BYTES].hex()
        self._epoch = _Epoch(epoch_id, key, now.monotonic_ns + length_ns - now.wall_ns % length_ns)
        events.append(EpochEvent(epoch_id, created=True, scope=self._scope))

    def pseudonym(self, text: str, purpose: str, now: Instant) -> Alias | None:
        epoch = self._epoch
        if epoch is None or now.monotonic_ns >= epoch.ends_monotonic_ns:
            return None
        if purpose not in epoch.keys:
            parts = (self._scope.encode(), self._group, epoch.id.encode(), purpose.encode())
            epoch.keys[purpose] = _derived(epoch.secret, _SHARED_LABEL, *parts)
        return _alias(epoch.keys[purpose], text, epoch.id)

    def end(self, events: list[EpochEvent]) -> None:
        if self._epoch is not None:
            self._epoch.wipe()
            events.append(EpochEvent(self._epoch.id, created=False, scope=self._scope))
            self._epoch = None


def _alias(key: bytearray, text: str, epoch_id: str) -> Alias:
    digest = hmac.digest(key, text.encode("utf-8", "surrogatepass"), "sha256")
    return Alias(base64.urlsafe_b64encode(digest).decode("ascii").rstrip("="), epoch_id)


def _derived(secret: bytearray, label: bytes, *parts: bytes) -> bytearray:
    """Return a key of HKDF-SHA256 for some parts, which their lengths keep apart."""
    info = label + b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    key = bytearray(KEY_BYTES)
    HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info).derive_into(bytes(secret), key)
    return key
