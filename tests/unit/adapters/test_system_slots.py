"""What root noted of updates is read as a closed list; whatever else stands there says nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from platesieve.adapters.local.system_slots import running_system, tries
from platesieve.flow.system_updates import Try

if TYPE_CHECKING:
    from pathlib import Path

HASH = "a1" * 32


def test_notes_are_read_in_their_order(tmp_path: Path) -> None:
    """A version that could not be found out is none; lines of earlier programs, with a hash alone, say too little."""
    (tmp_path / "tried").write_text(f"{HASH}\n{HASH} refused 0.1.0 -\n{HASH} written 1 0.2.0\n")

    assert tries(tmp_path / "tried", tmp_path / "trial") == (
        Try(HASH, "0.1.0", None, refused=True),
        Try(HASH, "1.0", "0.2.0", refused=False),
    )
    assert tries(tmp_path / "none", tmp_path / "trial") == ()


def test_a_slot_that_has_still_to_be_started_waits(tmp_path: Path) -> None:
    """Between installation and reboot the camera process may start again; it must not say that the update failed."""
    (tmp_path / "tried").write_text(f"{HASH} refused 0.1.0 -\n{HASH} written 0.1.0 0.2.0\n")
    (tmp_path / "trial").touch()
    assert [one.refused for one in tries(tmp_path / "tried", tmp_path / "trial")] == [True]
    (tmp_path / "trial").unlink()
    assert [one.refused for one in tries(tmp_path / "tried", tmp_path / "trial")] == [True, False]


@pytest.mark.parametrize(
    "line",
    [
        f"{HASH} sold 0.1.0 0.2.0",
        f"{HASH} refused 0.1.0 0.2.0 by-somebody",
        f"{HASH[:-1]} refused 0.1.0 0.2.0",
        f"{HASH.upper()} refused 0.1.0 0.2.0",
    ],
)
def test_a_line_that_says_anything_else_says_nothing(tmp_path: Path, line: str) -> None:
    """There is no place for words of root's own."""
    (tmp_path / "tried").write_text(f"{line}\n{HASH} refused ABC123 ABC123\n")

    assert tries(tmp_path / "tried", tmp_path / "trial") == (Try(HASH, None, None, refused=True),)


def test_notes_that_are_no_file_are_said_to_be_missing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The device goes on: what runs is in the log without them."""
    assert tries(tmp_path, tmp_path / "trial") == ()
    assert "cannot be read" in caplog.text


@pytest.mark.parametrize(("text", "version"), [("0.2.0\n", "0.2.0"), ("2\n", "2.0"), ("ABC123\n", None), ("é", None)])
def test_the_version_is_one_that_the_log_can_hold(tmp_path: Path, text: str, version: str | None) -> None:
    """Otherwise none: a system with an odd name must not keep its device from reading."""
    (tmp_path / "version").write_text(text)
    assert running_system(tmp_path / "version") == version
    assert running_system(tmp_path / "none") is None
