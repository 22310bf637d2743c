"""Train the reader: `python -m models.reader.train --name run1`. Killed, it goes on where it was when started again.

On a GPU where there is one, on one thread of the CPU elsewhere; a checkpoint of either goes on on the other.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import torch

from models.common.checkpoints import (
    MovingAverage,
    cosine,
    existing,
    load,
    samples_behind,
    save,
    seed_everything,
    start_of,
)
from models.common.machine import device, multiplies_bfloat16, workers
from models.common.metrics import Score, fold
from models.common.progress import Telling
from models.common.recipes import load_config
from models.common.release import sha256
from models.datasets.crops import Crop, count_crops, load_crops
from models.datasets.labels import sets_at_hand
from models.reader.data import Batch, chosen_crops, start_producers
from models.reader.losses import ctc_loss, region_loss, rows_loss, teacher_loss
from models.reader.net import BLANK, Reader
from platesieve.domain.plate import ALPHABET
from platesieve.vision.rectify import rectify

WORK = Path(__file__).parents[1] / "work" / "reader"
ROWS_WEIGHT = 0.2
REGION_WEIGHT = 0.1
LOSSES_A_LINE = 50


def normalised(crops: np.ndarray) -> torch.Tensor:
    """Return crops (B, 48, 160) as the net's input: the same numbers as platesieve.vision.rectify.normalise."""
    x = torch.from_numpy(crops).float()[:, None]
    deviation = x.std((1, 2, 3), correction=0, keepdim=True)
    return (x - x.mean((1, 2, 3), keepdim=True)) / (deviation + 4.0)


def greedy(logits: torch.Tensor) -> list[str]:
    """Return the best path's text of each of a batch."""
    out = []
    for row in logits.argmax(-1).tolist():
        kept = [c for i, c in enumerate(row) if c != BLANK and (i == 0 or row[i - 1] != c)]
        out.append("".join(ALPHABET[c - 1] for c in kept))
    return out


def validation_batch(crops: dict[str, list[Crop]]) -> dict[str, tuple[np.ndarray, list[str]]]:
    """Rectify the held-out crops by their boxes."""
    out = {}
    for name, group in crops.items():
        pictures = []
        for c in group:
            x, y, w, h = c.box
            pictures.append(rectify(c.luma, ((x, y), (x + w, y), (x + w, y + h), (x, y + h))))
        out[name] = (np.stack(pictures), [c.text for c in group])
    return out


@torch.no_grad()
def check(net: torch.nn.Module, batches: dict[str, tuple[np.ndarray, list[str]]]) -> dict[str, Score]:
    """Return the folded score of each held-out set."""
    net.eval()
    where = next(net.parameters()).device
    scores = {}
    for name, (crops, texts) in batches.items():
        read = greedy(net(normalised(crops).to(where))[0])
        scores[name] = Score(sum(fold(a) == fold(b) for a, b in zip(read, texts, strict=True)), len(texts))
    return scores


def _groups(net: torch.nn.Module, decay: float) -> list[dict[str, Any]]:
    matrices = [p for p in net.parameters() if p.ndim > 1]
    others = [p for p in net.parameters() if p.ndim <= 1]
    return [{"params": matrices, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}]


def taught_on(config: dict[str, Any]) -> dict[str, Any]:
    """Return what the pictures of a run are made from; doubted crops apart, which its second half leaves out."""
    real = {key: value for key, value in config["real"].items() if key != "dropped"}
    return {"sets": sets_at_hand(), "real": real, "mix": dict(config["mix"])}


class Run:
    """One training run: net, optimiser, moving average, samples seen and how many before a warm start, crops by set.

    Args:
        config: the recipe.
        path: of its checkpoint; where there is one, the run goes on.
        until: so many samples.
        warm_start: checkpoint to start from; without one the net starts from nothing.
        teacher: checkpoint of a net whose columns shall say the same.

    Raises:
        SystemExit: the checkpoint to go on from, or the teacher, was taught on other pictures, so that a card would
            tell something untrue; it had another teacher; or there is none to start or to learn from.
    """

    def __init__(
        self, config: dict[str, Any], path: Path, until: int, warm_start: Path | None, teacher: Path | None = None
    ) -> None:
        recipe = config["train"]
        self.recipe, self.path, self.until, self.seen, self.before = recipe, path, until, 0, 0
        self.crops, self.taught_on = dict[str, int](), taught_on(config)
        self.device = device()
        self.bfloat16 = recipe["bf16"] and multiplies_bfloat16(self.device)
        state = load(path)
        if state:
            net = Reader.holding(state["net"], recipe["dropout"])
        elif warm_start:
            first = start_of(warm_start)
            net = Reader.holding(first["average"]["weights"], recipe["dropout"])
            self.before = samples_behind(first)
        else:
            net = Reader(recipe["dropout"])
        self.net = net.to(self.device, memory_format=torch.channels_last)
        self.teacher, self.teacher_weight = self._net_of(teacher), config["distil"]["weight"]
        self.taught_by = sha256(teacher) if teacher else ""
        self.optimiser = torch.optim.AdamW(
            _groups(self.net, recipe["weight_decay"]), lr=recipe["learning_rate"], fused=True
        )
        self.average = MovingAverage(self.net, recipe["average"])
        if state:
            if state.get("taught_on") != self.taught_on:
                raise SystemExit(f"{path} was taught on other pictures: move it away, or set the recipe back")
            if state.get("taught_by", "") != self.taught_by:
                raise SystemExit(f"{path} was taught by another net, or by none: move it away, or give that --teacher")
            self.optimiser.load_state_dict(state["optimiser"])
            self.average.restore(state["average"], self.device)
            self.seen, self.before = int(state["seen"]), int(state.get("before", 0))
            print(f"resumed at {self.seen} samples")

    @property
    def done(self) -> bool:
        """Say whether this part of the schedule is at its end."""
        return self.seen >= self.until

    def _net_of(self, teacher: Path | None) -> Reader | None:
        if teacher is None:
            return None
        state = existing(teacher, "give a checkpoint to learn from, or none")
        if state.get("taught_on", self.taught_on) != self.taught_on:
            raise SystemExit(f"{teacher} was taught on other pictures: a net that learns from it knows them too")
        net = Reader.holding(state["average"]["weights"]).eval().requires_grad_(requires_grad=False)
        return net.to(self.device, memory_format=torch.channels_last)

    def step(self, batch: Batch) -> float:
        """Learn from one batch; return its loss."""
        factor = cosine(self.seen, self.recipe["samples"], self.recipe["warm_up"])
        for group in self.optimiser.param_groups:
            group["lr"] = self.recipe["learning_rate"] * factor
        self.net.train()
        x = normalised(batch.crops)
        if self.device.type == "cuda":
            x = x.pin_memory()
        x = x.to(self.device, memory_format=torch.channels_last, non_blocking=True)
        rows = torch.from_numpy(batch.rows).to(self.device)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16):
            reading = self.net.read(x, rows)
            wanted = self.teacher.read(x, rows).characters if self.teacher else None
        loss = ctc_loss(reading.characters, batch.texts)
        if wanted is not None:
            loss = loss + self.teacher_weight * teacher_loss(reading.characters, wanted)
        loss = loss + ROWS_WEIGHT * rows_loss(reading.two_rows, batch.rows)
        loss = loss + REGION_WEIGHT * region_loss(reading.region, batch.regions)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), self.recipe["clip"])
        self.optimiser.step()
        self.average.update(self.net)
        self.seen += len(batch.texts)
        return loss.item()

    def save(self) -> None:
        """Write the checkpoint."""
        state = {
            "net": self.net.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "average": self.average.state(),
            "seen": self.seen,
            "before": self.before,
            "crops": self.crops,
            "taught_on": self.taught_on,
            "taught_by": self.taught_by,
        }
        save(self.path, state)

    def averaged(self) -> Reader:
        """Return a net with the averaged weights."""
        return Reader.holding(self.average.weights).to(self.device).eval()


def recipe_of(config: dict[str, Any], teacher: Path | None) -> dict[str, Any]:
    """Return the recipe as it is; of a net that has a teacher with the length, pace and seed of [distil]."""
    own = {key: value for key, value in config["distil"].items() if key in config["train"]}
    return config | {"train": config["train"] | own} if teacher else config


def train(
    config: dict[str, Any],
    name: str,
    until: int | None = None,
    warm_start: Path | None = None,
    teacher: Path | None = None,
) -> Path:
    """Run the schedule of the recipe, or the part of it `until` so many samples; return the checkpoint."""
    recipe = config["train"]
    seed_everything(recipe["seed"])
    torch.set_num_threads(1)
    run = Run(config, WORK / f"{name}.pt", min(until or recipe["samples"], recipe["samples"]), warm_start, teacher)
    if run.done:
        return run.path
    run.crops = count_crops(validation=False, **chosen_crops(config))
    held_out = validation_batch(load_crops(validation=True))
    processes, queue = start_producers(config, recipe["seed"] + run.before + run.seen, workers(run.device))
    losses: list[float] = []
    saved = checked = run.seen
    with Telling(WORK / f"{name}.log", run.seen, run.until, "samples") as telling:
        while not run.done:
            losses.append(run.step(queue.get(timeout=300)))
            line = None
            if len(losses) == LOSSES_A_LINE:
                line = f"{run.seen:8d}  loss {np.mean(losses):.4f}  {telling.pace(run.seen):.0f}/s"
                losses.clear()
            telling.step(run.seen, line)
            if run.seen - saved >= recipe["save_every"] or run.done:
                saved = run.seen
                run.save()
                telling.curves(WORK / f"{name}.png")
            if run.seen - checked >= recipe["check_every"] or run.done:
                checked = run.seen
                _tell(telling, check(run.averaged(), held_out))
    for process in processes:
        process.terminate()
    return run.path


def _tell(telling: Telling, scores: dict[str, Score]) -> None:
    short = " ".join(f"{k.removeprefix('crops-')} {s.share:.2f}" for k, s in scores.items())
    telling.scores(f"held out, folded: {dict(zip(scores, map(str, scores.values()), strict=True))}", short)


def first_part(recipe: dict[str, Any]) -> int:
    """Return after how many samples the net has read enough to doubt machine-read labels (models.reader.doubt)."""
    return round(recipe["doubt_after"] * recipe["samples"])


def main() -> None:
    """Parse the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", default="run1", help="name of the checkpoint under models/work/reader")
    parser.add_argument("--config", type=Path, default=Path(__file__).with_name("config.toml"))
    parser.add_argument("--set", action="append", default=[], help="change of the recipe, such as train.samples=100000")
    parser.add_argument("--warm-start", type=Path, help="checkpoint whose averaged weights to start from")
    parser.add_argument("--teacher", type=Path, help="checkpoint to learn from, with the recipe's part [distil]")
    parser.add_argument("--until", type=int, help="stop after so many samples of the schedule, to go on later")
    parser.add_argument("--first-part", action="store_true", help="stop where labels are doubted: train.doubt_after")
    given = parser.parse_args()
    config = load_config(given.config, given.set)
    own = {f"train.{key}" for key in config["distil"]}
    if given.teacher and (unused := [change for change in given.set if change.partition("=")[0] in own]):
        parser.error(f"{unused[0]}: a net with a teacher takes that from the recipe's part [distil]: set it there")
    config = recipe_of(config, given.teacher)
    until = first_part(config["train"]) if given.first_part else given.until
    train(config, given.name, until, given.warm_start, given.teacher)


if __name__ == "__main__":
    main()
