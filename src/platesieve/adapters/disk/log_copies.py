"""A log as it is handed over: a tar archive, or the image of an ext4 partition. Copied out; the file is only read.

Neither is trusted: of an archive only names that a log has are written, of an image nothing but plain files is read,
and both are bounded in size.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tarfile
import zlib
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from platesieve.audit.tiles import CHECKPOINT, is_log_name
from platesieve.domain.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MAX_BYTES: Final = 2**30  # of a log or archive, unpacked: ten years at one entry a minute
MAX_FILE_BYTES: Final = 2**25  # of one file: a bundle has 17 MB at most
PLACES: Final = ("/", "/audit", "/camera/audit", "/platesieve/camera/audit", "/var/lib/platesieve/camera/audit")
_BESIDE = re.compile(r"cosigned/[0-9a-f]{8}|anchors/[0-9]{1,16}\.(?:tsr|checkpoint)", re.ASCII)
_EXT_MAGIC, _EXT_MAGIC_AT = b"\x53\xef", 1080  # superblock at 1024, s_magic at 56: ext2 to ext4
_PLAIN_PATH = re.compile(r"/[A-Za-z0-9_./-]*")
_TIMEOUT_S = 300
_NOT_A_LOG = "give the folder of a log, a .tar or .tar.gz of it, or the image of the ext4 partition it is on"

_PARTITION = "copy the partition with the log out of it (sfdisk --dump says where it is, dd copies), and give that"


@contextmanager
def copied_out(file: Path, inside: str | None = None) -> Iterator[Path]:
    """Yield a folder with the log that an archive or image holds; it is removed afterwards.

    Args:
        file: the archive or image.
        inside: path of the log's folder in it; looked for unless given.

    Raises:
        InputError: it cannot be read, is neither, holds no log or several, is too large, or a tool is missing.
    """
    with TemporaryDirectory(prefix="platesieve-log-") as scratch:
        folder = Path(scratch) / "log"
        folder.mkdir()
        try:
            if _is_ext(file):  # first: it begins with zeroes, which for tarfile is an archive of nothing
                _from_image(file, inside, folder)
            elif _is_disk(file):
                raise InputError(f"{file} is the image of a whole disk", _PARTITION)
            elif tarfile.is_tarfile(file):
                _from_archive(file, inside, folder)
            else:
                raise InputError(f"{file} is neither an archive nor an ext4 image", _NOT_A_LOG)
        except (OSError, EOFError, tarfile.TarError, zlib.error) as error:
            reason = getattr(error, "strerror", None) or "it is damaged"
            raise InputError(f"{file} cannot be read: {reason}", _NOT_A_LOG) from error
        yield folder


def _from_archive(file: Path, inside: str | None, folder: Path) -> None:
    """Copy the files of a log; what has another name, or is no plain file, is passed over."""
    with tarfile.open(file) as archive:
        members: dict[str, tarfile.TarInfo] = {}
        for member in archive:
            if member.offset_data + member.size > MAX_BYTES:
                raise InputError(f"{file} is larger than a log can be", "unpack it yourself, and give the folder")
            name = PurePosixPath(member.name).as_posix().removeprefix("/")
            if member.isreg() and member.size <= MAX_FILE_BYTES:
                if name in members:
                    raise InputError(f"{file} holds a file twice", "make the archive anew, from the log's folder")
                members[name] = member
        root = _root([PurePosixPath(name) for name in members], inside, file)
        for name, member in members.items():
            path = PurePosixPath(name)
            relative = path.relative_to(root).as_posix() if path.is_relative_to(root) else ""
            content = archive.extractfile(member) if _belongs(relative) else None
            if content is not None:
                target = folder / relative
                target.parent.mkdir(parents=True, exist_ok=True)
                with target.open("xb") as written:
                    shutil.copyfileobj(content, written)


def _belongs(name: str) -> bool:
    """Return whether a log has a file of this name; no such name leads out of its folder."""
    return name == CHECKPOINT or is_log_name(name) or _BESIDE.fullmatch(name) is not None


def _root(paths: Sequence[PurePosixPath], inside: str | None, file: Path) -> PurePosixPath:
    """Return the folder of the log in an archive: the one that has tiles, or a checkpoint and nothing else."""
    roots = {PurePosixPath(*p.parts[: p.parts.index("tile")]) for p in paths if "tile" in p.parts}
    roots = roots or {path.parent for path in paths if path.name == CHECKPOINT}
    if inside is not None:
        roots &= {PurePosixPath(inside.strip("/") or ".")}
    if not roots:
        raise InputError(f"there is no log in {file}", _NOT_A_LOG)
    if len(roots) > 1:
        raise InputError(
            f"{file} holds {len(roots)} logs", f"give --inside with one: {', '.join(sorted(map(str, roots)))}"
        )
    return roots.pop()


def _is_ext(file: Path) -> bool:
    with file.open("rb") as opened:
        opened.seek(_EXT_MAGIC_AT)
        return opened.read(len(_EXT_MAGIC)) == _EXT_MAGIC


def _is_disk(file: Path) -> bool:
    """Return whether it has a partition table: the mark of its sector, and at 446 the first of four entries."""
    with file.open("rb") as opened:
        sector = opened.read(512)
    return sector[510:] == b"\x55\xaa" and sector[446] in {0, 0x80} and not sector.startswith(b"\x1f\x8b")


def _from_image(file: Path, inside: str | None, folder: Path) -> None:
    """Copy a folder out of an ext4 file system that is not mounted: neither root nor a loop device is needed."""
    if inside is not None and not _PLAIN_PATH.fullmatch(inside):
        raise InputError("this is no path in an image", "write it from the root, such as --inside /camera/audit")
    places = PLACES if inside is None else (inside,)
    found = [place for place in places if _lists_log(_debugfs(file, f"ls -p {place}", folder))]
    if not found:
        raise InputError(
            f"there is no log in {file} at {', '.join(places)}", "name its folder in the image with --inside"
        )
    _debugfs(file, f"rdump {found[0]} copy", folder)
    copied = folder / "copy" / PurePosixPath(found[0]).name
    total = 0
    for path in list(copied.rglob("*")):
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            path.unlink()  # a log has none, and one could lead to a file of this machine
        elif path.is_file():
            total += path.stat().st_size
    if total > MAX_BYTES:
        raise InputError(f"{file} holds more than a log can be", "mount it read-only, and give the folder")
    for entry in list(copied.iterdir()):
        entry.rename(folder / entry.name)


def _lists_log(listing: str) -> bool:
    names = {line.split("/")[5] for line in listing.splitlines() if line.count("/") >= 6}  # noqa: PLR2004 - /inode/mode/uid/gid/name/size/
    return CHECKPOINT in names or "tile" in names


def _debugfs(file: Path, request: str, folder: Path) -> str:
    """Run one request of debugfs(8), which opens the image read-only unless told otherwise."""
    tool = shutil.which("debugfs", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    limit = shutil.which("prlimit")
    if tool is None or limit is None:
        raise InputError(
            "ext4 images are read with debugfs, which is not installed",
            "apt install e2fsprogs util-linux; or mount the image read-only, and give the folder",
        )
    (folder / "copy").mkdir(exist_ok=True)
    command = [limit, f"--fsize={MAX_FILE_BYTES}", tool, "-R", request, str(file.resolve())]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, timeout=_TIMEOUT_S, check=False)  # noqa: S603 - no shell; the path in the request is plain
    except subprocess.TimeoutExpired as error:
        raise InputError(f"{file} takes too long to read", "mount it read-only, and give the folder") from error
    return done.stdout.decode(errors="replace")
