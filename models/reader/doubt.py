"""List the machine-read training crops whose text our own model doubts, so that the next run leaves them out.

`python -m models.reader.doubt --checkpoint models/work/reader/run1.pt --out models/work/reader/doubted.txt`

The labels were read by another reader and are about 95 to 98 % right. Our net has seen them, but mostly remembers
what many crops agree on: where its reading of the clean crop differs after folding O=0 and I=1, one of them is wrong,
and the crop is worth less than the risk. It is asked at three margins; a crop is doubted when two readings disagree.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

import numpy as np
import torch

from models.common.checkpoints import load
from models.common.metrics import fold
from models.datasets.shared_data import Crop, load_crops
from models.reader.net import Reader
from models.reader.train import greedy, normalised
from platesieve.vision.rectify import rectify

MARGINS = ((0.02, 0.05), (0.05, 0.1), (0.09, 0.18))


@torch.no_grad()
def readings(net: Reader, crops: list[Crop], margin: tuple[float, float]) -> list[str]:
    """Read crops by their boxes, in batches."""
    pictures = []
    for c in crops:
        x, y, w, h = c.box
        pictures.append(rectify(c.luma, ((x, y), (x + w, y), (x + w, y + h), (x, y + h)), margin))
    found: list[str] = []
    for at in range(0, len(pictures), 256):
        found += greedy(net(normalised(np.stack(pictures[at : at + 256]))))
    return found


def doubted(net: Reader, crops: list[Crop]) -> list[Crop]:
    """Return the machine-read crops that at least two of three readings contradict."""
    machine = [c for c in crops if not c.human]
    votes = [readings(net, machine, m) for m in MARGINS]
    return [
        c
        for c, read in zip(machine, zip(*votes, strict=True), strict=True)
        if sum(fold(r) != fold(c.text) for r in read) >= 2
    ]


def main() -> None:
    """Parse the command line and write the list."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    torch.set_num_threads(1)
    state = load(given.checkpoint)
    if state is None:
        raise SystemExit(f"{given.checkpoint} does not exist: train first (models/runs/reader.sh)")
    net = Reader()
    net.load_state_dict(state["average"]["weights"])
    net.eval()
    names: list[str] = []
    for source, crops in load_crops(validation=False).items():
        found = doubted(net, crops)
        lengths = Counter(len(c.text) for c in found).most_common(3)
        print(f"{source}: {len(found)} of {len(crops)} doubted (lengths {lengths})")
        names += [c.name for c in found]
    given.out.write_text("\n".join(names) + "\n")


if __name__ == "__main__":
    main()
