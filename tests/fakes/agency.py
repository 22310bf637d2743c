"""An agency with two sites, and the devices that it publishes for.

Usage::

    agency = Agency(tmp_path)
    agency.publish()                      # into agency.mirror, a folder that a device may read
    device = Receiver(tmp_path / "device", agency)
    device.take(fetchers.folder(agency.mirror))
    device.generation.hotlist.count
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pyrage import encrypt, x25519

from platesieve.adapters.delivery.books import Books, addressees
from platesieve.adapters.delivery.ceremony import load_keys
from platesieve.adapters.delivery.documents import add_device, add_document
from platesieve.adapters.delivery.publishing import publish
from platesieve.adapters.delivery.repository import Repository
from platesieve.adapters.delivery.trust_store import TrustStore
from platesieve.adapters.delivery.unpack import keys_document, unpack
from platesieve.domain.instant import Instant
from platesieve.policy.packs import pack_text
from platesieve.settings import Device

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tuf.api.metadata import Metadata

    from platesieve.adapters.delivery.fetchers import Source
    from platesieve.adapters.delivery.stored import Delivery
    from platesieve.flow.generation import Generation

PASSPHRASE = "correct horse battery staple"  # noqa: S105 - of keys that live as long as a test
OURS, THEIRS = "metro-pd/bridge-7/cam-1", "metro-pd/bridge-8/cam-1"
IDENTITIES = {device: x25519.Identity.generate() for device in (OURS, THEIRS)}
WANTED = "plate,category,list\nCANARY7,stolen,state-police\n"


def table(*plates: str) -> bytes:
    """Return a hot list of these plates."""
    return "".join(["plate,category,list\n", *(f"{plate},stolen,state-police\n" for plate in plates)]).encode()


class Agency:
    """A repository with two devices, a policy, a hot list for each site, and a recipient's key.

    Args:
        folder: for everything.
        back: the agency's clock is this much behind, so that what it signs is over sooner.
        lifetimes_s: how long signatures count, where not as usual.
        exists: the folder is a copy of another agency's.
        agency: its name.
        devices: whom it publishes for.
    """

    def __init__(
        self,
        folder: Path,
        back: timedelta = timedelta(0),
        lifetimes_s: dict[str, float] | None = None,
        *,
        exists: bool = False,
        agency: str = "metro-pd",
        devices: Iterable[str] = (OURS, THEIRS),
    ) -> None:
        self.folder, self.mirror = folder / "repository", folder / "mirror"
        self.back = back
        if exists:
            self.repository = Repository.open(self.folder, self.now)
        else:
            books = Books(agency)
            books.lifetimes_s |= lifetimes_s or {}
            self.repository = Repository.create(self.folder, books, PASSPHRASE, self.now)
            for device in devices:
                add_device(self.repository, device, str(IDENTITIES[device].to_public()))
            self.add("policy/count-only.toml", pack_text("count-only"))
            self.add("keys/recipients.json", keys_document({"agency": bytes(range(32))}))
            self.add_list("wanted", table("CANARY7"), devices)
        self.signers = load_keys([self.folder / "keys"], PASSPHRASE)

    @property
    def now(self) -> datetime:
        """Return the present, as the agency has it."""
        return datetime.now(UTC) - self.back

    @property
    def root(self) -> bytes:
        """Return what each device was given."""
        return (self.folder / "root.json").read_bytes()

    def add(self, path: str, data: bytes, devices: Iterable[str] = ()) -> None:
        """Put a document into its draft, for these devices or for all."""
        address, site = addressees(self.repository.books, None, devices)
        add_document(self.repository, path, data, address, site)

    def add_list(self, name: str, rows: bytes, devices: Iterable[str] = ()) -> None:
        """Put a hot list into its draft, encrypted to these devices or to all."""
        chosen = tuple(devices) or (OURS, THEIRS)
        sealed = encrypt(rows, [IDENTITIES[device].to_public() for device in chosen])
        self.add(f"hotlist/{name}.csv.age", bytes(sealed), chosen)

    def publish(self) -> None:
        """Sign with all keys and publish."""
        self.repository.sign(self.signers)
        publish(self.repository, self.signers, self.mirror)

    # ---- what only somebody with keys, or an attacker, does ------------------------------------------------

    def force(self, role: str, names: Iterable[str]) -> None:
        """Take a draft for signed, whoever signed it: by the keys of these names alone."""
        metadata: Metadata[Any] = self.repository.latest(role)
        metadata.signatures.clear()
        for name in names:
            (signer,) = [self.signers[one] for one in load_keys_named(self.folder, name)]
            metadata.sign(signer, append=True)
        self.repository.write_metadata(role, metadata)
        (self.folder / "drafts" / f"{role}.json").unlink()

    def publish_unchecked(self) -> None:
        """Publish without trying it first, as an attacker would."""
        from platesieve.adapters.delivery import publishing  # noqa: PLC0415 - its private part is left out here

        tried, publishing._try = publishing._try, lambda *_: None
        try:
            publish(self.repository, self.signers, self.mirror)
        finally:
            publishing._try = tried


def load_keys_named(folder: Path, name: str) -> list[str]:
    """Return the id of the key with this name."""
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415
    from securesystemslib.signer import CryptoSigner  # noqa: PLC0415

    pem = (folder / "keys" / f"{name}.pem").read_bytes()
    return [CryptoSigner(load_pem_private_key(pem, PASSPHRASE.encode())).public_key.keyid]


@dataclass
class Receiver:
    """A camera process's part that believes: a store on the disk and one generation in RAM."""

    folder: Path
    root: bytes
    name: str = OURS
    generation: Generation | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self.store = TrustStore(self.folder, self.root, self.name)

    @property
    def device(self) -> Device:
        """Return who it is."""
        agency, site, device = self.name.split("/")
        return Device(agency=agency, site=site, device=device)

    def take(self, source: Source) -> bool:
        """Look; return whether there was something new. Raises DeliveryError where it is turned away."""
        fresh = self.store.refresh(source, self.unpacked)
        if fresh is not None:
            self.generation = fresh
        return fresh is not None

    def unpacked(self, delivery: Delivery) -> Generation:
        """Return the rules in a delivery."""
        now = datetime.now(UTC)
        instant = Instant(int(now.timestamp() * 1e9), 10**12)
        identity = str(IDENTITIES[self.name])
        return unpack(delivery, self.device, identity, instant, before=self.generation)

    def on_disk(self) -> dict[str, bytes]:
        """Return every file and link, with what is in it."""
        return {
            str(path.relative_to(self.folder)): str(path.readlink()).encode()
            if path.is_symlink()
            else path.read_bytes()
            for path in sorted(self.folder.rglob("*"))
            if path.is_symlink() or path.is_file()
        }
