"""Texts of photographed plates that were read by eye, sealed under the pictures they describe.

A text of a real plate must not lie open in a repository, yet a reader is rebuilt from it. So each text is encrypted
with a key made of its picture's own bytes (convergent encryption: J. R. Douceur et al., "Reclaiming Space from
Duplicate Files in a Serverless Distributed File System", ICDCS 2002). Whoever has the very files of the data set can
open it, and can see the plate anyway; whoever has the repository alone learns that a plate was read on a picture of
this name, and nothing of its text. It stays personal data: what was once committed cannot be taken back. The cipher is
AES-SIV (RFC 5297), which needs no nonce; texts are padded to one length, and bound to the plate's box.

`seal_readings.py` seals new ones.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

if TYPE_CHECKING:
    from collections.abc import Sequence

FILE = Path(__file__).with_name("by_eye.json")
LONGEST = 12


def seal(picture: bytes, number: int, box: Sequence[float], text: str) -> str:
    """Return the text of a picture's plate, encrypted under the picture, in base64.

    Raises:
        ValueError: the text has other characters than a plate's, or too many.
    """
    if len(text) > LONGEST or (text and not (text.isascii() and text.isalnum() and text == text.upper())):
        raise ValueError("a text has up to 12 characters of 0-9 and A-Z")
    return base64.b64encode(_cipher(picture).encrypt(text.ljust(LONGEST).encode(), _of(number, box))).decode()


def unseal(picture: bytes, number: int, box: Sequence[float], sealed: str) -> str | None:
    """Return the text, empty for a blank plate or a sign; None where the picture or the box is another one."""
    try:
        return _cipher(picture).decrypt(base64.b64decode(sealed), _of(number, box)).decode().rstrip()
    except InvalidTag:
        return None


def _cipher(picture: bytes) -> AESSIV:
    return AESSIV(hashlib.sha512(b"platesieve: a text read by eye\n" + picture).digest())


def _of(number: int, box: Sequence[float]) -> list[bytes]:
    return [b"plate", str(number).encode(), json.dumps([float(side) for side in box]).encode()]


@functools.cache
def sealed_readings(file: Path) -> dict[str, dict[str, str]]:
    """Return what is sealed, by set/picture and the plate's number."""
    found: dict[str, dict[str, str]] = json.loads(file.read_text())
    return found


def open_readings(folder: Path, label: dict[str, Any], file: Path | None = None) -> tuple[dict[int, str], int]:
    """Return the texts of a scene's plates by number, and how many readings are of another picture or box.

    Args:
        folder: of the set.
        label: of the scene.
        file: other readings than those of the repository.
    """
    sealed = sealed_readings(file or FILE).get(f"{folder.name}/{label['image']}", {})
    picture, plates = folder / label["image"], label.get("plates", [])
    if not sealed or not picture.is_file():
        return {}, len(sealed)
    data = picture.read_bytes()
    known = {int(n): each for n, each in sealed.items() if int(n) < len(plates)}
    texts = {n: unseal(data, n, plates[n]["box"], each) for n, each in known.items()}
    opened = {n: text for n, text in texts.items() if text is not None}
    return opened, len(sealed) - len(opened)
