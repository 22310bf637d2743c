r"""Commands of an agency, which the camera process believes only when they are signed, fresh, new and for it.

A document is two lines of ASCII, each ended by one newline:

1. the command as canonical JSON (RFC 8785): {"agency","device","expires","nonce","site","verb"}, and for the verbs of
   `orders` "sealed", the base64 of their terms under the device's public key (HPKE as in `seal`), bound to the rest;
2. the standard base64 (RFC 4648, padded) of an Ed25519 signature (RFC 8032) over the bytes
   `platesieve-command-v1\n` followed by line 1 without its newline.

`expires` is RFC 3339 in whole seconds, UTC, at most an hour ahead; `nonce` is 32 small hex digits, random. What a
document says twice, or in another way, it does not say: only the canonical form is accepted.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from platesieve.domain.errors import PlatesieveError, StorageError
from platesieve.domain.instant import NS_PER_S
from platesieve.domain.notice import Verb
from platesieve.policy.coarsen import whole_second
from platesieve.policy.nonces import Nonces
from platesieve.policy.seal import seal

if TYPE_CHECKING:
    from collections.abc import Callable

    from platesieve.domain.instant import Instant
    from platesieve.settings import Device

MAX_BYTES = 4096
MAX_LIFETIME_S = 3600  # a command that was kept back, or replayed after a reboot, is soon worth nothing
NONCE_BYTES = 16
_LABEL = b"platesieve-command-v1\n"
_TERMS_LABEL = b"platesieve-terms-v1"
_MAX_PART = 0xFFFF
_KEYS = frozenset({"verb", "agency", "site", "device", "nonce", "expires"})
_NONCE = re.compile(r"[0-9a-f]{32}", re.ASCII)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)


class CommandError(PlatesieveError):
    """A command is not believed, or asks for what may not be."""

    exit_code: ClassVar[int] = 77


@dataclass(frozen=True, slots=True)
class Believed:
    """A command of the agency: its verb, its nonce (hex), and where the verb has terms, their ciphertext."""

    verb: Verb
    nonce: str
    sealed: bytes | None = None


class Memory(Protocol):
    """Which commands were believed before; survives a reboot, or else they can be replayed until they expire."""

    def knows(self, nonce: str, expiry_s: int) -> bool:
        """Return whether a command was believed already. `expiry_s` is in seconds since the Unix epoch."""

    def remember(self, nonce: str, expiry_s: int) -> None:
        """Remember a command; durable on return.

        Raises:
            StorageError: the disk refuses.
        """


class RamMemory:
    """A memory that ends with its process: for tests, and for whoever checks a document without following it."""

    def __init__(self) -> None:
        self.nonces = Nonces()

    def knows(self, nonce: str, expiry_s: int) -> bool:
        """Return whether a command was believed already."""
        return self.nonces.knows(nonce, expiry_s)

    def remember(self, nonce: str, expiry_s: int) -> None:
        """Remember a command."""
        self.nonces = self.nonces.with_one(nonce, expiry_s)


def verify_command(document: bytes, public_key: bytes, device: Device, now: Instant, memory: Memory) -> Believed:
    """Return what an agency asks of this device.

    1. The document is two lines of bounded length, the second a signature of the first by the agency's key.
    2. The first is canonical JSON with exactly the keys of a command.
    3. It names this agency, site and device.
    4. It is not over, and not valid for longer than an hour from now.
    5. Its nonce was not seen before; from now on it was, and that is durable before the command has any effect. Only
       a suspension is believed where it cannot be remembered: to stop reading is never the wrong thing to repeat.

    Args:
        document: bytes as they came.
        public_key: raw Ed25519 public key of the agency, 32 bytes.
        device: who this camera is.
        now: the present.
        memory: of believed commands, to which this one is added. Only the agency can make it grow.

    Raises:
        CommandError: it is not believed; `message` says why.
        StorageError: it cannot be remembered, and so is not believed.
    """
    # 1.
    line = _signed_line(document, public_key)
    # 2.
    command = _parse(line)
    # 3.
    if (command["agency"], command["site"], command["device"]) != (device.agency, device.site, device.device):
        raise CommandError("a command is for another device", "sign it for the agency, site and device it goes to")
    # 4.
    expires_ns = _expires_ns(command["expires"])
    if expires_ns <= now.wall_ns:
        raise CommandError("a command has expired", "sign a new one, and check both clocks")
    if expires_ns > now.wall_ns + MAX_LIFETIME_S * NS_PER_S:
        raise CommandError("a command is valid for too long", f"let it expire within {MAX_LIFETIME_S // 60} minutes")
    # 5.
    expiry_s = expires_ns // NS_PER_S
    if memory.knows(command["nonce"], expiry_s):
        raise CommandError("a command came a second time", "sign a new one for each request")
    verb = Verb(command["verb"])
    try:
        memory.remember(command["nonce"], expiry_s)
    except StorageError:
        if verb is not Verb.SUSPEND:
            raise
    sealed = base64.b64decode(command["sealed"]) if verb.has_terms else None
    return Believed(verb, command["nonce"], sealed)


def terms_info(verb: Verb, nonce: str, device: Device) -> bytes:
    """Return what the terms of a command are bound to: its verb, its nonce and its device."""
    parts = (device.agency, device.site, device.device, verb.value, nonce)
    encoded = (part.encode("utf-8", "surrogatepass")[:_MAX_PART] for part in parts)
    return _TERMS_LABEL + b"".join(len(part).to_bytes(2, "big") + part for part in encoded)


def sign_command(
    verb: Verb,
    private_key: bytes,
    device: Device,
    expires: Instant,
    random: Callable[[int], bytes],
    terms: tuple[bytes, bytes] | None = None,
) -> bytes:
    """Return a document that `verify_command` believes once, until `expires`.

    Args:
        verb: what is asked.
        private_key: raw Ed25519 private key of the agency, 32 bytes.
        device: whom it is asked of.
        expires: until when; at most an hour ahead.
        random: gives that many unpredictable bytes; `os.urandom` in the product.
        terms: where the verb has terms, their plaintext (`orders.written_terms`), and the device's raw public key.

    Raises:
        CommandError: terms are missing, or the verb has none.
        ConfigError: the device's key is not usable.
    """
    if verb.has_terms is (terms is None):
        raise CommandError(f"the command {verb} {'has' if terms else 'lacks'} terms", "see `platesieve command --help`")
    nonce = random(NONCE_BYTES).hex()
    command = {
        "verb": verb.value,
        "agency": device.agency,
        "site": device.site,
        "device": device.device,
        "nonce": nonce,
        "expires": whole_second(expires.wall_ns),
    }
    if terms is not None:
        plaintext, public_key = terms
        command["sealed"] = base64.b64encode(seal(public_key, plaintext, terms_info(verb, nonce, device))).decode()
    line = rfc8785.dumps(command)
    signature = Ed25519PrivateKey.from_private_bytes(private_key).sign(_LABEL + line)
    return line + b"\n" + base64.b64encode(signature) + b"\n"


def nonce_of(document: bytes) -> str:
    """Return the nonce of a document that was signed here: by it, what the command adds or holds can be ended."""
    return str(json.loads(document.split(b"\n", 1)[0])["nonce"])


def _signed_line(document: bytes, public_key: bytes) -> bytes:
    """Return the first line, once its signature has been verified."""
    lines = document.split(b"\n") if len(document) <= MAX_BYTES else []
    if len(lines) != 3 or lines[2]:  # noqa: PLR2004 - two lines and the nothing after the last newline
        raise _malformed("two lines")
    try:
        signature = base64.b64decode(lines[1], validate=True)
        canonical = base64.b64encode(signature) == lines[1]
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, _LABEL + lines[0])
    except (binascii.Error, ValueError, InvalidSignature) as error:
        raise _wrong_signature() from error
    if not canonical:
        raise _wrong_signature()
    return lines[0]


def _parse(line: bytes) -> dict[str, str]:
    try:
        command: Any = json.loads(line)
        canonical = isinstance(command, dict) and rfc8785.dumps(command) == line
    except (ValueError, RecursionError, rfc8785.CanonicalizationError) as error:
        raise _malformed("canonical JSON") from error
    if not canonical or command.keys() - {"sealed"} != _KEYS or not all(isinstance(v, str) for v in command.values()):
        raise _malformed("canonical JSON with the keys of a command")
    if command["verb"] not in set(Verb) or not _NONCE.fullmatch(command["nonce"]):
        raise _malformed("a verb and a nonce that are known")
    if Verb(command["verb"]).has_terms is not _is_base64(command.get("sealed")):
        raise _malformed("a verb with terms where it has some, and none where it has none")
    return dict(command)


def _is_base64(written: str | None) -> bool:
    """Return whether there is a ciphertext; its signature is right, so that one spelling of it is all there is."""
    try:
        return written is not None and bool(base64.b64decode(written, validate=True))
    except ValueError:
        return False


def _expires_ns(written: str) -> int:
    if not _TIME.fullmatch(written):
        raise _bad_expiry()
    try:
        return int(datetime.strptime(written, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()) * NS_PER_S
    except ValueError as error:
        raise _bad_expiry() from error


def _bad_expiry() -> CommandError:
    return _malformed("dated with an expiry in RFC 3339, whole seconds, UTC")


def _malformed(wanted: str) -> CommandError:
    return CommandError(f"a command is not {wanted}", "make them with `sign_command`, and ferry them unchanged")


def _wrong_signature() -> CommandError:
    return CommandError("a command has a wrong signature", "sign it with the key that this device was given")
