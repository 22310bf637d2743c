"""The detector's training code: shapes, targets, learning one batch by heart, and torch against ONNX."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra `train`")
pytest.importorskip("onnx", reason="needs the extra `train`")

from models.common import curves  # noqa: E402 - after importorskip
from models.common.size import size  # noqa: E402
from models.datasets.scenes import Composer, Sample, Scene, Target, box_corners  # noqa: E402
from models.detector import evaluate, judging, running, train  # noqa: E402
from models.detector.data import Crops, collate, degrade, encode  # noqa: E402
from models.detector.export import TOLERANCE, export, largest_difference  # noqa: E402
from models.detector.net import OFFSET_UNIT_PX, STRIDE_PX, PlateNet  # noqa: E402
from models.detector.train import HERE, read_recipe, step  # noqa: E402
from platesieve.domain.geometry import Box, Detection  # noqa: E402
from platesieve.evaluation.metrics import match  # noqa: E402
from platesieve.vision.decode_corners import decode  # noqa: E402
from platesieve.vision.letterbox import Placement  # noqa: E402

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.training


class Panel:
    """A drawn plate that is a white panel with dark bars."""

    luma = np.tile(np.repeat(np.array([250, 250, 20], np.uint8), 10), (60, 6))


def scene(seed: int) -> Scene:
    """Return a drawn scene of the set easypr with one plate of known corners."""
    rng = np.random.default_rng(seed)
    luma = np.clip(rng.normal(100, 20, (240, 320)), 0, 255).astype(np.uint8)
    luma[100:125, 120:200] = 240
    plates = (Target(box_corners([120, 100, 80, 25]), exact=True),)
    levels = (luma, luma[::2, ::2].copy(), luma[::4, ::4].copy())
    return Scene(levels, plates, np.zeros((0, 4), np.float32), "easypr", f"{seed}", held_out=False)


def composer(seed: int = 5) -> Composer:
    """Return a composer of drawn scenes."""
    return Composer([scene(i) for i in range(4)], lambda _rng: Panel(), seed, pool=8)


def detection(box: list[float], score: float) -> Detection:
    """Return a find of an upright box: x, y, width, height."""
    first, second, third, fourth = ((float(x), float(y)) for x, y in box_corners(box))
    return Detection((first, second, third, fourth), score)


def test_the_network_stays_within_its_budget(tmp_path: Path) -> None:
    """At most 0.3 M parameters and 150 MMAC at 480 x 288, as the device runs it."""
    export(PlateNet(), tmp_path / "detector.onnx")
    whole = size(tmp_path / "detector.onnx", (1, 1, 288, 480))
    assert 0 < whole["parameters"] <= 300_000
    assert 100_000_000 < whole["multiplications"] <= 150_000_000


@pytest.mark.parametrize(("width", "height"), [(320, 192), (480, 288), (640, 384)])
def test_the_heat_map_has_one_cell_for_eight_pixels(width: int, height: int) -> None:
    """Any size in multiples of 32 goes through."""
    with torch.no_grad():
        raw = PlateNet().eval()(torch.zeros(1, 1, height, width))
    assert raw.shape == (1, 9, height // STRIDE_PX, width // STRIDE_PX)


def test_targets_decode_to_the_plates_they_came_from() -> None:
    """What the network is taught is what the device reads back."""
    corners = np.array([[40, 50], [120, 58], [118, 84], [38, 76]], np.float32)
    made = encode(Sample(np.zeros((160, 256), np.uint8), (Target(corners, exact=True),), np.zeros((0, 4), np.float32)))
    (plate,) = decode(made.heat[None], made.offsets[None] * OFFSET_UNIT_PX, Placement(1, 1, 0, 0, 256, 160), 0.5)
    assert np.allclose(plate.corners, corners, atol=1e-3)


def test_masked_regions_weigh_nothing_and_plates_do() -> None:
    """A region that may hold an unlabelled plate teaches neither way, unless a labelled plate lies in it."""
    ignore = np.array([[0, 0, 256, 80]], np.float32)
    plate = Target(box_corners([100, 20, 60, 20]), exact=False)
    made = encode(Sample(np.zeros((160, 256), np.uint8), (plate,), ignore))
    assert made.weight[0, 0].sum() == 0
    assert made.weight[0, 12:].min() == 1
    assert made.weight[0][made.heat[0] == 1] == 1


def test_a_plate_cut_by_the_edge_is_masked_instead_of_taught() -> None:
    """Half a plate is neither a plate nor the absence of one."""
    plate = Target(box_corners([-40, 60, 80, 24]), exact=True)
    made = encode(Sample(np.zeros((160, 256), np.uint8), (plate,), np.zeros((0, 4), np.float32)))
    assert made.heat.max() == 0
    assert made.weight[0, 8, 2] == 0


def test_the_same_seed_draws_the_same_crops() -> None:
    """A run can be repeated."""
    first, second = composer().sample(256, 160), composer().sample(256, 160)
    assert np.array_equal(first.luma, second.luma)
    assert len(first.plates) == len(second.plates)


def test_composed_crops_encode_and_keep_their_size() -> None:
    """Every crop is usable, degraded or not."""
    source = composer(7)
    for _ in range(40):
        sample = source.sample(256, 160)
        assert degrade(source.rng, sample.luma).shape == (160, 256)
        made = encode(sample)
        assert np.isfinite(made.offsets).all()
        assert 0 <= made.heat.min() <= made.heat.max() <= 1


def test_without_photographs_crops_are_drawn() -> None:
    """A checkout without the image sets still trains, on drawn plates alone."""
    source = Composer([], lambda _rng: Panel(), 3, pool=4)
    assert any(source.sample(128, 96).plates for _ in range(10))


def test_a_batch_carries_every_target() -> None:
    """The stream gives normalised luma and the targets side by side."""
    stream = Crops([scene(i) for i in range(4)], lambda _rng: Panel(), seed=3, batch=2, size=(128, 96), pool=8)
    batch = next(iter(stream))
    assert batch["luma"].shape == (2, 1, 96, 128)
    assert batch["offsets"].shape == (2, 8, 12, 16)
    assert {"heat", "weight", "share", "size", "exact"} <= set(batch)


def test_one_batch_is_learnt_by_heart() -> None:
    """Gradients reach both heads: forty steps on one batch bring both losses down."""
    torch.manual_seed(1)
    source = composer(11)
    samples = [source.sample(128, 96) for _ in range(4)]
    batch = collate([(s.luma, encode(s)) for s in samples])
    recipe = read_recipe(HERE / "config.toml")
    net = PlateNet().train()
    optimiser = torch.optim.AdamW(net.parameters(), 4e-3)
    losses = [step(net, optimiser, batch, recipe) for _ in range(60)]
    assert losses[-1][0] < 0.2 * losses[0][0]
    assert losses[-1][1] < 0.4 * losses[0][1]


def test_onnx_answers_as_torch_does(tmp_path: Path) -> None:
    """The exported file gives the same maps within 1e-4, at two sizes."""
    torch.manual_seed(2)
    net = PlateNet().eval()
    export(net, tmp_path / "detector.onnx")
    assert largest_difference(net, tmp_path / "detector.onnx") < TOLERANCE


def test_judging_counts_hits_and_false_plates_once() -> None:
    """A second box on one plate is neither a hit nor false; one in the open is false; one in a masked region is not."""
    plate = Target(box_corners([100, 100, 80, 20]), exact=False)
    ignore = np.array([[0, 0, 50, 50]], np.float32)
    one = Scene((np.zeros((200, 300), np.uint8),), (plate,), ignore, "x", "x", held_out=True)

    def at(x: float, y: float, score: float) -> Detection:
        return detection([x, y, 80, 20], score)

    judged = judging.judge(one, (at(102, 101, 0.9), at(110, 104, 0.8), at(10, 160, 0.7), at(-20, 10, 0.6)))
    assert [f.plate for f in judged.found] == [0, None, None, None]
    assert [f.false for f in judged.found] == [False, False, True, False]
    scores = judging.score([judged], 0.5)
    assert (scores.recall.share, scores.false_per_picture) == (1.0, 1.0)


@pytest.mark.parametrize("seed", range(8))
def test_training_judges_as_the_program_does(seed: int) -> None:
    """Crowded boxes at random: as many hits and false plates as the program's own evaluation counts."""
    rng = np.random.default_rng(seed)

    def boxes(count: int, spread: float) -> np.ndarray:
        corner, side = rng.uniform(0, spread, (count, 2)), rng.uniform(30, 40, (count, 2))
        return np.concatenate([corner, side], axis=1).astype(np.float32)

    plates, ignore = boxes(6, 40), boxes(2, 80)
    scores = np.sort(rng.random(9))[::-1]
    detections = tuple(detection(list(box), float(s)) for box, s in zip(boxes(9, 60), scores, strict=True))
    targets = tuple(Target(box_corners(list(box)), exact=False) for box in plates)
    one = Scene((np.zeros((200, 200), np.uint8),), targets, ignore, "x", "x", held_out=True)
    ours = judging.judge(one, detections)
    theirs = match(detections, [Box(*map(float, b)) for b in plates], [Box(*map(float, b)) for b in ignore])
    assert (sum(f.plate is not None for f in ours.found), sum(f.false for f in ours.found)) == (
        theirs.hits,
        theirs.false,
    )


def test_a_detection_hits_the_nearest_plate_that_is_still_free() -> None:
    """Of two plates side by side, the second detection hits the second, though the first lies nearer."""
    targets = tuple(Target(box_corners([x, 0, 100, 20]), exact=False) for x in (0, 30))
    one = Scene((np.zeros((50, 200), np.uint8),), targets, np.zeros((0, 4), np.float32), "x", "x", held_out=True)
    found = (detection([0, 0, 100, 20], 0.9), detection([10, 0, 100, 20], 0.8))
    assert [f.plate for f in judging.judge(one, found).found] == [0, 1]


def test_the_threshold_is_the_lowest_within_the_budget() -> None:
    """Of a hundred pictures with false plates at 0.31 to 0.50, two may stay: the threshold is just above the third."""
    judged = [judging.Judged(1, (judging.Found(0.3 + i / 100, None, false=True),)) for i in range(1, 21)]
    judged += [judging.Judged(1, (judging.Found(0.9, 0, false=False),)) for _ in range(80)]
    threshold = judging.choose_threshold(judged, 0.02)
    assert judging.score(judged, threshold).false_per_picture == 0.02
    assert judging.score(judged, threshold - 0.02).false_per_picture > 0.02


def test_what_is_too_narrow_to_read_counts_in_neither_direction() -> None:
    """A plate of 10 px at the input is neither missed nor false; one of 30 px is."""

    def scene_with(width: float) -> Scene:
        luma = np.zeros((288, 480), np.uint8)
        plate = Target(box_corners([100, 100, width, width / 4]), exact=False)
        return Scene((luma,), (plate,), np.zeros((0, 4), np.float32), "x", "x", held_out=True)

    def find(_luma: np.ndarray) -> tuple[Detection, ...]:
        return (Detection(((300, 50), (310, 50), (310, 53), (300, 53)), 0.9),)

    (narrow,), (wide,) = (judging.judge_readable(find, [scene_with(w)], 480, 288) for w in (10, 30))
    assert (narrow.plates, narrow.found) == (0, ())
    assert (wide.plates, wide.found) == (1, ())


def test_a_run_that_was_cut_off_goes_on_where_it_was(tmp_path: Path) -> None:
    """The same batches in two parts give the same weights as in one; without the checkpoint they do not."""
    recipe = replace(read_recipe(HERE / "config.toml"), batch=2, warm_up=4)
    source = composer(13)
    samples = [[source.sample(128, 96) for _ in range(2)] for _ in range(4)]
    lessons = [collate([(s.luma, encode(s)) for s in two]) for two in samples]

    def part(folder: str, given: list[dict[str, Any]]) -> tuple[dict[str, Any], int]:
        torch.manual_seed(4)
        run = train.Run(recipe, tmp_path / folder)
        for batch in given:
            run.learn(batch)
        run.save()
        return {k: v.clone() for k, v in run.average.weights.items()}, run.seen

    whole, _ = part("whole", lessons)
    part("parts", lessons[:2])
    resumed, seen = part("parts", lessons[2:])
    fresh, _ = part("fresh", lessons[2:])
    assert seen == 8
    for name in ("corners.weight", "stem.0.1.running_mean"):
        assert torch.allclose(whole[name], resumed[name], atol=1e-6)
        assert not torch.allclose(whole[name], fresh[name], atol=1e-6)


def test_a_resumed_run_sees_new_crops_and_tells_held_out_scores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two parts of four crops leave one checkpoint of eight, no crop seen twice, and a log of both curves."""
    recipe = replace(
        read_recipe(HERE / "config.toml"), batch=2, crop_width_px=128, crop_height_px=96, late_from=8, check_every=2
    )
    made = [replace(scene(i), held_out=i == 0) for i in range(4)]
    streams: list[Crops] = []

    def crops(scenes: list[Scene], draw: Any, **given: Any) -> Crops:
        streams.append(Crops(scenes, draw, pool=6, **given))
        return streams[-1]

    monkeypatch.setattr(train, "load_scenes", lambda: made)
    monkeypatch.setattr(train, "Crops", crops)
    monkeypatch.setattr(train, "STEPS_A_LINE", 2)
    train.train(recipe, tmp_path, 4)
    first = torch.load(tmp_path / "last.pt", weights_only=True)
    train.train(recipe, tmp_path, 8)
    second = torch.load(tmp_path / "last.pt", weights_only=True)
    assert set(second) == {"net", "optimiser", "average", "seen", "before", "sets"}
    assert (first["seen"], second["seen"]) == (4, 8)
    assert second["average"]["steps"] == 2 * first["average"]["steps"]
    before, after, again = (next(iter(stream))["luma"] for stream in (*streams, streams[0]))
    assert torch.equal(before, again)
    assert not torch.equal(before, after)
    lines = (tmp_path / "train.log").read_text().splitlines()
    assert [line.split()[0] for line in lines] == ["held", "4", "held", "held", "8", "held"]
    assert [len(panel.lines) for panel in curves.panels([tmp_path / "train.log"])] == [2, 2]
    train.train(recipe, tmp_path, 8)  # done: nothing is drawn, nothing said
    assert len(streams) == 2
    assert (tmp_path / "train.log").read_text().splitlines() == lines


def test_a_run_goes_on_with_the_photographs_it_was_begun_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise a card would tell of photographs that half of the training never saw."""
    recipe = read_recipe(HERE / "config.toml")
    monkeypatch.setenv("PLATESIEVE_DATA", str(tmp_path))
    train.Run(recipe, tmp_path).save()
    train.Run(recipe, tmp_path)
    (tmp_path / "train" / "easypr").mkdir(parents=True)
    (tmp_path / "train" / "easypr" / "labels.jsonl").touch()
    with pytest.raises(SystemExit, match="taught on other photographs"):
        train.Run(recipe, tmp_path)


def test_running_scores_are_those_of_the_exported_file(tmp_path: Path) -> None:
    """What the curves show is what the released file would score on these scenes; weights that know nothing score 0."""
    torch.manual_seed(5)
    net, recipe = PlateNet(), read_recipe(HERE / "config.toml")
    scenes = [replace(s, levels=(s.levels[0][: running.HEIGHT],)) for s in (scene(1), scene(2))]
    batch = collate([(s.levels[0], encode(Sample(s.levels[0], s.plates, s.ignore))) for s in scenes])
    untaught = {k: v.clone() for k, v in net.state_dict().items()}
    optimiser = torch.optim.AdamW(net.parameters(), 4e-3)
    for _ in range(60):
        step(net.train(), optimiser, batch, recipe)
    export(net.eval(), tmp_path / "detector.onnx")
    find = evaluate.finder(tmp_path / "detector.onnx", running.WIDTH, running.HEIGHT)
    judged = judging.judge_readable(find, scenes, running.WIDTH, running.HEIGHT)
    told = running.check(net.state_dict(), scenes)
    assert told.found == judging.score(judged, running.THRESHOLD).recall
    assert told.average_precision == pytest.approx(judging.average_precision(judged), abs=1e-3)
    assert told.average_precision > 0.5
    assert running.check(untaught, scenes).average_precision == 0


def test_the_running_scores_are_of_held_out_scenes_of_every_set() -> None:
    """At most so many, spread over all that are held out; none where none are."""
    scenes = [replace(scene(1), name=str(i), held_out=i % 2 == 0) for i in range(100)]
    chosen = running.some_held_out(scenes, 20)
    assert 10 <= len(chosen) <= 20
    assert all(s.held_out for s in chosen)
    assert int(chosen[-1].name) > 90
    assert running.some_held_out([s for s in scenes if not s.held_out]) == []
