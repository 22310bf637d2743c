"""Try every plate: against a plain hash, against what we publish, and against what a seized disk holds."""

from __future__ import annotations

import base64
import hmac
import itertools
import json
import os
import string
import tempfile
import time
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from platesieve.adapters.disk.outbox_sqlite import SqliteOutbox
from platesieve.adapters.local.pipe_frames import disclosure_to_document, encode
from platesieve.audit import entry as log
from platesieve.domain.decision import Disclose
from platesieve.domain.folding import fold_characters
from platesieve.domain.instant import NS_PER_S, Instant
from platesieve.policy.decide import decide
from platesieve.policy.force import suited
from platesieve.policy.instruments import Instruments
from platesieve.policy.load import load_pack
from platesieve.policy.pseudonym import EpochKeys
from tests.fakes.passages import DEVICE, SEEN, a_context, a_sighting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from platesieve.domain.disclosure import Disclosure

LETTERS, DIGITS = string.ascii_uppercase, string.digits
# How many plates a series has. Germany: 1 to 3 letters for the town, 1 or 2 more, 1 to 4 digits without leading zero;
# not every combination is issued, so these are upper bounds.
KEYSPACES = {
    "AAA999 (Minnesota and others)": 26**3 * 10**3,
    "France AA-999-AA": 26**4 * 10**3,
    "United Kingdom AA99AAA": 26**5 * 10**2,
    "Germany": (26 + 26**2 + 26**3) * (26 + 26**2) * 9_999,
}
PURPOSE = "miss/plate"


@dataclass(frozen=True, slots=True)
class Search:
    """What trying plates gave: how many were tried, whether the target was among the answers, how long it took."""

    tried: int
    found: bool
    seconds: float

    @property
    def per_second(self) -> float:
        """Return the rate of one core."""
        return self.tried / self.seconds


def series(letters: int, digits: int) -> Iterator[str]:
    """Yield every plate of so many letters and then so many digits."""
    for front in itertools.product(LETTERS, repeat=letters):
        head = "".join(front)
        for number in range(10**digits):
            yield f"{head}{number:0{digits}d}"


def search(plates: Iterator[str], guess: Callable[[bytes], bytes], target: bytes) -> Search:
    """Try every plate, as an attacker does, without stopping at the first."""
    start, tried, found = time.perf_counter(), 0, False
    for plate in plates:
        tried += 1
        found |= guess(plate.encode()) == target
    return Search(tried, found, time.perf_counter() - start)


def plain_hash(plate: str, letters: int, digits: int) -> Search:
    """Break the control: the plain SHA-256 of a plate, as published in good faith elsewhere."""
    return search(series(letters, digits), lambda text: sha256(text).digest(), sha256(plate.encode()).digest())


@dataclass(frozen=True, slots=True)
class Published:
    """What leaves for one vehicle under a policy of pseudonyms, and the secret that is then destroyed."""

    disclosure: Disclosure
    pseudonym: bytes
    epoch: str
    secret: bytes
    keys: EpochKeys


def published(plate: str) -> Published:
    """Let one vehicle pass under `travel-time`, and look over the shoulder of the random generator."""
    policy = load_pack("travel-time")
    device = suited(DEVICE, policy)
    drawn: list[bytes] = []

    def random(count: int) -> bytes:
        drawn.append(os.urandom(count))
        return drawn[-1]

    keys = EpochKeys(device, policy.epochs_s, random)
    instruments = Instruments(keys, lambda *_: None, lambda: os.urandom(16).hex())
    decision = decide(a_sighting(plate), (), policy, replace(a_context(), device=device), instruments)
    if not isinstance(decision, Disclose):
        raise TypeError("the pack does not disclose a pseudonym")
    alias = decision.disclosure.body["plate"]
    if not isinstance(alias, dict):
        raise TypeError("the plate is no pseudonym")
    (secret,) = (one for one in drawn if len(one) == 32)
    told = base64.urlsafe_b64decode(str(alias["pseudonym"]) + "=")
    return Published(decision.disclosure, told, str(alias["epoch"]), secret, keys)


def stream(plate: str, letters: int, digits: int) -> dict[str, Search]:
    """Try every plate against the published pseudonym, under each key that an outsider can think of.

    The true key is 256 random bits, so the guesses are those that a careless product would have used. The last one is
    the control: with the key itself the same search finds the plate.
    """
    one = published(plate)
    device = f"{DEVICE.agency}/{DEVICE.site}/{DEVICE.device}".encode()
    stamp = json.dumps(one.disclosure.body["policy"], sort_keys=True).encode()
    guesses: dict[str, bytes | None] = {
        "no key": None,
        "empty key": b"",
        "the device's name": device,
        "the id of the epoch": bytes.fromhex(one.epoch),
        "the policy": stamp,
        "control: the key itself": derived(one.secret, one.epoch),
    }
    folded = (fold_characters(text) for text in series(letters, digits))
    candidates = sorted(set(folded))  # folding leaves fewer names to try: to the attacker's advantage
    return {
        name: search(
            iter(candidates),
            (lambda text: sha256(text).digest()) if key is None else _keyed(key),
            one.pseudonym,
        )
        for name, key in guesses.items()
    }


def _keyed(key: bytes) -> Callable[[bytes], bytes]:
    return lambda text: hmac.digest(key, text, "sha256")


def derived(secret: bytes, epoch: str) -> bytes:
    """Return the key of `policy.pseudonym`, as an attacker who has read our source derives it from a secret."""
    parts = (f"{DEVICE.agency}/{DEVICE.site}/{DEVICE.device}".encode(), epoch.encode(), PURPOSE.encode())
    info = b"platesieve-pseudonym-v1" + b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(secret)


@dataclass(frozen=True, slots=True)
class Seizure:
    """What was tried with a seized disk: windows of 32 bytes, and whether one of them was the secret."""

    image_bytes: int
    windows: int
    found: bool


def seized_disk(plate: str, *, with_secret: bool) -> Seizure:
    """Take every 32 bytes of the device's disk for the epoch's secret, and test them on a vehicle that passed.

    The image is what the product writes for the vehicle: the outbox (database and log), the frame of the pipe and the
    entries of the audit log. The attacker knows the plate and wants the secret, with which all others fall. With
    `with_secret` the secret lies in the image once, which is the control.
    """
    one = published(plate)
    image = _disk_image(one)
    one.keys.destroy()
    if with_secret:
        image += one.secret
    name = fold_characters(plate).encode()
    windows = {image[at : at + 32] for at in range(len(image) - 31)}
    windows = {window for window in windows if len(set(window)) > 8}  # 256 random bits do not look like padding
    found = any(
        hmac.digest(key, name, "sha256") == one.pseudonym
        for window in windows
        for key in (window, derived(window, one.epoch))
    )
    return Seizure(len(image), len(windows), found)


def _disk_image(one: Published) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        outbox = SqliteOutbox(Path(folder) / "outbox.db", 1 << 20)
        outbox.store([one.disclosure])
        image = b"".join(path.read_bytes() for path in sorted(Path(folder).iterdir()))
        outbox.close()
        image += b"".join(path.read_bytes() for path in sorted(Path(folder).iterdir()))
    image += encode(disclosure_to_document(one.disclosure))
    entries = (
        log.EpochKeyCreated(SEEN.wall_ns, one.epoch, log.KeyPurpose.DEVICE),
        log.EpochKeyDestroyed(SEEN.wall_ns + 3600 * NS_PER_S, one.epoch),
    )
    return image + b"".join(repr(entry).encode() for entry in entries)


def destroyed_keys_answer_differently(plate: str) -> bool:
    """Return whether the device itself, asked again after the key is gone, no longer gives the same name."""
    one = published(plate)
    one.keys.destroy()
    again = one.keys.pseudonym(fold_characters(plate), PURPOSE, 3600, Instant(SEEN.wall_ns, SEEN.monotonic_ns))
    return base64.urlsafe_b64decode(again.pseudonym + "=") != one.pseudonym
