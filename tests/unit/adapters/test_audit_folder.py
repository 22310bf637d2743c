"""The log on a disk: durable in order, back to the last checkpoint after a crash, refused where it does not fit."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from platesieve.adapters.disk.audit_folder import AuditFolder, FolderFiles
from platesieve.audit.entry import Component, LogRepaired, Resumed, Suspended, Updated, UpdateStage
from platesieve.audit.log_files import read_entries
from platesieve.audit.verdict import Fault
from platesieve.audit.verify import verify_log
from platesieve.domain.errors import AuditError
from tests.fakes.log_files import OTHER_SIGNER, SIGNER, START_NS, LogInMemory, many, one_of_each

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from platesieve.audit.entry import Entry


def test_what_was_appended_is_there_after_a_restart(tmp_path: Path) -> None:
    """Entries of every type, over several appends, bundles and starts, verify and are read back."""
    entries = one_of_each() + many(600)
    for start in range(0, len(entries), 150):
        with AuditFolder(tmp_path / "log", SIGNER) as log:
            note = log.append(entries[start : start + 150])
            assert log.size == min(start + 150, len(entries))
            assert log.checkpoint == note

    files = FolderFiles(tmp_path / "log")
    assert verify_log(files, SIGNER.verifier, note.encode()).ok
    assert [entry for _, entry in read_entries(files, len(entries))] == entries


def test_the_files_are_those_of_the_same_log_in_memory(tmp_path: Path) -> None:
    """Old partial tiles are gone; nothing but the lock stands beside the log."""
    expected = LogInMemory()
    with AuditFolder(tmp_path, SIGNER) as log:
        for number in (1, 254, 1, 1, 300):
            assert log.append(many(number)).encode() == expected.grow(many(number)).checkpoint

    files = FolderFiles(tmp_path)
    assert {name: files.read(name) for name in files.names() if name != "lock"} == expected.content


def test_appending_nothing_changes_nothing(tmp_path: Path) -> None:
    """The newest checkpoint is the answer."""
    with AuditFolder(tmp_path, SIGNER) as log:
        assert log.append([]) == log.checkpoint
        assert log.size == 0


def test_folders_and_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    """And tiles tell nothing by their time."""
    with AuditFolder(tmp_path / "state" / "log", SIGNER) as log:
        log.append(many(1))

    tile = tmp_path / "state/log/tile/0/000.p/1"
    assert (tmp_path / "state/log").stat().st_mode & 0o777 == 0o700
    assert tile.stat().st_mode & 0o777 == 0o600
    assert tile.stat().st_mtime_ns == 0


def test_a_suspension_outlives_a_restart(tmp_path: Path) -> None:
    """The last command counts, however long ago it came."""
    suspend, resume = Suspended(START_NS), Resumed(START_NS)
    appended: list[list[Entry]] = [[], [suspend], many(600), [resume, suspend], [resume]]
    answers = []
    for command in appended:
        with AuditFolder(tmp_path, SIGNER) as log:
            log.append(command)
        with AuditFolder(tmp_path, SIGNER) as log:
            answers.append(log.suspended)

    assert answers == [False, True, True, True, False]


def test_what_the_log_says_of_the_system_is_found_behind_other_updates(tmp_path: Path) -> None:
    """Newest first, over bundles; an update of a network is none of the system."""
    system = [
        Updated(START_NS, Component.SYSTEM, UpdateStage.ACTIVATED, f"0.{number}.0", from_version="0.0.1")
        for number in (1, 2)
    ]
    network = Updated(START_NS, Component.READER, UpdateStage.ACTIVATED, "9.0.0")
    with AuditFolder(tmp_path, SIGNER) as log:
        log.append([system[0], *many(600), system[1], network])
        log.append(many(300))
    with AuditFolder(tmp_path, SIGNER) as log:
        assert list(log.system_updates()) == system[::-1]


def test_a_second_writer_is_refused_and_the_first_goes_on(tmp_path: Path) -> None:
    """Two writers would sign two histories."""
    with AuditFolder(tmp_path, SIGNER) as log:
        with pytest.raises(AuditError, match="another platesieve") as refused:
            AuditFolder(tmp_path, SIGNER)
        assert "state folder of its own" in refused.value.hint
        log.append(many(1))
    AuditFolder(tmp_path, SIGNER).close()


def test_a_closed_log_takes_nothing(tmp_path: Path) -> None:
    """The lock is gone, so another may be writing."""
    log = AuditFolder(tmp_path, SIGNER)
    log.close()
    log.close()

    with pytest.raises(AuditError, match="closed"):
        log.append(many(1))


def test_leftovers_of_a_crash_are_logged_and_removed(tmp_path: Path) -> None:
    """Tiles beyond the checkpoint, and a checkpoint that was not renamed, were never part of the log."""
    with AuditFolder(tmp_path, SIGNER) as log:
        before = log.append(many(3))
    (tmp_path / "tile/0/000.p/7").write_bytes(b"half a ti")
    (tmp_path / "tile/entries/000.p/7").write_bytes(b"")
    (tmp_path / "checkpoint.new").write_bytes(b"half a che")
    (tmp_path / "notes.txt").write_text("of the auditor")

    with AuditFolder(tmp_path, SIGNER, now_ns=lambda: START_NS + 3 * 10**9) as log:
        assert log.size == 4
        assert {path.name for path in tmp_path.iterdir()} == {"checkpoint", "lock", "tile", "notes.txt"}
        log.append(many(5, first=4))

    files = FolderFiles(tmp_path)
    assert [entry for _, entry in read_entries(files, 9)][3] == LogRepaired(START_NS + 3 * 10**9, 2)
    assert verify_log(files, SIGNER.verifier, before.encode()).findings == ()


def test_what_a_later_checkpoint_replaced_is_removed_without_an_entry(tmp_path: Path) -> None:
    """A crash after the rename lost nothing: the control of the test above."""
    with AuditFolder(tmp_path, SIGNER) as log:
        log.append(many(3))
        old = [
            (tmp_path / name, (tmp_path / name).read_bytes()) for name in FolderFiles(tmp_path).names() if ".p" in name
        ]
        after = log.append(many(300, first=3))
    for file, content in old:
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(content)

    with AuditFolder(tmp_path, SIGNER) as log:
        assert log.checkpoint == after
    assert verify_log(FolderFiles(tmp_path), SIGNER.verifier).findings == ()


@pytest.mark.parametrize("call", ["open", "write", "fsync"])
@pytest.mark.parametrize("at", range(1, 6))
def test_a_repair_that_fails_is_done_and_logged_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, at: int
) -> None:
    """Nothing is removed before the entry about it is durable."""
    with AuditFolder(tmp_path, SIGNER) as log:
        log.append(many(3))
    (tmp_path / "tile/0/000.p/7").write_bytes(b"half a ti")

    with monkeypatch.context() as broken:
        broken.setattr(os, call, _failing(call, at))
        with suppress(AuditError):
            AuditFolder(tmp_path, SIGNER).close()
    with AuditFolder(tmp_path, SIGNER) as log:
        size = log.size

    repaired = [entry for _, entry in read_entries(FolderFiles(tmp_path), size) if isinstance(entry, LogRepaired)]
    assert repaired
    assert not (tmp_path / "tile/0/000.p/7").exists()


@pytest.mark.parametrize("size", [1, 3, 255, 256, 257, 600])
def test_any_change_at_the_end_of_the_log_is_found_at_start(tmp_path: Path, size: int) -> None:
    """The newest bundle and tiles lead to the signed root, or nothing is read."""
    good = tmp_path / "good"
    with AuditFolder(good, SIGNER) as log:
        log.append(many(size))
    newest = size - 1
    ends = [name for name in FolderFiles(good).names() if f"/{newest // 256:03d}" in name or "/1/" in name]
    for name in [*ends, "checkpoint"]:
        content = (good / name).read_bytes()
        for changed in (content[:-1] + bytes([content[-1] ^ 1]), content[:-1], b"", content + b"\0"):
            bad = shutil.copytree(good, tmp_path / "bad")
            (bad / name).write_bytes(changed)
            with pytest.raises(AuditError):
                AuditFolder(bad, SIGNER)
            assert (bad / name).read_bytes() == changed, "what is refused is left for the auditor"
            shutil.rmtree(bad)
    AuditFolder(good, SIGNER).close()


def test_a_missing_or_shortened_old_tile_is_found_at_start(tmp_path: Path) -> None:
    """Every file is asked for its length; its content is for `audit verify`."""
    with AuditFolder(tmp_path, SIGNER) as log:
        log.append(many(600))
    tile = tmp_path / "tile/0/000"
    content = tile.read_bytes()

    tile.write_bytes(content[:-32])
    with pytest.raises(AuditError, match="truncated"):
        AuditFolder(tmp_path, SIGNER)
    tile.unlink()
    with pytest.raises(AuditError, match="tile/0/000 is missing"):
        AuditFolder(tmp_path, SIGNER)
    tile.write_bytes(content)
    AuditFolder(tmp_path, SIGNER).close()


def test_a_log_is_never_begun_on_top_of_entries(tmp_path: Path) -> None:
    """Whoever removes the checkpoint does not get a fresh start."""
    with AuditFolder(tmp_path, SIGNER) as log:
        log.append(many(3))
    (tmp_path / "checkpoint").unlink()

    with pytest.raises(AuditError, match="no checkpoint"):
        AuditFolder(tmp_path, SIGNER)


@pytest.mark.parametrize("mistake", ["key", "origin"])
def test_the_log_of_another_device_is_refused(tmp_path: Path, mistake: str) -> None:
    """Its key and origin are checked before a byte is written."""
    AuditFolder(tmp_path, SIGNER).close()
    before = (tmp_path / "checkpoint").read_bytes()

    with pytest.raises(AuditError):
        AuditFolder(tmp_path, OTHER_SIGNER if mistake == "key" else SIGNER, "x" if mistake == "origin" else None)
    assert (tmp_path / "checkpoint").read_bytes() == before


def _failing(call: str, at: int) -> Callable[..., object]:
    """Return os.<call> that fails once, at its `at`-th use, as a full disk does."""
    real, uses = getattr(os, call), 0

    def sometimes(*arguments: object, **options: object) -> object:
        nonlocal uses
        uses += 1
        if uses == at:
            raise OSError(28, "No space left on device")
        return real(*arguments, **options)

    return sometimes


@pytest.mark.parametrize("call", ["open", "write", "fsync", "utime"])
@pytest.mark.parametrize("at", range(1, 9))
def test_after_any_failure_the_log_verifies_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, at: int
) -> None:
    """A full disk stops the append, never the log: what is on disk verifies, and the next append works."""
    with AuditFolder(tmp_path, SIGNER) as log:
        before = log.append(many(255))
        with monkeypatch.context() as broken:
            broken.setattr(os, call, _failing(call, at))
            with suppress(AuditError):
                log.append(many(3, first=255))
        assert verify_log(FolderFiles(tmp_path), SIGNER.verifier, before.encode()).ok
        after = log.append(many(1, first=258))
        # 256: nothing was written; 257: what was written is logged; 259: only the very last step failed, all are in
        assert log.size in {256, 257, 259}
    verdict = verify_log(FolderFiles(tmp_path), SIGNER.verifier, after.encode())
    assert verdict.ok
    assert {finding.fault for finding in verdict.findings} <= {Fault.TIME}  # of the repair, by the clock of today


def test_a_full_disk_is_an_error_with_a_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control of the test above: the failure is not passed over."""
    with AuditFolder(tmp_path, SIGNER) as log:
        monkeypatch.setattr(os, "write", _failing("write", 1))
        with pytest.raises(AuditError, match="No space left") as refused:
            log.append(many(1))
    assert "free space" in refused.value.hint


def test_an_entry_that_cannot_be_written_leaves_the_log_as_it_was(tmp_path: Path) -> None:
    """It is refused before the first byte."""
    with AuditFolder(tmp_path, SIGNER) as log:
        before = log.append(many(1))
        with pytest.raises(AuditError, match="longer"):
            log._edge.extended([bytes(70_000)])  # type: ignore[union-attr]
        assert log.append([]) == before


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    """With what to do about it; a file where the folder should be serves as the obstacle, also for root."""
    (tmp_path / "state").write_text("")

    with pytest.raises(AuditError, match="cannot be opened") as refused:
        AuditFolder(tmp_path / "state" / "log", SIGNER)
    assert "writable" in refused.value.hint


def test_an_append_is_one_commit_and_few_fsyncs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two files, their two folders, the checkpoint, its folder: a card of a camera is slow."""
    forced: list[int] = []
    real = os.fsync

    def counted(descriptor: int) -> None:
        forced.append(descriptor)
        real(descriptor)

    with AuditFolder(tmp_path, SIGNER) as log:
        log.append(many(1))
        monkeypatch.setattr(os, "fsync", counted)
        log.append(many(1))

    assert len(forced) == 6
