"""What the pages and `--help` say is compared with the program."""

from __future__ import annotations

import importlib
import itertools
import json
import os
import pkgutil
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

import platesieve
from platesieve.adapters.disk.config_file import load_settings
from platesieve.adapters.enrolment.authority_folder import AuthorityFolder
from platesieve.bootstrap.collector import load_collector_settings
from platesieve.cli.main import app
from platesieve.cli.manual import command_tree, reflowed
from platesieve.cli.speech import EXIT_CODES
from platesieve.domain.errors import PlatesieveError

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "firmware" / "README.md", *sorted((ROOT / "deploy").rglob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
IN_PROSE = re.compile(r"`platesieve\s+([^`]+)`")
FOLDER_ROW = re.compile(r"^\| (`[^|]+`) \|", re.MULTILINE)


def blocks(page: Path, language: str) -> list[str]:
    """Return the fenced blocks of one language on a page."""
    return [body for found, body in BLOCK.findall(page.read_text()) if found == language]


def shown_commands() -> list[tuple[str, list[str]]]:
    """Return every platesieve command on the pages, with where it stands."""
    found = []
    for page in PAGES:
        for line in "\n".join(blocks(page, "sh")).replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if words and Path(words[0]).name == "platesieve":
                found.append((f"{page.relative_to(ROOT)}: {line}", words[1:]))
    return found


def faults(words: list[str]) -> list[str]:
    """Return what is wrong with a command line, without running it: unknown verbs and options."""
    command: Any = command_tree(app)
    rest = list(words)
    while rest and hasattr(command, "commands") and not rest[0].startswith("-"):
        verb = rest.pop(0)
        if verb not in command.commands:
            return [f"no verb {verb}"]
        command = command.commands[verb]
    options = {name for parameter in command.params for name in parameter.opts} | {"--help"}
    return [f"no option {word}" for word in rest if re.match("-[^0-9]", word) and word not in options]


def verbs(command: Any, path: str = "platesieve") -> Iterator[tuple[str, Any]]:
    """Yield every command that does something, with how it is called."""
    if hasattr(command, "commands"):
        for name, inner in command.commands.items():
            yield from verbs(inner, f"{path} {name}")
    else:
        yield path, command


VERBS = list(verbs(command_tree(app)))


def errors() -> set[type[PlatesieveError]]:
    """Return every error class of the package."""
    for module in pkgutil.walk_packages(platesieve.__path__, "platesieve."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    found: set[type[PlatesieveError]] = set()
    waiting = [PlatesieveError]
    while waiting:
        for child in waiting.pop().__subclasses__():
            if child.__module__.startswith("platesieve."):
                found.add(child)
                waiting.append(child)
    return found


@pytest.mark.parametrize(("where", "words"), shown_commands(), ids=[where for where, _ in shown_commands()])
def test_every_command_that_a_page_shows_is_understood(where: str, words: list[str]) -> None:
    """Verbs and options exist; whether they do what the page says is told by the scenarios."""
    assert faults(words) == [], where


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_every_verb_that_the_prose_names_is_there(page: Path) -> None:
    """In a sentence a verb may stand without what it needs; its name has to be right."""
    named = IN_PROSE.findall(page.read_text())
    verbs = [list(itertools.takewhile(lambda word: not word.startswith("-"), shlex.split(found))) for found in named]
    assert [fault for words in verbs for fault in faults(words)] == []


def test_the_prose_names_verbs() -> None:
    """The control."""
    assert IN_PROSE.findall("with `platesieve\naudit fly` and `platesieve.toml`") == ["audit fly"]
    assert len([found for page in PAGES for found in IN_PROSE.findall(page.read_text())]) > 10


def test_a_command_that_is_not_understood_is_found_out() -> None:
    """The control: an unknown verb, an unknown option, and pages that do show commands."""
    assert faults(["fly"]) == ["no verb fly"]
    assert faults(["policy", "fly"]) == ["no verb fly"]
    assert faults(["read", "photo.jpg", "--shout"]) == ["no option --shout"]
    assert len(shown_commands()) > 10


def test_what_an_installer_is_told_to_type_makes_a_file_that_a_device_takes(tmp_path: Path) -> None:
    """Step 2 of the installers' page, with the agency's files at hand; without one of them it is refused."""
    (block,) = [block for block in blocks(ROOT / "firmware/README.md", "sh") if "provision new" in block]
    (tmp_path / "BOOTFS").mkdir()
    (tmp_path / "ca.crt").write_bytes(AuthorityFolder.create(tmp_path / "authority", "CA").certificate)
    assert typed(tmp_path, "platesieve keys new agency --out .") == 0
    make, check = block.replace("/media/me/", "").replace("\\\n", " ").splitlines()

    assert typed(tmp_path, make.replace("--recipient agency=agency.pub", "")) == 78
    assert typed(tmp_path, make) == 0
    assert typed(tmp_path, check) == 0


def typed(folder: Path, line: str) -> int:
    """Return the exit code of a command line in a folder."""
    command = [sys.executable, "-m", *shlex.split(line)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False).returncode


@pytest.mark.parametrize(("path", "command"), VERBS, ids=[path for path, _ in VERBS])
def test_every_verb_says_what_it_does_and_shows_an_example(path: str, command: Any) -> None:
    """Every option has help, and every example calls the verb that it stands with and is understood."""
    examples = [line.removeprefix("$ ") for line in command.help.splitlines() if line.startswith("$ ")]

    assert command.help.splitlines()[0].rstrip().endswith((".", ":"))
    assert [parameter.name for parameter in command.params if not parameter.help] == []
    assert examples, "no example"
    for example in examples:
        ours = example[example.index(path) :] if path in example else ""
        assert ours, f"{example} is no example of {path}"
        assert faults(shlex.split(ours)[1:]) == []


def test_the_plan_on_the_fleets_page_is_what_the_command_prints() -> None:
    """The page is held to the figures that were measured: new figures, new page (COLUMNS=120)."""
    page = ROOT / "deploy" / "fleet" / "README.md"
    (command,) = [
        words for where, words in shown_commands() if where.startswith("deploy/fleet") and "--vehicles" in where
    ]
    said = subprocess.run(
        [sys.executable, "-m", "platesieve", *command],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "COLUMNS": "120", "PYTHONPATH": str(ROOT / "src")},
    ).stdout
    shown = [block for block in blocks(page, "text") if block.startswith("10,000 cameras")]
    assert shown == ["\n".join(line.rstrip() for line in said.splitlines()) + "\n"]


def test_every_verb_that_reports_has_json() -> None:
    """As the README says; those without are named, with what they do instead of reporting."""
    until_stopped = {"run", "aim", "camera", "uplink", "audit watch", "agency enrol serve"}
    print_json_or_a_file = {"command", "open", "schema", "audit export", "agency enrol revocations", "enrol request"}
    act_and_say_one_line = {
        *("provision new", "provision check", "provision apply", "enrol join", "enrol renew", "enrol accept"),
        *("keys erase", "audit advance", "collect reveal", "collect hold", "collect lift"),
        *("agency enrol authority", "agency enrol token", "agency enrol sign", "agency enrol revoke"),
    }
    without = {
        path.removeprefix("platesieve ")
        for path, command in VERBS
        if not any("--json" in parameter.opts for parameter in command.params)
    }

    assert without == until_stopped | print_json_or_a_file | act_and_say_one_line


def test_help_is_reflowed_for_any_width() -> None:
    """Lines of a docstring are joined; examples stay one a line."""
    text = "Do it.\n\n    One\n    two.\n\n    Examples:\n\n      platesieve a\n\n      platesieve b\n    "

    assert reflowed(text) == "Do it.\n\nOne two.\n\nExamples:\n$ platesieve a\n$ platesieve b"


def test_every_exit_code_is_documented_and_used() -> None:
    """The list of `--help` is complete, and promises no code that no error has."""
    codes = {error.exit_code for error in errors()}
    ours = {0, 1, 2, 70, 130}  # done, no, usage, our own fault, Ctrl-C: these are no PlatesieveError

    assert codes - set(EXIT_CODES) == set()
    assert set(EXIT_CODES) - codes - ours == set()
    assert len(errors()) > 10


def test_every_folder_of_the_map_is_there() -> None:
    """The map in the README names what is there, and every room of the package stands on it or in the picture."""
    rows = FOLDER_ROW.findall(blocks_removed(ROOT / "README.md"))
    named = [part.strip("`") for row in rows for part in row.split(", ")]
    for number, name in enumerate(named):
        beside = [Path(named[number - back]).parent for back in range(number + 1)]
        assert any((ROOT / folder / name).exists() for folder in [Path(), *beside]), name
    top = {path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")} - {"src"}
    assert {name for name in top if tracked(name)} <= set(named)


def blocks_removed(page: Path) -> str:
    """Return a page without its fenced blocks."""
    return BLOCK.sub("", page.read_text())


def tracked(folder: str) -> bool:
    """Return whether a folder is part of the repository and not the leavings of a tool."""
    return folder not in {"build", "dist", "node_modules"} and not folder.endswith(".egg-info")


def test_links_between_pages_lead_somewhere() -> None:
    """Every relative link names a file."""
    for page in PAGES:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page}: {target}"


def test_settings_on_the_pages_are_settings(tmp_path: Path) -> None:
    """The TOML blocks of the integrators' page are accepted as they stand: a device's, and a collector's."""
    found = blocks(ROOT / "deploy" / "README.md", "toml")
    (device,) = [block for block in found if "[device]" in block]
    (collector,) = [block for block in found if "[agency_keys]" in block]
    (tmp_path / "platesieve.toml").write_text(device)
    (tmp_path / "collector.toml").write_text(collector)

    assert load_settings(tmp_path / "platesieve.toml", {}).device.device == "cam-1"
    assert load_collector_settings(tmp_path / "collector.toml").agency == "metro-pd"


def test_the_example_event_keeps_its_schema() -> None:
    """The message on the integrators' page is one that a device could send."""
    (block,) = blocks(ROOT / "deploy" / "README.md", "json")
    schema = json.loads((Path(platesieve.__path__[0]) / "schemas/v1/hit.schema.json").read_text())

    jsonschema.Draft202012Validator(schema).validate(json.loads(block))
