"""What figures were measured with: both released models, and the code that stands around them.

A figure of the detector that a reader has a say in is no figure of the next reader, nor of the next way of reading.
Other models are refused; other code is said at the end of the card, because most changes of it change no figure.
"""

from __future__ import annotations

import ast
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.common.release import sha256

if TYPE_CHECKING:
    from collections.abc import Mapping

SOURCE = Path(__file__).parents[2] / "src" / "platesieve"
AROUND = (
    "vision/*.py",
    "vision/patterns.json",
    "flow/search.py",
    "flow/several_looks.py",
    "adapters/networks/onnx_models.py",
)
"""What decides beside the weights: pictures in, texts out, formats, looks, scores from which something counts."""
ROLES = ("detector", "reader")


def code_digest(source: Path = SOURCE) -> str:
    """Return a SHA-256 of what the code around the models does: comments, docstrings and layout do not count.

    The same on every Python that runs this.

    Raises:
        FileNotFoundError: a file is not where this module looks for it.
    """
    whole = hashlib.sha256()
    for pattern in AROUND:
        files = sorted(source.glob(pattern))
        if not files:
            raise FileNotFoundError(source / pattern)
        for file in files:
            text = file.read_text(encoding="utf-8")
            does = _does(ast.parse(text)) if file.suffix == ".py" else text
            whole.update(f"{file.relative_to(source)}\n{does}\n".encode())
    return whole.hexdigest()


def _does(node: object) -> str:
    """Return a tree as text, without what says nothing to the machine; fields of later Pythons are empty here."""
    if isinstance(node, list):
        return "[" + ",".join(_does(each) for each in node if not _is_text_alone(each)) + "]"
    if isinstance(node, ast.AST):
        fields = ((name, value) for name, value in ast.iter_fields(node) if value not in (None, []))
        return f"{type(node).__name__}({','.join(f'{name}={_does(value)}' for name, value in fields)})"
    return repr(node)


def _is_text_alone(node: object) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def measured_with(manifest: Mapping[str, Any], folder: Path) -> dict[str, str]:
    """Return the SHA-256 of both models and of the code around them, as measured.json holds them.

    Args:
        manifest: tables of released.toml.
        folder: with its files.
    """
    files = {role: sha256(folder / manifest[role]["file"]) for role in ROLES}
    return files | {"code": code_digest(), "bars": bars(manifest)}


def bars(manifest: Mapping[str, Any]) -> str:
    """Return what released.toml lets the reader's probabilities count for."""
    return ", ".join(f"{key} {manifest['reader'].get(key)}" for key in ("temperature", "least_plateness"))


def refuse_others(role: str, manifest: Mapping[str, Any], measured: Mapping[str, Any]) -> None:
    """Refuse figures of other models than those of the manifest.

    Raises:
        SystemExit: the model itself or the one it was measured with is another; says what to run.
    """
    again = f"run `python -m models.{role}.measure` first"
    if measured["sha256"] != manifest[role]["sha256"]:
        raise SystemExit(f"models/{role}/measured.json is of another file: {again}")
    known = measured.get("measured_with", {})
    if known.get("bars", bars(manifest)) != bars(manifest):
        raise SystemExit(f"models/{role}/measured.json was measured with {known['bars']} of the reader: {again}")
    for other, sha in known.items():
        if other in ROLES and sha != manifest[other]["sha256"]:
            raise SystemExit(f"models/{role}/measured.json was measured with another {other} than is released: {again}")


def told(role: str, measured: Mapping[str, Any], code: str) -> str:
    """Return what a card says about it.

    Args:
        role: whose card it is.
        measured: the figures.
        code: digest of the code as it is now.
    """
    known = measured.get("measured_with")
    other = ROLES[1 - ROLES.index(role)]
    if known is None:
        return f"With which {other}, and with which code around both, these figures were measured was not recorded.\n"
    pair = f"Measured with the {other} `{known[other][:12]}` and the code around both `{known['code'][:12]}`"
    if known["code"] == code:
        return f"{pair}, as they are now.\n"
    return f"{pair}. **That code has changed since**: `python -m models.{role}.measure` says what they are now.\n"
