"""The policies that ship with the product, as text."""

from __future__ import annotations

from importlib.resources import files

from platesieve.domain.errors import ConfigError

_PACKAGE = "platesieve.policy"
_FOLDER = "packs"


def pack_ids() -> tuple[str, ...]:
    """Return the ids of the policies that ship."""
    names = (entry.name for entry in files(_PACKAGE).joinpath(_FOLDER).iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml")))


def pack_text(pack_id: str) -> bytes:
    """Return the bytes of a pack.

    Raises:
        ConfigError: there is no such pack.
    """
    known = pack_ids()
    if pack_id not in known:
        raise ConfigError(f"there is no policy pack {pack_id[:40]!r}", f"choose one of {', '.join(known)}")
    return files(_PACKAGE).joinpath(_FOLDER, f"{pack_id}.toml").read_bytes()
