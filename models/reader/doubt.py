"""List the machine-read training crops whose text our own model doubts, so that the next run leaves them out.

`python -m models.reader.doubt --checkpoint models/work/reader/run1.pt --out models/work/reader/doubted.txt`

The labels were read by another reader and are about 95 to 98 % right, so a net must be sure before it is believed: a
crop is doubted when the net reads the same other text at three margins (after folding O=0 and I=1) and is sure of each
character. Asked too early, it mostly doubts what it has not learnt yet: see LOG.md.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

import numpy as np
import torch

from models.common.checkpoints import existing
from models.common.metrics import fold
from models.datasets.crops import Crop, load_crops
from models.reader.net import Reader
from models.reader.train import greedy, normalised
from platesieve.vision.decode_text import decode
from platesieve.vision.rectify import rectify

MARGINS = ((0.02, 0.05), (0.05, 0.1), (0.09, 0.18))


SURE = 0.95


@torch.no_grad()
def logits_of(net: Reader, crops: list[Crop], margin: tuple[float, float]) -> torch.Tensor:
    """Read crops by their boxes, in batches: logits (len(crops), 40, 37)."""
    pictures = []
    for c in crops:
        x, y, w, h = c.box
        pictures.append(rectify(c.luma, ((x, y), (x + w, y), (x + w, y + h), (x, y + h)), margin))
    return torch.cat([net(normalised(np.stack(pictures[at : at + 256])))[0] for at in range(0, len(pictures), 256)])


def doubted(net: Reader, crops: list[Crop]) -> list[Crop]:
    """Return the machine-read crops that three sure and equal readings contradict."""
    machine = [c for c in crops if not c.human]
    if not machine:
        return []
    logits = [logits_of(net, machine, m) for m in MARGINS]
    reads = [[fold(t) for t in greedy(x)] for x in logits]
    found = []
    for i, crop in enumerate(machine):
        ours = {r[i] for r in reads}
        if len(ours) == 1 and fold(crop.text) not in ours and all(_sure(x[i]) for x in logits):
            found.append(crop)
    return found


def _sure(logits: torch.Tensor) -> bool:
    read = decode(logits.numpy())
    return read is not None and min(g.probability for g in read[1]) >= SURE


def main() -> None:
    """Parse the command line and write the list."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    torch.set_num_threads(1)
    state = existing(given.checkpoint, "train first (models/runs/reader.sh)")
    net = Reader.holding(state["average"]["weights"]).eval()
    names: list[str] = []
    for source, crops in load_crops(validation=False).items():
        found = doubted(net, crops)
        lengths = Counter(len(c.text) for c in found).most_common(3)
        print(f"{source}: {len(found)} of {len(crops)} doubted (lengths {lengths})")
        names += [c.name for c in found]
    given.out.write_text("\n".join(names) + "\n")


if __name__ == "__main__":
    main()
