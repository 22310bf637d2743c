"""What the two ends of the pipe say to each other, as length-prefixed JSON.

Upwards go Disclosures and a goodbye; downwards go the ids that are stored, commands and counts of what was erased.
A frame is four bytes of length, big-endian, and that many bytes of UTF-8 JSON with one object in it.
"""

from __future__ import annotations

import base64
import binascii
import json
import struct
from typing import TYPE_CHECKING, Any

from platesieve.domain.disclosure import Disclosure, Kind, Stretch
from platesieve.domain.errors import LinkError
from platesieve.domain.notice import FAULTS, Arrived, Command, Erased, TurnedAway

if TYPE_CHECKING:
    from collections.abc import Mapping

    from platesieve.domain.notice import Notice

MAX_FRAME_BYTES = 1 << 20  # a read with both pictures sealed stays well below
MAX_COMMAND_BYTES = 4096
GOODBYE: Mapping[str, Any] = {"goodbye": True}
_LENGTH = struct.Struct(">I")
_HINT = "run both processes from the same installation of platesieve"


def encode(document: Mapping[str, Any]) -> bytes:
    """Return one frame.

    Raises:
        LinkError: the document is larger than `MAX_FRAME_BYTES`.
    """
    payload = json.dumps(document, separators=(",", ":"), allow_nan=False).encode()
    if len(payload) > MAX_FRAME_BYTES:
        raise LinkError(
            f"a message of {len(payload)} bytes does not fit the pipe, which takes {MAX_FRAME_BYTES}",
            "let the policy disclose fewer pictures",
        )
    return _LENGTH.pack(len(payload)) + payload


class FrameReader:
    """Cuts a byte stream into documents, whatever the sizes it arrives in."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[dict[str, Any]]:
        """Return the documents that are complete now.

        Raises:
            LinkError: a frame is too long or not a JSON object. The stream cannot be followed further.
        """
        self._rest += data
        documents = []
        while len(self._rest) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._rest)
            if length > MAX_FRAME_BYTES:
                raise LinkError(f"the pipe announced a message of {length} bytes", _HINT)
            end = _LENGTH.size + length
            if len(self._rest) < end:
                break
            documents.append(_parse(bytes(self._rest[_LENGTH.size : end])))
            del self._rest[:end]
        return documents


def _parse(payload: bytes) -> dict[str, Any]:
    try:
        document = json.loads(payload)
    except (ValueError, RecursionError) as error:
        # `from None`: the cause carries the text it could not parse.
        raise LinkError(f"the pipe carried bytes that are not JSON ({type(error).__name__})", _HINT) from None
    if not isinstance(document, dict):
        raise LinkError("the pipe carried JSON that is not an object", _HINT)
    return document


def disclosure_to_document(disclosure: Disclosure) -> dict[str, Any]:
    """Return the frame document of a Disclosure."""
    return {
        "disclosure": {
            "id": disclosure.id,
            "kind": disclosure.kind.value,
            "body": disclosure.body,
            "expires_wall_ns": disclosure.expires_wall_ns,
            "receipt_from": disclosure.receipt_from,
        }
    }


def disclosure_from_document(fields: object) -> Disclosure:
    """Return the Disclosure in a frame document.

    Raises:
        LinkError: it is not one. A private event without an expiry is none: it would never be erased.
    """
    match fields:
        case {
            "id": str(id_),
            "kind": str(kind),
            "body": dict(body),
            "expires_wall_ns": (int() | None) as expires,
            "receipt_from": (str() | None) as receipt_from,
        } if kind in set(Kind) and (expires is not None or Kind(kind).lasting):
            return Disclosure(id_, Kind(kind), body, expires, receipt_from)
    raise LinkError("the pipe carried a disclosure with missing or wrong fields", _HINT)


def stretch_to_document(stretch: Stretch) -> dict[str, Any]:
    """Return the frame document of a Stretch."""
    return {"stretch": [stretch.id, stretch.kind.value, stretch.from_ns, stretch.to_ns, stretch.until_ns]}


def stretch_from_document(fields: object) -> Stretch:
    """Return the Stretch in a frame document.

    Raises:
        LinkError: it is none.
    """
    match fields:
        case [str(id_), str(kind), int(since), int(to), int(until)] if kind in set(Kind):
            return Stretch(id_, Kind(kind), since, to, until)
    raise LinkError("the pipe carried a stretch with missing or wrong fields", _HINT)


def notice_to_document(notice: Notice) -> dict[str, Any]:
    """Return the frame document of a Notice."""
    match notice:
        case Command(document):
            return {"command": base64.b64encode(document).decode()}
        case Arrived():
            return {"arrived": True}
        case TurnedAway(fault):
            return {"turned_away": fault}
    return {"erased": {"count": notice.count, "reason": notice.reason}}


def notice_from_document(document: Mapping[str, Any]) -> Notice:
    """Return the Notice in a frame document.

    Raises:
        LinkError: it is none.
    """
    match document:
        case {"command": str(text)} if len(text) <= MAX_COMMAND_BYTES * 2:
            try:
                return Command(base64.b64decode(text, validate=True))
            except binascii.Error as error:
                raise LinkError("the pipe carried a command that is not base64", _HINT) from error
        case {"arrived": True}:
            return Arrived()
        case {"turned_away": str(fault)} if fault in FAULTS:
            return TurnedAway(fault)
        case {"erased": {"count": int(count), "reason": str(reason)}} if count > 0:
            return Erased(count, reason)
    raise LinkError("the pipe carried a notice of no known kind", _HINT)
