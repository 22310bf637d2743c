"""The uplink's end of the pipe without a pipe: a camera process that is a list.

Usage::

    intake = FakeIntake()
    intake.camera.append(disclosure)   # comes out of the next take(), and again after reset() until stored
    intake.acknowledged, intake.told   # what the camera process heard
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from platesieve.domain.disclosure import Disclosure, Stretch
    from platesieve.domain.notice import Notice


class FakeIntake:
    """The Intake port over a list."""

    def __init__(self) -> None:
        self.camera: list[Disclosure] = []
        self.on_wire: list[Disclosure] = []
        self.asked: list[Stretch] = []
        self.acknowledged: list[str] = []
        self.told: list[Notice] = []
        self.resets = 0
        self.camera_present = True
        self.goodbye = False
        self.closed = False
        self.on_take: Callable[[float], None] = lambda _timeout_s: None

    def take(self, timeout_s: float) -> Sequence[Disclosure]:
        """Return what the camera process has written since."""
        self.on_take(timeout_s)
        taken, self.camera = self.camera, []
        self.on_wire += taken
        return taken

    def stretches(self) -> Sequence[Stretch]:
        """Return what is to be kept for longer, once."""
        taken, self.asked = self.asked, []
        return taken

    def stored(self, ids: Sequence[str]) -> None:
        """Remember that these are stored."""
        self.acknowledged += ids
        self.on_wire = [disclosure for disclosure in self.on_wire if disclosure.id not in ids]

    def notify(self, notice: Notice) -> None:
        """Remember the notice."""
        self.told.append(notice)

    def wake(self) -> None:
        """Do nothing: take() never waits."""

    def reset(self) -> None:
        """Hang up: what was not stored is sent again."""
        self.resets += 1
        self.camera, self.on_wire = self.on_wire + self.camera, []

    def close(self) -> None:
        """Close."""
        self.closed = True
