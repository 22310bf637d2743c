"""Real scenes with labelled plates, and training crops composed from them and from drawn plates.

A crop is a stretch of a real scene (or a drawn ground), in which some real plates are covered by drawn ones (corners
then exact, context real), further drawn plates may be set, and lookalikes are pasted without a label.
"""

from __future__ import annotations

import functools
import hashlib
import json
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import cv2
import numpy as np

from models.datasets.lookalikes import Sticker, draw_lookalike, find_fonts, place_lookalike

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

SOURCE_SHARES = {
    "openlpr": 0.35,
    "openimages": 0.28,
    "openimages-hd": 0.03,
    "darkplate": 0.11,
    "romanian": 0.08,
    "easypr": 0.07,
    "india": 0.03,
    "kaggle-cars": 0.05,
}
HELD_OUT_SHARE = 0.10
SMALLEST_PLATE_PX = 8.0
VISIBLE_SHARE = 0.75
DUPLICATE_BITS = 6
RENEWAL_SHARE = 0.12
PLATE_SHARE = 0.85
MISTAKE_SHARE = 0.12
GROUND_SHARE = 0.03


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """One plate of a picture: corners (4, 2) in pixels; `exact` is False where only the upright box is known."""

    corners: NDArray[np.float32]
    exact: bool


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """One labelled picture in three sizes (full, half, quarter), so that shrinking it does not alias.

    Attributes:
        levels: luma planes, H x W uint8, each half as wide as the one before.
        plates: labelled plates, pixels of the full picture.
        ignore: regions (n, 4) as x, y, width, height that may hold an unlabelled plate.
        source: folder of the data set; name: its picture.
        held_out: True for the share that chooses thresholds and is never trained on.
    """

    levels: tuple[NDArray[np.uint8], ...]
    plates: tuple[Target, ...]
    ignore: NDArray[np.float32]
    source: str
    name: str
    held_out: bool


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A training crop: luma H x W uint8, its plates, and masked boxes (n, 4) as x, y, width, height."""

    luma: NDArray[np.uint8]
    plates: tuple[Target, ...]
    ignore: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Mistake:
    """A place in a training scene that an earlier model took for a plate: x, y, width, height and its score."""

    source: str
    name: str
    box: tuple[float, float, float, float]
    score: float


class Drawn(Protocol):
    """A drawn plate: luma H x W uint8, seen from the front."""

    @property
    def luma(self) -> NDArray[np.uint8]:
        """Return the picture of the plate."""
        ...


def data_root() -> Path:
    """Return the folder of the image sets: $PLATESIEVE_DATA, else ../shared/data beside the checkout."""
    return Path(os.environ.get("PLATESIEVE_DATA", "../shared/data"))


def box_corners(box: list[float]) -> NDArray[np.float32]:
    """Return the corners of x, y, width, height, clockwise from the top left."""
    x, y, wide, high = box
    return np.array([[x, y], [x + wide, y], [x + wide, y + high], [x, y + high]], np.float32)


def is_held_out(source: str, label: dict[str, Any]) -> bool:
    """Return True for the share kept back: by group or ride where frames follow each other, else by picture."""
    if source == "openlpr":
        return str(label["split"]) == "val"
    if source == "kaggle-cars":  # near-duplicates of openlpr: never held out
        return False
    if source == "romanian":
        return "dayride_type1_003" in label["source"]
    key = str(label.get("group") or label["image"])
    return int(hashlib.sha256(key.encode()).hexdigest()[:8], 16) / 2**32 < HELD_OUT_SHARE


@functools.cache
def unlabelled() -> dict[str, list[list[float]]]:
    """Return plates that the labels miss, found by an earlier model and checked by eye: to be masked."""
    found: dict[str, list[list[float]]] = json.loads(Path(__file__).with_name("unlabelled.json").read_text())
    return found


def read_scene(folder: Path, label: dict[str, Any]) -> Scene:
    """Read one picture with its labels."""
    luma = cv2.imread(str(folder / label["image"]), cv2.IMREAD_GRAYSCALE)
    if luma is None:
        raise FileNotFoundError(folder / label["image"])
    levels = [np.asarray(luma, np.uint8)]
    for _ in range(2):
        high, wide = levels[-1].shape
        half = cv2.resize(levels[-1], (max(wide // 2, 8), max(high // 2, 8)), interpolation=cv2.INTER_AREA)
        levels.append(np.asarray(half, np.uint8))
    plates = tuple(
        Target(np.array(p["corners"], np.float32), exact=True)
        if p["corners"]
        else Target(box_corners(p["box"]), exact=False)
        for p in label["plates"]
    )
    masked = [*label.get("ignore", []), *unlabelled().get(f"{folder.name}/{label['image']}", [])]
    ignore = np.array(masked, np.float32).reshape(-1, 4)
    held = is_held_out(folder.name, label)
    return Scene(tuple(levels), plates, ignore, folder.name, label["image"], held)


def difference_hash(luma: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return 256 bits that near-duplicates share (dHash)."""
    small = cv2.resize(luma, (17, 16), interpolation=cv2.INTER_AREA).astype(np.int16)
    return np.asarray((small[:, 1:] > small[:, :-1]).ravel(), np.bool_)


def drop_leaks(scenes: list[Scene]) -> list[Scene]:
    """Leave out training scenes that are near-duplicates of a held-out one."""
    kept_back = np.array([difference_hash(s.levels[0]) for s in scenes if s.held_out])
    kept = []
    for scene in scenes:
        if not scene.held_out and len(kept_back):
            distance = (kept_back ^ difference_hash(scene.levels[0])).sum(axis=1).min()
            if distance <= DUPLICATE_BITS:
                continue
        kept.append(scene)
    return kept


def load_scenes(limit: int | None = None, *, held_out_only: bool = False) -> list[Scene]:
    """Read the scene sets that are there; say which are skipped. `limit` takes the first of each, for tests."""
    scenes: list[Scene] = []
    for source in SOURCE_SHARES:
        folder = data_root() / "train" / source
        if not (folder / "labels.jsonl").is_file():
            print(f"skipped: {source} is not in {data_root().name}/train")
            continue
        lines = (folder / "labels.jsonl").read_text(encoding="utf-8").splitlines()[:limit]
        labels = [json.loads(line) for line in lines]
        scenes.extend(read_scene(folder, x) for x in labels if not held_out_only or is_held_out(source, x))
    return drop_leaks(scenes)


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """Return a number whose logarithm is uniform."""
    return math.exp(rng.uniform(math.log(low), math.log(max(high, low))))


def paste(canvas: NDArray[np.uint8], sticker: Sticker, corners: NDArray[np.float32], blur: float = 0.0) -> None:
    """Warp a sticker onto four corners of the canvas, in place, without aliasing."""
    low = np.maximum(np.floor(corners.min(axis=0)).astype(int) - 2, 0)
    high = np.minimum(np.ceil(corners.max(axis=0)).astype(int) + 3, canvas.shape[::-1])
    if (high - low).min() < 2:
        return
    wide = float(np.linalg.norm(corners[1] - corners[0]) + np.linalg.norm(corners[2] - corners[3])) / 2
    tall = float(np.linalg.norm(corners[3] - corners[0]) + np.linalg.norm(corners[2] - corners[1])) / 2
    size = (
        max(min(sticker.luma.shape[1], round(wide * 1.2)), 2),
        max(min(sticker.luma.shape[0], round(tall * 1.2)), 2),
    )
    luma = cv2.resize(sticker.luma, size, interpolation=cv2.INTER_AREA)
    alpha = cv2.resize(sticker.alpha, size, interpolation=cv2.INTER_AREA)
    flat = np.array([[0, 0], [size[0], 0], [size[0], size[1]], [0, size[1]]], np.float32) - 0.5
    turn = cv2.getPerspectiveTransform(flat, (corners - low - 0.5).astype(np.float32))
    area = (int(high[0] - low[0]), int(high[1] - low[1]))
    warped = np.asarray(cv2.warpPerspective(luma, turn, area, borderMode=cv2.BORDER_REPLICATE), np.float32)
    cover = np.asarray(cv2.warpPerspective(alpha, turn, area), np.float32) / np.float32(255)
    if blur > 0:
        warped = np.asarray(cv2.GaussianBlur(warped, (0, 0), blur), np.float32)
        cover = np.asarray(cv2.GaussianBlur(cover, (0, 0), blur), np.float32)
    part = canvas[low[1] : high[1], low[0] : high[0]]
    part[:] = (part * (1 - cover) + warped * cover).astype(np.uint8)


def overlaps(corners: NDArray[np.float32], plates: list[Target], ignore: NDArray[np.float32]) -> bool:
    """Return True if the quadrangle's box, grown a little, meets a plate or a masked box."""
    grow = 0.2 * float(np.ptp(corners[:, 0])) + 2
    low, high = corners.min(axis=0) - grow, corners.max(axis=0) + grow
    boxes = [(p.corners.min(axis=0), p.corners.max(axis=0)) for p in plates]
    boxes += [(b[:2], b[:2] + b[2:]) for b in ignore]
    return any(bool((low < far).all() and (near < high).all()) for near, far in boxes)


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
        canvas, nothing = self._ground(width, height), np.zeros((0, 4), np.float32)
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
            return self._ground(width, height), [], np.zeros((0, 4), np.float32)
        scene, anchor = self._pick()
        turn, scale = self._view(scene, anchor, (width, height), plate_px)
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

    def _view(
        self, scene: Scene, anchor: NDArray[np.float32] | None, size: tuple[int, int], plate_px: float
    ) -> tuple[NDArray[np.float64], float]:
        """Return the 3 x 3 map from the full picture to the crop and its scale."""
        rng, (width, height) = self.rng, size
        full_high, full_wide = scene.levels[0].shape
        if anchor is not None:
            centre, scale = anchor.mean(axis=0), plate_px / max(float(np.ptp(anchor[:, 0])), 4.0)
            scale = float(np.clip(scale, 0.75 * width / full_wide, 2.2))
        else:
            centre = np.array([rng.uniform(0.2, 0.8) * full_wide, rng.uniform(0.2, 0.8) * full_high])
            scale = log_uniform(rng, 0.6 * width / full_wide, 1.5)
        spot = np.array([rng.uniform(0.08, 0.92) * width, rng.uniform(0.1, 0.95) * height])
        exact = all(p.exact for p in scene.plates)
        angle = rng.normal(0, 0.10 if exact else 0.035)
        stretch = math.exp(rng.normal(0, 0.10))
        shear = rng.normal(0, 0.08 if exact else 0.02)
        linear = scale * np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        linear = linear @ np.array([[stretch, 0], [shear, 1 / stretch]])
        # Keep the picture over most of the crop: pull the view back in where it would look past the picture's edge.
        shift = spot - linear @ centre
        for axis, (full, length) in enumerate(((full_wide, width), (full_high, height))):
            seen = abs(linear[axis, axis]) * full
            if seen > length and rng.random() < 0.85:
                shift[axis] = float(np.clip(shift[axis], length - seen, 0))
        turn = np.eye(3)
        turn[:2, :2], turn[:2, 2] = linear, shift
        return turn, scale

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
        self._lay(canvas, near, corners.astype(np.float32))
        return Target(corners.astype(np.float32), exact=True)

    def _lay(self, canvas: NDArray[np.uint8], plate: NDArray[np.uint8], corners: NDArray[np.float32]) -> None:
        """Paste a drawn plate with the light of where it goes."""
        rng = self.rng
        low = np.maximum(corners.min(axis=0).astype(int), 0)
        high = np.maximum(corners.max(axis=0).astype(int), low + 1)
        there = canvas[low[1] : high[1], low[0] : high[0]]
        luma = plate.astype(np.float32)
        if there.size and rng.random() < 0.7:  # borrow brightness and contrast of what it covers
            spread = float(there.std()) + 12
            gain = spread / (float(luma.std()) + 12) * rng.uniform(0.7, 1.5)
            luma = (luma - luma.mean()) * gain + float(there.mean()) + rng.normal(0, 20)
        else:
            luma = luma * rng.uniform(0.35, 1.1) + rng.uniform(-10, 40)
        if rng.random() < 0.3:  # a shadow of the boot lid over the upper part
            edge = int(rng.uniform(0.1, 0.7) * luma.shape[0])
            luma[:edge] *= rng.uniform(0.4, 0.85)
        if rng.random() < 0.3:
            luma *= np.linspace(rng.uniform(0.6, 1.3), rng.uniform(0.6, 1.3), luma.shape[1], dtype=np.float32)
        picture = np.clip(luma, 0, 255).astype(np.uint8)
        blur = float(rng.uniform(0.3, 0.9)) if rng.random() < 0.5 else 0.0
        paste(canvas, Sticker(picture, np.full_like(picture, 255)), corners, blur)

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
            self._panel(canvas, corners, plates, ignore)
            self._lay(canvas, plate, corners)
            plates.append(Target(corners, exact=True))

    def _panel(
        self,
        canvas: NDArray[np.uint8],
        corners: NDArray[np.float32],
        plates: list[Target],
        ignore: NDArray[np.float32],
    ) -> None:
        """Draw the recess or bumper that a plate sits in, most of the time."""
        rng = self.rng
        if rng.random() < 0.25:
            return
        centre = corners.mean(axis=0)
        around = (centre + (corners - centre) * np.array([rng.uniform(1.05, 2.2), rng.uniform(1.1, 2.2)])).astype(
            np.float32
        )
        if overlaps(around, plates, ignore):
            return
        shade = np.linspace(rng.integers(0, 256), rng.integers(0, 256), 24, dtype=np.float32)[:, None]
        board = np.clip(shade + rng.normal(0, 4, (24, 64)), 0, 255).astype(np.uint8)
        paste(canvas, Sticker(board, np.full_like(board, int(rng.integers(160, 256)))), around, 0.8)

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

    def _ground(self, width: int, height: int) -> NDArray[np.uint8]:
        """Draw a ground of ramps, bars and blobs."""
        rng = self.rng
        corner = rng.uniform(0, 255, (2, 2)).astype(np.float32)
        ground = np.asarray(cv2.resize(corner, (width, height), interpolation=cv2.INTER_LINEAR), np.float32).copy()
        for _ in range(int(rng.integers(2, 14))):
            at = (int(rng.integers(width)), int(rng.integers(height)))
            to = (int(rng.integers(width)), int(rng.integers(height)))
            shade, kind = float(rng.integers(256)), rng.integers(3)
            if kind == 0:
                cv2.rectangle(ground, at, to, shade, -1 if rng.random() < 0.6 else 2)
            elif kind == 1:
                cv2.line(ground, at, to, shade, int(rng.integers(1, 9)))
            else:
                cv2.circle(ground, at, int(rng.integers(4, 60)), shade, -1)
        return np.clip(ground, 0, 255).astype(np.uint8)


def clip_boxes(boxes: NDArray[np.float32], width: int, height: int) -> NDArray[np.float32]:
    """Return the parts of boxes (n, 4) that lie in the picture; those outside come back empty."""
    limit = np.array([width, height], np.float32)
    low = np.clip(boxes[:, :2], 0, limit)
    return np.concatenate([low, np.clip(boxes[:, :2] + boxes[:, 2:], 0, limit) - low], axis=1)


def split_by_edge(plates: list[Target], width: int, height: int) -> tuple[list[Target], NDArray[np.float32]]:
    """Return the plates that are mostly in the picture, and the visible parts of the others as boxes (n, 4)."""
    boxes = np.array([upright(p.corners) for p in plates], np.float32).reshape(-1, 4)
    inside = clip_boxes(boxes, width, height)
    shown = np.prod(inside[:, 2:], axis=1) / np.maximum(np.prod(boxes[:, 2:], axis=1), 1.0)
    return [p for p, share in zip(plates, shown, strict=True) if share >= VISIBLE_SHARE], inside[shown < VISIBLE_SHARE]


def upright(corners: NDArray[np.float32]) -> list[float]:
    """Return x, y, width, height of the upright box around corners."""
    low, size = corners.min(axis=0), np.ptp(corners, axis=0)
    return [float(low[0]), float(low[1]), float(size[0]), float(size[1])]
