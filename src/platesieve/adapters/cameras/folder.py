"""A folder of pictures, or one picture, as a camera.

Pictures are named in messages by their place in the folder, never by file or folder: people name photographs of
cars, and folders of them, after the plate.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final, Literal

from platesieve.adapters.cameras.picture import decode_luma
from platesieve.adapters.cameras.picture_header import MAX_BYTES, kind_of
from platesieve.domain.errors import InputError
from platesieve.domain.instant import NS_PER_S
from platesieve.vision.frame import Frame

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from platesieve.domain.instant import Instant
    from platesieve.ports import Clock

EXTENSIONS: Final = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"})

_log = logging.getLogger(__name__)


class FolderCamera:
    """Delivers the pictures of a folder in the order of their names, `interval_s` apart.

    A picture that cannot be decoded is skipped, counted in `skipped` and named by number in a warning. The first good
    picture is decoded at once, so that a folder without any is refused when it is opened.

    Args:
        path: a folder (its sub-folders are not entered), or one picture.
        clock: gives the first frame its time, and the waiting of pace "live".
        interval_s: time between two frames.
        pace: "live" waits until each frame is due, "fast" never waits.

    Raises:
        InputError: nothing is there, or no picture in it can be used.
    """

    def __init__(
        self, path: Path, clock: Clock, *, interval_s: float = 1.0, pace: Literal["live", "fast"] = "fast"
    ) -> None:
        self.skipped = 0
        self._clock = clock
        self._step_ns = round(interval_s * NS_PER_S)
        self._live = pace == "live"
        self._pictures = _pictures(path)
        self._at = 0  # place of the next picture
        self._number = 0
        self._start: Instant | None = None  # the first picture's time is that of the first read
        self._next = self._decode_next()
        if self._next is None:
            raise self._nothing_usable()

    @property
    def dropped(self) -> int:
        """Return 0: a folder waits for its reader."""
        return 0

    def read(self) -> Frame | None:
        """Return the next picture, or None after the last."""
        found, self._next = self._next or self._decode_next(), None
        if found is None:
            return None
        place, luma = found
        if self._start is None:
            self._start = self._clock.now()
        passed_ns = place * self._step_ns
        frame = Frame(luma, self._number, self._start.wall_ns + passed_ns, self._start.monotonic_ns + passed_ns)
        self._number += 1
        if self._live:
            self._clock.sleep(max(0.0, (frame.monotonic_ns - self._clock.now().monotonic_ns) / NS_PER_S))
        return frame

    def close(self) -> None:
        """Forget the pictures."""
        self._pictures, self._next = (), None

    def _decode_next(self) -> tuple[int, NDArray[np.uint8]] | None:
        """Return place and brightness of the next picture that can be used."""
        while self._at < len(self._pictures):
            place, self._at = self._at, self._at + 1
            try:
                return place, decode_luma(_read_bytes(self._pictures[place]))
            except InputError as fault:
                self.skipped += 1
                self._last_fault = fault
                if len(self._pictures) > 1:
                    _log.warning("picture %d of %d is skipped: %s", place + 1, len(self._pictures), fault.message)
        return None

    def _nothing_usable(self) -> InputError:
        if len(self._pictures) == 1:
            return self._last_fault
        return InputError(
            f"none of the {len(self._pictures)} pictures can be used; of the last one: {self._last_fault.message}",
            self._last_fault.hint,
        )


def _pictures(path: Path) -> tuple[Path, ...]:
    """Return the files in a folder that are pictures by name or by content."""
    try:
        if path.is_file():
            return (path,)
        found = tuple(sorted(entry for entry in path.iterdir() if _looks_like_picture(entry)))
    except OSError as error:
        raise InputError(
            f"the folder of pictures cannot be read: {error.strerror}", "give an existing folder that you may read"
        ) from None  # the cause would repeat the path
    if not found:
        raise InputError("there is no picture in the folder given", "put JPEG or PNG files directly into that folder")
    return found


def _looks_like_picture(entry: Path) -> bool:
    if entry.name.startswith(".") or not entry.is_file():
        return False
    if entry.suffix.lower() in EXTENSIONS:
        return True
    try:
        with entry.open("rb") as file:
            return kind_of(file.read(16)) is not None
    except OSError:
        return False  # without a picture's name and unreadable: nothing says that it is one


def _read_bytes(picture: Path) -> bytes:
    try:
        with picture.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(
            f"the picture cannot be read: {error.strerror}", "check the permissions of the file"
        ) from None  # the cause would repeat the file name
