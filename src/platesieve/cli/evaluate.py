"""`platesieve evaluate`: how good this device reads, on pictures or a clip whose plates are known."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from platesieve.cli.options import ConfigOption, JsonOption, settings_from
from platesieve.cli.speech import console, print_json
from platesieve.domain.errors import InputError
from platesieve.domain.plate import PlateText

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from platesieve.evaluation.clip import ClipScores
    from platesieve.evaluation.pictures import PictureScores
    from platesieve.settings import Settings

LABELS_NAME = "labels.jsonl"


def evaluate(
    inputs: Annotated[
        list[Path],
        typer.Argument(metavar="LABELS.jsonl... | CLIP", help="Labels files (or their folders), or one clip."),
    ],
    config: ConfigOption = None,
    expect: Annotated[str | None, typer.Option(help="PLATE[,PLATE...] that the clip shows.")] = None,
    boxes: Annotated[bool, typer.Option("--boxes", help="Also read the labelled boxes, without the detector.")] = False,
    peer: Annotated[
        Path | None,
        typer.Option(help="ONNX file of a peer (fast-plate-ocr, fixed slots) to read the same boxes."),
    ] = None,
    sweep: Annotated[
        bool, typer.Option("--sweep", help="Also read the labelled boxes made narrower, blurred and turned away.")
    ] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="Use the first so many pictures of each set.")] = None,
    width: Annotated[int | None, typer.Option(help="Width of the detector's input, a multiple of 32.")] = None,
    height: Annotated[int | None, typer.Option(help="Height of the detector's input, a multiple of 32.")] = None,
    tiles: Annotated[
        str | None, typer.Option(metavar="COLUMNSxROWS", help="Also search overlapping tiles, such as 2x2, of each.")
    ] = None,
    diagram: Annotated[
        Path | None, typer.Option(help="Draw a reliability diagram (SVG) of the first set to this file.")
    ] = None,
    reveal: Annotated[bool, typer.Option("--reveal", help="Also list the plates that were not read right.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Count what is found and read right: only counts are shown, each with its 95 % interval.

    A plate counts when its whole text is right. "strict" compares letter by letter, "folded" takes O as 0 and I as 1,
    "folded, corrected" compares with `text_corrected` where a label has it. End to end is the most confident read of
    the whole picture. A clip goes through the product's own gate, detector, reader and tracker, compared folded.

    Examples:

      platesieve evaluate street/labels.jsonl --boxes

      platesieve evaluate eu/labels.jsonl us/labels.jsonl --json --width 640 --height 384

      platesieve evaluate far/labels.jsonl --tiles 2x2 --diagram reliability.svg

      platesieve evaluate street/labels.jsonl --boxes --sweep

      platesieve evaluate clip.mp4 --expect AB12CDE,XY34ZZZ
    """
    changes = {
        "vision.detector_width_px": width, "vision.detector_height_px": height, "vision.detector_tiles": tiles,
    }  # fmt: skip
    settings = settings_from(config, changes, None)
    if expect is not None or any(_is_clip(path) for path in inputs):
        _evaluate_clip(inputs, expect, settings, reveal=reveal, as_json=as_json)
    else:
        answers = _evaluate_sets(inputs, settings, boxes=boxes, peer=peer, sweep=sweep, limit=limit, reveal=reveal)
        if diagram is not None:
            _draw(diagram, answers[0])
        if as_json:
            print_json(answers if len(answers) > 1 else answers[0])
            return
        for answer in answers:
            _print_set(answer)


def _evaluate_sets(
    inputs: list[Path],
    settings: Settings,
    *,
    boxes: bool,
    peer: Path | None,
    sweep: bool,
    limit: int | None,
    reveal: bool,
) -> list[dict[str, Any]]:
    from platesieve.adapters.cameras.labelled_pictures import load_picture, read_labels
    from platesieve.adapters.networks.onnx_models import OnnxPlateFinder, OnnxPlateReader
    from platesieve.adapters.networks.peer_reader import PeerReader
    from platesieve.evaluation.pictures import evaluate_pictures
    from platesieve.flow.search import Search
    from platesieve.flow.several_looks import SeveralLooks

    files = [path / LABELS_NAME if path.is_dir() else path for path in inputs]
    sets = [(file, read_labels(file)[:limit]) for file in files]  # all labels are checked before the first picture
    finder = Search(OnnxPlateFinder(settings.vision), replace(settings.vision, snapshots=True))
    reader = SeveralLooks(OnnxPlateReader(settings.vision))
    other = PeerReader(peer, settings.vision.threads) if peer else None
    answers: list[dict[str, Any]] = []
    for file, pictures in sets:
        load = partial(load_picture, file.parent)
        with _progress(_set_name(file), len(pictures)) as advance:
            scores = evaluate_pictures(
                pictures, load, finder, reader, boxes=boxes, peer=other, sweep=sweep, progress=advance
            )
        answers.append(scores.as_json(_set_name(file)) | (_failures(scores) if reveal else {}))
    return answers


def _draw(path: Path, answer: dict[str, Any]) -> None:
    """Write the reliability diagram of one set."""
    from platesieve.evaluation.diagram import reliability_svg

    calibration = answer["calibration"]
    title = f"{answer['set']}: most confident read of {answer['n']} pictures"
    try:
        path.write_text(reliability_svg(title, calibration["reliability"], calibration["error"]), encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}", "give --diagram another path") from error


def _evaluate_clip(inputs: list[Path], expect: str | None, settings: Settings, *, reveal: bool, as_json: bool) -> None:
    if len(inputs) != 1 or expect is None:
        raise InputError(
            "a clip is evaluated alone, with the plates that it shows",
            "write `platesieve evaluate CLIP --expect PLATE,PLATE`",
        )
    from platesieve.adapters.cameras.video import VideoCamera
    from platesieve.adapters.local.system_clock import SystemClock
    from platesieve.bootstrap.sight import build_sight
    from platesieve.evaluation.clip import evaluate_clip
    from platesieve.evaluation.single_frames import SingleFrames

    if not expect.strip(", "):
        raise InputError("--expect names no plate", "write --expect PLATE,PLATE")
    expected = [PlateText.from_written(part) for part in expect.split(",") if part.strip()]
    camera = VideoCamera(inputs[0], SystemClock(), pace="fast")
    try:
        sight = build_sight(settings)
        singles = SingleFrames(sight.reader)
        sight.reader = singles
        with _progress("clip", None) as advance:
            scores = evaluate_clip(camera, sight, expected, advance, singles.reads)
    finally:
        camera.close()
    answer = scores.as_json() | (_wrong(scores) if reveal else {})
    if as_json:
        print_json(answer)
        return
    from rich.table import Table

    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for name, value in answer.items():
        if name == "single_frames":
            for kind, count in value.items():
                table.add_row(f"single frames: {kind.replace('_', ' ')}", str(count))
        else:
            table.add_row(name.replace("_", " "), str(value))
    console().print(table)


def _is_clip(path: Path) -> bool:
    from platesieve.adapters.cameras.video import is_clip

    try:
        with path.open("rb") as file:
            return is_clip(file.read(512))
    except OSError:
        return False  # whoever opens it next says what is wrong with it


def _set_name(file: Path) -> str:
    return file.resolve().parent.name if file.name == LABELS_NAME else file.stem


def _failures(scores: PictureScores) -> dict[str, Any]:
    """Return what --reveal adds: the person at the keyboard has the labels already."""
    return {
        "failures": [
            {
                "picture": failure.number,
                "labels": [text.reveal() for text in failure.labels],
                "read": failure.read.reveal() if failure.read else None,
            }
            for failure in scores.failures
        ]
    }


def _wrong(scores: ClipScores) -> dict[str, Any]:
    return {"wrong_texts": [text.reveal() for text in scores.wrong_texts]}


@contextmanager
def _progress(name: str, total: int | None) -> Iterator[Callable[[], None]]:
    """Show a bar on stderr, where a person watches it; give the function that moves it on."""
    from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    out = console(stderr=True)
    columns = (TextColumn(name), *Progress.get_default_columns()[1:2], MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=out, transient=True, disable=not out.is_terminal) as bar:
        task = bar.add_task(name, total=total)
        yield lambda: bar.advance(task)


_SWEEPS = {
    "width_px": ("width, px", "{}"),
    "blur_percent": ("motion streak", "{} % of width"),
    "angle_deg": ("seen from", "{}°"),
}
_BAR_CELLS = 24


def _print_sweeps(sweeps: dict[str, Any]) -> None:
    """Show how far the reader carries: a bar for each strength of each fault."""
    from rich.table import Table

    for name, rows in sweeps.items():
        title, unit = _SWEEPS[name]
        table = Table(box=None)
        for heading in (title, "read right", "", "95 % interval", "n"):
            table.add_column(heading, no_wrap=True, min_width=13 if heading == title else None)
        for row in rows:
            bar = "█" * round(row["value"] * _BAR_CELLS)
            interval = f"{row['low']:.3f} to {row['high']:.3f}"
            table.add_row(unit.format(row["at"]), f"{row['value']:.3f}", bar, interval, str(row["n"]))
        console().print()
        console().print(table)


def _print_set(answer: dict[str, Any]) -> None:
    from rich.table import Table

    table = Table("", "value", "95 % interval", "n", title=f"{answer['set']}: {answer['n']} pictures", box=None)
    table.title_justify = "left"
    for group in ("detection", "end_to_end", "reader", "peer"):
        for name, value in answer.get(group, {}).items():
            label = f"{group.replace('_', ' ')}: {name.replace('_', ' ')}"
            low, high = answer["interval95"][group][name]
            interval = "-" if value is None else f"{low:.3f} to {high:.3f}"
            table.add_row(label, "-" if value is None else f"{value:.3f}", interval, str(answer["of"][group][name]))
    if answer["calibration"]["error"] is not None:
        table.add_row("expected calibration error", f"{answer['calibration']['error']:.3f}", "", "")
    for stage, times in answer["ms"].items():
        if times["p50"] is not None:
            table.add_row(f"{stage}: median ms", f"{times['p50']:.1f}", f"95 % under {times['p95']:.1f}", "")
    console().print(table)
    if "sweeps" in answer:
        _print_sweeps(answer["sweeps"])
    for failure in answer.get("failures", ()):
        labels = " or ".join(failure["labels"])
        console().print(f"picture {failure['picture']}: {labels} was read as {failure['read'] or 'nothing'}")
