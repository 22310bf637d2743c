"""The reader's net: shapes, whether it can learn at all, and whether the exported file is the same net."""

from __future__ import annotations

import importlib
import inspect
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from platesieve.vision.rectify import HEIGHT_PX, WIDTH_PX, normalise
from tests.fakes.crops import striped_crops

torch = pytest.importorskip("torch", reason="needs the extra `train`")
sys.path.insert(0, str(Path(__file__).parents[2]))  # models/ is run from the checkout, never installed
export = importlib.import_module("models.reader.export")
losses = importlib.import_module("models.reader.losses")
net_module = importlib.import_module("models.reader.net")
regions = importlib.import_module("models.reader.regions")
teach_region = importlib.import_module("models.reader.teach_region")
train = importlib.import_module("models.reader.train")

pytest.importorskip("PIL", reason="needs the extra `train`")
plates = importlib.import_module("models.datasets.plates")
fonts = importlib.import_module("models.datasets.fonts.glyphs")
writing = importlib.import_module("models.datasets.plates.writing")
degrade = importlib.import_module("models.datasets.degrade")
photographs = importlib.import_module("models.datasets.photographs")
coverage = importlib.import_module("models.datasets.coverage")
data = importlib.import_module("models.reader.data")
sweeps = importlib.import_module("models.reader.sweeps")
restore = importlib.import_module("models.reader.restore")
unmerge = importlib.import_module("models.common.unmerge")
curves, progress, quantise, speed = (
    importlib.import_module(f"models.common.{name}") for name in ("curves", "progress", "quantise", "speed")
)

pytestmark = pytest.mark.training

_TEXTS = ["AB123", "77XYZ8", "", "K9"]


def test_the_net_is_small_and_gives_forty_columns_of_logits_and_a_region() -> None:
    """At most a million parameters; batch x 40 x 37 and batch x R out."""
    net = net_module.Reader()
    assert sum(p.numel() for p in net.parameters()) <= 1_000_000
    logits, region = net(torch.zeros(3, 1, HEIGHT_PX, WIDTH_PX))
    assert logits.shape == (3, net_module.STEPS, net_module.CLASSES)
    assert region.shape == (3, len(regions.REGIONS))


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
    x = train.normalised(striped_crops())
    for _ in range(700):
        optimiser.zero_grad()
        loss = losses.ctc_loss(net(x)[0], _TEXTS)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 2.0)
        optimiser.step()
        if loss.item() < 0.03:
            break
    assert train.greedy(net(x)[0]) == _TEXTS


def test_the_region_head_is_taught_without_touching_what_is_read() -> None:
    """The head learns what it is shown; every other weight, and so every text, stays what it was."""
    torch.manual_seed(4)
    torch.set_num_threads(1)
    before = net_module.Reader().eval()
    net = teach_region.reader_without_head(before.state_dict())
    optimiser = torch.optim.AdamW(net.region.parameters(), lr=1e-2)
    classes = np.asarray([1, 4, 9, regions.UNTAUGHT])
    batch = data.Batch(striped_crops(), _TEXTS, np.ones(4, np.int64), classes)
    told = [teach_region.learn(net, optimiser, batch)[0] for _ in range(60)]
    assert told[-1] < 0.6 * told[0]
    x = train.normalised(batch.crops)
    net.eval()
    assert torch.equal(net(x)[0], before(x)[0])


def test_a_lesson_that_was_cut_off_goes_on_and_a_done_one_does_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after the second of three batches, the third is all that is left; another net is taught from the start."""
    given: list[int] = []

    class Queue:
        """Gives one batch after the other, and fails where the run is killed."""

        def __init__(self, kill_at: int) -> None:
            self.kill_at = kill_at

        def get(self, **_: object) -> Any:
            if len(given) == self.kill_at:
                raise KeyboardInterrupt
            given.append(len(given))
            return data.Batch(striped_crops(), _TEXTS, np.ones(4, np.int64), np.asarray([1, 4, 9, 2]))

    def teach(checkpoint: str, out: str, kill_at: int = 99) -> int:
        given.clear()
        monkeypatch.setattr(teach_region, "start_producers", lambda *_: ([], Queue(kill_at)))
        config = train.load_config(Path(inspect.getfile(train)).with_name("config.toml"), ["region.samples=12"])
        config["train"]["save_every"] = 4
        teach_region.teach(config, tmp_path / checkpoint, tmp_path / out)
        return len(given)

    for name in ("net.pt", "other.pt"):
        net = net_module.Reader()
        state = {"net": net.state_dict(), "average": {"steps": 0, "weights": net.state_dict()}, "seen": 700}
        torch.save(state, tmp_path / name)
    with pytest.raises(KeyboardInterrupt):
        teach("net.pt", "taught.pt", kill_at=2)
    state = torch.load(tmp_path / "taught.pt", weights_only=True)
    assert (state["seen"], state["region"]["seen"], len(given)) == (700, 8, 2)
    assert teach("net.pt", "taught.pt") == 1
    assert teach("net.pt", "taught.pt") == 0
    assert torch.load(tmp_path / "taught.pt", weights_only=True)["region"]["seen"] == 12
    assert teach("other.pt", "taught.pt") == 3
    assert train.samples_behind(export.load_average(tmp_path / "taught.pt")[1]) == 700


def test_weights_of_another_net_are_not_taught() -> None:
    """A missing part would be taught as noise."""
    weights = net_module.Reader().state_dict()
    weights.pop("head.weight")
    with pytest.raises(ValueError, match="not the weights"):
        teach_region.reader_without_head(weights)


def test_every_class_is_drawn_when_countries_are_even() -> None:
    """As often as seen, half of the drawings are American."""
    rng = np.random.default_rng(3)
    sources = data.Sources({}, np.zeros(0), [], [])
    even = [data.drawn_samples(rng, sources, 1, even=True)[0][3] for _ in range(230)]
    usual = [data.drawn_samples(rng, sources, 1)[0][3] for _ in range(100)]
    american = regions.REGIONS.index("US")
    assert len(set(even)) == len(regions.REGIONS)
    assert even.count(american) / 230 < 0.15 < usual.count(american) / 100


def as_taught(net: Any) -> Any:
    """Give weights that start as ones, noughts or next to nothing those of a net that has learnt something."""
    for weights in (net.look.norm.weight, net.look.values.bias, net.look.out.weight, net.look.mix[2].weight):
        torch.nn.init.uniform_(weights, -0.3, 0.7)
    torch.nn.init.normal_(net.look.norm.bias)
    return net


def test_the_exported_file_is_the_same_net(tmp_path: Path) -> None:
    """Both outputs agree within 1e-4, at the opset and by the names that the device expects."""
    onnx = pytest.importorskip("onnx")
    torch.manual_seed(2)
    path = tmp_path / "reader.onnx"
    net = as_taught(net_module.Reader().eval())
    assert export.to_onnx(net, path) <= export.TOLERANCE
    model = onnx.load(str(path))
    assert model.opset_import[0].version == export.OPSET
    assert [i.name for i in model.graph.input] == ["crop"]
    assert [o.name for o in model.graph.output] == ["logits", "region"]


def test_another_net_is_told_from_the_exported_one(tmp_path: Path) -> None:
    """The comparison would see a file of other weights."""
    torch.manual_seed(2)
    path = tmp_path / "reader.onnx"
    export.to_onnx(net_module.Reader(), path)
    assert export.difference(net_module.Reader().eval(), path) > export.TOLERANCE


@pytest.mark.parametrize("widths", [net_module.Widths(), net_module.NARROW])
def test_a_released_file_becomes_a_net_that_can_go_on_learning(tmp_path: Path, widths: Any) -> None:
    """Same answers as the file, and nearly the same while it learns: each layer is normalised as its pictures ask."""
    pytest.importorskip("onnx")
    torch.manual_seed(6)
    torch.set_num_threads(1)
    path, crops = tmp_path / "reader.onnx", np.tile(striped_crops(), (8, 1, 1))
    net = as_taught(net_module.Reader(dropout=0.0, widths=widths))
    for _ in range(3):
        net(train.normalised(crops))  # its normalisations see these pictures
    export.to_onnx(net.eval(), path)
    back = restore.restored(path, crops)
    assert export.difference(back, path) <= unmerge.TOLERANCE
    x = train.normalised(crops)
    learning = net_module.Reader.holding(back.state_dict(), dropout=0.0)
    with torch.no_grad():
        assert float((learning.train()(x)[0] - back(x)[0]).abs().max()) < 0.02
        assert float((net_module.Reader(dropout=0.0).train()(x)[0] - back(x)[0]).abs().max()) > 0.1


def test_what_was_restored_tells_what_its_release_told() -> None:
    """Released again, its card names the same samples and the same crops."""
    weights = net_module.Reader().state_dict()
    told = restore.checkpoint(weights, {"samples": 900, "training_crops": {"one": 5}})
    assert train.samples_behind(told) == 900
    assert (told["crops"], told["average"]["weights"]) == ({"one": 5}, weights)


def test_a_file_of_another_net_is_not_restored(tmp_path: Path) -> None:
    """It would train on as noise."""
    onnx = pytest.importorskip("onnx")
    path = tmp_path / "reader.onnx"
    export.to_onnx(net_module.Reader().eval(), path)
    model = onnx.load(str(path))
    next(i for i in model.graph.initializer if i.name == "look.grid").name = "look.grit"
    onnx.save(model, str(path))
    with pytest.raises(ValueError, match="not of this net"):
        restore.restored(path, striped_crops())


def test_a_letter_that_hangs_below_the_line_is_squeezed_and_not_cut() -> None:
    """A J without its hook would teach the reader that an I is a J."""
    hook = np.zeros((90, 30), np.uint8)
    hook[:86, 20:26] = 255
    hook[80:86, 4:26] = 255
    drawn = fonts.trim(hook)
    assert drawn.shape[0] == fonts.GLYPH_PX + fonts.TAIL_PX
    assert drawn[-6:, :8].max() == 255
    assert hook[: fonts.GLYPH_PX + fonts.TAIL_PX, :16].max() == 0  # what cutting would have left of it


def test_hard_characters_come_more_often_and_no_serial_leaves_its_pattern() -> None:
    """J stands in a twenty-sixth of the letters by chance alone; letters that an authority skips never come."""
    rng = np.random.default_rng(9)
    serials = [writing.write_serial(rng, "@@@-##", skip="O") for _ in range(3000)]
    letters = "".join(s[:3] for s in serials)
    assert letters.count("J") / len(letters) > 1.2 / 26 > 1 / 26 > letters.count("K") / len(letters)
    assert "O" not in letters
    assert all(s[:3].isalpha() and s[3] == "-" and s[4:].isdigit() and len(s) == 6 for s in serials)


def test_a_tilted_picture_keeps_its_plate_under_its_corners() -> None:
    """The corners turn with the picture: cut out by them, the plate is upright again."""
    rng = np.random.default_rng(8)
    luma = np.full((120, 240), 90, np.uint8)
    luma[40:80, 60:180] = np.tile(np.where(np.arange(120) // 12 % 2, 20, 230), (40, 1)).astype(np.uint8)
    quad = np.asarray([[60, 40], [180, 40], [180, 80], [60, 80]], np.float32)
    straight = photographs.rectify(luma, tuple(map(tuple, quad)), (0.0, 0.0)).astype(float)
    found = photographs.tilted(rng, photographs.Photograph(luma, quad), spread=0.3)
    assert float(np.abs(found.quad - quad).max()) > 2
    again = photographs.rectify(found.luma, tuple(map(tuple, found.quad)), (0.0, 0.0)).astype(float)
    askew = photographs.rectify(found.luma, tuple(map(tuple, quad)), (0.0, 0.0)).astype(float)
    assert np.abs(again - straight).mean() < 12 < np.abs(askew - straight).mean()


def test_the_int8_form_is_small_valid_and_says_nearly_the_same(tmp_path: Path) -> None:
    """Hardly more than half the size; answers move by hundredths of their spread; what stays float is float."""
    onnx = pytest.importorskip("onnx")
    torch.manual_seed(3)
    net, small = tmp_path / "reader.onnx", tmp_path / "reader-int8.onnx"
    export.to_onnx(net_module.Reader(), net)
    crops = [normalise(c) for c in striped_crops()]
    quantise.quantise(net, small, crops, export.KEEP_FLOAT)
    assert small.stat().st_size < 0.55 * net.stat().st_size
    exact, rounded = (np.stack([speed.session(p).run(["logits"], {"crop": c})[0] for c in crops]) for p in (net, small))
    assert np.abs(exact - rounded).max() < 0.1 * np.ptp(exact)
    graph = onnx.load(str(small)).graph
    weights = {i.name for i in graph.initializer if i.data_type == onnx.TensorProto.INT8}
    assert len(weights) > 10
    first = next(n for n in graph.node if n.op_type == "Conv")
    assert not any(w.startswith(first.input[1]) for w in weights)


def test_the_log_of_a_training_becomes_curves(tmp_path: Path) -> None:
    """Lines of both trainings are understood; a log without losses draws nothing."""
    log = tmp_path / "run.log"
    with progress.Telling(log, 0, 1000, "samples") as telling:
        for seen in range(100, 1000, 100):
            telling.step(seen, f"{seen:8d}  loss {5 / seen:.4f}  300/s")
        said = "held out, folded: {'crops-openlpr': '0.910 [0.8, 0.9] n=106', 'read-by-eye': '0.710 [0.6, 0.8] n=69'}"
        telling.scores(said, "openlpr 0.91")
    drawn = curves.panels([log])
    assert [p.title for p in drawn] == ["Training loss", "Held-out plates read right (folded)"]
    assert [line.name for line in drawn[1].lines] == ["openlpr", "read-by-eye"]
    assert curves.draw([log], tmp_path / "curves.png")
    assert (tmp_path / "curves.png").stat().st_size < 150_000
    other = tmp_path / "empty.log"
    other.write_text("nothing\n")
    assert not curves.draw([other], tmp_path / "none.png")


def test_curves_of_a_chain_follow_one_another(tmp_path: Path) -> None:
    """A run that starts anew from another's weights stands behind it; one that counts on is not moved."""
    said = "held out, folded: {'crops-openlpr': '0.910 [0.8, 0.9] n=106'}"
    for name, counts in (("a", (100, 200, 300)), ("b", (100, 250)), ("on", (400, 500))):
        (tmp_path / name).write_text("".join(f"{1000 * n:8d}  loss 0.5  300/s\n" for n in counts) + said + "\n")
    for names, wanted, scored in (
        (("a", "b"), [100, 200, 300, 400, 550], [300, 550]),
        (("a", "on"), [100, 200, 300, 400, 500], [300, 500]),
    ):
        loss, held = curves.panels([tmp_path / name for name in names])
        assert loss.lines[0].xs == wanted
        assert held.lines[0].xs == scored


def test_motion_blur_follows_speed_shutter_and_angle() -> None:
    """50 km/h across at 1/1000 s on a plate of 120 px: 1.39 cm, 3.2 px; straight towards the camera: none."""
    blur = degrade.motion_blur_px(50 / 3.6, 1 / 1000, 120, 90)
    assert abs(blur - 3.2) < 0.05
    assert degrade.motion_blur_px(50 / 3.6, 1 / 2000, 120, 90) == pytest.approx(blur / 2)
    assert degrade.motion_blur_px(50 / 3.6, 1 / 1000, 120, 0) == 0
    assert degrade.streak(5.0, 0.0).sum() == pytest.approx(1)


def test_a_view_loses_sharpness_with_each_fault() -> None:
    """What the sweeps call a fault is one: fewer pixels, a streak, a turn."""
    plate = sweeps.draw_plates(1)[0].luma
    rng = np.random.default_rng(1)
    clean, small = sweeps.look(rng, plate, sweeps.Fault()), sweeps.look(rng, plate, sweeps.Fault(width_px=40))
    turned = sweeps.look(rng, plate, sweeps.Fault(yaw_deg=60))
    blurred = sweeps.look(rng, plate, sweeps.Fault(blur_px=8))
    assert np.ptp(clean.quad[:, 0]) == pytest.approx(120, abs=1)
    assert np.ptp(small.quad[:, 0]) == pytest.approx(40, abs=1)
    assert np.ptp(turned.quad[:, 0]) < 75
    edges = [float(np.abs(np.diff(p.luma.astype(float), axis=1)).mean()) for p in (clean, blurred)]
    assert edges[1] < 0.8 * edges[0]


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


def test_what_the_drawings_cover_is_written_down_as_it_is() -> None:
    """COVERAGE.md says what the tables say; only the speed is of the machine that measured it."""
    kept = coverage.FILE.read_text()
    assert kept.partition(coverage.SPEED)[0].strip() == coverage.coverage().strip()
    assert coverage.SPEED in kept


def test_a_fault_without_a_chance_never_strikes(monkeypatch: pytest.MonkeyPatch) -> None:
    """COVERAGE.md tells the chances that the drawings use: with all of them at none, little is left but the light."""
    monkeypatch.setattr(degrade, "CHANCES", dict.fromkeys(degrade.CHANCES, 0.0))
    plate = sweeps.draw_plates(1)[0].luma
    changes = [_edges(degrade.spoil(np.random.default_rng(i), plate)) / _edges(plate) for i in range(20)]
    monkeypatch.setattr(degrade, "CHANCES", dict.fromkeys(degrade.CHANCES, 1.0))
    worse = [_edges(degrade.spoil(np.random.default_rng(i), plate)) / _edges(plate) for i in range(20)]
    assert np.std(changes) < 0.3
    assert np.std(worse) > np.std(changes)


def _edges(luma: np.ndarray) -> float:
    return float(np.abs(np.diff(luma.astype(float), axis=1)).mean())
