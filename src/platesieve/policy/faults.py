"""Say what is wrong with a value of a policy file, and what to write instead."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Any

from platesieve.policy.actions import COARSENED_TO, legal_actions
from platesieve.policy.fields import Field

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from platesieve.policy.lines import Path

_BARE = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)  # what needs no quotes in TOML
_ALL_ACTIONS = frozenset({"keep", "drop", "coarsen", "pseudonym", "seal"})
_NEAR = 0.75  # "confidense" is near to "confidence"; "colour" is not near to "collector"
_REMEDIES = {
    "string_type": "put it in quotes",
    "int_type": "write a whole number without quotes",
    "int_from_float": "write a whole number without a point",
    "float_type": "write a number without quotes",
    "bool_type": "write true or false without quotes",
    "date_type": "write a date without quotes, for example 2026-11-22",
    "dict_type": "write a table: { ... } or [name]",
    "model_type": "write a table: { ... } or [name]",
    "list_type": "write a list: [ ... ]",
    "model_attributes_type": 'write a table, for example { action = "drop" }',
    "string_pattern_mismatch": "",
    "literal_error": "",
}
_PATTERNS = {
    "id": 'write small letters, digits and dashes, for example "us-mn"',
    "on_expiry": 'write the id of a pack, for example "hits-only"',
    "to": 'write small letters, digits and dashes, for example "agency"',
    "collector": 'write small letters, digits and dashes, for example "agency"',
    "version": 'write numbers with dots or dashes, for example "2026-11-22"',
    "jurisdiction": 'write an ISO 3166 code such as "US-MN" or "DE", or "any"',
    "url": "write an address that begins with https://",
    "read": 'write a date in quotes, for example "2026-11-22"',
}


def shown(path: Path) -> str:
    """Return a path as people write it: hit.fields.plate, sources[0].url."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += ("." if text else "") + (part[:40] if _BARE.fullmatch(part) else ascii(part[:40]))
    return text


def place_of(fault: Mapping[str, Any], tree: Any) -> Path:
    """Return where a fault is, without the names that pydantic gives to the members of a union."""
    path: Path = ()
    here = tree
    parts = fault["loc"]
    for number, part in enumerate(parts):
        if (isinstance(here, dict) and part in here) or (
            isinstance(here, list) and isinstance(part, int) and part < len(here)
        ):
            here = here[part]
        elif number + 1 < len(parts) or fault["type"] != "missing":
            continue  # a name that stands nowhere in the file
        path = (*path, part)
    return path


def describe(fault: Mapping[str, Any], path: Path, keys: Iterable[str]) -> str:
    """Return one fault as "what is wrong; what to do"."""
    kind, name = fault["type"], shown(path) or "the policy"
    if kind == "missing":
        return f"{name} is missing; add it"
    if kind == "extra_forbidden":
        near = difflib.get_close_matches(str(path[-1]), list(keys), n=1, cutoff=_NEAR)
        return f"{name}: there is no such key here; " + (f"did you mean {near[0]}?" if near else "remove it")
    if kind in {"union_tag_invalid", "union_tag_not_found"}:
        return f"{name}: {_action_fault(fault, path)}"
    message = str(fault["msg"]).replace("Input should", "should")
    remedy = _PATTERNS.get(str(path[-1])) if kind == "string_pattern_mismatch" and path else _REMEDIES.get(kind)
    if kind == "string_pattern_mismatch":
        message = "is not written as it must be"
    return f"{name}: {message}" if kind == "policy" else f"{name}: {message}; {remedy or 'correct the value'}"


def _action_fault(fault: Mapping[str, Any], path: Path) -> str:
    """Say which actions a field may have."""
    field = next((Field(part) for part in reversed(path) if part in set(Field)), None)
    legal = "keep, drop, seal" if field is None else ", ".join(legal_actions(field))
    if fault["type"] == "union_tag_not_found":
        return f"has no action; write one of {legal}"
    tag = str(fault["ctx"]["tag"])[:40]
    if tag not in _ALL_ACTIONS:
        return f"there is no action {tag!r}; write one of {legal}"
    only = f" (only {' and '.join(COARSENED_TO)} can be coarsened)" if tag == "coarsen" else ""
    return f"{tag} has no meaning for {field}{only}; write one of {legal}"
