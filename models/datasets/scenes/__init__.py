"""Real scenes with labelled plates, and training crops composed from them and from drawn plates.

A crop is a stretch of a real scene (or a drawn ground), in which some real plates are covered by drawn ones (corners
then exact, context real), further drawn plates may be set, and lookalikes are pasted without a label.
"""

from models.datasets.scenes.boxes import SMALLEST_PLATE_PX, box_corners, split_by_edge, upright
from models.datasets.scenes.composing import Composer
from models.datasets.scenes.reading import SOURCE_SHARES, load_scenes, read_scene
from models.datasets.scenes.types import Drawn, Mistake, Sample, Scene, Target

__all__ = [
    "SMALLEST_PLATE_PX",
    "SOURCE_SHARES",
    "Composer",
    "Drawn",
    "Mistake",
    "Sample",
    "Scene",
    "Target",
    "box_corners",
    "load_scenes",
    "read_scene",
    "split_by_edge",
    "upright",
]
