"""Labelled pictures on disk: read with a limit, checked, decoded to brightness."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from platesieve.adapters.cameras.picture import decode_luma
from platesieve.adapters.cameras.picture_header import MAX_BYTES
from platesieve.domain.errors import InputError
from platesieve.evaluation.labels import parse_labels
from platesieve.vision.frame import Frame

if TYPE_CHECKING:
    from pathlib import Path

    from platesieve.evaluation.labels import LabelledPicture

MAX_LABELS_BYTES: Final = 256 * 1024 * 1024


def read_labels(path: Path) -> tuple[LabelledPicture, ...]:
    """Return the labelled pictures that a labels file names.

    Raises:
        InputError: it cannot be read, or has lines that are wrong; all of them are named.
    """
    data = _read(path, MAX_LABELS_BYTES, f"the labels file {path}")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise InputError(f"the labels file {path} is not UTF-8 text", "give a labels.jsonl or a clip") from error
    return parse_labels(text.splitlines(), str(path))


def load_picture(folder: Path, number: int, picture: LabelledPicture) -> Frame:
    """Return a labelled picture as a frame.

    Args:
        folder: of the labels file.
        number: of the picture, by which messages call it: people name photographs of cars after the plate.
        picture: whose pixels are wanted.

    Raises:
        InputError: it is missing, too large, or no picture.
    """
    data = _read(folder / picture.image, MAX_BYTES, f"picture {number} of the labels in {folder}")
    try:
        return Frame(decode_luma(data), number, 0, 0)
    except InputError as fault:
        raise InputError(f"picture {number} of the labels in {folder}: {fault.message}", fault.hint) from fault


def _read(path: Path, limit: int, what: str) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise InputError(
            f"{what} cannot be read: {error.strerror}", "check that it exists and may be read"
        ) from None  # the cause would repeat the file name
    if len(data) > limit:
        raise InputError(f"{what} has more than {limit // 1024**2} MiB", "split it, or scale the picture down")
    return data
