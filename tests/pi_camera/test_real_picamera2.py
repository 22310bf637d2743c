"""Our Pi camera over the real Picamera2 and libcamera, whose virtual camera replays pictures.

`python -m tests.pi_camera` makes a system that has both, and runs this in it; elsewhere it is skipped.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import tomllib
import urllib.request
from contextlib import closing
from itertools import islice, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from platesieve.adapters.cameras.newest_frame import Patience
from platesieve.adapters.cameras.raspberry_pi import Picamera2Source
from platesieve.adapters.cameras.setting import open_camera
from platesieve.adapters.disk.audit_folder import FolderFiles
from platesieve.adapters.local.system_clock import SystemClock
from platesieve.audit.entry import Batch
from platesieve.audit.log_files import read_entries
from platesieve.domain.errors import CameraError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

pytest.importorskip("libcamera", reason="python -m tests.pi_camera makes a system that has it")
from platesieve.dashboard.credentials import form_token
from tests.browser.aiming import device
from tests.pi_camera import replay

pytestmark = [
    pytest.mark.integration,
    pytest.mark.timeout(180),
    pytest.mark.filterwarnings("ignore:setDaemon:DeprecationWarning"),  # picamera2's own
]
WIDE, HIGH = replay.SIZE_PX
CAMERA = f"picamera2:{WIDE}x{HIGH}@60"
DEMO = Path(__file__).parents[2] / "src/platesieve/demo_data"
STREET = tomllib.loads((DEMO / "street.toml").read_text())
BACK_WITHIN_S = 10.0
ENOUGH_ROUNDS = 20  # of all pictures: the newest frame is read, and a busy machine misses some of one round


def chart(number: int) -> NDArray[np.uint8]:
    """Return a picture that tells its number by its brightness, and left from right and top from bottom."""
    picture = np.full((HIGH, WIDE, 3), 40 + 20 * number, np.uint8)
    picture[: HIGH // 4, : WIDE // 4] = 255
    picture[-HIGH // 4 :, -WIDE // 4 :] = 0
    picture[HIGH // 2 :, : WIDE // 8] = (200, 30, 30)  # colour, which must not be seen but as brightness
    return picture


def street() -> Iterator[NDArray[np.uint8]]:
    """Yield the part of the drawn street in which the wanted vehicle and others pass."""
    source = cv2.VideoCapture(str(DEMO / "street.mp4"))
    for number in range(150):
        _, picture = source.read()
        if number >= 45:
            yield picture.astype(np.uint8, copy=False)
    source.release()


@pytest.fixture(autouse=True)
def unstalled() -> Iterator[None]:
    """Let frames come at the start of each test."""
    replay.install()
    yield
    replay.STALLED.unlink(missing_ok=True)


def test_frames_are_the_brightness_of_what_the_camera_sees() -> None:
    """Every picture arrives, upright, with the brightness that OpenCV finds in it; no colour passes."""
    pictures = [chart(number) for number in range(6)]
    replay.show(pictures)
    expected = {number: cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY) for number, picture in enumerate(pictures)}
    seen: set[int] = set()
    with closing(Picamera2Source(SystemClock(), size_px=replay.SIZE_PX, rate_hz=60)) as source:
        for _ in range(ENOUGH_ROUNDS * 6 * replay.SHOWN_TIMES):
            frame = source.read()
            assert frame is not None
            luma = frame.luma
            number = round((float(luma[HIGH // 2, WIDE // 2]) - 40) / 20)
            seen.add(number)
            assert luma.shape == (HIGH, WIDE)
            assert np.abs(luma.astype(int) - expected[number]).mean() < 2.0
            if seen == set(expected):
                break

    assert seen == set(range(6))


def test_times_are_the_sensors_own() -> None:
    """Monotonic times run forward, are of this boot and younger than a second; wall time goes with them."""
    replay.show(chart(number) for number in range(4))
    with closing(Picamera2Source(SystemClock(), size_px=replay.SIZE_PX, rate_hz=60)) as source:
        frames = [source.read() for _ in range(12)]
        now_ns, wall_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME), time.time_ns()
    found = [frame for frame in frames if frame is not None]
    assert len(found) == 12
    for earlier, later in pairwise(found):
        assert later.number == earlier.number + 1
        assert later.monotonic_ns > earlier.monotonic_ns
    assert 0 < now_ns - found[-1].monotonic_ns < 1e9
    assert abs((found[-1].wall_ns - found[-1].monotonic_ns) - (wall_ns - now_ns)) < 50e6


def test_every_buffer_goes_back_to_libcamera() -> None:
    """A hundred frames pass through four buffers. The control keeps them, and the fifth never comes."""
    replay.show(chart(number) for number in range(3))
    with closing(Picamera2Source(SystemClock(), size_px=replay.SIZE_PX, rate_hz=240)) as source:
        assert all(source.read() is not None for _ in range(100))
        camera = source._camera
        kept = [camera.capture_request(wait=2.0) for _ in range(4)]
        with pytest.raises(TimeoutError):
            camera.capture_request(wait=2.0)
        for request in kept:
            request.release()


def test_a_camera_that_is_taken_is_refused_and_can_be_opened_when_it_is_free_again() -> None:
    """One process holds it; afterwards it opens again and again in the same process, as the aiming page needs."""
    replay.show([chart(1)])
    for _ in range(3):
        with closing(Picamera2Source(SystemClock(), size_px=replay.SIZE_PX, rate_hz=60)) as source:
            assert source.read() is not None
            with pytest.raises(CameraError, match="no Pi camera answers, or another program holds it"):
                Picamera2Source(SystemClock(), size_px=replay.SIZE_PX, rate_hz=60)


def test_a_size_that_the_camera_has_not_is_refused() -> None:
    """The library quietly takes the nearest size; a picture of another size than configured is never read."""
    replay.show([chart(1)])
    with pytest.raises(CameraError, match="640 x 480 at 60 frames per second: the Pi camera gives 1280 x 720 instead"):
        Picamera2Source(SystemClock(), size_px=(640, 480), rate_hz=60)
    with closing(Picamera2Source(SystemClock(), size_px=replay.SIZE_PX, rate_hz=60)) as source:
        assert source.read() is not None  # the refusal gave the camera back


def test_a_picture_that_stands_still_is_no_camera() -> None:
    """Frames come with fresh times, but a sensor has noise: the same picture again and again is a frozen one."""
    replay.show([chart(2)])
    with closing(open_camera(CAMERA, SystemClock(), patience=Patience(freeze_s=1.0))) as camera:
        start_s = time.monotonic()
        with pytest.raises(CameraError, match="froze"):
            list(iter(camera.read, None))
        assert time.monotonic() - start_s < 3.0


def environment() -> dict[str, str]:
    """Return the environment in which every Python has a camera that replays."""
    return {**os.environ, "PYTHONPATH": f"{Path(__file__).parent / 'inside'}:{Path(__file__).parents[2]}"}


HANG = """
import json, threading, time
from contextlib import closing
from platesieve.adapters.cameras.newest_frame import Patience
from platesieve.adapters.cameras.setting import open_camera
from platesieve.adapters.local.system_clock import SystemClock
from platesieve.domain.errors import CameraError
from tests.pi_camera import replay

with closing(open_camera("picamera2:1280x720@60", SystemClock(), patience=Patience(stall_s=2.0))) as camera:
    for _ in range(5):
        camera.read()
    replay.STALLED.touch()
    start_s = time.monotonic()
    try:
        while camera.read() is not None:
            pass
    except CameraError as error:
        said, noticed_s = error.message, time.monotonic() - start_s
print(json.dumps([said, noticed_s, time.monotonic() - start_s]), flush=True)
"""


def test_a_camera_that_hangs_in_libcamera_is_noticed() -> None:
    """`capture_request` never returns; the reader is told within its patience; closing and the process's end go on."""
    replay.show(chart(number) for number in range(4))
    command = [sys.executable, "-c", HANG]  # a process of its own: the camera that hangs is lost to this one
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False, timeout=30)
    said, noticed_s, closed_s = json.loads(done.stdout)

    assert "stalled" in said
    assert 1.9 <= noticed_s < 4.0  # two clocks that round, on a machine that may be busy
    assert closed_s < noticed_s + 1.5
    assert done.returncode == 0, done.stderr


class Device:
    """`platesieve run` over this camera, in processes of its own, without a broker."""

    def __init__(self, folder: Path, *before: str) -> None:
        self.state, self.said = folder / "state", folder / "said"
        settings = folder / "platesieve.toml"
        settings.write_text(
            f'camera = "{CAMERA}"\npolicy = "count-only"\nstate = "{self.state}"\n'
            "device.assume_clock = true\naudit.batch_s = 1.0\n"
        )
        command = [*before, sys.executable, "-m", "platesieve", "run", "--config", str(settings)]
        with self.said.open("ab") as said:
            self._process = subprocess.Popen(command, stdout=said, stderr=said, env=environment())

    def camera_process(self) -> int | None:
        """Return the id of the process that holds the camera now."""
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                words = (folder / "cmdline").read_bytes().split(b"\0")
                parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
            except OSError:
                continue
            if int(parent) == self._process.pid and b"camera" in words:
                return int(folder.name)
        return None

    def batches(self) -> list[Batch]:
        """Return what the audit log tells of reading."""
        checkpoint = self.state / "camera/audit/checkpoint"
        size = int(checkpoint.read_text().splitlines()[1]) if checkpoint.exists() else 0
        files = FolderFiles(self.state / "camera/audit")
        return [entry for _, entry in read_entries(files, size) if isinstance(entry, Batch)] if size else []

    def end(self) -> int:
        """Stop it and return its exit code."""
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(30)


def waited(condition: Any, limit_s: float) -> float | None:
    """Return how many seconds something took to come; None where it did not."""
    start_s = time.monotonic()
    while time.monotonic() - start_s < limit_s:
        if condition():
            return time.monotonic() - start_s
        time.sleep(0.05)
    return None


def platesieve(*words: str) -> subprocess.CompletedProcess[str]:
    """Run a command as a person does."""
    command = [sys.executable, "-m", "platesieve", *words]
    return subprocess.run(command, env=environment(), capture_output=True, text=True, check=False, timeout=100)


def test_a_device_reads_the_street_and_comes_back_after_a_stall(tmp_path: Path) -> None:
    """Vehicles are counted; the camera hangs; another process is there within ten seconds; the log is whole."""
    replay.show(street())
    device = Device(tmp_path)
    try:
        assert waited(lambda: any(b.sightings for b in device.batches()), 60), device.said.read_text()
        before = device.camera_process()
        replay.STALLED.touch()
        noticed_s = waited(lambda: device.camera_process() != before, 15)
        read_before = len(device.batches())
        replay.STALLED.unlink()
        back_s = waited(lambda: any(b.frames for b in device.batches()[read_before:]), 15)
        again_s = waited(lambda: any(b.sightings for b in device.batches()[read_before:]), 60)
    finally:
        exit_code = device.end()
    said = device.said.read_text()
    audit = device.state / "camera"
    verified = platesieve("audit", "verify", str(audit / "audit"), "--vkey", str(audit / "audit.vkey"))

    print(f"another process after {noticed_s:.1f} s, its frames {back_s:.1f} s later")  # noqa: T201 - shown by pytest -rP
    assert "stalled" in said
    assert noticed_s is not None
    assert back_s is not None
    assert noticed_s < BACK_WITHIN_S  # the promise: another process
    assert noticed_s + back_s < 2 * BACK_WITHIN_S  # and its frames, with models loaded on a machine that does more
    assert again_s is not None, said
    assert "Traceback" not in said
    assert (exit_code, verified.returncode) == (0, 0), said + verified.stderr


MEMORY = """
import ctypes, mmap, os, sys
assert ctypes.CDLL(None, use_errno=True).prctl(65, 1, 0, 0, 0) == 0, "prctl(PR_SET_MDWE)"
try:
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
except OSError:
    os.execv(sys.argv[1], sys.argv[1:])
sys.exit("memory can be written and executed: nothing was tested")
"""


def test_picamera2_needs_no_memory_that_is_written_and_executed(tmp_path: Path) -> None:
    """What the service's MemoryDenyWriteExecute forbids, forbidden by the kernel (PR_SET_MDWE) for all processes."""
    replay.show(street())
    device = Device(tmp_path, sys.executable, "-c", MEMORY)
    try:
        reads = waited(lambda: any(b.sightings for b in device.batches()), 60)
    finally:
        exit_code = device.end()

    assert reads is not None, device.said.read_text()
    assert exit_code == 0


def test_doctor_and_self_test_look_through_the_real_camera(tmp_path: Path) -> None:
    """The camera's line names the size; a stalled camera fails with what mends it."""
    replay.show(islice(street(), 10))
    settings = tmp_path / "platesieve.toml"
    settings.write_text(f'camera = "{CAMERA}"\npolicy = "count-only"\nstate = "{tmp_path}/state"\n')
    well = json.loads(platesieve("doctor", "--config", str(settings), "--json").stdout)
    replay.STALLED.touch()
    ill = json.loads(platesieve("doctor", "--config", str(settings), "--json").stdout)
    by_name = [{line["subject"]: line for line in report} for report in (well, ill)]

    assert by_name[0]["camera"]["mark"] == by_name[0]["focus"]["mark"] == "pass"
    assert f"{WIDE}x{HIGH}" in by_name[0]["camera"]["found"]
    assert by_name[1]["camera"]["mark"] == "fail"
    assert "stalled" in by_name[1]["camera"]["found"]


def test_the_aiming_page_looks_through_the_real_camera(tmp_path: Path) -> None:
    """Pictures and numbers come; a night's profile is taken by a camera without a shutter; it is given back."""
    replay.show(street())
    with device(tmp_path, camera=CAMERA) as one:
        page = {"Origin": one.address, "Content-Type": "application/json"}
        entered = ask(one.address, "/enter", page, {"code": one.codes[-1]})
        page["Cookie"] = entered.headers["Set-Cookie"].partition(";")[0]
        page["X-Page"] = form_token(page["Cookie"].partition("=")[2])
        assert waited(lambda: json.load(ask(one.address, "/told", page)).get("width_px"), 60) is not None
        told = json.load(ask(one.address, "/told", page))
        night = {"shutter_us": 4000, "gain": 8, "ir": False}
        turned = ask(one.address, "/profiles", page, {"only": "night", "day": night, "night": night})
        picture = cv2.imdecode(np.frombuffer(ask(one.address, "/picture", page).read(), np.uint8), cv2.IMREAD_GRAYSCALE)
        time.sleep(1)
        after = json.load(ask(one.address, "/told", page))

    assert told["fps"] > 0
    assert told["exposure_ms"] is None  # this camera does not say, and nothing is made up
    assert turned.status == 200
    assert picture is not None
    assert picture.std() > 20
    assert (after["fault"], after["daytime"]) == (None, "night")
    with closing(Picamera2Source(SystemClock(), size_px=replay.SIZE_PX, rate_hz=60)) as source:
        assert source.read() is not None


def ask(address: str, path: str, headers: dict[str, str], body: object = None) -> Any:
    """Ask the page for something, as a browser does."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{address}{path}", data, headers)  # noqa: S310 - our own address
    return urllib.request.urlopen(request, timeout=10)  # noqa: S310 - the same
