"""A secret that several devices share and that goes forward only: from today's, nobody computes yesterday's.

All devices of a ring are given one `Ratchet`, once. Whoever has that of epoch n computes that of n + 1 (HKDF-SHA256,
RFC 5869), and nobody that of n - 1. What is kept on a disk is the ratchet of the epoch to come: the key of the running
epoch lives in RAM alone. So a device that is seized tells nothing about any epoch that has begun, once it has no power;
and a device that was off, or suspended, gives no shared pseudonyms until the next epoch begins.

What it cannot do: a device that is stolen and stays in the ring computes all epochs to come. Then the ring is over, and
its devices are given another one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from platesieve.domain.instant import NS_PER_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from platesieve.domain.instant import Instant

SECRET_BYTES = 32
RING_BYTES = 8
MAX_STEPS = 1_000_000  # a century of hours; a clock that asks for more is wrong, and following it would end the ring


@dataclass(frozen=True, slots=True, repr=False)
class Ratchet:
    """The secret of one epoch that is not over.

    Attributes:
        ring: random id of the ring, 16 hex digits; says nothing about the secret.
        epoch_s: length of its epochs in seconds; they are counted from 1970-01-01 UTC.
        epoch: number of the epoch whose key this gives.
        secret: 32 bytes.
    """

    ring: str
    epoch_s: int
    epoch: int
    secret: bytes

    def __repr__(self) -> str:
        return f"Ratchet(ring {self.ring}, epoch {self.epoch} of {self.epoch_s} s)"

    def key(self) -> bytearray:
        """Return the key of its epoch, 32 bytes."""
        return self._derived(b"key")

    def following(self) -> Ratchet:
        """Return the ratchet of the next epoch."""
        return Ratchet(self.ring, self.epoch_s, self.epoch + 1, bytes(self._derived(b"next")))

    def forward(self, epoch: int) -> Ratchet | None:
        """Return the ratchet of an epoch; None where that is over already, or farther away than any clock may ask."""
        if not 0 <= epoch - self.epoch <= MAX_STEPS:
            return None
        here = self
        while here.epoch < epoch:
            here = here.following()
        return here

    def _derived(self, what: bytes) -> bytearray:
        info = b"platesieve-ratchet-v1/" + what + f"/{self.ring}/{self.epoch_s}/{self.epoch}".encode()
        key = bytearray(SECRET_BYTES)
        HKDF(algorithm=SHA256(), length=SECRET_BYTES, salt=None, info=info).derive_into(self.secret, key)
        return key


def new_ratchet(epoch_s: int, now: Instant, random: Callable[[int], bytes]) -> Ratchet:
    """Return the ratchet of a new ring, which begins with the epoch that is running now."""
    epoch = now.wall_ns // (epoch_s * NS_PER_S)
    return Ratchet(random(RING_BYTES).hex(), epoch_s, epoch, random(SECRET_BYTES))
