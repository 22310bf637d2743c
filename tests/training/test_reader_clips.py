"""What filmed clips show is said at run time, because it may stand in no file here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from models.reader.clips import drawn_clip, expected_clips

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.training


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two clips; the file beside them says what one of them shows."""
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "expected.toml").write_text('"a.mp4" = ["DEMO1", "DEMO2"]\n')
    return tmp_path


def test_a_clip_without_texts_is_skipped_aloud(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And the clip beside it, whose texts are known, is watched with the demo's."""
    assert expected_clips([], [], folder) == drawn_clip() | {folder / "a.mp4": ["DEMO1", "DEMO2"]}
    assert "skipped b.mp4: nobody said what it shows; give --clip PATH --expect" in capsys.readouterr().out


def test_the_command_line_goes_before_the_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same clip is not watched twice, however its path is written."""
    given = [folder / ".." / folder.name / "a.mp4", folder / "b.mp4"]
    found = expected_clips(given, ["DEMO3", "DEMO4,DEMO5"], folder)
    assert {path.name: texts for path, texts in found.items() if path.parent == folder} == {
        "a.mp4": ["DEMO3"],
        "b.mp4": ["DEMO4", "DEMO5"],
    }
    assert "skipped" not in capsys.readouterr().out


def test_clips_and_texts_come_in_pairs(folder: Path) -> None:
    """A clip must not be judged by the plates of another."""
    with pytest.raises(SystemExit, match="1 --clip and 0 --expect"):
        expected_clips([folder / "a.mp4"], [], folder)
    with pytest.raises(SystemExit, match=r"no such clip: c\.mp4"):
        expected_clips([folder / "c.mp4"], ["DEMO1"], folder)


def test_the_demo_alone_where_there_are_no_clips(tmp_path: Path) -> None:
    """Its plates are drawn."""
    (texts,) = expected_clips([], [], tmp_path / "absent").values()
    assert len(texts) == len(set(texts)) > 1
