#!/usr/bin/env python3
"""Describe built images: `os_list.json` for Raspberry Pi Imager, `sbom.cdx.json` (CycloneDX 1.5).

    describe.py DIR [--url https://images.example/platesieve]

Every platesieve-*.img.zst in DIR becomes an entry, for the board in its name (pi4, pi5); sizes and hashes are those of
the files. `--url` says where they will be published; without it the addresses are relative. The parts list is made
where `firmware/build` left what it is made from.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tomllib
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

DEVICES: Final = {"pi4": ["pi4-64bit"], "pi5": ["pi5-64bit"], "zero2w": ["pi3-64bit"]}  # as Imager names boards
ICON: Final = Path(__file__).with_name("icon.svg")
CHUNK_BYTES: Final = 1 << 20
TOP: Final = Path(__file__).parents[2]


def sha256(file: Path) -> str:
    """Return the hash of a file, hex."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def built_on() -> datetime:
    """Return the time of the build, or of the source where SOURCE_DATE_EPOCH says it (reproducible-builds.org)."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    return datetime.fromtimestamp(int(epoch), UTC) if epoch else datetime.now(UTC)


def unpacked(packed: Path) -> tuple[int, str]:
    """Return size and hash of what is in a compressed image, as it will be on the card."""
    size, digest = 0, hashlib.sha256()
    zstd = shutil.which("zstd") or sys.exit("error: zstd is missing\nhint: apt-get install -y zstd")
    with subprocess.Popen([zstd, "-q", "-d", "-c", packed], stdout=subprocess.PIPE) as process:  # noqa: S603 - no shell
        while process.stdout and (chunk := process.stdout.read(CHUNK_BYTES)):
            size += len(chunk)
            digest.update(chunk)
    if process.returncode:
        sys.exit(f"error: {packed.name} is damaged\nhint: build it again")
    return size, digest.hexdigest()


def entry(packed: Path, version: str, url: str) -> dict[str, Any]:
    """Return what Raspberry Pi Imager 2 reads of one image (its doc/json-schema/os-list-schema.json)."""
    board = packed.name.removeprefix("platesieve-").partition(".")[0]
    size, digest = unpacked(packed)
    about = "A licence-plate reader that forgets. Put platesieve.toml on the card after writing."
    if board not in DEVICES:
        about = "For qemu, to see it run; it starts no Raspberry Pi, which has other drivers."
    return {
        "name": f"platesieve {version} ({board})",
        "description": about,
        "icon": f"{url}{ICON.name}",
        "url": f"{url}{packed.name}",
        "extract_size": size,
        "extract_sha256": digest,
        "image_download_size": packed.stat().st_size,
        "image_download_sha256": sha256(packed),
        "release_date": built_on().date().isoformat(),
        "devices": DEVICES.get(board, []),
        "init_format": "none",
        "architecture": "armv8",
    }


def os_list(folder: Path, version: str, url: str = "") -> dict[str, Any]:
    """Return the list of all images in a folder."""
    base = f"{url.rstrip('/')}/" if url else ""
    return {"os_list": [entry(packed, version, base) for packed in sorted(folder.glob("platesieve-*.img.zst"))]}


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


def main() -> None:
    """Write both files."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, help="where the images are")
    parser.add_argument("--url", default="", help="where they will be published")
    options = parser.parse_args()
    folder: Path = options.folder
    version = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]["version"]
    documents = {"os_list.json": os_list(folder, version, options.url)}
    if not documents["os_list.json"]["os_list"]:
        sys.exit(f"error: there is no platesieve-*.img.zst in {folder}\nhint: sudo firmware/build, or rpi-image-gen")
    shutil.copy(ICON, folder)
    if (folder / "packages.deb").exists():
        debian, python = (folder / "packages.deb").read_text(), (folder / "packages.python").read_text()
        documents["sbom.cdx.json"] = sbom(debian, python, version)
    for name, document in documents.items():
        (folder / name).write_text(json.dumps(document, indent=2) + "\n")
    count, parts = len(documents["os_list.json"]["os_list"]), documents.get("sbom.cdx.json", {}).get("components", [])
    sys.stdout.write(f"{folder / 'os_list.json'}: {count} images; {len(parts)} parts in sbom.cdx.json\n")


if __name__ == "__main__":
    main()
