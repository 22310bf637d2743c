"""What a picture file claims to be, read from its bytes before any decoder sees them.

A few bytes can claim to be gigapixels (OpenCV #17242), so the size comes from the header. Only five formats are let
through, which keeps the many rarer decoders of OpenCV out of reach. A file that was cut short is refused too: some
versions of OpenCV return its missing rows in grey, and a grey plate would count as an empty road.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_BYTES: Final = 64 * 1024 * 1024
MAX_PIXELS: Final = 50_000_000
MAX_SIDE_PX: Final = 16_384  # OpenCV's warps address pixels with 16 bits
MIN_SIDE_PX: Final = 16
MAX_JPEG_SCANS: Final = 64  # a progressive JPEG has about ten; thousands of them are a known way to stall a decoder

_MARK: Final = 0xFF  # every JPEG marker begins with it (ITU-T T.81, table B.1)
_SCAN: Final = 0xDA
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # SOFn; not DHT, JPG, DAC


@dataclass(frozen=True, slots=True)
class PictureHeader:
    """What a picture says about itself."""

    kind: str
    width: int
    height: int


class PictureFault(ValueError):  # noqa: N818 - an internal outcome that `picture` turns into an InputError
    """Why the bytes are no usable picture; completes the sentence "the picture ..."."""


def parse_header(data: bytes) -> PictureHeader:
    """Return kind and size of a whole picture file.

    Raises:
        PictureFault: it is empty, of another kind, cut short, too large or too small.
    """
    if not data:
        raise PictureFault("is empty (0 bytes)")
    if len(data) > MAX_BYTES:
        raise PictureFault(f"has more than {MAX_BYTES // 2**20} MiB")
    kind = kind_of(data)
    if kind is None:
        raise PictureFault("is not in a picture format we know")
    try:
        width, height = _SIZES[kind](data)
    except (struct.error, IndexError) as fault:
        raise PictureFault("is cut short") from fault
    _check_size(width, height)
    return PictureHeader(kind, width, height)


def _check_size(width: int, height: int) -> None:
    if min(width, height) < MIN_SIDE_PX:
        raise PictureFault(f"is {width} x {height} pixels: too small to hold a plate")
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE_PX:
        raise PictureFault(f"claims {width} x {height} pixels: more than {MAX_PIXELS // 10**6} megapixels or too long")


def kind_of(start: bytes) -> str | None:
    """Return the kind of a file that begins with these 16 bytes or more, None if it is none of the five."""
    if start.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if start.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if start.startswith(b"RIFF") and start[8:12] == b"WEBP":
        return "webp"
    if start.startswith((b"II*\0", b"MM\0*")):
        return "tiff"
    return "bmp" if start.startswith(b"BM") else None


def _png(data: bytes) -> tuple[int, int]:
    """Walk all chunks (W3C PNG, 5.3): a whole file ends with IEND and every CRC agrees."""
    at = 8
    while True:
        length, name = struct.unpack_from(">I4s", data, at)
        (crc,) = struct.unpack_from(">I", data, at + 8 + length)
        if zlib.crc32(data[at + 4 : at + 8 + length]) != crc:
            raise PictureFault("is damaged")
        if name == b"IEND":
            break
        at += 12 + length
    if data[12:16] != b"IHDR":
        raise PictureFault("is damaged")
    width, height = struct.unpack_from(">II", data, 16)
    return width, height


def _jpeg(data: bytes) -> tuple[int, int]:
    """Walk the markers to the first scan (ITU-T T.81, B.1); an end marker must follow it."""
    at, size = 2, None
    while True:
        if data[at] != _MARK:
            raise PictureFault("is damaged")
        marker = data[at + 1]
        if marker == _MARK:  # repeated as filling
            at += 1
            continue
        if marker == _SCAN:
            break
        (length,) = struct.unpack_from(">H", data, at + 2)
        if marker in _FRAMES:
            high, wide = struct.unpack_from(">HH", data, at + 5)
            size = wide, high
        at += 2 + length
    if size is None:
        raise PictureFault("is damaged")
    if data.find(b"\xff\xd9", at) < 0:
        raise PictureFault("is cut short")
    if data.count(b"\xff\xda", at) > MAX_JPEG_SCANS:
        raise PictureFault(f"has more than {MAX_JPEG_SCANS} scans")
    return size


def _webp(data: bytes) -> tuple[int, int]:
    """Read the first chunk (RFC 9649, 2.5 to 2.7); the RIFF length says whether the file is whole."""
    (length,) = struct.unpack_from("<I", data, 4)
    if length + 8 > len(data):
        raise PictureFault("is cut short")
    chunk = data[12:16]
    if chunk == b"VP8X":
        return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    if chunk == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if chunk == b"VP8 ":
        wide, high = struct.unpack_from("<HH", data, 26)
        return wide & 0x3FFF, high & 0x3FFF
    raise PictureFault("is damaged")


def _bmp(data: bytes) -> tuple[int, int]:
    """Read the DIB header; uncompressed rows must all be there."""
    offset, header = struct.unpack_from("<II", data, 10)
    if header == 12:  # noqa: PLR2004 - BITMAPCOREHEADER has 16-bit sizes
        wide, high, _, bits = struct.unpack_from("<HHHH", data, 18)
        packed = 0
    else:
        wide, high, _, bits, packed = struct.unpack_from("<iiHHI", data, 18)
    high = abs(high)
    if wide <= 0 or high == 0:
        raise PictureFault("is damaged")
    if packed in {0, 3} and offset + (wide * bits + 31) // 32 * 4 * high > len(data) + 3:
        raise PictureFault("is cut short" if wide * high <= MAX_PIXELS else f"claims {wide} x {high} pixels")
    return wide, high


def _tiff(data: bytes) -> tuple[int, int]:
    """Read the first directory (TIFF 6.0, section 2). Tiles may be larger than the picture: they count as well."""
    order = "<" if data[:2] == b"II" else ">"
    (at,) = struct.unpack_from(order + "I", data, 4)
    (count,) = struct.unpack_from(order + "H", data, at)
    tags: dict[int, int] = {}
    for i in range(count):
        tag, kind, _, value = struct.unpack_from(order + "HHII", data, at + 2 + 12 * i)
        short = kind == 3  # noqa: PLR2004 - SHORT: two bytes at the start of the value
        tags[tag] = struct.unpack_from(order + "H", data, at + 10 + 12 * i)[0] if short else value
    wide, high = tags.get(256, 0), tags.get(257, 0)
    if tags.get(322, 0) * tags.get(323, 0) > MAX_PIXELS or tags.get(277, 1) > 4:  # noqa: PLR2004 - RGBA at most
        raise PictureFault("is a TIFF with tiles or channels that no camera writes")
    return wide, high


_SIZES: dict[str, Callable[[bytes], tuple[int, int]]] = {
    "bmp": _bmp,
    "jpeg": _jpeg,
    "png": _png,
    "tiff": _tiff,
    "webp": _webp,
}
