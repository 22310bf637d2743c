"""The self-test reads a drawn plate with the real models and leaves a calibration record in the log."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import pytest

from platesieve.adapters.disk.audit_folder import FolderFiles
from platesieve.audit.entry import Part, Result, SelfTest, decode
from platesieve.audit.tiles import bundle_name, unpack_bundle
from platesieve.bootstrap.folders import Folders
from platesieve.bootstrap.log import open_log, verify_own_log
from platesieve.checkup.self_test import log_self_test, read_drawn_plate
from platesieve.domain.errors import AuditError
from platesieve.settings import Settings, Vision

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow


def test_the_drawn_plate_is_read_and_logged(tmp_path: Path) -> None:
    """The entry names result and record; neither of them holds the plate."""
    settings = Settings(state=str(tmp_path / "state"))
    record = read_drawn_plate(settings)
    assert record.passed

    assert log_self_test(settings, record) == 1
    folders = Folders.of(settings)
    (encoded,) = unpack_bundle(FolderFiles(folders.audit).read(bundle_name(0, 1)) or b"")
    entry = decode(encoded)
    assert isinstance(entry, SelfTest)
    assert (entry.part, entry.result, entry.sha256) == (Part.MODELS, Result.PASSED, record.sha256)
    assert "KT84WHM" not in encoded.decode() + json.dumps(asdict(record))
    assert verify_own_log(folders).ok


def test_a_device_that_finds_nothing_fails(tmp_path: Path) -> None:
    """The control: with a threshold that no plate reaches the test says no, and logs that too."""
    settings = Settings(state=str(tmp_path / "state"), vision=Vision(min_detection_score=1.0))
    record = read_drawn_plate(settings)

    assert not record.passed
    assert replace(record, passed=True).sha256 != record.sha256


def test_the_log_has_one_writer(tmp_path: Path) -> None:
    """While the camera process writes, the self-test refuses instead of breaking the log."""
    settings = Settings(state=str(tmp_path / "state"))
    record = read_drawn_plate(replace(settings, vision=Vision(min_detection_score=1.0)))
    log_self_test(settings, record)
    with closing(open_log(settings)), pytest.raises(AuditError):
        log_self_test(settings, record)
