"""A policy by name: a file where there is one, else a pack."""

from __future__ import annotations

from pathlib import Path

from platesieve.domain.errors import InputError
from platesieve.policy.packs import pack_text

MAX_BYTES = 1 << 20  # of which `load_policy` takes less, and says so


def policy_text(name: str) -> tuple[bytes, str]:
    """Return the bytes of a policy, and what to call it in problems.

    Args:
        name: a path, or the id of a pack; what ends in .toml is always a path.

    Raises:
        InputError: the file cannot be read.
        ConfigError: there is neither a file nor a pack of this name.
    """
    path = Path(name)
    if path.suffix != ".toml" and not path.is_file():
        return pack_text(name), f"{name}.toml"
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES), path.name
    except OSError as error:
        raise InputError(
            f"policy file {path.name} cannot be read: {error.strerror}", "give a file that exists and is readable"
        ) from error
