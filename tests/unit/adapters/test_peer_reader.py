"""A peer's reader, given as a file: here a tiny network that answers the same in every slot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from onnx import TensorProto, helper

from platesieve.adapters.networks.peer_reader import HEIGHT_PX, SLOTS, WIDTH_PX, PeerReader
from platesieve.domain.errors import ModelError
from platesieve.domain.geometry import Detection
from platesieve.vision.frame import Frame

if TYPE_CHECKING:
    from pathlib import Path

TEXT = "AB1"


def network(path: Path, slots: int = SLOTS) -> Path:
    """Write a network that reads `AB1` and then padding, whatever it is shown."""
    table = np.full((1, 9, slots), 0.0, np.float32)
    for slot in range(9):
        index = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ".index(TEXT[slot]) if slot < len(TEXT) else slots - 1
        table[0, slot, index] = 0.9
    picture = helper.make_tensor_value_info("input", TensorProto.UINT8, [1, HEIGHT_PX, WIDTH_PX, 3])
    answer = helper.make_tensor_value_info("plate", TensorProto.FLOAT, [1, 9, slots])
    constant = helper.make_tensor("table", TensorProto.FLOAT, table.shape, table.ravel())
    nodes = [helper.make_node("Identity", ["table"], ["plate"])]
    graph = helper.make_graph(nodes, "peer", [picture], [answer], [constant])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    return path


def test_slots_become_characters_up_to_the_padding(tmp_path: Path) -> None:
    """Each slot gives one character with its probability; padding gives none."""
    reader = PeerReader(network(tmp_path / "peer.onnx"), 1)
    frame = Frame(np.zeros((60, 200), np.uint8), 0, 0, 0)
    corners = ((10.0, 10.0), (110.0, 10.0), (110.0, 40.0), (10.0, 40.0))
    read = reader.read(frame, Detection(corners, 1.0))

    assert read is not None
    assert read.text.reveal() == TEXT
    assert read.confidence == pytest.approx(0.9)


def test_a_box_outside_the_picture_is_no_read(tmp_path: Path) -> None:
    """Nothing to look at is nothing read, not a fault."""
    reader = PeerReader(network(tmp_path / "peer.onnx"), 1)
    frame = Frame(np.zeros((60, 200), np.uint8), 0, 0, 0)
    outside = ((500.0, 10.0), (600.0, 10.0), (600.0, 40.0), (500.0, 40.0))

    assert reader.read(frame, Detection(outside, 1.0)) is None


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    """Missing, no network at all, or one with other classes: each is a ModelError with a hint."""
    (tmp_path / "text.onnx").write_text("not a network")
    for path in (tmp_path / "missing.onnx", tmp_path / "text.onnx", network(tmp_path / "odd.onnx", slots=40)):
        with pytest.raises(ModelError):
            PeerReader(path, 1)
