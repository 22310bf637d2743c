"""Updates of the whole system: which bundle is for which device, signed; the bundle itself is a plain file beside it.

    public/targets/update/HASH.VERSION.json   the offer: version, length, hash; its address says for whom
    public/updates/SHA256.raucb               the bundle, which RAUC verifies again before it writes a slot

A roll-out in stages is a matter of the address: the office signs the same offer for more and more devices. Which come
first is decided by a hash, so that a larger share holds all devices of a smaller one, and no site is always first.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import shutil
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final, Self

from platesieve.adapters.delivery.addressed import Kind
from platesieve.domain.errors import ConfigError, DeliveryError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from platesieve.adapters.delivery.stored import Delivery

BUNDLES: Final = "updates"
MAX_BUNDLE_BYTES: Final = 4 << 30
_FORMAT = 1
_VERSION = re.compile(r"[0-9]{1,6}(\.[0-9]{1,6}){0,3}", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_AGAIN = "have the agency publish again; the system stays as it is"


@dataclass(frozen=True, slots=True)
class Offer:
    """What a signed document says of a bundle.

    Attributes:
        version: numbers with dots; only a higher one than that which runs is taken.
        length: bytes of the bundle.
        sha256: hash of the bundle, hex.
    """

    version: str
    length: int
    sha256: str

    @property
    def path(self) -> str:
        """Return what the document is called, KIND/FILE."""
        return f"{Kind.UPDATE}/{self.version}.json"

    @property
    def file(self) -> str:
        """Return where the bundle is, below what is published."""
        return f"{BUNDLES}/{self.sha256}.raucb"

    def document(self) -> bytes:
        """Return what `read` reads."""
        return json.dumps({"format": _FORMAT, **asdict(self)}, indent=1, sort_keys=True).encode()

    @classmethod
    def read(cls, data: bytes, name: str) -> Self:
        """Return the offer in a document.

        Raises:
            DeliveryError: it is not understood.
        """
        try:
            document = json.loads(data)
        except (ValueError, RecursionError):
            document = None
        match document:
            case {"format": 1, "version": str(version), "length": int(length), "sha256": str(sha256), **rest} if (
                not rest and is_version(version) and _SHA256.fullmatch(sha256) and 0 < length <= MAX_BUNDLE_BYTES
            ):
                return cls(version, length, sha256)
            case _:
                raise DeliveryError(f"the update in {name} is not understood", _AGAIN, "malformed")


def is_version(text: str) -> bool:
    """Return whether a text is a version: numbers with dots."""
    return _VERSION.fullmatch(text) is not None


def is_newer(version: str, than: str) -> bool:
    """Return whether a version is higher, by number."""
    return _numbers(version) > _numbers(than)


def first_of(devices: Iterable[str], share: float, version: str) -> list[str]:
    """Return the devices that come first in a roll-out: that share of them, at least one, the same ones each time."""
    by_hash = sorted(devices, key=lambda device: hashlib.sha256(f"{version} {device}".encode()).digest())
    return sorted(by_hash[: max(1, math.ceil(share * len(by_hash)))])


# ---- the agency's side -------------------------------------------------------------------------------------


def take_bundle(bundle: Path, version: str, public: Path) -> Offer:
    """Copy a bundle to what is published; return the offer of it.

    Raises:
        ConfigError: the version is none.
        InputError: the bundle cannot be read, or is larger than a device takes.
    """
    if not is_version(version):
        raise ConfigError(f"{version} is no version", "write numbers and dots: 0.2.0")
    try:
        length = bundle.stat().st_size
        if not 0 < length <= MAX_BUNDLE_BYTES:
            raise InputError("the bundle is empty or larger than 4 GiB", "make it with firmware/update/bundle")
        with bundle.open("rb") as file:
            offer = Offer(version, length, hashlib.file_digest(file, "sha256").hexdigest())
        (public / BUNDLES).mkdir(exist_ok=True)
        pending = public / BUNDLES / ".new"
        shutil.copyfile(bundle, pending)
        pending.replace(public / offer.file)
    except OSError as error:
        raise InputError(f"the bundle cannot be taken: {error.strerror}", "check its name and the room left") from error
    return offer


def sweep_bundles(public: Path) -> None:
    """Remove bundles that no published offer names."""
    offers = (public / "targets" / Kind.UPDATE.value).glob("*.json")
    named = {public / Offer.read(path.read_bytes(), path.name).file for path in offers}
    for path in (public / BUNDLES).glob("*"):
        if path not in named:
            path.unlink()


# ---- the device's side -------------------------------------------------------------------------------------


def offered(delivery: Delivery, now_ns: int) -> Offer | None:
    """Return the update that a verified delivery has for this device; None without one, or once its word is over.

    Raises:
        DeliveryError: it is not understood.
    """
    documents = delivery.of_kind(Kind.UPDATE)
    if not documents or now_ns >= delivery.rules_until_ns(Kind.UPDATE):
        return None
    (document,) = documents[:1]
    if document.address.expires_ns is not None and now_ns >= document.address.expires_ns:
        return None
    return Offer.read(document.data, document.name)


def was_tried(offer: Offer, tried: Path) -> bool:
    """Return whether this very bundle was given to RAUC here before: the installing service notes it in that file."""
    return tried.is_file() and offer.sha256 in tried.read_text(encoding="ascii", errors="replace").split()


def _numbers(version: str) -> tuple[int, ...]:
    numbers = [int(part) for part in version.split(".")]
    while len(numbers) > 1 and numbers[-1] == 0:  # 1.0 is 1
        numbers.pop()
    return tuple(numbers)
