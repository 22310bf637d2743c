#!/usr/bin/env python3
"""Describe built images: `os_list.json` for Raspberry Pi Imager.

    describe.py DIR [--url https://images.example/platesieve]

Every platesieve-*.img.zst in DIR becomes an entry, for the board in its name (pi4, pi5); sizes and hashes are those of
the files. `--url` says where they will be published; without it the addresses are relative.
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
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

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


def main() -> None:
    """Write the list."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, help="where the images are")
    parser.add_argument("--url", default="", help="where they will be published")
    options = parser.parse_args()
    folder: Path = options.folder
    version = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]["version"]
    document = os_list(folder, version, options.url)
    if not document["os_list"]:
        sys.exit(f"error: there is no platesieve-*.img.zst in {folder}\nhint: sudo firmware/build, or rpi-image-gen")
    shutil.copy(ICON, folder)
    (folder / "os_list.json").write_text(json.dumps(document, indent=2) + "\n")
    sys.stdout.write(f"{folder / 'os_list.json'}: {len(document['os_list'])} images\n")


if __name__ == "__main__":
    main()
