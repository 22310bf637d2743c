"""Networks that came signed: newer ones run from the next start on; whatever is wrong with them, the installed do."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from platesieve.adapters.delivery import fetchers
from platesieve.adapters.delivery.addressed import Kind
from platesieve.adapters.networks.delivered_models import start_networks
from platesieve.adapters.networks.released_models import MANIFEST, find_manifest, load_released
from platesieve.audit import entry as log
from platesieve.flow.books import Facts
from platesieve.settings import Vision
from tests.fakes.agency import Agency, Receiver

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

VISION = Vision()
UNKNOWN_FIELD = b"\xfa\x3e\x00"  # protobuf field 1007, length 0: another file, the same network


def delivered(detector: str = "99.0", reader: str = "99.0") -> dict[str, bytes]:
    """Return a pair under other versions: the installed detector with three bytes more that change nothing."""
    pair = [load_released("detector"), load_released("reader")]
    text = find_manifest().read_text()
    for model, version in zip(pair, (detector, reader), strict=True):
        head = f'[{model.role}]\nname = "{model.name}"\nversion = "'
        assert f'{head}{model.version}"' in text
        text = text.replace(f'{head}{model.version}"', f'{head}{version}"')
    other = pair[0].data + UNKNOWN_FIELD
    text = text.replace(f'\nsha256 = "{pair[0].sha256}"', f'\nsha256 = "{sha256(other).hexdigest()}"')
    return {MANIFEST: text.encode(), pair[0].table["file"]: other, pair[1].table["file"]: pair[1].data}


def test_a_newer_pair_that_came_signed_runs(tmp_path: Path) -> None:
    """All the way from the agency's folder; its versions stand in the log."""
    agency = Agency(tmp_path)
    for name, data in delivered().items():
        agency.add(f"models/{name}", data)
    agency.publish()
    device = Receiver(tmp_path / "device", agency.root)
    device.take(fetchers.folder(agency.mirror))
    kept = device.store.current()
    assert kept is not None

    networks = start_networks(VISION, {one.name: one.data for one in kept.of_kind(Kind.MODELS)})

    assert networks.refused is None
    assert networks.detector.version == "99.0"
    assert networks.detector.sha256 != load_released("detector").sha256
    facts = Facts("", "", {}, tuple((one.role, one.version, one.sha256) for one in networks.delivered))
    entries = facts.updates(0)
    assert [(one.component, one.stage, one.version) for one in entries] == [
        (log.Component.DETECTOR, log.UpdateStage.ACTIVATED, "99.0"),
        (log.Component.READER, log.UpdateStage.ACTIVATED, "99.0"),
    ]
    assert all(log.decode(log.encode(one)) == one for one in entries)


def changed(files: dict[str, bytes]) -> dict[str, bytes]:
    """Change the detector after it was released."""
    name = load_released("detector").table["file"]
    return {**files, name: files[name] + b"x"}


def no_network(files: dict[str, bytes]) -> dict[str, bytes]:
    """Release something that is no network."""
    name, old = load_released("detector").table["file"], files[load_released("detector").table["file"]]
    text = files[MANIFEST].decode().replace(sha256(old).hexdigest(), sha256(b"no network").hexdigest())
    return {**files, name: b"no network", MANIFEST: text.encode()}


@pytest.mark.parametrize(
    ("files", "says"),
    [
        (lambda: changed(delivered()), "not the released one"),
        (lambda: no_network(delivered()), "detector"),
        (lambda: delivered(detector="0.1"), "not newer"),
        (lambda: delivered(load_released("detector").version, load_released("reader").version), "not newer"),
        (lambda: delivered(detector="newest"), "version of numbers"),
        (lambda: {MANIFEST: delivered()[MANIFEST]}, "did not come"),
        (lambda: {MANIFEST: b"[detector"}, "cannot be read"),
        (lambda: {"detector.onnx": b"alone"}, "without their"),
    ],
)
def test_a_pair_that_is_wrong_is_refused_and_the_installed_one_runs(
    files: Callable[[], dict[str, bytes]], says: str
) -> None:
    """The same checks as for the installed ones, and no way back to an older pair; the log has it."""
    networks = start_networks(VISION, files())

    assert networks.refused is not None
    assert says in networks.refused.message
    assert networks.detector.sha256 == load_released("detector").sha256
    assert networks.finder is not None
    entries = Facts("", "", {}, (), models_refused=True).updates(0)
    assert {one.stage for one in entries} == {log.UpdateStage.REFUSED}
    assert len(entries) == 2


def test_without_a_delivery_or_with_the_installed_pair_nothing_is_said() -> None:
    """A device that gets none, and one to which its own are delivered again."""
    pair = [load_released("detector"), load_released("reader")]
    own = {MANIFEST: find_manifest().read_bytes(), **{one.table["file"]: one.data for one in pair}}

    for files in ({}, own):
        networks = start_networks(VISION, files)
        assert networks.refused is None
        assert networks.delivered == ()
