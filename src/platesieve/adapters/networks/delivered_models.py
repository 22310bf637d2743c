"""Networks that came signed: a pair with its own `released.toml`, taken at a start where it is newer and runs.

The signature of the office says that the agency wants them; that they are what was released, and fit together, say the
same checks as for the installed ones. Whatever fails one of them is not run, and the device goes on with what it has.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from platesieve.adapters.networks.onnx_models import OnnxPlateFinder, OnnxPlateReader
from platesieve.adapters.networks.released_models import MANIFEST, MAX_MANIFEST_BYTES, load_released, model_of
from platesieve.domain.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from platesieve.adapters.networks.released_models import ReleasedModel
    from platesieve.settings import Vision

_NUMBERS = re.compile(r"[0-9]{1,6}(\.[0-9]{1,6}){1,3}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Networks:
    """The two networks of one start, and what became of a pair that was delivered.

    Attributes:
        detector, reader: whose hashes stand in the log.
        finder, plate_reader: the same, running.
        delivered: the pair that came signed and is another one than the installed; empty where none did.
        refused: why it is not used, or None where it is, or where there is none.
    """

    detector: ReleasedModel
    reader: ReleasedModel
    finder: OnnxPlateFinder = field(repr=False)
    plate_reader: OnnxPlateReader = field(repr=False)
    delivered: tuple[ReleasedModel, ...] = ()
    refused: ModelError | None = None


def start_networks(vision: Vision, documents: Mapping[str, bytes]) -> Networks:
    """Return the delivered networks where they are newer and run, else the installed ones.

    Args:
        vision: input size and threads.
        documents: verified documents of the kind `models`, by file name; none for a device that gets none.

    Raises:
        ModelError: the installed ones are missing or changed, or do not run.
    """
    installed = (load_released("detector"), load_released("reader"))
    pair: tuple[ReleasedModel, ...] = ()
    try:
        pair = read_pair(documents) if documents else ()
        if pair and [one.sha256 for one in pair] != [one.sha256 for one in installed]:
            _refuse_older(pair, installed)
            return _running(vision, *pair, delivered=pair)
    except ModelError as error:
        return _running(vision, *installed, delivered=pair, refused=error)
    return _running(vision, *installed)


def read_pair(documents: Mapping[str, bytes]) -> tuple[ReleasedModel, ReleasedModel]:
    """Return detector and reader of a delivery, each the bytes that the manifest beside them names.

    Raises:
        ModelError: the manifest or a model is missing, or is not what the manifest says.
    """
    manifest = documents.get(MANIFEST)
    if manifest is None or len(manifest) > MAX_MANIFEST_BYTES:
        raise ModelError(f"networks were delivered without their {MANIFEST}", "add both with `agency add-models`")
    return model_of("detector", manifest, documents), model_of("reader", manifest, documents)


def _running(
    vision: Vision,
    detector: ReleasedModel,
    reader: ReleasedModel,
    delivered: tuple[ReleasedModel, ...] = (),
    refused: ModelError | None = None,
) -> Networks:
    finder, plate_reader = OnnxPlateFinder(vision, detector), OnnxPlateReader(vision, reader)
    return Networks(detector, reader, finder, plate_reader, delivered, refused)


def _refuse_older(pair: tuple[ReleasedModel, ...], installed: tuple[ReleasedModel, ...]) -> None:
    """Refuse a pair of which one is older than the installed, or none is newer: a thief of keys may not go back."""
    steps = [(_number(new.version), _number(old.version)) for new, old in zip(pair, installed, strict=True)]
    if any(new < old for new, old in steps) or not any(new > old for new, old in steps):
        raise ModelError(
            "the networks that were delivered are not newer than the installed ones",
            "deliver a pair of which neither has a lower version and one has a higher",
        )


def _number(version: str) -> tuple[int, ...]:
    if not _NUMBERS.fullmatch(version):
        raise ModelError("a network that was delivered has no version of numbers", "write for example 2.1")
    return tuple(int(part) for part in version.split("."))
