"""The reader's net: shapes, whether it can learn at all, and whether the exported file is the same net."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

from platesieve.vision.decode_text import decode
from platesieve.vision.rectify import HEIGHT_PX, WIDTH_PX, normalise

torch = pytest.importorskip("torch", reason="needs the extra `train`")
sys.path.insert(0, str(Path(__file__).parents[2]))  # models/ is run from the checkout, never installed
export = importlib.import_module("models.reader.export")
net_module = importlib.import_module("models.reader.net")
train = importlib.import_module("models.reader.train")

pytest.importorskip("PIL", reason="needs the extra `train`")
plates = importlib.import_module("models.datasets.plates")
shared_data = importlib.import_module("models.datasets.shared_data")

pytestmark = pytest.mark.training

_TEXTS = ["AB123", "77XYZ8", "", "K9"]


def _striped_crops() -> np.ndarray:
    """Make four crops that are easy to tell apart: one stripe pattern each."""
    columns = np.arange(WIDTH_PX)
    rows = [np.where((columns // width) % 2 == 0, 30, 220) for width in (3, 7, 80, 13)]
    return np.stack([np.tile(r, (HEIGHT_PX, 1)) for r in rows]).astype(np.uint8)


def test_the_net_is_small_and_gives_forty_columns_of_logits() -> None:
    """At most a million parameters; batch x 40 x 37 out."""
    net = net_module.Reader()
    assert sum(p.numel() for p in net.parameters()) <= 1_000_000
    assert net(torch.zeros(3, 1, HEIGHT_PX, WIDTH_PX)).shape == (3, net_module.STEPS, net_module.CLASSES)


def test_training_normalises_like_the_device() -> None:
    """The batched torch version and the device's numpy version are the same numbers."""
    crops = np.random.default_rng(1).integers(0, 256, (3, HEIGHT_PX, WIDTH_PX)).astype(np.uint8)
    ours = train.normalised(crops).numpy()
    theirs = np.concatenate([normalise(c) for c in crops])
    assert float(np.abs(ours - theirs).max()) < 1e-5


def test_one_batch_is_learnt_by_heart() -> None:
    """A net whose loss or gradients are broken cannot even remember four pictures."""
    torch.manual_seed(1)
    torch.set_num_threads(1)
    net = net_module.Reader(dropout=0.0)
    optimiser = torch.optim.AdamW(net.parameters(), lr=3e-3)
    x = train.normalised(_striped_crops())
    for _ in range(700):
        optimiser.zero_grad()
        loss = train.ctc_loss(net(x), _TEXTS)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 2.0)
        optimiser.step()
        if loss.item() < 0.03:
            break
    assert train.greedy(net(x)) == _TEXTS


def test_the_exported_file_is_the_same_net(tmp_path: Path) -> None:
    """Torch and ONNX Runtime agree within 1e-4, at the opset the device expects, and decode takes the output."""
    onnx = pytest.importorskip("onnx")
    torch.manual_seed(2)
    path = tmp_path / "reader.onnx"
    assert export.to_onnx(net_module.Reader(), path) <= export.TOLERANCE
    model = onnx.load(str(path))
    assert model.opset_import[0].version == export.OPSET
    assert [i.name for i in model.graph.input] == ["crop"]
    logits = net_module.Reader().eval()(torch.zeros(1, 1, HEIGHT_PX, WIDTH_PX)).detach().numpy()[0]
    found = decode(logits)
    assert found is None or len(found[0]) == len(found[1])


def test_a_drawn_plate_says_what_is_written_on_it() -> None:
    """Only A-Z and 0-9, two to twelve characters, grey levels, and the same seed draws the same plate."""
    rng, again = np.random.default_rng(4), np.random.default_rng(4)
    regions = set()
    for _ in range(150):
        plate, twin = plates.draw_plate(rng), plates.draw_plate(again)
        assert 2 <= len(plate.text) <= 12
        assert set(plate.text) <= set(plates.CHARACTERS)
        assert plate.luma.dtype == np.uint8
        assert plate.luma.shape[0] > 60
        assert plate.luma.std() > 1
        assert np.array_equal(plate.luma, twin.luma)
        assert plate.rows in {1, 2}
        regions.add(plate.region)
    assert len(regions) > 15


def test_a_format_is_filled_as_it_says() -> None:
    """`@` a letter, `#` a digit, braces one of; left-out letters never come."""
    rng = np.random.default_rng(5)
    for _ in range(100):
        serial = plates.write_serial(rng, "{BA,KE} ###-@@", skip="IOQ")
        assert serial[:2] in {"BA", "KE"}
        assert serial[3:6].isdigit()
        assert serial[6] == "-"
        assert not set(serial[7:]) & set("IOQ")


def test_a_plate_is_in_training_or_held_out_never_in_both() -> None:
    """The split follows the plate, not the picture, and is the same on every machine."""
    keys = [f"AB{i:03d}" for i in range(1000)]
    kept = [k for k in keys if shared_data.held_out(k)]
    assert kept == [k for k in keys if shared_data.held_out(k)]
    assert 0.03 < len(kept) / len(keys) < 0.09
