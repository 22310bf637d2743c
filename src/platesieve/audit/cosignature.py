"""C2SP tlog-cosignature: a witness says that, at this time, this was the largest checkpoint it knew (FORMAT 4.8, 9.5).

A cosignature is one more signature line under a checkpoint. Two kinds are known: Ed25519 (`cosignature/v1`, type
0x04) and ML-DSA-44 (`subtree/v1`, type 0x06, which no quantum computer is known to forge). Lines of other kinds, and
of keys that nobody gave us, are kept and ignored.

    signer = CosignerKey.generate("collector.example.org/metro-pd")
    note = add_line(note, signer.line(text, time_s))          # text: what `NoteVerifier.open` returned
    cosignatures(note, [signer.verifier])                     # -> (Cosignature("collector...", time_s),)
"""

from __future__ import annotations

import base64
import struct
from dataclasses import dataclass, field
from enum import IntEnum
from hashlib import sha256
from typing import TYPE_CHECKING, Self

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from platesieve.audit.checkpoint import Checkpoint
from platesieve.audit.note import DASH, decode_base64, is_key_name, parse_note
from platesieve.domain.errors import AuditError, KeyFileError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from platesieve.audit.note import SignatureLine

_PREFIX = "PRIVATE+KEY+"
_SEED_BYTES = 32
_TIME = struct.Struct(">Q")
_MAX_TIME_S = 253_402_300_799  # 9999-12-31T23:59:59Z: later ones could not be told


class Algorithm(IntEnum):
    """The signature types of C2SP signed-note that a witness may use."""

    ED25519 = 0x04
    ML_DSA_44 = 0x06

    @property
    def key_bytes(self) -> int:
        """Return how long a public key is."""
        return 32 if self is Algorithm.ED25519 else 1312


@dataclass(frozen=True, slots=True)
class Cosignature:
    """Who saw a checkpoint, and when by its own clock (Unix seconds)."""

    name: str
    time_s: int


@dataclass(frozen=True, slots=True)
class CosignerVerifier:
    """The public half of a witness's key."""

    name: str
    algorithm: Algorithm
    public_key: bytes

    def __post_init__(self) -> None:
        if not is_key_name(self.name) or len(self.public_key) != self.algorithm.key_bytes:
            raise KeyFileError("this is not the public key of a witness", "give its .vkey file")

    @classmethod
    def from_vkey(cls, vkey: str) -> Self:
        """Build from `name+hex of key id+base64(type || public key)`.

        Raises:
            KeyFileError: another form, an algorithm that is not known, or a key id that is not of the key.
        """
        name, stated_id, typed = _taken_apart(vkey.strip())
        verifier = cls(name, _algorithm(typed[0]), typed[1:])
        if stated_id != verifier.key_id.hex():
            raise KeyFileError("the key id of this vkey does not belong to its key", "copy the .vkey file again")
        return verifier

    @property
    def key_id(self) -> bytes:
        """Return SHA-256(name || newline || type || public key)[:4]."""
        return sha256(self.name.encode() + b"\n" + bytes([self.algorithm]) + self.public_key).digest()[:4]

    @property
    def vkey(self) -> str:
        """Return the text form."""
        return f"{self.name}+{self.key_id.hex()}+{_encoded(bytes([self.algorithm]) + self.public_key)}"

    def made(self, line: SignatureLine) -> bool:
        """Return whether a line claims to be of this key."""
        return line.name == self.name and line.key_id == self.key_id

    def verify(self, text: str, line: SignatureLine) -> Cosignature:
        """Return what a line of this key says about a checkpoint.

        Raises:
            AuditError: the signature is wrong.
            KeyFileError: this machine's OpenSSL cannot verify this algorithm.
        """
        if len(line.signature) <= _TIME.size:
            raise _forged()
        (time_s,) = _TIME.unpack(line.signature[: _TIME.size])
        if time_s > _MAX_TIME_S:
            raise _forged()
        message, signature = _message(self.algorithm, self.name, text, time_s), line.signature[_TIME.size :]
        try:
            if self.algorithm is Algorithm.ED25519:
                Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, message)
            else:
                from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey  # noqa: PLC0415 - new

                MLDSA44PublicKey.from_public_bytes(self.public_key).verify(signature, message)
        except InvalidSignature as error:
            raise _forged() from error
        except (ImportError, UnsupportedAlgorithm) as error:
            raise _unsupported() from error
        return Cosignature(self.name, time_s)


@dataclass(frozen=True, slots=True)
class CosignerKey:
    """The private half; its repr shows name and algorithm alone."""

    name: str
    algorithm: Algorithm
    seed: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if not is_key_name(self.name) or len(self.seed) != _SEED_BYTES:
            raise KeyFileError(
                "this is not the private key of a witness", "platesieve audit watch --name makes one: witness.key"
            )

    @classmethod
    def generate(cls, name: str, algorithm: Algorithm = Algorithm.ED25519) -> Self:
        """Draw a new key."""
        return cls(name, algorithm, Ed25519PrivateKey.generate().private_bytes_raw())  # 32 bytes by chance

    @classmethod
    def from_skey(cls, skey: str) -> Self:
        """Build from `PRIVATE+KEY+name+hex of key id+base64(type || seed)`.

        Raises:
            KeyFileError: another form, an algorithm that is not known, or a key id that is not of the key.
        """
        text = skey.strip()
        if not text.startswith(_PREFIX):
            raise KeyFileError("this is not the private key of a witness", "it begins with PRIVATE+KEY+")
        name, stated_id, typed = _taken_apart(text.removeprefix(_PREFIX))
        key = cls(name, _algorithm(typed[0]), typed[1:])
        if stated_id != key.verifier.key_id.hex():
            raise KeyFileError("the key id of this key file does not belong to its key", "restore the file")
        return key

    @property
    def verifier(self) -> CosignerVerifier:
        """Return the public half."""
        if self.algorithm is Algorithm.ED25519:
            public = Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw()
        else:
            public = _ml_dsa(self.seed).public_key().public_bytes_raw()
        return CosignerVerifier(self.name, self.algorithm, public)

    @property
    def skey(self) -> str:
        """Return the text form. It is the secret itself."""
        return f"{_PREFIX}{self.name}+{self.verifier.key_id.hex()}+{_encoded(bytes([self.algorithm]) + self.seed)}"

    def line(self, text: str, time_s: int) -> str:
        """Return the signature line for a checkpoint's text, with its line end."""
        message = _message(self.algorithm, self.name, text, time_s)
        if self.algorithm is Algorithm.ED25519:
            signature = Ed25519PrivateKey.from_private_bytes(self.seed).sign(message)
        else:
            signature = _ml_dsa(self.seed).sign(message)
        return f"{DASH} {self.name} {_encoded(self.verifier.key_id + _TIME.pack(time_s) + signature)}\n"


def cosignatures(note: bytes, verifiers: Iterable[CosignerVerifier]) -> tuple[Cosignature, ...]:
    """Return what the witnesses that we know say about a checkpoint; lines of others are ignored.

    Raises:
        AuditError: a line of a known key is wrong: somebody altered it.
    """
    text, lines = parse_note(note)
    return tuple(known.verify(text, line) for known in verifiers for line in lines if known.made(line))


def add_line(note: bytes, line: str) -> bytes:
    """Return a note with one more signature line; the same line is not added twice."""
    return note if line.encode() in note else note + line.encode()


def lines_of(note: bytes, verifiers: Sequence[CosignerVerifier]) -> tuple[str, ...]:
    """Return the lines of a note that known witnesses made, as text with its line end; nothing is verified."""
    found = [line for line in parse_note(note)[1] if any(known.made(line) for known in verifiers)]
    return tuple(f"{DASH} {line.name} {_encoded(line.key_id + line.signature)}\n" for line in found)


def _message(algorithm: Algorithm, name: str, text: str, time_s: int) -> bytes:
    """Return what is signed: the text itself, or for ML-DSA-44 the structure of `subtree/v1` from entry 0 on."""
    if algorithm is Algorithm.ED25519:
        return f"cosignature/v1\ntime {time_s}\n{text}".encode()
    checkpoint = Checkpoint.from_text(text)
    parts = (_short(name), _TIME.pack(time_s), _short(checkpoint.origin), _TIME.pack(0), _TIME.pack(checkpoint.size))
    return b"subtree/v1\n\0" + b"".join(parts) + checkpoint.root


def _short(text: str) -> bytes:
    encoded = text.encode()
    if not 0 < len(encoded) < 256:  # noqa: PLR2004 - opaque<1..2^8-1>
        raise AuditError("a name is too long to be cosigned with ML-DSA-44", "use names of at most 255 bytes")
    return bytes([len(encoded)]) + encoded


def _ml_dsa(seed: bytes):  # type: ignore[no-untyped-def]  # noqa: ANN202 - a type that older libraries do not have
    try:
        from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey  # noqa: PLC0415 - new

        return MLDSA44PrivateKey.from_seed_bytes(seed)
    except (ImportError, UnsupportedAlgorithm) as error:
        raise _unsupported() from error


def _taken_apart(text: str) -> tuple[str, str, bytes]:
    name, _, rest = text.partition("+")
    stated_id, _, encoded = rest.partition("+")
    typed = decode_base64(encoded)
    if not typed:
        raise KeyFileError("this is not the key of a witness", "give the witness.vkey that lies beside its witness.key")
    return name, stated_id, typed


def _algorithm(number: int) -> Algorithm:
    try:
        return Algorithm(number)
    except ValueError as error:
        raise KeyFileError(
            f"a witness key of type 0x{number:02x} is not known here",
            "give one of type 0x04 (Ed25519) or 0x06 (ML-DSA-44)",
        ) from error


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _forged() -> AuditError:
    return AuditError("a cosignature does not fit its checkpoint", "treat the checkpoint as altered")


def _unsupported() -> KeyFileError:
    return KeyFileError("this machine cannot use ML-DSA-44", "install cryptography 48 or newer, or use an Ed25519 key")
