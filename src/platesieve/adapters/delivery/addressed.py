"""What a signed document is and for whom: its path in the repository, and the `custom` that its signer gave it.

    "hotlist/wanted.csv.age": {"length": ..., "hashes": {...}, "custom": {
        "format": 1, "site": "metro-pd/bridge-7", "devices": ["metro-pd/bridge-7/cam-1"],
        "expires": "2026-11-24T06:00:00Z"}}

`site` and `expires` may be missing. Every other key is refused: a signer who says more than a device understands may
have meant a restriction.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Self

from platesieve.domain.errors import DeliveryError
from platesieve.domain.instant import NS_PER_S

FORMAT = 1
_FILE = re.compile(r"(?!.*\.\.)[a-z0-9][a-z0-9._-]{0,63}", re.ASCII)
_DEVICE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*){2}", re.ASCII)
_MOMENT = "%Y-%m-%dT%H:%M:%SZ"


class Kind(StrEnum):
    """What a document is. Each kind has a role of its own with its own keys, and its own folder of targets."""

    POLICY = "policy"
    HOTLIST = "hotlist"
    KEYS = "keys"
    MODELS = "models"
    UPDATE = "update"

    @property
    def max_bytes(self) -> int:
        """Return how large a document of this kind may be."""
        return _MAX_BYTES[self]


_MAX_BYTES = {
    Kind.POLICY: 1 << 20,
    Kind.HOTLIST: 66 << 20,  # the 64 MiB of a table, encrypted
    Kind.KEYS: 1 << 16,
    Kind.MODELS: 64 << 20,
    Kind.UPDATE: 1 << 12,  # it names a bundle, which is fetched by another way
}


@dataclass(frozen=True, slots=True)
class Address:
    """For whom a document is, and until when its signer vouches for it.

    Attributes:
        devices: agency/site/device, each.
        site: agency/site that all of them must stand at; None where they may stand anywhere.
        expires_ns: wall time from which it does not count any more, whatever its role's metadata says; or None.
    """

    devices: tuple[str, ...]
    site: str | None = None
    expires_ns: int | None = None

    @classmethod
    def from_custom(cls, custom: object, path: str) -> Self:
        """Return the address in a target's `custom`.

        Raises:
            DeliveryError: it is missing, contradicts itself, or says something that is not understood.
        """
        match custom:
            case {"format": 1, "devices": [*devices], **rest} if devices and rest.keys() <= {"site", "expires"}:
                pass
            case _:
                raise _unclear(path, "says for whom it is in a form that is not understood")
        site, expires = rest.get("site"), rest.get("expires")
        if not all(isinstance(device, str) and _DEVICE.fullmatch(device) for device in devices):
            raise _unclear(path, "names a device that is not AGENCY/SITE/DEVICE")
        if site is not None and not (isinstance(site, str) and all(d.startswith(f"{site}/") for d in devices)):
            raise _unclear(path, "is for one site and names a device of another")
        return cls(tuple(devices), site, None if expires is None else _moment_ns(expires, path))

    def as_custom(self) -> dict[str, Any]:
        """Return what `from_custom` reads."""
        custom: dict[str, Any] = {"format": FORMAT, "devices": list(self.devices)}
        if self.site is not None:
            custom["site"] = self.site
        if self.expires_ns is not None:
            custom["expires"] = datetime.fromtimestamp(self.expires_ns // NS_PER_S, UTC).strftime(_MOMENT)
        return custom


def kind_of(path: str) -> Kind:
    """Return the kind of a target path.

    Raises:
        DeliveryError: the path is not KIND/FILE with a plain file name.
    """
    kind, _, file = path.partition("/")
    if kind not in set(Kind) or not _FILE.fullmatch(file):
        raise DeliveryError(
            "a signed document has a name that is no plain file name",
            "publish it again with `platesieve agency`",
            "malformed",
        )
    return Kind(kind)


def is_device(path: str) -> bool:
    """Return whether a text is AGENCY/SITE/DEVICE."""
    return _DEVICE.fullmatch(path) is not None


def _moment_ns(text: object, path: str) -> int:
    try:
        moment = datetime.strptime(str(text), _MOMENT).replace(tzinfo=UTC)
    except ValueError as error:
        raise _unclear(path, "has an expiry that is no time") from error
    return int(moment.timestamp()) * NS_PER_S


def _unclear(path: str, what: str) -> DeliveryError:
    return DeliveryError(f"the signed document {path} {what}", "publish it again with `platesieve agency`", "malformed")
