"""A second verifier that shares no code with ours: RFC 6962 by its definition, standard library and Ed25519.

It is slow and says only yes or no, so that it is easy to see that it is right.
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

if TYPE_CHECKING:
    from collections.abc import Mapping


def merkle_tree_hash(entries: list[bytes]) -> bytes:
    """MTH of RFC 6962, 2.1, word for word."""
    if not entries:
        return hashlib.sha256(b"").digest()
    if len(entries) == 1:
        return hashlib.sha256(b"\x00" + entries[0]).digest()
    k = 1
    while k * 2 < len(entries):
        k *= 2
    return hashlib.sha256(b"\x01" + merkle_tree_hash(entries[:k]) + merkle_tree_hash(entries[k:])).digest()


def entries_of(files: Mapping[str, bytes], size: int) -> list[bytes]:
    """Take the bundles apart."""
    entries: list[bytes] = []
    for index in range((size + 255) // 256):
        width = min(256, size - 256 * index)
        assert index < 1000
        data = files[f"tile/entries/{index:03}" + (f".p/{width}" if width < 256 else "")]
        while data:
            length = data[0] * 256 + data[1]
            assert len(data) >= 2 + length
            entries.append(data[2 : 2 + length])
            data = data[2 + length :]
    return entries


def is_intact(files: Mapping[str, bytes], vkey: str) -> bool:
    """Return whether signature, size, root and every tile fit."""
    public = base64.b64decode(vkey.rpartition("+")[2] if vkey.count("+") == 2 else vkey.split("+", 2)[2])[1:]
    text, _, signatures = files["checkpoint"].decode().rpartition("\n\n")
    signature = base64.b64decode(signatures.split(" ")[2])[4:]
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, f"{text}\n".encode())
    except InvalidSignature:
        return False
    size, root = int(text.split("\n")[1]), base64.b64decode(text.split("\n")[2])
    entries = entries_of(files, size)
    if len(entries) != size or merkle_tree_hash(entries) != root:
        return False
    level, span = 0, 1
    while size // span:
        hashes = [merkle_tree_hash(entries[at : at + span]) for at in range(0, size - size % span, span)]
        for index in range((len(hashes) + 255) // 256):
            part = hashes[256 * index : 256 * (index + 1)]
            name = f"tile/{level}/{index:03}" + (f".p/{len(part)}" if len(part) < 256 else "")
            if files.get(name) != b"".join(part):
                return False
        level, span = level + 1, span * 256
    return True
