"""A released detector goes on learning: its net comes back out of the file, and a run starts from it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra `train`")
onnx = pytest.importorskip("onnx", reason="needs the extra `train`")

from models.common import checkpoints, unmerge  # noqa: E402 - after importorskip
from models.datasets.labels import is_blank, masked  # noqa: E402
from models.detector import evaluate, export, restore, train  # noqa: E402
from models.detector.net import PlateNet  # noqa: E402

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.training


@pytest.fixture
def taught() -> tuple[PlateNet, list[Any]]:
    """A net whose normalisations have seen these pictures."""
    torch.manual_seed(3)
    pictures = [torch.randn(4, 1, 64, 96) for _ in range(4)]
    net = PlateNet()
    with torch.no_grad():
        for _ in range(10):
            for batch in pictures:
                net(batch)
    return net.eval(), pictures


def test_a_released_file_becomes_a_net_that_answers_the_same(
    taught: tuple[PlateNet, list[Any]], tmp_path: Path
) -> None:
    """As the file while it is used, and nearly so while it learns; another net answers otherwise."""
    net, pictures = taught
    export.export(net, tmp_path / "detector.onnx")
    back = restore.restored(tmp_path / "detector.onnx", pictures)
    assert export.largest_difference(back, tmp_path / "detector.onnx") <= unmerge.TOLERANCE
    together = torch.cat(pictures)
    with torch.no_grad():
        assert float((back.train()(together) - net(together)).abs().max()) < 0.05
        assert float((PlateNet().train()(together) - net(together)).abs().max()) > 0.1


def test_a_file_of_another_net_is_not_restored(taught: tuple[PlateNet, list[Any]], tmp_path: Path) -> None:
    """It would train on as noise."""
    net, pictures = taught
    path = tmp_path / "detector.onnx"
    export.export(net, path)
    model = onnx.load(str(path))
    next(node for node in model.graph.node if node.op_type == "Conv").name = "/net/other/other.0/Conv"
    onnx.save(model, str(path))
    with pytest.raises(ValueError, match="not of this net"):
        restore.restored(path, pictures)
    export.export(net, path)
    with pytest.raises(ValueError, match="need pictures"):
        restore.restored(path, [])


def test_a_run_starts_from_a_checkpoint_and_counts_what_is_behind_it(
    taught: tuple[PlateNet, list[Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The card tells all crops; a checkpoint of its own goes before the one to start from."""
    monkeypatch.setenv("PLATESIEVE_DATA", str(tmp_path / "none"))
    weights = taught[0].state_dict()
    checkpoints.save(tmp_path / "first.pt", {"average": {"steps": 0, "weights": weights}, "seen": 70, "before": 30})
    recipe = train.read_recipe(train.HERE / "config.toml", ["train.samples=5"])
    assert recipe.samples == 5
    run = train.Run(recipe, tmp_path / "run", tmp_path / "first.pt")
    assert torch.equal(run.average.weights["heat.weight"], weights["heat.weight"])
    run.seen = 9
    run.save()
    again = train.Run(replace(recipe, seed=2), tmp_path / "run", tmp_path / "first.pt")
    assert (again.seen, again.before) == (9, 100)
    assert checkpoints.samples_behind(export.load_average(tmp_path / "run" / train.CHECKPOINT)[1]) == 109
    with pytest.raises(SystemExit, match="does not exist"):
        train.Run(recipe, tmp_path / "new", tmp_path / "nothing.pt")


def test_what_a_person_saw_to_be_blank_is_masked_and_no_plate() -> None:
    """A blank plate or a sign teaches neither that it is a plate nor that it is none; a plate that was read stays."""
    plates = [
        {"box": [1, 2, 30, 8], "text": "", "by_eye": True},
        {"box": [50, 2, 30, 8], "text": "AB123", "by_eye": True},
        {"box": [90, 2, 30, 8]},
    ]
    assert [is_blank(plate) for plate in plates] == [True, False, False]
    found = masked("openlpr", {"image": "none.jpg", "ignore": [[5, 5, 5, 5]], "plates": plates})
    assert np.asarray(found).tolist() == [[5, 5, 5, 5], [1, 2, 30, 8]]


def test_scores_of_a_set_that_is_gone_are_not_kept_as_new() -> None:
    """After a change of labels the released file is scored again, on all sets or on none."""
    assert evaluate.recorded({"eu 1x1": 1}, {"eu 1x1": 2, "us 1x1": 3}) == {"eu 1x1": 2, "us 1x1": 3}
    with pytest.raises(SystemExit, match="no pictures for us 1x1"):
        evaluate.recorded({"eu 1x1": 1, "us 1x1": 1}, {"eu 1x1": 2})
