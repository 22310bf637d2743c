"""Pictures of a plate and its vehicle, as private as the plate."""

from __future__ import annotations

from dataclasses import dataclass


class Crop:
    """A JPEG of a plate or of its vehicle, as private as the plate: only `reveal()` gives the bytes."""

    __slots__ = ("_jpeg",)

    def __init__(self, jpeg: bytes) -> None:
        self._jpeg = jpeg

    def reveal(self) -> bytes:
        """Return the JPEG bytes."""
        return self._jpeg

    def __len__(self) -> int:
        return len(self._jpeg)

    def __repr__(self) -> str:
        return f"Crop({len(self._jpeg)} bytes)"

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("a Crop is not pickled: it never leaves the process that took it")


@dataclass(frozen=True, slots=True)
class Crops:
    """The pictures of one read: the plate, and the vehicle around it (never the whole frame)."""

    plate: Crop
    scene: Crop
