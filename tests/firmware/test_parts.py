"""The parts list: valid, complete for wheel and image, and the same bytes for the same disk."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / "firmware/image/parts.py"
SITE = "opt/platesieve/lib/python3.13/site-packages"
STATUS = """Package: libstdc++6
Status: install ok installed
Architecture: arm64
Version: 12.2.0-14+deb12u1
Depends: gcc-12-base (= 12.2.0-14+deb12u1), libc6 (>= 2.36) | musl
Description: none
 more: text

Package: libc6
Status: install ok installed
Architecture: arm64
Version: 1:2.36~rc1-9
Description: none

Package: tzdata
Status: install ok installed
Architecture: all
Version: 2026a
Description: needed by nothing here

Package: gone
Status: deinstall ok config-files
Architecture: arm64
Version: 1
"""


@pytest.fixture(scope="module")
def parts() -> ModuleType:
    """Return the program that lists parts."""
    spec = importlib.util.spec_from_file_location("parts", PROGRAM)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a root file system with three packages, and with what is installed where the tests run."""
    return image(tmp_path / "root", lambda found: found)


def image(root: Path, order: Callable[[list[Path]], list[Path]]) -> Path:
    """Make a root file system, its files in some order."""
    (root / "var/lib/dpkg").mkdir(parents=True)
    (root / "var/lib/dpkg/status").write_text(STATUS)
    (root / "etc").mkdir()
    (root / "etc/os-release").write_text('NAME="Debian"\nID=debian\nVERSION_ID="12"\n')
    found = [Path(str(one._path)) for one in importlib.metadata.distributions()]  # type: ignore[attr-defined]
    for info in order(sorted({path for path in found if path.suffix == ".dist-info"})):
        target = root / SITE / info.name
        target.mkdir(parents=True)
        shutil.copy(info / "METADATA", target)
        if (info / "sboms").is_dir():
            shutil.copytree(info / "sboms", target / "sboms")
    (root / SITE / "platesieve/released").mkdir(parents=True)
    shutil.copy(ROOT / "models/released.toml", root / SITE / "platesieve/released")
    return root


def faults(document: dict[str, Any]) -> str:
    """Return what CycloneDX's own schema says against a list."""
    return str(JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(document)) or "")


def names(document: dict[str, Any]) -> set[str]:
    """Return the distributions in a list."""
    purls = [PackageURL.from_string(one["purl"]) for one in document["components"] if "purl" in one]
    return {purl.name for purl in purls if purl.type == "pypi"}


def needed(name: str = "platesieve", extra: str = "web") -> Iterator[str]:
    """Yield what an installed distribution and everything that it needs is called: by pip's rules, not by ours."""
    seen, todo = set(), [(name, extra)]
    while todo:
        one, extra = todo.pop()
        if (one, extra) in seen:
            continue
        seen.add((one, extra))
        yield one
        for line in importlib.metadata.requires(one) or ():
            wanted = Requirement(line)
            if wanted.marker is None or wanted.marker.evaluate({"extra": extra}):
                todo += [(canonicalize_name(wanted.name), asked) for asked in (wanted.extras or {""})]


def test_the_list_is_valid_for_an_image_and_for_an_installation(parts: ModuleType, root: Path) -> None:
    """By the schema of CycloneDX, strictly; and the schema does say no."""
    for document in (parts.document(root, root / SITE), parts.document(None, root / SITE)):
        assert faults(document) == ""
        one = document["components"][0]
        for fault in (
            {"serialNumber": "7"},
            {"colour": "red"},
            {"components": [{**one, "type": "gadget"}]},
            {"components": [{key: value for key, value in one.items() if key != "name"}]},
        ):
            assert faults({**document, **fault}), fault


def test_every_reference_leads_to_one_part(parts: ModuleType, root: Path) -> None:
    """What the schema cannot see: no reference twice, none into nothing, and every part hangs below the whole."""
    for document in (parts.document(root, root / SITE), parts.document(None, root / SITE)):
        whole = document["metadata"]["component"]["bom-ref"]
        top = [whole, *(one["bom-ref"] for one in document["components"])]
        nested = [part["bom-ref"] for one in document["components"] for part in one.get("components", ())]
        edges = {one["ref"]: one["dependsOn"] for one in document["dependencies"]}
        reached, todo = set(), [whole]
        while todo:
            reached.add(here := todo.pop())
            todo += set(edges.get(here, ())) - reached
        assert len({*top, *nested}) == len(top) + len(nested)
        assert edges.keys() <= set(top)
        assert reached == set(top)
        for one in document["components"]:
            if "purl" in one:
                assert PackageURL.from_string(one["purl"]).to_string() == one["purl"]


def test_everything_that_the_wheel_needs_is_listed(parts: ModuleType, root: Path) -> None:
    """Down to the last one, by pip's own rules; the control is a list from which one was left out."""
    wanted = set(needed())
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    assert {canonicalize_name(Requirement(line).name) for line in declared} < wanted
    assert wanted <= names(parts.document(root, root / SITE))
    assert wanted - {"platesieve"} <= names(parts.document(None, root / SITE))

    (lost,) = (root / SITE).glob("flatbuffers-*.dist-info")  # which onnxruntime needs
    shutil.rmtree(lost)
    assert wanted - names(parts.document(root, root / SITE)) == {"flatbuffers"}


def test_packages_of_the_system_are_those_that_are_installed(parts: ModuleType, root: Path) -> None:
    """With epoch, plus and tilde as package URLs have them, and what needs what."""
    document = parts.document(root, root / SITE)
    found = [one["purl"] for one in document["components"] if one.get("purl", "").startswith("pkg:deb/")]
    edges = {one["ref"]: one["dependsOn"] for one in document["dependencies"]}

    assert found == [
        "pkg:deb/debian/libc6@1:2.36~rc1-9?arch=arm64&distro=debian-12",
        "pkg:deb/debian/libstdc%2B%2B6@12.2.0-14%2Bdeb12u1?arch=arm64&distro=debian-12",
        "pkg:deb/debian/tzdata@2026a?arch=all&distro=debian-12",
    ]
    assert edges[found[1]] == [found[0]]
    assert set(found) < set(edges["platesieve-image"])


@pytest.mark.skipif(shutil.which("dpkg-query") is None, reason="needs Debian")
def test_a_whole_system_is_listed_as_dpkg_lists_it(parts: ModuleType) -> None:
    """This very machine, every package with its version and architecture."""
    form = "${db:Status-Status} ${Package} ${Version} ${Architecture}\n"
    said = subprocess.run(["dpkg-query", "-W", "-f", form], capture_output=True, text=True, check=True).stdout
    purls = [PackageURL.from_string(one["purl"]) for one in parts.debian(Path("/"))[0]]
    found = {(one.name, one.version, one.qualifiers["arch"]) for one in purls}

    assert found == {tuple(line.split()[1:]) for line in said.splitlines() if line.startswith("installed ")}
    assert len(found) == len(purls) > 50


def test_networks_and_what_wheels_carry_inside_are_listed(parts: ModuleType, root: Path) -> None:
    """An OpenSSL inside a wheel is in no package list; the networks are told by their hashes."""
    (wheel,) = (root / SITE).glob("rfc8785-*.dist-info")
    (wheel / "sboms").mkdir()
    inside = {"components": [{"type": "library", "name": "openssl", "version": "4.0.3", "bom-ref": "1"}] * 2}
    (wheel / "sboms/one.cdx.json").write_text(json.dumps(inside))
    document = parts.document(root, root / SITE)
    by_name = {one["name"]: one for one in document["components"]}
    released = tomllib.loads((ROOT / "models/released.toml").read_text())

    assert [(one["name"], one["version"]) for one in by_name["rfc8785"]["components"]] == [("openssl", "4.0.3")]
    for role in ("detector", "reader"):
        network = by_name[released[role]["name"]]
        assert network["type"] == "machine-learning-model"
        assert network["hashes"] == [{"alg": "SHA-256", "content": released[role]["sha256"]}]
    assert faults(document) == ""


def test_the_same_disk_gives_the_same_bytes_and_another_one_others(tmp_path: Path) -> None:
    """Whatever order the files were made in, whatever seed and zone; a time only where the source has one."""
    one = image(tmp_path / "one", lambda found: found)
    other = image(tmp_path / "other", lambda found: found[::-1])

    def listed(root: Path, **environment: str) -> bytes:
        kept = {key: value for key, value in os.environ.items() if key != "SOURCE_DATE_EPOCH"}
        command = [sys.executable, str(PROGRAM), str(root)]
        return subprocess.run(command, env={**kept, **environment}, capture_output=True, check=True, timeout=60).stdout

    first = listed(one, PYTHONHASHSEED="1", TZ="Asia/Tokyo")
    dated = json.loads(listed(other, SOURCE_DATE_EPOCH="1763800000"))

    assert listed(other, PYTHONHASHSEED="2", LC_ALL="C") == first
    assert b"timestamp" not in first
    assert dated["metadata"]["timestamp"] == "2025-11-22T08:26:40Z"
    assert dated["serialNumber"] == json.loads(first)["serialNumber"]
    status = other / "var/lib/dpkg/status"
    status.write_text(status.read_text().replace("2026a", "2026b"))
    assert json.loads(listed(other))["serialNumber"] != dated["serialNumber"]


def test_a_root_without_the_program_is_refused(tmp_path: Path) -> None:
    """An empty list would look like a clean one."""
    done = subprocess.run([PROGRAM, tmp_path], capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 1
    assert "hint: " in done.stderr
    assert done.stdout == ""
