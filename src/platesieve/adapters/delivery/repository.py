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
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from tuf.api import exceptions
from tuf.api.metadata import Metadata, Root

from platesieve.adapters.delivery.addressed import Kind, is_device
from platesieve.adapters.delivery.books import Books
from platesieve.adapters.delivery.ceremony import HOLDERS, delegator_of, new_key, refuse_short
from platesieve.adapters.delivery.first_roles import first_roles
from platesieve.domain.errors import ConfigError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from securesystemslib.signer import CryptoSigner
    from tuf.api.metadata import Signed

FORMAT = 1
EDITED = ("root", "targets", *(kind.value for kind in Kind))  # snapshot and timestamp are made when publishing


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
        with as_input_error(folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if any(folder.iterdir()):
                raise InputError(f"{folder} is not empty", "give a new folder for the repository")
        signers = {name: new_key(folder / "keys", name, passphrase) for h in HOLDERS for name in h.key_names}
        with as_input_error(folder):
            for name in ("drafts", "metadata", "public/metadata", "public/targets"):
                (folder / name).mkdir(parents=True)
            repository.save_books()
            for role, signed in first_roles(signers, repository.expiry).items():
                repository._write_draft(role, signed)
        repository.sign({signer.public_key.keyid: signer for signer in signers.values()})
        return repository

    @classmethod
    def open(cls, folder: Path, now: datetime) -> Self:
        """Return the repository in a folder.

        Raises:
            InputError: there is none, or it is damaged.
        """
        with as_input_error(folder):
            document = json.loads((folder / "agency.json").read_text(encoding="utf-8"))
            if document.pop("format") != FORMAT:
                raise InputError(f"{folder} was made by another version of platesieve", "use that version")
            return cls(folder, Books(**document), now)

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
            if self.is_complete(role, metadata) and (role == "root" or delegator_of(role) not in self.drafts()):
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

    def delegator(self, role: str) -> Any:
        """Return what says who signs a role; that of a draft where there is one."""
        return self.latest(delegator_of(role)).signed

    def is_complete(self, role: str, metadata: Metadata[Any]) -> bool:
        """Return whether enough keys have signed."""
        delegators = (
            [self.delegator(role)] if role != "root" else [metadata.signed, self._published_root() or metadata.signed]
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
        with as_input_error(self.folder):
            draft = self._draft_path(role)
            return Metadata.from_bytes(draft.read_bytes() if draft.exists() else self.signed_bytes(role))

    def newest(self, role: str) -> int:
        """Return the newest signed version of a role, as a number; 0 where it was never signed."""
        found = (self.folder / "metadata").glob(f"*.{role}.json")
        return max((int(path.name.partition(".")[0]) for path in found), default=0)

    def signed_bytes(self, role: str) -> bytes:
        """Return the newest signed version of a role, as bytes."""
        version = self.newest(role)
        if not version:
            raise InputError(f"role {role} was never signed by enough keys", "run `platesieve agency sign`")
        return (self.folder / "metadata" / f"{version}.{role}.json").read_bytes()

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
        return self.delegator(role).get_delegated_role(role)

    def _published_root(self) -> Root | None:
        try:
            root: Metadata[Root] = Metadata.from_bytes(self.signed_bytes("root"))
        except InputError:
            return None
        return root.signed

    def _draft_path(self, role: str) -> Path:
        return self.folder / "drafts" / f"{role}.json"

    def _write_draft(self, role: str, signed: Signed) -> None:
        metadata: Metadata[Any] = Metadata(signed)
        self._write(self._draft_path(role), metadata.to_bytes())

    def _write(self, path: Path, data: bytes) -> None:
        with as_input_error(self.folder):
            pending = path.with_name(f".{path.name}.new")
            pending.write_bytes(data)
            pending.replace(path)


@contextmanager
def as_input_error(folder: Path) -> Iterator[None]:
    """Turn what the disk refuses, and what cannot be read there, into an InputError about the repository."""
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
