"""Labelled pictures: is the plate found, is it read, and how long does it take.

The protocol: each picture is a snapshot (`vision.snapshots`), and a plate is found when the device would count it, so
a faint detection has to be legible. A text counts when the whole of it is right. End to end means the picture goes in
and the most confident read comes out; it is right when it is the text of any labelled plate of that picture.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from platesieve.domain.errors import InputError
from platesieve.domain.geometry import Box, Detection
from platesieve.evaluation.confidence import Answer, calibration_error, precision_of_most_confident, reliability
from platesieve.evaluation.metrics import fold, match, per_unit, percentile, share, told
from platesieve.evaluation.sweep import Sweeps
from platesieve.flow.search import is_plate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from platesieve.domain.geometry import Corners
    from platesieve.domain.plate import PlateRead, PlateText
    from platesieve.evaluation.labels import LabelledPicture, LabelledPlate
    from platesieve.evaluation.metrics import Rate
    from platesieve.ports import PlateFinder, PlateReader
    from platesieve.vision.frame import Frame

_MS_PER_S = 1000


@dataclass(slots=True)
class Texts:
    """How many texts were right, in three ways of comparing; only counts are kept."""

    n: int = 0
    strict: int = 0
    folded: int = 0
    corrected: int = 0

    def add(self, read: PlateText | None, plates: Sequence[LabelledPlate]) -> None:
        """Count one answer, which is right when it is the text of any of the plates."""
        self.n += 1
        if read is None:
            return
        answer = read.reveal()
        labels = [plate.text.reveal() for plate in plates if plate.text]
        self.strict += answer in labels
        self.folded += fold(answer) in map(fold, labels)
        self.corrected += fold(answer) in truths(plates)

    def rates(self) -> dict[str, Rate]:
        """Return the three shares."""
        counts = {"strict": self.strict, "folded": self.folded, "folded_corrected": self.corrected}
        return {name: share(count, self.n) for name, count in counts.items()}


@dataclass(frozen=True, slots=True)
class Failure:
    """A picture whose most confident read is not its plate; the texts hide themselves until they are revealed."""

    number: int
    labels: tuple[PlateText, ...]
    read: PlateText | None


@dataclass(slots=True)
class PictureScores:
    """Counts and times of one set, and the pictures that were not read right."""

    pictures: int = 0
    plates: int = 0
    hits: int = 0
    false: int = 0
    plate_free: int = 0
    false_of_plate_free: int = 0
    end_to_end: Texts = field(default_factory=Texts)
    any_folded: int = 0
    reader: Texts | None = None
    peer: Texts | None = None
    answers: list[Answer] = field(default_factory=list)
    detect_ms: list[float] = field(default_factory=list)
    read_ms: list[float] = field(default_factory=list)
    peer_ms: list[float] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    sweeps: Sweeps | None = None

    def as_json(self, name: str) -> dict[str, Any]:
        """Return the scores of the set `name`: every rate, and under `interval95` and `of` how sure it is."""
        rates = {
            "detection": {
                "recall_iou50": share(self.hits, self.plates),
                "false_plates_per_image": per_unit(self.false, self.pictures),
            },
            "end_to_end": {
                **self.end_to_end.rates(),
                "any_folded": share(self.any_folded, self.end_to_end.n),
                "precision_of_most_confident_90": precision_of_most_confident(self.answers, 0.9),
            },
        }
        if self.plate_free:
            rates["detection"]["false_plates_per_1000_plate_free"] = per_unit(
                self.false_of_plate_free, self.plate_free, 1000
            )
        times = {"detect": _times(self.detect_ms), "read": _times(self.read_ms)}
        if self.reader is not None:
            rates["reader"] = self.reader.rates()
        if self.peer is not None:
            rates["peer"], times["peer"] = self.peer.rates(), _times(self.peer_ms)
        error = calibration_error(self.answers)
        calibration = {
            "error": None if error is None else round(error, 4),
            "reliability": reliability(self.answers),
        }
        answer = {"set": name, "n": self.pictures, **told(rates), "calibration": calibration, "ms": times}
        return answer | ({} if self.sweeps is None else {"sweeps": self.sweeps.as_json()})


def evaluate_pictures(
    pictures: Sequence[LabelledPicture],
    load: Callable[[int, LabelledPicture], Frame],
    finder: PlateFinder,
    reader: PlateReader,
    *,
    boxes: bool = False,
    peer: PlateReader | None = None,
    sweep: bool = False,
    progress: Callable[[], object] = lambda: None,
) -> PictureScores:
    """Run finder and reader on pictures and count.

    Args:
        pictures: with their labels.
        load: returns the pixels of one, given its number (from 1) and its labels.
        finder: finds plates.
        reader: reads them.
        boxes: also let the reader read the labelled plates, so that its own share of the faults is seen.
        peer: another reader that reads the labelled plates too, for comparison.
        sweep: also let the reader read the labelled plates made narrower, blurred and turned away.
        progress: called after each picture.

    Raises:
        InputError: a picture cannot be used, or not one plate was found in any of them.
    """
    scores = PictureScores(reader=Texts() if boxes or peer else None, peer=Texts() if peer else None)
    scores.sweeps = Sweeps.empty() if sweep else None
    found = 0
    for number, picture in enumerate(pictures, 1):
        frame = load(number, picture)
        plates, ignored = scaled(picture, frame)
        found += _judge(scores, number, frame, plates, ignored, finder, reader)
        for texts, reads, times in ((scores.reader, reader, scores.read_ms), (scores.peer, peer, scores.peer_ms)):
            if texts is not None and reads is not None:
                _read_boxes(texts, times, frame, plates, reads)
        if scores.sweeps is not None:
            scores.sweeps.add(frame, plates, reader, is_right)
        progress()
    if scores.plates and not found:
        raise InputError(
            f"the detector found no plate in any of {len(pictures)} pictures",
            "check that these are whole scenes, not crops of plates, and that --width and --height suit them",
        )
    return scores


def _read_boxes(
    texts: Texts, times_ms: list[float], frame: Frame, plates: Sequence[LabelledPlate], reader: PlateReader
) -> None:
    """Let a reader read the labelled plates themselves."""
    for plate in plates:
        if plate.text:
            read = _timed(times_ms, frame, Detection(plate.corners, 1.0), reader)
            texts.add(read.text if read else None, [plate])


def _judge(
    scores: PictureScores,
    number: int,
    frame: Frame,
    plates: Sequence[LabelledPlate],
    ignored: Sequence[Box],
    finder: PlateFinder,
    reader: PlateReader,
) -> int:
    """Count one picture end to end; return how many plates were found in it."""
    began = time.perf_counter()
    candidates = finder.find(frame)
    scores.detect_ms.append((time.perf_counter() - began) * _MS_PER_S)
    looked_at = [(each, _timed(scores.read_ms, frame, each, reader)) for each in candidates]
    detections = [detection for detection, read in looked_at if is_plate(detection, read)]
    matched = match(detections, [plate.box for plate in plates], ignored)
    scores.pictures += 1
    scores.plates, scores.hits = scores.plates + matched.plates, scores.hits + matched.hits
    scores.false += matched.false
    if not plates and not ignored:
        scores.plate_free += 1
        scores.false_of_plate_free += matched.false
    reads = [read for _, read in looked_at if read is not None]
    if any(plate.text for plate in plates):
        best = max(reads, key=lambda read: read.confidence * read.detection.score, default=None)
        right_before = scores.end_to_end.corrected
        scores.end_to_end.add(best.text if best else None, plates)
        scores.any_folded += any(fold(read.text.reveal()) in truths(plates) for read in reads)
        right = scores.end_to_end.corrected > right_before
        if best is not None:
            scores.answers.append(Answer(best.confidence, right))
        if not right:
            labels = tuple(plate.truth for plate in plates if plate.truth)
            scores.failures.append(Failure(number, labels, best.text if best else None))
    return len(detections)


def is_right(read: PlateRead | None, plate: LabelledPlate) -> bool:
    """Say whether a read is the plate's text: folded, corrected where the label is wrong."""
    return read is not None and fold(read.text.reveal()) in truths([plate])


def truths(plates: Sequence[LabelledPlate]) -> set[str]:
    """Return the folded texts that count as right, corrected ones before those as labelled."""
    return {fold(plate.truth.reveal()) for plate in plates if plate.truth}


def scaled(picture: LabelledPicture, frame: Frame) -> tuple[list[LabelledPlate], list[Box]]:
    """Return plates and ignored regions in pixels of the frame, should it have another size than was labelled."""
    across, down = frame.width / picture.width, frame.height / picture.height
    if (across, down) == (1, 1):
        return list(picture.plates), list(picture.ignored)
    plates = [
        type(plate)(
            _scaled_box(plate.box, across, down), _scaled(plate.corners, across, down), plate.text, plate.corrected
        )
        for plate in picture.plates
    ]
    return plates, [_scaled_box(box, across, down) for box in picture.ignored]


def _scaled_box(box: Box, across: float, down: float) -> Box:
    return Box(box.x * across, box.y * down, box.width * across, box.height * down)


def _scaled(corners: Corners, across: float, down: float) -> Corners:
    first, second, third, fourth = ((x * across, y * down) for x, y in corners)
    return first, second, third, fourth


def _timed(times_ms: list[float], frame: Frame, detection: Detection, reader: PlateReader) -> PlateRead | None:
    began = time.perf_counter()
    read = reader.read(frame, detection)
    times_ms.append((time.perf_counter() - began) * _MS_PER_S)
    return read


def _times(values: Sequence[float]) -> dict[str, float | None]:
    rounded = {f"p{percent}": percentile(values, percent) for percent in (50, 95)}
    return {name: None if value is None else round(value, 2) for name, value in rounded.items()}
