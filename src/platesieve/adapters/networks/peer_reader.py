"""A peer's reader beside ours, in the same run on the same pixels: fast-plate-ocr's compact transformer (MIT).

The file is given by path and never shipped: https://github.com/ankandrew/fast-plate-ocr, `cct_xs_v1_global`. It takes
upright boxes, resized without regard to shape, in RGB; our frames are luma, which all three channels then hold.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import cv2
import numpy as np

from platesieve.adapters.networks.onnx_models import Session
from platesieve.adapters.networks.released_models import ReleasedModel
from platesieve.domain.errors import ModelError
from platesieve.domain.plate import ALPHABET, MAX_CHARACTERS, Glyph, PlateRead, PlateText

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from platesieve.domain.geometry import Detection
    from platesieve.vision.frame import Frame

WIDTH_PX, HEIGHT_PX = 128, 64
SLOTS = len(ALPHABET) + 1  # the last one is the padding `_`
MAX_BYTES = 64 * 1024 * 1024


class PeerReader:
    """The PlateReader port over a peer's file with fixed slots.

    Raises:
        ModelError: the file is missing, too large, or of another kind.
    """

    def __init__(self, path: Path, threads: int) -> None:
        try:
            with path.open("rb") as file:
                data = file.read(MAX_BYTES + 1)
        except OSError as error:
            raise ModelError(f"the peer's model cannot be read: {error.strerror}", "give --peer a file") from error
        if len(data) > MAX_BYTES:
            raise ModelError("the peer's model is larger than 64 MiB", "give --peer the file of a small reader")
        model = ReleasedModel("reader", path.stem, "peer", hashlib.sha256(data).hexdigest(), data, {})
        self._session = Session(model, threads, None)
        self.read_crop(np.zeros((HEIGHT_PX, WIDTH_PX), np.uint8))

    def read(self, frame: Frame, detection: Detection) -> PlateRead | None:
        """Return the read of the upright box around a plate; see ports.PlateReader."""
        box = detection.box
        left, top = max(round(box.x), 0), max(round(box.y), 0)
        crop = frame.luma[top : round(box.y + box.height), left : round(box.x + box.width)]
        glyphs = self.read_crop(crop) if crop.size else ()
        if not glyphs:
            return None
        return PlateRead(PlateText("".join(glyph.best for glyph in glyphs)), glyphs, detection)

    def read_crop(self, crop: NDArray[np.uint8]) -> tuple[Glyph, ...]:
        """Return the characters in a crop (h x w, uint8), left to right."""
        resized = cv2.resize(crop, (WIDTH_PX, HEIGHT_PX), interpolation=cv2.INTER_LINEAR)
        (answer,) = self._session.run(np.repeat(resized[None, :, :, None], 3, axis=3).astype(np.uint8))
        if answer.size % SLOTS:
            raise ModelError("the peer's model answers in another shape", "give --peer a reader with 37 classes a slot")
        slots = answer.reshape(-1, SLOTS)
        best = slots.argmax(axis=1)
        read = [(ALPHABET[index], float(slot[index])) for slot, index in zip(slots, best, strict=True) if index < 36]  # noqa: PLR2004
        return tuple(Glyph(((character, probability),)) for character, probability in read[:MAX_CHARACTERS])
