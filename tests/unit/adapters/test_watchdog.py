"""The watchdog is fed by work alone: a fresh frame with an inference that succeeded, never by time."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import numpy as np
import pytest

from platesieve.adapters.local.service_manager import BEAT_S, Pulse, service_manager
from platesieve.adapters.local.watchdog import INFERENCE_S, WatchedCamera, WatchedFinder
from platesieve.domain.errors import LinkError, ModelError
from platesieve.vision.frame import Frame

if TYPE_CHECKING:
    from pathlib import Path

    from platesieve.domain.geometry import Detection


class Stage:
    """A camera, a finder and a clock under one hand; what systemd was told is in `told`."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.told: list[str] = []
        self.number = 0
        self.broken = False
        self.searched: list[Frame] = []
        self.dropped = 0
        self.finder = WatchedFinder(self, lambda: self.now_s)
        self.camera = WatchedCamera(self, self.finder, Pulse(self.told.append, lambda: self.now_s))

    def read(self) -> Frame:
        """Return frame `number`."""
        return Frame(np.full((8, 8), 7, np.uint8), self.number, 0, 0)

    def find(self, frame: Frame) -> tuple[Detection, ...]:
        """Find nothing, or fail."""
        if self.broken:
            raise ModelError("inference failed", "none")
        self.searched.append(frame)
        return ()

    def close(self) -> None:
        """Close nothing."""

    def frames(self, count: int, *, fresh: bool = True, searched: bool = True) -> None:
        """Let frames pass, one each BEAT_S."""
        for _ in range(count):
            self.now_s += BEAT_S
            self.number += fresh
            frame = self.camera.read()
            if searched and frame is not None:
                self.finder.find(frame)


def test_fresh_frames_that_are_searched_feed_it() -> None:
    """Once a second, and not more often."""
    stage = Stage()
    stage.frames(5)

    assert stage.told == ["WATCHDOG=1"] * 5
    for _ in range(100):
        stage.frames(0)
        stage.number += 1
        stage.camera.read()
    assert stage.told == ["WATCHDOG=1"] * 5


def test_the_same_frame_again_feeds_nothing() -> None:
    """A camera that repeats itself hangs."""
    stage = Stage()
    stage.frames(1)
    stage.frames(60, fresh=False)

    assert stage.told == ["WATCHDOG=1"]


def test_a_broken_runtime_feeds_nothing() -> None:
    """Fresh frames alone do not count; the fault is raised, not swallowed."""
    stage = Stage()
    stage.broken = True

    with pytest.raises(ModelError):
        stage.frames(1)
    assert stage.told == []


def test_a_device_that_may_not_read_is_fed_without_a_look_at_the_road() -> None:
    """While it is suspended the runtime proves itself on blank pictures."""
    stage = Stage()
    stage.frames(60, searched=False)

    assert len(stage.told) == 60
    assert 60 / (INFERENCE_S + BEAT_S) <= len(stage.searched) <= 60 / INFERENCE_S + 1
    assert all(not frame.luma.any() for frame in stage.searched)


@pytest.mark.parametrize("abstract", [False, True])
def test_systemd_is_told_through_the_socket_it_names(tmp_path: Path, *, abstract: bool) -> None:
    """A path, or a name in the abstract namespace."""
    name = f"@platesieve-{tmp_path.name}-{id(tmp_path)}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(f"\0{name[1:]}" if abstract else name)
        pulse = Pulse(service_manager({"NOTIFY_SOCKET": name}))
        pulse.ready()
        pulse.beat()

        assert [systemd.recv(64), systemd.recv(64)] == [b"READY=1", b"WATCHDOG=1"]


def test_without_systemd_nobody_is_told() -> None:
    """From the command line there is no watchdog."""
    Pulse(service_manager({})).beat()


def test_a_socket_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """A unit that asks for notifications and cannot get them would be killed later, without a word."""
    with pytest.raises(LinkError, match="notification socket"):
        Pulse(service_manager({"NOTIFY_SOCKET": str(tmp_path / "absent")})).ready()
