"""The image without booting it: partitions, the scan for secrets, the list for Raspberry Pi Imager.

Booting it is `python -m tests.firmware_boot`, which takes minutes.
"""

from __future__ import annotations

import hashlib
import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).parents[2]
IMAGE = ROOT / "firmware" / "image"

pytestmark = pytest.mark.integration

# What Raspberry Pi Imager 2 asks of an entry that can be written (its doc/json-schema/os-list-schema.json, draft 07),
# and beyond it what a typing error would hide: known devices, hashes of the right length.
ENTRY: dict[str, Any] = {
    "type": "object",
    "required": [
        *("name", "description", "icon", "url", "extract_size", "extract_sha256", "image_download_size"),
        *("release_date", "devices"),
    ],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string", "minLength": 1},
        "description": {"type": "string", "minLength": 1},
        "icon": {"type": "string", "minLength": 1},
        "url": {"type": "string", "minLength": 1},
        "extract_size": {"type": "integer", "minimum": 1},
        "extract_sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
        "image_download_size": {"type": "integer", "minimum": 1},
        "image_download_sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
        "release_date": {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"},
        "devices": {"type": "array", "items": {"enum": ["pi3-64bit", "pi4-64bit", "pi5-64bit"]}},
        "init_format": {"enum": ["none", "systemd", "cloudinit", "cloudinit-rpi", "rpi-preseed"]},
        "architecture": {"enum": ["armv6", "armv7", "armv8"]},
    },
}


@pytest.fixture(scope="module")
def describe() -> ModuleType:
    """Return the program that describes an image."""
    spec = importlib.util.spec_from_file_location("describe", IMAGE / "describe.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_three_partitions_become_one_disk(tmp_path: Path) -> None:
    """The configuration is read by genimage itself; the MBR says FAT first, then two Linux partitions."""
    (tmp_path / "in").mkdir()
    (tmp_path / "empty").mkdir()
    for name in ("boot.vfat", "root.ext4", "data.ext4"):
        (tmp_path / "in" / name).write_bytes(bytes(1 << 20))
    command = ["genimage", "--config", str(IMAGE / "genimage.cfg"), "--rootpath", str(tmp_path / "empty")]
    command += ["--inputpath", str(tmp_path / "in"), "--outputpath", str(tmp_path / "out")]
    command += ["--tmppath", str(tmp_path / "tmp")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr

    table = (tmp_path / "out/platesieve-arm64.img").read_bytes()[446:510]
    assert [table[16 * number + 4] for number in range(4)] == [0x0C, 0x83, 0x83, 0]


def bare(tmp_path: Path) -> Path:
    """Return a root file system that nobody can log in to."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/shadow").write_text("root:!*:1::::::\nplatesieve:!*:1::::::\n")
    (tmp_path / "etc/passwd").write_text("root:x:0:0::/root:/bin/bash\nplatesieve:x:996:996::/:/usr/sbin/nologin\n")
    (tmp_path / "etc/machine-id").write_text("uninitialized\n")
    return tmp_path


def scan(root: Path) -> str:
    """Return what the scan has to say."""
    return subprocess.run([IMAGE / "scan", root], capture_output=True, text=True, check=False, timeout=30).stderr


def test_an_image_without_secrets_passes(tmp_path: Path) -> None:
    """The control of all the refusals below."""
    assert scan(bare(tmp_path)) == ""


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("etc/shadow", "root:$y$j9T$abc:1::::::\n"),
        ("etc/shadow", "root::1::::::\n"),
        ("etc/passwd", "pi:x:1000:1000::/home/pi:/bin/bash\n"),
        ("etc/machine-id", "0123456789abcdef0123456789abcdef\n"),
        ("etc/ssh/ssh_host_ed25519_key", "x"),
        ("root/.ssh/authorized_keys", "ssh-ed25519 AAAA"),
        ("var/lib/platesieve/uplink/device.crt", "x"),
        ("var/lib/systemd/random-seed", "x"),
        ("boot/firmware/platesieve.toml", "x"),
        ("opt/platesieve/lib/x.pem", "-----BEGIN PRIVATE KEY-----\nMC4C\n"),
        ("etc/platesieve/audit.key", "PRIVATE+KEY+platesieve/a/b/c+00+AA"),
        ("etc/platesieve/agency.key", "platesieve-agency-secret-1 AAAA"),
    ],
)
def test_a_secret_or_an_identity_is_found(tmp_path: Path, name: str, content: str) -> None:
    """One of each kind; each stops the build."""
    root = bare(tmp_path)
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(content)

    assert "error:" in scan(root)


def test_the_list_for_imager_has_the_sizes_and_hashes_of_the_files(tmp_path: Path, describe: ModuleType) -> None:
    """What Imager checks after it has downloaded and after it has written; each image for the board in its name."""
    for name in ("platesieve-pi4", "platesieve-pi5", "platesieve-arm64"):
        (tmp_path / f"{name}.img").write_bytes(name.encode() * 1000)
        subprocess.run(["zstd", "-q", "--rm", tmp_path / f"{name}.img"], check=True)
    document = describe.os_list(tmp_path, "0.1.0", "https://images.example/platesieve")

    schema = jsonschema.Draft7Validator(ENTRY)
    for one in document["os_list"]:
        schema.validate(one)
    by_name = {one["url"].rpartition("/")[2]: one for one in document["os_list"]}
    pi4 = by_name["platesieve-pi4.img.zst"]
    packed = (tmp_path / "platesieve-pi4.img.zst").read_bytes()
    assert pi4["extract_sha256"] == hashlib.sha256(b"platesieve-pi4" * 1000).hexdigest()
    assert (pi4["extract_size"], pi4["image_download_size"]) == (14_000, len(packed))
    assert pi4["image_download_sha256"] == hashlib.sha256(packed).hexdigest()
    assert (pi4["devices"], by_name["platesieve-pi5.img.zst"]["devices"]) == (["pi4-64bit"], ["pi5-64bit"])
    emulated = by_name["platesieve-arm64.img.zst"]
    assert emulated["devices"] == [], "the image for qemu is offered for no board"
    assert "qemu" in emulated["description"]
    for fault in ({"devices": ["pi9"]}, {"extract_sha256": "0"}, {"extract_size": 0}, {"colour": "red"}):
        assert list(schema.iter_errors({**pi4, **fault})), fault


def test_a_damaged_image_is_not_listed(tmp_path: Path) -> None:
    """An image that cannot be unpacked would stop an installer half-way."""
    (tmp_path / "platesieve-pi4.img.zst").write_bytes(b"no image")
    done = subprocess.run(
        [sys.executable, IMAGE / "describe.py", tmp_path], capture_output=True, text=True, check=False, timeout=30
    )

    assert done.returncode == 1
    assert "hint: build it again" in done.stderr
    assert not (tmp_path / "os_list.json").exists()
