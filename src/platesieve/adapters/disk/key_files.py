"""Key files as people and programs hand them around: read by kind, made in pairs, shown without their secret."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from platesieve.adapters.disk.key_line import (
    create,
    read_line,
    read_secret_line,
    refuse_existing,
    refuse_readable_by_others,
)
from platesieve.adapters.disk.key_text import (
    AGE_PUBLIC,
    AGE_SECRET,
    AUDIT_SECRET,
    KeyKind,
    bytes_of,
    checked_recipient,
    drawn,
    line_of,
    prefix,
    public_of,
    recipient_of,
)
from platesieve.audit.note import NoteSigner, NoteVerifier
from platesieve.domain.errors import KeyFileError

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """What may be shown of a key file: never the secret.

    Attributes:
        kind: what it is for.
        secret: whether the file holds the secret half.
        public: the line of the public half.
        fingerprint: SHA-256 of the bytes of the public key (of an age recipient: of its text), hex; also what the
            audit log names.
    """

    kind: KeyKind
    secret: bool
    public: str
    fingerprint: str


def load_vkey(file: Path) -> NoteVerifier:
    """Return the public half of an audit key.

    Raises:
        KeyFileError: the file is missing, unreadable or of another kind.
    """
    return NoteVerifier.from_vkey(read_line(file))


def load_public(file: Path, kind: KeyKind) -> bytes:
    """Return the bytes of a public agency (X25519, 32; hybrid, 1216), device (X25519) or command (Ed25519) key.

    Raises:
        KeyFileError: the file is missing, unreadable, of another kind, or holds a secret that does not
            belong here.
    """
    return bytes_of(read_line(file), kind, "public", file)


def load_secret(file: Path, kind: KeyKind) -> bytes:
    """Return the bytes of a secret agency (X25519, 32; hybrid, 96), device (X25519) or command (Ed25519) key.

    Raises:
        KeyFileError: the file is missing, of another kind, or others can read it.
    """
    secret = bytes_of(read_line(file), kind, "secret", file)
    refuse_readable_by_others(file)
    return secret


def fingerprint(public: bytes) -> str:
    """Return the SHA-256 of a public key, hex."""
    return sha256(public).hexdigest()


def load_lists_public(file: Path) -> str:
    """Return the age recipient in a file.

    Raises:
        KeyFileError: the file is missing, unreadable, of another kind, or holds the secret half.
    """
    line = read_line(file)
    if line.startswith(AGE_SECRET):
        raise KeyFileError(f"{file} is the secret half of a key", "leave it on the device, and give the .pub beside it")
    return checked_recipient(line, file)


def load_recipient(file: Path) -> bytes:
    """Return what fields may be sealed to: the bytes of a public agency key, or the text of an age recipient.

    Raises:
        KeyFileError: the file is missing, unreadable, of another kind, or holds the secret half.
    """
    is_age = read_line(file).startswith((AGE_PUBLIC, AGE_SECRET))
    return load_lists_public(file).encode("ascii") if is_age else load_public(file, KeyKind.AGENCY)


def load_opener(file: Path) -> bytes:
    """Return what opens sealed fields: the bytes of a secret agency key, or the text of an age identity.

    Raises:
        KeyFileError: the file is missing, of another kind, or others can read it.
    """
    line = read_line(file)
    if not line.startswith(AGE_SECRET):
        return load_secret(file, KeyKind.AGENCY)
    recipient_of(read_secret_line(file), file)
    return line.encode("ascii")


def new_key_files(kind: KeyKind, folder: Path, name: str = "", *, hybrid: bool = False) -> tuple[Path, Path]:
    """Draw a key, write both halves into `folder`, and return the paths of secret and public half.

    Args:
        kind: what it is for.
        folder: made with mode 0700 where there is none.
        name: of an audit key; of other keys the stem of their files, which is their kind unless given.
        hybrid: make an agency key of ML-KEM-768 and X25519 instead of X25519 alone.

    Raises:
        KeyFileError: one of the files is there already, or they cannot be written.
        ConfigError: a hybrid key is wanted, and this OpenSSL has no ML-KEM.
    """
    is_audit = kind is KeyKind.AUDIT
    stem = kind.value if is_audit or not name else name
    secret, public = folder / f"{stem}.key", folder / f"{stem}.{'vkey' if is_audit else 'pub'}"
    for file in (secret, public):
        refuse_existing(file)
    secret_line, public_line = drawn(kind, name, hybrid=hybrid)
    create(secret, secret_line, 0o600)
    create(public, public_line, 0o644)
    return secret, public


def write_agency_public(public: bytes, folder: Path, name: str = "agency") -> Path:
    """Write the public half of an agency key whose secret half is elsewhere, and return its path.

    Raises:
        KeyFileError: the file is there already, or it cannot be written.
    """
    file = folder / f"{name}.pub"
    create(file, line_of(KeyKind.AGENCY, "public", public), 0o644)
    return file


def key_facts(file: Path) -> KeyFacts:
    """Return what may be shown of a key file of any kind.

    Raises:
        KeyFileError: it is no key file, or a secret that others can read.
    """
    line = read_line(file)
    if line.startswith(AUDIT_SECRET):
        verifier = NoteSigner.from_skey(read_secret_line(file)).verifier
        return KeyFacts(KeyKind.AUDIT, True, verifier.vkey, fingerprint(verifier.public_key))
    if line.startswith(AGE_SECRET):
        public = recipient_of(read_secret_line(file), file)
        return KeyFacts(_age_kind(file), True, public, fingerprint(public.encode()))
    if line.startswith(AGE_PUBLIC):
        return KeyFacts(_age_kind(file), False, checked_recipient(line, file), fingerprint(line.encode()))
    for kind in (KeyKind.AGENCY, KeyKind.COMMAND, KeyKind.DEVICE, KeyKind.RECEIPT):
        if line.startswith(prefix(kind, "secret")):
            raw = public_of(kind, bytes_of(read_secret_line(file), kind, "secret", file))
            return KeyFacts(kind, True, line_of(kind, "public", raw), fingerprint(raw))
        if line.startswith(prefix(kind, "public")):
            return KeyFacts(kind, False, line, fingerprint(bytes_of(line, kind, "public", file)))
    verifier = NoteVerifier.from_vkey(line)
    return KeyFacts(KeyKind.AUDIT, False, verifier.vkey, fingerprint(verifier.public_key))


def _age_kind(file: Path) -> KeyKind:
    """Return what an age key is for: its text is the same for hot lists and pictures, so that its name has to say."""
    return KeyKind.CROPS if KeyKind.CROPS in file.stem else KeyKind.LISTS
