"""Break every system call of the audit log, cut the power at every one: no promise is broken, the log verifies.

Each test has a control: a writer with the order or the fsyncs wrong, which the same judge must condemn.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from platesieve.adapters.disk.audit_folder import AuditFolder, FolderFiles
from platesieve.audit.entry import ReadingStarted
from platesieve.audit.note import NoteSigner
from platesieve.audit.verdict import Fault
from platesieve.audit.verify import verify_log
from platesieve.domain.errors import AuditError
from tests.integration.audit_writer import NAME, SEED, STEPS
from tests.integration.power_cut import Recorder, rebuild

if TYPE_CHECKING:
    from collections.abc import Iterable

pytestmark = pytest.mark.integration

WRITER = Path(__file__).with_name("audit_writer.py")
CALLS = ("openat", "write", "fsync", "rename", "unlink", "mkdir", "rmdir", "utimensat")
SIGNER = NoteSigner(NAME, SEED)
LINE = re.compile(r"^\d+ +(\w+)\(")


def judge(folder: Path, promise: str | None) -> str | None:
    """Return what is wrong with a log after a fault, or None: it verifies, keeps its promise and goes on."""
    files = FolderFiles(folder)
    witness = promise.encode() if promise else None
    if promise or files.read("checkpoint") is not None:
        verdict = verify_log(files, SIGNER.verifier, witness)
        if not verdict.ok:
            return verdict.sentence
    try:
        with AuditFolder(folder, SIGNER) as log:
            log.append([ReadingStarted(10**15)])
    except AuditError as error:
        return f"does not go on: {error.message}"
    verdict = verify_log(files, SIGNER.verifier, witness)
    stray = any(finding.fault is Fault.STRAY for finding in verdict.findings)
    return None if verdict.ok and not stray else f"after the next append: {verdict.sentence}"


def strace(folder: Path, *options: str, order: str = "right") -> tuple[int, list[str], str]:
    """Run the writer under strace; return its exit code, its promises and the trace.

    Without --seccomp-bpf, which is faster but under which strace 6.1 injects no signal.
    """
    folder.mkdir()
    trace = str(folder / "trace")
    writer = [sys.executable, "-B", str(WRITER), str(folder / "log"), order]
    done = subprocess.run(
        ["strace", "-f", "-y", "-o", trace, "-e", f"trace={','.join(CALLS)}", *options, *writer],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONHASHSEED": "0"},
    )
    promises = [line.replace("|", "\n") for line in done.stdout.splitlines()]
    return done.returncode, promises, Path(trace).read_text() if Path(trace).exists() else done.stderr


@pytest.fixture(scope="module")
def points(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, int]]:
    """Return every system call that the writer makes below its log: its name, and the how-maniethe it is."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    folder = tmp_path_factory.mktemp("dry") / "run"
    code, promises, trace = strace(folder)
    if code != 0 and ("PTRACE" in trace or "ptrace" in trace):
        pytest.skip("this machine does not let processes be traced")
    assert (code, len(promises)) == (0, len(STEPS)), trace
    seen, found = dict.fromkeys(CALLS, 0), []
    for line in trace.splitlines():
        if call := LINE.match(line):
            seen[call[1]] += 1
            if str(folder / "log") in line:
                found.append((call[1], seen[call[1]]))
    return found


def _faults(points: Iterable[tuple[str, int]], kinds: tuple[str, ...]) -> list[tuple[str, int, str]]:
    """Return each point once with each kind of fault; `error` alternates between a broken and a full disk."""
    faults = []
    for number, (call, when) in enumerate(points):
        for kind in kinds:
            error = ("error=EIO", "error=ENOSPC")[number % 2]
            faults.append((call, when, error if kind == "error" else kind))
    return faults


def _tried(folder: Path, fault: tuple[str, int, str], order: str = "right") -> str | None:
    call, when, kind = fault
    inject = f"inject={call}:{kind}:when={when}"
    code, promises, trace = strace(folder, "-e", inject, order=order)
    hit = "+++ killed by SIGKILL" in trace or re.search(rf"{re.escape(str(folder))}.*INJECTED", trace)
    problem = judge(folder / "log", promises[-1] if promises else None)
    if problem is None and not hit:
        problem = "the fault did not hit the log"
    if problem is None and kind.startswith("error") and (code, len(promises)) != (0, len(STEPS)):
        problem = f"the writer did not get over it: {len(promises)} promises, exit code {code}"
    shutil.rmtree(folder)
    return problem and f"{inject}: {problem}"


def _all_tried(tmp_path: Path, faults: list[tuple[str, int, str]], order: str = "right") -> list[str]:
    with ThreadPoolExecutor(6) as pool:
        problems = pool.map(lambda numbered: _tried(tmp_path / str(numbered[0]), numbered[1], order), enumerate(faults))
        return [problem for problem in problems if problem]


def test_no_system_call_that_dies_or_fails_breaks_a_promise(
    tmp_path: Path, points: list[tuple[str, int]], capsys: pytest.CaptureFixture[str]
) -> None:
    """SIGKILL at, and a disk error or a full disk from, each system call below the log."""
    faults = _faults(points, ("signal=KILL", "error"))

    problems = _all_tried(tmp_path, faults)

    with capsys.disabled():
        sys.stderr.write(f"\naudit log: {len(problems)} of {len(faults)} faults broke something (95 % bound ")
        sys.stderr.write(f"{100 * 3 / len(faults):.1f} %)\n")
    assert len(faults) > 150
    assert problems == []


def test_a_writer_with_the_wrong_order_is_condemned(tmp_path: Path, points: list[tuple[str, int]]) -> None:
    """The control: with the checkpoint before the tiles, a kill leaves a log that does not verify."""
    faults = _faults([point for point in points if point[0] == "fsync"], ("signal=KILL",))

    assert any("missing" in problem for problem in _all_tried(tmp_path, faults, "checkpoint-first"))


def _recorded(folder: Path, monkeypatch: pytest.MonkeyPatch, drop_fsync_of: str = "") -> Recorder:
    """Return what a writer does to a folder that is there already."""
    folder.mkdir()
    recorder = Recorder(folder, drop_fsync_of)
    with monkeypatch.context() as patched:
        recorder.install(patched)
        with AuditFolder(folder, SIGNER) as log:
            for step in STEPS:
                recorder.promise(log.append([ReadingStarted(number * 10**9) for number in range(step)]))
    return recorder


def _happens(chance: random.Random, likelihood: float) -> bool:
    return chance.random() < likelihood


def _cut_everywhere(recorder: Recorder, tmp_path: Path, draws: int) -> tuple[int, list[str]]:
    chance = random.Random(7)  # noqa: S311 - draws crash images, the same in each run
    problems, images = [], 0
    for cut in range(1, len(recorder.calls) + 1):
        for draw in range(draws + 2):
            image = tmp_path / "image"
            likelihood = (0.0, 1.0, 0.5)[min(draw, 2)]
            promise = rebuild(recorder.calls[:cut], image, partial(_happens, chance, likelihood))
            images += 1
            if problem := judge(image, promise):
                problems.append(f"cut after {recorder.calls[cut - 1][:2]}: {problem}")
            shutil.rmtree(image)
    return images, problems


def test_no_power_cut_breaks_a_promise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """After each call: nothing unforced survived, all of it did, or any part of it."""
    recorder = _recorded(tmp_path / "log", monkeypatch)
    monkeypatch.setattr(os, "fsync", lambda _: None)  # the images need not survive anything

    images, problems = _cut_everywhere(recorder, tmp_path, draws=1)

    with capsys.disabled():
        sys.stderr.write(f"\naudit log: {len(problems)} of {images} power cuts broke something (95 % bound ")
        sys.stderr.write(f"{100 * 3 / images:.2f} %)\n")
    assert images > 200
    assert problems == []


@pytest.mark.parametrize("forgotten", ["file", "folder"])
def test_a_writer_that_forgets_an_fsync_is_condemned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forgotten: str
) -> None:
    """The control: without the fsync of files, or of folders, a power cut breaks a promise."""
    recorder = _recorded(tmp_path / "log", monkeypatch, forgotten)
    monkeypatch.setattr(os, "fsync", lambda _: None)

    _, problems = _cut_everywhere(recorder, tmp_path, draws=0)

    assert problems
