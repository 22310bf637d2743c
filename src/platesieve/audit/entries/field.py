"""What the fields of entries are made of: an annotation says which word a field holds, and building one checks it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, get_type_hints

from platesieve.audit import words
from platesieve.domain.decision import Reason

if TYPE_CHECKING:
    from platesieve.audit.words import Word

Time: TypeAlias = Annotated[int, words.MOMENT]
Count: TypeAlias = Annotated[int, words.COUNT]
Name: TypeAlias = Annotated[str, words.NAME]
Version: TypeAlias = Annotated[str, words.VERSION]
Hash: TypeAlias = Annotated[str, words.SHA256]
Token: TypeAlias = Annotated[str, words.TOKEN]
DevicePath: TypeAlias = Annotated[str, words.DEVICE]
ListAndCategory: TypeAlias = Annotated[str, words.LIST_AND_CATEGORY]
MaybeTime: TypeAlias = Annotated[int | None, words.Maybe(words.MOMENT)]
MaybeCount: TypeAlias = Annotated[int | None, words.Maybe(words.COUNT)]
MaybeName: TypeAlias = Annotated[str | None, words.Maybe(words.NAME)]
MaybeVersion: TypeAlias = Annotated[str | None, words.Maybe(words.VERSION)]
MaybeHash: TypeAlias = Annotated[str | None, words.Maybe(words.SHA256)]
MaybeToken: TypeAlias = Annotated[str | None, words.Maybe(words.TOKEN)]
Names: TypeAlias = Annotated[tuple[str, ...], words.Several(words.NAME)]
HitCounts: TypeAlias = Annotated[Mapping[str, int], words.Tallies(words.LIST_AND_CATEGORY)]
ReasonCounts: TypeAlias = Annotated[Mapping[str, int], words.Tallies(words.Choice(Reason))]


class Checked:
    """Checks its fields when built, so that an entry that exists is valid."""

    __slots__ = ()

    def __post_init__(self) -> None:
        for name, word in words_of(type(self)).items():
            object.__setattr__(self, name, word.admit(getattr(self, name)))


def words_of(kind: type[Any]) -> dict[str, Word]:
    """Return the Word of each field of a kind of entry, from its annotation."""
    key: Any = kind  # a class is hashable, whatever its instances are
    return _words_of(key)


@cache
def _words_of(kind: Any) -> dict[str, Word]:
    hints = get_type_hints(kind, include_extras=True)
    return {field.name: hints[field.name].__metadata__[0] for field in fields(kind)}
