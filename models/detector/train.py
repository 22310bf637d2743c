"""Train the detector: `python -m models.detector.train`. Interrupted, the same command goes on where it was.

On a GPU where there is one, on one thread of the CPU elsewhere; a checkpoint of either goes on on the other.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import torch
from torch.nn import functional as F
from torch.utils.data import DataLoader

from models.common.checkpoints import MovingAverage, cosine, load, samples_behind, save, seed_everything, start_of
from models.common.machine import device, workers
from models.common.progress import Telling
from models.common.recipes import load_config
from models.datasets.labels import sets_at_hand
from models.datasets.plates import draw_plate
from models.datasets.scenes import load_scenes
from models.detector.data import Crops
from models.detector.mine import read_mistakes
from models.detector.net import PlateNet
from models.detector.running import check, some_held_out

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor

    from models.datasets.scenes import Mistake, Scene

HERE = Path(__file__).parent
WORK = Path("models/work/detector")
CHECKPOINT = "last.pt"
SMOOTH_BELOW = 0.03
STEPS_A_LINE = 125


@dataclass(frozen=True, slots=True)
class Recipe:
    """The table [train] of config.toml; lengths in crops."""

    seed: int
    crop_width_px: int
    crop_height_px: int
    batch: int
    samples: int
    mine_after: int
    warm_up: int
    rate: float
    final_rate_share: float
    weight_decay: float
    ema: float
    clip: float
    corner_weight: float
    checkpoint_every: int
    check_every: int
    late_from: int
    late_width_px: int
    late_height_px: int


def read_recipe(path: Path, changes: Sequence[str] = ()) -> Recipe:
    """Read config.toml, changed by `train.key=value`."""
    return Recipe(**load_config(path, changes)["train"])


def heat_loss(logit: Tensor, batch: dict[str, Tensor]) -> Tensor:
    """Return CenterNet's focal loss (Zhou et al. 2019, eq. 1) over what is not masked, per plate."""
    heat, weight = batch["heat"], batch["weight"]
    positive = (heat == 1).float() * weight
    negative = (1 - heat) ** 4 * weight * (heat < 1)
    chance = torch.sigmoid(logit)
    hit = -F.logsigmoid(logit) * (1 - chance) ** 2 * positive
    miss = -F.logsigmoid(-logit) * chance**2 * negative
    return (hit + miss).sum() / positive.sum().clamp(min=1)


def corner_loss(offsets: Tensor, batch: dict[str, Tensor]) -> Tensor:
    """Return the smooth L1 of corners relative to the plate's size; of the upright box where corners are unknown."""
    truth, size, exact = batch["offsets"], batch["size"], batch["exact"]
    each = smooth((offsets - truth) / size.repeat(1, 4, 1, 1)).mean(dim=1, keepdim=True)
    box = smooth((edges(offsets) - edges(truth)) / size.repeat(1, 2, 1, 1)).mean(dim=1, keepdim=True)
    plates = (batch["heat"] == 1).float().sum().clamp(min=1)
    return ((exact * each + (1 - exact) * box) * batch["share"]).sum() / plates


def smooth(error: Tensor) -> Tensor:
    """Return the error's absolute value, rounded off below SMOOTH_BELOW."""
    return F.smooth_l1_loss(error, torch.zeros_like(error), reduction="none", beta=SMOOTH_BELOW)


def edges(offsets: Tensor) -> Tensor:
    """Return left, top, right and bottom of the four corners along channels."""
    x, y = offsets[:, 0::2], offsets[:, 1::2]
    return torch.stack([x.amin(1), y.amin(1), x.amax(1), y.amax(1)], dim=1)


def step(
    net: PlateNet, optimiser: torch.optim.Optimizer, batch: dict[str, Tensor], recipe: Recipe
) -> tuple[float, float]:
    """Learn from one batch; return the two losses."""
    raw = net(batch["luma"].contiguous(memory_format=torch.channels_last))
    heat, corner = heat_loss(raw[:, :1], batch), corner_loss(raw[:, 1:], batch)
    optimiser.zero_grad(set_to_none=True)
    torch.autograd.backward(heat + recipe.corner_weight * corner)
    torch.nn.utils.clip_grad_norm_(net.parameters(), recipe.clip)
    optimiser.step()
    return float(heat.detach()), float(corner.detach())


def batches(
    recipe: Recipe,
    seen: int,
    size: tuple[int, int],
    scenes: list[Scene],
    mistakes: tuple[Mistake, ...],
    where: torch.device,
) -> Iterator[dict[str, Tensor]]:
    """Return the stream of batches, drawn by processes beside the training, on the device that trains."""
    crops = Crops(
        scenes,
        draw_plate,
        seed=recipe.seed + seen,
        batch=recipe.batch,
        size=size,
        mistakes=mistakes,
    )
    on_gpu = where.type == "cuda"
    loader = DataLoader(crops, batch_size=None, num_workers=workers(where), prefetch_factor=8, pin_memory=on_gpu)
    for batch in loader:
        yield {name: values.to(where, non_blocking=True) for name, values in batch.items()}


class Run:
    """One training run: net, optimiser, moving average, crops seen and how many before a warm start.

    Raises:
        SystemExit: the run's own checkpoint was taught on other photographs, so that its card would tell something
            untrue; or there is none to start from. What was behind a warm start stands in MADE.md.
    """

    def __init__(self, recipe: Recipe, work: Path, warm_start: Path | None = None) -> None:
        self.recipe, self.path, self.seen, self.before = recipe, work / CHECKPOINT, 0, 0
        self.where = device()
        net = PlateNet().to(self.where)
        # 119 crops/s against 69 on one core of an EPYC 9004
        self.net = net.to(memory_format=torch.channels_last)  # type: ignore[call-overload] # its stub lacks the keyword
        self.optimiser = torch.optim.AdamW(self.net.parameters(), recipe.rate, weight_decay=recipe.weight_decay)
        self.sets = sets_at_hand()
        kept = load(self.path)
        if kept is None and warm_start:
            first = start_of(warm_start)
            self.net.load_state_dict(first["average"]["weights"])
            self.before = samples_behind(first)
        self.average = MovingAverage(self.net, recipe.ema)
        if kept:
            if kept.get("sets") != self.sets:
                raise SystemExit(f"{self.path} was taught on other photographs: move it away, or bring them back")
            self.net.load_state_dict(kept["net"])
            self.optimiser.load_state_dict(kept["optimiser"])
            self.average.restore(kept["average"], self.where)
            self.seen, self.before = kept["seen"], kept.get("before", 0)
        self.net.train()

    def learn(self, batch: dict[str, Tensor]) -> tuple[float, float]:
        """Learn from one batch at the rate of the schedule; return the two losses."""
        recipe = self.recipe
        for group in self.optimiser.param_groups:
            group["lr"] = recipe.rate * cosine(self.seen, recipe.samples, recipe.warm_up, recipe.final_rate_share)
        losses = step(self.net, self.optimiser, batch, recipe)
        self.seen += recipe.batch
        self.average.update(self.net)
        return losses

    def save(self) -> None:
        """Write the checkpoint."""
        state = {
            "net": self.net.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "seen": self.seen,
            "before": self.before,
            "sets": self.sets,
        }
        save(self.path, state | {"average": self.average.state()})

    def is_due(self, every: int) -> bool:
        """Return True once in `every` crops."""
        return self.seen % every < self.recipe.batch


def train(recipe: Recipe, work: Path, until: int, mistakes: Path | None = None, warm_start: Path | None = None) -> None:
    """Train from the checkpoint, if there is one, until `until` crops of the recipe were seen."""
    seed_everything(recipe.seed)
    torch.set_num_threads(1)
    cv2.setNumThreads(1)  # before processes are forked: one that ends a pool whose threads it has not waits for ever
    run = Run(recipe, work, warm_start)
    if run.seen >= until:
        return
    scenes, wrong = load_scenes(), read_mistakes(mistakes)
    held_out = some_held_out(scenes)
    small, large = (recipe.crop_width_px, recipe.crop_height_px), (recipe.late_width_px, recipe.late_height_px)
    with Telling(work / "train.log", run.seen, until, "crops") as telling:
        losses: list[tuple[float, float]] = []
        for size, end in ((small, min(recipe.late_from, until)), (large, until)):
            if run.seen >= end:
                continue
            stream = batches(recipe, run.before + run.seen, size, scenes, wrong, run.where)
            while run.seen < end:
                losses.append(run.learn(next(stream)))
                line = told(losses, run.seen, telling.pace(run.seen)) if len(losses) == STEPS_A_LINE else None
                telling.step(run.seen, line)
                if line:
                    losses.clear()
                if held_out and (run.is_due(recipe.check_every) or run.seen >= until):
                    scores = check(run.average.weights, held_out)
                    telling.scores(scores.line(), scores.short())
                if run.is_due(recipe.checkpoint_every) or run.seen >= until:
                    run.save()
                    telling.curves(work / "curves.png")


def told(losses: list[tuple[float, float]], seen: int, pace: float) -> str:
    """Return the line of the log: mean losses and pace."""
    heat, corner = (sum(each) / len(losses) for each in zip(*losses, strict=True))
    return f"{seen} heat {heat:.3f} corner {corner:.4f} {pace:.0f} crops/s"


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, default=HERE / "config.toml")
    parser.add_argument("--set", action="append", default=[], help="change of the recipe, such as train.samples=100000")
    parser.add_argument("--work", type=Path, default=WORK)
    parser.add_argument("--warm-start", type=Path, help="checkpoint whose averaged weights to start from")
    parser.add_argument("--first-part", action="store_true", help="stop where mistakes are collected: mine_after")
    parser.add_argument("--mistakes", type=Path, help="places to look at again, written by models.detector.mine")
    given = parser.parse_args()
    recipe = read_recipe(given.config, given.set)
    until = min(recipe.mine_after, recipe.samples) if given.first_part else recipe.samples
    train(recipe, given.work, until, given.mistakes, given.warm_start)


if __name__ == "__main__":
    main()
