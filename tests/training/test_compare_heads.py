"""Three heads behind the same columns: each can learn, and none is given a start that the others lack."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.fakes.crops import striped_crops

torch = pytest.importorskip("torch", reason="needs the extra `train`")
sys.path.insert(0, str(Path(__file__).parents[2]))  # models/ is run from the checkout, never installed
compare_heads = importlib.import_module("models.reader.compare_heads")
data = importlib.import_module("models.reader.data")
net_module = importlib.import_module("models.reader.net")

pytestmark = pytest.mark.training

KINDS = ("ctc", "slots", "attention")
TEXTS = ["AB123", "77XYZ8", "", "K9"]


@pytest.mark.parametrize("kind", KINDS)
def test_each_head_learns_one_batch_by_heart(kind: str) -> None:
    """Texts of several lengths and no text at all; before, it reads none of them."""
    torch.manual_seed(3)
    torch.set_num_threads(1)
    net = compare_heads.Headed(kind)
    optimiser = torch.optim.AdamW(net.parameters(), lr=3e-3)
    batch = data.Batch(striped_crops(), TEXTS, np.ones(4, np.int64), np.zeros(4, np.int64))
    held = {"four": (batch.crops, TEXTS)}
    assert compare_heads.held_out(net, held).hits <= 1  # "" may be right by chance
    for _ in range(150):
        net.train()
        compare_heads.learn(net, optimiser, batch, bfloat16=False)
    assert compare_heads.held_out(net, held).hits == 4


def test_all_start_from_the_same_convolutions_and_nothing_else() -> None:
    """What the checkpoint knows of columns, rows and texts is left behind, CTC's as well."""
    torch.manual_seed(5)
    weights = net_module.Reader(widths=net_module.NARROW).state_dict()
    for kind in KINDS:
        state = compare_heads.Headed(kind, weights).body.state_dict()
        same = {k for k, v in state.items() if k.endswith("weight") and v.ndim > 1 and torch.equal(v, weights[k])}
        assert {k.split(".")[0] for k in same} == {"middle", "grid"}
