"""A witness file is thinned whole or not at all, and no writer beside loses a line."""

from __future__ import annotations

import fcntl
import os
import resource
import signal
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from platesieve.adapters.disk.witness_file import WitnessFile
from platesieve.audit.checkpoint import Checkpoint
from platesieve.audit.thinning import Spacing
from platesieve.audit.witness import Kept, Seen, newest_accepted
from platesieve.domain.errors import StorageError
from tests.fakes.log_files import SIGNER, START_NS, S

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DAYS, AN_HOUR = 20, 12


def kept(size: int, at_s: float, seen: Seen = Seen.GREW) -> Kept:
    """Return a line; roots mean nothing here."""
    return Kept(START_NS + round(at_s * S), seen, SIGNER.sign(Checkpoint(SIGNER.name, size, bytes(32)).text))


@pytest.fixture(scope="module")
def content() -> bytes:
    """Return twenty days of a busy hour each, with one contradiction in the middle."""
    whole = [(day * 86_400 + number * 300, Seen.GREW) for day in range(DAYS) for number in range(AN_HOUR)]
    whole.insert(30, (2 * 86_400 + 1, Seen.FORKED))
    return b"".join(kept(size, *line).line.encode() for size, line in enumerate(whole, 1))


@pytest.fixture
def path(tmp_path: Path, content: bytes) -> Path:
    """Return it as a file."""
    file = tmp_path / "metro-pd_bridge-7_cam-1.witness"
    file.write_bytes(content)
    file.chmod(0o640)
    return file


def test_what_stays_stays_byte_for_byte(path: Path, content: bytes) -> None:
    """Also where another program wrote it; rights stay, and what has nothing to lose is not written anew."""
    spaced = content.replace(b'{"checkpoint": ', b'{ "checkpoint":  ', 1)
    path.write_bytes(spaced)
    foreseen = WitnessFile(path).thin(Spacing(), dry_run=True)
    assert path.read_bytes() == spaced

    thinned = WitnessFile(path).thin(Spacing())
    lines = path.read_bytes().splitlines(keepends=True)
    assert thinned == foreseen
    assert (thinned.lines_before, thinned.lines) == (DAYS * AN_HOUR + 1, len(lines))
    assert (thinned.bytes_before, thinned.bytes) == (len(spaced), path.stat().st_size)
    assert len(lines) < 150
    assert [line for line in spaced.splitlines(keepends=True) if line in lines] == lines
    assert path.stat().st_mode & 0o777 == 0o640
    assert b"forked" in b"".join(lines)

    before = path.stat().st_ino
    again = WitnessFile(path).thin(Spacing())
    assert (again.lines, path.stat().st_ino) == (thinned.lines, before)
    assert list(path.parent.iterdir()) == [path]


def test_a_file_that_cannot_be_read_keeps_everything(path: Path) -> None:
    """A line that is cut off, or none at all."""
    for damaged in (
        path.read_bytes()[:-5],
        path.read_bytes()[:-1],
        b"?" + path.read_bytes(),
        b"\n" + path.read_bytes(),
    ):
        path.write_bytes(damaged)
        with pytest.raises(StorageError, match="cannot be read"):
            WitnessFile(path).thin(Spacing())
        assert path.read_bytes() == damaged


def crashes(path: Path, at: int, act: Callable[[], object]) -> bool:
    """Do something in a process that is gone in the middle of its write, sync, rename or removal number `at`."""
    child = os.fork()
    if child == 0:
        calls = 0

        def dies(name: str) -> Callable[..., Any]:
            real = getattr(os, name)

            def instead(*arguments: Any) -> Any:
                nonlocal calls
                calls += 1
                if calls == at and name == "write":
                    real(arguments[0], arguments[1][:1000])
                if calls == at:
                    os._exit(1)
                return real(*arguments)

            return instead

        for name in ("write", "fsync", "replace", "unlink", "fchmod"):
            setattr(os, name, dies(name))
        act()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert path.exists()
    return os.waitstatus_to_exitcode(status) == 1


def torn(path: Path, content: bytes, make: Callable[[Path], WitnessFile]) -> list[int]:
    """Return the steps at which a crash leaves neither the old file nor the new one."""
    path.write_bytes(content)
    WitnessFile(path).thin(Spacing())
    new, bad, at = path.read_bytes(), [], 1
    while True:
        path.write_bytes(content)
        crashed = crashes(path, at, lambda: make(path).thin(Spacing()))
        if path.read_bytes() not in {content, new}:
            bad.append(at)
            path.write_bytes(content)
        WitnessFile(path).thin(Spacing())  # what was left over is in nobody's way
        assert path.read_bytes() == new
        assert list(path.parent.iterdir()) == [path]
        if not crashed:
            return bad
        at += 1


class InPlace(WitnessFile):
    """Writes over the old file."""

    def _replace(self, lasts: list[bytes]) -> None:
        descriptor = os.open(self._path, os.O_WRONLY | os.O_TRUNC)
        os.write(descriptor, b"".join(lasts))
        os.fsync(descriptor)
        os.close(descriptor)


def test_a_crash_leaves_the_old_file_or_the_new_one(path: Path, content: bytes) -> None:
    """At every step; the control writes in place and is caught."""
    assert torn(path, content, WitnessFile) == []
    assert torn(path, content, InPlace) != []


@pytest.mark.parametrize("locked", [True, False])
def test_who_adds_while_a_file_is_thinned_loses_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch, *, locked: bool
) -> None:
    """Between reading and renaming another writer comes: it waits, and its line stands in the new file.

    Without the lock, the control, it adds to the file that is thrown away.
    """
    added = kept(9999, 86_400 * DAYS)
    real = WitnessFile._replace
    if not locked:
        monkeypatch.setattr(fcntl, "flock", lambda *_: None)

    def adds() -> None:
        with WitnessFile(path).alone():
            WitnessFile(path).add(added)

    writer = threading.Thread(target=adds)

    def meanwhile(self: WitnessFile, lasts: list[bytes]) -> None:
        writer.start()
        writer.join(0.3 if locked else None)
        real(self, lasts)

    monkeypatch.setattr(WitnessFile, "_replace", meanwhile)
    WitnessFile(path).thin(Spacing())
    writer.join()
    assert (newest_accepted(WitnessFile(path).kept) == added) is locked


def test_two_processes_add_while_a_third_thins(path: Path) -> None:
    """Contradictions, which all stay: each of them is there at the end."""
    children = []
    for who in (1, 2):
        child = os.fork()
        if child == 0:
            for number in range(60):
                with WitnessFile(path).alone():
                    WitnessFile(path).add(kept(who * 1000 + number, DAYS * 86_400, Seen.ROLLED_BACK))
                time.sleep(0.005)
            os._exit(0)
        children.append(child)
    rounds = 0
    while children:  # a day more is thinned in each round
        WitnessFile(path).thin(Spacing(every_days=max(DAYS - 1 - rounds, 1)))
        rounds += 1
        done, status = os.waitpid(children[0], os.WNOHANG)
        assert status == 0
        children = children[1:] if done else children
    sizes = [line.checkpoint.size for line in WitnessFile(path).kept if line.seen is Seen.ROLLED_BACK]
    assert sorted(sizes) == [*range(1000, 1060), *range(2000, 2060)]
    assert rounds > 1


def test_a_disk_that_is_full_leaves_no_half_line(path: Path, content: bytes) -> None:
    """The line is refused and the file goes on as it was: half a line would make all others unreadable."""
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(content) + 100, len(content) + 100))
        try:
            with WitnessFile(path).alone():
                WitnessFile(path).add(kept(9999, 0))
        except StorageError:
            os._exit(0)
        os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert path.read_bytes() == content


def test_what_was_not_worth_a_line_leaves_no_file(tmp_path: Path) -> None:
    """A refused checkpoint of a device that was never seen; the next one begins its file."""
    path = tmp_path / "new.witness"
    with WitnessFile(path).alone():
        assert list(WitnessFile(path).kept) == []
    assert not path.exists()
    with WitnessFile(path).alone():
        WitnessFile(path).add(kept(1, 0, Seen.FIRST))
    assert [line.seen for line in WitnessFile(path).kept] == [Seen.FIRST]
    assert path.stat().st_mode & 0o777 == 0o600
