"""From a frame to Sightings: gate, find, read, track. The product and its evaluation run this very code."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from platesieve.domain.instant import Instant
from platesieve.flow.search import Search, is_plate
from platesieve.flow.several_looks import SeveralLooks
from platesieve.tracking.state import Observation, TrackerState
from platesieve.tracking.tracker import finish, step
from platesieve.vision.areas import blanked
from platesieve.vision.crop import crops_of
from platesieve.vision.motion import step as motion_step

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from platesieve.domain.geometry import Detection
    from platesieve.domain.plate import PlateText
    from platesieve.domain.sighting import Sighting
    from platesieve.ports import PlateFinder, PlateReader
    from platesieve.settings import Outline, Tracking, Vision
    from platesieve.vision.frame import Frame
    from platesieve.vision.motion import MotionState


@dataclass(frozen=True, slots=True)
class Looked:
    """What one frame gave.

    Attributes:
        sightings: passes that ended with this frame.
        plates_found: plates found in it.
        reads: how many of them could be read.
        searched: whether it was searched at all, or held nothing that moved.
    """

    sightings: tuple[Sighting, ...] = ()
    plates_found: int = 0
    reads: int = 0
    searched: bool = False


class Sight:
    """Looks at one frame after the other and reports each vehicle once.

    Args:
        finder: finds plates.
        reader: reads them.
        vision: when a frame is searched.
        tracking: how reads become Sightings.
        fingerprint: keyed digest of a text, under a key that lives in RAM; recognises a plate that was reported.
        keep_pictures: take crops of each read, because the policy may disclose one. May be changed between frames.

    `reader` is open, so that an evaluation can put one around it that keeps what single frames say.
    """

    def __init__(
        self,
        finder: PlateFinder,
        reader: PlateReader,
        vision: Vision,
        tracking: Tracking,
        fingerprint: Callable[[PlateText], bytes],
        *,
        keep_pictures: bool = False,
    ) -> None:
        self.keep_pictures = keep_pictures
        self.reader = SeveralLooks(reader) if vision.snapshots else reader
        self._finder = Search(finder, vision)
        self._vision, self._tracking, self._fingerprint = vision, tracking, fingerprint
        self._state = TrackerState()
        self._motion: MotionState | None = None
        self._size_px = (0, 0)
        self._searched: Instant | None = None

    def look(self, frame: Frame) -> Looked:
        """Take one frame and return what it gave.

        Raises:
            ModelError: inference failed.
        """
        now = Instant(frame.wall_ns, frame.monotonic_ns)
        frame = blanked(frame, self._vision.regions, self._vision.masks)
        if not self._is_worth_searching(frame, now):
            return Looked()
        self._searched = now
        found = self._finder.find(frame)
        looked_at = (self._observe(frame, detection, found) for detection in found)
        seen = [one for one in looked_at if is_plate(one.detection, one.read)]
        size_px = frame.width, frame.height
        self._state, sightings = step(self._state, seen, now, size_px, self._tracking, self._fingerprint)
        return Looked(sightings, len(seen), sum(one.read is not None for one in seen), searched=True)

    def obey(self, *, keep_pictures: bool, max_pass_s: float) -> None:
        """Follow another policy from the next frame on: which crops are taken, and how long a pass may last."""
        self.keep_pictures = keep_pictures
        self._tracking = replace(self._tracking, max_pass_s=min(self._tracking.max_pass_s, max_pass_s))

    def look_only_at(self, regions: tuple[Outline, ...], masks: tuple[Outline, ...]) -> None:
        """Look from the next frame on only inside the regions and outside the masks."""
        self._vision = replace(self._vision, regions=regions, masks=masks)
        self._motion = None

    def finish(self) -> tuple[Sighting, ...]:
        """Return the passes that were under way: the source has ended."""
        self._state, sightings = finish(self._state, self._tracking, self._fingerprint)
        return sightings

    def forget(self) -> None:
        """Drop everything that was seen, reported or not: reading is not allowed now."""
        self._state, self._motion, self._searched = TrackerState(), None, None

    def _is_worth_searching(self, frame: Frame, now: Instant) -> bool:
        """Return whether something moved, a pass is under way, or it is time for a look in any case."""
        if self._vision.motion_fraction <= 0:
            return True
        if self._size_px != (frame.width, frame.height):
            self._motion = None  # another picture size: nothing to compare with
        self._size_px = frame.width, frame.height
        self._motion, share = motion_step(self._motion, frame.luma)
        if share >= self._vision.motion_fraction or self._state.reading or self._searched is None:
            return True
        return now.seconds_since(self._searched) >= self._vision.search_at_least_every_s

    def _observe(self, frame: Frame, detection: Detection, found: Sequence[Detection]) -> Observation:
        read = self.reader.read(frame, detection)
        if read is not None and self.keep_pictures:
            read = replace(read, crops=crops_of(frame, detection, found))
        return Observation(detection, read)
