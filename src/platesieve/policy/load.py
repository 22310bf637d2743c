"""From the bytes of a policy file to a Policy, or to every fault in it at once."""

from __future__ import annotations

import copy
import re
import tomllib
from datetime import date
from functools import cache
from hashlib import sha256
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from platesieve.domain.errors import ConfigError
from platesieve.domain.folding import Folding
from platesieve.domain.match import Disposition
from platesieve.policy import actions, shape
from platesieve.policy import language as words
from platesieve.policy.checks import check_policy
from platesieve.policy.duration import parse_duration
from platesieve.policy.faults import describe, place_of, shown
from platesieve.policy.fields import Field
from platesieve.policy.lines import line_of, locate
from platesieve.policy.packs import pack_ids, pack_text
from platesieve.policy.stricter import widenings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from platesieve.policy.checks import Problem
    from platesieve.policy.lines import Path

MAX_BYTES = 64 * 1024
MAX_PROBLEMS = 100
MAX_LEVELS = 8
MAX_LINE = 1000
_SECTIONS = frozenset(Disposition)
_HARMLESS: dict[str, Any] = {
    "format": words.FORMAT,
    "id": "unnamed",
    "title": "unnamed",
    "version": "0-0",
    "jurisdiction": "any",
    "sources": [],
    "effective": date(1970, 1, 1),
    "mounts": ["fixed"],
    "reading": {"min_agreeing_frames": 1, "min_confidence": 1.0, "raw_lifetime": "1s"},
}  # stands in for what is wrong or missing while the rest is checked; never becomes a policy
_AT_LINE = re.compile(r" \(at line (\d+), column \d+\)$| \(at end of document\)$")


def load_policy(text: bytes, name: str) -> words.Policy:
    """Return the policy that a file holds.

    Args:
        text: the bytes of the file; its SHA-256 becomes the policy's.
        name: what to call the file in problems.

    Raises:
        ConfigError: `problems` names every fault as "name:line: what is wrong; what to do".
    """
    return _load(text, name, check_successor=True)


def load_pack(pack_id: str) -> words.Policy:
    """Return a policy that ships.

    Raises:
        ConfigError: there is no such pack.
    """
    return load_policy(pack_text(pack_id), f"{pack_id}.toml")


def _load(text: bytes, name: str, *, check_successor: bool) -> words.Policy:
    decoded, tree = _parse(text, name)
    lines = locate(decoded)
    checked, problems = _check_shape(tree)
    if checked is not None:
        policy = _build(checked, sha256(text).hexdigest())
        known = {path for path, _ in problems}
        contradictions = [(path, f"{shown(path)}: {problem}") for path, problem in check_policy(policy)]
        if check_successor:
            contradictions += [(("on_expiry",), f"on_expiry: {problem}") for problem in _check_successor(policy)]
        problems += [(path, problem) for path, problem in contradictions if not _about(path, known)]
        if not problems:
            return policy
    ordered = sorted(((line_of(path, lines) or 1, problem) for path, problem in problems))[:MAX_PROBLEMS]
    raise _refuse(name, tuple(f"{name}:{line}: {problem}" for line, problem in ordered))


def _parse(text: bytes, name: str) -> tuple[str, dict[str, Any]]:
    if len(text) > MAX_BYTES:
        raise _refuse(name, (f"{name}:1: is larger than {MAX_BYTES} bytes; a policy is a page or two",))
    for number, row in enumerate(text.split(b"\n"), start=1):
        if len(row) > MAX_LINE:  # the time tomllib takes for a dotted key grows with the square of its length
            raise _refuse(name, (f"{name}:{number}: is longer than {MAX_LINE} bytes; break the line",))
    try:
        decoded = text.decode()
        # tomllib counts lines by \n; a lone \r is not TOML and is refused by it
        tree = tomllib.loads(decoded)
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        raise _refuse(name, (f"{name}:{line}: is not UTF-8 text; save the file as UTF-8",)) from error
    except tomllib.TOMLDecodeError as error:
        raise _refuse(name, (_syntax_problem(str(error), name, text),)) from error
    except RecursionError as error:
        raise _refuse(name, (f"{name}:1: is nested too deeply; a policy has four levels",)) from error
    except ValueError as error:  # a number or date that Python cannot hold
        raise _refuse(
            name, (f"{name}:1: holds a number or date that is out of bounds; write a smaller one",)
        ) from error
    if _is_deep(tree):
        raise _refuse(name, (f"{name}:1: is nested too deeply; a policy has four levels",))
    return decoded, tree


def _is_deep(tree: dict[str, Any]) -> bool:
    """Return whether a tree has more levels than a policy could, without recursion: it may have thousands."""
    level: list[Any] = [tree]
    for _ in range(MAX_LEVELS):
        level = [
            inner
            for outer in level
            if isinstance(outer, (dict, list))
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
    return bool(level)


def _syntax_problem(message: str, name: str, text: bytes) -> str:
    found = _AT_LINE.search(message)
    line = found.group(1) if found and found.group(1) else str(text.count(b"\n") + 1)
    what = _AT_LINE.sub("", message)
    twice = what.startswith(("Cannot overwrite", "Cannot declare", "Cannot mutate", "Duplicate"))
    remedy = "give each key once" if twice else "correct the line"
    return f"{name}:{line}: is not TOML: {what}; {remedy}"


def _check_shape(tree: dict[str, Any]) -> tuple[shape.PolicyShape | None, list[Problem]]:
    """Return the checked tree and its problems.

    Where values are wrong, they are left out and the rest is checked again, so that contradictions in what
    is well written are named in the same run.
    """
    try:
        return shape.PolicyShape.model_validate(tree), []
    except ValidationError as error:
        problems, rest = [], copy.deepcopy(tree)
        for fault in error.errors(include_url=False, include_input=False):
            path = place_of(fault, tree)
            problems.append((path, describe(fault, path, _keys())))
            _leave_out(rest, path)
    _fill(rest)
    try:
        return shape.PolicyShape.model_validate(rest), problems
    except ValidationError:
        return None, problems


def _leave_out(tree: dict[str, Any], path: Path) -> None:
    """Take a wrong value out, with as much around it as means nothing without it: a whole action, or a section."""
    section = tree.get(str(path[0])) if path[0] in _SECTIONS else None
    if section is not None and path[1:2] != ("fields",):
        if isinstance(section, dict) and path[1:2] == ("retention",):
            section["retention"] = "3660d"
        elif isinstance(section, dict) and path[1:2] == ("collector",):
            del section["collector"]
        else:
            del tree[str(path[0])]
        return
    depth = 3 if path[0] in _SECTIONS else 1 if isinstance(tree.get(str(path[0])), list) else 2
    here: Any = tree
    for part in path[: depth - 1][: len(path) - 1]:
        here = here.get(part) if isinstance(here, dict) else None
    if isinstance(here, dict):
        here.pop(path[:depth][-1], None)


def _fill(tree: dict[str, Any]) -> None:
    """Put something harmless where a required value was taken out."""
    for key, value in _HARMLESS.items():
        here = tree.setdefault(key, copy.deepcopy(value))
        if isinstance(value, dict) and isinstance(here, dict):
            for inner, inner_value in value.items():
                here.setdefault(inner, inner_value)


def _check_successor(policy: words.Policy) -> Iterator[str]:
    """Yield why the pack named by `on_expiry` may not take over. Its own successor is not followed."""
    name = policy.on_expiry
    if name is None:
        return
    if name == policy.id:
        yield "names the policy itself; name a stricter pack"
    elif name not in pack_ids():
        yield f"names {name}, which does not ship; name one of {', '.join(pack_ids())}"
    else:
        successor = _load(pack_text(name), f"{name}.toml", check_successor=False)
        yield from (f"{widening}; name a stricter pack" for widening in widenings(successor, policy))


def _about(path: Path, known: set[Path]) -> bool:
    """Return whether a contradiction may only follow from a value that is named already."""
    return any(path[: len(other)] == other or other[: len(path)] == path for other in known)


@cache
def _keys() -> frozenset[str]:
    shapes = (part for part in vars(shape).values() if isinstance(part, type) and issubclass(part, BaseModel))
    return frozenset(key for part in shapes for key in part.model_fields)


def _refuse(name: str, problems: tuple[str, ...]) -> ConfigError:
    return ConfigError(
        f"policy {name} has {len(problems)} fault{'s' if len(problems) != 1 else ''}",
        "correct each line that is named; `platesieve policy show us-mn` prints a policy that is right",
        problems,
    )


def _build(checked: shape.PolicyShape, digest: str) -> words.Policy:
    return words.Policy(
        id=checked.id,
        title=checked.title,
        version=checked.version,
        jurisdiction=checked.jurisdiction,
        sources=tuple(words.Source(source.url, source.read, source.verified) for source in checked.sources),
        effective=checked.effective,
        expires=checked.expires,
        on_expiry=checked.on_expiry,
        mounts=tuple(checked.mounts),
        reading=words.Reading(
            checked.reading.min_agreeing_frames,
            checked.reading.min_confidence,
            parse_duration(checked.reading.raw_lifetime),
        ),
        hit=_section(checked.hit),
        miss=_section(checked.miss),
        unsure=_section(checked.unsure),
        hotlists=words.ListRules(
            parse_duration(checked.hotlists.max_age),
            parse_duration(checked.hotlists.manual_entries.expires) if checked.hotlists.manual_entries else 0,
        ),
        holds=words.HoldRules(parse_duration(checked.holds.longest), "plate" in checked.holds.of)
        if checked.holds
        else None,
        folding=Folding(tuple(checked.folding)),
        log_of_use=checked.log_of_use.period if checked.log_of_use else None,
        sha256=digest,
        operators=tuple(checked.operators),
        requires=frozenset(words.Requirement(name) for name in checked.requires),
        clauses=tuple(words.Clause(row.clause, row.rule, row.test, row.verified) for row in checked.clauses),
        outside=tuple(checked.outside),
    )


def _section(checked: shape.SectionShape) -> words.Section:
    counts = checked.aggregate
    return words.Section(
        retention_s=parse_duration(checked.retention),
        publish=words.Publish(checked.publish),
        rules=MappingProxyType(dict(_rules(checked.fields))),
        aggregate=words.Aggregate(
            parse_duration(counts.window), counts.suppress_below, parse_duration(counts.retention)
        )
        if counts
        else None,
        collector=checked.collector,
    )


def _rules(fields: shape.FieldsShape) -> Iterator[tuple[Field, words.Rule]]:
    for field in Field:
        written = getattr(fields, field.value)
        if written is not None:
            yield field, words.Rule(_action(written), written.why)


def _action(written: Any) -> actions.Action:
    match written:
        case shape.CoarsenTimeShape(to=to):
            return actions.ToPeriod(parse_duration(to))
        case shape.CoarsenPlaceShape(to=to):
            return actions.ToCell(*shape.parse_cell(to))
        case shape.CoarsenNumberShape(to=to):
            return actions.ToStep(to)
        case shape.CoarsenRegionShape():
            return actions.ToCountry()
        case _:
            return _other_action(written)


def _other_action(written: Any) -> actions.Action:
    match written:
        case shape.KeepShape():
            return actions.Keep()
        case shape.SealPictureShape(to=to, format=sealed_as):
            return actions.Seal(to, actions.SealFormat(sealed_as))
        case shape.SealShape(to=to):
            return actions.Seal(to)
        case shape.PseudonymShape(epoch=epoch, scope=scope):
            return actions.Pseudonym(parse_duration(epoch), actions.Scope(scope))
        case _:
            return actions.Drop()
