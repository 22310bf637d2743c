r"""Commands of an agency, which the camera process believes only when they are signed, fresh, new and for it.

A document is two lines of ASCII, each ended by one newline:

1. the command as canonical JSON (RFC 8785): {"agency","device","expires","nonce","site","verb"};
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
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from platesieve.domain.errors import PlatesieveError
from platesieve.domain.instant import NS_PER_S
from platesieve.domain.notice import Verb
from platesieve.policy.coarsen import whole_second

if TYPE_CHECKING:
    from collections.abc import Callable, MutableSet

    from platesieve.domain.instant import Instant
    from platesieve.settings import Device

MAX_BYTES = 2048
MAX_LIFETIME_S = 3600  # a command that was kept back, or replayed after a reboot, is soon worth nothing
NONCE_BYTES = 16
_LABEL = b"platesieve-command-v1\n"
_KEYS = frozenset({"verb", "agency", "site", "device", "nonce", "expires"})
_NONCE = re.compile(r"[0-9a-f]{32}", re.ASCII)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)


class CommandError(PlatesieveError):
    """A command is not believed."""

    exit_code: ClassVar[int] = 77


def verify_command(
    document: bytes, public_key: bytes, device: Device, now: Instant, seen_nonces: MutableSet[str]
) -> Verb:
    """Return what an agency asks of this device.

    1. The document is two lines of bounded length, the second a signature of the first by the agency's key.
    2. The first is canonical JSON with exactly the keys of a command.
    3. It names this agency, site and device.
    4. It is not over, and not valid for longer than an hour from now.
    5. Its nonce was not seen before; from now on it was.

    Args:
        document: bytes as they came.
        public_key: raw Ed25519 public key of the agency, 32 bytes.
        device: who this camera is.
        now: the present.
        seen_nonces: nonces of believed commands, to which this one is added. Only the agency can make it grow. Where
            it is lost at a reboot, a command can be replayed until it expires: at most an hour.

    Raises:
        CommandError: it is not believed; `message` says why.
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
    if command["nonce"] in seen_nonces:
        raise CommandError("a command came a second time", "sign a new one for each request")
    seen_nonces.add(command["nonce"])
    return Verb(command["verb"])


def sign_command(
    verb: Verb, private_key: bytes, device: Device, expires: Instant, random: Callable[[int], bytes]
) -> bytes:
    """Return a document that `verify_command` believes once, until `expires`.

    Args:
        verb: what is asked.
        private_key: raw Ed25519 private key of the agency, 32 bytes.
        device: whom it is asked of.
        expires: until when; at most an hour ahead.
        random: gives that many unpredictable bytes; `os.urandom` in the product.
    """
    line = rfc8785.dumps(
        {
            "verb": verb.value,
            "agency": device.agency,
            "site": device.site,
            "device": device.device,
            "nonce": random(NONCE_BYTES).hex(),
            "expires": whole_second(expires.wall_ns),
        }
    )
    signature = Ed25519PrivateKey.from_private_bytes(private_key).sign(_LABEL + line)
    return line + b"\n" + base64.b64encode(signature) + b"\n"


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
    if not canonical or command.keys() != _KEYS or not all(isinstance(value, str) for value in command.values()):
        raise _malformed("canonical JSON with the six keys of a command")
    if command["verb"] not in set(Verb) or not _NONCE.fullmatch(command["nonce"]):
        raise _malformed("a verb and a nonce that are known")
    return dict(command)


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
