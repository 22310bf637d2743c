"""What the vote makes of clips whose plates are known, and what their best single frames would have said.

The drawn clip of the demo brings its texts. What a filmed clip shows is personal data and stands in no file of the
repository: it comes from the command line, or from `expected.toml` beside the clips (`"a.mp4" = ["TEXT", ...]`).
"""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.datasets.labels import data_folder
from platesieve.adapters.cameras.video import VideoCamera
from platesieve.adapters.local.system_clock import SystemClock
from platesieve.bootstrap.sight import build_sight
from platesieve.domain.plate import PlateText
from platesieve.evaluation.clip import evaluate_clip
from platesieve.evaluation.single_frames import SingleFrames

if TYPE_CHECKING:
    from collections.abc import Sequence

    from platesieve.settings import Settings

DEMO = Path(__file__).parents[2] / "src" / "platesieve" / "demo_data"
HOW = "give --clip PATH --expect TEXT,TEXT, or name them in expected.toml beside it"

Expected = dict[Path, list[str]]


def clips_folder() -> Path:
    """Return where the filmed clips are; it may not exist."""
    return data_folder() / "eval" / "clips"


def drawn_clip() -> Expected:
    """Return the demo's clip, whose plates are drawn."""
    return {DEMO / "street.mp4": [v["text"] for v in tomllib.loads((DEMO / "street.toml").read_text())["vehicle"]]}


def expected_clips(given: Sequence[Path], texts: Sequence[str], folder: Path) -> Expected:
    """Return the clips to watch and the plates that each shows.

    Args:
        given: clips of the command line.
        texts: for each of them its plates, with commas between.
        folder: of filmed clips; those without texts are skipped and said so.

    Raises:
        SystemExit: there is not one list of texts for each clip, or a clip that was given is not there.
    """
    if len(given) != len(texts):
        raise SystemExit(f"{len(given)} --clip and {len(texts)} --expect: give one --expect for each --clip")
    if missing := [path.name for path in given if not path.is_file()]:
        raise SystemExit(f"no such clip: {', '.join(missing)}")
    found = drawn_clip()
    file = folder / "expected.toml"
    named = tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    known = {path.resolve(): text.split(",") for path, text in zip(given, texts, strict=True)}
    for path in sorted(folder.glob("*.mp4")):
        if path.resolve() in known:
            continue
        if path.name in named:
            found[path] = named[path.name]
        else:
            print(f"skipped {path.name}: nobody said what it shows; {HOW}")
    return found | known


def measure(settings: Settings, expected: Expected) -> dict[str, Any]:
    """Return the counts of each clip by its name; no text of it is kept."""
    rows: dict[str, Any] = {}
    for path, texts in expected.items():
        sight, camera = build_sight(settings), VideoCamera(path, SystemClock(), pace="fast")
        singles = SingleFrames(sight.reader)
        sight.reader = singles
        try:
            scores = evaluate_clip(camera, sight, [PlateText(t) for t in texts], reads=singles.reads)
        finally:
            camera.close()
        rows[path.stem] = replace(scores, wrong_texts=()).as_json()
        print(path.stem, rows[path.stem], flush=True)
    return rows
