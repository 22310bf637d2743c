"""A log on a stick: `audit verify` of an archive and of an ext4 image says what it says of the folder."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
import typer
from typer.testing import CliRunner

from platesieve.adapters.disk.audit_folder import AuditFolder
from platesieve.cli import audit
from platesieve.domain.errors import InputError
from tests.fakes.log_files import SIGNER, many

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result

pytestmark = pytest.mark.integration
MKE2FS = shutil.which("mke2fs", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
app = typer.Typer()
app.add_typer(audit.app, name="audit")


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Return a state folder with `camera/audit`, and the device's key noted elsewhere."""
    (tmp_path / "cam-1.vkey").write_text(SIGNER.verifier.vkey)
    with AuditFolder(tmp_path / "state/camera/audit", SIGNER) as log:
        log.append(many(300))
    return tmp_path / "state"


def verify(file: Path, *words: str) -> Result:
    """Verify with the key that was noted."""
    return CliRunner().invoke(app, ["audit", "verify", str(file), "--vkey", str(file.parent / "cam-1.vkey"), *words])


def packed(folder: Path, file: Path, under: str) -> Path:
    """Return an archive of a folder."""
    with tarfile.open(file, "w:gz" if file.suffix == ".gz" else "w") as archive:
        archive.add(folder, arcname=under)
    return file


def imaged(state: Path) -> Path:
    """Return an ext4 image of a state folder: made by mke2fs, without root or a loop device."""
    if MKE2FS is None:
        pytest.skip("e2fsprogs is not installed")
    image = state.parent / "data.img"
    subprocess.run([MKE2FS, "-q", "-t", "ext4", "-d", state, image, "8M"], check=True, capture_output=True, timeout=60)
    return image


def alter(state: Path) -> None:
    """Flip a bit of an entry."""
    bundle = state / "camera/audit/tile/entries/000"
    content = bytearray(bundle.read_bytes())
    content[-5] ^= 1
    bundle.write_bytes(content)


@pytest.mark.parametrize(("name", "under"), [("a.tar", "."), ("a.tar.gz", "camera/audit"), ("b.tar", "/log")])
def test_an_archive_is_verified_like_its_folder(state: Path, name: str, under: str) -> None:
    """Wherever in it the log lies."""
    answer = verify(packed(state / "camera/audit", state.parent / name, under))

    assert (answer.exit_code, answer.output[:38]) == (0, "the log is intact: 300 entries, signed")


@pytest.mark.parametrize("form", ["archive", "image"])
def test_an_altered_copy_is_exit_1(state: Path, form: str) -> None:
    """The control: what is copied out is what is verified."""
    alter(state)
    file = imaged(state) if form == "image" else packed(state, state.parent / "a.tar", "state")

    answer = verify(file)

    assert answer.exit_code == 1
    assert "not what its device signed" in answer.output


def test_an_image_is_verified_like_its_folder_and_stays_as_it_was(state: Path) -> None:
    """Found by itself under /camera/audit, or where --inside says."""
    image = imaged(state)
    before = image.read_bytes()

    answers = [verify(image), verify(image, "--inside", "/camera/audit")]

    assert [answer.exit_code for answer in answers] == [0, 0]
    assert image.read_bytes() == before


def test_an_archive_that_leads_outside_writes_nothing_there(state: Path, tmp_path: Path) -> None:
    """Neither a path with .., nor a link, nor a file that is no part of a log leaves the archive."""
    file = tmp_path / "evil.tar"
    with tarfile.open(file, "w") as archive:
        archive.add(state / "camera/audit", arcname="log")
        for name in ("log/../../../escaped", "log/tile/../../../../escaped", "log/notes.txt"):
            member = tarfile.TarInfo(name)
            member.size = 4
            archive.addfile(member, io.BytesIO(b"evil"))
        link = tarfile.TarInfo("log/tile/0/009")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)

    assert verify(file).exit_code == 0
    assert not list(tmp_path.rglob("escaped"))


def test_a_link_in_an_image_is_not_followed(state: Path, tmp_path: Path) -> None:
    """A tile that is a link to a file of the auditor's machine counts as missing."""
    tile = state / "camera/audit/tile/0/000"
    (tmp_path / "elsewhere").write_bytes(tile.read_bytes())
    tile.unlink()
    tile.symlink_to(tmp_path / "elsewhere")

    answer = verify(imaged(state))

    assert answer.exit_code == 1
    assert "tile/0/000 is missing" in answer.output


def _refusal(file: Path, *words: str) -> str:
    error = verify(file, *words).exception
    assert isinstance(error, InputError), error
    return f"{error.message}; {error.hint}"


def test_what_holds_no_log_is_refused_with_what_to_do(
    state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several logs, none, a whole disk, a cut archive, a bomb, no debugfs."""
    both = packed(state, tmp_path / "both.tar", "one")
    with tarfile.open(both, "a") as archive:
        archive.add(state, arcname="two")
    assert "one/camera/audit, two/camera/audit" in _refusal(both)
    assert verify(both, "--inside", "two/camera/audit").exit_code == 0
    assert "no log" in _refusal(packed(tmp_path / "cam-1.vkey", tmp_path / "none.tar", "key"))
    (tmp_path / "disk.img").write_bytes(bytes(510) + b"\x55\xaa" + bytes(4096))
    assert "whole disk" in _refusal(tmp_path / "disk.img")
    cut = packed(state, tmp_path / "cut.tar.gz", "state")
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
    assert "damaged" in _refusal(cut)
    with suppress(OSError), tarfile.open(tmp_path / "bomb.tar", "w") as bomb:
        large = tarfile.TarInfo("log/checkpoint")
        large.size = 2**40
        bomb.addfile(large)
    assert "larger than a log" in _refusal(tmp_path / "bomb.tar")
    image = imaged(state)
    assert "--inside" in _refusal(image, "--inside", "/nowhere")
    assert "no path" in _refusal(image, "--inside", '/a" b')
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    assert "apt install e2fsprogs" in _refusal(image)
