"""Narrow a reader: `python -m models.reader.slim --checkpoint models/work/reader/restored.pt`.

Inside some layers there are channels that nobody else sees (models.reader.net.Widths). Those that bring the next layer
least are taken out; what is left reads worse, and learns from the wide net what it lost: train.py with
`--warm-start slim.pt --teacher restored.pt`. The released reader is not narrow: LOG.md has what that costs and gains.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from models.common.averaging import settle
from models.common.checkpoints import existing, of_weights, samples_behind, save
from models.common.recipes import load_config
from models.reader.data import Sources, make_batch
from models.reader.net import INSIDE, NARROW, Reader, Widths
from models.reader.train import WORK, normalised

if TYPE_CHECKING:
    from numpy.typing import NDArray

PICTURES = 4096
TOGETHER = 256
NEXT = {
    "first": "middle.1.0",
    "second": "middle.2.0",
    "residual": "middle.5.second.0",
    "grid": "grid.1.0",
    "halves": "rows.tokens.0",
}
"""The convolution that takes the channels of each of the Widths."""


def _normalisation_behind(layer: str) -> str:
    return layer.rsplit(".", 1)[0] + ".1"


def share_of_each(weights: dict[str, Tensor], name: str) -> Tensor:
    """Return how much each channel of one of the Widths brings the layer after it: its energy times what is made of it.

    A channel is rectified and, after its normalisation, about normal: N(b, g^2) by the normalisation's bias b and
    weight g. So the mean of its square is (b^2 + g^2) Phi(b / g) + b g phi(b / g), which needs no picture.

    H. Hu et al., "Network Trimming", 2016, counts how often a channel is not zero; J.-H. Luo et al., "ThiNet", ICCV
    2017, asks as here what is lost to the next layer.
    """
    norm = _normalisation_behind(INSIDE[name])
    bias, deviation = weights[f"{norm}.bias"].double(), weights[f"{norm}.weight"].double().abs().clamp(min=1e-9)
    at = bias / deviation
    below = 0.5 * (1 + torch.erf(at / math.sqrt(2)))
    density = torch.exp(-0.5 * at.square()) / math.sqrt(2 * math.pi)
    energy = (bias.square() + deviation.square()) * below + bias * deviation * density
    return energy * weights[f"{NEXT[name]}.weight"].double().square().sum((0, 2, 3))


def narrowed(weights: dict[str, Tensor], widths: Widths) -> dict[str, Tensor]:
    """Return the weights of a net of these widths that keeps the channels which bring most.

    Raises:
        KeyError: they are not of this net.
        ValueError: the net is narrower than that already.
    """
    out = dict(weights)
    for name, layer in INSIDE.items():
        wanted, there = getattr(widths, name), getattr(Widths.of(weights), name)
        if wanted > there:
            raise ValueError(f"{name}: {there} channels cannot become {wanted}")
        kept = share_of_each(weights, name).topk(wanted).indices.sort().values
        out[f"{layer}.weight"] = out[f"{layer}.weight"][kept]
        norm = _normalisation_behind(layer)
        for part in ("weight", "bias", "running_mean", "running_var"):
            out[f"{norm}.{part}"] = out[f"{norm}.{part}"][kept]
        out[f"{NEXT[name]}.weight"] = out[f"{NEXT[name]}.weight"][:, kept]
    return out


def slimmed(state: dict[str, Any], widths: Widths, crops: NDArray[np.uint8]) -> dict[str, Any]:
    """Return the checkpoint of the narrowed net, its normalisations taken anew from these crops (n, 48, 160)."""
    net = Reader.holding(narrowed(state["average"]["weights"], widths))
    settle(net, torch.split(normalised(crops), TOGETHER))
    return of_weights(net.state_dict(), samples_behind(state), state.get("crops"))


def main() -> None:
    """Parse the command line, narrow, and write the checkpoint."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, required=True, help="whose averaged weights are narrowed")
    parser.add_argument("--out", type=Path, default=WORK / "slim.pt")
    given = parser.parse_args()
    state = existing(given.checkpoint, "give a checkpoint of train.py or restore.py")
    torch.set_num_threads(1)
    config = load_config(Path(__file__).with_name("config.toml"), [])
    rng = np.random.default_rng(3)
    batch = make_batch(rng, Sources.load(config, rng), config["mix"], PICTURES)
    made = slimmed(state, NARROW, batch.crops)
    save(given.out, made)
    wide, narrow = (sum(w.numel() for w in Reader.holding(s["average"]["weights"]).parameters()) for s in (state, made))
    print(f"{given.out}: of {wide} parameters {narrow} are left, {NARROW}")


if __name__ == "__main__":
    main()
