"""Compare three ways to get a text out of the columns: CTC, fixed slots, and a small attention head.

`python -m models.reader.compare_heads --checkpoint models/work/reader/restored.pt --samples 128000`

All three start from the convolutions of the same checkpoint, with everything behind them new, see the same samples in
the same order at the same rate of learning, and read the same held-out crops. Two things may favour CTC a little: the
convolutions grew up under it, and the rate was chosen for it. From nothing each would take hours. LOG.md has figures.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.common.checkpoints import MovingAverage, cosine, existing, seed_everything
from models.common.machine import device, multiplies_bfloat16
from models.common.metrics import Score, fold
from models.common.progress import Telling
from models.datasets.crops import load_crops
from models.reader.data import start_producers
from models.reader.losses import ctc_loss, rows_loss
from models.reader.net import CLASSES, STEPS, Reader, Widths
from models.reader.train import (
    ROWS_WEIGHT,
    WORK,
    greedy,
    load_config,
    normalised,
    validation_batch,
)
from platesieve.domain.plate import ALPHABET

if TYPE_CHECKING:
    from models.reader.data import Batch

SLOTS = 12
NOTHING = 0  # the class of a slot behind the text's end
_CHANNELS = 128
_KEPT = ("middle.", "grid.")


class Slots(nn.Module):
    """Character i of 12 comes from one fixed mixture of the 40 columns, the same for every plate."""

    def __init__(self) -> None:
        super().__init__()
        self.mixture = nn.Linear(STEPS, SLOTS)
        self.head = nn.Sequential(nn.LayerNorm(_CHANNELS), nn.Linear(_CHANNELS, CLASSES))

    def forward(self, tokens: Tensor) -> Tensor:
        """Take tokens (B, 40, 128); return logits (B, 12, 37)."""
        return self.head(self.mixture(tokens.transpose(1, 2)).transpose(1, 2))


class Attention(nn.Module):
    """Character i of 12 asks the columns where it stands (parallel decoding, as PARSeq's non-autoregressive mode).

    D. Bautista and R. Atienza, "Scene Text Recognition with Permuted Autoregressive Sequence Models", ECCV 2022.
    """

    def __init__(self) -> None:
        super().__init__()
        self.asks = nn.Parameter(torch.randn(1, SLOTS, _CHANNELS) * 0.1)
        self.place = nn.Parameter(torch.randn(1, STEPS, _CHANNELS) * 0.1)
        self.look = nn.MultiheadAttention(_CHANNELS, 4, batch_first=True)
        self.head = nn.Sequential(nn.LayerNorm(_CHANNELS), nn.Linear(_CHANNELS, CLASSES))

    def forward(self, tokens: Tensor) -> Tensor:
        """Take tokens (B, 40, 128); return logits (B, 12, 37)."""
        seen = tokens + self.place
        asks = self.asks.expand(len(tokens), -1, -1)
        return self.head(asks + self.look(asks, seen, seen, need_weights=False)[0])


class Headed(nn.Module):
    """The reader's net with one of the heads.

    Args:
        kind: `ctc`, `slots` or `attention`.
        weights: of a Reader, whose convolutions are taken over; the rest starts new.
    """

    def __init__(self, kind: str, weights: dict[str, Tensor] | None = None) -> None:
        super().__init__()
        self.kind, self.body = kind, Reader(widths=Widths.of(weights) if weights else None)
        own = {"ctc": lambda: nn.Linear(_CHANNELS, CLASSES), "slots": Slots, "attention": Attention}
        self.head = own[kind]()
        self.body.head, self.body.region = nn.Identity(), nn.Identity()
        if weights is not None:
            self.body.load_state_dict(self.body.state_dict() | {k: weights[k] for k in self._convolutions()})

    def _convolutions(self) -> list[str]:
        return [k for k in self.body.state_dict() if k.startswith(_KEPT)]

    def forward(self, x: Tensor, rows: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return logits, (B, 40, 37) of CTC or (B, 12, 37), and the gate's (B, 1)."""
        _, tokens, two = self.body.tokens(x, rows)
        return self.head(self.body.drop(tokens)), two

    def loss(self, logits: Tensor, texts: list[str]) -> Tensor:
        """Return what the text costs; a slot behind the end asks for `nothing`."""
        if self.kind == "ctc":
            return ctc_loss(logits, texts)
        rows = [[ALPHABET.index(c) + 1 for c in t[:SLOTS]] + [NOTHING] * (SLOTS - len(t)) for t in texts]
        classes = torch.tensor(rows, device=logits.device)
        return F.cross_entropy(logits.float().flatten(0, 1), classes.flatten())

    def read(self, logits: Tensor) -> list[str]:
        """Return the text of each of a batch."""
        if self.kind == "ctc":
            return greedy(logits)
        return ["".join(ALPHABET[c - 1] for c in row if c != NOTHING) for row in logits.argmax(-1).tolist()]


def learn(net: Headed, optimiser: torch.optim.Optimizer, batch: Batch, *, bfloat16: bool) -> float:
    """Learn from one batch; return its loss."""
    where = next(net.parameters()).device
    x = normalised(batch.crops).to(where, memory_format=torch.channels_last)
    with torch.autocast(where.type, torch.bfloat16, enabled=bfloat16):
        logits, two = net(x, torch.from_numpy(batch.rows).to(where))
    loss = net.loss(logits, batch.texts) + ROWS_WEIGHT * rows_loss(two, batch.rows)
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(net.parameters(), 2.0)
    optimiser.step()
    return loss.item()


@torch.no_grad()
def held_out(net: Headed, batches: dict[str, tuple[np.ndarray, list[str]]]) -> Score:
    """Return the folded score of all held-out crops."""
    net.eval()
    where, hits = next(net.parameters()).device, 0
    for crops, texts in batches.values():
        read = net.read(net(normalised(crops).to(where))[0])
        hits += sum(fold(a) == fold(b) for a, b in zip(read, texts, strict=True))
    return Score(hits, sum(len(texts) for _, texts in batches.values()))


def teach(kind: str, config: dict[str, Any], weights: dict[str, Tensor]) -> Score:
    """Teach one head as the recipe says; return its held-out score at the end."""
    recipe = config["train"]
    seed_everything(recipe["seed"])
    torch.set_num_threads(1)
    net = Headed(kind, weights).to(device(), memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(net.parameters(), lr=recipe["learning_rate"], weight_decay=recipe["weight_decay"])
    average, bfloat16 = MovingAverage(net, recipe["average"]), recipe["bf16"] and multiplies_bfloat16(device())
    batches = validation_batch(load_crops(validation=True))
    processes, queue = start_producers(config, recipe["seed"])  # one: the same order
    seen, losses, told = 0, [], 0
    with Telling(WORK / f"head-{kind}.log", 0, recipe["samples"], "samples") as telling:
        while seen < recipe["samples"]:
            factor = cosine(seen, recipe["samples"], recipe["warm_up"])
            for group in optimiser.param_groups:
                group["lr"] = recipe["learning_rate"] * factor
            net.train()
            losses.append(learn(net, optimiser, queue.get(timeout=300), bfloat16=bfloat16))
            average.update(net)
            seen += recipe["batch"]
            telling.step(seen)
            if seen - told >= recipe["samples"] // 4 or seen >= recipe["samples"]:
                told = seen
                twin = Headed(kind, weights).to(device())
                twin.load_state_dict(average.weights)
                score = held_out(twin, batches)
                telling.scores(f"{kind} {seen:8d}  loss {np.mean(losses):.4f}  held out, folded: {score}", str(score))
                losses.clear()
    for process in processes:
        process.terminate()
    return score


def main() -> None:
    """Parse the command line, teach the heads one after another, and print what they read."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, required=True, help="whose convolutions all three start with")
    parser.add_argument("--samples", type=int, default=128_000)
    parser.add_argument("--kind", action="append", choices=("ctc", "slots", "attention"), help="all unless given")
    given = parser.parse_args()
    state = existing(given.checkpoint, "models.reader.restore makes one of the released reader")
    config = load_config(Path(__file__).with_name("config.toml"), [f"train.samples={given.samples}"])
    for kind in given.kind or ("ctc", "slots", "attention"):
        score = teach(kind, config, state["average"]["weights"])
        parameters = sum(p.numel() for p in Headed(kind, state["average"]["weights"]).parameters())
        print(f"{kind}: {parameters} parameters, held out {score}", flush=True)


if __name__ == "__main__":
    main()
