"""Settings from platesieve.toml: every wrong key and value is named at once, before the camera opens."""

from __future__ import annotations

import json
import sys
import tomllib
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pydantic import TypeAdapter, ValidationError

from platesieve.domain.errors import ConfigError
from platesieve.settings import Settings, out_of_bounds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

T = TypeVar("T")
MAX_BYTES = 256 * 1024
_FILES: dict[str, tuple[str, ...]] = {
    "": ("camera", "policy", "hotlist", "command_key"),
    "uplink": ("ca_file", "certificate_file", "key_file"),
    "delivery": ("folder", "root", "ca_file"),
    "recipients": (),
    "collectors": (),
    "shared_keys": (),
}


def load_settings(path: Path | None, overrides: Mapping[str, object]) -> Settings:
    """Return settings from a file, with the values of the command line laid over them.

    Args:
        path: a TOML file, `-` for JSON on standard input, or None for the defaults.
        overrides: dotted setting name to value, for example {"device.mount": "mobile"}; None is skipped.

    Raises:
        ConfigError: all faults at once in `problems`.
    """
    return load_tree(Settings, path, overrides, _FILES, out_of_bounds)


def load_tree(
    shape: type[T],
    path: Path | None,
    overrides: Mapping[str, object],
    files: Mapping[str, Iterable[str]],
    faults_of: Callable[[T], tuple[str, ...]],
) -> T:
    """Return settings of any shape.

    Args:
        shape: frozen dataclass of the settings.
        path: a TOML file, `-` for JSON on standard input, or None for the defaults.
        overrides: dotted setting name to value; None is skipped.
        files: section to the keys in it that name files, looked for beside `path`; no keys means all of the section.
        faults_of: returns what is wrong with values whose types are right.

    Raises:
        ConfigError: all faults at once in `problems`.
    """
    tree: dict[str, object] = {}
    if path is not None:
        tree = _parse(path)
        if str(path) != "-":
            _beside(tree, path.parent, files)
    for dotted, value in overrides.items():
        if value is not None:
            _put(tree, dotted.split("."), value)
    try:
        settings = TypeAdapter(shape).validate_python(tree)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)
        raise _wrong(tuple(_problem(fault) for fault in faults)) from error
    if problems := faults_of(settings):
        raise _wrong(problems)
    return settings


def dump_settings(settings: Settings) -> str:
    """Return settings as the JSON that `load_settings(Path("-"))` reads."""
    return json.dumps(asdict(settings))


def _parse(path: Path) -> dict[str, object]:
    if str(path) == "-":
        return dict(json.loads(sys.stdin.read()))
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
        if len(raw) > MAX_BYTES:
            raise ConfigError(f"settings file {path.name} is larger than {MAX_BYTES} bytes", "give a smaller file")
        return tomllib.loads(raw.decode())
    except OSError as error:
        raise ConfigError(
            f"settings file {path} cannot be read: {error.strerror}", "give another --config, or make it readable"
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"settings file {path} is not UTF-8 text", "save it as UTF-8, or give another file"
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"settings file {path} is not TOML: {error}", "correct the line that is named") from error


def _wrong(problems: tuple[str, ...]) -> ConfigError:
    count = len(problems)
    return ConfigError(
        f"{count} settings are wrong" if count > 1 else "a setting is wrong",
        "correct each line above; `platesieve run --help` names the options",
        problems,
    )


def _put(tree: dict[str, object], keys: list[str], value: object) -> None:
    for key in keys[:-1]:
        inner = tree.get(key)
        if not isinstance(inner, dict):
            inner = tree[key] = {}
        tree = inner
    tree[keys[-1]] = value


def _problem(fault: Mapping[str, object]) -> str:
    location = fault["loc"]
    dotted = ".".join(str(part) for part in location) if isinstance(location, tuple) else str(location)
    if fault["type"] == "unexpected_keyword_argument":
        return f"{dotted}: there is no such setting; remove it or correct its name"
    message = str(fault["msg"]).removeprefix("Input ").partition(", unable to parse")[0]
    return f"{dotted}: {message}"


def _beside(tree: dict[str, object], folder: Path, files: Mapping[str, Iterable[str]]) -> None:
    """Look for relative files beside the settings file; a name that is no file there stays (packs have names)."""
    for section, keys in files.items():
        table = tree.get(section) if section else tree
        if not isinstance(table, dict):
            continue
        for key in tuple(keys) or tuple(table):
            value = table.get(key)
            # An absolute name says where; it may lie where this process cannot even look, such as the uplink's folder.
            if isinstance(value, str) and not Path(value).is_absolute() and (folder / value).exists():
                table[key] = str(folder / value)
