#!/usr/bin/env python3
"""Describe a built image: `os_list.json` for Raspberry Pi Imager, `sbom.cdx.json` (CycloneDX 1.5): describe.py DIR.

Sizes and hashes are those of the files beside them; the address is relative to where the list is published, unless
PLATESIEVE_IMAGE_URL names another one.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tomllib
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

IMAGE: Final = "platesieve-arm64.img"
TOP: Final = Path(__file__).parents[2]


def sha256(file: Path) -> str:
    """Return the hash of a file, hex."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def built_on() -> datetime:
    """Return the time of the build, or of the source where SOURCE_DATE_EPOCH says it (reproducible-builds.org)."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    return datetime.fromtimestamp(int(epoch), UTC) if epoch else datetime.now(UTC)


def os_list(folder: Path, version: str, image: str = IMAGE) -> dict[str, Any]:
    """Return the list that Raspberry Pi Imager 2 reads (its doc/json-schema/os-list-schema.json)."""
    raw, packed = folder / image, folder / f"{image}.zst"
    entry = {
        "name": f"platesieve {version} (64 bit)",
        "description": "A licence-plate reader that forgets. Put platesieve.toml on the card after writing.",
        "icon": "icon.svg",
        "url": os.environ.get("PLATESIEVE_IMAGE_URL", packed.name),
        "extract_size": raw.stat().st_size,
        "extract_sha256": sha256(raw),
        "image_download_size": packed.stat().st_size,
        "image_download_sha256": sha256(packed),
        "release_date": built_on().date().isoformat(),
        "devices": ["pi5-64bit", "pi4-64bit", "pi3-64bit"],  # a Zero 2 W is a pi3-64bit to Imager
        "init_format": "none",
        "architecture": "armv8",
    }
    return {"os_list": [entry]}


def debian_packages(status: str) -> Iterator[tuple[str, str]]:
    """Yield name and version of every package that dpkg has installed."""
    for block in status.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line and not line.startswith(" "))
        if fields.get("Status") == "install ok installed":
            yield fields["Package"], fields["Version"]


def sbom(debian: str, python: str, version: str) -> dict[str, Any]:
    """Return what the image is made of as CycloneDX 1.5.

    Args:
        debian: dpkg's status file.
        python: one NAME-VERSION.dist-info a line.
        version: of the program.
    """
    parts = [
        ("deb", f"pkg:deb/debian/{name}@{number}?arch=arm64", name, number) for name, number in debian_packages(debian)
    ]
    for line in sorted(python.split()):
        name, _, number = line.removesuffix(".dist-info").rpartition("-")
        parts.append(("pypi", f"pkg:pypi/{name.lower().replace('_', '-')}@{number}", name, number))
    components = [
        {"type": "library", "bom-ref": purl, "name": name, "version": number, "purl": purl}
        for _kind, purl, name, number in parts
    ]
    root = {"type": "firmware", "bom-ref": "platesieve-image", "name": "platesieve-image", "version": version}
    listed = json.dumps(components)
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, listed)}",
        "version": 1,
        "metadata": {"timestamp": built_on().strftime("%Y-%m-%dT%H:%M:%SZ"), "component": root},
        "components": components,
        "dependencies": [{"ref": "platesieve-image", "dependsOn": [part["bom-ref"] for part in components]}],
    }


def main(folder: Path) -> None:
    """Write both files."""
    version = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]["version"]
    documents = {
        "os_list.json": os_list(folder, version),
        "sbom.cdx.json": sbom((folder / "packages.deb").read_text(), (folder / "packages.python").read_text(), version),
    }
    for name, document in documents.items():
        (folder / name).write_text(json.dumps(document, indent=2) + "\n")
    parts = len(documents["sbom.cdx.json"]["components"])
    sys.stdout.write(f"{folder / 'os_list.json'}, and {parts} parts in {folder / 'sbom.cdx.json'}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
