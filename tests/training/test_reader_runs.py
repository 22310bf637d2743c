"""A run of the reader's training: it goes on where it was, says what it was taught on, and keeps to its recipe."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from platesieve.vision.rectify import HEIGHT_PX, WIDTH_PX
from tests.fakes.crops import striped_crops

torch = pytest.importorskip("torch", reason="needs the extra `train`")
pytest.importorskip("onnx", reason="needs the extra `train`")
pytest.importorskip("PIL", reason="needs the extra `train`")
data, export, losses_module, train = (
    importlib.import_module(f"models.reader.{name}") for name in ("data", "export", "losses", "train")
)

pytestmark = pytest.mark.training

_TEXTS = ["AB123", "77XYZ8", "", "K9"]


def test_labels_are_doubted_half_way_whatever_the_length() -> None:
    """The first part of the run script follows the recipe."""
    path = Path(inspect.getfile(train)).with_name("config.toml")
    for samples in (2_750_000, 1_000):
        recipe = train.load_config(path, [f"train.samples={samples}"])["train"]
        assert train.first_part(recipe) == samples / 2


def test_a_run_that_was_cut_off_goes_on_where_it_was(tmp_path: Path) -> None:
    """The same samples in two parts give the same weights as in one; without the checkpoint they do not."""
    recipe = train.load_config(Path(inspect.getfile(train)).with_name("config.toml"), ["train.bf16=false"])
    recipe["train"] |= {"dropout": 0.0, "batch": 4, "warm_up": 4}
    batch = data.Batch(striped_crops(), _TEXTS, np.ones(4, np.int64), np.zeros(4, np.int64))

    def part(path: Path, steps: int) -> dict[str, Any]:
        torch.manual_seed(4)
        run = train.Run(recipe, path, 100, None)
        for _ in range(steps):
            run.step(batch)
        run.save()
        return {k: v.clone() for k, v in run.average.weights.items()}

    whole = part(tmp_path / "whole.pt", 4)
    part(tmp_path / "parts.pt", 2)
    resumed = part(tmp_path / "parts.pt", 2)
    fresh = part(tmp_path / "fresh.pt", 2)
    key = "head.weight"
    assert torch.allclose(whole[key], resumed[key], atol=1e-5)
    assert not torch.allclose(whole[key], fresh[key], atol=1e-5)


def test_a_warm_start_counts_what_was_taught_before(tmp_path: Path) -> None:
    """A release says all samples that its weights have seen, over every run of the chain."""
    recipe = train.load_config(Path(inspect.getfile(train)).with_name("config.toml"), ["train.bf16=false"])
    first = train.Run(recipe, tmp_path / "first.pt", 100, None)
    first.seen = 700
    first.save()
    batch = data.Batch(striped_crops(), _TEXTS, np.ones(4, np.int64), np.zeros(4, np.int64))
    second = train.Run(recipe, tmp_path / "second.pt", 100, tmp_path / "first.pt")
    second.step(batch)
    second.save()
    again = train.Run(recipe, tmp_path / "second.pt", 100, None)
    assert (again.seen, again.before) == (4, 700)
    assert train.samples_behind(export.load_average(tmp_path / "second.pt")[1]) == 704


def test_a_run_goes_on_with_the_pictures_it_was_begun_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise a card would say that a set was left out which half of the training saw. Doubted crops may change."""
    here = Path(inspect.getfile(train)).with_name("config.toml")
    monkeypatch.setenv("PLATESIEVE_DATA", str(tmp_path / "none"))
    train.Run(train.load_config(here, []), tmp_path / "run.pt", 100, None).save()
    train.Run(train.load_config(here, ["real.dropped='doubted.txt'"]), tmp_path / "run.pt", 100, None)
    for change in ("mix.none=0.2", "real.min_char_prob=0.1"):
        with pytest.raises(SystemExit, match="taught on other pictures"):
            train.Run(train.load_config(here, [change]), tmp_path / "run.pt", 100, None)
    (tmp_path / "train" / "crops-openlpr").mkdir(parents=True)
    (tmp_path / "train" / "crops-openlpr" / "labels.jsonl").touch()
    monkeypatch.setenv("PLATESIEVE_DATA", str(tmp_path))
    with pytest.raises(SystemExit, match="taught on other pictures"):
        train.Run(train.load_config(here, []), tmp_path / "run.pt", 100, None)
    with pytest.raises(SystemExit, match="does not exist"):
        train.Run(train.load_config(here, []), tmp_path / "new.pt", 100, tmp_path / "none.pt")


def test_losses_may_be_on_another_device_than_the_lengths_of_texts() -> None:
    """As they are beside a GPU; the device without memory stands for it here."""
    losses, lengths = torch.zeros(3, device="meta"), torch.tensor([7, 0, 2])
    assert losses_module.per_character(losses, lengths).device.type == "meta"
    with pytest.raises(RuntimeError):
        losses / lengths.clamp(min=4)
    assert losses_module.per_character(torch.tensor([14.0, 8.0, 4.0]), lengths).item() == pytest.approx((2 + 2 + 1) / 3)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_gpu_learns_and_its_checkpoint_goes_on_on_a_cpu(tmp_path: Path) -> None:
    """One step of each training that a GPU may do."""
    config = train.load_config(Path(inspect.getfile(train)).with_name("config.toml"), [])
    batch = data.Batch(striped_crops(), _TEXTS, np.ones(4, np.int64), np.zeros(4, np.int64))
    run = train.Run(config, tmp_path / "run.pt", 100, None)
    assert np.isfinite(run.step(batch))
    run.save()
    again = train.Run(config, tmp_path / "run.pt", 100, None)
    assert np.isfinite(again.step(batch))
    taught = train.Run(config, tmp_path / "taught.pt", 100, tmp_path / "run.pt", tmp_path / "run.pt")
    assert np.isfinite(taught.step(batch))
    assert train.samples_behind(export.load_average(tmp_path / "run.pt")[1]) == 4


def test_shares_of_a_batch_are_those_of_the_recipe(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures of nothing come one by one and all others by threes: the shares are of pictures all the same."""
    blank = np.zeros((HEIGHT_PX, WIDTH_PX), np.uint8)
    for kind, text in (("drawn_samples", "D"), ("real_samples", "R")):
        monkeypatch.setattr(data, kind, lambda _r, _s, views, text=text, **_: [(blank, text, 1, 0)] * views)
    monkeypatch.setattr(data, "empty_sample", lambda *_: (blank, "", 0, 0))
    sources = data.Sources({"one": [None]}, np.ones(1), [], [])
    mix = {"real": 0.4, "none": 0.08, "views": 3}
    texts = data.make_batch(np.random.default_rng(5), sources, mix, 60_000).texts
    found = [texts.count(text) / len(texts) for text in ("", "R", "D")]
    assert found == pytest.approx([0.08, 0.4, 0.52], abs=0.01)
    without = data.make_batch(np.random.default_rng(5), data.Sources({}, np.zeros(0), [], []), mix, 9_000).texts
    assert without.count("R") == 0
    assert without.count("") / len(without) == pytest.approx(0.08, abs=0.01)
