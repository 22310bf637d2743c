"""What the installer's page is made of, without a browser: the veil, the door, the minute, the file."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from platesieve.adapters.cameras.video import VideoCamera
from platesieve.adapters.networks.onnx_models import OnnxPlateFinder, OnnxPlateReader
from platesieve.aiming.door import MOST_WRONG, Door
from platesieve.aiming.field_check import FieldCheck, Sure
from platesieve.aiming.lookout import Areas
from platesieve.aiming.profiles import profiles_of
from platesieve.aiming.settings_file import areas_of, excerpt, write
from platesieve.aiming.veil import veiled
from platesieve.bootstrap.aim import await_address, take_asked, where_to_answer
from platesieve.bootstrap.look import demo_files
from platesieve.domain.errors import ConfigError, InputError
from platesieve.domain.instant import Instant
from platesieve.settings import Aiming, Exposure, Settings, Vision
from platesieve.vision.frame import Frame
from tests.fakes.clock import FakeClock
from tests.fakes.passages import a_sighting

if TYPE_CHECKING:
    from pathlib import Path

S = 1_000_000_000
SQUARE = ((0.1, 0.1), (0.4, 0.1), (0.4, 0.4))


def test_no_plate_can_be_read_in_the_picture_that_leaves() -> None:
    """Found or overlooked: our own reader reads none of them. The control: it does, in the frame."""
    finder, reader = OnnxPlateFinder(Vision()), OnnxPlateReader(Vision())
    camera = VideoCamera(demo_files()[0], FakeClock(), pace="fast")
    clear = found_out = overlooked = 0
    for number in range(135):
        frame = camera.read()
        assert frame is not None
        if number % 12:
            continue
        plates = [one for one in finder.find(frame) if not one.faint]
        truth = {read.text for one in plates if (read := reader.read(frame, one)) is not None and read.confidence > 0.9}
        clear += len(truth)
        for shown, hidden in ((veiled(frame, plates), True), (veiled(frame, ()), False)):
            luma = cv2.imdecode(np.frombuffer(shown, np.uint8), cv2.IMREAD_GRAYSCALE)
            assert luma is not None
            back = Frame(np.asarray(cv2.resize(luma, (frame.width, frame.height)), np.uint8), 0, 1, 1)
            texts = {read.text for one in plates if (read := reader.read(back, one)) is not None}
            found_out += len(texts & truth) if hidden else 0
            overlooked += len(texts & truth) if not hidden else 0
    camera.close()

    assert clear >= 10
    assert found_out == 0
    assert overlooked <= clear // 4  # the second veil alone; the first one is what is relied on


def test_a_code_counts_once_and_guessing_shuts_the_door() -> None:
    """Five tries a minute for everybody together; after twenty wrong ones nobody comes in."""
    shown: list[str] = []
    door = Door(shown.append)
    cookie = door.enter(f" {shown[0].lower()} ", 0.0)

    assert cookie is not None
    assert door.knows(cookie)
    assert not door.knows("")
    assert door.enter(shown[0], 1.0) is None
    assert door.enter(shown[1], 2.0) not in {None, cookie}
    assert not door.knows(cookie)  # one installer at a time
    for minute in range(1, 9):
        for _ in range(5):
            door.enter("AAAA-AAAA", 61.0 * minute)
    assert door.shut
    assert door.enter(shown[-1], 10_000.0) is None
    assert MOST_WRONG == 20


def test_a_field_check_tells_strict_from_uncertain_and_forgets() -> None:
    """After a minute two counts are left; without a check nothing is kept at all."""
    check = FieldCheck(Sure(0.9, 2))
    sure = replace(a_sighting("ABC123", 0.97, Instant(1, 1)), agreeing_frames=5)
    unsure = replace(sure, agreeing_frames=1)
    check.add(sure, 0)
    assert check.shown(0)["reads"] == []
    check.start(0)
    check.add(sure, S)
    check.add(unsure, 2 * S)
    reads = check.shown(59 * S)["reads"]

    assert [(read["text"], read["strict"]) for read in reads] == [("ABC123", False), ("ABC123", True)]  # type: ignore[attr-defined]
    assert check.shown(60 * S) == {"left_s": 0.0, "reads": [], "strict": 1, "uncertain": 1}
    assert check._kept == []


def test_areas_are_written_whole_and_comments_stay(tmp_path: Path) -> None:
    """Valid ones; what a device would refuse leaves the file as it was."""
    file = tmp_path / "platesieve.toml"
    file.write_text('# mine\npolicy = "us-mn"  # the law\n\n[vision]\nthreads = 2\n')
    before = file.read_text()
    areas = areas_of({"masks": [SQUARE], "regions": []})

    write(file, file, areas)
    written = file.read_text()
    assert written.startswith(before)
    assert tomllib.loads(written)["vision"] == {"threads": 2, "masks": [[list(corner) for corner in SQUARE]]}
    assert tomllib.loads(excerpt(areas))["vision"]["masks"] == tomllib.loads(written)["vision"]["masks"]
    with pytest.raises(ConfigError):
        write(file, file, Areas(masks=(((2.0, 0.0), (0.0, 0.0), (0.0, 1.0)),)))
    assert file.read_text() == written
    write(file, file, Areas())
    assert "masks" not in file.read_text()
    assert list(tmp_path.iterdir()) == [file]


def test_profiles_follow_areas_into_the_same_file(tmp_path: Path) -> None:
    """Where the changed settings go elsewhere first, the second change keeps the first; a value left out is gone."""
    file, target = tmp_path / "platesieve.toml", tmp_path / "aim.toml"
    file.write_text("[exposure]\nhold_s = 5  # dusk\n[exposure.day]\ngain = 2.0\n")
    wanted = profiles_of({"day": {"shutter_us": 900}, "night": {"ir": True}, "only": "night"}, Exposure(hold_s=5))

    write(file, target, Areas(masks=(SQUARE,)))
    write(file, target, wanted.exposure)
    written = tomllib.loads(target.read_text())
    assert wanted.only == "night"
    assert written["vision"]["masks"] == [[list(corner) for corner in SQUARE]]
    assert written["exposure"] == {"hold_s": 5, "day": {"shutter_us": 900, "ir": False}, "night": {"ir": True}}
    assert "# dusk" in target.read_text()
    assert "masks" not in file.read_text()


@pytest.mark.parametrize(
    "document",
    [
        None,
        {"day": {}, "night": {}},
        {"day": {}, "night": {}, "only": "noon"},
        {"day": {"shutter_us": "fast"}, "night": {}, "only": None},
        {"day": {"ir_switch": "/etc/passwd"}, "night": {}, "only": None},
        {"day": {"gain": 0.5}, "night": {}, "only": None},
        {"day": {"shutter_us": 70_000}, "night": {}, "only": None},
    ],
)
def test_profiles_that_are_none_are_refused(document: object) -> None:
    """Whatever somebody sends; and the lamp's file is nothing that a page may name."""
    with pytest.raises(InputError):
        profiles_of(document, Exposure())


def test_an_address_that_the_device_has_not_is_said() -> None:
    """After a moment of waiting, since at boot the network may come later; its own is there at once."""
    clock = FakeClock()
    await_address("127.0.0.1", clock)
    assert clock.slept_s == []
    with pytest.raises(ConfigError, match=r"192\.0\.2\.7"):
        await_address("192.0.2.7", clock)
    assert 5 <= sum(clock.slept_s) <= 10


@pytest.mark.parametrize("document", [[], {"other": []}, {"masks": [[["a", 0]]]}, {"masks": [[[0.1]]]}, {"masks": 3}])
def test_areas_that_are_none_are_refused(document: object) -> None:
    """Whatever somebody sends."""
    with pytest.raises(InputError):
        areas_of(document)


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "224.0.0.1", "localhost", ""])  # noqa: S104 - refused
def test_the_page_never_answers_on_every_network(tmp_path: Path, address: str) -> None:
    """One address of one interface, or none at all."""
    with pytest.raises(ConfigError):
        where_to_answer(Settings(aiming=Aiming(address=address)), tmp_path)


def test_beyond_loopback_it_speaks_https(tmp_path: Path) -> None:
    """With a certificate of its own and a fingerprint to compare."""
    plain, none = where_to_answer(Settings(), tmp_path)
    where, fingerprint = where_to_answer(Settings(aiming=Aiming(address="192.0.2.7")), tmp_path)

    assert (plain.scheme, none) == ("http", None)
    assert where.scheme == "https"
    assert fingerprint is not None
    assert len(fingerprint.split(":")) == 32


def test_what_was_asked_for_counts_once(tmp_path: Path) -> None:
    """The file is gone before anything opens, so that a restart opens nothing; a wrong one is refused."""
    file = tmp_path / "aim"
    file.write_text("20 BRIDGE-SEVEN\n")
    asked = take_asked(tmp_path)

    assert (asked.minutes, asked.code) == (20, "BRIDGE-SEVEN")
    assert not file.exists()
    with pytest.raises(InputError, match="nobody"):
        take_asked(tmp_path)
    for wrong in ("31", "0", "soon", "10 x"):
        file.write_text(wrong)
        with pytest.raises(InputError, match="wrong"):
            take_asked(tmp_path)
        assert not file.exists()
