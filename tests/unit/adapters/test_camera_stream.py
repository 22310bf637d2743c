"""USB cameras and network streams: what is missing is said without the password in the address."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from platesieve.adapters.cameras.stream import StreamSource, without_secrets
from platesieve.domain.errors import CameraError
from tests.fakes.clock import FakeClock

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "hunter2"  # noqa: S105 - the password that must not appear


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        (f"rtsp://admin:{SECRET}@192.0.2.7:554/live", "rtsp://192.0.2.7:554"),
        (f"rtsp://192.0.2.7/live?user=admin&password={SECRET}", "rtsp://192.0.2.7"),
        (f"rtsp://admin:p@{SECRET}/?#@host/live", "rtsp://host"),
        (f"rtsp://{SECRET}@[2001:db8::1]:8554/x", "rtsp://[2001:db8::1]:8554"),
        (f"http://host/{SECRET}/stream.mjpg", "http://host"),
        (f"/home/{SECRET}/clip", "the stream"),
    ],
)
def test_an_address_is_shown_without_what_may_be_secret(address: str, shown: str) -> None:
    """Only scheme and host remain, however oddly the password is written."""
    assert without_secrets(address) == shown
    assert SECRET not in without_secrets(address)


def test_a_network_camera_that_does_not_answer(capfd: pytest.CaptureFixture[str]) -> None:
    """The error names the host, never the password, and FFmpeg prints nothing of its own."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    address = f"rtsp://admin:{SECRET}@127.0.0.1:{port}/live"
    with pytest.raises(CameraError, match=f"127.0.0.1:{port}") as refused:
        StreamSource(address, FakeClock())
    assert SECRET not in str(refused.value)
    assert SECRET not in repr(refused.value.__cause__)
    printed = capfd.readouterr()
    assert SECRET not in printed.out + printed.err


def test_a_usb_camera_that_is_not_there(capfd: pytest.CaptureFixture[str]) -> None:
    """The hint says what to look at, and OpenCV stays silent."""
    with pytest.raises(CameraError, match="USB camera 93") as refused:
        StreamSource(93, FakeClock())
    assert "/dev/video" in refused.value.hint
    assert capfd.readouterr().err == ""


def test_a_stream_that_breaks_off_has_gone_away(tmp_path: Path) -> None:
    """The end of a stream is a fault, never the quiet end of a finite source."""
    import cv2  # noqa: PLC0415 - only to write the clip that stands for the stream
    import numpy as np  # noqa: PLC0415 - as above

    path = tmp_path / "clip.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 10, (64, 48))
    for level in (50, 100):
        writer.write(np.full((48, 64, 3), level, np.uint8))
    writer.release()
    source = StreamSource(str(path), FakeClock())
    frames = [source.read(), source.read()]
    assert [frame.number for frame in frames if frame] == [0, 1]
    with pytest.raises(CameraError, match="went away"):
        source.read()
    source.close()
