"""Keys on a disk: one line of text each, with a word in front that says what kind of key it is.

| file | line | who holds it |
|---|---|---|
| audit.key | `PRIVATE+KEY+<name>+<key id>+<base64>` (C2SP signed-note) | the camera process alone |
| audit.vkey | `<name>+<key id>+<base64>` | every auditor and witness |
| agency.key | `platesieve-agency-secret-1 <base64 of an X25519 key>` | the agency alone |
| agency.pub | `platesieve-agency-public-1 <base64>` | every device that seals to the agency |
| agency.key | `platesieve-agency-secret-2 <base64 of an ML-KEM-768 seed and an X25519 key>` (a hybrid) | as above |
| agency.pub | `platesieve-agency-public-2 <base64>` | as above |
| agency.pub | `platesieve-agency-public-3 <base64 of a P-256 point>`, its secret half in a token | as above |
| receipt.key | `platesieve-receipt-secret-1 <base64 of an Ed25519 seed>` | the collector alone |
| receipt.pub | `platesieve-receipt-public-1 <base64>` | every device whose policy names the collector |
| device.key | `platesieve-device-secret-1 <base64 of an X25519 key>` | the camera process alone |
| device.pub | `platesieve-device-public-1 <base64>` | whoever sends this device commands with a plate in them |
| fleet.key | see `ratchet_file` | the camera process of every device of a site or fleet |
| lists.key | `AGE-SECRET-KEY-1...`, an age identity | the camera process alone; it opens hot lists with it |
| lists.pub | `age1...`, the age recipient | the agency, which encrypts hot lists to it |
| crops.key | `AGE-SECRET-KEY-1...`, an age identity | the agency alone; it opens pictures with it, and so does `age` |
| crops.pub | `age1...`, the age recipient | every device that seals pictures to the agency as age files |
| command.key | `platesieve-command-secret-1 <base64 of an Ed25519 seed>` | whoever may suspend and resume |
| command.pub | `platesieve-command-public-1 <base64>` | every device that obeys them |

A secret is read only where nobody else could have read it, and no file is ever written over.
"""

from __future__ import annotations

import base64
import fcntl
import os
import stat
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pyrage import IdentityError, RecipientError, x25519

from platesieve.audit.note import NoteSigner, NoteVerifier, decode_base64
from platesieve.domain.errors import KeyFileError
from platesieve.policy.seal import (
    HYBRID_PRIVATE_BYTES,
    HYBRID_PUBLIC_BYTES,
    KEY_BYTES,
    P256_PUBLIC_BYTES,
    new_private_key,
    public_bytes,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_BYTES = 4096
_BYTES = {
    "secret": (KEY_BYTES, HYBRID_PRIVATE_BYTES),
    "public": (KEY_BYTES, HYBRID_PUBLIC_BYTES, P256_PUBLIC_BYTES),
}
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_SKEY = "PRIVATE+KEY+"
_AGE_SECRET, _AGE_PUBLIC = "AGE-SECRET-KEY-1", "age1"


class KeyKind(StrEnum):
    """What a key is for."""

    AUDIT = "audit"
    AGENCY = "agency"
    COMMAND = "command"
    DEVICE = "device"
    RECEIPT = "receipt"
    LISTS = "lists"
    CROPS = "crops"


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


def audit_key_name(device_path: str) -> str:
    """Return the name of a device's audit key, which is the origin of its log: `platesieve/agency/site/device`."""
    return f"platesieve/{device_path}"


def load_or_create_audit_key(folder: Path, name: str) -> NoteSigner:
    """Return the audit key of this device; made on first use, with its public half beside it.

    Args:
        folder: where `audit.key` and `audit.vkey` are; made with mode 0700.
        name: `audit_key_name` of the device.

    Raises:
        KeyFileError: others can read the key, it is damaged, it is of a device with another name, or the
            folder cannot be written.
    """
    file = folder / "audit.key"
    with _as_key_error(file):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.stat().st_mode & _OTHERS:
            raise KeyFileError("others can look into the folder of the audit key", f"run: chmod 700 {folder}")
        with _alone_in(folder):
            if not file.exists():
                _create(file, NoteSigner.generate(name).skey, 0o600)
        signer = NoteSigner.from_skey(_secret_line(file))
        if signer.name != name:
            raise KeyFileError(
                f"{file} belongs to the log of {signer.name}",
                "give the device its old name back, or a state folder of its own",
            )
        with _alone_in(folder):
            if not (folder / "audit.vkey").exists():
                _create(folder / "audit.vkey", signer.verifier.vkey, 0o644)
    return signer


def load_vkey(file: Path) -> NoteVerifier:
    """Return the public half of an audit key.

    Raises:
        KeyFileError: the file is missing, unreadable or of another kind.
    """
    with _as_key_error(file):
        return NoteVerifier.from_vkey(_line(file))


def load_public(file: Path, kind: KeyKind) -> bytes:
    """Return the bytes of a public agency (X25519, 32; hybrid, 1216), device (X25519) or command (Ed25519) key.

    Raises:
        KeyFileError: the file is missing, unreadable, of another kind, or holds a secret that does not
            belong here.
    """
    with _as_key_error(file):
        return _raw(_line(file), kind, "public", file)


def load_secret(file: Path, kind: KeyKind) -> bytes:
    """Return the bytes of a secret agency (X25519, 32; hybrid, 96), device (X25519) or command (Ed25519) key.

    Raises:
        KeyFileError: the file is missing, of another kind, or others can read it.
    """
    with _as_key_error(file):
        secret = _raw(_line(file), kind, "secret", file)
        refuse_readable_by_others(file)
        return secret


def fingerprint(public: bytes) -> str:
    """Return the SHA-256 of a public key, hex."""
    return sha256(public).hexdigest()


def load_or_create_device_key(folder: Path) -> bytes:
    """Return the secret to which commands with a plate in them are sealed; made on first use, public half beside it.

    Raises:
        KeyFileError: others can read it, it is damaged, or the folder cannot be written.
    """
    file = folder / f"{KeyKind.DEVICE}.key"
    with _as_key_error(file):
        there = file.exists()
    return load_secret(file if there else new_key_files(KeyKind.DEVICE, folder)[0], KeyKind.DEVICE)


def load_or_create_lists_key(folder: Path) -> str:
    """Return the age identity that opens hot lists for this device; made on first use, public half beside it.

    Raises:
        KeyFileError: others can read it, it is damaged, or the folder cannot be written.
    """
    file = folder / f"{KeyKind.LISTS}.key"
    with _as_key_error(file):
        if not file.exists():
            new_key_files(KeyKind.LISTS, folder)
        line = _secret_line(file)
    _age_public(line, file)
    return line


def load_lists_public(file: Path) -> str:
    """Return the age recipient in a file.

    Raises:
        KeyFileError: the file is missing, unreadable, of another kind, or holds the secret half.
    """
    with _as_key_error(file):
        line = _line(file)
    if line.startswith(_AGE_SECRET):
        raise KeyFileError(f"{file} is the secret half of a key", "leave it on the device, and give the .pub beside it")
    return _age_recipient(line, file)


def load_recipient(file: Path) -> bytes:
    """Return what fields may be sealed to: the bytes of a public agency key, or the text of an age recipient.

    Raises:
        KeyFileError: the file is missing, unreadable, of another kind, or holds the secret half.
    """
    with _as_key_error(file):
        is_age = _line(file).startswith((_AGE_PUBLIC, _AGE_SECRET))
    return load_lists_public(file).encode("ascii") if is_age else load_public(file, KeyKind.AGENCY)


def load_opener(file: Path) -> bytes:
    """Return what opens sealed fields: the bytes of a secret agency key, or the text of an age identity.

    Raises:
        KeyFileError: the file is missing, of another kind, or others can read it.
    """
    with _as_key_error(file):
        line = _line(file)
        if not line.startswith(_AGE_SECRET):
            return load_secret(file, KeyKind.AGENCY)
        _age_public(_secret_line(file), file)
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
        if file.exists():
            raise KeyFileError(f"{file} is there already", "give another --out, or move the old key away yourself")
    secret_line, public_line = _drawn(kind, name, hybrid=hybrid)
    with _as_key_error(secret):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _create(secret, secret_line, 0o600)
        _create(public, public_line, 0o644)
    return secret, public


def write_agency_public(public: bytes, folder: Path, name: str = "agency") -> Path:
    """Write the public half of an agency key whose secret half is elsewhere, and return its path.

    Raises:
        KeyFileError: the file is there already, or it cannot be written.
    """
    file = folder / f"{name}.pub"
    with _as_key_error(file):
        if file.exists():
            raise KeyFileError(f"{file} is there already", "give another --out, or move the old key away yourself")
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _create(file, _text(KeyKind.AGENCY, "public", public), 0o644)
    return file


def key_facts(file: Path) -> KeyFacts:
    """Return what may be shown of a key file of any kind.

    Raises:
        KeyFileError: it is no key file, or a secret that others can read.
    """
    with _as_key_error(file):
        line = _line(file)
        if line.startswith(_SKEY):
            verifier = NoteSigner.from_skey(_secret_line(file)).verifier
            return KeyFacts(KeyKind.AUDIT, True, verifier.vkey, fingerprint(verifier.public_key))
        if line.startswith(_AGE_SECRET):
            public = _age_public(_secret_line(file), file)
            return KeyFacts(_age_kind(file), True, public, fingerprint(public.encode()))
        if line.startswith(_AGE_PUBLIC):
            return KeyFacts(_age_kind(file), False, _age_recipient(line, file), fingerprint(line.encode()))
        for kind in (KeyKind.AGENCY, KeyKind.COMMAND, KeyKind.DEVICE, KeyKind.RECEIPT):
            if line.startswith(_prefix(kind, "secret")):
                raw = _public_of(kind, _raw(_secret_line(file), kind, "secret", file))
                return KeyFacts(kind, True, _text(kind, "public", raw), fingerprint(raw))
            if line.startswith(_prefix(kind, "public")):
                return KeyFacts(kind, False, line, fingerprint(_raw(line, kind, "public", file)))
        verifier = NoteVerifier.from_vkey(line)
        return KeyFacts(KeyKind.AUDIT, False, verifier.vkey, fingerprint(verifier.public_key))


def _drawn(kind: KeyKind, name: str, *, hybrid: bool) -> tuple[str, str]:
    if kind is KeyKind.AUDIT:
        signer = NoteSigner.generate(name)
        return signer.skey, signer.verifier.vkey
    if kind in {KeyKind.LISTS, KeyKind.CROPS}:
        identity = x25519.Identity.generate()
        return str(identity), str(identity.to_public())
    raw = new_private_key(
        os.urandom, hybrid=hybrid and kind is KeyKind.AGENCY
    )  # 32 random bytes are an Ed25519 seed too
    return _text(kind, "secret", raw), _text(kind, "public", _public_of(kind, raw))


def _age_kind(file: Path) -> KeyKind:
    """Return what an age key is for: its text is the same for hot lists and pictures, so that its name has to say."""
    return KeyKind.CROPS if KeyKind.CROPS in file.stem else KeyKind.LISTS


def _age_public(line: str, file: Path) -> str:
    """Return the recipient that belongs to an age identity."""
    try:
        return str(x25519.Identity.from_str(line).to_public())
    except IdentityError as error:
        raise KeyFileError(
            f"{file} is not an age identity, or damaged",
            "make one with: platesieve keys new lists (or crops) --out DIR",
        ) from error


def _age_recipient(line: str, file: Path) -> str:
    try:
        return str(x25519.Recipient.from_str(line))
    except RecipientError as error:
        raise KeyFileError(
            f"{file} is not an age recipient, or damaged", "copy the .pub from where it was made again"
        ) from error


def _public_of(kind: KeyKind, secret: bytes) -> bytes:
    if kind in {KeyKind.COMMAND, KeyKind.RECEIPT}:
        return Ed25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()
    return public_bytes(secret)


def _prefix(kind: KeyKind, half: str) -> str:
    """Return what a line begins with, up to the number: X25519 and Ed25519 (1), a hybrid (2), P-256 (3)."""
    return f"platesieve-{kind}-{half}-"


def _text(kind: KeyKind, half: str, raw: bytes) -> str:
    return f"{_prefix(kind, half)}{_number(half, raw)} {base64.b64encode(raw).decode()}"


def _number(half: str, raw: bytes) -> int:
    return _BYTES[half].index(len(raw)) + 1


def _raw(line: str, kind: KeyKind, half: str, file: Path) -> bytes:
    word, _, encoded = line.partition(" ")
    if half == "public" and word.startswith(_prefix(kind, "secret")):
        raise KeyFileError(f"{file} is the secret half of a key", "keep it away from here, and give the .pub beside it")
    numbers = ("1", "2", "3")[: len(_BYTES[half])] if kind is KeyKind.AGENCY else ("1",)
    number = word.removeprefix(_prefix(kind, half))
    if number == word or number not in numbers:
        raise KeyFileError(f"{file} is not a {half} {kind} key", f"make one with: platesieve keys new {kind} --out DIR")
    raw = decode_base64(encoded)
    if raw is None or len(raw) != _BYTES[half][numbers.index(number)] or not any(raw):
        raise KeyFileError(f"{file} is damaged", "copy it again")
    return raw


def _secret_line(file: Path) -> str:
    refuse_readable_by_others(file)
    return _line(file)


def refuse_readable_by_others(file: Path) -> None:
    """Refuse a secret that others can read.

    Raises:
        KeyFileError: they can, or there is no such file.
    """
    with _as_key_error(file):
        if file.stat().st_mode & _OTHERS:
            raise KeyFileError(f"others can read the secret key {file}", f"run: chmod 600 {file}")


def read_line(file: Path) -> str:
    """Return the one line of a key file.

    Raises:
        KeyFileError: the file is missing, unreadable, or more than a line of text.
    """
    with _as_key_error(file):
        return _line(file)


def create(file: Path, line: str, mode: int) -> None:
    """Write a key file that was not there, whole or not at all, in a folder of mode 0700.

    Raises:
        KeyFileError: it is there already, or cannot be written.
    """
    if file.exists():
        raise KeyFileError(f"{file} is there already", "give another --out, or move the old key away yourself")
    with _as_key_error(file):
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _create(file, line, mode)


def _line(file: Path) -> str:
    with file.open("rb") as opened:
        content = opened.read(MAX_BYTES + 1)
    try:
        lines = content.decode("ascii").splitlines()
    except UnicodeDecodeError as error:
        raise KeyFileError(f"{file} is not a key file", "give a file that platesieve keys new made") from error
    if len(lines) != 1 or len(content) > MAX_BYTES:
        raise KeyFileError(f"{file} is not one line of text", "give a file that platesieve keys new made")
    return lines[0].strip()


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Keep others out who make keys here: collector and dashboard may start for the first time at once."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)  # lets go of the lock


def _create(file: Path, line: str, mode: int) -> None:
    """Write a file that was not there, whole or not at all: a key cut off by a power cut would stop the device."""
    pending = file.with_name(f"{file.name}.new")
    pending.unlink(missing_ok=True)
    descriptor = os.open(pending, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, mode)
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(f"{line}\n".encode())
        opened.flush()
        os.fsync(descriptor)
    os.link(pending, file)  # unlike a rename, a link never takes the place of another file
    pending.unlink()
    folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def _as_key_error(file: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise KeyFileError(f"key file {file} is missing", "make keys with: platesieve keys new --help") from error
    except OSError as error:
        raise KeyFileError(
            f"key file {file} cannot be used: {error.strerror}", "check its owner and its folder"
        ) from error
