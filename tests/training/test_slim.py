"""A reader is narrowed by what its channels bring, and learns what it lost from the wide one."""

from __future__ import annotations

import importlib
import inspect
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.fakes.crops import striped_crops

torch = pytest.importorskip("torch", reason="needs the extra `train`")
pytest.importorskip("PIL", reason="needs the extra `train`")
data, losses, net_module, slim, train = (
    importlib.import_module(f"models.reader.{name}") for name in ("data", "losses", "net", "slim", "train")
)
averaging = importlib.import_module("models.common.averaging")

pytestmark = pytest.mark.training

WIDE, NARROW = net_module.Widths(), net_module.NARROW
NAMES = [field.name for field in fields(WIDE)]
ROWS = np.asarray([1, 2, 0, 1])


def wide(seed: int = 1) -> Any:
    """Return a wide net whose normalisations are not all the same, as after training."""
    torch.manual_seed(seed)
    net = net_module.Reader(dropout=0.0)
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.normal_(module.bias, 0.0, 0.5)
            torch.nn.init.uniform_(module.weight, 0.2, 1.5)
    averaging.settle(net, [train.normalised(striped_crops())])
    return net.eval()


def narrow_weights() -> dict[str, Any]:
    """Return the weights of a narrow net that knows nothing."""
    return dict(net_module.Reader(widths=NARROW).state_dict())


def answers(weights: dict[str, Any]) -> Any:
    """Return what a net with these weights says of four pictures."""
    with torch.no_grad():
        reading = net_module.Reader.holding(weights).eval().read(train.normalised(striped_crops()), torch.tensor(ROWS))
    return torch.cat([reading.characters.flatten(), reading.two_rows.flatten(), reading.region.flatten()])


def test_the_widths_are_those_of_the_weights() -> None:
    """Of the usual net and of a narrow one; other weights are refused by the name of what is missing."""
    assert net_module.Widths.of(wide().state_dict()) == WIDE
    assert net_module.Widths.of(narrow_weights()) == NARROW
    with pytest.raises(KeyError, match=r"middle\.0\.0"):
        net_module.Widths.of({})


@pytest.mark.parametrize("name", NAMES)
def test_channels_that_bring_nothing_go_first_and_the_answer_stays(name: str) -> None:
    """Eight are cut off from the next layer and taken out; the control is a net where they were not cut off."""
    weights = wide().state_dict()
    there = getattr(WIDE, name)
    narrow = replace(WIDE, **{name: there - 8})
    idle = torch.randperm(there)[:8]
    cut = weights | {f"{slim.NEXT[name]}.weight": weights[f"{slim.NEXT[name]}.weight"].clone()}
    cut[f"{slim.NEXT[name]}.weight"][:, idle] = 0.0
    made = slim.narrowed(cut, narrow)
    assert net_module.Widths.of(made) == narrow
    assert float((answers(made) - answers(cut)).abs().max()) < 1e-4
    assert float((answers(slim.narrowed(weights, narrow)) - answers(weights)).abs().max()) > 1e-3


def test_a_channel_that_is_never_above_zero_brings_nothing_whatever_is_made_of_it() -> None:
    """And energy is the mean square of a rectified normal, here drawn a million times."""
    weights = wide().state_dict()
    weights["middle.0.1.bias"][:2] = torch.tensor([-40.0, 0.7])
    weights["middle.0.1.weight"][:2] = torch.tensor([1.0, -1.3])
    shares = slim.share_of_each(weights, "first")
    assert float(shares[0]) < 1e-9 * float(shares[1])
    drawn = np.maximum(0.0, np.random.default_rng(1).normal(0.7, 1.3, 1_000_000))
    made_of_it = float(weights["middle.1.0.weight"][:, 1].double().square().sum())
    assert float(shares[1]) == pytest.approx(float(np.square(drawn).mean()) * made_of_it, rel=0.01)


def test_a_net_does_not_become_wider() -> None:
    """There is nothing to widen it with."""
    with pytest.raises(ValueError, match="first: 16 channels cannot become 32"):
        slim.narrowed(narrow_weights(), WIDE)


def test_the_checkpoint_tells_what_the_wide_one_was_taught_and_can_be_trained_on(tmp_path: Path) -> None:
    """Its normalisations are those of the pictures: in evaluation it answers as it does while it learns."""
    crops = np.tile(striped_crops(), (8, 1, 1))
    state = {"average": {"weights": wide().state_dict()}, "seen": 30, "before": 100, "crops": {"one": 5}}
    made = slim.slimmed(state, NARROW, crops)
    assert (made["seen"], made["before"], made["crops"]) == (0, 130, {"one": 5})
    learning = net_module.Reader.holding(made["average"]["weights"], dropout=0.0)
    with torch.no_grad():
        wanted = learning.train()(train.normalised(crops))[0]
        assert float((learning.eval()(train.normalised(crops))[0] - wanted).abs().max()) < 0.05
    torch.save(made, tmp_path / "slim.pt")
    assert run(tmp_path, "slim.pt").before == 130


def run(folder: Path, warm_start: str, teacher: Path | None = None) -> Any:
    """Return a run at its start."""
    config = train.load_config(Path(inspect.getfile(train)).with_name("config.toml"), [])
    config["train"] |= {"warm_up": 1, "bf16": False, "dropout": 0.0}
    return train.Run(config, folder / "none.pt", 1000, folder / warm_start, teacher)


def test_what_the_teacher_says_is_learnt_and_the_labels_alone_do_not_teach_it(tmp_path: Path) -> None:
    """Ten steps on one batch; without a teacher the same steps lead elsewhere."""
    torch.set_num_threads(1)
    teacher = wide(2)
    teacher.head.weight.data *= 20.0  # it says something, other than a net that knows nothing
    for name, weights in (("wide.pt", teacher.state_dict()), ("slim.pt", narrow_weights())):
        torch.save({"average": {"weights": weights}, "seen": 5}, tmp_path / name)
    batch = data.Batch(striped_crops(), ["AB123", "77XYZ8", "", "K9"], ROWS, np.asarray([1, 4, 9, 2]))
    device = train.device()
    teacher, x, rows = (each.to(device) for each in (teacher, train.normalised(batch.crops), torch.from_numpy(ROWS)))

    def apart(taught_by: Path | None) -> list[float]:
        made = run(tmp_path, "slim.pt", taught_by)
        out = []
        for _ in range(2):
            with torch.no_grad():
                said = made.net.train().read(x, rows).characters
                out.append(float(losses.teacher_loss(said, teacher.read(x, rows).characters)))
            for _ in range(10):
                made.step(batch)
        return out

    taught, alone = apart(tmp_path / "wide.pt"), apart(None)
    assert taught[0] == pytest.approx(alone[0], rel=1e-3)
    assert taught[1] < 0.8 * taught[0]
    assert taught[1] < 0.7 * alone[1]


def test_a_run_goes_on_with_the_teacher_it_was_begun_with(tmp_path: Path) -> None:
    """Without it, with another or with one where there was none: it would be another training under the same name."""
    for seed, name in enumerate(("one.pt", "other.pt")):
        torch.save({"average": {"weights": wide(seed).state_dict()}, "seen": seed}, tmp_path / name)
    one, other = tmp_path / "one.pt", tmp_path / "other.pt"
    for begun, refused in ((one, (None, other)), (None, (one,))):
        run(tmp_path, "one.pt", begun).save()
        assert run(tmp_path, "one.pt", begun).seen == 0
        for teacher in refused:
            with pytest.raises(SystemExit, match="was taught by another net, or by none"):
                run(tmp_path, "one.pt", teacher)
        (tmp_path / "none.pt").unlink()
    with pytest.raises(SystemExit, match="give a checkpoint to learn from"):
        run(tmp_path, "one.pt", tmp_path / "missing.pt")
    torch.save(torch.load(one, weights_only=True) | {"taught_on": {"sets": ["another"]}}, one)
    with pytest.raises(SystemExit, match="learns from it knows them too"):
        run(tmp_path, "other.pt", one)


def test_what_the_recipe_would_not_follow_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a teacher the length is that of [distil], whatever [train] is set to."""
    asked: list[int] = []
    monkeypatch.setattr(train, "train", lambda config, *_: asked.append(config["train"]["samples"]))
    monkeypatch.setattr("sys.argv", ["train", "--teacher", "wide.pt", "--set", "train.samples=5"])
    with pytest.raises(SystemExit) as refused:
        train.main()
    assert refused.value.code == 2
    monkeypatch.setattr("sys.argv", ["train", "--teacher", "wide.pt", "--set", "distil.samples=5"])
    train.main()
    assert asked == [5]


def test_a_net_with_a_teacher_follows_its_own_part_of_the_recipe() -> None:
    """Length, pace and seed are those of [distil], all else is that of [train]; without a teacher all is."""
    config = train.load_config(Path(inspect.getfile(train)).with_name("config.toml"), [])
    recipe = train.recipe_of(config, Path("wide.pt"))["train"]
    assert {k for k, v in recipe.items() if v != config["train"][k]} == {"samples", "learning_rate", "seed"}
    assert recipe["samples"] == config["distil"]["samples"]
    assert train.recipe_of(config, None) == config


def test_who_says_the_same_as_the_teacher_loses_nothing() -> None:
    """And whoever says something else does, by the Kullback-Leibler divergence of its columns."""
    torch.manual_seed(3)
    logits = torch.randn(2, 40, 37)
    assert float(losses.teacher_loss(logits + 3.0, logits)) == pytest.approx(0.0, abs=1e-5)
    other = torch.randn(2, 40, 37)
    theirs, ours = logits.softmax(-1), other.softmax(-1)
    by_hand = float((theirs * (theirs / ours).log()).sum()) / 2 / 8
    assert float(losses.teacher_loss(other, logits)) == pytest.approx(by_hand, rel=1e-4)
