"""Policies in plain words, as values and on the command line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from platesieve.cli.policy import app
from platesieve.domain.errors import ConfigError, InputError
from platesieve.domain.match import Disposition
from platesieve.policy.actions import Keep, Pseudonym, Seal
from platesieve.policy.explain import explain, findings, summary
from platesieve.policy.fields import Field
from platesieve.policy.load import load_pack
from platesieve.policy.packs import pack_ids, pack_text
from tests.fakes.passages import a_policy, a_section

if TYPE_CHECKING:
    from pathlib import Path

    from platesieve.policy.language import Policy


def said(policy: Policy, level: str) -> str:
    """Return all findings of a level as one text."""
    return "\n".join(finding.sentence for finding in findings(policy) if finding.level == level)


@pytest.mark.parametrize("pack_id", pack_ids())
def test_every_field_of_every_disposition_has_a_row(pack_id: str) -> None:
    """Fourteen fields, three dispositions; what is dropped is said too, with why."""
    rows = explain(load_pack(pack_id))

    assert len(rows) == 42
    assert all(row.why and row.how_long and row.who for row in rows)


def test_a_row_says_who_can_open_it() -> None:
    """A sealed plate is the agency's; a field that is not named is nobody's."""
    rows = {(row.disposition, row.field): row for row in explain(load_pack("us-mn"))}

    assert "agency" in rows[Disposition.HIT, Field.PLATE].who
    assert rows[Disposition.HIT, Field.PLATE].how_long == "60 days"
    assert rows[Disposition.MISS, Field.PLATE].leaves == "nothing"
    assert "not named" in rows[Disposition.MISS, Field.PLATE].why
    assert "only counts leave" in summary(load_pack("us-mn"), Disposition.MISS)


def test_a_plate_in_clear_is_a_warning_and_no_proof() -> None:
    """And the control: sealed, it is a proof and no warning."""
    clear, sealed = (a_policy(hit=a_section({Field.PLATE: action})) for action in (Keep(), Seal("agency")))

    assert "readable by the broker" in said(clear, "warning")
    assert "leaves in clear" not in said(clear, "proved")
    assert "readable by the broker" not in said(sealed, "warning")
    assert "no plate and no picture of one leaves in clear" in said(sealed, "proved")


def test_what_an_epoch_and_an_expiry_tell_is_said() -> None:
    """They tell a time even where the time field does not."""
    warnings = said(a_policy(miss=a_section({Field.PLATE: Pseudonym(900)})), "warning")

    assert "the epoch of the pseudonym tells the span of 15 minutes" in warnings
    assert "the expiry tells the span of 1 hour" in warnings
    assert "a fixed reader's id is its place" in warnings


def test_the_command_line_lists_shows_checks_and_explains(tmp_path: Path) -> None:
    """Each answers in words and in JSON; a file is as good as a pack."""
    file = tmp_path / "ours.toml"
    file.write_bytes(pack_text("us-nh"))
    run = CliRunner().invoke

    assert "us-mn" in run(app, ["list"]).stdout
    assert run(app, ["show", "us-mn"]).stdout.encode() == pack_text("us-mn")
    assert "within three minutes" in run(app, ["show", str(file)]).stdout
    assert "3 minutes" in run(app, ["explain", str(file)]).stdout
    assert "no picture of a vehicle leaves" in run(app, ["check", str(file), "hits-only"]).stdout
    assert {policy["id"] for policy in json.loads(run(app, ["list", "--json"]).stdout)} == set(pack_ids())
    assert len(json.loads(run(app, ["explain", "us-nh", "--json"]).stdout)["rows"]) == 42
    assert json.loads(run(app, ["check", "us-nh", "--json"]).stdout)[0]["findings"]
    assert json.loads(run(app, ["show", "us-nh", "--json"]).stdout)["recipients"] == ["agency"]


def test_the_faults_of_all_files_are_named(tmp_path: Path) -> None:
    """One wrong file does not hide the faults of the next."""
    for name in ("one.toml", "two.toml"):
        (tmp_path / name).write_text("format = 2")
    result = CliRunner().invoke(app, ["check", str(tmp_path / "one.toml"), str(tmp_path / "two.toml"), "us-mn"])

    assert isinstance(result.exception, ConfigError)
    assert {problem.split(":")[0] for problem in result.exception.problems} == {"one.toml", "two.toml"}
    assert "2 of 3" in result.exception.message


def test_what_does_not_exist_is_refused(tmp_path: Path) -> None:
    """A missing file, or the name of no pack."""
    assert isinstance(CliRunner().invoke(app, ["show", str(tmp_path / "gone.toml")]).exception, InputError)
    assert isinstance(CliRunner().invoke(app, ["show", "us-xx"]).exception, ConfigError)
