"""Batches for the reader: drawn plates, real crops and pictures without a plate, spoiled like a camera would.

Low-priority processes make them; the training only takes them from a queue.
"""

from __future__ import annotations

import multiprocessing as mp
import os
from dataclasses import dataclass
from pathlib import Path
from queue import Full
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from models.datasets.crops import Crop, blanks, load_crops, plate_free_pieces
from models.datasets.degrade import spoil
from models.datasets.formats import region_weights
from models.datasets.labels import CATALOGUE
from models.datasets.photographs import Photograph, noisy_crop, photograph, tilted
from models.datasets.plates import draw_lettering, draw_plate
from models.reader.regions import UNTAUGHT, class_of_drawing, class_of_set
from platesieve.vision.rectify import HEIGHT_PX, WIDTH_PX, rectify

if TYPE_CHECKING:
    from multiprocessing.queues import Queue

    from numpy.typing import NDArray

Sample = tuple["NDArray[np.uint8]", str, int, int]
"""Crop, text, rows of text (1, 2, or 0 where nobody knows), and class of the region (or UNTAUGHT)."""
TILTED = 0.3  # of the real crops; the device meets its own detector's corners, evaluation the plate's upright box
BLANKS = 0.15  # of the pictures of nothing are blank plates and signs, where there are any
_SURELY_ONE_ROW = 3.0  # width through height of a box; narrower ones may hold two


def chosen_crops(config: dict[str, Any]) -> dict[str, Any]:
    """Return which training crops a recipe takes, as arguments of load_crops and count_crops."""
    real = config["real"]
    dropped = frozenset(Path(real["dropped"]).read_text().split()) if real["dropped"] else frozenset()
    return {"min_char_prob": real["min_char_prob"], "dropped": dropped}


@dataclass(slots=True)
class Sources:
    """What samples are made from: training crops by set with their weights, plate-free pieces, and blank plates."""

    crops: dict[str, list[Crop]]
    weights: NDArray[np.float64]
    pieces: list[NDArray[np.uint8]]
    blanks: list[Crop]

    @classmethod
    def load(cls, config: dict[str, Any], rng: np.random.Generator) -> Sources:
        """Read everything into memory (about 200 MB); an absent data folder leaves only drawn plates."""
        real = config["real"]
        crops = load_crops(validation=False, **chosen_crops(config))
        weights = np.asarray([real["weights"][k] for k in crops], float)
        return cls(crops, weights / weights.sum() if len(weights) else weights, plate_free_pieces(rng), blanks())

    def piece(self, rng: np.random.Generator) -> NDArray[np.uint8] | None:
        """Return a random piece of a scene without a plate."""
        return self.pieces[int(rng.integers(len(self.pieces)))] if self.pieces else None

    def crop(self, rng: np.random.Generator) -> Crop:
        """Return a random real crop: first the set by weight, then evenly inside it."""
        group = list(self.crops.values())[int(rng.choice(len(self.weights), p=self.weights))]
        return group[int(rng.integers(len(group)))]


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Crops (n, 48, 160) uint8, their texts, rows (n) and classes of the region (n)."""

    crops: NDArray[np.uint8]
    texts: list[str]
    rows: NDArray[np.int64]
    regions: NDArray[np.int64]


def drawn_samples(rng: np.random.Generator, sources: Sources, views: int, *, even: bool = False) -> list[Sample]:
    """Draw one plate and photograph it `views` times; `even`: of each class of the region head as often."""
    plate = draw_plate(rng, _table_of_any_class(rng) if even else None)
    region = class_of_drawing(plate.region)
    return [(_photographed(rng, plate.luma, sources), plate.text, plate.rows, region) for _ in range(views)]


def _table_of_any_class(rng: np.random.Generator) -> str:
    """Return a table of formats.toml: each class of the region head as often, its tables by their weights."""
    of_class: dict[int, dict[str, float]] = {}
    for name, weight in region_weights().items():
        of_class.setdefault(class_of_drawing(name), {})[name] = weight
    tables = of_class[int(rng.choice(sorted(of_class)))]
    share = np.asarray(list(tables.values()))
    return str(rng.choice(list(tables), p=share / share.sum()))


def real_samples(rng: np.random.Generator, sources: Sources, views: int) -> list[Sample]:
    """Take one real crop and spoil it `views` times; catalogue pictures are photographed like drawn plates."""
    crop = sources.crop(rng)
    rows = 1 if crop.source == CATALOGUE or crop.box[2] > _SURELY_ONE_ROW * crop.box[3] else 0
    region = class_of_set(crop.source)
    out: list[Sample] = []
    for _ in range(views):
        flat = crop.source == CATALOGUE and rng.random() < 0.85
        picture = _photographed(rng, crop.luma, sources) if flat else _respoiled(rng, crop)
        out.append((picture, crop.text, rows, region))
    return out


def empty_sample(rng: np.random.Generator, sources: Sources) -> Sample:
    """Make a picture that holds no plate."""
    if sources.blanks and rng.random() < BLANKS:
        return _respoiled(rng, sources.blanks[int(rng.integers(len(sources.blanks)))]), "", 0, UNTAUGHT
    piece = sources.piece(rng)
    if piece is None or rng.random() < 0.4:
        return _photographed(rng, draw_lettering(rng).luma, sources), "", 1, UNTAUGHT
    height, width = piece.shape
    corners = ((0.0, 0.0), (float(width), 0.0), (float(width), float(height)), (0.0, float(height)))
    return rectify(spoil(rng, piece, 0.5) if rng.random() < 0.5 else piece, corners, (0.0, 0.0)), "", 0, UNTAUGHT


def _photographed(rng: np.random.Generator, plate: NDArray[np.uint8], sources: Sources) -> NDArray[np.uint8]:
    picture = photograph(rng, plate, sources.piece(rng))
    spoiled = Photograph(spoil(rng, picture.luma, float(rng.uniform(0.25, 1.0))), picture.quad)
    return noisy_crop(rng, spoiled)


def _respoiled(rng: np.random.Generator, crop: Crop) -> NDArray[np.uint8]:
    x, y, w, h = crop.box
    quad = np.asarray([[x, y], [x + w, y], [x + w, y + h], [x, y + h]], np.float32)
    luma = crop.luma
    if rng.random() < 0.6:
        widest = min(w, 200.0)
        wide = float(np.exp(rng.uniform(np.log(min(40.0, widest)), np.log(widest))))
        scale = wide / w
        stretch = scale * float(rng.uniform(0.9, 1.1))
        size = (max(16, round(luma.shape[1] * scale)), max(8, round(luma.shape[0] * stretch)))
        ratio = np.asarray([size[0] / luma.shape[1], size[1] / luma.shape[0]], np.float32)
        luma, quad = np.asarray(cv2.resize(luma, size, interpolation=cv2.INTER_AREA), np.uint8), quad * ratio
    if rng.random() < 0.5:
        wide, tall = quad[1, 0] - quad[0, 0], quad[3, 1] - quad[0, 1]
        quad = quad + rng.normal(0, 1, (4, 2)).astype(np.float32) * np.float32([0.02 * wide, 0.05 * tall])
    box_share = 0.0
    if rng.random() < TILTED:
        turned = tilted(rng, Photograph(luma, quad))
        luma, quad, box_share = turned.luma, turned.quad, 0.5
    if rng.random() < 0.8:
        luma = spoil(rng, luma, float(rng.uniform(0.1, 0.7)))
    return noisy_crop(rng, Photograph(luma, quad), box_share)


def make_batch(rng: np.random.Generator, sources: Sources, mix: dict[str, Any], size: int) -> Batch:
    """Make one batch: crops (size, 48, 160), uint8, their texts, rows and regions."""
    views = int(mix["views"])
    samples: list[Sample] = []
    none, real = mix["none"], mix["real"] if sources.crops else 0.0
    # Pictures of nothing are made one at a time, the others `views` at a time.
    chance_of_none = none * views / (1 - none + none * views)
    while len(samples) < size:
        if rng.random() < chance_of_none:
            samples.append(empty_sample(rng, sources))
        elif rng.random() < real / (1 - none):
            samples.extend(real_samples(rng, sources, views))
        else:
            samples.extend(drawn_samples(rng, sources, views, even=mix.get("even_regions", False)))
    samples = samples[:size]
    order = rng.permutation(size)
    crops = np.empty((size, HEIGHT_PX, WIDTH_PX), np.uint8)
    for i, k in enumerate(order):
        crops[i] = samples[int(k)][0]
    rows, regions = (np.asarray([samples[int(k)][i] for k in order], np.int64) for i in (2, 3))
    return Batch(crops, [samples[int(k)][1] for k in order], rows, regions)


def _produce(queue: Queue[Any], config: dict[str, Any], seed: int, size: int) -> None:
    os.nice(3)
    cv2.setNumThreads(1)
    rng = np.random.default_rng(seed)
    sources = Sources.load(config, rng)
    queue.cancel_join_thread()  # what the parent did not take is of no use to anybody
    parent = mp.parent_process()
    batch = make_batch(rng, sources, config["mix"], size)
    while parent is not None and parent.is_alive():
        try:
            queue.put(batch, timeout=10)
        except Full:
            continue
        batch = make_batch(rng, sources, config["mix"], size)


def start_producers(config: dict[str, Any], seed: int, count: int = 1) -> tuple[list[mp.Process], Queue[Any]]:
    """Start the processes that make batches, each with a seed of its own; they end when their parent has ended."""
    context = mp.get_context("spawn")
    queue: Queue[Any] = context.Queue(maxsize=max(24, 2 * count))
    size = config["train"]["batch"]
    # Far apart, so that a run that goes on later (its seed grows by the samples seen) repeats nobody's plates.
    seeds = [seed + number * 1_000_000_007 for number in range(count)]
    processes = [context.Process(target=_produce, args=(queue, config, each, size), daemon=True) for each in seeds]
    for process in processes:
        process.start()
    return processes, queue  # type: ignore[return-value]
