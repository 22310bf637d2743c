"""What a process believes of signed documents: one folder, changed as a whole or not at all.

    STORE/current -> g-1f0c...        a link, replaced in one step
    STORE/g-1f0c.../metadata/         what python-tuf's client keeps, versions included
    STORE/g-1f0c.../targets/          the documents for this device; hot lists are encrypted

The client works on a copy. Only when all of it has passed, and what it says could be used, does the copy become the
current one; whatever is wrong leaves not one byte behind.
"""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote

from tuf.api import exceptions
from tuf.api.metadata import Metadata, Targets
from tuf.ngclient import Updater, UpdaterConfig

from platesieve.adapters.delivery.addressed import Kind
from platesieve.adapters.delivery.fetchers import SpoolFetcher
from platesieve.adapters.delivery.stored import as_delivery_error, read_delivery, targets_for
from platesieve.domain.errors import DeliveryError

if TYPE_CHECKING:
    from collections.abc import Callable

    from platesieve.adapters.delivery.fetchers import Source
    from platesieve.adapters.delivery.stored import Delivery

T = TypeVar("T")
_CURRENT = "current"
_TIMESTAMP_BYTES = 1 << 14
_CONFIG = UpdaterConfig(
    max_root_rotations=64,
    max_delegations=len(Kind) + 1,
    root_max_length=1 << 16,
    timestamp_max_length=_TIMESTAMP_BYTES,
    snapshot_max_length=1 << 16,
    targets_max_length=1 << 20,
)


class TrustStore:
    """The signed documents of one device, as one process has verified them.

    Args:
        folder: where they are kept; made with mode 0700.
        trust_root: root.json that the device was provisioned with.
        device: agency/site/device.
    """

    def __init__(self, folder: Path, trust_root: bytes, device: str) -> None:
        self._folder = folder
        self._trust_root = trust_root
        self._device = device
        self._damaged = False
        with as_delivery_error("the stored delivery"):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._sweep()

    @property
    def folder(self) -> Path | None:
        """Return the folder of the delivery that is current, or None before the first."""
        link = self._folder / _CURRENT
        return self._folder / link.readlink() if link.is_symlink() else None

    def current(self) -> Delivery | None:
        """Return the delivery that was accepted last, verified again, or None before the first.

        Raises:
            DeliveryError: it was changed on the disk, or the trust root was changed.
        """
        self._damaged = self.folder is not None  # until it is read without a fault
        delivery = None if self.folder is None else read_delivery(self.folder, self._trust_root, self._device)
        self._damaged = False
        return delivery

    def confirmed_wall_ns(self) -> int | None:
        """Return when the current delivery was accepted, by the wall clock of that time."""
        return None if self.folder is None else self.folder.stat().st_mtime_ns

    def refresh(self, source: Source, accept: Callable[[Delivery], T]) -> T | None:
        """Look for something new; return what `accept` makes of it, or None when there is nothing new.

        Args:
            source: where to look.
            accept: makes something of a delivery that is verified, or raises: then it never came.

        Raises:
            DeliveryError: what was offered is not accepted; nothing has changed on the disk.
        """
        with as_delivery_error(source.name):
            if isinstance(source.fetcher, SpoolFetcher):
                source.fetcher.look()
            if self._knows(source):
                return None
        scratch = self._folder / f"g-{secrets.token_hex(8)}"
        try:
            with as_delivery_error(source.name):
                self._fetch(source, scratch)
                delivery = read_delivery(scratch, self._trust_root, self._device)
            accepted = accept(delivery)
            with as_delivery_error(source.name):
                self._commit(scratch)
        except BaseException:
            if self.folder != scratch:  # a fault after the last step leaves the new state standing
                shutil.rmtree(scratch, ignore_errors=True)
            raise
        self._damaged = False
        return accepted

    def _knows(self, source: Source) -> bool:
        """Return whether the source still says what it said last; a timestamp changes with everything.

        Saves the card of the device: nothing is copied or written for a look that finds nothing. What was found to be
        damaged is fetched again.
        """
        if self._damaged or self.folder is None or not (self.folder / "metadata" / "timestamp.json").is_file():
            return False
        offered = source.fetcher.download_bytes(f"{source.metadata_url}timestamp.json", _TIMESTAMP_BYTES)
        if offered != (self.folder / "metadata" / "timestamp.json").read_bytes():
            return False
        if Metadata.from_bytes(offered).signed.is_expired():
            raise exceptions.ExpiredMetadataError("timestamp")
        return True

    def _fetch(self, source: Source, scratch: Path) -> None:
        """Let python-tuf's client bring a copy of the metadata up to date, and fetch the documents for this device."""
        metadata, targets, before = scratch / "metadata", scratch / "targets", self.folder
        scratch.mkdir(mode=0o700)
        if before is None or not (before / "metadata").is_dir():
            metadata.mkdir(mode=0o700)
        else:
            shutil.copytree(before / "metadata", metadata, symlinks=True)
        targets.mkdir(mode=0o700)
        client = Updater(
            str(metadata),
            source.metadata_url,
            str(targets),
            source.targets_url,
            source.fetcher,
            _CONFIG,
            bootstrap=self._trust_root,
        )
        client.refresh()
        found = 0
        for kind in Kind:
            client.get_targetinfo(f"{kind}/-")  # no such document; its role is fetched and verified on the way
            role: Metadata[Targets] = Metadata.from_file(str(metadata / f"{kind}.json"))
            for target, _address in targets_for(role.signed, kind, self._device):
                found += 1
                verified = client.get_targetinfo(target.path)
                if verified != target:
                    raise exceptions.RepositoryError("a role that was not verified")
                kept = client.find_cached_target(verified, _beside(before, target.path))
                if kept is None:
                    client.download_target(verified)
                else:
                    os.link(kept, targets / Path(kept).name)
        if not found:
            raise DeliveryError(
                f"nothing that {source.name} offers is for this device, {self._device}",
                "give this device the repository of its own agency, or add it with `platesieve agency add-device`",
                "missing",
            )

    def _commit(self, scratch: Path) -> None:
        """Make a copy the current one: durable first, then visible in one step, then the old one goes."""
        for path in (*scratch.rglob("*"), scratch):
            if not path.is_symlink():
                _sync(path)
        pending = self._folder / f"{scratch.name}.link"
        pending.symlink_to(scratch.name)
        pending.replace(self._folder / _CURRENT)
        _sync(self._folder)
        self._sweep()

    def _sweep(self) -> None:
        """Remove what an interrupted attempt left, and generations before the last two.

        The one before stays: another process may be reading it at this moment.
        """
        current = self.folder
        others = sorted((p for p in self._folder.glob("g-*") if p != current), key=lambda p: p.lstat().st_mtime_ns)
        complete = [path for path in others if current is not None and (path / "metadata" / "timestamp.json").exists()]
        for path in others:
            if path.is_symlink():
                path.unlink()
            elif path not in complete[-1:]:
                shutil.rmtree(path, ignore_errors=True)


def _beside(before: Path | None, path: str) -> str | None:
    """Return where the last generation keeps a document, which need not be fetched again."""
    return None if before is None else str(before / "targets" / quote(path, ""))


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
