"""`platesieve report`: on the screen, as JSON, CSV and one page; from a log that verifies, or not at all."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

import pytest
import typer
from typer.testing import CliRunner

from platesieve.adapters.disk.audit_folder import AuditFolder
from platesieve.cli import report
from platesieve.domain.errors import AuditError, InputError
from platesieve.report.reports import REPORTS
from tests.fakes.log_files import SIGNER
from tests.fakes.simulated_log import simulated

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result

app = typer.Typer()
app.add_typer(report.app, name="report")


def run(*words: str | Path) -> Result:
    """Run the command line as `main` does, up to the refusal."""
    return CliRunner().invoke(app, ["report", *map(str, words)], catch_exceptions=True)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the log of three days, its public key beside it."""
    folder = tmp_path_factory.mktemp("state")
    (folder / "audit.vkey").write_text(SIGNER.verifier.vkey)
    with AuditFolder(folder / "audit", SIGNER) as audit:
        audit.append(simulated(3)[0])
    return folder / "audit"


@pytest.mark.parametrize("name", REPORTS)
def test_every_form_of_a_report_says_the_same(log: Path, tmp_path: Path, name: str) -> None:
    """And a page is written once."""
    answer = json.loads(run(name, log, "--json").stdout)
    cells = list(csv.DictReader(io.StringIO(run(name, log, "--csv").stdout)))
    screen = run(name, log)
    page = tmp_path / "report.html"

    assert run(name, log, "--html", page).exit_code == 0
    assert answer["report"] == name
    assert {cell["column"]: cell["value"] for cell in cells if cell["table"] == "figures"} == {
        key: str(value) for key, value in answer["figures"].items()
    }
    for value in answer["figures"].values():
        shown = f"{value:,}" if isinstance(value, int) else value
        assert shown in screen.stdout
        assert shown in page.read_text()
    assert isinstance(run(name, log, "--html", page).exception, InputError)


def test_a_period_can_be_given(log: Path) -> None:
    """As a day, or as a moment."""
    answer = json.loads(run("public", log, "--since", "2026-09-02", "--until", "2026-09-03T00:00:00Z", "--json").stdout)

    assert [row["day"] for row in answer["tables"]["days"]] == ["2026-09-02"]
    assert (answer["since"], answer["until"]) == ("2026-09-02T00:00:00Z", "2026-09-03T00:00:00Z")
    assert run("public", log, "--since", "soon").exit_code == 2


def test_no_report_is_made_of_a_log_that_does_not_verify(tmp_path: Path) -> None:
    """Its numbers would look as good as true ones."""
    (tmp_path / "audit.vkey").write_text(SIGNER.verifier.vkey)
    with AuditFolder(tmp_path / "audit", SIGNER) as audit:
        audit.append(simulated(1)[0])
    bundle = next((tmp_path / "audit/tile/entries").rglob("*.p/*"))
    bundle.write_bytes(bundle.read_bytes().replace(b'"misses":', b'"Misses":', 1))

    assert isinstance(run("public", tmp_path / "audit").exception, AuditError)


def test_an_empty_log_has_an_empty_report(tmp_path: Path) -> None:
    """Zero, not a refusal."""
    (tmp_path / "audit.vkey").write_text(SIGNER.verifier.vkey)
    AuditFolder(tmp_path / "audit", SIGNER).close()

    assert json.loads(run("log-of-use", tmp_path / "audit", "--json").stdout)["figures"]["vehicles"] == 0
