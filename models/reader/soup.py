"""Average checkpoints of one chain: `python -m models.reader.soup --checkpoint a.pt --checkpoint b.pt --out soup.pt`.

Runs that go on from one another end in one valley, and the mean of their weights often reads better than each of them
at the cost of one. The mean of two nets sees other means and deviations in its layers than either: they are taken anew
from training pictures (models.common.averaging names the papers).
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from models.common.averaging import mean_of, settle
from models.common.checkpoints import load, of_weights, samples_behind, save
from models.common.recipes import load_config
from models.reader.data import Sources, make_batch
from models.reader.net import Reader, Widths
from models.reader.train import normalised

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

PICTURES = 4096
TOGETHER = 256


def soup(states: Sequence[dict[str, Any]], crops: NDArray[np.uint8]) -> dict[str, Any]:
    """Return the checkpoint of the mean of checkpoints' averaged weights; the last one tells samples and crops.

    Raises:
        ValueError: one of the nets is wider than another.
    """
    weights_of_each = [state["average"]["weights"] for state in states]
    if len(widths := {Widths.of(weights) for weights in weights_of_each}) > 1:
        raise ValueError(f"nets of one width have a mean, and these are of {len(widths)}: narrow them first (slim.py)")
    net = Reader.holding(mean_of(weights_of_each))
    settle(net, torch.split(normalised(crops), TOGETHER))
    return of_weights(net.state_dict(), samples_behind(states[-1]), states[-1].get("crops"))


def main() -> None:
    """Parse the command line, average, and write the checkpoint."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    told = "oldest first: the last one tells how many samples are behind the mean"
    parser.add_argument("--checkpoint", type=Path, action="append", required=True, help=told)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    states = [load(path) for path in given.checkpoint]
    missing = [path for path, state in zip(given.checkpoint, states, strict=True) if state is None]
    if missing:
        raise SystemExit(f"{missing[0]} does not exist: train first (models/runs/reader.sh)")
    torch.set_num_threads(1)
    config = load_config(Path(__file__).with_name("config.toml"), [])
    rng = np.random.default_rng(2)
    batch = make_batch(rng, Sources.load(config, rng), config["mix"], PICTURES)
    made = soup([state for state in states if state is not None], batch.crops)
    save(given.out, made)
    print(f"{given.out}: mean of {len(states)}, {made['before']} samples")


if __name__ == "__main__":
    main()
