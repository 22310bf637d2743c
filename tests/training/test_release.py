"""What is released is replaced as a whole, once it is checked, and its form is chosen on held-out photographs."""

from __future__ import annotations

import hashlib
import os
import sys
import tomllib
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra `train`")
pytest.importorskip("onnx", reason="needs the extra `train`")
pytest.importorskip("PIL", reason="needs the extra `train`")

from models.common import release  # noqa: E402 - after importorskip
from models.common.checkpoints import MovingAverage, save  # noqa: E402
from models.common.forms import Paired, choose  # noqa: E402
from models.detector import evaluate, judging  # noqa: E402
from models.detector import export as detector_export  # noqa: E402
from models.detector.net import PlateNet  # noqa: E402
from models.reader import export as reader_export  # noqa: E402
from models.reader import sweeps  # noqa: E402
from models.reader.evaluate import Answer, Case  # noqa: E402
from models.reader.net import Reader  # noqa: E402

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.training

EXPORTS = {"reader": (reader_export, Reader), "detector": (detector_export, PlateNet)}


def files_of(folder: Path) -> dict[str, bytes]:
    """Return every file of a folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def table(form: str, version: str, names: dict[str, Path]) -> dict[str, Any]:
    """Return a small table of the manifest for one of two forms."""
    return {"version": version, "form": form, "file": names[form].name, "sha256": release.sha256(names[form])}


@pytest.fixture
def forms(tmp_path: Path) -> dict[str, Path]:
    """Two forms of a model that is ready to be released."""
    (tmp_path / "made").mkdir()
    made = {form: tmp_path / "made" / f"{form}.onnx" for form in ("float", "int8")}
    for form, path in made.items():
        path.write_bytes(f"new {form}".encode())
    return made


@pytest.mark.parametrize("writes", [0, 1, 2])
def test_a_release_that_is_killed_leaves_the_old_one(
    tmp_path: Path, forms: dict[str, Path], monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    """Whichever file it was writing: nothing of the new one is seen. Not killed, all of it is."""
    folder = tmp_path / "released"
    folder.mkdir()
    for path in forms.values():
        (folder / path.name).write_bytes(b"old")
    release.write_table("reader", {"version": "1"}, folder / "released.toml")
    release.write_table("detector", {"version": "7"}, folder / "released.toml")
    before, done = files_of(folder), 0

    def kill(_file: int) -> None:
        nonlocal done
        if done == writes:
            raise KeyboardInterrupt
        done += 1

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", kill)
        with pytest.raises(KeyboardInterrupt):
            release.publish("reader", table("int8", "2", forms), forms, folder)
    assert files_of(folder) == before

    release.publish("reader", table("int8", "2", forms), forms, folder)
    after = files_of(folder)
    assert (after["float.onnx"], after["int8.onnx"]) == (b"new float", b"new int8")
    manifest = tomllib.loads(after["released.toml"].decode())
    assert manifest["reader"]["sha256"] == hashlib.sha256(after["int8.onnx"]).hexdigest()
    assert manifest["detector"] == {"version": "7"}
    assert set(after) == set(before)


def test_what_goes_with_a_model_is_replaced_with_its_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed before the manifest is written, the old file stands; the device holds one against the other."""
    manifest, file = tmp_path / "released.toml", tmp_path / "confusion.json"
    release.publish_beside("confusion", file, b"old", {"reader": "1"}, manifest)
    before, wrote = files_of(tmp_path), []

    def kill(_file: int) -> None:
        wrote.append(1)
        if len(wrote) == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", kill)
        with pytest.raises(KeyboardInterrupt):
            release.publish_beside("confusion", file, b"new", {"reader": "2"}, manifest)
    assert files_of(tmp_path) == before
    release.publish_beside("confusion", file, b"new", {"reader": "2"}, manifest)
    told = tomllib.loads(manifest.read_text())["confusion"]
    assert told == {"file": file.name, "sha256": hashlib.sha256(b"new").hexdigest(), "reader": "2"}
    assert file.read_bytes() == b"new"


def test_a_few_entries_of_a_table_can_be_changed(tmp_path: Path) -> None:
    """All others stay, those of other tables too."""
    manifest = tmp_path / "released.toml"
    release.write_table("reader", {"version": "1", "scores": {"a b": 0.5}}, manifest)
    release.write_table("detector", {"version": "7"}, manifest)
    release.update_table("reader", {"least_plateness": 2.5}, manifest)
    told = tomllib.loads(manifest.read_text())
    assert told["reader"] == {"version": "1", "scores": {"a b": 0.5}, "least_plateness": 2.5}
    assert told["detector"] == {"version": "7"}


def test_a_form_that_is_not_released_is_not_shipped(tmp_path: Path, forms: dict[str, Path]) -> None:
    """An int8 file of an earlier release goes with it."""
    release.publish("reader", table("int8", "1", forms), forms, tmp_path / "released")
    assert (tmp_path / "released" / "int8.onnx").is_file()
    release.publish("reader", table("float", "2", forms), forms, tmp_path / "released")
    assert set(files_of(tmp_path / "released")) == {"float.onnx", "released.toml"}


def test_a_rebuilt_model_never_takes_the_version_of_another(tmp_path: Path) -> None:
    """Without a version it says that it is the released one built again; the first of all is 1."""
    manifest = tmp_path / "released.toml"
    assert release.version_of("reader", None, manifest) == "1"
    release.write_table("reader", {"version": "2.2"}, manifest)
    assert release.version_of("reader", "3", manifest) == "3"
    assert release.version_of("reader", None, manifest) == "2.2+rebuilt"
    release.write_table("reader", {"version": "2.2+rebuilt"}, manifest)
    assert release.version_of("reader", None, manifest) == "2.2+rebuilt"


@pytest.mark.parametrize("role", sorted(EXPORTS))
def test_an_export_that_fails_on_the_way_leaves_what_is_released(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, role: str
) -> None:
    """Its last measurement fails, and no byte has changed; where it does not, files and hash are the new ones."""
    export, kind = EXPORTS[role]
    folder, net = tmp_path / "released", kind()
    folder.mkdir()
    for name in export.FILES.values():
        (folder / name).write_bytes(b"old")
    release.write_table(role, {"version": "1"}, folder / "released.toml")
    save(tmp_path / "net.pt", {"net": net.state_dict(), "average": MovingAverage(net, 0.9).state(), "seen": 5})
    monkeypatch.setenv("PLATESIEVE_DATA", str(tmp_path / "no-photographs"))
    drawn = [(np.random.default_rng(i).integers(0, 256, (48, 160)).astype(np.uint8), "") for i in range(4)]
    monkeypatch.setattr(sweeps, "drawn_crops", lambda _count: drawn)
    monkeypatch.setattr(detector_export, "CALIBRATION_CROPS", 3)
    call = ["export", "--checkpoint", str(tmp_path / "net.pt"), "--version", "9", "--scratch", str(folder)]
    monkeypatch.setattr(sys, "argv", call)
    before = files_of(folder)

    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(export, "milliseconds", fail)
        with pytest.raises(KeyboardInterrupt):
            export.main()
    assert files_of(folder) == before

    export.main()
    entry = tomllib.loads((folder / "released.toml").read_text())[role]
    assert (entry["version"], entry["form"], entry["samples"]) == ("9", "float", 5)
    assert "no photographs were held out" in entry["form_reason"]
    assert entry["sha256"] == release.sha256(folder / entry["file"])
    assert set(files_of(folder)) == {export.FILES["float"], "released.toml"}


def test_the_form_is_chosen_by_paired_losses_and_speed() -> None:
    """Half a point is the most that int8 may lose in any respect, and it must pay."""
    fine, poor = Paired(4, 3, 200), Paired(5, 3, 200)
    assert choose({"a": fine, "b": fine}, 1.6, 0.8, 1.2).form == "int8"
    assert choose({"a": fine, "b": poor}, 1.6, 0.8, 1.2).form == "float"
    assert choose({"a": fine}, 1.6, 1.5, 1.2).form == "float"
    assert choose({"a": Paired(0, 0, 0)}, 1.6, 0.8, 1.2).form == "float"
    assert "b +1.00 points lost: 5 lost and 3 gained of 200" in choose({"a": fine, "b": poor}, 2.0, 1.0, 1.2).reason


def test_two_forms_of_a_reader_are_held_against_the_same_plates() -> None:
    """An O for a 0 is lost strictly and not folded; a plate that only int8 reads is gained."""
    picture = np.zeros((4, 4), np.uint8)
    cases = [Case(picture, (0, 0, 4, 4), text, text) for text in ("AB01", "CD2", "EF3", "GH4")]
    exact = [Answer(text, 1.0) for text in ("AB01", "CD2", "", "GH4")]
    int8 = [Answer(text, 1.0) for text in ("ABO1", "", "EF3", "GH4")]
    assert reader_export.paired(cases, exact, int8) == {"strict": Paired(2, 1, 4), "folded": Paired(1, 1, 4)}


def test_two_forms_of_a_detector_are_held_against_the_same_scenes() -> None:
    """Each at the threshold of the float form: a plate below it is lost, a false plate above it soils its picture."""

    def measured(*scores: float, false: float) -> evaluate.Measured:
        hits = tuple(judging.Found(score, number, false=False) for number, score in enumerate(scores))
        judged = [judging.Judged(2, hits), judging.Judged(0, (judging.Found(false, None, false=True),))]
        return evaluate.Measured(0.5, {}, judged)

    pairs = detector_export.paired(measured(0.9, 0.6, false=0.4), measured(0.9, 0.4, false=0.6))
    assert pairs == {"plates found": Paired(1, 0, 2), "pictures without a false plate": Paired(1, 0, 2)}


def test_without_held_out_scenes_the_released_threshold_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says so; and nothing can be chosen on nothing."""
    monkeypatch.setenv("PLATESIEVE_DATA", str(tmp_path))
    monkeypatch.setattr(evaluate, "finder", lambda *_: SimpleNamespace())
    kept = release.released_table("detector")["thresholds"]
    assert {size: m.threshold for size, m in evaluate.measure(tmp_path / "none.onnx").items()} == kept
    assert "the released thresholds are kept" in capsys.readouterr().out
    with pytest.raises(ValueError, match="cannot be chosen"):
        judging.choose_threshold([])
