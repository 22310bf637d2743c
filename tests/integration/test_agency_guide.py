"""The guide for agencies on the integrators' page, followed word by word; a device then takes in what it published."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from platesieve.adapters.delivery import fetchers
from platesieve.adapters.delivery.addressed import Kind
from platesieve.adapters.delivery.stored import Delivery
from platesieve.adapters.delivery.trust_store import TrustStore
from platesieve.adapters.disk.config_file import load_settings
from platesieve.adapters.disk.key_files import new_key_files
from platesieve.adapters.disk.key_text import KeyKind
from platesieve.domain.errors import ConfigError

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

PAGE = (Path(__file__).parents[2] / "deploy" / "README.md").read_text()
SECTION = PAGE.partition("## Signed policies and hot lists\n")[2].partition("\n## ")[0]


def follow(block: str, folder: Path) -> int:
    """Run the commands of a block in a folder; return how many there were."""
    environment = {**os.environ, "PLATESIEVE_PASSPHRASE": "correct horse battery staple"}
    commands = [shlex.split(line, comments=True) for line in block.splitlines()]
    for words in commands:
        assert words[0] == "platesieve"
        command = [sys.executable, "-m", *words]
        ran = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr
    return len(commands)


def test_the_ceremony_on_the_page_gives_a_device_its_policy_list_and_keys(tmp_path: Path) -> None:
    """Each command as it stands; nothing of what it writes holds the plate in clear."""
    new_key_files(KeyKind.LISTS, tmp_path)
    new_key_files(KeyKind.AGENCY, tmp_path / "keys")
    (tmp_path / "wanted.csv").write_text("plate,category,list\nCANARY7,stolen,state-police\n")
    ceremony, rotation = re.findall(r"```sh\n(.*?)```", SECTION, re.DOTALL)
    assert follow(ceremony, tmp_path) == 8
    for key in ("root-1", "root-2"):  # as the table says: away with them, each to a place of its own
        (tmp_path / key).mkdir()
        (tmp_path / "repository" / "keys" / f"{key}.pem").rename(tmp_path / key / f"{key}.pem")
    assert follow(rotation.replace("/media/", f"{tmp_path}/"), tmp_path) == 2

    store = TrustStore(tmp_path / "device", (tmp_path / "repository/root.json").read_bytes(), "metro-pd/bridge-7/cam-1")
    delivery = store.refresh(fetchers.folder(tmp_path / "www"), lambda one: one)
    assert isinstance(delivery, Delivery)
    assert {document.kind for document in delivery.documents} == {Kind.POLICY, Kind.KEYS, Kind.HOTLIST}
    (tmp_path / "wanted.csv").unlink()
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"CANARY7" not in written


def test_the_settings_on_the_page_are_settings(tmp_path: Path) -> None:
    """As they stand."""
    (block,) = re.findall(r"```text\n(.*?)```", SECTION, re.DOTALL)
    (tmp_path / "platesieve.toml").write_text(block)

    assert load_settings(tmp_path / "platesieve.toml", {}).delivery.wanted


def test_delivery_without_a_root_is_refused(tmp_path: Path) -> None:
    """Nobody could be believed; nor without TLS."""
    (tmp_path / "platesieve.toml").write_text('[delivery]\nurl = "http://lists.example"\n')

    with pytest.raises(ConfigError, match="2 settings are wrong") as refused:
        load_settings(tmp_path / "platesieve.toml", {})
    assert [problem.partition(":")[0] for problem in refused.value.problems] == ["delivery.root", "delivery.url"]
