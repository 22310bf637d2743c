"""Teach the region head by itself: `python -m models.reader.teach_region --checkpoint reader.pt --out taught.pt`.

While the net learns to read it sees countries as often as its users do, and half of them are the US; a head taught so
names the US and nobody else. Here all other weights stand still, and each country is drawn as often as any other.
The logits of the characters do not change by a bit. A text can, where glyphs look alike and above all between O and 0:
`read_text` weighs the formats of serials by the countries that this head finds likely.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from models.common.checkpoints import cosine, load, samples_before, save, seed_everything
from models.common.machine import device, workers
from models.common.progress import Telling
from models.common.recipes import load_config
from models.common.release import sha256
from models.reader.data import start_producers
from models.reader.losses import region_loss
from models.reader.net import Reader, Widths
from models.reader.regions import UNTAUGHT
from models.reader.train import LOSSES_A_LINE, WORK, normalised

if TYPE_CHECKING:
    from models.reader.data import Batch

SMOOTHING = 0.05
"""A drawn plate is surer of its country than a photographed one: the head shall not be."""


def reader_without_head(weights: dict[str, torch.Tensor]) -> Reader:
    """Return the net with these weights and a new region head; only the head may learn.

    Raises:
        ValueError: weights of another part are missing.
    """
    try:
        net = Reader(widths=Widths.of(weights))
    except KeyError as error:
        raise ValueError(f"these are not the weights of this net: {error} is missing") from error
    kept = {name: value for name, value in weights.items() if not name.startswith("region.")}
    missing, unknown = net.load_state_dict(kept, strict=False)
    if unknown or any(not name.startswith("region.") for name in missing):
        raise ValueError("these are not the weights of this net")
    net.eval().requires_grad_(requires_grad=False)
    net.region.train().requires_grad_(requires_grad=True)
    return net


def learn(net: Reader, optimiser: torch.optim.Optimizer, batch: Batch) -> tuple[float, float]:
    """Learn from one batch; return its loss and the share of regions named right."""
    where = next(net.parameters()).device
    logits = net.read(normalised(batch.crops).to(where)).region
    loss = region_loss(logits, batch.regions, SMOOTHING)
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    optimiser.step()
    known = batch.regions != UNTAUGHT
    right = logits.argmax(1).cpu().numpy()[known] == batch.regions[known]
    return loss.item(), float(right.mean()) if known.any() else 1.0


class Lesson:
    """The teaching of one net's head, as far as it has come.

    Args:
        recipe: the table [region] of config.toml.
        checkpoint: of models.reader.train, whose averaged weights are taught on.
        out: checkpoint that can be exported; with how far the teaching is, and of which net.

    Raises:
        FileNotFoundError: there is no such checkpoint.
    """

    def __init__(self, recipe: dict[str, Any], checkpoint: Path, out: Path) -> None:
        taught = load(checkpoint)
        if taught is None:
            raise FileNotFoundError(checkpoint)
        self.recipe, self.out, self.seen = recipe, out, 0
        self.of = sha256(checkpoint)
        self.told = {"seen": taught["seen"], "before": samples_before(taught), "crops": taught.get("crops", {})}
        self.net = reader_without_head(taught["average"]["weights"]).to(device())
        self.optimiser = torch.optim.AdamW(self.net.region.parameters(), lr=recipe["learning_rate"], weight_decay=0.01)
        state = load(out) or {}
        kept = state.get("region", {})
        if kept.get("of") == self.of:
            self.net.load_state_dict(state["net"])
            self.optimiser.load_state_dict(kept["optimiser"])
            self.seen = int(kept["seen"])
            print(f"resumed at {self.seen} samples")

    @property
    def done(self) -> bool:
        """Say whether all of the recipe's samples were seen."""
        return self.seen >= self.recipe["samples"]

    def step(self, batch: Batch) -> tuple[float, float]:
        """Learn from one batch; return its loss and the share of regions named right."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.recipe["learning_rate"] * cosine(self.seen, self.recipe["samples"], 2_000)
        self.seen += len(batch.texts)
        return learn(self.net, self.optimiser, batch)

    def save(self) -> None:
        """Write the checkpoint."""
        weights = {name: value.cpu() for name, value in self.net.state_dict().items()}
        kept = {"of": self.of, "seen": self.seen, "optimiser": self.optimiser.state_dict()}
        average = {"steps": 0, "weights": weights}
        save(self.out, self.told | {"net": weights, "average": average, "region": kept})


def teach(config: dict[str, Any], checkpoint: Path, out: Path) -> None:
    """Run the recipe's part `region`, or what is left of it, and leave a checkpoint that can be exported."""
    recipe, save_every = config["region"], config["train"]["save_every"]
    seed_everything(recipe["seed"])
    torch.set_num_threads(1)
    lesson = Lesson(recipe, checkpoint, out)
    if lesson.done:
        return
    config["mix"] |= {"even_regions": True, "none": 0.0, "real": recipe["real"]}
    processes, queue = start_producers(config, recipe["seed"] + lesson.seen, workers(device()))
    told: list[tuple[float, float]] = []
    saved = lesson.seen
    with Telling(out.with_suffix(".log"), lesson.seen, recipe["samples"], "samples") as telling:
        while not lesson.done:
            told.append(lesson.step(queue.get(timeout=300)))
            line = None
            if len(told) == LOSSES_A_LINE:
                loss, right = np.mean(told, axis=0)
                line = f"{lesson.seen:8d}  loss {loss:.4f}  right {right:.3f}  {telling.pace(lesson.seen):.0f}/s"
                told.clear()
            telling.step(lesson.seen, line)
            if lesson.seen - saved >= save_every or lesson.done:
                saved = lesson.seen
                lesson.save()
    for process in processes:
        process.terminate()


def main() -> None:
    """Parse the command line and teach."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, required=True, help="of models.reader.train")
    parser.add_argument("--out", type=Path, default=WORK / "taught.pt")
    parser.add_argument("--config", type=Path, default=Path(__file__).with_name("config.toml"))
    parser.add_argument("--set", action="append", default=[], help="change of the recipe: region.samples=100000")
    given = parser.parse_args()
    teach(load_config(given.config, given.set), given.checkpoint, given.out)


if __name__ == "__main__":
    main()
