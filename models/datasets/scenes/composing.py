"""Training crops composed from scenes, drawn plates and lookalikes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import cv2
import numpy as np

from models.datasets.lookalikes import Sticker, draw_lookalike, find_fonts, place_lookalike
from models.datasets.scenes.boxes import box_corners, clip_boxes, overlaps, split_by_edge, upright
from models.datasets.scenes.laying import draw_ground, lay, lay_panel
from models.datasets.scenes.pasting import paste
from models.datasets.scenes.reading import SOURCE_SHARES
from models.datasets.scenes.types import Sample, Target
from models.datasets.scenes.views import log_uniform, view

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from models.datasets.scenes.types import Drawn, Mistake, Scene


RENEWAL_SHARE = 0.12
PLATE_SHARE = 0.85
MISTAKE_SHARE = 0.12
GROUND_SHARE = 0.03


class Composer:
    """Draws training crops. Plates and lookalikes come from pools that are renewed one by one as crops are drawn.

    Args:
        scenes: scenes to draw from; held-out ones are not used.
        draw: returns a new drawn plate.
        seed: of everything random.
        pool: how many drawn plates and lookalikes are kept at a time.
        mistakes: places to look at again and again, without a plate.
    """

    def __init__(
        self,
        scenes: list[Scene],
        draw: Callable[[np.random.Generator], Drawn],
        seed: int,
        pool: int = 400,
        mistakes: tuple[Mistake, ...] = (),
    ) -> None:
        self.rng = np.random.default_rng(seed)
        self.by_source = {
            source: [s for s in scenes if s.source == source and not s.held_out] for source in SOURCE_SHARES
        }
        by_name = {(s.source, s.name): s for s in scenes if not s.held_out}
        self.mistakes = [(by_name[m.source, m.name], m.box) for m in mistakes if (m.source, m.name) in by_name]
        self.sources = [source for source, found in self.by_source.items() if found]
        shares = np.array([SOURCE_SHARES[source] for source in self.sources])
        self.shares = shares / shares.sum()
        self.draw = draw
        self.fonts = find_fonts()
        self.plates = [draw(self.rng).luma for _ in range(pool)]
        self.lookalikes = [draw_lookalike(self.rng, self.fonts) for _ in range(pool)]
        self.drawn = 0

    def renew(self) -> None:
        """Replace the oldest of each pool; called every few crops."""
        at = self.drawn % len(self.plates)
        self.plates[at] = self.draw(self.rng).luma
        self.lookalikes[at] = draw_lookalike(self.rng, self.fonts)
        self.drawn += 1

    def sample(self, width: int, height: int) -> Sample:
        """Return one crop before degrading: a single stretch, or a mosaic of four with smaller plates."""
        if self.rng.random() < 0.33:
            canvas, plates, ignore = self._mosaic(width, height)
        else:
            canvas, plates, ignore = self._stretch(width, height, log_uniform(self.rng, 13, 0.9 * width))
        self._set_plates(canvas, plates, ignore)
        self._set_lookalikes(canvas, plates, ignore)
        if self.rng.random() < RENEWAL_SHARE:
            self.renew()
        return Sample(canvas, tuple(plates), ignore)

    def plate_free(self, width: int, height: int) -> NDArray[np.uint8]:
        """Return a drawn ground with things on it that are no plates."""
        canvas, nothing = draw_ground(self.rng, width, height), np.zeros((0, 4), np.float32)
        self._set_lookalikes(canvas, [], nothing)
        return canvas

    def _mosaic(self, width: int, height: int) -> tuple[NDArray[np.uint8], list[Target], NDArray[np.float32]]:
        cut_x, cut_y = int(width * self.rng.uniform(0.35, 0.65)), int(height * self.rng.uniform(0.35, 0.65))
        canvas = np.zeros((height, width), np.uint8)
        plates: list[Target] = []
        masks: list[NDArray[np.float32]] = []
        for left, right in ((0, cut_x), (cut_x, width)):
            for top, bottom in ((0, cut_y), (cut_y, height)):
                wide, high = right - left, bottom - top
                part, found, ignore = self._stretch(wide, high, log_uniform(self.rng, 10, 0.6 * wide))
                canvas[top:bottom, left:right] = part
                shift = np.array([left, top], np.float32)
                whole, cut = split_by_edge(found, wide, high)
                plates += [Target(p.corners + shift, p.exact) for p in whole]
                hidden = np.concatenate([cut, clip_boxes(ignore, wide, high)])
                masks.append(hidden + np.concatenate([shift, np.zeros(2, np.float32)]))
        return canvas, plates, np.concatenate(masks)

    def _stretch(
        self, width: int, height: int, plate_px: float
    ) -> tuple[NDArray[np.uint8], list[Target], NDArray[np.float32]]:
        """Cut a stretch of a scene so that one of its plates is about `plate_px` wide."""
        rng = self.rng
        if not self.sources or rng.random() < GROUND_SHARE:
            return draw_ground(self.rng, width, height), [], np.zeros((0, 4), np.float32)
        scene, anchor = self._pick()
        turn, scale = view(rng, scene, anchor, (width, height), plate_px)
        level = 0 if scale > 0.7 else 1 if scale > 0.35 else 2
        luma = scene.levels[level]
        factor = luma.shape[1] / scene.levels[0].shape[1]
        border = int((114, 0, 255, rng.integers(256))[rng.integers(4)])
        # Coordinates run along pixel edges here, and through pixel centres in OpenCV: half a pixel either way.
        from_level = np.array([[1 / factor, 0, 0.5 / factor], [0, 1 / factor, 0.5 / factor], [0, 0, 1]])
        to_centres = np.array([[1, 0, -0.5], [0, 1, -0.5], [0, 0, 1]])
        canvas = cv2.warpPerspective(luma, to_centres @ turn @ from_level, (width, height), borderValue=(border,))
        flip = rng.random() < 0.25
        if flip:
            canvas = cv2.flip(canvas, 1)

        def mapped(corners: NDArray[np.float32]) -> NDArray[np.float32]:
            moved = cv2.perspectiveTransform(corners[None].astype(np.float32), turn)[0]
            if flip:
                moved = np.array([width, 0], np.float32) + moved[[1, 0, 3, 2]] * np.array([-1, 1], np.float32)
            return np.asarray(moved, np.float32)

        ignore = [upright(mapped(box_corners(list(b)))) for b in scene.ignore]
        plates = [Target(mapped(p.corners), p.exact) for p in scene.plates]
        picture = np.asarray(canvas, np.uint8)
        if rng.random() < 0.4:
            plates = [self._swap(picture, p) for p in plates]
        return picture, plates, np.array(ignore, np.float32).reshape(-1, 4)

    def _pick(self) -> tuple[Scene, NDArray[np.float32] | None]:
        """Return a scene and what to look at in it: a plate, an earlier mistake, or nothing in particular."""
        rng = self.rng
        if self.mistakes and rng.random() < MISTAKE_SHARE:
            scene, box = self.mistakes[rng.integers(len(self.mistakes))]
            return scene, box_corners(list(box))
        found = self.by_source[self.sources[int(rng.choice(len(self.sources), p=self.shares))]]
        scene = found[rng.integers(len(found))]
        if not scene.plates or rng.random() > PLATE_SHARE:
            return scene, None
        return scene, scene.plates[rng.integers(len(scene.plates))].corners

    def _swap(self, canvas: NDArray[np.uint8], plate: Target) -> Target:
        """Cover a real plate by a drawn one and return its exact corners; a few real ones stay."""
        rng = self.rng
        wide, high = np.ptp(plate.corners, axis=0)
        if wide < 10 or high < 3 or rng.random() < 0.15:
            return plate
        grown = plate.corners.mean(axis=0) + (plate.corners - plate.corners.mean(axis=0)) * rng.uniform(1.02, 1.18)
        slope = rng.normal(0, 0.05) * wide  # as seen from the side: a shear that a real plate's box allows
        corners = (
            grown
            + rng.normal(0, 0.025, (4, 2)) * high
            + np.array([[0, -slope], [0, slope], [0, slope], [0, -slope]]) / 2
        )
        choice = [self.plates[i] for i in rng.integers(len(self.plates), size=5)]
        near = min(choice, key=lambda p: abs(math.log(p.shape[1] / p.shape[0] / (wide / high))))
        lay(rng, canvas, near, corners.astype(np.float32))
        return Target(corners.astype(np.float32), exact=True)

    def _set_plates(self, canvas: NDArray[np.uint8], plates: list[Target], ignore: NDArray[np.float32]) -> None:
        """Set drawn plates where none is: on a panel of its own, as if on a bumper."""
        rng = self.rng
        height, width = canvas.shape
        wanted = int(rng.integers(1, 3)) if rng.random() < (0.8 if not plates else 0.15) else 0
        for _ in range(wanted):
            plate = self.plates[rng.integers(len(self.plates))]
            wide = log_uniform(rng, 13, 0.6 * width)
            high = wide * plate.shape[0] / plate.shape[1] * rng.uniform(0.85, 1.15)
            angle, lean = rng.normal(0, 0.10), rng.normal(0, 0.15)
            flat = np.array([[-wide, -high], [wide, -high], [wide, high], [-wide, high]]) / 2
            flat = flat @ np.array([[1, lean], [rng.normal(0, 0.08), 1]]) * (1 - abs(lean) / 2)
            axis = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
            spot = np.array([rng.uniform(0.05, 0.95) * width, rng.uniform(0.05, 0.95) * height])
            corners = np.asarray(flat @ axis + spot + rng.normal(0, 0.03, (4, 2)) * high, np.float32)
            if overlaps(corners, plates, ignore):
                continue
            lay_panel(rng, canvas, corners, plates, ignore)
            lay(rng, canvas, plate, corners)
            plates.append(Target(corners, exact=True))

    def _set_lookalikes(self, canvas: NDArray[np.uint8], plates: list[Target], ignore: NDArray[np.float32]) -> None:
        """Paste things that are no plates, clear of those that are."""
        rng = self.rng
        if rng.random() > 0.45:
            return
        for _ in range(int(rng.integers(1, 4))):
            sticker = self.lookalikes[rng.integers(len(self.lookalikes))]
            corners = place_lookalike(rng, sticker, canvas.shape[1], canvas.shape[0])
            if overlaps(corners, plates, ignore):
                continue
            fade = rng.uniform(0.5, 1.0)
            paste(canvas, Sticker(sticker.luma, (sticker.alpha * fade).astype(np.uint8)), corners)
