"""A folder of pictures: bad ones are skipped or refused, and no message repeats a file name."""

from __future__ import annotations

import contextlib
import logging
import struct
import time
import zlib
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from platesieve.adapters.cameras.folder import FolderCamera
from platesieve.adapters.cameras.picture import decode_luma
from platesieve.adapters.cameras.picture_header import MAX_BYTES, MAX_PIXELS, PictureFault, PictureHeader, parse_header
from platesieve.domain.errors import InputError
from tests.fakes.camera import noise, seconds_between
from tests.fakes.clock import FakeClock

if TYPE_CHECKING:
    from pathlib import Path

SECRET_NAME = "AB12CDE.jpg"  # noqa: S105 - people name pictures after the plate
EXTENSIONS = (".jpg", ".png", ".webp", ".bmp", ".tiff")


def encoded(extension: str, size_px: tuple[int, int] = (80, 60), seed: int = 0) -> bytes:
    """Return a smooth picture as a file of that kind."""
    picture = cv2.GaussianBlur(noise(seed, size_px), (0, 0), 2)
    good, data = cv2.imencode(extension, cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR))
    assert good
    return data.tobytes()


def png_chunk(name: bytes, body: bytes) -> bytes:
    """Return one PNG chunk with a right checksum."""
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png_claiming(width: int, height: int) -> bytes:
    """Return a well-formed PNG of a few bytes that claims to be that large."""
    head = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + png_chunk(b"IDAT", zlib.compress(b"\0" * 64)) + png_chunk(b"IEND", b"")


def jpeg_claiming(width: int, height: int) -> bytes:
    """Return a real JPEG whose frame header was rewritten."""
    data = bytearray(encoded(".jpg"))
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def bmp_claiming(width: int, height: int) -> bytes:
    """Return a real BMP whose header was rewritten."""
    data = bytearray(encoded(".bmp"))
    data[18:26] = struct.pack("<ii", width, height)
    return bytes(data)


def webp_claiming(width: int, height: int) -> bytes:
    """Return an extended WebP header with that canvas."""
    canvas = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBPVP8X" + struct.pack("<I", 10) + b"\0\0\0\0" + canvas
    return b"RIFF" + struct.pack("<I", len(body)) + body


def tiff_claiming(width: int, height: int, order: str = "<") -> bytes:
    """Return a TIFF of one directory and no pixels."""
    tags = [(256, 4, 1, width), (257, 4, 1, height)]
    entries = b"".join(struct.pack(order + "HHII", *tag) for tag in tags)
    magic = b"II*\0" if order == "<" else b"MM\0*"
    return magic + struct.pack(order + "IH", 8, len(tags)) + entries + b"\0\0\0\0"


def tiff_with_giant_tiles() -> bytes:
    """Return a small TIFF whose tiles alone would fill the memory."""
    tags = [(256, 4, 1, 64), (257, 4, 1, 64), (322, 4, 1, 60_000), (323, 4, 1, 60_000)]
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + b"".join(struct.pack("<HHII", *t) for t in tags)


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_the_header_tells_the_size_that_the_decoder_finds(extension: str) -> None:
    """Our reading of each format agrees with OpenCV's."""
    data = encoded(extension, (86, 61))
    header = parse_header(data)
    assert (header.width, header.height) == (86, 61)
    assert decode_luma(data).shape == (61, 86)


def test_headers_of_rarer_variants_are_read() -> None:
    """Lossless and extended WebP and big-endian TIFF carry their size elsewhere."""
    good, lossless = cv2.imencode(".webp", noise(1, (86, 61)), [cv2.IMWRITE_WEBP_QUALITY, 101])
    assert good
    assert parse_header(lossless.tobytes()) == PictureHeader("webp", 86, 61)
    assert parse_header(webp_claiming(300, 200)) == PictureHeader("webp", 300, 200)
    assert parse_header(tiff_claiming(300, 200, ">")) == PictureHeader("tiff", 300, 200)


@pytest.mark.parametrize("extension", EXTENSIONS)
@pytest.mark.parametrize("keep", [0, 1, 8, 20, 0.5, 0.98])
def test_a_picture_that_was_cut_short_is_refused(extension: str, keep: float) -> None:
    """Grey rows in the place of missing ones would count as an empty road."""
    data = encoded(extension)
    with pytest.raises(InputError) as refused:
        decode_luma(data[: round(keep * len(data)) if keep < 1 else int(keep)])
    assert refused.value.hint


@pytest.mark.parametrize("side", [16_384, 65_000])
@pytest.mark.parametrize(
    "bomb", [png_claiming, jpeg_claiming, bmp_claiming, webp_claiming, tiff_claiming], ids=lambda f: f.__name__
)
def test_a_picture_that_claims_gigapixels_is_refused_before_decoding(bomb: object, side: int) -> None:
    """A few bytes must not make a decoder ask for gigabytes."""
    assert callable(bomb)
    data: bytes = bomb(side, side)
    start = time.perf_counter()
    with pytest.raises(PictureFault, match=r"claims|cut short"):
        parse_header(data)
    assert time.perf_counter() - start < 0.05
    parse_header(png_claiming(1600, 1200))  # control: a sane size of the same making passes


def test_tiles_larger_than_the_picture_are_refused() -> None:
    """A tile is decoded whole, however little of it the picture needs."""
    with pytest.raises(PictureFault, match="tiles"):
        parse_header(tiff_with_giant_tiles())
    parse_header(tiff_claiming(64, 64))  # control


def test_endless_progressive_scans_are_refused() -> None:
    """Each scan costs a pass over all pixels, so a small file could keep a decoder busy for hours."""
    data = encoded(".jpg")
    with pytest.raises(PictureFault, match="scans"):
        parse_header(data[:-2] + b"\xff\xda\0\x08" * 100 + data[-2:])


@pytest.mark.parametrize("size", [(0, 0), (1, 900), (900, 1)])
def test_a_picture_without_room_for_a_plate_is_refused(size: tuple[int, int]) -> None:
    """Degenerate sizes never reach the detector."""
    with pytest.raises(PictureFault, match="too small"):
        parse_header(png_claiming(*size))


def test_mutated_headers_never_raise_anything_else() -> None:
    """Whatever the bytes, the answer is a size or a refusal."""
    rng = np.random.default_rng(7)
    for extension in EXTENSIONS:
        data = encoded(extension, (32, 24))
        for _ in range(400):
            mutant = bytearray(data[: int(rng.integers(1, len(data) + 1))])
            for _ in range(int(rng.integers(1, 6))):
                mutant[int(rng.integers(min(len(mutant), 80)))] = int(rng.integers(256))
            with contextlib.suppress(PictureFault):
                header = parse_header(bytes(mutant))
                assert 0 < header.width * header.height <= MAX_PIXELS


def test_pictures_come_in_the_order_of_their_names_one_interval_apart(tmp_path: Path) -> None:
    """Name order is time order; the clock gives the first one its time."""
    for i in (2, 0, 1):
        (tmp_path / f"{i}.png").write_bytes(encoded(".png", seed=i))
    clock = FakeClock()
    camera = FolderCamera(tmp_path, clock, interval_s=0.5)
    frames = list(iter(camera.read, None))
    assert [frame.number for frame in frames] == [0, 1, 2]
    assert np.array_equal(frames[2].luma, decode_luma(encoded(".png", seed=2)))
    assert frames[0].wall_ns == clock.now().wall_ns
    assert seconds_between(frames[0], frames[2]) == pytest.approx(1.0)
    assert clock.slept_s == []


def test_a_live_folder_waits_between_pictures(tmp_path: Path) -> None:
    """Pace "live" plays a folder as if it happened now."""
    for i in range(3):
        (tmp_path / f"{i}.png").write_bytes(encoded(".png", seed=i))
    clock = FakeClock()
    camera = FolderCamera(tmp_path, clock, interval_s=0.5, pace="live")
    while camera.read():
        pass
    assert sum(clock.slept_s) == pytest.approx(1.0)


def test_a_bad_picture_is_skipped_counted_and_named_by_number(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """One bad file does not end the work, and its name, which may hold a plate, is not repeated."""
    (tmp_path / "0.png").write_bytes(encoded(".png"))
    (tmp_path / SECRET_NAME).write_bytes(encoded(".jpg")[:200])
    (tmp_path / "c.jpg").write_bytes(b"")
    (tmp_path / "d.jpg").write_bytes(encoded(".png", seed=3))  # another kind than its name says: decodes
    camera = FolderCamera(tmp_path, FakeClock(), interval_s=1.0)
    with caplog.at_level(logging.WARNING):
        frames = [camera.read(), camera.read(), camera.read()]
    assert [frame.number if frame else None for frame in frames] == [0, 1, None]
    assert camera.skipped == 2
    assert "picture 2 of 4" in caplog.text
    assert "picture 3 of 4" in caplog.text
    assert "AB12CDE" not in caplog.text


def test_other_files_in_the_folder_are_no_pictures(tmp_path: Path) -> None:
    """Notes, hidden files and sub-folders are left alone; a picture without extension is found by its bytes."""
    (tmp_path / "notes.txt").write_text("nothing here")
    (tmp_path / ".hidden.png").write_bytes(b"x")
    (tmp_path / "more.png").mkdir()
    (tmp_path / "snapshot").write_bytes(encoded(".jpg"))
    camera = FolderCamera(tmp_path, FakeClock())
    assert camera.read() is not None
    assert camera.read() is None
    assert camera.skipped == 0


def test_a_folder_without_pictures_is_refused_at_once(tmp_path: Path) -> None:
    """Empty, or only notes: a run over nothing must not look like an empty road."""
    with pytest.raises(InputError, match="no picture"):
        FolderCamera(tmp_path, FakeClock())
    (tmp_path / "notes.txt").write_text("nothing here")
    with pytest.raises(InputError, match="no picture"):
        FolderCamera(tmp_path, FakeClock())


def test_a_folder_of_bad_pictures_only_is_refused_at_once(tmp_path: Path) -> None:
    """If nothing can be used, the run ends with an error instead of no plates."""
    for name in (SECRET_NAME, "b.png"):
        (tmp_path / name).write_bytes(b"no picture")
    with pytest.raises(InputError, match="none of the 2 pictures") as refused:
        FolderCamera(tmp_path, FakeClock())
    assert "AB12CDE" not in str(refused.value)


@pytest.mark.parametrize("content", [b"", b"text", encoded(".jpg")[:300]], ids=["empty", "text", "cut"])
def test_one_bad_picture_is_refused_without_its_name(tmp_path: Path, content: bytes) -> None:
    """A single picture is named by its folder only, also in what Python would print as the cause."""
    (tmp_path / SECRET_NAME).write_bytes(content)
    with pytest.raises(InputError, match="the picture") as refused:
        FolderCamera(tmp_path / SECRET_NAME, FakeClock())
    assert "AB12CDE" not in str(refused.value)


def test_a_missing_folder_is_refused_without_its_name(tmp_path: Path) -> None:
    """The path is not repeated, nor is it in the chain of causes."""
    with pytest.raises(InputError) as refused:
        FolderCamera(tmp_path / SECRET_NAME, FakeClock())
    assert "AB12CDE" not in str(refused.value)
    assert refused.value.__suppress_context__


def test_a_file_beyond_the_byte_limit_is_refused_without_reading_it_all(tmp_path: Path) -> None:
    """A sparse file of gigabytes costs no more than the limit."""
    path = tmp_path / "large.jpg"
    with path.open("wb") as file:
        file.write(encoded(".jpg"))
        file.truncate(MAX_BYTES * 20)
    with pytest.raises(InputError, match="more than 64 MiB"):
        FolderCamera(path, FakeClock())
