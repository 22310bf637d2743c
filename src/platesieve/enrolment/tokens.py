"""Tokens: a secret that lets one device ask for one certificate, once, until it expires.

The agency keeps a hash of it alone. The secret has 160 bits, so it needs no slow hash; and it is compared in constant
time. A device whose answer got lost may ask again with the same key: that is the same certificate, not another one.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

_ID_BYTES, _SECRET_BYTES = 5, 20
MAX_CHARACTERS: Final = 64


class Answer(StrEnum):
    """What becomes of a request under a token. To the outside, every refusal looks the same."""

    ISSUE = "issue"
    REPEAT = "repeat"
    UNKNOWN = "unknown"
    WRONG = "wrong"
    EXPIRED = "expired"
    USED = "used"
    OTHER_DEVICE = "other-device"


@dataclass(frozen=True, slots=True)
class Token:
    """What the agency keeps of a token.

    Attributes:
        id: names it; no secret.
        digest: SHA-256 of the secret, hex.
        device: agency/site/device that it is for.
        expires: from when it is worth nothing.
        used_by: fingerprint of the key that it was used for; None until then.
    """

    id: str
    digest: str
    device: str
    expires: datetime
    used_by: str | None = None

    def judge(self, secret: str, device: str, key_fingerprint: str, now: datetime) -> Answer:
        """Return what becomes of a request that shows `secret`, for a device and the key with this fingerprint."""
        if not hmac.compare_digest(_digest(secret), self.digest):
            return Answer.WRONG
        if device != self.device:
            return Answer.OTHER_DEVICE
        if now >= self.expires:
            return Answer.EXPIRED
        if self.used_by is None:
            return Answer.ISSUE
        return Answer.REPEAT if self.used_by == key_fingerprint else Answer.USED

    def used(self, key_fingerprint: str) -> Token:
        """Return the token after its use."""
        return replace(self, used_by=key_fingerprint)


def new_token(device: str, expires: datetime) -> tuple[str, Token]:
    """Return the text for the device, shown once, and what the agency keeps."""
    id_, secret = _drawn(_ID_BYTES), _drawn(_SECRET_BYTES)
    return f"{id_}-{secret}", Token(id_, _digest(secret), device, expires)


def split(text: str) -> tuple[str, str]:
    """Return id and secret of a token's text; what is no token has an id that nobody gave."""
    id_, _, secret = text.strip().lower()[:MAX_CHARACTERS].partition("-")
    return id_, secret


def _drawn(count: int) -> str:
    return base64.b32encode(secrets.token_bytes(count)).decode().rstrip("=").lower()


def _digest(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()
