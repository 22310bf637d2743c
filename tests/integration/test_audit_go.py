"""A verifier that others wrote agrees with ours on every log: tests/audit_go, on Go's sumdb/note and sumdb/tlog."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from platesieve.audit.verdict import Outcome
from tests.fakes.log_files import OTHER_SIGNER, SIGNER
from tests.vectors.audit.tampered_logs import Case, attacks, valid

if TYPE_CHECKING:
    from collections.abc import Iterable

pytestmark = pytest.mark.integration

SOURCE = Path(__file__).parents[1] / "audit_go"
LIBRARIES = Path("/usr/share/gocode")  # where Debian puts the sources of Go packages
EXITS = {0: Outcome.INTACT, 1: Outcome.ALTERED, 73: Outcome.CONTRADICTS_WITNESS}
SENTENCES = {
    "the log is intact": Outcome.INTACT,
    "the log is not what its device signed": Outcome.ALTERED,
    "the log contradicts the witness": Outcome.CONTRADICTS_WITNESS,
}


@pytest.fixture(scope="session")
def auditlog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the program, built without the network."""
    if shutil.which("go") is None or not (LIBRARIES / "src/golang.org/x/mod/sumdb/tlog").is_dir():
        pytest.skip("golang-go and golang-golang-x-mod-dev are not installed")
    program = tmp_path_factory.mktemp("go") / "auditlog"
    environment = {
        **os.environ,
        "GO111MODULE": "off",
        "GOPATH": str(LIBRARIES),
        "GOFLAGS": "",
        "GOCACHE": str(program.with_name("cache")),
    }
    subprocess.run(["go", "vet", "."], cwd=SOURCE, env=environment, check=True)
    subprocess.run(["go", "build", "-o", program, "."], cwd=SOURCE, env=environment, check=True)
    return program


def written(case: Case, folder: Path) -> Path:
    """Write the files of a case."""
    for name, content in case.files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return folder


def answers(auditlog: Path, cases: Iterable[Case], folder: Path) -> dict[str, Outcome]:
    """Return what the program says to each case; those without a witness are checked in one run."""
    (folder / "key").write_text(SIGNER.verifier.vkey + "\n")
    names: dict[str, str] = {}
    found: dict[str, Outcome] = {}
    for number, case in enumerate(cases):
        log = written(case, folder / str(number))
        if case.witness is None:
            names[str(log)] = case.name
            continue
        (folder / "witness").write_bytes(case.witness)
        done = ask(auditlog, "-witness", folder / "witness", "-vkey", folder / "key", log)
        found[case.name] = EXITS[done.returncode]
    for line in ask(auditlog, "-vkey", folder / "key", *names).stdout.splitlines():
        log_name, _, sentence = line.partition(": ")
        found[names[log_name]] = next(outcome for words, outcome in SENTENCES.items() if sentence.startswith(words))
    return found


def ask(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the program."""
    return subprocess.run(words, check=False, capture_output=True, text=True, timeout=100)


def test_it_agrees_on_every_valid_log(auditlog: Path, tmp_path: Path) -> None:
    """Root, tiles, note, the inclusion of every entry, and consistency with what witnesses saw."""
    cases = list(valid())

    assert answers(auditlog, cases, tmp_path) == {case.name: Outcome.INTACT for case in cases}


def test_it_refuses_every_tampered_log(auditlog: Path, tmp_path: Path) -> None:
    """And says of each whether it is altered or contradicts a witness, as we do."""
    cases = list(attacks())

    assert answers(auditlog, cases, tmp_path) == {case.name: case.outcome for case in cases}


def test_it_believes_the_key_that_it_was_given(auditlog: Path, tmp_path: Path) -> None:
    """A log of another key with the same name is refused, with a sentence."""
    folder = written(next(valid()), tmp_path / "log")
    (tmp_path / "key").write_text(OTHER_SIGNER.verifier.vkey)

    done = ask(auditlog, "-vkey", tmp_path / "key", folder)

    assert EXITS[done.returncode] is Outcome.ALTERED
    assert "the log is not what its device signed" in done.stdout
