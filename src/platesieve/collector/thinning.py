"""Witness files are thinned one at a time, each in its own hour of the week, so that no checkpoint waits for many."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Protocol

from platesieve.domain.errors import StorageError
from platesieve.domain.instant import NS_PER_S

if TYPE_CHECKING:
    from collections.abc import Sequence

    from platesieve.audit.thinning import Spacing

_log = logging.getLogger(__name__)
_LOOK_NS = 60 * NS_PER_S


class ThinnedFiles(Protocol):
    """Witness files that get longer."""

    def due(self, since_ns: int, until_ns: int) -> Sequence[str]:
        """Return whose files are to be thinned now."""

    def thin(self, device: str, spacing: Spacing) -> None:
        """Leave the lines of one that last (FORMAT 9.8).

        Raises:
            StorageError: all its lines are still there.
        """


class Thinning:
    """Does a little of the work whenever there is time.

    Args:
        files: to be thinned.
        spacing: of what stays.
        now_ns: what was due before is left for the week after.
    """

    def __init__(self, files: ThinnedFiles, spacing: Spacing, now_ns: int) -> None:
        self._files = files
        self._spacing = spacing
        self._looked_ns = now_ns
        self._waiting: list[str] = []

    def step(self, now_ns: int) -> None:
        """Thin one file at most. One that cannot be thinned is left as it is, and nothing else stops for it."""
        if abs(now_ns - self._looked_ns) >= _LOOK_NS:
            self._waiting += self._files.due(self._looked_ns, now_ns)
            self._looked_ns = now_ns
        if not self._waiting:
            return
        try:
            self._files.thin(self._waiting.pop(0), self._spacing)
        except StorageError as error:
            _log.error("a witness file was not thinned: %s", error)
