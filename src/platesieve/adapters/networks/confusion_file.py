"""Load the reader's confusion matrix, measured by models/reader/confusion.py and released with the reader.

{"format": 1, "reader_sha256": "...", "groups": {"EU": ["DE", "AT"]},
 "regions": {"any": {"plates": 6000, "missed": 0.004, "invented": 0.002,
                     "seen": {"0": 4100}, "taken_for": {"0": {"0": 0.94, "O": 0.03}}}}}
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from platesieve.adapters.networks.released_models import find_manifest, read_bytes, released_path, released_table
from platesieve.domain.confusion import ANYWHERE, ConfusionMatrix, Confusions
from platesieve.domain.errors import ModelError
from platesieve.domain.plate import ALPHABET

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES: Final = 4 * 1024 * 1024
TABLE: Final = "confusion"
_HINT: Final = "install platesieve again, or measure it with `python -m models.reader.confusion`"
_ROUNDING: Final = 0.01


def _row(shares: dict[str, float]) -> dict[str, float]:
    if sum(shares.values()) > 1 + _ROUNDING:
        raise ValueError("the shares of one glyph add up to more than 1")
    return shares


Glyph = Annotated[str, Field(pattern=f"^[{ALPHABET}]$")]
Share = Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z-]{1,30}$")]
Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _Measured(_Closed):
    plates: int = Field(ge=1)
    missed: Share
    invented: float = Field(ge=0.0, allow_inf_nan=False)
    seen: dict[Glyph, Annotated[int, Field(ge=0)]]
    taken_for: dict[Glyph, Annotated[dict[Glyph, Share], AfterValidator(_row)]]


class _File(_Closed):
    format: Literal[1]
    reader_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    groups: dict[Name, list[Country]] = {}
    regions: dict[Name, _Measured]


def load_confusion(manifest: Path | None = None) -> ConfusionMatrix:
    """Return the released confusion matrix.

    Args:
        manifest: released.toml; None looks in the package and in the checkout.

    Raises:
        ModelError: none was released, or the file is not the one that was.
    """
    manifest = manifest or find_manifest()
    table = released_table(manifest, TABLE, ("file", "sha256"))
    data = read_bytes(released_path(manifest, table["file"], TABLE), MAX_BYTES, "the reader's confusion matrix")
    if hashlib.sha256(data).hexdigest() != table["sha256"].lower():
        raise ModelError("the reader's confusion matrix is not the released one: it has another SHA-256", _HINT)
    return parse_confusion(data)


def parse_confusion(data: bytes) -> ConfusionMatrix:
    """Return the confusion matrix that a file holds.

    Raises:
        ModelError: the file is of another kind.
    """
    try:
        file = _File.model_validate(json.loads(data), strict=True)
    except (ValidationError, ValueError) as error:
        raise ModelError("the reader's confusion matrix cannot be understood", _HINT) from error
    if ANYWHERE not in file.regions:
        raise ModelError(f"the reader's confusion matrix has no region `{ANYWHERE}`", _HINT)
    measured = {
        name: Confusions(name, m.plates, m.seen, m.taken_for, m.missed, m.invented) for name, m in file.regions.items()
    }
    group_of = {region: group for group, regions in file.groups.items() for region in regions}
    return ConfusionMatrix(file.reader_sha256, measured, group_of)
