r"""Receipts of a collector: the signed word that events are stored, after which a device lets go of them.

A document is two lines of ASCII, each ended by one newline, as a command is (`policy.command`):

1. canonical JSON (RFC 8785): {"agency","collector","device","expires","ids","nonce","site"};
2. the standard base64 of an Ed25519 signature over the bytes `platesieve-receipt-v1\n` followed by line 1 without its
   newline.

`ids` are those of up to 128 events, sorted, each once; `collector` is the name that the policy gave it. A receipt
counts once, for one device, until it expires: one that was kept back cannot be played again.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from platesieve.domain.errors import PlatesieveError
from platesieve.domain.instant import NS_PER_S
from platesieve.policy.coarsen import whole_second

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from platesieve.settings import Device

MAX_IDS = 128
MAX_BYTES = 12_288
LIFETIME_S = 1800  # how long a collector lets a receipt live; a device that missed it asks again by sending again
MAX_LIFETIME_S = 3600  # how long a device lets it live, whose clock may be behind
NONCE_BYTES = 16
_LABEL = b"platesieve-receipt-v1\n"
_KEYS = frozenset({"agency", "site", "device", "collector", "ids", "nonce", "expires"})
_NONCE = re.compile(r"[0-9a-f]{32}", re.ASCII)
_ID = re.compile(r"[!-~]{1,64}", re.ASCII)
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.ASCII)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)


class ReceiptError(PlatesieveError):
    """A receipt is not believed."""

    exit_code: ClassVar[int] = 77


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a believed receipt says: this collector has these events."""

    collector: str
    ids: tuple[str, ...]


def sign_receipt(
    collector: str,
    ids: Sequence[str],
    private_key: bytes,
    device: Device,
    now_wall_ns: int,
    random: Callable[[int], bytes],
) -> bytes:
    """Return a document that `ReceiptBook.believe` believes once.

    Args:
        collector: our name in policies.
        ids: of events that are durably stored; at most 128.
        private_key: raw Ed25519 private key, 32 bytes.
        device: whose events they are.
        now_wall_ns: the present, nanoseconds since the Unix epoch.
        random: gives that many unpredictable bytes; `os.urandom` in the product.

    Raises:
        ReceiptError: more ids than a receipt holds, or one that no receipt may hold.
    """
    ordered = sorted(set(ids))
    if not 0 < len(ordered) <= MAX_IDS or not all(_ID.fullmatch(id_) for id_ in ordered):
        raise ReceiptError("these events cannot stand in one receipt", f"give 1 to {MAX_IDS} ids of visible ASCII")
    line = rfc8785.dumps(
        {
            "agency": device.agency,
            "site": device.site,
            "device": device.device,
            "collector": collector,
            "ids": list(ordered),
            "nonce": random(NONCE_BYTES).hex(),
            "expires": whole_second(now_wall_ns + LIFETIME_S * NS_PER_S),
        }
    )
    signature = Ed25519PrivateKey.from_private_bytes(private_key).sign(_LABEL + line)
    return line + b"\n" + base64.b64encode(signature) + b"\n"


class ReceiptBook:
    """Believes receipts for one device, each once.

    1. The document is two lines of bounded length, the first canonical JSON with exactly the keys of a receipt.
    2. It names this agency, site and device, and a collector whose key we have.
    3. The second line is a signature of the first by that key.
    4. It is not over, and not valid for longer than an hour from now.
    5. Its nonce was not seen before; from now on it was, until it is over.

    Args:
        device: who this camera is.
        keys: raw Ed25519 public keys, 32 bytes each, by the name that policies give the collector.
    """

    def __init__(self, device: Device, keys: Mapping[str, bytes]) -> None:
        self._device = device
        self._keys = dict(keys)
        self._seen: dict[str, int] = {}

    @property
    def collectors(self) -> frozenset[str]:
        """Return the names whose receipts can be believed."""
        return frozenset(self._keys)

    def believe(self, document: bytes, now_wall_ns: int) -> Receipt:
        """Return what a document says.

        Raises:
            ReceiptError: it is not believed; `message` says why.
        """
        # 1.
        line, signature = _lines(document)
        said = _parse(line)
        # 2.
        if (said["agency"], said["site"], said["device"]) != (
            self._device.agency,
            self._device.site,
            self._device.device,
        ):
            raise ReceiptError("a receipt is for another device", "let the collector answer on the device's own topic")
        if said["collector"] not in self._keys:
            raise ReceiptError(
                "a receipt is of an unknown collector", "name its public key in the section `collectors`"
            )
        # 3.
        _verify(line, signature, self._keys[said["collector"]])
        # 4.
        expires_ns = _expires_ns(said["expires"])
        if not now_wall_ns < expires_ns <= now_wall_ns + MAX_LIFETIME_S * NS_PER_S:
            raise ReceiptError("a receipt is over, or valid for too long", "check both clocks")
        # 5.
        self._seen = {nonce: end for nonce, end in self._seen.items() if end > now_wall_ns}
        if said["nonce"] in self._seen:
            raise ReceiptError("a receipt came a second time", "nothing is to be done: the first one counted")
        self._seen[said["nonce"]] = expires_ns
        return Receipt(said["collector"], tuple(said["ids"]))


def _lines(document: bytes) -> tuple[bytes, bytes]:
    lines = document.split(b"\n") if len(document) <= MAX_BYTES else []
    if len(lines) != 3 or lines[2]:  # noqa: PLR2004 - two lines and the nothing after the last newline
        raise _malformed("two lines")
    return lines[0], lines[1]


def _parse(line: bytes) -> dict[str, Any]:
    try:
        said: Any = json.loads(line)
        canonical = isinstance(said, dict) and rfc8785.dumps(said) == line
    except (ValueError, RecursionError, rfc8785.CanonicalizationError) as error:
        raise _malformed("canonical JSON") from error
    if not canonical or said.keys() != _KEYS:
        raise _malformed("canonical JSON with the seven keys of a receipt")
    ids = said["ids"]
    texts = all(isinstance(value, str) for key, value in said.items() if key != "ids")
    if not texts or not isinstance(ids, list) or not 0 < len(ids) <= MAX_IDS:
        raise _malformed("made of texts and a list of ids")
    known = _NONCE.fullmatch(said["nonce"]) and _NAME.fullmatch(said["collector"])
    if not known or not all(isinstance(id_, str) and _ID.fullmatch(id_) for id_ in ids):
        raise _malformed("made of names, a nonce and ids")
    return dict(said)


def _verify(line: bytes, encoded: bytes, public_key: bytes) -> None:
    try:
        signature = base64.b64decode(encoded, validate=True)
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, _LABEL + line)
        canonical = base64.b64encode(signature) == encoded
    except (binascii.Error, ValueError, InvalidSignature) as error:
        raise _wrong_signature() from error
    if not canonical:
        raise _wrong_signature()


def _expires_ns(written: str) -> int:
    try:
        if _TIME.fullmatch(written):
            moment = datetime.strptime(written, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
            return int(moment.timestamp()) * NS_PER_S
    except ValueError as error:
        raise _malformed("dated in RFC 3339, whole seconds, UTC") from error
    raise _malformed("dated in RFC 3339, whole seconds, UTC")


def _malformed(wanted: str) -> ReceiptError:
    return ReceiptError(f"a receipt is not {wanted}", "make them with `sign_receipt`, and ferry them unchanged")


def _wrong_signature() -> ReceiptError:
    return ReceiptError("a receipt has a wrong signature", "sign it with the key that this device was given")
