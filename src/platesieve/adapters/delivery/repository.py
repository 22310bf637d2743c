"""An agency's own repository: a folder with drafts that wait for signatures, and what is signed and published.

    REPOSITORY/agency.json     devices, and for whom each document is
    REPOSITORY/keys/           key files, each under its passphrase; take those of `root` away after `init`
    REPOSITORY/drafts/         roles that were changed and are not signed by enough keys yet
    REPOSITORY/metadata/       roles that are, version by version
    REPOSITORY/public/         what any static server, or a stick, may hold: metadata/ and targets/
    REPOSITORY/root.json       what each device is given once

Nothing secret is in it but the keys: hot lists are encrypted before they are written.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from tuf.api import exceptions
from tuf.api.metadata import DelegatedRole, Delegations, Key, Metadata, Root, TargetFile, Targets

from platesieve.adapters.delivery.addressed import Address, Kind, is_device, kind_of
from platesieve.adapters.delivery.ceremony import HOLDERS, LIFETIMES_S, SIGNERS, new_key, refuse_short
from platesieve.domain.errors import ConfigError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from securesystemslib.signer import CryptoSigner
    from tuf.api.metadata import Signed

FORMAT = 1
SPEC_VERSION = "1.0.31"
SINGLE = frozenset({Kind.POLICY, Kind.KEYS, Kind.UPDATE})  # a device has one of each
EDITED = ("root", "targets", *(kind.value for kind in Kind))  # snapshot and timestamp are made when publishing


@dataclass(slots=True)
class Books:
    """What the agency knows beside what it signs: kept in agency.json.

    Attributes:
        agency: its name, first part of every device.
        devices: agency/site/device to the age recipient that hot lists are encrypted to.
        lifetimes_s: how long a signature of each role counts, seconds.
        everyone: documents for all devices, or all of one site, by path: agency/site, or "" for all.
        encrypted_to: by path of a hot list, the devices it was encrypted to.
    """

    agency: str
    devices: dict[str, str] = field(default_factory=dict)
    lifetimes_s: dict[str, float] = field(default_factory=lambda: dict(LIFETIMES_S))
    everyone: dict[str, str] = field(default_factory=dict)
    encrypted_to: dict[str, list[str]] = field(default_factory=dict)

    def at(self, site: str) -> list[str]:
        """Return the devices at a site (agency/site), all of them for ""."""
        return sorted(device for device in self.devices if not site or device.startswith(f"{site}/"))


class Repository:
    """The agency's folder. Use `create` once, `open` after that.

    Args:
        folder: the folder.
        books: what is in its agency.json.
        now: the present, UTC; signatures count from here.
    """

    def __init__(self, folder: Path, books: Books, now: datetime) -> None:
        self.folder, self.books = folder, books
        self.now = now.astimezone(UTC).replace(microsecond=0)

    @classmethod
    def create(cls, folder: Path, books: Books, passphrase: str, now: datetime) -> Self:
        """Make keys, sign the first root and empty roles of each kind, and return the repository.

        Raises:
            InputError: something is in the folder already, or it cannot be written.
            ConfigError: the agency's name cannot be part of a topic.
            KeyFileError: the passphrase is too short.
        """
        repository = cls(folder, books, now)
        refuse_short(passphrase)
        if not is_device(f"{books.agency}/site/device"):
            raise ConfigError("this is no name for an agency", "write letters, digits, dots and dashes: metro-pd")
        with _as_input_error(folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if any(folder.iterdir()):
                raise InputError(f"{folder} is not empty", "give a new folder for the repository")
        signers = {name: new_key(folder / "keys", name, passphrase) for h in HOLDERS for name in h.key_names}
        with _as_input_error(folder):
            for name in ("drafts", "metadata", "public/metadata", "public/targets"):
                (folder / name).mkdir(parents=True)
            repository.save_books()
            repository._write_draft("root", repository._first_root(signers))
            repository._write_draft("targets", repository._first_targets(signers))
            for kind in Kind:
                repository._write_draft(kind.value, Targets(1, SPEC_VERSION, repository.expiry(kind.value)))
        repository.sign({signer.public_key.keyid: signer for signer in signers.values()})
        return repository

    @classmethod
    def open(cls, folder: Path, now: datetime) -> Self:
        """Return the repository in a folder.

        Raises:
            InputError: there is none, or it is damaged.
        """
        with _as_input_error(folder):
            document = json.loads((folder / "agency.json").read_text(encoding="utf-8"))
            if document.pop("format") != FORMAT:
                raise InputError(f"{folder} was made by another version of platesieve", "use that version")
            return cls(folder, Books(**document), now)

    # ---- devices and documents -----------------------------------------------------------------------------

    def add_device(self, device: str, recipient: str) -> list[str]:
        """Add a device, and make it an addressee of what is for everyone; return the paths of those documents.

        Hot lists are not among them: they have to be encrypted again (`add_document`).

        Raises:
            ConfigError: it is no device of this agency.
        """
        if not is_device(device) or not device.startswith(f"{self.books.agency}/"):
            raise ConfigError(
                "this is no device of the agency", f"write {self.books.agency}/SITE/DEVICE, for example bridge-7/cam-1"
            )
        self.books.devices[device] = recipient
        changed = self._documents_for_all_at(device)
        for path in changed:
            with self.editing(kind_of(path).value) as role:
                _readdress(role, path, {*_devices(role, path), device})
        self.save_books()
        return changed

    def _documents_for_all_at(self, device: str) -> list[str]:
        """Return what a new device gets: of policies and keys one each, the one for the smallest group."""
        fitting = {
            path: site
            for path, site in self.books.everyone.items()
            if device in self.books.at(site) and kind_of(path) is not Kind.HOTLIST
        }
        one_each = {kind_of(path): path for path, _ in sorted(fitting.items(), key=lambda item: len(item[1]))}
        return sorted(path for path in fitting if kind_of(path) not in SINGLE or one_each[kind_of(path)] == path)

    def add_document(self, path: str, data: bytes, address: Address, site: str | None) -> None:
        """Put a document into the draft of its kind; one of the same name is replaced.

        A device has one policy and one set of keys: another one that it had is not for it any more.

        Args:
            path: KIND/FILE.
            data: as it will be published: a hot list is encrypted already.
            address: for whom.
            site: agency/site, or "" for everyone: devices that come later are for it too; None for the named ones.

        Raises:
            ConfigError: it is larger than a device takes.
        """
        kind = kind_of(path)
        if len(data) > kind.max_bytes:
            raise ConfigError(f"{path} is larger than {kind.max_bytes >> 10} KiB", "give a smaller one")
        target = TargetFile.from_data(path, data, ["sha256"])
        target.unrecognized_fields["custom"] = address.as_custom()
        with _as_input_error(self.folder):
            place = self.folder / "public" / "targets" / target.get_prefixed_paths()[0]
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
        with self.editing(kind.value) as role:
            role.targets[path] = target
            for other in [one for one in role.targets if kind in SINGLE and one != path]:
                _readdress(role, other, set(_devices(role, other)) - set(address.devices))
                if other not in role.targets or self.books.everyone.get(other) == site:
                    self.books.everyone.pop(other, None)
        self.books.everyone.pop(path, None)
        if site is not None:
            self.books.everyone[path] = site
        if kind is Kind.HOTLIST:
            self.books.encrypted_to[path] = list(address.devices)
        self.save_books()

    def remove_document(self, path: str) -> bool:
        """Take a document back; return whether there was one."""
        if path not in self.latest(kind_of(path).value).signed.targets:
            return False
        with self.editing(kind_of(path).value) as role:
            del role.targets[path]
        self.books.everyone.pop(path, None)
        self.books.encrypted_to.pop(path, None)
        self.save_books()
        return True

    # ---- signatures ----------------------------------------------------------------------------------------

    @contextmanager
    def editing(self, role: str) -> Iterator[Any]:
        """Give what a role says, to be changed; the change becomes a draft without signatures."""
        signed = self.latest(role).signed
        yield signed
        if not self._draft_path(role).exists():
            signed.version += 1
        signed.expires = self.expiry(role)
        self._write_draft(role, signed)

    def renew(self, role: str) -> None:
        """Let a role say the same for as long again, once it is signed."""
        with self.editing(role):
            pass

    def drafts(self) -> list[str]:
        """Return the roles that wait for signatures."""
        return [role for role in EDITED if self._draft_path(role).exists()]

    def sign(self, signers: Mapping[str, CryptoSigner]) -> list[str]:
        """Sign every draft with the keys at hand that may sign it; return the roles that are complete now.

        A role waits for the one that says who signs it: what new keys signed must not come out before them.
        """
        complete = []
        for role in self.drafts():
            metadata: Metadata[Any] = Metadata.from_bytes(self._draft_path(role).read_bytes())
            for keyid in self.allowed_keys(role):
                if keyid in signers:
                    metadata.sign(signers[keyid], append=True)
            self._write(self._draft_path(role), metadata.to_bytes())
            if self.is_complete(role, metadata) and self._delegator_of(role) not in self.drafts():
                self._promote(role, metadata)
                complete.append(role)
        return complete

    def allowed_keys(self, role: str) -> list[str]:
        """Return the ids of the keys that may sign a role now, those of a root before and after its change."""
        rule = self._rule(role)
        keys = list(rule.keyids)
        before = self._published_root() if role == "root" else None
        if before is not None:
            keys += [key for key in before.roles["root"].keyids if key not in keys]
        return keys

    def key_ids(self, role: str) -> list[str]:
        """Return the ids of the keys of a role, in the order of their names; those of a draft where there is one."""
        return list(self._rule(role).keyids)

    def threshold(self, role: str) -> int:
        """Return how many of them must."""
        return int(self._rule(role).threshold)

    def is_complete(self, role: str, metadata: Metadata[Any]) -> bool:
        """Return whether enough keys have signed."""
        delegators = (
            [self._delegator(role)] if role != "root" else [metadata.signed, self._published_root() or metadata.signed]
        )
        try:
            for delegator in delegators:
                delegator.verify_delegate(role, metadata.signed_bytes, metadata.signatures)
        except exceptions.UnsignedMetadataError:
            return False
        return True

    # ---- what is there -------------------------------------------------------------------------------------

    def latest(self, role: str) -> Metadata[Any]:
        """Return the draft of a role, or what was signed last.

        Raises:
            InputError: there is neither.
        """
        with _as_input_error(self.folder):
            draft = self._draft_path(role)
            return Metadata.from_bytes(draft.read_bytes() if draft.exists() else self.signed_bytes(role))

    def signed_bytes(self, role: str) -> bytes:
        """Return the newest signed version of a role, as bytes."""
        versions = [int(path.name.split(".")[0]) for path in (self.folder / "metadata").glob(f"*.{role}.json")]
        if not versions:
            raise InputError(f"role {role} was never signed by enough keys", "run `platesieve agency sign`")
        return (self.folder / "metadata" / f"{max(versions)}.{role}.json").read_bytes()

    def expiry(self, role: str) -> datetime:
        """Return until when something counts that is signed now."""
        return self.now + timedelta(seconds=self.books.lifetimes_s[role])

    def save_books(self) -> None:
        """Write agency.json."""
        document = {"format": FORMAT, **asdict(self.books)}
        self._write(self.folder / "agency.json", json.dumps(document, indent=1, sort_keys=True).encode())

    def write_metadata(self, role: str, metadata: Metadata[Any]) -> None:
        """Keep a role that is signed by enough keys."""
        self._write(self.folder / "metadata" / f"{metadata.signed.version}.{role}.json", metadata.to_bytes())

    def _promote(self, role: str, metadata: Metadata[Any]) -> None:
        self.write_metadata(role, metadata)
        self._draft_path(role).unlink()
        if role == "root":
            self._write(self.folder / "root.json", metadata.to_bytes())

    def _rule(self, role: str) -> Any:
        delegator = self._delegator(role)
        return delegator.get_delegated_role(role)

    def _delegator(self, role: str) -> Any:
        return self.latest(self._delegator_of(role) or "root").signed

    @staticmethod
    def _delegator_of(role: str) -> str | None:
        """Return the role that says who signs another; None for the root, which says so itself."""
        if role == "root":
            return None
        return "targets" if role in set(Kind) else "root"

    def _published_root(self) -> Root | None:
        try:
            root: Metadata[Root] = Metadata.from_bytes(self.signed_bytes("root"))
        except InputError:
            return None
        return root.signed

    def _first_root(self, signers: Mapping[str, CryptoSigner]) -> Root:
        root = Root(1, SPEC_VERSION, self.expiry("root"), consistent_snapshot=True)
        for role in ("root", "targets", "snapshot", "timestamp"):
            for name in SIGNERS[role].key_names:
                root.add_key(signers[name].public_key, role)
            root.roles[role].threshold = SIGNERS[role].threshold
        return root

    def _first_targets(self, signers: Mapping[str, CryptoSigner]) -> Targets:
        """Return the role that says who signs each kind. Each delegation ends the search: no other role may answer."""
        keys: dict[str, Key] = {}
        roles: dict[str, DelegatedRole] = {}
        for kind in Kind:
            holder = SIGNERS[kind.value]
            own = {signers[name].public_key.keyid: signers[name].public_key for name in holder.key_names}
            keys |= own
            roles[kind.value] = DelegatedRole(
                kind.value, list(own), holder.threshold, terminating=True, paths=[f"{kind}/*"]
            )
        return Targets(1, SPEC_VERSION, self.expiry("targets"), {}, Delegations(keys, roles))

    def _draft_path(self, role: str) -> Path:
        return self.folder / "drafts" / f"{role}.json"

    def _write_draft(self, role: str, signed: Signed) -> None:
        metadata: Metadata[Any] = Metadata(signed)
        self._write(self._draft_path(role), metadata.to_bytes())

    def _write(self, path: Path, data: bytes) -> None:
        with _as_input_error(self.folder):
            pending = path.with_name(f".{path.name}.new")
            pending.write_bytes(data)
            pending.replace(path)


def addressees(books: Books, site: str | None, devices: Iterable[str]) -> tuple[Address, str | None]:
    """Return for whom a document is, and which later devices it is for too (see `Repository.add_document`).

    Args:
        books: of the agency.
        site: SITE or AGENCY/SITE; None for no site in particular.
        devices: SITE/DEVICE or AGENCY/SITE/DEVICE; none for all at the site, or all there are.

    Raises:
        ConfigError: a device is not known, or there is none.
    """
    prefix = f"{books.agency}/"
    full_site = None if site is None else f"{prefix}{site.removeprefix(prefix)}"
    named = [f"{prefix}{device.removeprefix(prefix)}" for device in devices]
    unknown = [device for device in named if device not in books.devices]
    if unknown:
        raise ConfigError(f"{unknown[0]} is not among the devices", "add it with `platesieve agency add-device`")
    chosen = named or books.at(full_site or "")
    if not chosen:
        raise ConfigError("there is no device that this could be for", "add one with `platesieve agency add-device`")
    if full_site is not None and any(not device.startswith(f"{full_site}/") for device in chosen):
        raise ConfigError("a device is at another site", "leave out --site, or name devices of that site")
    return Address(tuple(sorted(chosen)), full_site), None if named else full_site or ""


def _devices(role: Targets, path: str) -> tuple[str, ...]:
    return Address.from_custom(role.targets[path].custom, path).devices


def _readdress(role: Targets, path: str, devices: set[str]) -> None:
    """Make a document one for these devices; without any it is gone."""
    if not devices:
        del role.targets[path]
        return
    address = Address.from_custom(role.targets[path].custom, path)
    role.targets[path].unrecognized_fields["custom"] = replace(address, devices=tuple(sorted(devices))).as_custom()


@contextmanager
def _as_input_error(folder: Path) -> Iterator[None]:
    try:
        yield
    except InputError:
        raise
    except FileNotFoundError as error:
        raise InputError(f"{folder} holds no repository of an agency", "make one: platesieve agency init") from error
    except OSError as error:
        raise InputError(f"the repository {folder} cannot be used: {error.strerror}", "check its owner") from error
    except (ValueError, KeyError, TypeError, AttributeError, exceptions.RepositoryError) as error:
        raise InputError(f"the repository {folder} is damaged", "restore it from a copy") from error
