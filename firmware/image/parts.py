#!/usr/bin/env python3
"""List what an image or an installation is made of, as CycloneDX 1.6 on standard output.

    parts.py ROOT             a root file system: Debian's packages, and the program with all that it needs
    parts.py --site FOLDER    the site-packages of an environment that holds the wheel alone

What is on the disk is listed, not what was asked for: with the libraries that wheels carry inside them, by the lists
that they bring along (PEP 770), the two networks with their hashes, and what needs what. The same disk gives the same
bytes; a time stands in it only where SOURCE_DATE_EPOCH gives one (reproducible-builds.org).
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import tomllib
import uuid
from datetime import UTC, datetime
from email.parser import HeaderParser
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterator

Part: TypeAlias = dict[str, Any]
Needs: TypeAlias = dict[str, set[str]]  # by bom-ref
PROGRAM: Final = "platesieve"
_NESTED_TYPES: Final = {"library", "framework", "application", "file"}
_SPDX: Final = re.compile(r"[A-Za-z0-9.+-]+( (AND|OR|WITH) [A-Za-z0-9.+-]+)*")


def debian(root: Path) -> tuple[list[Part], Needs]:
    """Return every package that dpkg has installed, and which of them it needs."""
    parser, release = HeaderParser(), _os_release(root)
    maker = release.get("ID", "debian")
    distro = "-".join(filter(None, (maker, release.get("VERSION_ID"))))
    blocks = map(parser.parsestr, (root / "var/lib/dpkg/status").read_text(encoding="utf-8").split("\n\n"))
    packages = {
        f"{_purl('deb', one['Package'], one['Version'], maker)}?arch={one['Architecture']}&distro={distro}": one
        for one in blocks
        if one["Status"] == "install ok installed"
    }
    parts = [_part(ref, one["Package"], one["Version"]) for ref, one in sorted(packages.items())]
    refs = {one["Package"]: ref for ref, one in packages.items()}
    needs = {
        ref: {
            refs[wanted]
            for field in ("Depends", "Pre-Depends")
            for wanted in re.findall(r"(?:^|[,|])\s*([a-z0-9][a-z0-9+.-]+)", one.get(field) or "")
            if wanted in refs
        }
        for ref, one in packages.items()
    }
    return parts, needs


def python(site: Path) -> tuple[list[Part], Needs]:
    """Return every distribution in a folder of packages, with what its wheel carries, and which of them it needs."""
    metadata = {
        path.parent: HeaderParser().parsestr(path.read_text("utf-8")) for path in site.glob("*.dist-info/METADATA")
    }
    found = {_normal(one["Name"]): (folder, one) for folder, one in metadata.items()}
    refs = {name: _purl("pypi", name, one["Version"]) for name, (_, one) in found.items()}
    parts, needs = [], Needs()
    for name, (folder, one) in sorted(found.items()):
        part = _part(refs[name], one["Name"], one["Version"])
        if (licence := one["License-Expression"]) and _SPDX.fullmatch(licence):
            part["licenses"] = [{"expression": licence}]
        if carried := list(_carried(folder, refs[name])):
            part["components"] = carried
        parts.append(part)
        wanted = {_normal(re.split(r"[^\w.-]", line, maxsplit=1)[0]) for line in one.get_all("Requires-Dist") or ()}
        needs[refs[name]] = {refs[other] for other in wanted if other in refs and other != name}
    networks = list(_networks(site))
    needs.setdefault(refs.get(PROGRAM, PROGRAM), set()).update(part["bom-ref"] for part in networks)
    return [*parts, *networks], needs


def document(root: Path | None, site: Path) -> dict[str, Any]:
    """Return the list of an image, or without a root that of an installation.

    Args:
        root: of the image.
        site: where the program and what it needs are installed.
    """
    parts, needs = python(site)
    program = next((part for part in parts if part["name"] == PROGRAM), None)
    if program is None:
        sys.exit(f"error: {PROGRAM} is not installed in {site}\nhint: firmware/image/program puts it there")
    if root is None:
        parts.remove(program)
        whole = {**program, "type": "application"}
    else:
        packages, more = debian(root)
        parts, needs = [*packages, *parts], needs | more
        ref = f"{PROGRAM}-image"
        whole = {"type": "firmware", "bom-ref": ref, "name": ref, "version": program["version"]}
        needs[ref] = {part["bom-ref"] for part in (*packages, program)}
    needed = set().union(*needs.values())
    needs[whole["bom-ref"]] |= {part["bom-ref"] for part in parts} - needed  # nothing hangs in the air
    listed = {
        "components": parts,
        "dependencies": [{"ref": ref, "dependsOn": sorted(others)} for ref, others in sorted(needs.items())],
    }
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    stamp = {"timestamp": datetime.fromtimestamp(int(epoch), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")} if epoch else {}
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, json.dumps([whole, listed]))}",
        "version": 1,
        "metadata": {**stamp, "component": whole},
        **listed,
    }


def _carried(folder: Path, owner: str) -> Iterator[Part]:
    """Yield what a wheel has inside it, by the CycloneDX lists in its folder `sboms`."""
    seen = set()
    for path in sorted(folder.glob("sboms/*.json")):
        for one in json.loads(path.read_text("utf-8")).get("components", ()):
            ref = f"{owner}#{one.get('purl') or one['name'] + '@' + one.get('version', '')}"
            if ref not in seen and ref != f"{owner}#{owner}":
                seen.add(ref)
                kept = {key: one[key] for key in ("name", "version", "purl") if one.get(key)}
                yield {"type": one["type"] if one["type"] in _NESTED_TYPES else "library", "bom-ref": ref, **kept}


def _networks(site: Path) -> Iterator[Part]:
    """Yield the networks that the wheel brings, with the hashes under which they were released."""
    released = site / PROGRAM / "released/released.toml"
    tables = tomllib.loads(released.read_text("utf-8")) if released.exists() else {}
    for one in tables.values():
        if isinstance(one, dict) and {"name", "version", "file", "sha256", "licence"} <= one.keys():
            yield {
                "type": "machine-learning-model",
                "bom-ref": f"{PROGRAM}/{one['file']}",
                "name": one["name"],
                "version": one["version"],
                "hashes": [{"alg": "SHA-256", "content": one["sha256"]}],
                "licenses": [{"expression": one["licence"]}],
            }


def _part(ref: str, name: str, version: str) -> Part:
    return {"type": "library", "bom-ref": ref, "name": name, "version": version, "purl": ref}


def _purl(kind: str, name: str, version: str, namespace: str = "") -> str:
    """Return a package URL (package-url/purl-spec) without qualifiers."""
    return "/".join(filter(None, (f"pkg:{kind}", namespace, quote(name, "")))) + f"@{quote(version, ':')}"


def _normal(name: str) -> str:
    """Return a distribution's name as PyPI compares it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _os_release(root: Path) -> dict[str, str]:
    file = root / "etc/os-release"
    lines = file.read_text("utf-8").splitlines() if file.exists() else []
    return {key: value.strip('"') for key, _, value in (line.partition("=") for line in lines)}


def main() -> None:
    """Print the list."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("root", nargs="?", type=Path, help="root file system of an image")
    where.add_argument("--site", type=Path, help="site-packages of an environment")
    options = parser.parse_args()
    sites = [options.site] if options.site else list(options.root.glob("opt/platesieve/lib/python3*/site-packages"))
    if not sites:
        sys.exit(f"error: there is no program in {options.root}\nhint: firmware/image/program puts it there")
    sys.stdout.write(json.dumps(document(options.root, sites[0]), indent=1) + "\n")


if __name__ == "__main__":
    main()
