"""Read a delivery that lies on the disk: every signature, version and hash is verified again, and nothing is fetched.

Called before anything in it has an effect: by the camera process for what it fetched from the spool, and at every start
for what it kept. The order is that of the TUF specification (5.3 to 5.7); python-tuf checks the signatures:

1. each root, from the one in the settings on, is signed by the one before it and by itself;
2. timestamp and snapshot are signed under the last root, and the snapshot is the one that the timestamp names;
3. targets, and the role of each kind, are the ones that the snapshot names, signed under root and targets;
4. each document for this device has the length and the hashes that its role signed.

Expiry is no fault here. It is returned, because what follows from it differs: an old list gives no alerts, while a
device whose server is away goes on under its policy until the policy's own role has expired.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote

from tuf.api import exceptions
from tuf.api.metadata import Metadata, Root, Signed, Snapshot, Targets, Timestamp

from platesieve.adapters.delivery.addressed import Address, Kind, kind_of
from platesieve.domain.errors import DeliveryError
from platesieve.domain.instant import NS_PER_S

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tuf.api.metadata import MetaFile, TargetFile

S = TypeVar("S", Root, Timestamp, Snapshot, Targets)
MAX_METADATA_BYTES = 1 << 20
_AGAIN = "have the agency publish again; what the device had stays in force until it expires"


@dataclass(frozen=True, slots=True)
class Document:
    """One signed document for this device, verified."""

    kind: Kind
    name: str
    sha256: str
    address: Address
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a repository says to one device at one time.

    Attributes:
        version: of the timestamp; only ever grows.
        documents: those for this device.
        until_ns: by role, the wall time from which its word does not count any more.
    """

    version: int
    documents: tuple[Document, ...]
    until_ns: Mapping[str, int]

    def of_kind(self, kind: Kind) -> tuple[Document, ...]:
        """Return the documents of one kind."""
        return tuple(document for document in self.documents if document.kind is kind)

    def rules_until_ns(self, kind: Kind) -> int:
        """Return until when a document of this kind counts although nobody may be reached meanwhile."""
        return min(self.until_ns[role] for role in ("root", "targets", kind.value))

    def fresh_until_ns(self, kind: Kind) -> int:
        """Return until when it is known that nothing newer of this kind was withheld: the timestamp's word."""
        return min(self.rules_until_ns(kind), self.until_ns["timestamp"], self.until_ns["snapshot"])


def read_delivery(folder: Path, trust_root: bytes, device: str) -> Delivery:
    """Return what lies in a folder for a device.

    Args:
        folder: with `metadata/` and `targets/`, as python-tuf's client leaves them.
        trust_root: root.json that the device was provisioned with.
        device: agency/site/device.

    Raises:
        DeliveryError: something is missing, changed, not signed by enough keys, or not understood.
    """
    metadata = folder / "metadata"
    with as_delivery_error("the stored delivery"):
        root = _last_root(metadata, trust_root)
        timestamp = _verified(_bytes(metadata / "timestamp.json"), Timestamp, root, "timestamp")
        snapshot = _named(metadata, Snapshot, root, "snapshot", timestamp.snapshot_meta)
        targets = _named(metadata, Targets, root, "targets", snapshot.meta["targets.json"])
        until_ns = {signed.type: _ns(signed) for signed in (root, timestamp, snapshot, targets)}
        documents: list[Document] = []
        for kind in Kind:
            role = _named(metadata, Targets, targets, kind.value, snapshot.meta[f"{kind}.json"])
            until_ns[kind.value] = _ns(role)
            for target, address in targets_for(role, kind, device):
                documents.append(_document(folder, kind, target, address))
    return Delivery(timestamp.version, tuple(documents), until_ns)


def targets_for(role: Targets, kind: Kind, device: str) -> Iterator[tuple[TargetFile, Address]]:
    """Yield the documents of a role that are for a device.

    Raises:
        DeliveryError: any target of the role is not understood or too large; then none of it counts.
    """
    for path, target in sorted(role.targets.items()):
        if kind_of(path) is not kind:
            raise DeliveryError(f"the role {kind} signs a document of another kind", _AGAIN, "bad-signature")
        if target.length > kind.max_bytes:
            raise DeliveryError(f"the signed document {path} is larger than a device takes", _AGAIN, "malformed")
        address = Address.from_custom(target.custom, path)
        if device in address.devices:
            yield target, address


def _document(folder: Path, kind: Kind, target: TargetFile, address: Address) -> Document:
    data = _bytes(folder / "targets" / quote(target.path, ""), kind.max_bytes)
    target.verify_length_and_hashes(data)
    return Document(kind, target.path.partition("/")[2], target.hashes["sha256"], address, data)


def _last_root(metadata: Path, trust_root: bytes) -> Root:
    root = _root(trust_root)
    while (following := metadata / "root_history" / f"{root.version + 1}.root.json").exists():
        data = _bytes(following)
        _verified(data, Root, root, "root")
        if _root(data).version != root.version + 1:
            raise exceptions.BadVersionNumberError("root")
        root = _root(data)
    return root


def _named(metadata: Path, kind: type[S], by: Root | Targets, role: str, named: MetaFile) -> S:
    """Return a role whose version and hashes another one names."""
    data = _bytes(metadata / f"{role}.json")
    named.verify_length_and_hashes(data)
    signed = _verified(data, kind, by, role)
    if signed.version != named.version:
        raise exceptions.BadVersionNumberError(role)
    return signed


def _verified(data: bytes, kind: type[S], by: Root | Targets, role: str) -> S:
    """Return metadata that is signed by enough keys of its delegator."""
    metadata: Metadata[S] = Metadata[S].from_bytes(data)
    if not isinstance(metadata.signed, kind):
        raise exceptions.RepositoryError("of another type")
    by.verify_delegate(role, metadata.signed_bytes, metadata.signatures)
    return metadata.signed


def _root(data: bytes) -> Root:
    """Return a root that vouches for itself."""
    metadata: Metadata[Root] = Metadata[Root].from_bytes(data)
    return _verified(data, Root, metadata.signed, "root")


def check_root(data: bytes) -> None:
    """Make sure that a trust root is one, signed by enough of its own keys.

    Raises:
        DeliveryError: it is not.
    """
    with as_delivery_error("the trust root"):
        _root(data)


def _ns(signed: Signed) -> int:
    return int(signed.expires.timestamp()) * NS_PER_S


def _bytes(path: Path, limit: int = MAX_METADATA_BYTES) -> bytes:
    with path.open("rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise exceptions.LengthOrHashMismatchError("too large")
    return data


@contextmanager
def as_delivery_error(where: str) -> Iterator[None]:
    """Turn what python-tuf and the disk say into one sentence, with a word for the audit log."""
    try:
        yield
    except DeliveryError:
        raise
    except exceptions.BadVersionNumberError as error:
        raise DeliveryError(
            f"{where} offers an older state than this device has seen, or parts of different states",
            _AGAIN,
            "rolled-back",
        ) from error
    except exceptions.ExpiredMetadataError as error:
        raise DeliveryError(
            f"what {where} offers has expired: nothing newer was signed, or somebody withholds it",
            "have the agency run `platesieve agency publish`, and check the way to it and the clock",
            "expired",
        ) from error
    except exceptions.UnsignedMetadataError as error:
        raise DeliveryError(
            f"{where} offers a document that is not signed by enough of the keys that may sign it",
            _AGAIN,
            "bad-signature",
        ) from error
    except (exceptions.DownloadLengthMismatchError, exceptions.LengthOrHashMismatchError) as error:
        raise DeliveryError(
            f"{where} offers a file that is not the one that was signed, or larger than allowed",
            _AGAIN,
            "bad-signature",
        ) from error
    except (exceptions.DownloadHTTPError, FileNotFoundError, KeyError) as error:
        raise DeliveryError(f"{where} has not all the files that a delivery has", _AGAIN, "missing") from error
    except exceptions.DownloadError as error:
        raise DeliveryError(
            f"{where} cannot be read: {error}", "check the way to it; what the device had stays in force", None
        ) from error
    except (exceptions.RepositoryError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise DeliveryError(f"{where} offers a document that is not understood", _AGAIN, "malformed") from error
    except OSError as error:
        raise DeliveryError(
            f"a delivery cannot be kept: {error.strerror}",
            "make room in the state folder and see that it is writable",
            None,
        ) from error
