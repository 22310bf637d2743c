"""`platesieve audit` for those who study a log: prove, check, compare, export, sample, witness, and the filters."""

from __future__ import annotations

import base64
import csv
import io
import json
import shutil
import threading
import time
from typing import TYPE_CHECKING

import pytest
import rfc8785
import typer
from typer.testing import CliRunner

from platesieve.adapters.disk.audit_folder import AuditFolder
from platesieve.audit.commitment import commit
from platesieve.audit.entry import KINDS, Publish, Shutdown
from platesieve.audit.note import NoteVerifier
from platesieve.audit.proof import LoggedProof, check_logged
from platesieve.cli import audit, audit_entries
from platesieve.domain.disclosure import Kind
from platesieve.domain.errors import AuditError, InputError
from tests.fakes.log_files import OTHER_SIGNER, SIGNER, START_NS, S, many, one_of_each

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result

app = typer.Typer()
app.add_typer(audit.app, name="audit")

SALT = bytes(range(32))
BODY = {"plate": "ABC123", "disposition": "hit"}
SIZE = len(one_of_each()) - 1  # of the fixture's log: the last two are left out, and a publish is added


def run(*words: str | Path | int) -> Result:
    """Run the command line as `main` does, up to the refusal."""
    return CliRunner().invoke(app, ["audit", *map(str, words)], catch_exceptions=True)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Return a folder with a log of every type and a publish of BODY, its public key beside it."""
    (tmp_path / "audit.vkey").write_text(SIGNER.verifier.vkey + "\n")
    publish = Publish(START_NS + 9 * S, Kind.HIT, commit(SALT, rfc8785.dumps(BODY)), "5a" * 32, START_NS + 99 * S)
    with AuditFolder(tmp_path / "audit", SIGNER) as folder:
        folder.append([*one_of_each()[:-2], publish])
    return tmp_path / "audit"


def grown(log: Path, name: str, count: int, first: int) -> Path:
    """Return a copy of the log with more entries."""
    copy = log.parent / name
    shutil.copytree(log, copy)
    with AuditFolder(copy, SIGNER) as folder:
        folder.append(many(count, first=first))
    return copy


def test_evidence_is_made_here_and_checked_elsewhere(log: Path, tmp_path: Path) -> None:
    """0 where it holds, 1 where the record was altered or the log knows nothing of it."""
    event, package, vkey = tmp_path / "event.json", tmp_path / "case.evidence", log.parent / "audit.vkey"
    event.write_text(json.dumps({"data": {**BODY, "salt": base64.b64encode(SALT).decode()}}))

    made = run("prove", log, "--event", event, "--out", package)
    checked = run("check", package, "--vkey", vkey, "--json")

    assert made.exit_code == 0, made.output
    assert f"proves entry {SIZE - 1} of {SIZE}" in made.stdout
    assert package.stat().st_mode & 0o777 == 0o600
    assert checked.exit_code == 0
    assert json.loads(checked.stdout)["ok"]
    assert isinstance(run("prove", log, "--event", event, "--out", package).exception, InputError)

    package.write_text(package.read_text().replace("ABC123", "ABC124"))
    refused = run("check", package, "--vkey", vkey, "--json")
    assert refused.exit_code == 1
    assert json.loads(refused.stdout)["fault"] == "commitment"
    assert "ABC12" not in refused.output

    event.write_text(event.read_text().replace("ABC123", "ABC124"))
    unknown = run("prove", log, "--event", event, "--out", tmp_path / "none")
    assert unknown.exit_code == 1
    assert not (tmp_path / "none").exists()


def test_evidence_past_its_deadline_comes_with_a_warning(log: Path, tmp_path: Path) -> None:
    """The fixture's record was to be erased long ago."""
    event = tmp_path / "event.json"
    event.write_text(json.dumps({**BODY, "salt": base64.b64encode(SALT).decode()}))
    run("prove", log, "--event", event, "--out", tmp_path / "p")

    result = run("check", tmp_path / "p", "--vkey", log.parent / "audit.vkey")

    assert result.exit_code == 0
    assert ("was to be erased by now" in result.stderr) is (time.time_ns() > START_NS + 99 * S)
    assert "proves not" in result.stdout


def test_a_policy_that_was_not_in_force_is_not_added(log: Path, tmp_path: Path) -> None:
    """66, and no package."""
    event = tmp_path / "event.json"
    event.write_text(json.dumps({**BODY, "salt": base64.b64encode(SALT).decode()}))

    result = run("prove", log, "--event", event, "--policy", event, "--out", tmp_path / "p")

    assert isinstance(result.exception, InputError)
    assert not (tmp_path / "p").exists()


def test_compare_tells_the_same_the_earlier_and_the_fork(log: Path) -> None:
    """0, 0 and 1 with the first entry that differs."""
    longer, fork = grown(log, "longer", 3, 100), grown(log, "fork", 3, 500)

    assert f"the same log of {SIZE} entries" in run("compare", log, log).stdout
    earlier = run("compare", log, longer, "--json")
    assert (earlier.exit_code, json.loads(earlier.stdout)["relation"]) == (0, "first-is-earlier")
    forked = run("compare", longer, fork, "--json")
    answer = json.loads(forked.stdout)
    assert (forked.exit_code, answer["relation"], answer["differs_at"]) == (1, "fork", SIZE)
    assert answer["entries"]["first"]["type"] == "reading-started"
    assert f"entry {SIZE} of the second" in run("compare", longer, fork).stdout


def test_compare_refuses_a_log_signed_anew(log: Path, tmp_path: Path) -> None:
    """It is no copy, whatever its entries say."""
    with AuditFolder(tmp_path / "new", OTHER_SIGNER) as folder:
        folder.append(one_of_each())

    assert isinstance(run("compare", log, tmp_path / "new", "--vkey", log.parent / "audit.vkey").exception, AuditError)


def test_export_gives_every_entry_in_both_forms(log: Path, tmp_path: Path) -> None:
    """CSV has one cell for every key; nothing is overwritten."""
    lines = [json.loads(line) for line in run("export", log).stdout.splitlines()]
    rows = list(csv.DictReader(io.StringIO(run("export", log, "--format", "csv").stdout)))

    assert [line["index"] for line in lines] == list(range(SIZE))
    assert {line["type"] for line in lines} == set(KINDS) - {"retired", "shutdown"}
    assert [(row["index"], row["type"], row["time"]) for row in rows] == [
        (str(line["index"]), line["type"], line["time"]) for line in lines
    ]
    assert json.loads(next(row["hits"] for row in rows if row["type"] == "batch")) == {"ncic/stolen": 1}
    assert run("export", log, "--out", tmp_path / "x.jsonl", "--type", "publish").exit_code == 0
    assert len((tmp_path / "x.jsonl").read_text().splitlines()) == 2
    assert isinstance(run("export", log, "--out", tmp_path / "x.jsonl").exception, InputError)


def test_a_sample_is_repeatable_and_each_entry_is_proven(log: Path, tmp_path: Path) -> None:
    """The files on the disk hold for a checker that has neither log nor us."""
    first = run("sample", log, 4, "--seed", 7, "--json", "--out", tmp_path / "sample")
    answer = json.loads(first.stdout)

    assert answer == json.loads(run("sample", log, 4, "--seed", 7, "--json").stdout)
    assert len(answer["entries"]) == 4
    for path in (tmp_path / "sample").glob("*.tlog-proof"):
        proof = LoggedProof.from_text(path.read_text())
        verifier = NoteVerifier.from_vkey((log.parent / "audit.vkey").read_text())
        assert check_logged(proof, path.with_suffix(".json").read_bytes(), verifier).size == SIZE
    assert f"1 of {SIZE} entries" in run("sample", log, "1%", "--seed", 1).stdout
    for wrong in ("0", "101%", "x", "1.5"):
        assert run("sample", log, wrong, "--seed", 1).exit_code == 2


def test_show_filters_by_type_and_time(log: Path) -> None:
    """Together, and the newest of what is left."""
    shown = json.loads(run("show", log, "--type", "publish", "--type", "boot", "--json").stdout)
    late = json.loads(run("show", log, "--since", "2026-09-21T14:13:30Z", "--last", 2, "--json").stdout)
    early = json.loads(run("show", log, "--until", "2026-09-21T14:13:22Z", "--json").stdout)

    assert [entry["type"] for entry in shown] == ["boot", "publish", "publish"]
    assert [entry["type"] for entry in late] == ["updated", "log-repaired"]
    assert [entry["type"] for entry in early] == ["boot", "policy-refused", "publish"]
    assert json.loads(run("show", log, "--since", "2030-01-01", "--json").stdout) == []
    for wrong in (("--type", "diary"), ("--since", "yesterday")):
        assert run("show", log, *wrong).exit_code == 2


def test_show_follows_a_log_that_grows(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each new entry comes once; a log that shrinks ends it with a refusal."""
    monkeypatch.setattr(audit_entries, "POLL_S", 0.02)
    before = log.parent / "before"
    shutil.copytree(log, before)

    def change() -> None:
        time.sleep(0.2)
        with AuditFolder(log, SIGNER) as folder:
            folder.append([Shutdown(START_NS + 70 * S)])
        time.sleep(0.3)
        (before / "checkpoint").replace(log / "checkpoint")  # at once, as a device does

    device = threading.Thread(target=change)
    device.start()
    result = run("show", log, "--follow", "--last", 1, "--json")
    device.join()

    assert [json.loads(line)["index"] for line in result.stdout.splitlines()] == [SIZE - 1, SIZE]
    assert isinstance(result.exception, AuditError)
    assert "earlier state" in str(result.exception)


def test_a_witness_remembers_and_contradicts(log: Path, tmp_path: Path) -> None:
    """0 for growth, 1 without proof, 73 for a rollback and a fork; the file only grows."""
    file, vkey = tmp_path / "cam-1.witness", log.parent / "audit.vkey"
    longer, fork = grown(log, "longer", 3, 100_000_000), grown(log, "fork", 9, 200_000_000)
    advance = tmp_path / "advance"
    advance.write_text(run("advance", longer, "--since", SIZE).stdout)

    def shown(what: Path) -> tuple[int, str]:
        result = run("witness", file, what, "--vkey", vkey, "--json")
        return result.exit_code, json.loads(result.stdout)["result"]

    assert shown(log) == (0, "first")
    assert shown(longer / "checkpoint") == (1, "unproven")
    assert shown(advance) == (0, "grew")
    assert shown(longer) == (0, "same")
    assert shown(log) == (73, "rolled-back")
    assert shown(fork) == (73, "forked")
    assert [json.loads(line)["result"] for line in file.read_text().splitlines()] == ["first", "grew", "forked"]
    assert run("advance", log, "--since", 99).exit_code == 2


def test_a_witness_names_a_log_signed_anew(log: Path, tmp_path: Path) -> None:
    """With the key that was noted at enrolment."""
    with AuditFolder(tmp_path / "new", OTHER_SIGNER) as folder:
        folder.append(one_of_each())
    vkey = log.parent / "audit.vkey"
    run("witness", tmp_path / "w", log, "--vkey", vkey)

    result = run("witness", tmp_path / "w", tmp_path / "new", "--vkey", vkey)

    assert result.exit_code == 73
    assert "not signed with the key that was noted" in result.stdout


def test_a_witness_takes_no_altered_log(log: Path, tmp_path: Path) -> None:
    """What it cannot verify it does not remember."""
    next((log / "tile/entries").rglob(str(SIZE))).write_bytes(b"")

    assert isinstance(run("witness", tmp_path / "w", log).exception, InputError)
    assert not (tmp_path / "w").exists()
