"""Seize a device of a fleet whose pseudonyms are shared, and ask its disk and its secrets about yesterday.

The attacker has the ratchet file as it lies on the disk, has read our source, and knows a vehicle and its pseudonyms
of yesterday, today and tomorrow. With the ratchet he computes every epoch that he can, and tries every 32 bytes of
the disk as a secret. Yesterday and today must stay closed; tomorrow opens, which is the honest limit of a ratchet and
shows that the attack works. In the control the file of yesterday was kept, and yesterday opens.
"""

from __future__ import annotations

import base64
import binascii
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from platesieve.adapters.disk.ratchet_file import load_ratchet, new_ratchet_file, open_ring
from platesieve.domain.folding import fold_characters
from platesieve.domain.instant import NS_PER_S, Instant
from platesieve.policy.actions import Pseudonym, Scope
from platesieve.policy.pseudonym import EpochKeys, Ring
from platesieve.policy.ratchet import SECRET_BYTES, Ratchet, new_ratchet
from tests.fakes.passages import DEVICE, SEEN

EPOCH_S = 86_400
DAY_NS = EPOCH_S * NS_PER_S
ACTION = Pseudonym(EPOCH_S, Scope.FLEET)
PURPOSE = "miss/plate"
AHEAD = 3
STEP = 16  # bytes between two places of the disk that are tried


@dataclass(frozen=True, slots=True)
class Told:
    """Whether the seized disk named a vehicle of each day, and how many secrets were tried."""

    yesterday: bool
    today: bool
    tomorrow: bool
    secrets: int


def on_day(day: int) -> Instant:
    """Return noon-ish of a day from the first."""
    return Instant(SEEN.wall_ns + day * DAY_NS, SEEN.monotonic_ns + day * DAY_NS)


def name_under(ratchet: Ratchet, plate: str) -> str:
    """Return what whoever holds a ratchet calls a vehicle in its epoch."""
    keys = EpochKeys(DEVICE, (), os.urandom, {Scope.FLEET: Ring(ratchet, lambda _: None)})
    keys.rotate(Instant(ratchet.epoch * DAY_NS, ratchet.epoch * DAY_NS))
    alias = keys.shared_pseudonym(
        fold_characters(plate), PURPOSE, ACTION, Instant(ratchet.epoch * DAY_NS, ratchet.epoch * DAY_NS)
    )
    return "" if alias is None else alias.pseudonym


def seized(plate: str, *, yesterday_kept: bool) -> Told:
    """Let a device run for two days, take its disk, and try everything that is on it."""
    first = new_ratchet(EPOCH_S, on_day(0), os.urandom)
    truth = [name_under(one, plate) for one in (first, first.following(), first.following().following())]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "keys" / "fleet.key"
        new_ratchet_file(file, first)
        kept = file.read_bytes()
        keys = EpochKeys(DEVICE, (), os.urandom, {Scope.FLEET: open_ring(file)})
        for day in (0, 1):
            keys.rotate(on_day(day))
        if yesterday_kept:
            (file.parent / "fleet.key.old").write_bytes(kept)
        found = load_ratchet(file)
        image = b"".join(path.read_bytes() for path in sorted(file.parent.iterdir()))
    names, tried = set(), 0
    for secret in secrets_in(image):
        for epoch in range(first.epoch, first.epoch + AHEAD):
            guess = Ratchet(found.ring, EPOCH_S, epoch, secret)
            for _ in range(AHEAD):
                names.add(name_under(guess, plate))
                guess = guess.following()
                tried += 1
    return Told(truth[0] in names, truth[1] in names, truth[2] in names, tried)


def secrets_in(image: bytes) -> set[bytes]:
    """Return what in a disk image could be a secret: every base64 word of 32 bytes, and 32 bytes from every 16th on."""
    found = set()
    for word in image.split():
        try:
            decoded = base64.b64decode(word, validate=True)
        except (ValueError, binascii.Error):
            continue
        if len(decoded) == SECRET_BYTES:
            found.add(decoded)
    return found | {image[at : at + SECRET_BYTES] for at in range(0, len(image) - SECRET_BYTES + 1, STEP)}
