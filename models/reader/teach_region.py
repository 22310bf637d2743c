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

from models.common.checkpoints import cosine, load, save, seed_everything
from models.common.machine import device, workers
from models.common.progress import Telling
from models.reader.data import start_producers
from models.reader.net import Reader
from models.reader.regions import UNTAUGHT
from models.reader.train import LOSSES_A_LINE, WORK, load_config, normalised, region_loss, samples_behind

if TYPE_CHECKING:
    from models.reader.data import Batch

SMOOTHING = 0.05
"""A drawn plate is surer of its country than a photographed one: the head shall not be."""


def reader_without_head(weights: dict[str, torch.Tensor]) -> Reader:
    """Return the net with these weights and a new region head; only the head may learn.

    Raises:
        ValueError: weights of another part are missing.
    """
    net = Reader()
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


def teach(config: dict[str, Any], checkpoint: Path, out: Path) -> None:
    """Run the recipe's part `region` and write a checkpoint that can be exported."""
    state, recipe = load(checkpoint), config["region"]
    if state is None:
        raise FileNotFoundError(checkpoint)
    seed_everything(recipe["seed"])
    torch.set_num_threads(1)
    net = reader_without_head(state["average"]["weights"]).to(device())
    optimiser = torch.optim.AdamW(net.region.parameters(), lr=recipe["learning_rate"], weight_decay=0.01)
    config["mix"] |= {"even_regions": True, "none": 0.0, "real": recipe["real"]}
    processes, queue = start_producers(config, recipe["seed"], workers(device()))
    seen, told = 0, []
    with Telling(out.with_suffix(".log"), 0, recipe["samples"], "samples") as telling:
        while seen < recipe["samples"]:
            for group in optimiser.param_groups:
                group["lr"] = recipe["learning_rate"] * cosine(seen, recipe["samples"], 2_000)
            batch = queue.get(timeout=300)
            told.append(learn(net, optimiser, batch))
            seen += len(batch.texts)
            line = None
            if len(told) == LOSSES_A_LINE:
                loss, right = np.mean(told, axis=0)
                line = f"{seen:8d}  loss {loss:.4f}  right {right:.3f}  {telling.pace(seen):.0f}/s"
                told.clear()
            telling.step(seen, line)
    for process in processes:
        process.terminate()
    weights = net.cpu().state_dict()
    save(out, {"net": weights, "average": {"steps": 0, "weights": weights}, "seen": samples_behind(state)})


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
