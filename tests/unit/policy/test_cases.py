"""Cases beside a policy: what holds is said to hold, what does not is named without its plate."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from platesieve.cli.policy import app
from platesieve.domain.errors import ConfigError
from platesieve.policy.cases import load_cases, run_case
from platesieve.policy.load import load_pack
from platesieve.policy.packs import pack_text

CASES = Path(__file__).parents[2] / "vectors" / "policy_cases"
PLATE = "CANARY7"


def faults(policy: str, case: str) -> tuple[str, ...]:
    """Return what does not hold of one case."""
    cases = load_cases(f'policy = "{policy}"\n[[cases]]\nname = "a case"\n{case}\n'.encode(), "c.toml")
    return run_case(load_pack(cases.policy), cases.cases[0], 1).faults


@pytest.mark.parametrize("path", sorted(CASES.glob("*.toml")), ids=lambda path: path.stem)
def test_the_cases_of_the_packs_hold(path: Path) -> None:
    """Every case of every file that ships with the tests."""
    cases = load_cases(path.read_bytes(), path.name)

    assert [run_case(load_pack(cases.policy), case, 1).faults for case in cases.cases] == [()] * len(cases.cases)


def test_a_case_that_does_not_hold_says_what_is_different() -> None:
    """What leaves, why, and each field that is more, less or in another form."""
    given = f'given = {{ plate = "{PLATE}", wanted = ["stolen"] }}\n'

    assert faults("us-mn", 'leaves = "nothing"') == ("count leaves (policy-aggregate), expected was nothing",)
    assert faults("us-nh", 'leaves = "nothing"\nbecause = "clock-not-trusted"') == (
        "because of policy-none, expected was clock-not-trusted",
    )
    wrong = faults("us-mn", given + 'leaves = "hit"\nfields = { plate = "clear", lane = "clear" }')
    assert "plate: sealed, expected was clear" in wrong
    assert "lane: nothing, expected was clear" in wrong
    assert "time: sealed, expected was nothing" in wrong
    assert PLATE not in "".join(wrong)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"policy = 1", "policy"),
        (b"policy = ", "c.toml: Invalid value"),
        (b'policy = "us-mn"\ncases = []', "cases"),
        (b'policy = "us-mn"\n[[cases]]\nname = "x"', "leaves is missing"),
        (b'policy = "us-mn"\n[[cases]]\nname = "x"\nleaves = "all"', "leaves"),
        (b'policy = "us-mn"\n[[cases]]\nname = "x"\nleaves = "hit"\ngiven = { plat = "A" }', "did you mean plate?"),
        (b"\xff", "c.toml"),
    ],
)
def test_a_file_that_is_no_list_of_cases_is_refused(text: bytes, said: str) -> None:
    """With what is wrong, and without another exception."""
    with pytest.raises(ConfigError) as caught:
        load_cases(text, "c.toml")

    assert any(said in problem for problem in caught.value.problems)


def test_a_case_without_a_plate_is_refused_by_its_number() -> None:
    """The text that is no plate is not repeated: it may be nearly one."""
    with pytest.raises(ConfigError, match="case 1 has no plate") as caught:
        faults("us-mn", f'given = {{ plate = "{PLATE}{PLATE}" }}\nleaves = "count"')
    assert PLATE not in str(caught.value)


def test_the_command_says_which_cases_hold(tmp_path: Path) -> None:
    """Exit 0 when all hold; 1 when one does not. A policy beside the file is found there."""
    (tmp_path / "ours.toml").write_bytes(pack_text("us-nh"))
    good, bad = tmp_path / "good.cases.toml", tmp_path / "bad.cases.toml"
    good.write_text('policy = "ours.toml"\n[[cases]]\nname = "nobody"\nleaves = "nothing"\n')
    bad.write_text('policy = "ours.toml"\n[[cases]]\nname = "nobody"\nleaves = "count"\n')
    run = CliRunner().invoke

    held = run(app, ["test", str(good)])
    assert (held.exit_code, "1 of 1 cases hold" in held.stdout) == (0, True)
    failed = run(app, ["test", str(good), str(bad)])
    assert (failed.exit_code, "1 of 2 cases hold" in failed.stdout) == (1, True)
    assert [len(result["faults"]) for result in json.loads(run(app, ["test", str(bad), "--json"]).stdout)] == [1]
