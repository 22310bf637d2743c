"""`platesieve audit` and `platesieve keys`: the sentence, the exit code, and nothing secret."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import typer
from typer.testing import CliRunner

from platesieve.adapters.disk.audit_folder import AuditFolder
from platesieve.cli import audit, keys
from platesieve.domain.errors import InputError, KeyFileError, PlatesieveError
from tests.fakes.log_files import OTHER_SIGNER, SIGNER, LogInMemory, many, one_of_each

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result

SIZE = len(one_of_each())
app = typer.Typer()
app.add_typer(audit.app, name="audit")
app.add_typer(keys.app, name="keys")


def run(*words: str | Path) -> Result:
    """Run the command line as `main` does, up to the refusal."""
    return CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=True)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Return a folder with a log of every type, its public key beside it."""
    (tmp_path / "audit.vkey").write_text(SIGNER.verifier.vkey + "\n")
    with AuditFolder(tmp_path / "audit", SIGNER) as folder:
        folder.append(one_of_each())
    return tmp_path / "audit"


def test_an_intact_log_is_exit_0(log: Path) -> None:
    """The sentence says how much is known without a witness."""
    result = run("audit", "verify", log)

    assert result.exit_code == 0
    assert f"the log is intact: {SIZE} entries" in result.output
    assert "without a witnessed checkpoint" in result.output
    assert "give --vkey" in result.output


def test_an_altered_log_is_exit_1(log: Path) -> None:
    """With each finding and its clause."""
    tile = next((log / "tile/entries").rglob(str(SIZE)))
    tile.write_bytes(tile.read_bytes().replace(b"600", b"601"))

    result = run("audit", "verify", log, "--json")

    assert result.exit_code == 1
    answer = json.loads(result.stdout)
    assert answer["outcome"] == "altered"
    assert {finding["step"] for finding in answer["findings"]} == {"6.4", "6.5"}


@pytest.mark.parametrize("event", [False, True], ids=["note", "event"])
def test_a_log_that_contradicts_a_witness_is_exit_73(log: Path, tmp_path: Path, event: bool) -> None:  # noqa: FBT001
    """The witness may hand over the note, or the whole event in which it came."""
    note = LogInMemory().grow(many(40)).checkpoint.decode()
    witness = tmp_path / "witness"
    witness.write_text(json.dumps({"data": {"checkpoint": note}}) if event else note)

    result = run("audit", "verify", log, "--witness", witness, "--vkey", log.parent / "audit.vkey")

    assert result.exit_code == 73
    assert f"a witness saw 40 entries; the last {40 - SIZE} are gone" in result.output


def test_a_witness_that_agrees_is_exit_0(log: Path, tmp_path: Path) -> None:
    """The control."""
    (tmp_path / "witness").write_bytes((log / "checkpoint").read_bytes())

    assert run("audit", "verify", log, "--witness", tmp_path / "witness").exit_code == 0


def test_the_key_noted_at_enrolment_counts(log: Path, tmp_path: Path) -> None:
    """Not the one that lies beside the log."""
    (tmp_path / "noted.vkey").write_text(OTHER_SIGNER.verifier.vkey)

    assert run("audit", "verify", log, "--vkey", tmp_path / "noted.vkey").exit_code == 1


@pytest.mark.parametrize("content", ["", "{}", "{", "no note"])
def test_a_witness_that_is_none_is_the_input(log: Path, tmp_path: Path, content: str) -> None:
    """Exit 66, and nothing is said about the log."""
    (tmp_path / "witness").write_text(content)

    assert isinstance(run("audit", "verify", log, "--witness", tmp_path / "witness").exception, InputError)


def test_no_log_and_no_key_are_told_apart(log: Path, tmp_path: Path) -> None:
    """66 and 77."""
    assert isinstance(run("audit", "verify", tmp_path / "nothing").exception, InputError)
    (log.parent / "audit.vkey").unlink()
    assert isinstance(run("audit", "verify", log).exception, KeyFileError)


def test_show_lists_the_newest_entries(log: Path) -> None:
    """For people as a table, for machines with every key."""
    table = run("audit", "show", log, "--last", "9")
    answer = json.loads(run("audit", "show", log, "--last", "3", "--json").stdout)

    assert "calibrated" in table.output
    assert "boot" not in table.output
    assert [entry["index"] for entry in answer] == [SIZE - 3, SIZE - 2, SIZE - 1]
    assert answer[-1]["type"] == "retired"


@pytest.mark.parametrize("kind", ["audit", "agency", "command"])
def test_new_keys_are_made_once_and_shown_without_their_secret(tmp_path: Path, kind: str) -> None:
    """`new` prints paths and fingerprint; `show` the public half."""
    device = ["--device", "metro-pd/bridge-7/cam-1"] if kind == "audit" else []

    made = run("keys", "new", kind, "--out", tmp_path / "out", *device, "--json")
    again = run("keys", "new", kind, "--out", tmp_path / "out", *device)

    answer = json.loads(made.stdout)
    shown = run("keys", "show", answer["secret"])
    assert answer["fingerprint"] in shown.stdout
    assert isinstance(again.exception, KeyFileError)
    written = (tmp_path / "out" / f"{kind}.key").read_text().strip()
    secret = written.split("+", 4)[-1] if kind == "audit" else written.split(" ")[-1]  # base64 may hold a + too
    assert len(secret) >= 43
    assert secret not in made.output + shown.output


def test_an_audit_key_needs_its_device(tmp_path: Path) -> None:
    """And the others have none."""
    assert run("keys", "new", "audit", "--out", tmp_path).exit_code == 2
    assert run("keys", "new", "agency", "--out", tmp_path, "--device", "a/b/c").exit_code == 2


def test_every_refusal_here_is_a_sentence(tmp_path: Path) -> None:
    """No traceback reaches a person."""
    for words in (("audit", "show", tmp_path), ("keys", "show", tmp_path / "x"), ("keys", "show", tmp_path)):
        assert isinstance(run(*words).exception, PlatesieveError)
