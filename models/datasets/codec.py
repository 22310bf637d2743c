"""What compression does to a picture: a still's JPEG, and the H.264 of a camera's stream or a recorder's file."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import av
import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

RATE = Fraction(1, 25)
GREY = 128
PRESETS = ("superfast", "veryfast")  # a camera's own encoder has little time as well; faster ones leave out the filter
COARSEST, FINEST = 40, 20
"""Constant rate factors of H.264; x264 takes 23 unless told otherwise, larger ones are coarser."""


def as_jpeg(rng: np.random.Generator, luma: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the picture after a JPEG of quality 18 to 91."""
    ok, data = cv2.imencode(".jpg", luma, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(18, 92))])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), np.uint8) if ok else luma


def as_video(rng: np.random.Generator, luma: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the picture as the last of one to four frames of H.264, each moved a little from the one before.

    The first frame is coded by itself, what follows as differences from it, so that the blocks of both kinds are met
    (ITU-T H.264, 8.3 and 8.4) and their borders smoothed (8.7).
    """
    height, width = luma.shape
    even = cv2.copyMakeBorder(luma, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
    step = rng.normal(0, 1.5, 2)
    count = int(rng.integers(1, 5))
    frames = [_moved(even, step * (count - 1 - i)) for i in range(count)]
    preset, factor = str(rng.choice(PRESETS)), int(rng.integers(FINEST, COARSEST + 1))
    seen = list(_decoded(_encoded(frames, preset, factor)))
    return np.ascontiguousarray(seen[-1][:height, :width])


def _moved(luma: NDArray[np.uint8], by: NDArray[np.float64]) -> NDArray[np.uint8]:
    shift = np.asarray([[1, 0, by[0]], [0, 1, by[1]]], np.float32)
    size = (luma.shape[1], luma.shape[0])
    return np.asarray(cv2.warpAffine(luma, shift, size, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def _encoded(frames: Sequence[NDArray[np.uint8]], preset: str, factor: int) -> Iterator[av.Packet]:
    height, width = frames[0].shape
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.time_base, encoder.thread_count = RATE, 1
    encoder.options = {"preset": preset, "crf": str(factor), "tune": "zerolatency"}
    planes = np.full((height * 3 // 2, width), GREY, np.uint8)
    for number, frame in enumerate(frames):
        planes[:height] = frame
        shown = av.VideoFrame.from_ndarray(planes, format="yuv420p")
        shown.pts = number
        yield from encoder.encode(shown)
    yield from encoder.encode(None)


def _decoded(packets: Iterator[av.Packet]) -> Iterator[NDArray[np.uint8]]:
    decoder = av.CodecContext.create("h264", "r")
    decoder.thread_count = 1
    for packet in (*packets, None):
        for frame in decoder.decode(packet):
            yield frame.to_ndarray()[: frame.height]
