"""What a power cut may leave: records the system calls of a writer, and rebuilds folders as a disk may show them.

The model is that of POSIX and no kinder: content survives from the fsync of its file on, a name from the fsync of
its folder on. Whatever was not forced may survive or not, each by itself, and content also by half.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest


@dataclass
class Recorder:
    """Takes note of what happens below a folder, through the real calls."""

    root: Path
    drop_fsync_of: str = ""  # "file" or "folder": the control, a writer that forgot
    calls: list[tuple[Any, ...]] = field(default_factory=list)
    _open: dict[int, tuple[str, int]] = field(default_factory=dict)

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Stand between the writer and the system."""
        for name in ("open", "write", "fsync", "close", "mkdir", "rename", "unlink", "rmdir"):
            monkeypatch.setattr(os, name, self._wrapped(name, getattr(os, name)))

    def promise(self, note: str) -> None:
        """Take note that an append returned."""
        self.calls.append(("promise", note))

    def _wrapped(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            result = real(*arguments, **options)
            getattr(self, f"_{name}_happened")(result, *arguments)
            return result

        return call

    def _name(self, path: Any) -> str:
        return Path(path).relative_to(self.root).as_posix()

    def _open_happened(self, descriptor: int, path: Any, flags: int, *_: Any) -> None:
        if Path(path).is_relative_to(self.root):
            self._open[descriptor] = (self._name(path), flags)
            if flags & os.O_TRUNC:
                self.calls.append(("create", self._name(path)))

    def _write_happened(self, count: int, descriptor: int, data: Any) -> None:
        if descriptor in self._open:
            self.calls.append(("write", self._open[descriptor][0], bytes(data[:count])))

    def _fsync_happened(self, _: None, descriptor: int) -> None:
        name, flags = self._open[descriptor]
        kind = "folder" if flags & os.O_DIRECTORY else "file"
        if kind != self.drop_fsync_of:
            self.calls.append((f"force-{kind}", name))

    def _close_happened(self, _: None, descriptor: int) -> None:
        self._open.pop(descriptor, None)

    def _mkdir_happened(self, _: None, path: Any, *_more: Any) -> None:
        self.calls.append(("mkdir", self._name(path)))

    def _rename_happened(self, _: None, source: Any, target: Any) -> None:
        self.calls.append(("rename", self._name(source), self._name(target)))

    def _unlink_happened(self, _: None, path: Any, *_more: Any) -> None:
        self.calls.append(("unlink", self._name(path)))

    def _rmdir_happened(self, _: None, path: Any) -> None:
        self.calls.append(("rmdir", self._name(path)))


@dataclass
class _Content:
    written: bytes = b""
    forced: bytes = b""


def rebuild(calls: list[tuple[Any, ...]], target: Path, survives: Callable[[], bool]) -> str | None:
    """Make `target` as the disk may be after these calls; return the last promise.

    Args:
        calls: what was recorded up to the cut.
        target: a folder that is not there yet.
        survives: asked once for each thing that was not forced.
    """
    contents: dict[str, _Content] = {}
    names: list[tuple[tuple[Any, ...], str, _Content | None]] = []  # changes of names, their folder, their content
    forced: set[int] = set()
    promise: str | None = None
    for call in calls:
        match call:
            case ("promise", note):
                promise = note
            case ("create", name):
                contents[name] = _Content()
                names.append((call, os.path.dirname(name) or ".", contents[name]))  # noqa: PTH120 - text, no path
            case ("write", name, data):
                contents[name].written += data
            case ("force-file", name):
                contents[name].forced = contents[name].written
            case ("force-folder", name):
                forced |= {at for at, (_, folder, _) in enumerate(names) if folder == name}
            case ("rename", source, name):
                contents[name] = contents.pop(source)
                names.append((call, os.path.dirname(name) or ".", None))  # noqa: PTH120 - text, no path
            case (_, name):
                names.append((call, os.path.dirname(name) or ".", None))  # noqa: PTH120 - text, no path
    kept = [change for at, change in enumerate(names) if at in forced or survives()]
    _build(kept, target, survives)
    return promise


def _build(
    changes: list[tuple[tuple[Any, ...], str, _Content | None]], target: Path, survives: Callable[[], bool]
) -> None:
    files, folders = _names_after(changes)
    target.mkdir()
    for folder in sorted(folders - {"."}):
        (target / folder).mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        loose = content.written[len(content.forced) :]
        lasting = content.forced + (loose if survives() else loose[: len(loose) // 2] if survives() else b"")
        if (target / name).parent.is_dir():
            (target / name).write_bytes(lasting)


def _names_after(
    changes: list[tuple[tuple[Any, ...], str, _Content | None]],
) -> tuple[dict[str, _Content], set[str]]:
    """Return which files and folders there are once these changes of names have happened."""
    files: dict[str, _Content] = {}
    folders = {"."}
    for (kind, name, *more), folder, content in changes:
        if folder not in folders:
            continue
        if kind == "create" and content is not None:
            files[name] = content
        elif kind == "mkdir":
            folders.add(name)
        elif kind == "rename" and name in files:
            files[more[0]] = files.pop(name)
        elif kind == "unlink":
            files.pop(name, None)
        elif kind == "rmdir":
            folders.discard(name)
    return files, folders
