"""C2SP signed-note v1.0.0 with Ed25519 (type 0x01): text that carries its signatures (FORMAT 4.1 to 4.4).

Stricter than the note of the specification in one thing: base64 must be canonical, so that no byte of a note can
change without the change being seen.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from platesieve.domain.errors import AuditError, KeyFileError

MAX_NOTE_BYTES = 64 * 1024
MAX_SIGNATURES = 64
_ED25519 = b"\x01"
_SKEY_PREFIX = "PRIVATE+KEY+"
DASH = "\u2014"
_KEY_BYTES = 32
_ID_BYTES = 4


@dataclass(frozen=True, slots=True)
class NoteVerifier:
    """The public half: checks notes of one key name."""

    name: str
    public_key: bytes

    def __post_init__(self) -> None:
        if not is_key_name(self.name) or len(self.public_key) != _KEY_BYTES:
            raise KeyFileError("this is not the public key of an audit log", "give its .vkey file")

    @classmethod
    def from_vkey(cls, vkey: str) -> Self:
        """Build from `name+hex of key id+base64(0x01 || public key)`.

        Raises:
            KeyFileError: another form, another algorithm, or a key id that does not belong to the key.
        """
        name, _, rest = vkey.strip().partition("+")
        stated_id, _, encoded = rest.partition("+")
        verifier = cls(name, _typed_key(encoded))
        if stated_id != verifier.key_id.hex():
            raise KeyFileError("the key id of this vkey does not belong to its key", "copy the .vkey file again")
        return verifier

    @property
    def key_id(self) -> bytes:
        """Return SHA-256(name || newline || 0x01 || public key)[:4]."""
        return sha256(self.name.encode() + b"\n" + _ED25519 + self.public_key).digest()[:_ID_BYTES]

    @property
    def vkey(self) -> str:
        """Return the text form."""
        return f"{self.name}+{self.key_id.hex()}+{_encode(_ED25519 + self.public_key)}"

    def open(self, note: bytes) -> str:
        """Return the text of a note that this key signed.

        Raises:
            AuditError: the note is malformed, this key did not sign it, or a signature of this key is wrong.
        """
        text, signatures = parse_note(note)
        mine = [line.signature for line in signatures if line.name == self.name and line.key_id == self.key_id]
        if not mine:
            raise AuditError("the note is not signed by the expected key", "give the .vkey file of this very device")
        try:
            for signature in mine:
                Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, text.encode())
        except InvalidSignature as error:
            raise AuditError("the signature of the note does not fit its text", "treat the log as altered") from error
        return text


@dataclass(frozen=True, slots=True)
class NoteSigner:
    """The private half. Its repr shows the name alone."""

    name: str
    seed: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if not is_key_name(self.name) or len(self.seed) != _KEY_BYTES:
            raise KeyFileError("this is not the private key of an audit log", "make one with platesieve keys new audit")

    @classmethod
    def generate(cls, name: str) -> Self:
        """Draw a new key."""
        return cls(name, Ed25519PrivateKey.generate().private_bytes_raw())

    @classmethod
    def from_skey(cls, skey: str) -> Self:
        """Build from `PRIVATE+KEY+name+hex of key id+base64(0x01 || seed)`, as Go's sumdb/note writes it.

        Raises:
            KeyFileError: another form, another algorithm, or a key id that does not belong to the key.
        """
        text = skey.strip()
        name, _, rest = text.removeprefix(_SKEY_PREFIX).partition("+")
        stated_id, _, encoded = rest.partition("+")
        if not text.startswith(_SKEY_PREFIX):
            raise KeyFileError("this is not the private key of an audit log", "it begins with PRIVATE+KEY+")
        signer = cls(name, _typed_key(encoded))
        if stated_id != signer.verifier.key_id.hex():
            raise KeyFileError("the key id of this key file does not belong to its key", "restore the file")
        return signer

    @property
    def verifier(self) -> NoteVerifier:
        """Return the public half."""
        return NoteVerifier(self.name, Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw())

    @property
    def skey(self) -> str:
        """Return the text form. It is the secret itself."""
        return f"{_SKEY_PREFIX}{self.name}+{self.verifier.key_id.hex()}+{_encode(_ED25519 + self.seed)}"

    def sign(self, text: str) -> bytes:
        """Return the note: `text`, which ends with a newline, and one signature."""
        if not text.endswith("\n") or _has_control(text):
            raise AuditError("this text cannot be signed as a note", "end it with a newline, without control bytes")
        signature = Ed25519PrivateKey.from_private_bytes(self.seed).sign(text.encode())
        return f"{text}\n{DASH} {self.name} {_encode(self.verifier.key_id + signature)}\n".encode()


@dataclass(frozen=True, slots=True)
class SignatureLine:
    """One signature of a note, of whatever algorithm."""

    name: str
    key_id: bytes
    signature: bytes


def parse_note(note: bytes) -> tuple[str, tuple[SignatureLine, ...]]:
    """Return text and signature lines; nothing is verified yet (FORMAT 4.1).

    Raises:
        AuditError: this is not a signed note.
    """
    if len(note) > MAX_NOTE_BYTES:
        raise _malformed(f"it has more than {MAX_NOTE_BYTES} bytes")
    try:
        whole = note.decode()
    except UnicodeDecodeError as error:
        raise _malformed("it is not UTF-8") from error
    if _has_control(whole):
        raise _malformed("it has control characters")
    text, separator, tail = whole.rpartition("\n\n")
    if not separator or not text or not tail.endswith("\n"):
        raise _malformed("text and signatures are not parted by a blank line")
    lines = tail[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise _malformed(f"it has more than {MAX_SIGNATURES} signatures")
    return f"{text}\n", tuple(_signature_line(line) for line in lines)


def is_key_name(name: str) -> bool:
    """Return whether a name can stand in a note: not empty, no space, no plus, no control character."""
    return bool(name) and "+" not in name and name.isprintable() and not any(c.isspace() for c in name)


def decode_base64(text: str) -> bytes | None:
    """Return the bytes of canonical base64, or None."""
    try:
        decoded = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return decoded if _encode(decoded) == text else None  # other spare bits would decode to the same bytes


def _signature_line(line: str) -> SignatureLine:
    parts = line.split(" ")
    if len(parts) != 3 or parts[0] != DASH or not is_key_name(parts[1]):  # noqa: PLR2004 - dash, name, base64
        raise _malformed("a signature line is not a dash, a name and base64")
    blob = decode_base64(parts[2])
    if blob is None or len(blob) <= _ID_BYTES:
        raise _malformed("a signature is not canonical base64 of a key id and a signature")
    return SignatureLine(parts[1], blob[:_ID_BYTES], blob[_ID_BYTES:])


def _typed_key(encoded: str) -> bytes:
    blob = decode_base64(encoded)
    if blob is None or len(blob) != 1 + _KEY_BYTES or blob[:1] != _ED25519:
        raise KeyFileError("this is not an Ed25519 key of a signed note", "give the file that was made with the log")
    return blob[1:]


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _has_control(text: str) -> bool:
    return any(c < " " and c != "\n" for c in text)


def _malformed(why: str) -> AuditError:
    return AuditError(f"this is not a signed note: {why}", "copy the file again, byte for byte")
