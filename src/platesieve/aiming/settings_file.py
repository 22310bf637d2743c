"""What the page changes in the settings file: shown before it is written, checked, written as a whole."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypeAlias

import tomlkit

from platesieve.adapters.disk.config_file import load_settings
from platesieve.adapters.disk.whole_file import write_whole
from platesieve.aiming.lookout import Areas
from platesieve.domain.errors import ConfigError, InputError
from platesieve.settings import Exposure

if TYPE_CHECKING:
    from pathlib import Path

    from platesieve.settings import Outline

Change: TypeAlias = Areas | Exposure
_DIGITS = 4


def areas_of(document: Any) -> Areas:
    """Return what the page drew.

    Raises:
        InputError: it is no list of outlines of numbers.
    """
    if not isinstance(document, dict) or not document.keys() <= {"regions", "masks"}:
        raise InputError("the page sent no areas", "load it again")
    return Areas(_outlines(document.get("regions", [])), _outlines(document.get("masks", [])))


def changed(settings_file: Path, change: Change) -> str:
    """Return the text of a settings file with these areas or profiles in it; its comments and all else stay.

    Raises:
        InputError: the file cannot be read, or is no TOML.
    """
    try:
        document = tomlkit.parse(settings_file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError("the settings file cannot be read", "give another --config") from error
    if isinstance(change, Areas):
        vision = document.setdefault("vision", tomlkit.table())
        for name, outlines in (("regions", change.regions), ("masks", change.masks)):
            if outlines:
                vision[name] = [[list(corner) for corner in outline] for outline in outlines]
            else:
                vision.pop(name, None)
    else:
        exposure = document.setdefault("exposure", tomlkit.table())
        for time, profile in _profiles(change).items():
            exposure[time] = profile
    return tomlkit.dumps(document)


def excerpt(change: Change) -> str:
    """Return the lines that would be written."""
    document = tomlkit.document()
    if isinstance(change, Areas):
        document.add("vision", _areas(change))
    else:
        document.add("exposure", tomlkit.item(_profiles(change)))
    return tomlkit.dumps(document)


def _profiles(exposure: Exposure) -> dict[str, dict[str, Any]]:
    """Return both profiles without what is left to the camera."""
    both = (("day", exposure.day), ("night", exposure.night))
    return {time: {key: value for key, value in asdict(one).items() if value is not None} for time, one in both}


def _areas(areas: Areas) -> tomlkit.items.Table:
    vision = tomlkit.table()
    for name, outlines in (("regions", areas.regions), ("masks", areas.masks)):
        if not outlines:
            continue
        lines = tomlkit.array()
        for outline in outlines:
            lines.append([list(corner) for corner in outline])
        vision.add(name, lines.multiline(multiline=True))
    return vision


def write(settings_file: Path, target: Path, change: Change) -> str:
    """Write the changed settings file and return its SHA-256; `target` may be the file itself.

    Where `target` is there already, what it says stays: a page may change areas and then profiles.

    Raises:
        ConfigError: a device would refuse them; nothing was changed.
        InputError: the settings file cannot be read.
        StorageError: the disk refuses; what was there is still there.
    """
    content = changed(target if target.exists() else settings_file, change).encode()
    trial = target.with_name(f"{target.name}.trial")
    write_whole(trial, content, 0o600)
    try:
        load_settings(trial, {})
    except ConfigError as error:
        raise ConfigError("the device would refuse these settings", error.hint, error.problems) from error
    finally:
        trial.unlink(missing_ok=True)
    write_whole(target, content, 0o644)
    return hashlib.sha256(content).hexdigest()


def _outlines(drawn: Any) -> tuple[Outline, ...]:
    try:
        return tuple(
            tuple((round(float(x), _DIGITS), round(float(y), _DIGITS)) for x, y in outline) for outline in drawn
        )
    except (TypeError, ValueError) as error:
        raise InputError("the page sent no areas", "load it again") from error
