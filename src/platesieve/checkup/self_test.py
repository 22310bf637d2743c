"""Read a drawn plate with this device's own models, and write into the audit log how that went.

The plate is part of the clip that ships with the program; nobody's. The entry is the calibration record that laws on
plate readers ask operators for (for example North Carolina G.S. 20-183.31).
"""

from __future__ import annotations

import hashlib
import tomllib
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

import rfc8785

from platesieve import __version__
from platesieve.adapters.cameras.setting import Replay, open_camera
from platesieve.adapters.local.system_clock import SystemClock
from platesieve.adapters.networks.released_models import load_released
from platesieve.audit.entry import Part, Result, SelfTest
from platesieve.bootstrap.folders import Folders
from platesieve.bootstrap.log import open_log
from platesieve.bootstrap.look import demo_files
from platesieve.bootstrap.sight import build_sight
from platesieve.domain.plate import PlateText

if TYPE_CHECKING:
    from platesieve.settings import Settings

_LOOKED_S: Final = 3.4  # of the clip: one vehicle comes, is read, and is gone
_WHICH: Final = 1  # of the vehicles in it: the first one that drives


@dataclass(frozen=True, slots=True)
class SelfTestRecord:
    """What the test did and found; no plate is in it.

    Attributes:
        passed: whether the drawn plate was read right.
        frames: frames that were looked at.
        passes: vehicles that were read in them.
        version: of the program.
        detector_sha256: of the model that found plates.
        reader_sha256: of the model that read them.
    """

    passed: bool
    frames: int
    passes: int
    version: str
    detector_sha256: str
    reader_sha256: str

    @property
    def sha256(self) -> str:
        """Return the hash that the audit log keeps, over the record as canonical JSON (RFC 8785)."""
        return hashlib.sha256(rfc8785.dumps(asdict(self))).hexdigest()


def read_drawn_plate(settings: Settings) -> SelfTestRecord:
    """Look at a part of the shipped clip with the device's own settings for vision.

    Raises:
        ModelError: a model is missing, changed or cannot run.
    """
    clip, hotlist = demo_files()
    drawn = tomllib.loads(hotlist.with_name("street.toml").read_text(encoding="utf-8"))
    expected = PlateText(drawn["vehicle"][_WHICH]["text"])
    sight = build_sight(settings)
    frames, texts = 0, []
    with closing(open_camera(str(clip), SystemClock(assume=True), Replay(pace="fast"))) as camera:
        while frames < _LOOKED_S * drawn["rate_hz"] and (frame := camera.read()) is not None:
            frames += 1
            texts += [sighting.text for sighting in sight.look(frame).sightings]
    texts += [sighting.text for sighting in sight.finish()]
    return SelfTestRecord(
        passed=expected in texts,
        frames=frames,
        passes=len(texts),
        version=__version__,
        detector_sha256=load_released("detector").sha256,
        reader_sha256=load_released("reader").sha256,
    )


def log_self_test(settings: Settings, record: SelfTestRecord) -> int:
    """Append the outcome to the device's audit log; return the size of the log.

    Raises:
        AuditError: the log cannot be written, or the camera process has it open.
    """
    Folders.of(settings).refuse_root()
    result = Result.PASSED if record.passed else Result.FAILED
    now = SystemClock(assume=settings.device.assume_clock).now()
    with closing(open_log(settings)) as log:
        log.append([SelfTest(now.wall_ns, Part.MODELS, result, record.sha256)])
        return log.size
