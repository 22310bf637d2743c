"""Publish a repository: sign the newest state with the online keys, try it as each device would, write the files.

The timestamp is written last, in one step: whoever fetches meanwhile sees the state before or the one after.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from tuf.api.metadata import Metadata, MetaFile, Snapshot, Targets, Timestamp

from platesieve.adapters.delivery import fetchers
from platesieve.adapters.delivery.addressed import Kind
from platesieve.adapters.delivery.first_roles import SPEC_VERSION
from platesieve.adapters.delivery.repository import EDITED
from platesieve.adapters.delivery.system_update import BUNDLES, sweep_bundles
from platesieve.adapters.delivery.trust_store import TrustStore
from platesieve.domain.errors import DeliveryError, InputError, KeyFileError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from securesystemslib.signer import CryptoSigner

    from platesieve.adapters.delivery.repository import Repository

_TRIED = 50  # devices that a state is tried for; more of them show nothing new


@dataclass(frozen=True, slots=True)
class RoleState:
    """One line of the status table."""

    role: str
    version: int
    documents: int
    expires: datetime
    threshold: int
    signatures: int
    waiting: bool  # a draft waits for signatures

    def left_s(self, now: datetime) -> float:
        """Return how long it counts still, seconds; negative where it is over."""
        return (self.expires - now).total_seconds()


def publish(repository: Repository, signers: Mapping[str, CryptoSigner], to: Path | None) -> int:
    """Publish the newest signed state; return the version of its timestamp.

    Args:
        repository: of the agency. Drafts that wait for signatures stay behind.
        signers: holds the online keys.
        to: folder of a server, or of a stick, to copy `public/` to; None leaves it there.

    Raises:
        KeyFileError: the online keys are not among the signers.
        DeliveryError: a device would not accept this; nothing was published.
        InputError: something cannot be read or written.
    """
    metadata = {role: repository.signed_bytes(role) for role in EDITED}
    snapshot = _snapshot(repository, signers, metadata)
    version = repository.newest("timestamp") + 1
    timestamp = Timestamp(version, SPEC_VERSION, repository.expiry("timestamp"), _meta(snapshot))
    stamped = _signed(repository, "timestamp", timestamp, signers)
    public = repository.folder / "public"
    try:
        with TemporaryDirectory(prefix="platesieve-") as scratch:
            trial = Path(scratch) / "trial"
            shutil.copytree(repository.folder / "metadata", trial / "metadata")
            (trial / "metadata" / "timestamp.json").write_bytes(stamped)
            shutil.copytree(public / "targets", trial / "targets")
            _try(repository, trial, Path(scratch))
        _write_public(repository, public, stamped)
        if to is not None:
            _copy(public, to)
    except OSError as error:
        raise InputError(
            f"the repository cannot be published: {error.strerror}", "check that the folder can be written"
        ) from error
    return version


def status(repository: Repository) -> list[RoleState]:
    """Return the state of every role that exists, root first."""
    states = []
    for role in (*EDITED, "snapshot", "timestamp"):
        if role in {"snapshot", "timestamp"} and not repository.newest(role):
            continue
        metadata = repository.latest(role)
        valid = (
            repository.delegator(role).get_verification_result(role, metadata.signed_bytes, metadata.signatures).signed
        )
        states.append(
            RoleState(
                role=role,
                version=metadata.signed.version,
                documents=len(getattr(metadata.signed, "targets", ())),
                expires=metadata.signed.expires,
                threshold=repository.threshold(role),
                signatures=len(valid),
                waiting=role in repository.drafts(),
            )
        )
    return states


def _snapshot(repository: Repository, signers: Mapping[str, CryptoSigner], metadata: Mapping[str, bytes]) -> bytes:
    """Return the snapshot that names the newest version of each role: the last one, where it still does for long."""
    meta = {f"{role}.json": _meta(metadata[role]) for role in EDITED if role != "root"}
    version = repository.newest("snapshot")
    if version:
        last = repository.signed_bytes("snapshot")
        metadata_of_last: Metadata[Snapshot] = Metadata[Snapshot].from_bytes(last)
        signed = metadata_of_last.signed
        still_counts = repository.is_complete("snapshot", metadata_of_last)  # not once its key was replaced
        if still_counts and signed.meta == meta and signed.expires > repository.expiry("timestamp"):
            return last
    snapshot = Snapshot(version + 1, SPEC_VERSION, repository.expiry("snapshot"), meta)
    return _signed(repository, "snapshot", snapshot, signers)


def _signed(repository: Repository, role: str, signed: Any, signers: Mapping[str, CryptoSigner]) -> bytes:
    metadata: Metadata[Any] = Metadata(signed)
    for keyid in repository.allowed_keys(role):
        if keyid in signers:
            metadata.sign(signers[keyid], append=True)
    if not repository.is_complete(role, metadata):
        raise KeyFileError(
            f"the keys at hand may not sign the {role}",
            "give the folder with the online key: --keys DIR, and its passphrase",
        )
    repository.write_metadata(role, metadata)
    return metadata.to_bytes()


def _meta(data: bytes) -> MetaFile:
    metadata: Metadata[Any] = Metadata.from_bytes(data)
    return MetaFile.from_data(metadata.signed.version, data, ["sha256"])


def _try(repository: Repository, trial: Path, scratch: Path) -> None:
    """Take the state in as devices will. What they would turn away is not published."""
    trust_root = (repository.folder / "root.json").read_bytes()
    for number, device in enumerate(sorted(repository.books.devices)[:_TRIED]):
        store = TrustStore(scratch / f"device-{number}", trust_root, device)
        try:
            store.refresh(fetchers.folder(trial), lambda delivery: delivery)
        except DeliveryError as error:
            if error.fault == "missing" and "is for this device" in error.message:
                continue  # nothing was added for it yet
            raise


def _write_public(repository: Repository, public: Path, timestamp: bytes) -> None:
    """Write new files, then the timestamp, then remove documents that nothing names any more."""
    for path in (repository.folder / "metadata").glob("*.json"):
        if not path.name.endswith(".timestamp.json") and not (public / "metadata" / path.name).exists():
            shutil.copyfile(path, public / "metadata" / path.name)
    _replace(public / "metadata" / "timestamp.json", timestamp)
    needed = {
        prefixed
        for kind in Kind
        for version in (
            repository.latest(kind.value),
            Metadata[Targets].from_bytes(repository.signed_bytes(kind.value)),
        )
        for target in version.signed.targets.values()
        for prefixed in target.get_prefixed_paths()
    }
    for path in (public / "targets").rglob("*"):
        if path.is_file() and str(path.relative_to(public / "targets")) not in needed:
            path.unlink()
    sweep_bundles(public)


def _copy(public: Path, to: Path) -> None:
    """Make a folder the same as `public/`, the timestamp last."""
    files = [path.relative_to(public) for path in sorted(public.rglob("*")) if path.is_file()]
    last = Path("metadata/timestamp.json")
    for file in (*(one for one in files if one != last), last):
        (to / file).parent.mkdir(parents=True, exist_ok=True)
        if file == last or not (to / file).exists():
            pending = (to / file).with_name(f".{file.name}.new")
            shutil.copyfile(public / file, pending)
            pending.replace(to / file)
    for path in (*(to / "targets").rglob("*"), *(to / BUNDLES).glob("*")):
        if path.is_file() and path.relative_to(to) not in files:
            path.unlink()


def _replace(path: Path, data: bytes) -> None:
    pending = path.with_name(f".{path.name}.new")
    pending.write_bytes(data)
    pending.replace(path)
